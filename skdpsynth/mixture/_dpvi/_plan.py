"""DP-VI of the automatic mixture: a noisy profile to start from, then noisy gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..._contracts import Progress, check_demand
from ..._histograms import Bins
from ..._product_mixture import (
    ColumnModel,
    ComponentEstimates,
    Layout,
    MixtureModel,
    NoisySums,
    Opening,
    choose_components,
    consistent_totals,
    demand_of,
    effective_size,
    expect_classes,
    expect_components,
    mixing_proportions,
    one_per_class,
    open_table,
    pass_sensitivity,
    power_of_two,
    release_sums,
    start_components,
)
from ...privacy import Budget, Mechanisms, PlannedRelease, RowCount
from ...schema import Table
from .._d3p._engine import affordable_sampling_rate, fit_d3p, plan_d3p_gradients
from .._opening import opening_share, plan_opening
from ._latents import MixtureLatents
from ._noisy_gradients import DPVIPlan, MeanFieldGuide, run_dpvi
from ._settings import StepSettings

__all__ = ["VariationalPlan", "VariationalRelease"]

PROFILE_OF_CLASSES_SHARE = 0.3
# cells of all components: a gradient, its noise and what Adam keeps take about 4 kB each
MOST_LATENTS = 500_000
PROFILE_OF_CLASSES = "profile of the classes"

# typical squared norms of a record's preconditioned gradient; a block's is below 2
BLOCK_SQUARED_NORM = 0.4
MOMENT_SQUARED_NORM = 1.0
START_LOG_SCALE = -3.0


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


class _Start(NamedTuple):
    """Where the optimisation starts: functions of the profile."""

    owner: np.ndarray
    weights: np.ndarray
    estimates: ComponentEstimates


@dataclass(frozen=True)
class VariationalPlan:
    """Histograms and a profile of every class, then the noisy gradients that start from it.

    Attributes
    ----------
    columns : tuple of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    adjacency : {"add_remove", "replace_one"}
    n_components, n_bins : int or "auto"
        Chosen from the noisy row count when "auto".
    settings : StepSettings
    engine : {"jax", "d3p"}, default="jax"

    Notes
    -----
    The histograms and the profile are the first two releases of moment perturbation; `run_dpvi`
    and `fit_d3p` have the proof of the third.
    """

    columns: tuple[ColumnModel, ...]
    owner: int | None
    adjacency: str
    n_components: int | str
    n_bins: int | str
    settings: StepSettings
    engine: str = "jax"

    @property
    def budget(self) -> Budget:
        """The shares of μ², if all releases were Gaussian; the gradients get what is left."""
        opening = opening_share(self.columns, self.adjacency)
        gradients = 1.0 - opening - PROFILE_OF_CLASSES_SHARE
        return Budget(opening=opening, profile=PROFILE_OF_CLASSES_SHARE, gradients=gradients)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        budget = self.budget
        if self.engine == "d3p":
            gradients = plan_d3p_gradients(self.settings.n_steps)
        else:
            gradients = self.settings.plan_gradients(budget["gradients"])
        profile = PlannedRelease(PROFILE_OF_CLASSES, budget["profile"])
        return (*plan_opening(self.columns, self.adjacency), profile, gradients)

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        return Progress("steps", self.settings.n_steps)

    def check(self) -> None:
        """Refuse tables of too many cells, as `check_demand` does."""
        demand = demand_of(self.columns, self.owner, self.n_bins, self.n_components)
        check_demand(demand._replace(most_values=MOST_LATENTS))

    def release(self, table: Table, desk: Mechanisms) -> VariationalRelease:
        """Release what determines the mixture."""
        budget, columns = self.budget, self.columns
        sensitivity = pass_sensitivity(columns, self.owner, desk)
        opening_mu, mu = budget.mu("opening", desk.mu), budget.mu("profile", desk.mu)
        scale = sensitivity / mu
        opening = open_table(table.codes, columns, self.owner, self.n_bins, opening_mu, scale, desk)
        layout = opening.layout
        profile = release_sums(
            opening.records,
            one_per_class(layout, opening.n_padded_cells),
            layout,
            layout.n_classes,
            sensitivity,
            mu,
            PROFILE_OF_CLASSES,
            desk,
        )
        totals = consistent_totals(profile, layout, opening.known_count)
        most = MOST_LATENTS // max(layout.n_cells, 1)
        owner = choose_components(self.n_components, totals.n_records, scale, most)
        estimates = start_components(totals, layout, opening.bins, owner, desk.generator())
        weights = mixing_proportions(estimates.n_records, totals.n_records, owner)
        start = _Start(owner, weights, estimates)
        count = desk.read_count(
            totals.n_records.sum(keepdims=True),
            len(table.codes),
            float(np.sqrt(totals.variance.sum())),
        )
        steps = self.settings.choose(_typical_norm(layout), count, desk)
        if self.engine == "d3p":
            steps = self._afford(steps, opening, count, scale)
            weights, estimates = fit_d3p(
                opening.records, layout, owner, estimates, weights, steps, desk
            )
        else:
            weights, estimates = _fit_gradients(opening, start, count, steps, desk)
        weights = _restore_class_sizes(weights, owner, totals)
        return VariationalRelease(
            columns, layout, opening.bins, owner, weights, estimates, count.value
        )

    def infer(self, release: VariationalRelease, rng: np.random.Generator) -> MixtureModel:
        """Return the mixture that was fitted."""
        size = effective_size(release.weights[None], np.array([release.n_records]), np.zeros(1))
        return MixtureModel(
            release.columns,
            release.layout,
            release.bins,
            release.weights,
            float(size[0]),
            release.owner,
            release.estimates,
        )

    def _afford(self, steps: DPVIPlan, opening: Opening, count: RowCount, scale: float) -> DPVIPlan:
        """Return smaller batches for d3p where those of the automatic rate take much memory."""
        if self.settings.sampling_rate != "auto":
            return steps
        n_latents = self._expect_latents(opening.n_padded_cells, count.value, scale)
        rate = affordable_sampling_rate(steps.sampling_rate, count.value, n_latents)
        return replace(steps, sampling_rate=rate)

    def _expect_latents(self, n_padded_cells: int, n_records: float, scale: float) -> float:
        """Return about how many latent variables there will be, from public numbers.

        Parameters
        ----------
        n_padded_cells : int
            About twice the number of cells, public where the row count is.
        n_records : float
            The public row count.
        scale : float
            Standard deviation of the noise in a count of the profile.
        """
        n_classes = expect_classes(self.columns, self.owner)
        n_components = expect_components(self.n_components, n_classes, n_records, scale)
        n_scalars = sum(not column.is_tabulated for column in self.columns)
        return n_components * (1 + n_padded_cells / 2 + 2 * n_scalars)


def _typical_norm(layout: Layout) -> float:
    """Return about the norm of a record's gradient, which clipping should hardly touch."""
    squared = BLOCK_SQUARED_NORM * (1 + len(layout.blocks))
    squared += MOMENT_SQUARED_NORM * sum(scalar.n_moments for scalar in layout.scalars)
    return math.sqrt(squared)


