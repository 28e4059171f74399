"""Clusters of wide numeric tables: private location, spread, principal components, clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...privacy import NoiseSource, PrivacyLedger
from .._lattices import check_reserve, choose_lattice, fits_reserve, second_moment_sensitivity
from ._column_marginals import (
    ColumnCells,
    column_cells,
    release_cells,
    release_location,
    release_radius,
    release_spread,
)
from ._private_pca import (
    NoisySums,
    PrivateRows,
    Standardisation,
    release_components,
    release_profile,
)
from ._subspace_clusters import (
    Subspace,
    choose_subspace,
    move_centres,
    project_rows,
    release_class_moments,
    release_clusters,
    smallest_cluster,
    start_clusters,
)

__all__ = ["ContinuousPlan", "ContinuousRelease", "Shape", "release_continuous"]

# shares of mu squared; they sum to one
SHARES = {
    "location": 0.04,
    "spread": 0.05,
    "norms": 0.01,
    "profile": 0.15,
    "components": 0.30,
    "marginals": 0.15,
    "refinement": 0.02,
    "clusters": 0.12,
    "covariances": 0.14,
}
N_REFINEMENTS = 2
# of the mean square norm: in a class mean that needs no second measurement, and of a component
LARGEST_NOISE = 0.005
SMALLEST_COMPONENT = 0.02
SMALLEST_SCALE = 2.0**-8
# half way between the covariance, for columns in the same units, and the correlation matrix
SCALE_POWER = 0.5


@dataclass(frozen=True)
class ContinuousPlan:
    """What the passes may spend and how large clusters must be; public.

    Attributes
    ----------
    n_clusters : int or "auto"
        In total; 1 means one per class.
    sigma_max : float
        Largest standard deviation that the noise may have in a coordinate of a cluster's mean,
        coordinates lying in [0, 1], in root mean square over the columns.
    adapt_share : float, default=0
        Share of μ² left for the Adapt stage.
    """

    n_clusters: int | str
    sigma_max: float
    adapt_share: float = 0.0

    @property
    def n_refinements(self) -> int:
        """How many times clusters are refined before they are measured for good."""
        return 0 if self.n_clusters == 1 else N_REFINEMENTS

    def mus(self, ledger: PrivacyLedger) -> dict[str, float]:
        """Return μ of every release, the refinement's being one of `n_refinements`.

        Their squares sum to that of the ledger, less the share of the Adapt stage.
        """
        shares = dict(SHARES)
        if not self.n_refinements:
            shares["covariances"] += N_REFINEMENTS * shares["refinement"]
        return {
            name: ledger.mu * math.sqrt((1.0 - self.adapt_share) * share)
            for name, share in shares.items()
        }


class Shape(NamedTuple):
    """What the joint distribution is made from: means, clusters and second moments.

    Attributes
    ----------
    profile : NoisySums of n_classes
        Standardised records by class.
    second_moments : ndarray of shape (n_features, n_features) or None
        Their noisy sum of z zᵀ, where the means left budget for it.
    second_moment_noise : float
    subspace : Subspace
    labels : ndarray of shape (n_clusters,), int
        The class of each cluster.
    clusters : NoisySums of n_clusters
        Projected records by cluster.
    class_moments : ndarray of shape (n_classes, n_components, n_components)
        Noisy sums of a aᵀ of projected records.
    class_moment_noise : float
    """

    profile: NoisySums
    second_moments: np.ndarray | None
    second_moment_noise: float
    subspace: Subspace
    labels: np.ndarray
    clusters: NoisySums
    class_moments: np.ndarray
    class_moment_noise: float


class ContinuousRelease(NamedTuple):
    """All that leaves the rows: released quantities and functions of them.

    Attributes
    ----------
    kinds : tuple
        The column kinds.
    owner : int or None
        Position of the target.
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    standardisation : Standardisation
    spread : ndarray of shape (n_features,)
        Root mean square distance from the centre, in the unit interval.
    shape : Shape
    cells : list of ColumnCells
    cell_counts : list of ndarray
    cell_noise : float
    """

    kinds: tuple[Any, ...]
    owner: int | None
    n_records: float
    standardisation: Standardisation
    spread: np.ndarray
    shape: Shape
    cells: list[ColumnCells]
    cell_counts: list[np.ndarray]
    cell_noise: float


def release_continuous(
    codes: np.ndarray,
    kinds: Sequence[Any],
    owner: int | None,
    plan: ContinuousPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_pass: Callable[[], object] = lambda: None,
) -> ContinuousRelease:
    """Release what determines a Gaussian mixture with low-rank class covariances.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table: the unit interval, level positions in column `owner`.
    kinds : sequence of column kinds
    owner : int or None
        Position of a categorical target, each of whose levels owns clusters.
    plan : ContinuousPlan
    ledger : PrivacyLedger
        Every release is charged before its noise is drawn.
    noise : NoiseSource
    after_pass : callable, optional
        Called after every pass, for a progress bar.

    Notes
    -----
    Every pass is a sum over records of a function of one record and of earlier outputs, and its
    sensitivity is proved where it is released; passes with μ_t compose to μ² = Σ μ_t² (Dong, Roth
    & Su 2022, Corollary 3.3). Which passes follow the marginals depends on outputs, but whichever
    they are their squares sum to the same; see `_ShapePasses`. Records are rounded to integers
    elementwise, after which all sums, norms, projections and distances are exact.
    """
    mu = plan.mus(ledger)
    rows = _read_rows(codes, kinds, owner)
    check_reserve(len(rows.numeric), mu, ledger)
    n_records, mean, _ = release_location(rows, mu["location"], ledger, noise)
    after_pass()
    spread = release_spread(rows, mean, n_records, mu["spread"], ledger, noise)
    after_pass()
    scale = np.maximum(spread, SMALLEST_SCALE) ** SCALE_POWER
    standardisation = Standardisation(mean, scale, math.inf)
    radius = release_radius(rows, standardisation, n_records, mu["norms"], ledger, noise)
    standardisation = standardisation._replace(radius=radius)
    after_pass()
    profile = release_profile(rows, standardisation, mu["profile"], "class profiles", ledger, noise)
    after_pass()
    numeric_kinds = [kinds[j] for j in rows.numeric]
    cells = column_cells(numeric_kinds, mean, spread)
    cell_counts, cell_noise = release_cells(rows, cells, mu["marginals"], ledger, noise)
    after_pass()
    shape = _ShapePasses(
        rows, standardisation, profile, n_records, plan, mu, ledger, noise, after_pass
    ).release()
    return ContinuousRelease(
        tuple(kinds), owner, n_records, standardisation, spread, shape, cells, cell_counts,
        cell_noise,
    )  # fmt: skip


@dataclass(frozen=True)
class _ShapePasses:
    """The passes after the marginals: covariances and clusters, or class means once more.

    All branches spend the same μ², fixed before the first pass. Given the earlier outputs there is
    one branch, which for fixed passes is μ-GDP with that μ, by Corollary 3.3; so all that follows
    a choice is one mechanism of that μ, and composes with what came before it. A choice within a
    branch is covered in the same way, from the last one backwards.
    """

    rows: PrivateRows
    standardisation: Standardisation
    profile: NoisySums
    n_records: float
    plan: ContinuousPlan
    mu: dict[str, float]
    ledger: PrivacyLedger
    noise: NoiseSource
    after_pass: Callable[[], object]

    def release(self) -> Shape:
        n_features = len(self.rows.numeric)
        radius = self.standardisation.radius
        is_clear = has_clear_components(
            self.n_records, n_features, radius, self.mu["components"], self.ledger
        )
        is_possible = are_moments_possible(n_features, radius, self.mu["components"], self.ledger)
        is_worth_it = is_clear or has_precise_means(self.profile, n_features, radius)
        if not (is_possible and is_worth_it):
            return self._means(["components", "clusters", "covariances"])
        moments, moment_noise = release_components(
            self.rows, self.standardisation, self.n_records, self.mu["components"], self.ledger,
            self.noise,
        )  # fmt: skip
        self.after_pass()
        subspace = choose_subspace(self.profile, moments, moment_noise, self.n_records, radius)
        if not subspace.components.shape[1]:
            shape = self._means(["clusters", "covariances"])
            return shape._replace(second_moments=moments, second_moment_noise=moment_noise)
        projected = project_rows(self.rows, self.standardisation, subspace)
        labels, clusters = self._clusters(projected, subspace, moments)
        class_moments, class_noise = release_class_moments(
            self.rows, projected, self.profile.n_records, subspace.radius, self.mu["covariances"],
            self.ledger, self.noise,
        )  # fmt: skip
        self.after_pass()
        return Shape(
            self.profile, moments, moment_noise, subspace, labels, clusters, class_moments,
            class_noise,
        )  # fmt: skip

    def _means(self, unspent: list[str]) -> Shape:
        """Measure the class means again, with all the rest: one cluster per class."""
        n_classes = self.rows.n_classes
        if self.plan.n_clusters != "auto" and int(self.plan.n_clusters) > n_classes:
            raise ValueError(
                f"n_clusters={self.plan.n_clusters}, but by the noisy counts of about "
                f"{self.n_records:.0f} records the noise leaves one cluster for each of the "
                f"{n_classes} class(es). Ask for fewer, raise epsilon, or leave "
                'n_clusters="auto". The budget of this fit is spent.'
            )
        rest = sum(self.mu[name] ** 2 for name in unspent)
        rest += self.plan.n_refinements * self.mu["refinement"] ** 2
        again = release_profile(
            self.rows,
            self.standardisation,
            math.sqrt(rest),
            "class profiles, again",
            self.ledger,
            self.noise,
        )
        self.after_pass()
        return without_components(average_sums(self.profile, again))

    def _clusters(
        self, projected: np.ndarray, subspace: Subspace, moments: np.ndarray
    ) -> tuple[np.ndarray, NoisySums]:
        """Find clusters in the subspace, and measure them for good."""
        smallest = smallest_cluster(
            subspace, self.standardisation.scale, self.plan.sigma_max, self.mu["clusters"],
            self.ledger.adjacency,
        )  # fmt: skip
        second = np.einsum("ij,ik,kj->j", subspace.components, moments, subspace.components)
        variance = np.maximum(second / self.n_records - np.square(subspace.centre), 0.0)
        labels, centres = start_clusters(
            self.profile, subspace, variance, self.plan.n_clusters, smallest,
            self.noise.generator(),
        )  # fmt: skip
        mus = [self.mu["refinement"]] * self.plan.n_refinements + [self.mu["clusters"]]
        for step, mu in enumerate(mus, start=1):
            sums = release_clusters(
                self.rows, projected, labels, centres, subspace.radius, mu,
                f"clusters, pass {step}", self.ledger, self.noise,
            )  # fmt: skip
            self.after_pass()
            if step < len(mus):
                labels, centres = move_centres(sums, labels, centres, smallest)
        return labels, sums


def has_precise_means(profile: NoisySums, n_features: int, radius: float) -> bool:
    """Whether the noise in a class mean has little of the mean square norm of the records."""
    noise = n_features * np.square(profile.noise_scale / np.maximum(profile.n_records, 1.0))
    weight = np.maximum(profile.n_records, 0.0)
    share = float(weight @ noise / max(weight.sum(), 1.0)) / radius**2
    return share < LARGEST_NOISE


def are_moments_possible(n_features: int, radius: float, mu: float, ledger: PrivacyLedger) -> bool:
    """Whether the noise of d²/2 second moments can be drawn precisely enough."""
    n_values = n_features * (n_features + 1) // 2
    lattice = choose_lattice(radius, n_features, n_values, 2, mu, ledger)
    return fits_reserve(lattice, n_values, 2, mu, ledger)


def has_clear_components(
    n_records: float, n_features: int, radius: float, mu: float, ledger: PrivacyLedger
) -> bool:
    """Whether components of a small share of the variance would stand out of the noise.

    Otherwise class means, of d values, are what the budget can buy; second moments have d²/2.
    """
    n_values = n_features * (n_features + 1) // 2
    lattice = choose_lattice(radius, n_features, n_values, 2, mu, ledger)
    noise = second_moment_sensitivity(lattice.radius, ledger.adjacency) / mu
    return 2.0 * noise * math.sqrt(n_features) / n_records < SMALLEST_COMPONENT * radius**2


def average_sums(first: NoisySums, second: NoisySums) -> NoisySums:
    """Return the average of two measurements of the same sums, weighted by precision."""
    if first.noise_scale == 0.0:
        return first
    precision = np.array([first.noise_scale, second.noise_scale]) ** -2.0
    share = precision / precision.sum()
    return NoisySums(
        share[0] * first.n_records + share[1] * second.n_records,
        share[0] * first.total + share[1] * second.total,
        float(precision.sum() ** -0.5),
    )


def without_components(profile: NoisySums) -> Shape:
    """Return the shape of one cluster per class, with a diagonal covariance."""
    n_classes, n_features = profile.total.shape
    empty = Subspace(np.zeros((n_features, 0)), np.zeros(0), 1.0)
    clusters = NoisySums(profile.n_records, np.zeros((n_classes, 0)), profile.noise_scale)
    labels = np.arange(n_classes)
    return Shape(profile, None, 0.0, empty, labels, clusters, np.zeros((n_classes, 0, 0)), 0.0)


def _read_rows(codes: np.ndarray, kinds: Sequence[Any], owner: int | None) -> PrivateRows:
    numeric = np.array([j for j in range(len(kinds)) if j != owner])
    if owner is None:
        return PrivateRows(codes, numeric, np.zeros(len(codes), dtype=np.int64), 1)
    return PrivateRows(codes, numeric, codes[:, owner].astype(np.int64), len(kinds[owner].levels))
