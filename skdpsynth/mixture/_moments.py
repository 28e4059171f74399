"""Moment perturbation: the private rows are read here, and only here, pass by pass.

A pass is a step of EM with noise. E: `release_sums` releases Σ_i r_k(x_i)·t(x_i), the expected
sufficient statistics under the responsibilities r_k of the parameters so far. M: `refine` turns
them into parameters, which are post-processing.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from .._contracts import Progress, check_demand
from .._product_mixture import (
    DIRECTIONS,
    BinRule,
    ColumnModel,
    MixtureModel,
    MixtureRelease,
    NaturalParameters,
    NoisySums,
    add_by_class,
    average,
    choose_components,
    consistent_totals,
    count_scored,
    demand_of,
    infer_mixture,
    kept_dependence,
    mixing_proportions,
    most_components,
    natural_parameters,
    one_per_class,
    open_table,
    pass_sensitivity,
    power_of_two,
    refine,
    release_directions,
    release_sums,
    start_along,
    start_components,
)
from ..exceptions import SyntheticDataWarning
from ..privacy import Budget, Mechanisms, PlannedRelease
from ..schema import Table
from ._opening import opening_share, plan_opening

__all__ = ["MomentsPlan"]

# shares of what the opening leaves: the first pass says how many components there are, the last
# one is what the model is made of, those between only lead from one to the other
FIRST_PASS_SHARE = 0.15
LAST_PASS_SHARE = 0.5
# of what the opening leaves, too: where components start
DIRECTIONS_SHARE = 0.05
# of the strong dependence that was measured, below which a fit warns
LITTLE_KEPT = 0.15
# more columns have more pairs than the directions of a few components are worth
MOST_SCORED = 256

# a class's profile is read off fine bins, the dependence between columns off coarse ones, whose
# counts are larger
BINS_BESIDE_CLASSES = BinRule(25.0, 8)
BINS_BY_THEMSELVES = BinRule(100.0, 8, has_few_classes=True)


@dataclass(frozen=True)
class MomentsPlan:
    """Histograms by level, then expected statistics pass by pass.

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
    has_directions : bool, default=False
        Whether second moments of the columns are released after the first pass, by which the
        components start; without, they start at random.

    Notes
    -----
    `release_sums` has the sensitivity of a pass, `moments_sensitivity` that of second moments.
    Releases with μ_t, all fixed before the first, compose to μ² = Σ μ_t² (Dong, Roth & Su 2022,
    Corollary 3.3).

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
    has_directions: bool = False

    @property
    def n_scored(self) -> int:
        """Columns whose second moments are released; 0 where none are."""
        number = count_scored(self.columns, self.owner)
        can = self.has_directions and self.n_passes > 1 and 2 <= number <= MOST_SCORED
        return number if can else 0

    def check(self) -> None:
        """Refuse tables of too many cells, as `check_demand` does."""
        fewest = self.bin_rule.fewest
        check_demand(demand_of(self.columns, self.owner, self.n_bins, self.n_components, fewest))

    @property
    def bin_rule(self) -> BinRule:
        """How many bins "auto" aims at."""
        if self.owner is None or self.columns[self.owner].distribution == "histogram":
            return BINS_BY_THEMSELVES
        return BINS_BESIDE_CLASSES

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
        left = 1.0 - opening
        directions = {"directions": left * DIRECTIONS_SHARE} if self.n_scored else {}
        left -= directions.get("directions", 0.0)
        named = {f"pass_{step}": left * share for step, share in enumerate(passes, 1)}
        first = {"pass_1": named.pop("pass_1")}
        return Budget(opening=opening, **first, **directions, **named)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        budget = self.budget
        passes = [
            PlannedRelease(DIRECTIONS if name == "directions" else _name_pass(name), budget[name])
            for name in budget
            if name != "opening"
        ]
        return (*plan_opening(self.columns, self.adjacency), *passes)

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        return Progress("passes", self.n_passes)

    def release(self, table: Table, desk: Mechanisms) -> MixtureRelease:
        """Release what determines the mixture."""
        budget = self.budget
        mu = {name: budget.mu(name, desk.mu) for name in budget}
        sensitivity = pass_sensitivity(self.columns, self.owner, desk)
        scale = sensitivity / mu[f"pass_{self.n_passes}"]
        opening = open_table(
            table.codes,
            self.columns,
            self.owner,
            self.n_bins,
            mu["opening"],
            scale,
            desk,
            self.bin_rule,
        )
        layout, bins, known_count = opening.layout, opening.bins, opening.known_count

        def measure(model: NaturalParameters, n_components: int, step: int) -> NoisySums:
            name = f"pass_{step}"
            sums = release_sums(
                opening.records,
                model,
                layout,
                n_components,
                sensitivity,
                mu[name],
                _name_pass(name),
                desk,
            )
            desk.progress()
            return sums

        directions = None
        # with one component per class the responsibilities are certain: a profile of the classes
        component_owner = np.arange(layout.n_classes)
        profile = measure(one_per_class(layout, opening.n_padded_cells), layout.n_classes, 1)
        measured, sums = profile, profile
        totals = consistent_totals(measured, layout, known_count)
        if self.n_passes > 1:
            component_owner = choose_components(
                self.n_components,
                totals.n_records,
                scale,
                most_components(layout),
            )
            if self.n_scored:
                directions = release_directions(
                    opening.records, totals, layout, bins, mu["directions"], desk
                )
                estimates = start_along(
                    directions, totals, layout, bins, component_owner, desk.generator()
                )
            else:
                estimates = start_components(
                    totals, layout, bins, component_owner, desk.generator()
                )
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
        return MixtureRelease(
            self.columns, layout, bins, component_owner, totals, sums, n_records, directions
        )

    def infer(self, release: MixtureRelease, rng: np.random.Generator) -> MixtureModel:
        """Return the mixture by post-processing.

        Warns
        -----
        SyntheticDataWarning
            If it has little of the dependence between columns that was released.
        """
        model = infer_mixture(release)
        if release.directions is not None:
            kept = kept_dependence(
                release.directions, model.weights, model.estimates, release.layout
            )
            if kept < LITTLE_KEPT:
                warnings.warn(
                    f"The mixture keeps about {max(kept, 0.0):.0%} of the strong dependence "
                    "between columns that the fit measured: by the noisy counts it has only "
                    f"{len(model.weights)} components. Take NapsuMQSynthesizer, which measures "
                    "pairs of columns, fewer columns (schema.select), or a larger epsilon.",
                    SyntheticDataWarning,
                    stacklevel=3,
                )
        return model


def _name_pass(name: str) -> str:
    return f"expected statistics, {name.replace('_', ' ')}"
