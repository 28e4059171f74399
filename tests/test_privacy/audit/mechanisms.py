"""What is audited of the mechanisms themselves: worst-case statistics, scores and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skdpsynth.mixture._dpvi import DPVIPlan
from skdpsynth.napsu._selection import Candidate, score_candidates, select_tree
from skdpsynth.preprocessing._private_schema import buy_columns
from skdpsynth.privacy import (
    FailureEvent,
    GaussianEvent,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    compose_epsilon,
    gaussian_release,
    general_sensitivity,
    nonnegative_sensitivity,
    plan_stable_histogram,
    stable_histogram_release,
)

from .attacks import attack_gaussian, attack_selection, ledger_of_mu, trained_guesses
from .bounds import Guesses, count_guesses, delta_bound, epsilon_bound, mu_bound
from .cases import LEAST_RATIO, Measured, choose_trials, expected_mu
from .kernel import GradientKernel
from .pairs import ADJACENCIES
from .tape import charged_mu, record_pair

__all__ = ["MECHANISMS"]

# of ε, for subsampled and selection releases
LEAST_EPSILON_RATIO = 0.7


def _gaussian(grid: float | None, adjacency: str, is_signed: bool, noise: NoiseSource) -> Measured:
    """Two statistics at the sensitivity from each other, released one call at a time."""
    ledger = ledger_of_mu(1.0, adjacency)
    norm = math.sqrt(2.0)
    first, second = np.zeros(3), np.array([1.0, 1.0, 0.0])
    if adjacency == "replace_one":
        first, second = (-second, second) if is_signed else (np.array([1.0, 0, 1]), second * 1.0)
        norm = math.sqrt(2.0) if is_signed else 1.0
    sensitivity = (general_sensitivity if is_signed else nonnegative_sensitivity)(norm, adjacency)
    if adjacency == "replace_one" and not is_signed:
        first, second = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    direction = second - first
    scores = [
        np.array(
            [
                (_release_once(statistic, sensitivity, grid, noise) - first) @ direction
                for _ in range(N_SINGLE)
            ]
        )
        / (direction @ direction)
        for statistic in (first, second)
    ]
    guesses = count_guesses(scores[0], scores[1], 0.5)
    name = f"gaussian_release, {'its own grid' if grid is None else 'integers'}"
    kind = "signed" if is_signed else "counts"
    return Measured((name, kind, adjacency), "mu", ledger.mu, mu_bound(guesses), LEAST_RATIO)


N_SINGLE = 100_000


def _release_once(
    statistic: np.ndarray, sensitivity: float, grid: float | None, noise: NoiseSource
) -> np.ndarray:
    ledger = PrivacyLedger(math.inf, 1e-6)
    return gaussian_release(
        statistic,
        sensitivity=sensitivity,
        mu=1.0,
        name="statistic",
        ledger=ledger,
        noise=noise,
        grid=grid,
    )


def _taped(
    name: str,
    record: str,
    adjacency: str,
    run: Callable[[Any, PrivacyLedger], object],
    tables: tuple[Any, Any],
    noise: NoiseSource,
) -> Measured:
    pairs, _, ledger = record_pair(run, tables, lambda: ledger_of_mu(1.0, adjacency))
    charged = charged_mu(ledger)
    guesses = attack_gaussian(pairs, choose_trials(expected_mu(pairs), charged), noise)
    return Measured((name, record, adjacency), "mu", charged, mu_bound(guesses), LEAST_RATIO)


SHAPE = (2, 2, 2, 2)


def _selection_table(adjacency: str) -> tuple[np.ndarray, np.ndarray, list[Candidate]]:
    """Return levels of D and D', and candidates whose distances move by the sensitivity.

    The counts of a pair's cell (1, 1) are above what is expected, those of (0, 0) below. One more
    row of ones adds 1 to every distance, and 2 if it takes the place of a row of zeros.
    """
    zeros, ones = np.zeros((4, 20), dtype=int), np.ones((4, 20), dtype=int)
    levels = np.hstack([zeros, ones])
    expected = np.array([[60.0, 0.0], [0.0, 2.0]])
    pairs = [(0, 1), (1, 2), (2, 3), (0, 2), (0, 3), (1, 3)]
    candidates = [Candidate(pair, expected) for pair in pairs]
    more = np.hstack([levels, ones[:, :1]])
    if adjacency == "add_remove":
        return levels, more, candidates
    return np.hstack([levels, zeros[:, :1]]), more, candidates


def _distances(adjacency: str, noise: NoiseSource) -> Measured:
    first, second, candidates = _selection_table(adjacency)

    def run(levels: np.ndarray, ledger: PrivacyLedger) -> None:
        score_candidates(levels, candidates, SHAPE, ledger.mu, ledger, NoiseSource(0))

    return _taped("napsu, distances", "all move", adjacency, run, (first, second), noise)


def _exponential(adjacency: str, noise: NoiseSource) -> Measured:
    """Fifty candidates, of which the row makes one better and all others worse."""
    epsilon, n_candidates = 1.0, 50
    first = np.zeros(n_candidates)
    first[0] = -1.0
    second = np.where(np.arange(n_candidates) == 0, 0.0, -1.0)
    guesses = attack_selection((first, second), 0, 1.0, epsilon, 200_000, noise)
    claimed = compose_epsilon([SelectionEvent(epsilon)], 1e-12, adjacency=adjacency)
    return Measured(
        ("exponential mechanism", "one against fifty", adjacency),
        "epsilon",
        claimed,
        epsilon_bound(guesses, 0.0),
        LEAST_EPSILON_RATIO,
    )


def _tree(adjacency: str, noise: NoiseSource) -> Measured:
    """The first edge of a private tree over two nodes' worth of candidates."""
    epsilon, n_trials = 1.0, 40_000
    # of the two pairs, the row moves one nearer and one further than expected
    near = Candidate((0, 1), np.array([[20.0, 0.0], [0.0, 60.0]]))
    far = Candidate((1, 2), np.array([[60.0, 0.0], [0.0, 2.0]]))
    first, second, _ = _selection_table(adjacency)
    gap = np.abs(_distance(first, near) - _distance(first, far))
    # the pair that gains is behind: it is picked seldom, and then speaks loudest
    aim = far.expected.copy()
    aim[0, 1] = 0.0
    shift = _distance(first, far) - _distance(first, near) + 5.0 * (1 + (adjacency != "add_remove"))
    del gap
    near = near._replace(expected=near.expected + np.array([[0.0, shift / 2], [shift / 2, 0.0]]))
    hits = []
    for levels in (first, second):
        picked = 0
        for _ in range(n_trials):
            ledger = PrivacyLedger(math.inf, 1e-6, adjacency)
            chosen = select_tree(
                levels[:3], [near, far], [0, 1, 2], SHAPE[:3], epsilon, ledger, noise
            )
            picked += chosen[0] == (1, 2)
        hits.append(picked)
    return Measured(
        ("napsu, private tree, first edge", "one nearer, one further", adjacency),
        "epsilon",
        epsilon,
        epsilon_bound(Guesses(hits[1], hits[0], n_trials), 0.0),
        LEAST_EPSILON_RATIO,
    )


