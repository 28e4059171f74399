"""What is audited of the mechanisms themselves: worst-case statistics, scores and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan
from skdpsynth.napsu._selection import Candidate, score_candidates, select_tree
from skdpsynth.privacy import (
    FailureEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    compose_epsilon,
    general_sensitivity,
    plan_stable_histogram,
)
from skdpsynth.schema._purchase import buy_columns

from .attacks import attack_gaussian, attack_selection, ledger_of_mu, trained_guesses
from .bounds import Guesses, count_guesses, delta_bound, epsilon_bound, mu_bound
from .cases import LEAST_RATIO, Measured, choose_trials, expected_mu
from .kernel import GradientKernel, log_likelihood_ratio
from .pairs import ADJACENCIES
from .tape import charged_mu, record_pair

__all__ = ["MECHANISMS"]

# of ε, for subsampled and selection releases
LEAST_EPSILON_RATIO = 0.7


# as far apart as the sensitivity allows: counts in [0, 1], signed numbers of norm √2 at most
STATISTICS = {
    ("counts", "add_remove"): ([0.0, 0.0, 0.0], [1.0, 1.0, 0.0]),
    ("counts", "replace_one"): ([1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]),
    ("signed", "add_remove"): ([0.0, 0.0, 0.0], [1.0, -1.0, 0.0]),
    ("signed", "replace_one"): ([-1.0, 1.0, 0.0], [1.0, -1.0, 0.0]),
}


def _gaussian(kind: str, grid: float | None, adjacency: str, noise: NoiseSource) -> Measured:
    """Two statistics at the sensitivity from each other."""

    def run(statistic: list[float], desk: Mechanisms) -> None:
        bound = desk.nonnegative_sensitivity if kind == "counts" else desk.general_sensitivity
        desk.gaussian(
            statistic, sensitivity=bound(math.sqrt(2.0)), mu=desk.mu, name="statistic", grid=grid
        )

    name = f"gaussian_release, {'its own grid' if grid is None else 'integers'}"
    return _taped(name, kind, adjacency, run, STATISTICS[kind, adjacency], noise)


def _one_by_one(adjacency: str, noise: NoiseSource) -> Measured:
    """Every transcript is a call of its own, as in a fit."""
    first, second = (np.array(values) for values in STATISTICS["signed", adjacency])
    sensitivity, mu = general_sensitivity(math.sqrt(2.0), adjacency), 1.0
    direction = (second - first) / ((second - first) @ (second - first))
    scores = []
    for statistic in (first, second):
        desks = (
            Mechanisms(PrivacyLedger(math.inf, 1e-6, adjacency), noise) for _ in range(100_000)
        )
        noisy = [
            desk.gaussian(statistic, sensitivity=sensitivity, mu=mu, name="statistic")
            for desk in desks
        ]
        scores.append((np.array(noisy) - first) @ direction)
    guesses = count_guesses(scores[0], scores[1], 0.5)
    case = ("gaussian_release, call by call", "signed", adjacency)
    return Measured(case, "mu", mu, mu_bound(guesses), LEAST_RATIO)


def _taped(
    name: str,
    record: str,
    adjacency: str,
    run: Callable[[Any, Mechanisms], object],
    tables: tuple[Any, Any],
    noise: NoiseSource,
) -> Measured:
    pairs, ledger = record_pair(run, tables, lambda: ledger_of_mu(1.0, adjacency))
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

    def run(levels: np.ndarray, desk: Mechanisms) -> None:
        score_candidates(levels, candidates, SHAPE, desk.mu, desk)

    return _taped("napsu, distances", "all move", adjacency, run, (first, second), noise)


def _exponential(adjacency: str, noise: NoiseSource) -> Measured:
    """Twenty candidates, of which the row makes one better and all others worse."""
    epsilon, n_candidates = 1.0, 20
    first = np.zeros(n_candidates)
    first[0] = -1.0
    second = np.where(np.arange(n_candidates) == 0, 0.0, -1.0)
    guesses = attack_selection((first, second), 0, 1.0, epsilon, 100_000, noise)
    claimed = compose_epsilon([SelectionEvent(epsilon)], 1e-12, adjacency=adjacency)
    return Measured(
        ("exponential mechanism", "one against all others", adjacency),
        "epsilon",
        claimed,
        epsilon_bound(guesses, 0.0),
        LEAST_EPSILON_RATIO,
    )


def _tree(adjacency: str, noise: NoiseSource) -> Measured:
    """The first edge of a private tree, between two pairs of which the row moves both."""
    epsilon, n_trials = 1.0, 60_000
    step = 1.0 if adjacency == "add_remove" else 2.0
    first, second, _ = _selection_table(adjacency)
    near = Candidate((0, 1), np.array([[2.0, 0.0], [0.0, 60.0]]))
    far = Candidate((1, 2), np.array([[60.0, 0.0], [0.0, 2.0]]))
    # the pair that gains is behind by 3 in log odds: it is picked seldom, and speaks loudest
    behind = _distance(first, far) - _distance(first, near) + 6.0 * step / epsilon
    near = near._replace(expected=near.expected + np.array([[0.0, behind], [0.0, 0.0]]))
    hits = []
    for levels in (first, second):
        desks = (
            Mechanisms(PrivacyLedger(math.inf, 1e-6, adjacency), noise) for _ in range(n_trials)
        )
        trees = (
            select_tree(levels[:3], [near, far], [0, 1, 2], SHAPE[:3], epsilon, desk)
            for desk in desks
        )
        hits.append(sum(tree[0] == far.query for tree in trees))
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


def _subsampled(adjacency: str, noise: NoiseSource) -> Measured:
    """Four steps of DP-VI in which every row but one has no gradient."""
    epsilon, delta, n_transcripts = 2.0, 0.01, 200_000
    ledger = PrivacyLedger(epsilon, delta, adjacency)
    others = np.zeros(30)
    tables = (others, np.append(others, 1e6))
    if adjacency == "replace_one":
        tables = (np.append(others, -1e6), np.append(others, 1e6))
    plan = DPVIPlan(4, 0.25, 2.0, 0.1)
    kernel = GradientKernel(plan, ledger, tables, 30.0, noise)

    def ratio(noisy: np.ndarray) -> np.ndarray:
        """Of a row of gradient C, against none or against one of gradient −C."""
        own = log_likelihood_ratio(noisy, plan.sampling_rate, kernel.multiplier)
        if adjacency == "add_remove":
            return own
        return own - log_likelihood_ratio(-noisy, plan.sampling_rate, kernel.multiplier)

    guesses = trained_guesses(kernel.scores(ratio), n_transcripts, delta)
    claimed = ledger.spent().epsilon
    return Measured(
        ("dpvi, Poisson batches", "one gradient among zeros", adjacency),
        "epsilon",
        claimed,
        epsilon_bound(guesses, delta),
        LEAST_EPSILON_RATIO,
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
    n_trials = 800_000
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
    desk = Mechanisms(PrivacyLedger(math.inf, 1e-6, adjacency), noise)
    copies = [np.tile(counts, n_trials)] + [np.array([1])] * (plan.n_histograms - 1)
    released = desk.stable_histograms(copies, plan, name="levels")
    return released[0].reshape(n_trials, len(counts))


def _private_schema(adjacency: str, noise: NoiseSource) -> Measured:
    """Ranges bought for two numeric columns, the added row far from all others."""
    rows = np.tile([[3.0, -2.0]], (400, 1))
    far = [[2.0**40, 2.0**-20]]
    tables = (rows, np.vstack([rows, far]))
    if adjacency == "replace_one":
        tables = (np.vstack([rows, rows[:1]]), np.vstack([rows, far]))
    frames = tuple(pd.DataFrame(table, columns=["a", "b"]) for table in tables)

    def run(frame: pd.DataFrame, desk: Mechanisms) -> None:
        buy_columns(frame, None, None, True, desk)

    return _taped("private schema, ranges", "row far away", adjacency, run, frames, noise)


Audit = Callable[[NoiseSource], Measured]


def _list_mechanisms() -> dict[str, Audit]:
    audits: dict[str, Audit] = {}
    for kind, adjacency in STATISTICS:
        for grid in (None, 1.0):
            audits[f"gaussian {kind} {grid} {adjacency}"] = partial(
                _gaussian, kind, grid, adjacency
            )
    for adjacency in ADJACENCIES:
        for audit in (
            _exponential,
            _distances,
            _tree,
            _stable_counts,
            _stable_levels,
            _private_schema,
            _full_batches,
            _subsampled,
        ):
            audits[f"{audit.__name__[1:]} {adjacency}"] = partial(audit, adjacency)
    # the slowest by far; under replace-one it is the same mechanism with another number
    audits["one_by_one add_remove"] = partial(_one_by_one, "add_remove")
    return audits


MECHANISMS = _list_mechanisms()
