"""A desk that notes what release code buys, on one table and on its neighbour."""

from __future__ import annotations

import math
import pickle
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from skdpsynth.privacy import (
    GradientNoise,
    HistogramPlan,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
)

__all__ = ["PublicDifference", "Release", "TapedDesk", "charged_mu", "record_desks", "record_pair"]

# a grid so coarse that all sums are rounded to 0, and whose square is a float32
SWALLOWING = 2.0**60


class Release(NamedTuple):
    """One Gaussian release: the exact statistic, and what is public of it."""

    name: str
    statistic: np.ndarray
    sensitivity: float
    mu: float
    grid: float | None
    ledger: PrivacyLedger


class PublicDifference(AssertionError):
    """Two tables differ in what a release shows beside its noisy values."""


class _SwallowingNoise(GradientNoise):
    """Noise on a grid so coarse that sums are lost when rounded to it: outputs that are fixed."""

    def draw(self, n_steps: int, n_coordinates: int) -> np.ndarray:
        return np.random.default_rng(0).choice([-1, 1], (n_steps, n_coordinates))


class TapedDesk(Mechanisms):
    """Notes each call, and answers as it did on the first table.

    Parameters
    ----------
    ledger : PrivacyLedger
    noise : NoiseSource
    first : TapedDesk, default=None
        The desk of the first table; without it this is the first.

    Attributes
    ----------
    gaussians : list of Release
    public : list of tuple
        Of every call, what must not depend on the rows but through earlier releases.
    answers : list
        Of every call that gives one.
    selections : list of (ndarray, float)
        Scores of every selection by the exponential mechanism, and their sensitivity.
    """

    def __init__(
        self, ledger: PrivacyLedger, noise: NoiseSource, first: TapedDesk | None = None
    ) -> None:
        super().__init__(ledger, noise)
        self.gaussians: list[Release] = []
        self.public: list[tuple[Any, ...]] = []
        self.answers: list[Any] = []
        self.selections: list[tuple[np.ndarray, float]] = []
        self._first = first

    def _note(self, *public: Any) -> None:
        self.public.append(public)
        if self._first is None:
            return
        expected = self._first.public[len(self.public) - 1 : len(self.public)]
        if not expected:
            raise PublicDifference(f"{public} on one table, nothing more on the other")
        if public != expected[0]:
            raise PublicDifference(f"{public} on one table, {expected[0]} on the other")

    def _answer(self, drawn: Any) -> Any:
        # always drawn, because that charges the ledger
        self.answers.append(
            drawn if self._first is None else self._first.answers[len(self.answers)]
        )
        return self.answers[-1]

    def gaussian(self, statistic: Any, **options: Any) -> np.ndarray:
        """Note a statistic."""
        exact = np.array(statistic, dtype=np.float64)
        self._note("gaussian", exact.shape, sorted(options.items()))
        of_release = (options["sensitivity"], options["mu"], options.get("grid"), self._ledger)
        self.gaussians.append(Release(options["name"], exact, *of_release))
        return np.array(self._answer(super().gaussian(statistic, **options)))

    def exponential(self, scores: Any, **options: Any) -> int:
        """Note a selection."""
        self._note("exponential", np.shape(scores), sorted(options.items()))
        self.selections.append((np.array(scores, dtype=np.float64), options["sensitivity"]))
        return int(self._answer(super().exponential(scores, **options)))

    def stable_histograms(
        self, counts: Sequence[Any], plan: HistogramPlan, *, name: str
    ) -> list[np.ndarray]:
        """Note a release of stable histograms, but not how many values there are.

        Which values there are is private, and the desk does not see them: those that are released
        must come first, in one order, in both tables.
        """
        self._note("stable_histograms", plan, name)
        released = self._answer(super().stable_histograms(counts, plan, name=name))
        return [_resize(noisy, len(own)) for noisy, own in zip(released, counts, strict=True)]

    def subsampled_gaussian(self, **options: Any) -> GradientNoise:
        """Note clipped gradients, whose sums are to be the same on both tables."""
        self._note("subsampled_gaussian", sorted(options.items()))
        noise = super().subsampled_gaussian(**options)
        return _SwallowingNoise(noise.multiplier, noise.scale, SWALLOWING, self._noise)

    def without_replacement_gaussian(self, **options: Any) -> float:
        """Note clipped gradients."""
        self._note("without_replacement_gaussian", sorted(options.items()))
        return super().without_replacement_gaussian(**options)

    def mark_unproven(self, claim: str) -> None:
        """Note a claim."""
        self._note("mark_unproven", claim)
        super().mark_unproven(claim)

    def progress(self, n_steps: int = 1) -> None:
        """Note what a progress bar shows."""
        self._note("progress", n_steps)
        super().progress(n_steps)

    def seed_bits(self) -> int:
        """Return the same seed on both tables: tables of other sizes move the noise on further."""
        self._note("seed_bits")
        return int(self._answer(super().seed_bits()))

    def generator(self) -> np.random.Generator:
        """Return the same generator on both tables."""
        return np.random.Generator(np.random.PCG64(self.seed_bits()))


