"""Masses of ever smaller cells, from noisy counts of halves, quarters, eighths, ..."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

__all__ = ["LevelCounts", "add_up_levels", "halve", "halve_cells", "place_in_pairs"]

# How a node's mass lies in its halves, before the counts are seen: evenly, all in the first, all in
# the second, or any other way. Each level has shares of its own, estimated from its counts and from
# as many nodes like these. Constants by benchmarks/margins.py, on simulated columns
EVEN, FIRST, SECOND, ANY = range(4)
PRIOR_SHARES = np.array([0.5, 0.1, 0.1, 0.3])
PRIOR_NODES = 4.0
EM_STEPS = 20
# A half gets nothing where that is this many times as probable as that either has something: at
# level 1, 2, ..., and at all later levels the last of them. Rows by mistake far out cost more
ODDS_OF_EMPTY = (0.5, 0.5, 1.0, 2.0)


class LevelCounts(NamedTuple):
    """Estimated counts of the nodes of every level, and the variance of their errors.

    Attributes
    ----------
    counts, variances : list of ndarray of shape (2**level,)
        Levels 1, 2, ...; a node that has no cells has 0 of either.
    """

    counts: list[np.ndarray]
    variances: list[np.ndarray]


def add_up_levels(
    noisy: Sequence[np.ndarray], variances: Sequence[float], exists: np.ndarray
) -> LevelCounts:
    """Combine what is measured of each node with what is measured below it.

    Parameters
    ----------
    noisy : sequence of ndarray of shape (2**level,)
        Counts of the nodes of levels 1, 2, ..., with independent noise.
    variances : sequence of float
        Of the noise in a count of each level.
    exists : ndarray of shape (2**depth,), bool
        Which nodes of the last level there are; every pair of them has one.

    Returns
    -------
    levels : LevelCounts
        Inverse-variance averages of each node's own count and the sum of its halves: least squares
        estimates by all that is measured at the node and below.

    References
    ----------
    Hay, Rastogi, Miklau & Suciu (2010), Boosting the accuracy of differentially private histograms
    through consistency, section 4.1, here with a variance for each level.

    Examples
    --------
    >>> noisy = [np.array([8.0, 2.0]), np.array([5.0, 5.0, 1.0, 0.0])]
    >>> add_up_levels(noisy, [1.0, 1.0], np.ones(4, dtype=bool)).counts[0].round(3)
    array([8.667, 1.667])
    """
    counts = [np.where(exists, noisy[-1], 0.0)]
    errors = [np.where(exists, variances[-1], 0.0)]
    for own, variance in zip(noisy[-2::-1], variances[-2::-1], strict=True):
        below, error = counts[0].reshape(-1, 2).sum(axis=1), errors[0].reshape(-1, 2).sum(axis=1)
        # without noise the cells say it all
        trust = error / (error + variance) if variance > 0 else np.zeros_like(error)
        counts.insert(0, below + trust * (own - below))
        errors.insert(0, trust * variance)
    return LevelCounts(counts, errors)


def halve(total: float, levels: LevelCounts, measure: np.ndarray) -> np.ndarray:
    """Divide a mass into ever smaller nodes, each half by half, as far as noise lets one see.

    Parameters
    ----------
    total : float
        Mass of all nodes.
    levels : LevelCounts
        As `add_up_levels` returns them.
    measure : ndarray of shape (2**depth,)
        What the last nodes have of the column's domain; 0 for those that there are not.

    Returns
    -------
    masses : ndarray of shape (2**depth,)
        None negative; they sum to `total`.

    Notes
    -----
    Given a node's mass m, least squares puts into its first half what is measured there, and of
    what the halves together miss or exceed m by, a part in proportion to the variances. That
    estimate is normal around the true mass of the half, which a priori is the half's share of the
    measure (even), m, 0, or uniform between 0 and m. If it is far more probable that all is in one
    half than that each has something, the other gets nothing; otherwise the half gets its posterior
    mean over the two cases in which each has. Where counts
    are strong that is the estimate of least squares; where nothing is seen it is nearly even.
    The probabilities of the four cases are those of the level, by EM with a Dirichlet prior.
    """
    masses = np.array([max(float(total), 0.0)])
    # a power of two moves no bit, and a product with a mass does not overflow
    measure = np.ldexp(measure, -np.frexp(measure.max())[1])
    for level, (counts, variances) in enumerate(zip(*levels, strict=True)):
        odds = ODDS_OF_EMPTY[min(level, len(ODDS_OF_EMPTY) - 1)]
        pairs, errors = counts.reshape(-1, 2), variances.reshape(-1, 2)
        domain = measure.reshape(len(counts), -1).sum(axis=1).reshape(-1, 2)
        error = errors.sum(axis=1)
        share = errors[:, 0] / np.where(error > 0, error, 1.0)
        first = pairs[:, 0] + share * (masses - pairs.sum(axis=1))
        # given the sum of two independent errors, what is left of the first
        scale = np.sqrt(share * errors[:, 1])
        even = masses * domain[:, 0] / domain.sum(axis=1)
        # a half without cells has neither errors nor measure
        alone = (domain == 0).any(axis=1)
        first = np.where(alone, even, _split(first, scale, masses, even, ~alone, odds))
        masses = np.stack([first, masses - first], axis=1).ravel()
    return masses


def place_in_pairs(n_cells: int) -> np.ndarray:
    """Return where each cell stands among 2**depth places, the least power that has room.

    The order is kept, no two cells have the same place, and every pair of places has a cell.

    Examples
    --------
    >>> place_in_pairs(3)
    array([0, 1, 2])
    """
    depth = max(int(n_cells - 1).bit_length(), 1)
    return (np.arange(n_cells) << depth) // n_cells


def halve_cells(total: float, counts: np.ndarray, variance: float) -> np.ndarray:
    """Divide a mass among ordered cells, each of which was measured once, as `halve` does.

    Parameters
    ----------
    total : float
    counts : ndarray of shape (n_cells,)
        With independent noise.
    variance : float
        Of the noise.

    Returns
    -------
    masses : ndarray of shape (n_cells,)
        None negative; they sum to `total`. Before the counts are seen all cells are alike.

    Examples
    --------
    >>> halve_cells(100.0, np.array([45.0, 48.0, 5.0, -6.0]), 36.0).round(1)
    array([49.9, 50.1,  0. ,  0. ])
    """
    position = place_in_pairs(len(counts))
    size = 1 << max(int(len(counts) - 1).bit_length(), 1)
    noisy, exists = np.zeros(size), np.zeros(size)
    noisy[position], exists[position] = counts, 1.0
    levels: list[np.ndarray] = []
    errors: list[np.ndarray] = []
    own, cells = noisy, exists
    while len(own) > 1:
        levels.insert(0, own)
        errors.insert(0, variance * cells)
        own, cells = own.reshape(-1, 2).sum(axis=1), cells.reshape(-1, 2).sum(axis=1)
    return halve(total, LevelCounts(levels, errors), exists)[position]


def _split(
    estimate: np.ndarray,
    scale: np.ndarray,
    mass: np.ndarray,
    even: np.ndarray,
    divides: np.ndarray,
    odds: float,
) -> np.ndarray:
    """Return the masses of the first halves of the nodes of a level.

    Parameters
    ----------
    estimate, scale : ndarray of shape (n_nodes,)
        Noisy masses of the first halves, and the standard deviations of their errors.
    mass, even : ndarray of shape (n_nodes,)
        Masses of the nodes, and of their first halves if these are even.
    divides : ndarray of shape (n_nodes,), bool
        Whether a node has cells in either half.
    odds : float
        From which on a half is taken for empty.
    """
    clipped = np.clip(estimate, 0.0, mass)
    seen = divides & (mass > 0) & (scale > 0)
    if not seen.any():
        return clipped
    estimate, scale, mass, even = (part[seen] for part in (estimate, scale, mass, even))
    # in units of the error
    low, high = -estimate / scale, (mass - estimate) / scale
    within = np.maximum(ndtr(high) - ndtr(low), 0.0)
    density = np.stack([_density((even - estimate) / scale), _density(high), _density(low)])
    likelihood = np.vstack([density, within * scale / mass])
    probability = _posterior(likelihood)
    # the mean of a normal between 0 and the mass; far outside, the nearer end
    is_inside = within > 1e-12
    shift = (_density(low) - _density(high)) / np.where(is_inside, within, 1.0)
    inside = np.where(is_inside, estimate + scale * shift, estimate)
    inside = np.clip(inside, 0.0, mass)
    either = probability[EVEN] + probability[ANY]
    mean = probability[EVEN] * even + probability[ANY] * inside
    first = mean / np.where(either > 0, either, 1.0)
    best = np.argmax([odds * either, probability[FIRST], probability[SECOND]], axis=0)
    clipped[seen] = np.choose(best, [np.minimum(first, mass), mass, np.zeros_like(mass)])
    return clipped


def _density(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-0.5 * np.square(z)) / np.sqrt(2.0 * np.pi))


def _posterior(likelihood: np.ndarray) -> np.ndarray:
    """Return the probabilities of the four cases for every node, of shape (4, n_nodes)."""
    # a node beyond the reach of floating point is outside [0, mass]: any
    lost = likelihood.sum(axis=0) == 0
    likelihood = np.where(lost, (np.arange(4) == ANY)[:, None], likelihood)
    shares = PRIOR_SHARES
    for _ in range(EM_STEPS):
        joint = shares[:, None] * likelihood
        held = (joint / joint.sum(axis=0)).sum(axis=1) + PRIOR_NODES * PRIOR_SHARES
        shares = held / held.sum()
    joint = shares[:, None] * likelihood
    return np.asarray(joint / joint.sum(axis=0))
