"""DP-VI of the automatic mixture: a noisy profile to start from, then noisy gradients."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..._histograms import Bins
from ..._product_mixture._columns import ColumnModel
from ..._product_mixture._components import (
    MAX_COMPONENTS_PER_CLASS,
    RECORDS_PER_COMPONENT,
    choose_components,
    consistent_totals,
    mixing_proportions,
    start_components,
)
from ..._product_mixture._estimates import ComponentEstimates
from ..._product_mixture._kernels import power_of_two
from ..._product_mixture._layout import Layout
from ..._product_mixture._measure import (
    MOST_TARGET_BINS,
    one_per_class,
    open_table,
    pass_sensitivity,
    release_sums,
)
from ...privacy import Mechanisms, NoiseSource, PrivacyLedger
from .._d3p._engine import affordable_sampling_rate, fit_d3p
from .._moments import grid_share
from ._latents import MixtureLatents
from ._noisy_gradients import DPVIPlan, MeanFieldGuide, count_margin, run_dpvi

__all__ = [
    "VariationalPlan",
    "VariationalRelease",
    "choose_accounted_rate",
    "choose_sampling_rate",
    "guess_n_latents",
    "release_variational",
]

PROFILE_SHARE = 0.3
BATCH_SIZE = 4096
N_STEPS = 300
LEARNING_RATE = 0.1

# typical squared norms of a record's preconditioned gradient; a block's is below 2
BLOCK_SQUARED_NORM = 0.4
MOMENT_SQUARED_NORM = 1.0
NO_CLIPPING = 1e9
START_LOG_SCALE = -3.0


@dataclass(frozen=True)
class VariationalPlan:
    """Size of the model and hyper-parameters of the optimisation, "auto" where chosen here.

    Attributes
    ----------
    n_components, n_bins : int or "auto"
    n_steps : int or "auto"
    sampling_rate, clipping_norm, learning_rate : float or "auto"
    """

    n_components: int | str
    n_bins: int | str
    n_steps: int | str
    sampling_rate: float | str
    clipping_norm: float | str
    learning_rate: float | str

    def count_steps(self) -> int:
        """Return the number of steps."""
        return N_STEPS if self.n_steps == "auto" else int(self.n_steps)


class VariationalRelease(NamedTuple):
    """All that leaves the rows, and functions of it.

    Attributes
    ----------
    columns : tuple of ColumnModel
    layout : Layout
    bins : dict of column position to Bins
    owner : ndarray of shape (n_components,), int
    weights : ndarray of shape (n_components,)
        Mixing proportions.
    estimates : ComponentEstimates
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    """

    columns: tuple[ColumnModel, ...]
    layout: Layout
    bins: dict[int, Bins]
    owner: np.ndarray
    weights: np.ndarray
    estimates: ComponentEstimates
    n_records: float


def release_variational(
    codes: np.ndarray,
    columns: tuple[ColumnModel, ...],
    owner: int | None,
    plan: VariationalPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_steps: Callable[[int], object] = lambda n: None,
    engine: str = "jax",
) -> VariationalRelease:
    """Release a profile of every class, then the noisy gradients of DP-VI that start from it.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table.
    columns : tuple of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    plan : VariationalPlan
    ledger : PrivacyLedger
    noise : NoiseSource
    after_steps : callable, optional
        Called with a number of finished steps.
    engine : {"jax", "d3p"}, default="jax"

    Notes
    -----
    The grid and the profile are the first two releases of moment perturbation; `run_dpvi` and
    `fit_d3p` have the proof of the third.
    """
    has_histograms = any(column.distribution == "histogram" for column in columns)
    grid = grid_share(has_histograms, ledger.adjacency)
    mus = [ledger.mu * math.sqrt(share) if share else 0.0 for share in (grid, PROFILE_SHARE)]
    sensitivity = pass_sensitivity(columns, owner, ledger.adjacency)
    scale = sensitivity / mus[1]
    opening = open_table(
        codes, columns, owner, plan.n_bins, mus[0], scale, Mechanisms(ledger, noise)
    )
    layout = opening.layout
    profile = release_sums(
        opening.records,
        one_per_class(layout, opening.n_padded_cells),
        layout,
        layout.n_classes,
        sensitivity,
        mus[1],
        "profile of the classes",
        Mechanisms(ledger, noise),
    )
    totals = consistent_totals(profile, layout, opening.known_count)
    component_owner = choose_components(plan.n_components, totals.n_records, scale)
    start = start_components(totals, layout, opening.bins, component_owner, noise.generator())
    weights = mixing_proportions(start.n_records, totals.n_records, component_owner)
    n_records = opening.known_count or max(float(totals.n_records.sum()), 1.0)
    count_scale = float(np.sqrt(totals.variance.sum())) if opening.known_count is None else 0.0
    optimisation = choose_optimisation(plan, layout, n_records, count_scale, ledger)
    if engine == "d3p":
        if plan.sampling_rate == "auto":
            assert opening.known_count is not None
            n_latents = guess_n_latents(
                plan, columns, owner, opening.n_padded_cells, opening.known_count, scale
            )
            rate = affordable_sampling_rate(
                optimisation.sampling_rate, opening.known_count, n_latents
            )
            optimisation = replace(optimisation, sampling_rate=rate)
        weights, estimates = fit_d3p(
            opening.records,
            layout,
            component_owner,
            start,
            weights,
            optimisation,
            ledger,
            noise,
            after_steps,
        )
    else:
        shape = (opening.n_padded_cells, power_of_two(len(component_owner)))
        latents = MixtureLatents.build(layout, component_owner, shape)
        location = latents.from_estimates(weights, start)
        guide = MeanFieldGuide(latents.n_latents)
        trace = run_dpvi(
            latents,
            guide,
            np.concatenate([location, np.full(len(location), START_LOG_SCALE)]),
            opening.records,
            n_records,
            count_scale,
            optimisation,
            ledger,
            noise,
            after_steps,
        )
        location, variance = guide.summarise(trace)
        weights, estimates = latents.to_estimates(
            location, variance, n_records, len(component_owner), layout.n_cells
        )
    # clipping shifts weight between classes, whose sizes the profile knows
    by_class = component_owner == np.arange(layout.n_classes)[:, None]
    shares = mixing_proportions(totals.n_records, totals.n_records, np.arange(layout.n_classes))
    weights = weights * (shares / (by_class @ weights))[component_owner]
    return VariationalRelease(
        columns, layout, opening.bins, component_owner, weights, estimates, n_records
    )


def guess_n_latents(
    plan: VariationalPlan,
    columns: tuple[ColumnModel, ...],
    owner: int | None,
    n_padded_cells: int,
    n_records: float,
    scale: float,
) -> float:
    """Return about how many latent variables there will be, from public numbers.

    Parameters
    ----------
    plan : VariationalPlan
    columns : tuple of ColumnModel
    owner : int or None
    n_padded_cells : int
        About twice the number of cells, public where the row count is.
    n_records : float
        The public row count.
    scale : float
        Standard deviation of the noise in a count of the profile.
    """
    if owner is None:
        n_classes = 1
    elif columns[owner].distribution == "histogram":
        n_classes = MOST_TARGET_BINS
    else:
        n_classes = columns[owner].n_levels + columns[owner].kind.nullable
    if plan.n_components == "auto":
        most = MAX_COMPONENTS_PER_CLASS * n_classes
        n_components = min(n_records / (RECORDS_PER_COMPONENT * max(scale, 1.0)) + n_classes, most)
    else:
        n_components = max(int(plan.n_components), n_classes)
    n_scalars = sum(not column.is_tabulated for column in columns)
    return n_components * (1 + n_padded_cells / 2 + 2 * n_scalars)


def choose_optimisation(
    plan: VariationalPlan,
    layout: Layout,
    n_records: float,
    count_scale: float,
    ledger: PrivacyLedger,
) -> DPVIPlan:
    """Fill in what is "auto" from the layout and the released row count."""
    norm = plan.clipping_norm
    if norm == "auto":
        squared = BLOCK_SQUARED_NORM * (1 + len(layout.blocks))
        squared += MOMENT_SQUARED_NORM * sum(scalar.n_moments for scalar in layout.scalars)
        norm = math.sqrt(squared) if math.isfinite(ledger.epsilon) else NO_CLIPPING
    return DPVIPlan(
        plan.count_steps(),
        choose_sampling_rate(plan, n_records),
        float(norm),
        LEARNING_RATE if plan.learning_rate == "auto" else float(plan.learning_rate),
        accounted_rate=choose_accounted_rate(plan, n_records, count_scale, ledger),
    )


def choose_sampling_rate(plan: VariationalPlan, n_records: float) -> float:
    """Return the sampling rate: batches of about 4096 records, or all of them if they are few."""
    if plan.sampling_rate != "auto":
        return float(plan.sampling_rate)
    rate = BATCH_SIZE / max(n_records, 1.0)
    return 1.0 if rate > 0.5 else rate


def choose_accounted_rate(
    plan: VariationalPlan, n_records: float, count_scale: float, ledger: PrivacyLedger
) -> float | None:
    """Return the rate that noise is calibrated for, where the rate follows from a noisy count."""
    if plan.sampling_rate != "auto" or count_scale == 0.0:
        return None
    return choose_sampling_rate(plan, n_records - count_margin(count_scale, ledger))