def _distance(levels: np.ndarray, candidate: Candidate) -> float:
    a, b = candidate.query
    table = np.zeros((2, 2))
    np.add.at(table, (levels[a], levels[b]), 1.0)
    return float(np.abs(table - candidate.expected).sum())


def _subsampled(adjacency: str, is_opposite: bool, noise: NoiseSource) -> Measured:
    """Four steps of DP-VI in which every row but one has no gradient."""
    epsilon, delta, n_transcripts = 2.0, 0.01, 300_000
    ledger = PrivacyLedger(epsilon, delta, adjacency)
    others = np.zeros(30)
    if adjacency == "add_remove":
        tables, least = (others, np.append(others, 1e6)), LEAST_EPSILON_RATIO
    else:
        # calibrated by a bound that is not attained, see `composed_delta`
        tables, least = (np.append(others, 0.0), np.append(others, 1e6)), 0.0
        n_transcripts = 50_000
    plan = DPVIPlan(4, 0.25, 2.0, 0.1)
    kernel = GradientKernel(plan, ledger, tables, 30.0, noise)
    guesses = trained_guesses(kernel.scores(), n_transcripts, delta)
    claimed = ledger.spent().epsilon
    return Measured(
        ("dpvi, Poisson batches", "one gradient among zeros", adjacency),
        "epsilon",
        claimed,
        epsilon_bound(guesses, delta),
        least,
    )


def _full_batches(adjacency: str, noise: NoiseSource) -> Measured:
    """Four steps of DP-VI on all rows: a Gaussian release."""
    ledger = ledger_of_mu(1.0, adjacency)
    others = np.zeros(30)
    tables = (others, np.append(others, 1e6))
    if adjacency == "replace_one":
        tables = (np.append(others, -1e6), np.append(others, 1e6))
    kernel = GradientKernel(DPVIPlan(4, 1.0, 2.0, 0.1), ledger, tables, 30.0, noise)
    own = [table.clip(-2.0, 2.0).sum() / 2.0 for table in tables]
    scores = [kernel.transcripts(side, 100_000).mean(axis=1) for side in (0, 1)]
    guesses = count_guesses(scores[0], scores[1], (own[0] + own[1]) / 2)
    return Measured(
        ("dpvi, all rows", "opposite gradients", adjacency),
        "mu",
        charged_mu(ledger),
        mu_bound(guesses),
        LEAST_RATIO,
    )


