"""Bins of a numeric column: a fine public grid, made coarse by its estimated counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._grid import FineGrid

__all__ = ["Bins", "coarsen", "sample_within", "share_within"]

# a bin with less of the mass that it aims at joins the one before it
SMALLEST_BIN = 0.25


class Bins(NamedTuple):
    """Consecutive cells of a fine grid joined into bins.

    Attributes
    ----------
    bin_of_cell : ndarray of shape (n_cells,), int
    cell_probability : ndarray of shape (n_cells,)
        Probability of a cell given its bin; sums to one within each bin.
    n_bins : int
    mass : ndarray of shape (n_bins + nullable,)
        Probability of each bin, and of a missing value, by the first release alone.
    """

    bin_of_cell: np.ndarray
    cell_probability: np.ndarray
    n_bins: int
    mass: np.ndarray


def coarsen(counts: np.ndarray, grid: FineGrid, n_bins: int) -> Bins:
    """Join cells into about `n_bins` bins of equal mass; spikes stay bins of their own.

    Parameters
    ----------
    counts : ndarray of shape (n_cells + nullable,)
        Estimated counts, none negative; the last is that of missing values.
    grid : FineGrid
    n_bins : int
        The mass a bin aims at is the total divided by this; there are at most 2·n_bins + 1 bins.

    Returns
    -------
    bins : Bins
        Within a bin the mass lies as the estimated counts say, but for a little that keeps every
        cell possible.
    """
    n_cells = len(grid.left)
    n_missing, counts = counts[n_cells:], counts[:n_cells]
    target = max(counts.sum() / n_bins, np.finfo(float).tiny)
    is_spike = counts >= target
    starts_bin = np.zeros(n_cells, dtype=bool)
    mass = target
    for cell, count in enumerate(counts):
        if is_spike[cell] or mass >= target:
            starts_bin[cell] = True
            mass = 0.0
        mass = target if is_spike[cell] else mass + count
    starts = _join_small(np.flatnonzero(starts_bin), counts, SMALLEST_BIN * target)
    starts_bin = np.isin(np.arange(n_cells), starts)
    bin_of_cell = np.cumsum(starts_bin) - 1
    probability = np.empty(n_cells)
    for cells in np.split(np.arange(n_cells), starts[1:]):
        probability[cells] = share_within(counts[cells], grid.measure[cells], 1.0 / len(starts))
    mass = np.append(np.bincount(bin_of_cell, weights=counts), n_missing) + 1.0
    return Bins(bin_of_cell, probability, len(starts), mass / mass.sum())


def _join_small(starts: np.ndarray, counts: np.ndarray, smallest: float) -> np.ndarray:
    """Return the first cells of bins, without those of bins that hold next to nothing.

    Each later pass over the rows adds noise to every bin alike. In a bin of a range where nearly no
    rows are, such as that beyond the last value, it would become rows: the bin joins its neighbour,
    in which those cells have the little that the counts say.
    """
    mass = np.add.reduceat(counts, starts)
    kept = [0]
    for start, own in zip(starts[1:], mass[1:], strict=True):
        if own >= smallest:
            kept.append(int(start))
    if len(kept) > 1 and mass[0] < smallest:
        # the first has no bin before it
        kept.pop(1)
    return np.array(kept)


def share_within(counts: np.ndarray, measure: np.ndarray, pseudo_records: float) -> np.ndarray:
    """Return the probabilities of the cells of one bin.

    Parameters
    ----------
    counts, measure : ndarray of shape (n_cells,)
    pseudo_records : float
        What is added to the counts so that every cell stays possible, half of it by measure and
        half in equal parts. All bins of a column together have about one.
    """
    spread = 0.5 * measure / measure.sum() + 0.5 / len(counts)
    total = counts.sum() + pseudo_records
    return np.asarray((counts + pseudo_records * spread) / total)


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
