"""The release of a row count and fine histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._denoising import project_to_simplex
from ..privacy import Mechanisms
from ._grid import FineGrid, locate

__all__ = ["NoisyGrid", "release_grid"]


class NoisyGrid(NamedTuple):
    """The first release: row count and fine histograms.

    Attributes
    ----------
    n_records : float
        Noisy under add/remove; exact, because public, under replace-one.
    counts : dict of column position to ndarray of shape (n_cells + nullable,)
        Projected on the non-negative vectors that sum to n_records.
    scale : float
        Standard deviation of the noise in a count.
    is_count_public : bool
        Whether n_records is exact.
    """

    n_records: float
    counts: dict[int, np.ndarray]
    scale: float
    is_count_public: bool


def release_grid(
    codes: np.ndarray,
    kinds: Sequence[Any],
    grids: Mapping[int, FineGrid],
    mu: float,
    desk: Mechanisms,
) -> NoisyGrid:
    """Release the row count and a fine histogram of every histogram column.

    Sensitivity: a record adds 1 to the count and to one cell of each histogram, Δ² = 1 + their
    number; under replace-one the count is public, and two cells of each histogram change by 1.
    """
    n_rows = len(codes)
    counts = {j: count_cells(codes[:, j], kinds[j], grid) for j, grid in grids.items()}
    squared_norm = len(grids) + (not desk.is_count_public)
    if not squared_norm:
        return NoisyGrid(float(n_rows), {}, 0.0, True)
    sensitivity = desk.nonnegative_sensitivity(math.sqrt(squared_norm))
    exact = [np.array([] if desk.is_count_public else [n_rows]), *counts.values()]
    released = desk.gaussian(
        np.concatenate(exact),
        sensitivity=sensitivity,
        mu=mu,
        name="row count and fine histograms" if grids else "row count",
        grid=1.0,
    )
    parts = np.split(released, np.cumsum([len(part) for part in exact])[:-1])
    count = desk.read_count(released, n_rows, sensitivity / mu)
    projected = {
        j: count.value * project_to_simplex(part / count.value)
        for j, part in zip(grids, parts[1:], strict=True)
    }
    return NoisyGrid(count.value, projected, sensitivity / mu, desk.is_count_public)


def count_cells(values: np.ndarray, kind: Any, grid: FineGrid) -> np.ndarray:
    """Return the exact histogram of one column, missing values in a last cell of their own."""
    missing = np.isnan(values)
    n_cells = len(grid.left)
    cells = np.where(missing, n_cells, locate(grid, kind, np.where(missing, 0.0, values)))
    return np.bincount(cells, minlength=n_cells + int(kind.nullable))
