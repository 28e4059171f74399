"""Moment perturbation: the private rows are read here, and only here, pass by pass.

A pass is a step of EM with noise. E: `release_sums` releases Σ_i r_k(x_i)·t(x_i), the expected
sufficient statistics under the responsibilities r_k of the parameters so far. M: `refine` turns
them into parameters, which are post-processing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .._contracts import Progress
from .._product_mixture import (
    ColumnModel,
    MixtureModel,
    MixtureRelease,
    NaturalParameters,
    NoisySums,
    add_by_class,
    average,
    choose_components,
    consistent_totals,
    infer_mixture,
    mixing_proportions,
    natural_parameters,
    one_per_class,
    open_table,
    pass_sensitivity,
    power_of_two,
    refine,
    release_sums,
    start_components,
)
from ..privacy import Budget, Mechanisms, PlannedRelease
from ..schema import Table
from ._opening import opening_share, plan_opening

__all__ = ["MomentsPlan"]

# shares of what the opening leaves: the first pass says how many components there are, the last
# one is what the model is made of, those between only lead from one to the other
FIRST_PASS_SHARE = 0.15
LAST_PASS_SHARE = 0.5


@dataclass(frozen=True)
class MomentsPlan:
    """Fine histograms, then expected statistics pass by pass.

    Attributes
    ----------
    columns : tuple of ColumnModel
    owner : int or None
        Position of the tabulated column each of whose cells owns components.
    adjacency : {"add_remove", "replace_one"}
    n_components, n_bins : int or "auto"
        Chosen from the noisy row count when "auto".
    n_passes : int
        Passes over the records after the histograms.

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

    columns: tuple[ColumnModel, ...]
    owner: int | None
    adjacency: str
    n_components: int | str
    n_bins: int | str
    n_passes: int

    @property
    def budget(self) -> Budget:
        """The share of μ² of the opening and of every pass, in order.

        They depend on public inputs alone. A class with a single component is measured the same
        way in every pass, and all its measurements are averaged: passes cost it nothing.
        """
        if self.n_passes == 1:
            passes = [1.0]
        elif self.n_passes == 2:
            passes = [1 / 3, 2 / 3]
        else:
            middle = (1.0 - FIRST_PASS_SHARE - LAST_PASS_SHARE) / (self.n_passes - 2)
            passes = [FIRST_PASS_SHARE, *[middle] * (self.n_passes - 2), LAST_PASS_SHARE]
        opening = opening_share(self.columns, self.adjacency)
        named = {f"pass_{step}": (1.0 - opening) * share for step, share in enumerate(passes, 1)}
        return Budget(opening=opening, **named)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        _, *shares = self.budget.values()
        passes = [PlannedRelease(_name_pass(step), share) for step, share in enumerate(shares, 1)]
        return (*plan_opening(self.columns, self.adjacency), *passes)

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        return Progress("passes", self.n_passes)

    def release(self, table: Table, desk: Mechanisms) -> MixtureRelease:
        """Release what determines the mixture."""
        budget = self.budget
        mus = [budget.mu(name, desk.mu) for name in budget]
        sensitivity = pass_sensitivity(self.columns, self.owner, desk)
        scale = sensitivity / mus[-1]
        opening = open_table(
            table.codes, self.columns, self.owner, self.n_bins, mus[0], scale, desk
        )
        layout, bins, known_count = opening.layout, opening.bins, opening.known_count

        def measure(model: NaturalParameters, n_components: int, step: int) -> NoisySums:
            name, mu = _name_pass(step), mus[step]
            sums = release_sums(
                opening.records, model, layout, n_components, sensitivity, mu, name, desk
            )
            desk.progress()
            return sums

        # with one component per class the responsibilities are certain: a profile of the classes
        component_owner = np.arange(layout.n_classes)
        profile = measure(one_per_class(layout, opening.n_padded_cells), layout.n_classes, 1)
        measured, sums = profile, profile
        totals = consistent_totals(measured, layout, known_count)
        if self.n_passes > 1:
            component_owner = choose_components(self.n_components, totals.n_records, scale)
            estimates = start_components(totals, layout, bins, component_owner, desk.generator())
        for step in range(2, self.n_passes + 1):
            weights = mixing_proportions(estimates.n_records, totals.n_records, component_owner)
            shape = (opening.n_padded_cells, power_of_two(len(component_owner)))
            model = natural_parameters(weights, component_owner, estimates, layout, shape)
            sums = measure(model, len(component_owner), step)
            # a class is the sum of its components, so that every pass measures it once more
            measured = average(measured, add_by_class(sums, component_owner, layout.n_classes))
            totals = consistent_totals(measured, layout, known_count)
            estimates = refine(sums, totals, layout, bins, component_owner)
        n_records = float(totals.n_records.sum()) if known_count is None else known_count
        return MixtureRelease(self.columns, layout, bins, component_owner, totals, sums, n_records)

    def infer(self, release: MixtureRelease, rng: np.random.Generator) -> MixtureModel:
        """Return the mixture by post-processing."""
        return infer_mixture(release)


def _name_pass(step: int) -> str:
    return f"expected statistics, pass {step}"
