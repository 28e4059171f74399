"""Run the whole audit and store what it found: ``python -m test_privacy.audit``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from skdpsynth.privacy import NoiseSource

from .cases import Measured, all_cases, audit_case
from .mechanisms import MECHANISMS

RESULTS = Path(__file__).resolve().parents[3] / "doc" / "privacy" / "audit_results.csv"
HEADER = "release,pair,adjacency,quantity,charged,shown,ratio,required\n"


def measure_all() -> Iterator[Measured]:
    """Play every game, with noise from the operating system."""
    for audit in MECHANISMS.values():
        yield audit(NoiseSource())
    for case in all_cases():
        yield audit_case(case, NoiseSource())


def as_line(measured: Measured) -> str:
    """Return one line of the table of results."""
    names = ",".join(f'"{name}"' for name in measured.case)
    required = f"{measured.least_ratio:g}" if measured.least_ratio else "-"
    return (
        f"{names},{measured.quantity},{measured.claimed:.4g},{max(measured.bound, 0.0):.4g},"
        f"{max(measured.ratio, 0.0):.3f},{required}\n"
    )


def main() -> int:
    """Return 1 if some release reveals more than charged, or some audit shows too little."""
    start, lines, failures = time.perf_counter(), [], []
    for measured in measure_all():
        line = as_line(measured)
        lines.append(line)
        sys.stdout.write(line)
        sys.stdout.flush()
        if measured.is_violated or measured.is_blind:
            failures.append(line)
    minutes = (time.perf_counter() - start) / 60
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(HEADER + "".join(lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} audits in {minutes:.1f} minutes, {len(failures)} failures\n")
    for line in failures:
        sys.stdout.write(f"FAILED {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
