"""Moment perturbation: the private rows are read here, and only here, pass by pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..privacy import NoiseSource, PrivacyLedger, gaussian_release, nonnegative_sensitivity
from ._bins import Bins, FineGrid, coarsen, fine_grid, locate
from ._columns import ColumnModel
from ._components import choose_components, mix, refine, settle, start_components
from ._estimates import NoisySums, add_by_class, average
from ._kernels import NaturalParameters, sum_statistics
from ._layout import Layout, Records, build_layout, encode_records, record_squared_norm
from ._model import natural_parameters
from ._shrinkage import project_to_simplex

__all__ = ["MomentsPlan", "MomentsRelease", "release_moments"]

# responsibilities are multiples of its inverse, so that their sums are exact integers
RESOLUTION = 256
RESOLUTION_WITHOUT_NOISE = 4096

GRID_SHARE = 0.1
COUNT_SHARE = 0.01
PROFILE_SHARE = 0.15
LAST_SHARE = 0.5

RECORDS_PER_BIN = 25.0
RECORDS_PER_TARGET_BIN = 60.0


@dataclass(frozen=True)
class MomentsPlan:
    """What the passes may spend and how large the model may be; public.

    Attributes
    ----------
    n_components, n_bins : int or "auto"
        Chosen from the noisy row count when "auto".
    n_passes : int
        Passes over the records after the grid.
    """

    n_components: int | str
    n_bins: int | str
    n_passes: int

    def shares(self, grid: float) -> tuple[float, ...]:
        """Return the share of μ² of the grid and of every pass; they sum to one.

        They depend on public inputs alone. A class with a single component is measured the same
        way in every pass, and all its measurements are averaged: passes cost it nothing.
        """
        if self.n_passes == 1:
            passes = [1.0]
        elif self.n_passes == 2:
            passes = [1 / 3, 2 / 3]
        else:
            middle = (1.0 - PROFILE_SHARE - LAST_SHARE) / (self.n_passes - 2)
            passes = [PROFILE_SHARE, *[middle] * (self.n_passes - 2), LAST_SHARE]
        return (grid, *((1.0 - grid) * share for share in passes))


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
    """

    n_records: float
    counts: dict[int, np.ndarray]
    scale: float


class MomentsRelease(NamedTuple):
    """All that leaves the rows: released quantities and functions of them.

    Attributes
    ----------
    columns : tuple of ColumnModel
    layout : Layout
    bins : dict of column position to Bins
    owner : ndarray of shape (n_components,), int
        The class of each component.
    totals : NoisySums of n_classes
        Inverse-variance average over all passes, consistent.
    sums : NoisySums of n_components
        The last pass.
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    """

    columns: tuple[ColumnModel, ...]
    layout: Layout
    bins: dict[int, Bins]
    owner: np.ndarray
    totals: NoisySums
    sums: NoisySums
    n_records: float


def release_moments(
    codes: np.ndarray,
    columns: tuple[ColumnModel, ...],
    owner: int | None,
    plan: MomentsPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_pass: Callable[[], object] = lambda: None,
) -> MomentsRelease:
    """Release what determines the mixture: fine histograms, then expected statistics per pass.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table.
    columns : tuple of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    plan : MomentsPlan
    ledger : PrivacyLedger
        Every release is charged before its noise is drawn.
    noise : NoiseSource
    after_pass : callable, optional
        Called after every pass, for a progress bar.

    Notes
    -----
    Sensitivity of a pass: with earlier outputs fixed, a record's responsibilities r_k depend on
    that record alone, are non-negative and sum to one; what it adds is (r_k)_k, (r_k·onehot_j)_k
    per block and (r_k·u)_k per feature, each of L2 norm at most its L1 norm of at most one, and no
    other record moves. So Δ² = `record_squared_norm`, doubled under replace-one because all
    coordinates are non-negative. It is attained by a record with certain responsibilities and
    normal and poisson columns at their upper bounds.

    Passes with μ_t, all fixed before the first, compose to μ² = Σ μ_t² (Dong, Roth & Su 2022,
    Corollary 3.3).

    References
    ----------
    Park, Foulds, Chaudhuri & Welling (2020), Variational Bayes in private settings (VIPS), Journal
    of Artificial Intelligence Research 68, section 3: the expected sufficient statistics are
    perturbed; the composition here is Gaussian differential privacy.
    """
    histograms = [j for j, column in enumerate(columns) if column.distribution == "histogram"]
    grids = {j: fine_grid(columns[j].kind) for j in histograms}
    knows_count = ledger.adjacency == "replace_one"
    grid_share = GRID_SHARE if histograms else (0.0 if knows_count else COUNT_SHARE)
    mus = [ledger.mu * math.sqrt(share) if share else 0.0 for share in plan.shares(grid_share)]

    noisy_grid = _release_grid(codes, columns, grids, mus[0], ledger, noise)
    norm = math.sqrt(record_squared_norm(columns, owner))
    sensitivity = nonnegative_sensitivity(norm, ledger.adjacency)
    scale = sensitivity / mus[-1]
    n_bins = _choose_bins(plan, noisy_grid.n_records, scale, histograms, owner)
    bins = {j: coarsen(noisy_grid.counts[j], grids[j], noisy_grid.scale, n_bins[j]) for j in grids}
    layout = build_layout(columns, bins, owner)
    records = encode_records(codes, columns, layout, grids, bins)
    # the number of bins varies a little with the noise: padding keeps compiled shapes the same
    n_padded_cells = _power_of_two(
        sum(2 * n_bins.get(block.column, block.n_cells) + 2 for block in layout.blocks)
    )
    known_count = noisy_grid.n_records if knows_count else None

    def measure(model: NaturalParameters, n_components: int, step: int) -> NoisySums:
        sums = _release_sums(
            records, model, layout, n_components, sensitivity, mus[step], step, ledger, noise
        )
        after_pass()
        return sums

    component_owner = np.arange(layout.n_classes)
    profile = measure(_one_per_class(layout, n_padded_cells), layout.n_classes, 1)
    measured, sums = profile, profile
    totals = settle(measured, layout, known_count)
    if plan.n_passes > 1:
        component_owner = choose_components(plan.n_components, totals.n_records, scale)
        estimates = start_components(totals, layout, bins, component_owner, noise.generator())
    for step in range(2, plan.n_passes + 1):
        weights = mix(estimates.n_records, totals.n_records, component_owner)
        shape = (n_padded_cells, _power_of_two(len(component_owner)))
        model = natural_parameters(weights, component_owner, estimates, layout, shape)
        sums = measure(model, len(component_owner), step)
        measured = average(measured, add_by_class(sums, component_owner, layout.n_classes))
        totals = settle(measured, layout, known_count)
        estimates = refine(sums, totals, layout, bins, component_owner)
    n_records = float(totals.n_records.sum()) if known_count is None else known_count
    return MomentsRelease(columns, layout, bins, component_owner, totals, sums, n_records)


