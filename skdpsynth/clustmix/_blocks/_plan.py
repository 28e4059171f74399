"""Clusters of mixed records: the plan, its budget, and Anonymize, the last of its passes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..._contracts import Progress, check_demand
from ..._histograms import name_opening
from ..._product_mixture import (
    ColumnModel,
    MixtureModel,
    MixtureRelease,
    Records,
    demand_of,
    infer_mixture,
    open_table,
    pass_sensitivity,
)
from ...privacy import Budget, Mechanisms, PlannedRelease
from ...schema import Table
from .._sizes import SMALLEST_CLUSTER
from ._approximate import PROFILE_PASS, BlockPasses, approximate, name_refinement

__all__ = ["BlocksPlan"]

GRID_SHARE = 0.15
COUNT_SHARE = 0.01
PROFILE_SHARE = 0.10
REFINEMENT_SHARE = 0.05
N_REFINEMENTS = 3

# without noise, refinements cost only time
N_REFINEMENTS_WITHOUT_NOISE = 20

LAST_PASS = "counts of the clusters, last pass"


@dataclass(frozen=True)
class BlocksPlan:
    """Release a mixed table as clusters: grid, Approximate, and one last pass over the clusters.

    Attributes
    ----------
    columns : tuple of ColumnModel
        All tabulated.
    owner : int or None
        Position of the column whose cells are the classes.
    n_clusters : int or "auto"
        In total; 1 means one per class.
    sigma_max : float
        Largest standard deviation that the noise may have in a coordinate of a cluster's mean.
    n_bins : int or "auto"
        Bins a numeric column aims at.
    adjacency : {"add_remove", "replace_one"}
        That of the desk.
    is_noisy : bool
        Whether the desk adds noise.
    share : float, default=1.0
        Of μ², for all of these releases.

    Notes
    -----
    Every release is a sum over records of a function of one record and of earlier releases:

    1. grid: the row count and a fine histogram of each numeric column, Δ = √(1 + their number);
    2. pass 0, the refinements and the last pass: (count, Σx) of every class, then cluster, where x
       are the one-hot blocks of the record, Δ = √(1 + d); see `release_sums`.

    With the earlier releases fixed, each is Gaussian with its own μ_t, fixed before the first.
    Adaptive composition: μ² = Σ μ_t² (Dong, Roth & Su 2022, Corollary 3.3).

    References
    ----------
    Madl, Xu, Choudhury & Howard (2022), Approximate, Adapt, Anonymize (3A): the three stages. Its
    memberships depend on all rows at once, and its proof does not hold; here they do not.
    """

    columns: tuple[ColumnModel, ...]
    owner: int | None
    n_clusters: int | str
    sigma_max: float
    n_bins: int | str
    adjacency: str
    is_noisy: bool
    share: float = 1.0

    @property
    def has_one_cluster(self) -> bool:
        """Whether every class is one cluster, so that there is nothing to refine."""
        return self.n_clusters == 1

    @property
    def has_histograms(self) -> bool:
        """Whether any column is numeric."""
        return any(column.distribution == "histogram" for column in self.columns)

    @property
    def n_refinements(self) -> int:
        """How many times clusters are refined between the profile and the release."""
        if self.has_one_cluster:
            return 0
        return N_REFINEMENTS if self.is_noisy else N_REFINEMENTS_WITHOUT_NOISE

    @property
    def budget(self) -> Budget:
        """Shares of the grid, the profile, every refinement and the release.

        Without a numeric column the grid is the row count alone, which under replace-one is
        public. What is beyond the share of these releases is `rest`.
        """
        count_share = COUNT_SHARE if self.adjacency == "add_remove" else 0.0
        grid = GRID_SHARE if self.has_histograms else count_share
        profile = refinement = 0.0
        if not self.has_one_cluster:
            profile, refinement = PROFILE_SHARE, REFINEMENT_SHARE
        own = Budget(
            grid=grid,
            profile=profile,
            **{_refinement(step): refinement for step in range(1, N_REFINEMENTS + 1)},
            release=1.0 - (grid + profile + N_REFINEMENTS * refinement),
        )
        return own.within(self.share, rest=1.0 - self.share)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order; without noise more refinements divide their share."""
        budget, planned = self.budget, []
        if budget["grid"]:
            planned.append(PlannedRelease(name_opening(self.has_histograms), budget["grid"]))
        if not self.has_one_cluster:
            planned.append(PlannedRelease(PROFILE_PASS, budget["profile"]))
        share = N_REFINEMENTS * budget[_refinement(1)] / max(self.n_refinements, 1)
        for step in range(1, self.n_refinements + 1):
            planned.append(PlannedRelease(name_refinement(step), share))
        return (*planned, PlannedRelease(LAST_PASS, budget["release"]))

    @property
    def progress(self) -> Progress:
        """Passes over the clusters."""
        return Progress("passes", 1 if self.has_one_cluster else self.n_refinements + 2)

    def smallest_cluster(self, scale: float) -> float:
        """Return l_min: the noise in a mean over fewer records would exceed `sigma_max`.

        Parameters
        ----------
        scale : float
            Standard deviation of the noise in a sum of the release.
        """
        return max(scale / self.sigma_max, SMALLEST_CLUSTER)

    def check(self) -> None:
        """Refuse tables of too many cells, as `check_demand` does."""
        check_demand(demand_of(self.columns, self.owner, self.n_bins, "auto"))

    def release(self, table: Table, desk: Mechanisms) -> MixtureRelease:
        """Return noisy sums of the clusters."""
        return self.measure(table, desk)[0]

    def measure(self, table: Table, desk: Mechanisms) -> tuple[MixtureRelease, Records]:
        """Return noisy sums of the clusters, and the private records as they were summed up."""
        budget, mu = self.budget, desk.mu
        sensitivity = pass_sensitivity(self.columns, self.owner, desk)
        mu_release = budget.mu("release", mu)
        scale = sensitivity / mu_release
        opening = open_table(
            table.codes, self.columns, self.owner, self.n_bins, budget.mu("grid", mu), scale, desk
        )
        passes = BlockPasses(opening, sensitivity, desk)
        clusters = None
        if not self.has_one_cluster:
            clusters = approximate(
                passes,
                self.n_clusters,
                self.smallest_cluster(scale),
                self.n_refinements,
                budget.mu("profile", mu),
                # all refinements have the same share
                budget.mu(_refinement(1), mu),
            )
        sums = passes.measure(clusters, mu_release, LAST_PASS)
        totals, layout, known_count = passes.totals, opening.layout, opening.known_count
        n_records = float(totals.n_records.sum()) if known_count is None else known_count
        final_owner = np.arange(layout.n_classes) if clusters is None else clusters.owner
        release = MixtureRelease(
            self.columns, layout, opening.bins, final_owner, totals, sums, n_records
        )
        return release, opening.records

    def infer(self, release: MixtureRelease, rng: np.random.Generator) -> MixtureModel:
        """Return the mixture by post-processing."""
        return infer_mixture(release)


def _refinement(step: int) -> str:
    return f"refinement {step}"
