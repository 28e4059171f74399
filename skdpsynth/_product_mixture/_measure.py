"""The two measurements of the private rows: fine histograms, and expected statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._contracts import MOST_VALUES, Demand
from .._histograms import Bins, NoisyGrid, coarsen, fine_grid, release_grid
from ..privacy import Draw, Mechanisms
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
FINEST_RESOLUTION = 4096
STEPS_PER_SCALE = 1024.0
FEWEST_STEPS_PER_SCALE = 16.0

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
    """Release the row count and fine histograms, choose bins by them, and encode the records.

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
    bins = {j: coarsen(grid.counts[j], grids[j], grid.scale, aims[j]) for j in grids}
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
    reserve: float = 1.0,
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
    reserve : float, default=1
        Share that the error of the sampler may take of what is set aside for it. Where the sums are
        many the responsibilities are rounded to larger steps.

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
    n_values = n_components * (1 + layout.n_cells + layout.n_features)
    resolution = 1 if is_hard else _choose_resolution(sensitivity / mu, n_values, reserve, desk)
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


def _choose_resolution(scale: float, n_values: int, reserve: float, desk: Mechanisms) -> int:
    """Return the inverse of the step of the responsibilities, a power of two.

    The rounding stays a thousandth of the noise, and the noise few steps wide, since the sampler's
    error grows with that.
    """
    if scale == 0.0:
        return FINEST_RESOLUTION
    steps = STEPS_PER_SCALE
    while steps > FEWEST_STEPS_PER_SCALE and not desk.can_draw_rounded(n_values, steps, reserve):
        steps /= 2.0
    return int(np.clip(2.0 ** math.floor(math.log2(steps / scale)), 1, FINEST_RESOLUTION))


def most_components(
    layout: Layout, scales: Sequence[float], reserve: float, desk: Mechanisms
) -> int:
    """Return how many components memory and the sampler's error allow; one per class at least.

    Parameters
    ----------
    layout : Layout
    scales : sequence of float
        Standard deviation of the noise of every pass.
    reserve : float
        Share that the sampler's error of each may take of what is set aside for it.
    desk : Mechanisms
    """
    n_values = 1 + layout.n_cells + layout.n_features
    most = MOST_VALUES // n_values
    for scale in scales:
        most = min(most, desk.most_values(_fewest_steps(scale), reserve) // n_values)
    return max(most, layout.n_classes)


def _fewest_steps(scale: float) -> float:
    """Return the standard deviation of the noise in the largest steps that sums may have."""
    return max(scale, 2.0 * FEWEST_STEPS_PER_SCALE)


def demand_of(
    columns: Sequence[ColumnModel],
    owner: int | None,
    n_bins: int | str,
    n_components: int | str,
    mus: Sequence[float],
    desk: Mechanisms,
    *,
    fewest: int = FINE_BINS.fewest,
    is_hard: bool = False,
) -> Demand:
    """Return what passes take, by the levels of the columns, with the fewest components.

    Parameters
    ----------
    columns : sequence of ColumnModel
    owner : int or None
    n_bins, n_components : int or "auto"
    mus : sequence of float
        Of the first release and of every pass.
    desk : Mechanisms
    fewest : int, default=32
        Bins that "auto" aims at where rows are few.
    is_hard : bool, default=False
        As for `release_sums`.
    """
    n_cells = {column.name: _expect_cells(column, n_bins, fewest) for column in columns}
    n_classes = 1 if owner is None else n_cells[columns[owner].name]
    if owner is not None and columns[owner].distribution == "histogram":
        n_classes = min(2 * FEWEST_TARGET_BINS + 2, n_classes)
        n_cells[columns[owner].name] = n_classes
    n_owned = n_classes if n_components == "auto" else max(int(n_components), n_classes)
    n_values = n_owned * (1 + sum(n_cells.values()) - (0 if owner is None else n_classes))
    histograms = [c for c in columns if c.distribution == "histogram"]
    opening = 1 + sum(len(fine_grid(c.kind).left) + c.kind.nullable for c in histograms)
    first = desk.nonnegative_sensitivity(math.sqrt(1 + len(histograms)))
    sensitivity = pass_sensitivity(columns, owner, desk)
    draws = [Draw(opening, first, mus[0], 1.0)] if mus[0] and math.isfinite(mus[0]) else []
    for mu in mus[1:]:
        scale = sensitivity / mu
        # a grid of so few steps that the noise is narrow in it
        coarse = 2.0 ** math.floor(math.log2(max(scale / FEWEST_STEPS_PER_SCALE, 2.0**-12)))
        if math.isfinite(mu):
            draws.append(Draw(n_values, sensitivity, mu, 1.0 if is_hard else min(coarse, 1.0)))
    return Demand(n_cells, n_values, tuple(draws))


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
