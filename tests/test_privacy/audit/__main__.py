"""Run the whole audit and store what it found: ``python -m test_privacy.audit``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from skdpsynth.privacy import NoiseSource

from ..stored import show_and_store
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
    ended = ((as_line(found), found.is_violated or found.is_blind) for found in measure_all())
    return show_and_store(ended, RESULTS, HEADER, "audits")


if __name__ == "__main__":
    sys.exit(main())
