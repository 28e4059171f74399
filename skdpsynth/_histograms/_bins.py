"""Bins of a numeric column: a fine public grid, made coarse by its noisy counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._denoising import james_stein, project_to_simplex
from ._grid import FineGrid

__all__ = ["SPIKE_Z", "Bins", "coarsen", "sample_within", "spread"]

# a cell stands alone when its noisy count exceeds this many standard deviations of the noise: noise
# alone does in one of 10⁴ cells with probability 0.3
SPIKE_Z = 4.0


class Bins(NamedTuple):
    """Consecutive cells of a fine grid joined into bins.

    Attributes
    ----------
    bin_of_cell : ndarray of shape (n_cells,), int
    cell_probability : ndarray of shape (n_cells,)
        Probability of a cell given its bin; sums to one within each bin.
    n_bins : int
    mass : ndarray of shape (n_bins + nullable,)
        Probability of each bin, and of a missing value, by the noisy grid alone.
    """

    bin_of_cell: np.ndarray
    cell_probability: np.ndarray
    n_bins: int
    mass: np.ndarray


def coarsen(noisy_counts: np.ndarray, grid: FineGrid, scale: float, n_bins: int) -> Bins:
    """Join cells into about `n_bins` bins of equal noisy mass; spikes stay bins of their own.

    Parameters
    ----------
    noisy_counts : ndarray of shape (n_cells + nullable,)
        Released counts, projected so that none is negative; the last is that of missing values.
    grid : FineGrid
    scale : float
        Standard deviation of the noise in a count.
    n_bins : int
        The mass a bin aims at is the total divided by this; there are at most 2·n_bins + 1 bins.

    Returns
    -------
    bins : Bins
        Within a bin the mass is spread by the cells' measure; where the counts differ from that
        by more than their noise, by the counts, as far as James-Stein shrinkage trusts them.
    """
    n_cells = len(grid.left)
    n_missing, noisy_counts = noisy_counts[n_cells:], noisy_counts[:n_cells]
    target = max(noisy_counts.sum() / n_bins, np.finfo(float).tiny)
    is_spike = noisy_counts >= max(target, SPIKE_Z * scale)
    starts_bin = np.zeros(len(noisy_counts), dtype=bool)
    mass = target
    for cell, count in enumerate(noisy_counts):
        if is_spike[cell] or mass >= target:
            starts_bin[cell] = True
            mass = 0.0
        mass = target if is_spike[cell] else mass + count
    bin_of_cell = np.cumsum(starts_bin) - 1
    probability = np.empty(len(noisy_counts))
    for cells in np.split(np.arange(len(noisy_counts)), np.flatnonzero(starts_bin)[1:]):
        probability[cells] = spread(noisy_counts[cells], grid.measure[cells], scale)
    mass = np.append(np.bincount(bin_of_cell, weights=noisy_counts), n_missing) + 1.0
    return Bins(bin_of_cell, probability, int(bin_of_cell[-1]) + 1, mass / mass.sum())


def spread(counts: np.ndarray, measure: np.ndarray, scale: float) -> np.ndarray:
    """Return the probabilities of the cells of one bin."""
    n_cells, total = len(counts), max(counts.sum(), 1.0)
    even = measure / measure.sum()
    deviation = counts - counts.sum() * even
    # deviations sum to zero, which leaves n − 1 degrees of freedom
    trust = james_stein(np.square(deviation).sum(), (n_cells - 1) * scale**2)
    probability = project_to_simplex(even + trust * deviation / total)
    # one pseudo-record keeps every cell possible
    prior = 0.5 * even + 0.5 / n_cells
    return (total * probability + prior) / (total + 1.0)


def sample_within(
    bins: Bins,
    grid: FineGrid,
    kind: Any,
    chosen: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw unit-interval values within bins: a cell by its probability, then a point of it."""
    cumulative = np.cumsum(bins.cell_probability)
    first = np.searchsorted(bins.bin_of_cell, np.arange(bins.n_bins), side="left")
    last = np.searchsorted(bins.bin_of_cell, np.arange(bins.n_bins), side="right") - 1
    # a bin's cells have probabilities that sum to one, so the running sum passes bin b in (b, b+1)
    start = (cumulative - bins.cell_probability)[first[chosen]]
    cells = np.searchsorted(cumulative, start + rng.random(len(chosen)), side="right")
    cells = np.clip(cells, first[chosen], last[chosen])
    left, right = grid.left[cells], grid.right[cells]
    if grid.is_count:
        offset = left + np.floor(rng.random(len(cells)) * (right - left + 1))
        return np.minimum(offset, right) / kind.span
    return left + (right - left) * rng.random(len(cells))
