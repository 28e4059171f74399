"""What all tests share: compiled programs, one thread, and how often properties are tried.

More than half of the tests' time goes to compiling, often the same programs: in every worker, every
subprocess and every run. They are kept in pytest's own cache, where all of them look.
"""

from __future__ import annotations

import gc
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from one_blas import use_one_blas

LARGEST_STORE = 2**29
# of a worker's memory; the programs of all modules would take three times as much
LARGEST_PROCESS = 2 * 2**30

# the long run (make test-slow) has the second; both try the same examples in every run
settings.register_profile("fast", max_examples=25, deadline=None, derandomize=True)
settings.register_profile("slow", max_examples=500, deadline=None, derandomize=True)
settings.load_profile("fast")


@pytest.fixture(scope="module")
def quick_compilation() -> Iterator[None]:
    """Compile with little optimisation while a module runs, its subprocesses included.

    For modules whose many programs run on small tables and whose tests do not depend on last bits.
    Nothing that is compiled so is left to the modules after it.
    """
    # not above: it reads the environment that pytest_configure sets
    import jax

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
        jax.config.update("jax_disable_most_optimizations", True)
        try:
            yield
        finally:
            jax.config.update("jax_disable_most_optimizations", False)
            jax.clear_caches()


def pytest_configure(config: pytest.Config) -> None:
    # workers and subprocesses are given it by the environment, which is read as jax is imported
    if "PYTEST_XDIST_WORKER" in os.environ:
        return
    # as many workers as cores: threads of theirs would only wait for each other
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    use_one_blas()
    if hasattr(config, "cache"):
        store = config.cache.mkdir("compiled")
        discard_what_is_damaged(store)
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(store))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")


@pytest.fixture(autouse=True, scope="module")
def _programs_are_let_go():
    """Forget compiled programs after a module that leaves many; the store still has them."""
    yield
    if "jax" in sys.modules and process_bytes() > LARGEST_PROCESS:
        sys.modules["jax"].clear_caches()
        gc.collect()


def process_bytes() -> int:
    """Return the resident memory of this process, or 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return 0
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def discard_what_is_damaged(store: Path) -> None:
    """Remove programs that a process that was killed has written half of, and all if many.

    jax would compile them anew in every run, with a warning: it does not replace them.
    """
    entries = list(store.iterdir())
    is_large = sum(entry.stat().st_size for entry in entries) > LARGEST_STORE
    for entry in entries:
        if is_large or not is_whole(entry.read_bytes()):
            entry.unlink()


def is_whole(entry: bytes) -> bool:
    """Return whether a program was written to its end, if it is of the format known here."""
    is_zlib = entry[:1] == b"\x78"
    if not is_zlib:
        return len(entry) > 0
    try:
        zlib.decompress(entry)
    except zlib.error:
        return False
    return True
