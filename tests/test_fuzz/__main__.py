"""Play all inputs, or one again: ``python -m test_fuzz [kind [number]]``."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from .kinds import KINDS
from .outcomes import Outcome, play

RESULTS = Path(__file__).resolve().parents[2] / "doc" / "privacy" / "fuzz_results.csv"
ENDINGS = ("success", "our error", "ValueError or TypeError", "missing extra", "FAULT")


def play_kind(kind: str, numbers: range) -> list[Outcome]:
    """Play inputs of one kind, and show those that end as none should."""
    outcomes = []
    for number in numbers:
        outcome = play(kind, number, KINDS[kind][0])
        outcomes.append(outcome)
        if outcome.is_fault or len(numbers) == 1:
            sys.stdout.write(f"{kind} {number}: {outcome.ending}: {outcome.detail}\n")
            sys.stdout.flush()
    return outcomes


def main(kinds: list[str], number: int | None = None) -> int:
    """Return 1 if some input ends as none should."""
    start, n_faults, lines = time.perf_counter(), 0, []
    for kind in kinds:
        numbers = range(KINDS[kind][1]) if number is None else range(number, number + 1)
        counts = Counter(outcome.ending for outcome in play_kind(kind, numbers))
        n_faults += counts["FAULT"]
        lines.append(",".join([kind, str(len(numbers)), *(str(counts[e]) for e in ENDINGS)]))
        sys.stdout.write(f"{kind}: {dict(counts)}\n")
        sys.stdout.flush()
    minutes = (time.perf_counter() - start) / 60
    sys.stdout.write(f"{minutes:.1f} minutes, {n_faults} faults\n")
    if number is None and kinds == list(KINDS):
        header = ",".join(["kind", "inputs", *ENDINGS[:-1], "faults"])
        RESULTS.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    return 1 if n_faults else 0


if __name__ == "__main__":
    chosen, numbers = sys.argv[1:2] or list(KINDS), [int(text) for text in sys.argv[2:3]]
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        # a path among the inputs must not end up in the repository
        sys.exit(main(chosen, *numbers))
