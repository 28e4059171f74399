"""Histogram bins of a numeric column: a fine public grid, made coarse by its noisy counts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..schema import Count
from ._shrinkage import project_to_simplex

__all__ = ["Bins", "FineGrid", "coarsen", "fine_grid", "locate"]

# uniform cells give resolution everywhere, log-spaced ones close to the anchor (zero, or low)
N_UNIFORM = 512
N_LOG = 128
SMALLEST_RATIO = 1e-4
MAX_INTEGER_CELLS = 1024

# noise alone exceeds this many standard deviations in one of 10⁴ cells with probability 0.3
SPIKE_Z = 4.0


class FineGrid(NamedTuple):
    """Cells that partition the public range of a numeric column.

    Attributes
    ----------
    left, right : ndarray of shape (n_cells,)
        A Count's cell holds the integers left..right above `low`; a Continuous one's the interval
        [left, right) of the unit interval, or the single point left = right.
    measure : ndarray of shape (n_cells,)
        How much of the column's domain a cell is: integers for a Count, units of the column for
        an interval, 1 for a point.
    is_count : bool
        Whether the column is a Count.
    """

    left: np.ndarray
    right: np.ndarray
    measure: np.ndarray
    is_count: bool


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


def fine_grid(kind: Any) -> FineGrid:
    """Return the grid of a numeric kind; it depends on the public bounds alone.

    A Count of at most 1024 integers has a cell for each. Otherwise cells are bounded by 512
    equally spaced points and by points log-spaced around the anchor (zero when the bounds enclose
    it, else `low`), and the bounds and zero are cells of their own, since values pile up there.

    Parameters
    ----------
    kind : Continuous or Count

    Examples
    --------
    >>> from skdpsynth import Count
    >>> fine_grid(Count(0, 3)).left
    array([0., 1., 2., 3.])
    """
    width = kind.high - kind.low
    if isinstance(kind, Count) and width < MAX_INTEGER_CELLS:
        integers = np.arange(width + 1, dtype=np.float64)
        return FineGrid(integers, integers, np.ones_like(integers), True)
    anchor = np.clip((0.0 - kind.low) / width, 0.0, 1.0)
    steps = np.geomspace(SMALLEST_RATIO, 1.0, N_LOG) * max(anchor, 1.0 - anchor)
    edges = np.concatenate([np.linspace(0.0, 1.0, N_UNIFORM + 1), anchor - steps, anchor + steps])
    points = np.unique([0.0, anchor, 1.0])
    edges = np.concatenate([edges[(edges > 0.0) & (edges < 1.0)], points])
    if isinstance(kind, Count):
        return _integer_cells(np.unique(np.round(edges * width)), np.round(points * width))
    left, right = np.unique(edges)[:-1], np.unique(edges)[1:]
    left, right = np.concatenate([left, points]), np.concatenate([right, points])
    order = np.lexsort((right, left))
    left, right = left[order], right[order]
    measure = np.where(left == right, 1.0, (right - left) * width)
    return FineGrid(left, right, measure, False)


def _integer_cells(starts: np.ndarray, points: np.ndarray) -> FineGrid:
    starts = np.union1d(starts, np.concatenate([points, points[:-1] + 1]))
    left, right = starts, np.append(starts[1:] - 1, starts[-1])
    return FineGrid(left, right, right - left + 1, True)


def locate(grid: FineGrid, kind: Any, unit_values: np.ndarray) -> np.ndarray:
    """Return the cell of every value.

    Parameters
    ----------
    grid : FineGrid
        As `fine_grid(kind)` returns it.
    kind : Continuous or Count
    unit_values : ndarray of shape (n,)
        (x − low) / (high − low) in [0, 1], none missing.

    Returns
    -------
    cells : ndarray of shape (n,), int
    """
    if grid.is_count:
        offsets = np.round(unit_values * (kind.high - kind.low))
        return np.searchsorted(grid.left, offsets, side="right") - 1
    # a point shares its left end with the interval that follows it and precedes it in the order
    cells = np.searchsorted(grid.left, unit_values, side="right") - 1
    is_point = grid.left[cells] == grid.right[cells]
    previous = np.maximum(cells - 1, 0)
    on_point = (grid.left[previous] == grid.right[previous]) & (grid.left[previous] == unit_values)
    return np.where(~is_point & on_point, previous, cells)


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
        probability[cells] = _spread(noisy_counts[cells], grid.measure[cells], scale)
    mass = np.append(np.bincount(bin_of_cell, weights=noisy_counts), n_missing) + 1.0
    return Bins(bin_of_cell, probability, int(bin_of_cell[-1]) + 1, mass / mass.sum())


def _spread(counts: np.ndarray, measure: np.ndarray, scale: float) -> np.ndarray:
    """Return the probabilities of the cells of one bin."""
    n_cells, total = len(counts), max(counts.sum(), 1.0)
    even = measure / measure.sum()
    deviation = counts - counts.sum() * even
    energy = np.square(deviation).sum()
    trust = 0.0 if energy == 0 else max(0.0, 1.0 - (n_cells - 1) * scale**2 / energy)
    probability = project_to_simplex(even + trust * deviation / total)
    # one pseudo-record keeps every cell possible
    prior = 0.5 * even + 0.5 / n_cells
    return (total * probability + prior) / (total + 1.0)