def _resize(noisy: np.ndarray, n_values: int) -> np.ndarray:
    """Return a histogram for a table that has more or fewer values, none of them frequent."""
    if not np.isnan(noisy[n_values:]).all():
        raise ValueError("a value that was released on the first table is missing on the second")
    return np.concatenate([noisy[:n_values], np.full(max(n_values - len(noisy), 0), np.nan)])


def record_pair(
    run: Callable[[Any, Mechanisms], object],
    tables: tuple[Any, Any],
    new_ledger: Callable[[], PrivacyLedger],
    fault: type[Mechanisms] | None = None,
) -> tuple[list[tuple[Release, Release]], PrivacyLedger]:
    """Run release code on two tables, the outputs of the first run fixed.

    Parameters
    ----------
    run : callable
        Takes a table and a desk, makes all releases of a fit, and returns what leaves it.
    tables : pair
        D and D'.
    new_ledger : callable
        Makes a fresh ledger for each run.
    fault : subclass of Mechanisms, optional
        A desk that is wrong in some way.

    Returns
    -------
    pairs : list of (Release, Release)
        All Gaussian releases.
    ledger : PrivacyLedger
        Of the first run.

    Raises
    ------
    PublicDifference
        If anything but the statistics differs.
    """
    first, second = record_desks(run, tables, new_ledger, fault)
    return list(zip(first.gaussians, second.gaussians, strict=True)), first._ledger


def record_desks(
    run: Callable[[Any, Mechanisms], object],
    tables: tuple[Any, Any],
    new_ledger: Callable[[], PrivacyLedger],
    fault: type[Mechanisms] | None = None,
) -> tuple[TapedDesk, TapedDesk]:
    """Return the desks of both tables; as `record_pair`."""
    # the fault stands before the tape, which notes what the real mechanisms are given
    bases = (TapedDesk,) if fault is None else (fault, TapedDesk)
    desk_class: Any = type("Desk", bases, {})
    first = desk_class(new_ledger(), NoiseSource(0))
    result = run(tables[0], first)
    second = desk_class(new_ledger(), NoiseSource(0), first)
    other = run(tables[1], second)
    if len(first.public) != len(second.public):
        raise PublicDifference(f"{first.public[len(second.public)]} on one table, then no more")
    if first._ledger != second._ledger:
        raise PublicDifference("the ledgers of the two tables differ")
    if pickle.dumps(result) != pickle.dumps(other):
        raise PublicDifference("what leaves the release differs, though all outputs are the same")
    return first, second


def charged_mu(ledger: PrivacyLedger) -> float:
    """Return the μ of all Gaussian events in a ledger together."""
    return math.sqrt(math.fsum(getattr(event, "mu", 0.0) ** 2 for event in ledger.events))
