"""Where each column's statistics and parameters lie in the arrays of the mixture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from .._histograms import Bins, FineGrid, locate
from ._columns import ColumnModel

__all__ = [
    "Block",
    "Layout",
    "Records",
    "Scalar",
    "build_layout",
    "encode_records",
    "record_squared_norm",
]


@dataclass(frozen=True)
class Block:
    """The cells of one tabulated column; a nullable column's last cell is the missing one."""

    column: int
    start: int
    n_cells: int
    is_ordered: bool
    is_nullable: bool
    is_bernoulli: bool

    @property
    def cells(self) -> slice:
        """The block's place among the cells of all blocks."""
        return slice(self.start, self.start + self.n_cells)


@dataclass(frozen=True)
class Scalar:
    """The features of one column modelled by a normal or poisson distribution.

    They are the value u in [0, 1], its square (normal only) and the missing indicator (nullable
    columns only); the first two are 0 where the value is missing. A poisson column counts steps
    above its lower bound.
    """

    column: int
    start: int
    distribution: str
    is_nullable: bool
    span: float

    @property
    def n_moments(self) -> int:
        """Features besides the missing indicator."""
        return 2 if self.distribution == "normal" else 1

    @property
    def n_features(self) -> int:
        """Features of the column."""
        return self.n_moments + self.is_nullable


@dataclass(frozen=True)
class Layout:
    """How a record becomes the vector t(x) whose expected sums are released.

    Attributes
    ----------
    blocks : tuple of Block
        Tabulated columns, without the one that owns the components.
    scalars : tuple of Scalar
        Columns with normal or poisson distribution.
    owner : int or None
        The column each of whose cells owns components of its own.
    n_classes : int
        Cells of the owner; 1 without one.
    """

    blocks: tuple[Block, ...]
    scalars: tuple[Scalar, ...]
    owner: int | None
    n_classes: int

    @property
    def n_cells(self) -> int:
        """Cells of all blocks."""
        return sum(block.n_cells for block in self.blocks)

    @property
    def n_features(self) -> int:
        """Features of all scalar columns."""
        return sum(scalar.n_features for scalar in self.scalars)


class Records(NamedTuple):
    """The private rows in the form the kernels read; never leaves the release.

    Attributes
    ----------
    codes : ndarray of shape (n_rows, n_blocks), int32
        Position of each value's cell among the cells of all blocks.
    features : ndarray of shape (n_rows, n_features)
    classes : ndarray of shape (n_rows,), int32
        Cell of the owning column.
    """

    codes: np.ndarray
    features: np.ndarray
    classes: np.ndarray


def count_cells(column: ColumnModel, bins: Bins | None) -> int:
    """Return the number of cells of a tabulated column, the missing one included."""
    n_cells = bins.n_bins if bins is not None else column.n_levels
    return n_cells + int(column.kind.nullable)


def record_squared_norm(columns: Sequence[ColumnModel], owner: int | None) -> int:
    """Return the largest squared L2 norm of what one record adds to the released sums.

    Over all components its share of the count adds at most 1, of a one-hot block at most 1, and
    of a feature in [0, 1] at most 1, since non-negative shares that sum to at most 1 have a sum of
    squares of at most 1. A normal column has two features, u and u², and both are 0 when its
    missing indicator is 1.
    """
    features = [2 if c.distribution == "normal" else 1 for c in columns]
    return 1 + sum(features) - (0 if owner is None else features[owner])


def build_layout(
    columns: Sequence[ColumnModel], bins: Mapping[int, Bins], owner: int | None
) -> Layout:
    """Lay the columns out one after the other.

    Parameters
    ----------
    columns : sequence of ColumnModel
    bins : mapping of column position to Bins
        For the histogram columns.
    owner : int or None
        Position of the column that owns components.
    """
    blocks: list[Block] = []
    scalars: list[Scalar] = []
    next_cell = next_feature = 0
    for position, column in enumerate(columns):
        if position == owner:
            continue
        if column.is_tabulated:
            n_cells = count_cells(column, bins.get(position))
            blocks.append(
                Block(
                    position,
                    next_cell,
                    n_cells,
                    column.is_ordered,
                    column.kind.nullable,
                    column.distribution == "bernoulli",
                )
            )
            next_cell += n_cells
        else:
            span = float(column.kind.span)
            scalars.append(
                Scalar(position, next_feature, column.distribution, column.kind.nullable, span)
            )
            next_feature += scalars[-1].n_features
    n_classes = 1 if owner is None else count_cells(columns[owner], bins.get(owner))
    return Layout(tuple(blocks), tuple(scalars), owner, n_classes)


def encode_records(
    codes: np.ndarray,
    columns: Sequence[ColumnModel],
    layout: Layout,
    grids: Mapping[int, FineGrid],
    bins: Mapping[int, Bins],
) -> Records:
    """Turn an encoded table into records.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Level positions and unit-interval values, NaN where missing.
    columns, layout
    grids, bins : mappings of column position
        For the histogram columns.
    """
    n_rows = len(codes)

    def cells_of(position: int) -> np.ndarray:
        return _tabulate(
            codes[:, position], columns[position], grids.get(position), bins.get(position)
        )

    cell_codes = np.empty((n_rows, len(layout.blocks)), dtype=np.int32)
    for j, block in enumerate(layout.blocks):
        cell_codes[:, j] = block.start + cells_of(block.column)
    features = np.empty((n_rows, layout.n_features))
    for scalar in layout.scalars:
        features[:, scalar.start : scalar.start + scalar.n_features] = _scalar_features(
            codes[:, scalar.column], scalar
        )
    classes = np.zeros(n_rows, dtype=np.int32)
    if layout.owner is not None:
        classes[:] = cells_of(layout.owner)
    return Records(cell_codes, features, classes)


def _tabulate(
    values: np.ndarray, column: ColumnModel, grid: FineGrid | None, bins: Bins | None
) -> np.ndarray:
    """Return each value's cell within its column; missing values take the last one."""
    missing = np.isnan(values)
    filled = np.where(missing, 0.0, values)
    if grid is not None and bins is not None:
        cells = bins.bin_of_cell[locate(grid, column.kind, filled)]
    elif column.is_numeric:
        cells = np.round(filled * column.kind.span).astype(np.int64)
    else:
        cells = filled.astype(np.int64)
    return np.where(missing, count_cells(column, bins) - 1, cells)


def _scalar_features(values: np.ndarray, scalar: Scalar) -> np.ndarray:
    missing = np.isnan(values)
    value = np.where(missing, 0.0, values)
    features: list[Any] = [value, value**2][: scalar.n_moments]
    if scalar.is_nullable:
        features.append(missing)
    return np.column_stack(features)
