"""A fine public grid over the bounds of a numeric column."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

__all__ = ["FineGrid", "fine_grid", "locate"]

# uniform cells give resolution everywhere, log-spaced ones close to the anchor (zero, or low)
N_UNIFORM = 512
N_LOG = 128
SMALLEST_RATIO = 1e-4
MAX_INTEGER_CELLS = 1024


class FineGrid(NamedTuple):
    """Cells that partition the public range of a numeric column.

    Attributes
    ----------
    left, right : ndarray of shape (n_cells,)
        A cell of a column in steps, such as a Count, holds the values left..right steps above
        `low`; one of another column the interval [left, right) of the unit interval, or the single
        point left = right.
    measure : ndarray of shape (n_cells,)
        How much of the column's domain a cell is: values of a column in steps, units of the column
        for an interval, 1 for a point.
    is_count : bool
        Whether the column has steps: a Count, or a Continuous with `decimals` or `step`.
    """

    left: np.ndarray
    right: np.ndarray
    measure: np.ndarray
    is_count: bool


def fine_grid(kind: Any) -> FineGrid:
    """Return the grid of a numeric kind; it depends on the public bounds alone.

    A column of at most 1024 values, such as a Count, has a cell for each. Otherwise cells are
    bounded by 512 equally spaced points and by points log-spaced around the anchor (zero when the
    bounds enclose it, else `low`), and the bounds and zero are cells of their own, since values
    pile up there.

    Parameters
    ----------
    kind : Continuous or Count

    Examples
    --------
    >>> from skdpsynth import Count
    >>> fine_grid(Count(0, 3)).left
    array([0., 1., 2., 3.])
    """
    width, has_steps = kind.span, kind.n_steps is not None
    if has_steps and width < MAX_INTEGER_CELLS:
        integers = np.arange(width + 1, dtype=np.float64)
        return FineGrid(integers, integers, np.ones_like(integers), True)
    anchor = np.clip((0.0 - kind.low) / (kind.high - kind.low), 0.0, 1.0)
    steps = np.geomspace(SMALLEST_RATIO, 1.0, N_LOG) * max(anchor, 1.0 - anchor)
    edges = np.concatenate([np.linspace(0.0, 1.0, N_UNIFORM + 1), anchor - steps, anchor + steps])
    points = np.unique([0.0, anchor, 1.0])
    edges = np.concatenate([edges[(edges > 0.0) & (edges < 1.0)], points])
    if has_steps:
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
        Whose cells partition the range of the kind, such as those of `fine_grid(kind)`.
    kind : Continuous or Count
    unit_values : ndarray of shape (n,)
        (x − low) / (high − low) in [0, 1], none missing.

    Returns
    -------
    cells : ndarray of shape (n,), int
    """
    if grid.is_count:
        offsets = np.round(unit_values * kind.span)
        if np.array_equal(grid.left, grid.right):
            # one cell per value
            return offsets.astype(np.int64)
        return np.searchsorted(grid.left, offsets, side="right") - 1
    # a point shares its left end with the interval that follows it and precedes it in the order
    cells = np.searchsorted(grid.left, unit_values, side="right") - 1
    is_point = grid.left[cells] == grid.right[cells]
    previous = np.maximum(cells - 1, 0)
    on_point = (grid.left[previous] == grid.right[previous]) & (grid.left[previous] == unit_values)
    return np.where(~is_point & on_point, previous, cells)
