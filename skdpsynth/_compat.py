"""Every version-dependent name of jax that the package uses, in one place."""

from __future__ import annotations

import inspect
from functools import partial
from typing import Any

import jax

if hasattr(jax, "enable_x64"):
    enable_x64: Any = jax.enable_x64
else:  # jax < 0.8
    import jax.experimental

    enable_x64 = jax.experimental.enable_x64  # type: ignore[attr-defined]

# jax.jit for a program that runs once, on little: optimising it would take longer than running it
if "compiler_options" in inspect.signature(jax.jit).parameters:
    jit_of_one_run: Any = partial(
        jax.jit,
        compiler_options={
            "xla_backend_optimization_level": 0,
            "xla_llvm_disable_expensive_passes": True,
        },
    )
else:  # jax < 0.5
    jit_of_one_run = jax.jit

__all__ = ["enable_x64", "jit_of_one_run"]
