"""The two measurements of the private rows: histograms, and expected statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._contracts import MOST_VALUES, Demand
from .._histograms import Bins, NoisyGrid, coarsen, fine_grid, release_grid
from ..privacy import Mechanisms
from ._columns import ColumnModel
from ._estimates import NoisySums
from ._kernels import NaturalParameters, power_of_two, sum_statistics
from ._layout import Layout, Records, build_layout, encode_records, record_squared_norm

__all__ = [
    "BinRule",
    "Opening",
    "demand_of",
    "expect_classes",
    "most_components",
    "one_per_class",
    "open_table",
    "pass_sensitivity",
    "release_sums",
]

# responsibilities are multiples of a power of two, so that their sums are exact integers
RESOLUTION = 4096

RECORDS_PER_BIN = 25.0
RECORDS_PER_TARGET_BIN = 60.0
FEWEST_TARGET_BINS = 4
MOST_TARGET_BINS = 32
MOST_BINS = 256


class BinRule(NamedTuple):
    """How many bins "auto" aims at, by the records per unit of noise in a count.

    Attributes
    ----------
    records_per_bin : float
    fewest : int
        Bins of a column; a power of two.
    has_few_classes : bool
        Whether a numeric target has only as many bins as leave each of them, the owner of
        components, about as many components.
    """

    records_per_bin: float = RECORDS_PER_BIN
    fewest: int = 32
    has_few_classes: bool = False

    def count_bins(self, n_bins: int | str, strength: float) -> int:
        """Return the bins of a column."""
        if n_bins != "auto":
            return int(n_bins)
        wanted = _nearest_power_of_two(strength / self.records_per_bin)
        return int(np.clip(wanted, self.fewest, MOST_BINS))

    def count_classes(self, strength: float) -> int:
        """Return the bins of a numeric target."""
        wanted = strength / RECORDS_PER_TARGET_BIN
        if self.has_few_classes:
            wanted = math.sqrt(wanted)
        return int(np.clip(wanted, FEWEST_TARGET_BINS, MOST_TARGET_BINS))


FINE_BINS = BinRule()


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
    rule: BinRule = FINE_BINS,
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
    rule : BinRule, default=FINE_BINS
        For "auto".
    """
    histograms = [j for j, column in enumerate(columns) if column.distribution == "histogram"]
    grids = {j: fine_grid(columns[j].kind) for j in histograms}
    kinds = [column.kind for column in columns]
    grid = release_grid(codes, kinds, grids, mu, desk)
    aims = _choose_bins(rule, n_bins, grid.n_records, scale, histograms, owner)
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


def most_components(layout: Layout) -> int:
    """Return how many components memory allows; one per class at least."""
    n_values = 1 + layout.n_cells + layout.n_features
    return max(MOST_VALUES // n_values, layout.n_classes)


def demand_of(
    columns: Sequence[ColumnModel],
    owner: int | None,
    n_bins: int | str,
    n_components: int | str,
    fewest: int = FINE_BINS.fewest,
) -> Demand:
    """Return what passes take, by the levels of the columns, with the fewest components.

    Parameters
    ----------
    columns : sequence of ColumnModel
    owner : int or None
    n_bins, n_components : int or "auto"
    fewest : int, default=32
        Bins that "auto" aims at where rows are few.
    """
    n_cells = {column.name: _expect_cells(column, n_bins, fewest) for column in columns}
    n_classes = 1 if owner is None else n_cells[columns[owner].name]
    if owner is not None and columns[owner].distribution == "histogram":
        n_classes = min(2 * FEWEST_TARGET_BINS + 2, n_classes)
        n_cells[columns[owner].name] = n_classes
    n_owned = n_classes if n_components == "auto" else max(int(n_components), n_classes)
    n_values = n_owned * (1 + sum(n_cells.values()) - (0 if owner is None else n_classes))
    return Demand(n_cells, n_values)


def _expect_cells(column: ColumnModel, n_bins: int | str, fewest: int) -> int:
    if column.distribution == "histogram":
        # as many as there are at most where few are aimed at
        return 2 * (fewest if n_bins == "auto" else int(n_bins)) + 1 + column.kind.nullable
    return column.n_levels + column.kind.nullable if column.is_tabulated else 2


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
    rule: BinRule,
    n_bins: int | str,
    n_records: float,
    scale: float,
    histograms: Sequence[int],
    owner: int | None,
) -> dict[int, int]:
    """Return how many bins each histogram column aims at; those of a target own components."""
    strength = max(n_records, 0.0) / max(scale, 1.0)
    wanted = rule.count_bins(n_bins, strength)
    n_target_bins = min(rule.count_classes(strength), wanted)
    return {j: n_target_bins if j == owner else wanted for j in histograms}


def _nearest_power_of_two(number: float) -> float:
    return float(2.0 ** np.round(np.log2(max(number, 1.0))))
