"""How much memory a process has resident, and the most it had since a moment."""

from __future__ import annotations

import re
import sys
from pathlib import Path

__all__ = ["peak_memory", "reset_peak", "resident_memory"]

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Forget the most memory so far, where the system can; imports and tables come before."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def resident_memory() -> float:
    """Return the MB that this process has resident, NaN where the system does not say."""
    return _read_status("VmRSS")


def peak_memory() -> float:
    """Return the most MB that this process had resident, NaN where the system does not say."""
    # not getrusage first: on Linux a child begins with the maximum of its parent
    peak = _read_status("VmHWM")
    if peak == peak:
        return peak
    try:
        import resource
    except ImportError:
        return float("nan")
    unit = 1e6 if sys.platform == "darwin" else 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _read_status(field: str) -> float:
    try:
        found = re.search(rf"{field}:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        return float("nan")
    return int(found[1]) * 1024 / 1e6 if found else float("nan")