def _stable_counts(adjacency: str, noise: NoiseSource) -> Measured:
    """A frequent level has a row more, or, replaced, another one has one less."""
    ledger, n_trials = ledger_of_mu(1.0, adjacency), 100_000
    mu = ledger.calibrate_gaussian([FailureEvent(1e-7)])
    plan = plan_stable_histogram(1, mu=mu, failure=1e-7, adjacency=adjacency)
    first = np.array([500, 500])
    second = first + ([1, 0] if adjacency == "add_remove" else [1, -1])
    direction = (second - first) / ((second - first) @ (second - first))
    scores = []
    for counts in (first, second):
        noisy = _stable_many(counts, plan, n_trials, adjacency, noise)
        scores.append((noisy - first) @ direction)
    guesses = count_guesses(scores[0], scores[1], 0.5)
    return Measured(
        ("stable histogram, counts", "frequent level", adjacency),
        "mu",
        mu,
        mu_bound(guesses),
        LEAST_RATIO,
    )


def _stable_levels(adjacency: str, noise: NoiseSource) -> Measured:
    """A level that only one row has: it must pass the threshold no more often than charged."""
    plan = plan_stable_histogram(2, mu=0.5, failure=0.05, adjacency=adjacency)
    n_trials = 200_000
    noisy = [_stable_many(np.array([1]), plan, n_trials, adjacency, noise) for _ in range(2)]
    is_released = ~np.isnan(noisy[0][:, 0]) | ~np.isnan(noisy[1][:, 0])
    # the neighbour does not have it, and never shows it
    guesses = Guesses(int(is_released.sum()), 0, n_trials)
    return Measured(
        ("stable histogram, levels", "level of one row", adjacency),
        "delta",
        plan.failure,
        delta_bound(guesses, 1.0),
        LEAST_RATIO,
    )


def _stable_many(
    counts: np.ndarray, plan: Any, n_trials: int, adjacency: str, noise: NoiseSource
) -> np.ndarray:
    """Return many releases of one histogram: to the mechanism, levels of one long histogram."""
    ledger = PrivacyLedger(math.inf, 1e-6, adjacency)
    copies = [np.tile(counts, n_trials)] + [np.array([1])] * (plan.n_histograms - 1)
    released = stable_histogram_release(copies, plan, name="levels", ledger=ledger, noise=noise)
    return released[0].reshape(n_trials, len(counts))


def _private_schema(adjacency: str, noise: NoiseSource) -> Measured:
    """Ranges bought for two numeric columns, the added row far from all others."""
    rows = np.tile([[3.0, -2.0]], (400, 1))
    far = [[2.0**40, 2.0**-20]]
    tables = (rows, np.vstack([rows, far]))
    if adjacency == "replace_one":
        tables = (np.vstack([rows, rows[:1]]), np.vstack([rows, far]))
    frames = tuple(pd.DataFrame(table, columns=["a", "b"]) for table in tables)

    def run(frame: pd.DataFrame, ledger: PrivacyLedger) -> None:
        buy_columns(frame, None, None, True, ledger, NoiseSource(0))

    return _taped("private schema, ranges", "row far away", adjacency, run, frames, noise)


Audit = Callable[[NoiseSource], Measured]


def _list_mechanisms() -> dict[str, Audit]:
    audits: dict[str, Audit] = {}
    for adjacency in ADJACENCIES:
        for grid in (None, 1.0):
            for is_signed in (False, True):
                name = f"gaussian_release {grid} {is_signed} {adjacency}"
                audits[name] = lambda noise, g=grid, a=adjacency, s=is_signed: _gaussian(  # type: ignore[misc]
                    g, a, s, noise
                )
        for audit in (
            _exponential,
            _distances,
            _tree,
            _stable_counts,
            _stable_levels,
            _private_schema,
            _full_batches,
        ):
            audits[f"{audit.__name__[1:]} {adjacency}"] = lambda noise, f=audit, a=adjacency: f(  # type: ignore[misc]
                a, noise
            )
        audits[f"subsampled {adjacency}"] = lambda noise, a=adjacency: _subsampled(a, False, noise)  # type: ignore[misc]
    return audits


MECHANISMS = _list_mechanisms()
