"""Bins of a numeric column for marginal queries: by noisy counts, or public ones."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from .._histograms import Bins, FineGrid, share_within
from ..schema import in_steps, make_edges

__all__ = ["GroupedBins", "divide", "group_bins", "public_bins"]


class GroupedBins(NamedTuple):
    """Bins of a column, and groups of neighbouring bins.

    A group and a bin's place within its group are variables of their own: queries over several
    columns are over groups, which keeps them small; the place is linked to its own group.

    Attributes
    ----------
    grid : FineGrid
    bins : Bins
    group : ndarray of shape (n_bins,), int
        Rising from 0.
    place : ndarray of shape (n_bins,), int
        Rising from 0 within each group.
    n_groups, n_places : int
        Public numbers; a group may have fewer places.
    """

    grid: FineGrid
    bins: Bins
    group: np.ndarray
    place: np.ndarray
    n_groups: int
    n_places: int

    def bin_at(self, group: np.ndarray, place: np.ndarray) -> np.ndarray:
        """Return the bins at these places; a place that a group lacks is its last one."""
        first = np.searchsorted(self.group, np.arange(self.n_groups), side="left")
        last = np.searchsorted(self.group, np.arange(self.n_groups), side="right") - 1
        return np.minimum(first[group] + place, last[group])


def group_bins(counts: np.ndarray, grid: FineGrid, n_groups: int, n_places: int) -> GroupedBins:
    """Join the cells of a fine grid into groups of equal mass, and each into bins.

    Parameters
    ----------
    counts : ndarray of shape (n_cells + nullable,)
        Estimated counts, none negative; a last one of missing values is left out.
    grid : FineGrid
    n_groups, n_places : int
        Groups, and bins in each; fewer where there are not as many cells. These numbers, unlike
        the bins, do not depend on the noise.
    """
    counts = counts[: len(grid.left)]
    n_groups = min(n_groups, len(counts))
    group: list[int] = []
    place: list[int] = []
    bin_of_cell = np.empty(len(counts), dtype=np.int64)
    probability = np.empty(len(counts))
    pseudo_records = 1.0 / (n_groups * n_places)
    group_starts = divide(counts, n_groups)
    for number, cells in enumerate(np.split(np.arange(len(counts)), group_starts[1:])):
        starts = divide(counts[cells], n_places)
        for position, own in enumerate(np.split(cells, starts[1:])):
            bin_of_cell[own] = len(group)
            probability[own] = share_within(counts[own], grid.measure[own], pseudo_records)
            group.append(number)
            place.append(position)
    mass = np.bincount(bin_of_cell, weights=counts) + 1.0
    bins = Bins(bin_of_cell, probability, len(group), mass / mass.sum())
    return GroupedBins(grid, bins, np.array(group), np.array(place), n_groups, n_places)


def divide(counts: np.ndarray, n_parts: int) -> np.ndarray:
    """Divide consecutive cells into parts of about equal mass; spikes stand alone.

    Parameters
    ----------
    counts : ndarray of shape (n_cells,)
        None negative.
    n_parts : int
        There are exactly that many parts, or one per cell when there are fewer cells.

    Returns
    -------
    starts : ndarray of shape (min(n_parts, n_cells),), int
        The first cell of each part.

    Examples
    --------
    >>> divide(np.array([90.0, 1, 1, 1, 1, 1]), 3)
    array([0, 1, 3])
    """
    n_cells = len(counts)
    n_parts = min(n_parts, n_cells)
    # equal masses of nothing are equal numbers of cells
    counts = counts + 1e-9 * (counts.sum() + 1.0) / n_cells
    runs = _runs(counts, n_parts)
    mass = np.array([counts[start:stop].sum() for start, stop, _ in runs])
    limit = np.array([1 if alone else stop - start for start, stop, alone in runs])
    shares = np.ones(len(runs), dtype=np.int64)
    for _ in range(n_parts - len(runs)):
        shares[np.argmax(np.where(shares < limit, mass / shares, -1.0))] += 1
    starts = [
        start + _quantiles(counts[start:stop], int(share))
        for (start, stop, _), share in zip(runs, shares, strict=True)
    ]
    return np.concatenate(starts)


def _runs(counts: np.ndarray, n_parts: int) -> list[tuple[int, int, bool]]:
    """Return spikes and the runs of cells between them, as (start, stop, is a spike)."""
    candidates = np.flatnonzero(counts >= counts.sum() / n_parts)
    # the largest first, and as many as leave parts for what lies between them
    ranked = candidates[np.argsort(-counts[candidates], kind="stable")]
    for n_spikes in range(min(len(ranked), n_parts // 2), -1, -1):
        edges = sorted({0, len(counts), *ranked[:n_spikes], *(ranked[:n_spikes] + 1)})
        spikes = set(ranked[:n_spikes].tolist())
        runs = [(int(a), int(b), int(a) in spikes) for a, b in itertools.pairwise(edges)]
        n_cells = sum(1 if alone else stop - start for start, stop, alone in runs)
        if len(runs) <= n_parts <= n_cells:
            return runs
    return [(0, len(counts), False)]


def _quantiles(counts: np.ndarray, n_parts: int) -> np.ndarray:
    """Return the first cells of parts of equal mass, none of them empty."""
    cumulative = np.cumsum(counts)
    aims = cumulative[-1] * np.arange(1, n_parts) / n_parts
    # the edge nearest to each aim
    edges = np.searchsorted(cumulative, aims) + 1
    before = np.where(edges >= 2, cumulative[np.maximum(edges - 2, 0)], 0.0)
    edges = edges - (aims - before < cumulative[edges - 1] - aims)
    starts = np.concatenate([[0], edges])
    steps = np.arange(n_parts)
    starts = np.maximum.accumulate(starts - steps) + steps
    return np.minimum(starts, len(counts) - n_parts + steps)


def public_bins(kind: Any, bins: int | np.ndarray) -> GroupedBins:
    """Return bins between public edges, uniform inside; each is a group of its own.

    Parameters
    ----------
    kind : Continuous or Count
    bins : int or ndarray of float
        Number of equally wide bins, or inner and outer edges; values of a column in steps, such as
        a Count, lie between them as ``edges[i] <= value < edges[i + 1]``, the last bin includes
        its upper edge.
    """
    edges = make_edges(kind, bins, "uniform") if isinstance(bins, int) else np.asarray(bins, float)
    width = kind.high - kind.low
    if kind.n_steps is not None:
        # an inner edge on the upper bound begins a bin of that value alone
        inner = np.ceil(in_steps(edges[1:-1], kind))
        inner = inner[(inner > 0) & (inner <= kind.n_steps)]
        left = np.unique(np.concatenate([[0.0], inner]))
        right = np.append(left[1:] - 1.0, float(kind.n_steps))
        grid = FineGrid(left, right, right - left + 1.0, True)
    else:
        inner = edges[(edges > kind.low) & (edges < kind.high)]
        # edges that are one in the unit interval have no bin between them
        left = np.unique(np.concatenate([[0.0], (inner - kind.low) / width]))
        left = left[left < 1.0]
        right = np.append(left[1:], 1.0)
        grid = FineGrid(left, right, (right - left) * width, False)
    n_bins = len(left)
    numbers = np.arange(n_bins)
    flat = Bins(numbers, np.ones(n_bins), n_bins, grid.measure / grid.measure.sum())
    return GroupedBins(grid, flat, numbers, np.zeros(n_bins, dtype=np.int64), n_bins, 1)
