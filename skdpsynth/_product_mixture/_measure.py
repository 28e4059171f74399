"""The two measurements of the private rows: histograms, and expected statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._histograms import Bins, NoisyGrid, coarsen, fine_grid, release_grid
from ..privacy import Mechanisms
from ._columns import ColumnModel
from ._estimates import NoisySums
from ._kernels import NaturalParameters, power_of_two, sum_statistics
from ._layout import Layout, Records, build_layout, encode_records, record_squared_norm

__all__ = [
    "Opening",
    "expect_classes",
    "one_per_class",
    "open_table",
    "pass_sensitivity",
    "release_sums",
]

# responsibilities are multiples of a power of two, so that their sums are exact integers
RESOLUTION = 4096

RECORDS_PER_BIN = 25.0
RECORDS_PER_TARGET_BIN = 60.0
MOST_TARGET_BINS = 32


class Opening(NamedTuple):
    """The private table in the form its passes read, and what the first release says of it.

    Attributes
    ----------
    records : Records
        Private: stays within the release.
    grid : NoisyGrid
    bins : dict of column position to Bins
    layout : Layout
    n_padded_cells : int
        Cells to pad to: the number of bins varies a little with the noise, compiled shapes do not.
    """

    records: Records
    grid: NoisyGrid
    bins: dict[int, Bins]
    layout: Layout
    n_padded_cells: int

    @property
    def known_count(self) -> float | None:
        """The row count where it is public."""
        return self.grid.n_records if self.grid.is_count_public else None


def expect_classes(columns: Sequence[ColumnModel], owner: int | None) -> int:
    """Return how many classes there will be, the most where that follows from noisy bins.

    Parameters
    ----------
    columns : sequence of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    """
    if owner is None:
        return 1
    if columns[owner].distribution == "histogram":
        return MOST_TARGET_BINS
    return columns[owner].n_levels + columns[owner].kind.nullable


def pass_sensitivity(columns: Sequence[ColumnModel], owner: int | None, desk: Mechanisms) -> float:
    """Return the L2 sensitivity of one pass of expected statistics; see `release_sums`."""
    return desk.nonnegative_sensitivity(math.sqrt(record_squared_norm(columns, owner)))


def open_table(
    codes: np.ndarray,
    columns: Sequence[ColumnModel],
    owner: int | None,
    n_bins: int | str,
    mu: float,
    scale: float,
    desk: Mechanisms,
) -> Opening:
    """Release the row count and histograms, choose bins by them, and encode the records.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table.
    columns : sequence of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    n_bins : int or "auto"
        Bins a histogram column aims at.
    mu : float
        For the release.
    scale : float
        Standard deviation of the noise of the most precise pass to come, which "auto" weighs the
        row count against.
    desk : Mechanisms
    """
    histograms = [j for j, column in enumerate(columns) if column.distribution == "histogram"]
    grids = {j: fine_grid(columns[j].kind) for j in histograms}
    kinds = [column.kind for column in columns]
    grid = release_grid(codes, kinds, grids, mu, desk)
    aims = _choose_bins(n_bins, grid.n_records, scale, histograms, owner)
    bins = {j: coarsen(grid.counts[j], grids[j], aims[j]) for j in grids}
    layout = build_layout(columns, bins, owner)
    records = encode_records(codes, columns, layout, grids, bins)
    n_padded_cells = power_of_two(
        sum(2 * aims.get(block.column, block.n_cells) + 2 for block in layout.blocks)
    )
    return Opening(records, grid, bins, layout, n_padded_cells)


def release_sums(
    records: Records,
    model: NaturalParameters,
    layout: Layout,
    n_components: int,
    sensitivity: float,
    mu: float,
    name: str,
    desk: Mechanisms,
    *,
    is_hard: bool = False,
) -> NoisySums:
    """Release expected sufficient statistics of all components.

    Parameters
    ----------
    records : Records
        The private rows.
    model : NaturalParameters
        Whose responsibilities weight the records; made from earlier releases.
    layout : Layout
    n_components : int
        Components that are not padding.
    sensitivity : float
        That of the sums, for the ledger's adjacency.
    mu : float
    name : str
        For the ledger.
    is_hard : bool, default=False
        Whether every record goes to one component as a whole, which makes a sum of one-hot
        records a table of counts.

    Notes
    -----
    Sensitivity: with `model` fixed, what a record adds depends on that record alone: (r_k)_k,
    (r_k·onehot_j)_k per block and (r_k·u)_k per feature, where r_k and r_k·u are rounded to
    non-negative multiples of a step that sum to at most one. Each of these vectors has L2 norm at
    most its L1 norm, so Δ² = `record_squared_norm` under add/remove, attained by a record with
    certain responsibilities and normal and poisson columns at their upper bounds. All coordinates
    are non-negative, so replacing a record moves the sums by at most √2 Δ.

    That no other record moves needs its arithmetic to be the same wherever it stands in a block;
    the kernels use no operation across rows but the exact integer sums.
    """
    # certain responsibilities are 0 or 1, and need no finer steps
    resolution = 1 if is_hard else RESOLUTION
    exact = sum_statistics(records, model, resolution)
    parts = [
        exact.n_records[:n_components],
        exact.cell[: layout.n_cells, :n_components].T,
        exact.feature[:, :n_components].T,
    ]
    # integers over a power of two: the division is exact, and 1/resolution is the noise's grid
    released = desk.gaussian(
        np.concatenate([part.ravel() for part in parts]) / resolution,
        sensitivity=sensitivity,
        mu=mu,
        name=name,
        grid=1.0 / resolution,
    )
    split = np.split(released, np.cumsum([part.size for part in parts])[:-1])
    count, cell, feature = (
        values.reshape(part.shape) for values, part in zip(split, parts, strict=True)
    )
    return NoisySums(count, cell, feature, np.full(n_components, (sensitivity / mu) ** 2))


def one_per_class(layout: Layout, n_padded_cells: int) -> NaturalParameters:
    """Return a mixture of one flat component per class: every record is certain of its own."""
    # padded as well: the classes of a numeric target are as many as its bins
    n_components = power_of_two(layout.n_classes)
    return NaturalParameters(
        np.zeros(n_components),
        np.zeros((n_padded_cells, n_components)),
        np.zeros((layout.n_features, n_components)),
        np.arange(n_components, dtype=np.int32),
    )


def _choose_bins(
    n_bins: int | str,
    n_records: float,
    scale: float,
    histograms: Sequence[int],
    owner: int | None,
) -> dict[int, int]:
    """Return how many bins each histogram column aims at: a power of two from 32 to 256.

    The more records per unit of noise, the finer; a numeric target's bins own components and are
    fewer, 4 to 32.
    """
    strength = n_records / max(scale, 1.0)
    if n_bins == "auto":
        wanted = int(np.clip(_nearest_power_of_two(strength / RECORDS_PER_BIN), 32, 256))
    else:
        wanted = int(n_bins)
    n_target_bins = int(np.clip(strength / RECORDS_PER_TARGET_BIN, 4, MOST_TARGET_BINS))
    return {j: min(n_target_bins, wanted) if j == owner else wanted for j in histograms}


def _nearest_power_of_two(number: float) -> float:
    return float(2.0 ** np.round(np.log2(max(number, 1.0))))