def _release_grid(
    codes: np.ndarray,
    columns: Sequence[ColumnModel],
    grids: Mapping[int, FineGrid],
    mu: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisyGrid:
    """Release the row count and a fine histogram of every histogram column.

    Sensitivity: a record adds 1 to the count and to one cell of each histogram, Δ² = 1 + their
    number; under replace-one the count is public, and two cells of each histogram change by 1.
    """
    n_rows = len(codes)
    knows_count = ledger.adjacency == "replace_one"
    counts = {j: _count_cells(codes[:, j], columns[j], grid) for j, grid in grids.items()}
    squared_norm = len(grids) + (not knows_count)
    if not squared_norm:
        return NoisyGrid(float(n_rows), {}, 0.0)
    sensitivity = nonnegative_sensitivity(math.sqrt(squared_norm), ledger.adjacency)
    exact = [np.array([] if knows_count else [n_rows]), *counts.values()]
    released = gaussian_release(
        np.concatenate(exact),
        sensitivity=sensitivity,
        mu=mu,
        name="row count and fine histograms" if grids else "row count",
        ledger=ledger,
        noise=noise,
        grid=1.0,
    )
    parts = np.split(released, np.cumsum([len(part) for part in exact])[:-1])
    n_records = float(n_rows) if knows_count else max(float(parts[0][0]), 1.0)
    projected = {
        j: n_records * project_to_simplex(part / n_records)
        for j, part in zip(grids, parts[1:], strict=True)
    }
    return NoisyGrid(n_records, projected, sensitivity / mu)


def _count_cells(values: np.ndarray, column: ColumnModel, grid: FineGrid) -> np.ndarray:
    """Return the exact histogram of one column, missing values in a last cell of their own."""
    missing = np.isnan(values)
    n_cells = len(grid.left)
    cells = np.where(missing, n_cells, locate(grid, column.kind, np.where(missing, 0.0, values)))
    return np.bincount(cells, minlength=n_cells + int(column.kind.nullable))


def _release_sums(
    records: Records,
    model: NaturalParameters,
    layout: Layout,
    n_components: int,
    sensitivity: float,
    mu: float,
    step: int,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisySums:
    """Release one pass of expected sufficient statistics; `release_moments` has the proof."""
    resolution = RESOLUTION if math.isfinite(mu) else RESOLUTION_WITHOUT_NOISE
    exact = sum_statistics(records, model, resolution)
    parts = [
        exact.n_records[:n_components],
        exact.cell[: layout.n_cells, :n_components].T,
        exact.feature[:, :n_components].T,
    ]
    released = gaussian_release(
        np.concatenate([part.ravel() for part in parts]) / resolution,
        sensitivity=sensitivity,
        mu=mu,
        name=f"expected statistics, pass {step}",
        ledger=ledger,
        noise=noise,
        grid=1.0 / resolution,
    )
    split = np.split(released, np.cumsum([part.size for part in parts])[:-1])
    count, cell, feature = (
        values.reshape(part.shape) for values, part in zip(split, parts, strict=True)
    )
    return NoisySums(count, cell, feature, np.full(n_components, (sensitivity / mu) ** 2))


def _one_per_class(layout: Layout, n_padded_cells: int) -> NaturalParameters:
    """Return a mixture of one flat component per class: every record is certain of its own."""
    # padded as well: the classes of a numeric target are as many as its bins
    n_components = _power_of_two(layout.n_classes)
    return NaturalParameters(
        np.zeros(n_components),
        np.zeros((n_padded_cells, n_components)),
        np.zeros((layout.n_features, n_components)),
        np.arange(n_components, dtype=np.int32),
    )


def _choose_bins(
    plan: MomentsPlan,
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
    if plan.n_bins == "auto":
        n_bins = int(np.clip(_nearest_power_of_two(strength / RECORDS_PER_BIN), 32, 256))
    else:
        n_bins = int(plan.n_bins)
    n_target_bins = int(np.clip(strength / RECORDS_PER_TARGET_BIN, 4, 32))
    return {j: min(n_target_bins, n_bins) if j == owner else n_bins for j in histograms}


def _power_of_two(number: int) -> int:
    return 1 << max(number - 1, 0).bit_length()


def _nearest_power_of_two(number: float) -> float:
    return float(2.0 ** np.round(np.log2(max(number, 1.0))))
