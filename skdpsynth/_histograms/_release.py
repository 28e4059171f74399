"""The release of a row count and of histograms, level by level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..privacy import Mechanisms
from ._grid import FineGrid, locate
from ._levels import WEIGHT_STEP, CellTree

__all__ = ["NoisyGrid", "name_opening", "release_grid"]


class NoisyGrid(NamedTuple):
    """The first release: row count and histograms.

    Attributes
    ----------
    n_records : float
        Noisy under add/remove; exact, because public, under replace-one.
    counts : dict of column position to ndarray of shape (n_cells + nullable,)
        Estimated counts of the cells, none negative; they sum to n_records.
    count_scale : float
        Standard deviation of the error of n_records.
    is_count_public : bool
        Whether n_records is exact.
    """

    n_records: float
    counts: dict[int, np.ndarray]
    count_scale: float
    is_count_public: bool


def name_opening(has_histograms: bool) -> str:
    """Return what the ledger calls the first release."""
    return "row count and histograms by level" if has_histograms else "row count"


def release_grid(
    codes: np.ndarray,
    kinds: Sequence[Any],
    grids: Mapping[int, FineGrid],
    mu: float,
    desk: Mechanisms,
) -> NoisyGrid:
    """Release the row count and the histogram of every histogram column, level by level.

    Level 1 of a column counts its halves, level 2 its quarters, and so on to single cells.

    Sensitivity: a record adds 1 to the count and, in each column, the weight w of a level to one
    node of it, so that Δ² = 1 + Σ w² over the levels of all columns; every record attains it. No
    contribution is negative, so that Δ is √2 of that under replace-one, where the count is public
    and not released: attained by two records that lie in different nodes of every level.
    """
    n_rows = len(codes)
    trees = {j: CellTree(len(grid.left), bool(kinds[j].nullable)) for j, grid in grids.items()}
    squared_norm = sum(tree.squared_norm for tree in trees.values()) + (not desk.is_count_public)
    if not squared_norm:
        return NoisyGrid(float(n_rows), {}, 0.0, True)
    sensitivity = desk.nonnegative_sensitivity(math.sqrt(squared_norm))
    exact = [np.array([] if desk.is_count_public else [n_rows])]
    exact += [
        tree.measure_levels(count_cells(codes[:, j], kinds[j], grids[j]))
        for j, tree in trees.items()
    ]
    released = desk.gaussian(
        np.concatenate(exact),
        sensitivity=sensitivity,
        mu=mu,
        name=name_opening(bool(grids)),
        # without histograms there is one whole number
        grid=WEIGHT_STEP if grids else 1.0,
    )
    scale = sensitivity / mu
    parts = np.split(released, np.cumsum([len(part) for part in exact])[:-1])
    columns = {
        j: tree.combine(part, scale)
        for (j, tree), part in zip(trees.items(), parts[1:], strict=True)
    }
    if desk.is_count_public:
        total, error = float(n_rows), 0.0
    else:
        totals = [(float(parts[0][0]), scale**2), *(own.total for own in columns.values())]
        total, error = _average(totals)
    count = desk.read_count(np.array([total]), n_rows, error)
    counts = {j: own.divide(count.value, grids[j]) for j, own in columns.items()}
    return NoisyGrid(count.value, counts, count.scale, desk.is_count_public)


def _average(totals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the inverse-variance average and its standard deviation."""
    values, variances = np.array(totals).T
    if variances.min() <= 0.0:
        # without noise all are equal
        return float(values[0]), 0.0
    return float(np.average(values, weights=1.0 / variances)), float(
        (1.0 / variances).sum() ** -0.5
    )


def count_cells(values: np.ndarray, kind: Any, grid: FineGrid) -> np.ndarray:
    """Return the exact histogram of one column, missing values in a last cell of their own."""
    missing = np.isnan(values)
    n_cells = len(grid.left)
    cells = np.where(missing, n_cells, locate(grid, kind, np.where(missing, 0.0, values)))
    return np.bincount(cells, minlength=n_cells + int(kind.nullable))
