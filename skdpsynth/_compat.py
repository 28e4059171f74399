"""Every version-dependent name of jax that the package uses, in one place."""

from __future__ import annotations

import jax

try:
    enable_x64 = jax.enable_x64  # jax >= 0.8
except AttributeError:
    from jax.experimental import enable_x64

__all__ = ["enable_x64"]
