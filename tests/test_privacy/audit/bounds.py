"""Lower bounds on a privacy loss from counts of right and wrong guesses."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

# each of a bound's two proportions is wrong with half of this probability
FAILURE = 1e-6


class Guesses(NamedTuple):
    """How often an attacker said "with the row": right guesses on D', wrong ones on D."""

    n_right: int
    n_wrong: int
    n_trials: int


def clopper_pearson(n_hits: int, n_trials: int, failure: float) -> tuple[float, float]:
    """Return a lower and an upper bound on a proportion, each wrong with probability `failure`."""
    low = stats.beta.ppf(failure, n_hits, n_trials - n_hits + 1) if n_hits else 0.0
    high = stats.beta.isf(failure, n_hits + 1, n_trials - n_hits) if n_hits < n_trials else 1.0
    return float(low), float(high)


def mu_bound(guesses: Guesses, failure: float = FAILURE) -> float:
    """Return a lower bound on μ: a μ-GDP release has Φ⁻¹(TPR) − Φ⁻¹(FPR) ≤ μ for every attack.

    Dong, Roth & Su (2022), Definition 2.6 with the trade-off curve of equation (4).
    """
    right, _ = clopper_pearson(guesses.n_right, guesses.n_trials, failure / 2)
    _, wrong = clopper_pearson(guesses.n_wrong, guesses.n_trials, failure / 2)
    return float(stats.norm.ppf(right) - stats.norm.ppf(wrong))


def epsilon_bound(guesses: Guesses, delta: float, failure: float = FAILURE) -> float:
    """Return a lower bound on ε at δ: (ε, δ) implies TPR ≤ e^ε·FPR + δ.

    −∞ where the attack shows nothing.
    """
    right, _ = clopper_pearson(guesses.n_right, guesses.n_trials, failure / 2)
    _, wrong = clopper_pearson(guesses.n_wrong, guesses.n_trials, failure / 2)
    return math.log((right - delta) / wrong) if right > delta else -math.inf


def delta_bound(guesses: Guesses, epsilon: float, failure: float = FAILURE) -> float:
    """Return a lower bound on δ at ε."""
    right, _ = clopper_pearson(guesses.n_right, guesses.n_trials, failure / 2)
    _, wrong = clopper_pearson(guesses.n_wrong, guesses.n_trials, failure / 2)
    # without a wrong guess the upper bound still counts, however large ε is
    return right - math.exp(min(epsilon, 700.0)) * wrong


def least_detected_mu(mu: float, n_trials: int, failure: float = FAILURE) -> float:
    """Return what `mu_bound` exceeds, except with probability `failure`, on a tight release.

    The attack is the best one: a threshold midway between N(0, 1) and N(μ, 1).
    """
    rates = stats.norm.cdf([mu / 2, -mu / 2])
    n_right = int(stats.binom.ppf(failure / 2, n_trials, rates[0]))
    n_wrong = int(stats.binom.isf(failure / 2, n_trials, rates[1]))
    return mu_bound(Guesses(n_right, n_wrong, n_trials))


def best_threshold(without: np.ndarray, with_row: np.ndarray, delta: float) -> float:
    """Return the threshold on a score that shows the most ε at δ; not for the trials it came from.

    Parameters
    ----------
    without, with_row : ndarray of shape (n_trials,)
        Scores of training trials; larger ones speak for the row.
    """
    n_trials = len(without)
    thresholds = np.quantile(np.concatenate([without, with_row]), np.linspace(0.001, 0.999, 400))
    wrong, right = np.sort(without), np.sort(with_row)
    found = [
        epsilon_bound(
            Guesses(
                n_trials - int(np.searchsorted(right, t, side="right")),
                n_trials - int(np.searchsorted(wrong, t, side="right")),
                n_trials,
            ),
            delta,
        )
        for t in thresholds
    ]
    return float(thresholds[int(np.argmax(found))])


def count_guesses(without: np.ndarray, with_row: np.ndarray, threshold: float) -> Guesses:
    """Return how often scores of fresh trials exceed a threshold."""
    return Guesses(
        int(np.count_nonzero(with_row > threshold)),
        int(np.count_nonzero(without > threshold)),
        len(without),
    )
