"""Every version-dependent name of jax that the package uses, in one place."""

from __future__ import annotations

from typing import Any

import jax

if hasattr(jax, "enable_x64"):
    enable_x64: Any = jax.enable_x64
else:  # jax < 0.8
    import jax.experimental

    enable_x64 = jax.experimental.enable_x64  # type: ignore[attr-defined]

__all__ = ["enable_x64"]
