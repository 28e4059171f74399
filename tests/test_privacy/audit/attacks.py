"""The distinguishing game: many transcripts on either table, and one guess for each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq

from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger, compose_epsilon

from .bounds import Guesses, best_threshold, count_guesses
from .tape import Release

__all__ = [
    "attack_gaussian",
    "attack_selection",
    "distances",
    "ledger_of_mu",
    "trained_guesses",
]

# noisy values drawn at a time
BLOCK = 1 << 20
# of a statistic with more values than this, only those that differ are released
MOST_VALUES = 16
# and of those at most so many, which weakens the attack
MOST_MOVED = 256


def ledger_of_mu(mu: float, adjacency: str, delta: float = 1e-6) -> PrivacyLedger:
    """Return a ledger whose Gaussian releases may share exactly this μ."""

    def excess(epsilon: float) -> float:
        return PrivacyLedger(epsilon, delta, adjacency).mu - mu

    return PrivacyLedger(brentq(excess, 0.01, 200.0, xtol=1e-12), delta, adjacency)


def distances(pairs: Sequence[tuple[Release, Release]]) -> np.ndarray:
    """Return how far apart each release's statistics are, in units of its sensitivity."""
    return np.array(
        [np.linalg.norm(b.statistic - a.statistic) / a.sensitivity for a, b in pairs], dtype=float
    )


def attack_gaussian(
    pairs: Sequence[tuple[Release, Release]], n_trials: int, noise: NoiseSource
) -> Guesses:
    """Attack all Gaussian releases of a fit together, earlier outputs fixed.

    The score is Σ_t <r_t − s_t, d_t>/σ_t², divided by what it is on D' without noise: 0 on average
    on D, 1 on D'. By Neyman and Pearson no attack is stronger where all is as claimed. The noise is
    that of the real desk, with the parameters that the release code has passed to it.
    """
    shift = math.fsum(_weights(a, b) @ (b.statistic - a.statistic).ravel() for a, b in pairs)
    if shift == 0.0:
        return Guesses(0, 0, n_trials)
    scores = []
    for side in (0, 1):
        total = np.zeros(n_trials)
        for pair in pairs:
            weights = _weights(*pair)
            if weights.any():
                total += _project(pair[side], pair[0].statistic, weights, n_trials, noise)
        scores.append(total / shift)
    return count_guesses(scores[0], scores[1], 0.5)


def _weights(first: Release, second: Release) -> np.ndarray:
    """Return the direction to project on; of very many coordinates those that say the most."""
    scale = first.sensitivity / first.mu
    weights = (second.statistic - first.statistic).ravel() / scale**2
    if np.count_nonzero(weights) > MOST_MOVED:
        weights[np.argsort(-np.abs(weights))[MOST_MOVED:]] = 0.0
    return weights


def _project(
    release: Release, origin: np.ndarray, weights: np.ndarray, n_trials: int, noise: NoiseSource
) -> np.ndarray:
    """Return <r − s, w> of many noisy copies r of one release."""
    kept = np.arange(weights.size) if weights.size <= MOST_VALUES else np.flatnonzero(weights)
    statistic, direction = release.statistic.ravel()[kept], weights[kept]
    known = origin.ravel()[kept]
    projections, n_rows = [], max(BLOCK // len(kept), 1)
    desk = _boundless(noise)
    for start in range(0, n_trials, n_rows):
        copies = np.tile(statistic, (min(n_rows, n_trials - start), 1))
        noisy = desk.gaussian(
            copies,
            sensitivity=release.sensitivity,
            mu=release.mu,
            grid=release.grid,
            name="copies",
        )
        projections.append((noisy - known) @ direction)
    return np.concatenate(projections)


def _boundless(noise: NoiseSource) -> Mechanisms:
    """Return a desk for the noise alone: the audit repeats what one fit draws once."""
    return Mechanisms(PrivacyLedger(math.inf, 1e-6), noise)


def attack_selection(
    scores: tuple[np.ndarray, np.ndarray],
    target: int,
    sensitivity: float,
    epsilon: float,
    n_trials: int,
    noise: NoiseSource,
) -> Guesses:
    """Guess "with the row" when the exponential mechanism picks `target`."""
    hits = [
        sum(
            _boundless(noise).exponential(
                values, sensitivity=sensitivity, epsilon=epsilon, name="one"
            )
            == target
            for _ in range(n_trials)
        )
        for values in scores
    ]
    return Guesses(hits[1], hits[0], n_trials)


def trained_guesses(
    draw: Callable[[int, int], np.ndarray], n_trials: int, delta: float, training: float = 0.25
) -> Guesses:
    """Choose a threshold on training transcripts, and count guesses on fresh ones.

    Parameters
    ----------
    draw : callable
        Takes the side (0 for D, 1 for D') and a number of transcripts; returns their scores.
    """
    n_training = int(training * n_trials)
    threshold = best_threshold(draw(0, n_training), draw(1, n_training), delta)
    return count_guesses(draw(0, n_trials), draw(1, n_trials), threshold)


def charged_epsilon(ledger: PrivacyLedger, delta: float) -> float:
    """Return the ε at another δ that the events of a ledger add up to."""
    return compose_epsilon(ledger.events, delta, adjacency=ledger.adjacency)
