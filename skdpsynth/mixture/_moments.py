"""Moment perturbation: the private rows are read here, and only here, pass by pass."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .._product_mixture._columns import ColumnModel
from .._product_mixture._components import (
    choose_components,
    consistent_totals,
    mixing_proportions,
    refine,
    start_components,
)
from .._product_mixture._estimates import NoisySums, add_by_class, average
from .._product_mixture._kernels import NaturalParameters, power_of_two
from .._product_mixture._measure import one_per_class, open_table, pass_sensitivity, release_sums
from .._product_mixture._model import natural_parameters
from .._product_mixture._release import MixtureRelease
from ..privacy import Mechanisms, NoiseSource, PrivacyLedger

__all__ = ["MomentsPlan", "grid_share", "release_moments"]

GRID_SHARE = 0.1
COUNT_SHARE = 0.01
PROFILE_SHARE = 0.15
LAST_SHARE = 0.5


def grid_share(has_histograms: bool, adjacency: str) -> float:
    """Return the share of μ² of the first release: histograms, or the row count if private."""
    if has_histograms:
        return GRID_SHARE
    return COUNT_SHARE if adjacency == "add_remove" else 0.0


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


def release_moments(
    codes: np.ndarray,
    columns: tuple[ColumnModel, ...],
    owner: int | None,
    plan: MomentsPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_pass: Callable[[], object] = lambda: None,
) -> MixtureRelease:
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
    `release_sums` has the sensitivity of a pass. Passes with μ_t, all fixed before the first,
    compose to μ² = Σ μ_t² (Dong, Roth & Su 2022, Corollary 3.3).

    References
    ----------
    Park, Foulds, Chaudhuri & Welling (2020), Variational Bayes in private settings (VIPS), Journal
    of Artificial Intelligence Research 68, section 3: the expected sufficient statistics are
    perturbed; the composition here is Gaussian differential privacy.
    """
    has_histograms = any(column.distribution == "histogram" for column in columns)
    shares = plan.shares(grid_share(has_histograms, ledger.adjacency))
    mus = [ledger.mu * math.sqrt(share) if share else 0.0 for share in shares]
    sensitivity = pass_sensitivity(columns, owner, ledger.adjacency)
    scale = sensitivity / mus[-1]
    opening = open_table(
        codes, columns, owner, plan.n_bins, mus[0], scale, Mechanisms(ledger, noise)
    )
    layout, bins, known_count = opening.layout, opening.bins, opening.known_count

    def measure(model: NaturalParameters, n_components: int, step: int) -> NoisySums:
        name = f"expected statistics, pass {step}"
        sums = release_sums(
            opening.records,
            model,
            layout,
            n_components,
            sensitivity,
            mus[step],
            name,
            Mechanisms(ledger, noise),
        )
        after_pass()
        return sums

    component_owner = np.arange(layout.n_classes)
    profile = measure(one_per_class(layout, opening.n_padded_cells), layout.n_classes, 1)
    measured, sums = profile, profile
    totals = consistent_totals(measured, layout, known_count)
    if plan.n_passes > 1:
        component_owner = choose_components(plan.n_components, totals.n_records, scale)
        estimates = start_components(totals, layout, bins, component_owner, noise.generator())
    for step in range(2, plan.n_passes + 1):
        weights = mixing_proportions(estimates.n_records, totals.n_records, component_owner)
        shape = (opening.n_padded_cells, power_of_two(len(component_owner)))
        model = natural_parameters(weights, component_owner, estimates, layout, shape)
        sums = measure(model, len(component_owner), step)
        measured = average(measured, add_by_class(sums, component_owner, layout.n_classes))
        totals = consistent_totals(measured, layout, known_count)
        estimates = refine(sums, totals, layout, bins, component_owner)
    n_records = float(totals.n_records.sum()) if known_count is None else known_count
    return MixtureRelease(columns, layout, bins, component_owner, totals, sums, n_records)