def _fit_gradients(
    opening: Opening, start: _Start, count: RowCount, steps: DPVIPlan, desk: Mechanisms
) -> tuple[np.ndarray, ComponentEstimates]:
    """Return weights and estimates at the end of the noisy optimisation."""
    n_components = len(start.owner)
    # padded, so that the next fit's components find the steps compiled
    shape = (opening.n_padded_cells, power_of_two(n_components))
    latents = MixtureLatents.build(opening.layout, start.owner, shape)
    location = latents.from_estimates(start.weights, start.estimates)
    guide = MeanFieldGuide(latents.n_latents)
    parameters = np.concatenate([location, np.full(len(location), START_LOG_SCALE)])
    trace = run_dpvi(latents, guide, parameters, opening.records, count, steps, desk)
    location, variance = guide.summarise(trace)
    return latents.to_estimates(
        location, variance, count.value, n_components, opening.layout.n_cells
    )


def _restore_class_sizes(weights: np.ndarray, owner: np.ndarray, totals: NoisySums) -> np.ndarray:
    """Return weights that add up to the classes' sizes of the profile.

    Clipping shifts weight between classes, whose sizes the profile knows.
    """
    n_classes = len(totals.n_records)
    by_class = owner == np.arange(n_classes)[:, None]
    shares = mixing_proportions(totals.n_records, totals.n_records, np.arange(n_classes))
    return weights * (shares / (by_class @ weights))[owner]
