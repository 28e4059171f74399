"""The same BLAS kernels on every machine, so that fits are compared to the bit on all of them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["use_one_blas"]

CPUINFO = Path("/proc/cpuinfo")


def use_one_blas() -> None:
    """Ask OpenBLAS for its kernels of AVX2, where there are any; call it before numpy's import."""
    if CPUINFO.exists() and " avx2 " in CPUINFO.read_text():
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
