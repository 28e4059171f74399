"""What the release code hands to the mechanisms, on one table and on its neighbour."""

from __future__ import annotations

import math
import pickle
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple
from unittest import mock

import numpy as np

from skdpsynth.privacy import PrivacyLedger, exponential_mechanism, gaussian_release

__all__ = ["PublicDifference", "Release", "Tape", "record_pair"]


# calls mechanisms as release code does
MECHANISMS = f"{__package__}.mechanisms"


class Release(NamedTuple):
    """One call of `gaussian_release`: the exact statistic, and what is public of the call."""

    name: str
    statistic: np.ndarray
    sensitivity: float
    mu: float
    grid: float | None
    ledger: PrivacyLedger

    @property
    def public(self) -> tuple[Any, ...]:
        """What must not depend on the rows but through earlier releases."""
        return self.name, self.statistic.shape, self.sensitivity, self.mu, self.grid


class PublicDifference(AssertionError):
    """Neighbouring tables differ in what a release shows beside its noisy values."""


class Tape:
    """Stands for the mechanisms: notes each call, and answers as it did on the first table."""

    def __init__(self) -> None:
        self.gaussian: list[list[Release]] = []
        self.selections: list[list[tuple[np.ndarray, float, float]]] = []
        self._answers: list[Any] = []
        self._position = 0

    def record(self, run: Callable[[], object]) -> None:
        """Run release code once; from the second time on with the outputs of the first."""
        self.gaussian.append([])
        self.selections.append([])
        self._position = 0
        stand_ins = {
            "gaussian_release": self._gaussian_release,
            "exponential_mechanism": self._exponential_mechanism,
        }
        with ExitStack() as stack:
            for name, stand_in in stand_ins.items():
                for module in modules_with(name):
                    stack.enter_context(mock.patch.object(module, name, stand_in))
            run()

    def _answer(self, mechanism: Callable[..., Any], *args: Any, **options: Any) -> Any:
        # called each time, because it charges the ledger and moves the noise on
        answer = mechanism(*args, **options)
        if len(self.gaussian) == 1:
            self._answers.append(answer)
        elif self._position >= len(self._answers):
            raise PublicDifference("one table of the pair has more releases than the other")
        self._position += 1
        return self._answers[self._position - 1]

    def _gaussian_release(self, statistic: Any, **options: Any) -> np.ndarray:
        exact = np.array(statistic, dtype=np.float64)
        release = Release(
            options["name"],
            exact,
            options["sensitivity"],
            options["mu"],
            options.get("grid"),
            options["ledger"],
        )
        self.gaussian[-1].append(release)
        return self._answer(gaussian_release, statistic, **options)

    def _exponential_mechanism(self, scores: Any, **options: Any) -> int:
        exact = np.array(scores, dtype=np.float64)
        self.selections[-1].append((exact, options["sensitivity"], options["epsilon"]))
        return self._answer(exponential_mechanism, scores, **options)


def modules_with(name: str) -> list[Any]:
    """Return the modules of release code that have imported something of the privacy package."""
    return [
        module
        for key, module in sorted(sys.modules.items())
        if (key.startswith("skdpsynth.") or key == MECHANISMS)
        and not key.startswith("skdpsynth.privacy")
        and hasattr(module, name)
    ]


def record_pair(
    run: Callable[[Any, PrivacyLedger], object],
    tables: tuple[Any, Any],
    new_ledger: Callable[[], PrivacyLedger],
) -> tuple[list[tuple[Release, Release]], Tape, PrivacyLedger]:
    """Run release code on two neighbouring tables, the outputs of the first run fixed.

    Parameters
    ----------
    run : callable
        Takes a table and a ledger, makes all releases of a fit, and returns what leaves it.
    tables : pair
        D and D'.
    new_ledger : callable
        Makes a fresh ledger for each run.

    Returns
    -------
    pairs : list of (Release, Release)
    tape : Tape
    ledger : PrivacyLedger
        Of the first run.

    Raises
    ------
    PublicDifference
        If anything but the statistics differs.
    """
    tape = Tape()
    ledgers, results = [], []
    for table in tables:
        ledger = new_ledger()
        ledgers.append(ledger)
        tape.record(lambda table=table, ledger=ledger: results.append(run(table, ledger)))
    first, second = tape.gaussian
    if len(first) != len(second):
        raise PublicDifference(f"{len(first)} releases on one table, {len(second)} on the other")
    for one, other in zip(first, second, strict=True):
        if one.public != other.public:
            raise PublicDifference(f"{one.public} on one table, {other.public} on the other")
    if ledgers[0] != ledgers[1]:
        raise PublicDifference("the ledgers of the two tables differ")
    if pickle.dumps(results[0]) != pickle.dumps(results[1]):
        raise PublicDifference("what leaves the release differs, though all outputs are the same")
    return list(zip(first, second, strict=True)), tape, ledgers[0]


def charged_mu(ledger: PrivacyLedger) -> float:
    """Return the μ of all Gaussian events in a ledger together."""
    return math.sqrt(math.fsum(getattr(event, "mu", 0.0) ** 2 for event in ledger.events))
