"""The passes after the marginals: covariances and clusters, or class means once more.

Which of them follow is decided by what is released already: `has_clear_components`,
`has_precise_means`, and whether `choose_subspace` finds a component.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...privacy import Budget, Mechanisms
from .._integer_sums import second_moment_sensitivity
from ._private_pca import (
    NoisyVectorSums,
    PrivateRows,
    Standardisation,
    release_components,
    release_profile,
)
from ._release import Shape
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

__all__ = ["REFINEMENTS", "ShapePasses"]

# the shares of a budget that refine clusters before they are measured for good
REFINEMENTS = ("refinement 1", "refinement 2")

# of the mean square norm: in a class mean that needs no second measurement, and of a component
LARGEST_NOISE = 0.005
SMALLEST_COMPONENT = 0.02


@dataclass(frozen=True)
class ShapePasses:
    """The passes that follow the marginals.

    All branches spend the same μ², fixed before the first pass. Given the earlier outputs there is
    one branch, which for fixed passes is μ-GDP with that μ, by Corollary 3.3; so all that follows
    a choice is one mechanism of that μ, and composes with what came before it. A choice within a
    branch is covered in the same way, from the last one backwards.

    Attributes
    ----------
    rows : PrivateRows
    standardisation : Standardisation
    profile : NoisyVectorSums of n_classes
    n_records : float
    n_clusters : int or "auto"
    sigma_max : float
    budget : Budget
        Of the whole fit.
    desk : Mechanisms
    """

    rows: PrivateRows
    standardisation: Standardisation
    profile: NoisyVectorSums
    n_records: float
    n_clusters: int | str
    sigma_max: float
    budget: Budget
    desk: Mechanisms

    def mu(self, name: str) -> float:
        """Return μ of a release."""
        return self.budget.mu(name, self.desk.mu)

    def release(self) -> Shape:
        """Make the passes that the outputs so far decide on."""
        n_features, radius = len(self.rows.numeric), self.standardisation.radius
        mu = self.mu("components")
        is_clear = has_clear_components(self.n_records, n_features, radius, mu, self.desk)
        if not (is_clear or has_precise_means(self.profile, n_features, radius)):
            return self._means(["components", "clusters", "covariances"])
        moments, moment_noise = release_components(self.rows, self.standardisation, mu, self.desk)
        self.desk.progress()
        subspace = choose_subspace(self.profile, moments, moment_noise, self.n_records, radius)
        if not subspace.components.shape[1]:
            shape = self._means(["clusters", "covariances"])
            return shape._replace(second_moments=moments, second_moment_noise=moment_noise)
        projected = project_rows(self.rows, self.standardisation, subspace)
        labels, clusters = self._clusters(projected, subspace, moments)
        class_moments, class_noise = release_class_moments(
            self.rows, projected, subspace.radius, self.mu("covariances"), self.desk,
        )  # fmt: skip
        self.desk.progress()
        return Shape(
            self.profile, moments, moment_noise, subspace, labels, clusters, class_moments,
            class_noise,
        )  # fmt: skip

    def _means(self, unspent: list[str]) -> Shape:
        """Measure the class means again, with all the rest: one cluster per class."""
        n_classes = self.rows.n_classes
        if self.n_clusters != "auto" and int(self.n_clusters) > n_classes:
            raise ValueError(
                f"n_clusters={self.n_clusters}, but by the noisy counts of about "
                f"{self.n_records:.0f} records the noise leaves one cluster for each of the "
                f"{n_classes} class(es). Ask for fewer, raise epsilon, or leave "
                'n_clusters="auto". The budget of this fit is spent.'
            )
        # squares of μ add up; the passes that are not made leave theirs to this one
        rest = sum(self.mu(name) ** 2 for name in unspent)
        rest += len(REFINEMENTS) * self.mu(REFINEMENTS[0]) ** 2
        again = release_profile(
            self.rows, self.standardisation, math.sqrt(rest), "class profiles, again", self.desk
        )
        self.desk.progress()
        return without_components(average_sums(self.profile, again))

    def _clusters(
        self, projected: np.ndarray, subspace: Subspace, moments: np.ndarray
    ) -> tuple[np.ndarray, NoisyVectorSums]:
        """Find clusters in the subspace, and measure them for good."""
        smallest = smallest_cluster(
            subspace, self.standardisation.scale, self.sigma_max, self.mu("clusters"),
            self.desk.adjacency,
        )  # fmt: skip
        second = np.einsum("ij,ik,kj->j", subspace.components, moments, subspace.components)
        variance = np.maximum(second / self.n_records - np.square(subspace.centre), 0.0)
        labels, centres = start_clusters(
            self.profile, subspace, variance, self.n_clusters, smallest, self.desk.generator()
        )
        refinements = [name for name in REFINEMENTS if self.budget[name]]
        mus = [self.mu(name) for name in (*refinements, "clusters")]
        for step, mu in enumerate(mus, start=1):
            sums = release_clusters(
                self.rows, projected, labels, centres, subspace.radius, mu,
                f"clusters, pass {step}", self.desk,
            )  # fmt: skip
            self.desk.progress()
            if step < len(mus):
                labels, centres = move_centres(sums, labels, centres, smallest)
        return labels, sums


def has_precise_means(profile: NoisyVectorSums, n_features: int, radius: float) -> bool:
    """Whether the noise in a class mean has little of the mean square norm of the records."""
    noise = n_features * np.square(profile.noise_scale / np.maximum(profile.n_records, 1.0))
    weight = np.maximum(profile.n_records, 0.0)
    share = float(weight @ noise / max(weight.sum(), 1.0)) / radius**2
    return share < LARGEST_NOISE


def has_clear_components(
    n_records: float, n_features: int, radius: float, mu: float, desk: Mechanisms
) -> bool:
    """Whether components of a small share of the variance would stand out of the noise.

    Otherwise class means, of d values, are what the budget can buy; second moments have d²/2.
    """
    noise = second_moment_sensitivity(radius, desk.adjacency) / mu
    # the edge of the noise's spectrum, 2s√d, against the variance that a component would have
    return 2.0 * noise * math.sqrt(n_features) / n_records < SMALLEST_COMPONENT * radius**2


def average_sums(first: NoisyVectorSums, second: NoisyVectorSums) -> NoisyVectorSums:
    """Return the average of two measurements of the same sums, weighted by precision."""
    if first.noise_scale == 0.0:
        return first
    precision = np.array([first.noise_scale, second.noise_scale]) ** -2.0
    share = precision / precision.sum()
    return NoisyVectorSums(
        share[0] * first.n_records + share[1] * second.n_records,
        share[0] * first.total + share[1] * second.total,
        float(precision.sum() ** -0.5),
    )


def without_components(profile: NoisyVectorSums) -> Shape:
    """Return the shape of one cluster per class, with a diagonal covariance."""
    n_classes, n_features = profile.total.shape
    empty = Subspace(np.zeros((n_features, 0)), np.zeros(0), 1.0)
    clusters = NoisyVectorSums(profile.n_records, np.zeros((n_classes, 0)), profile.noise_scale)
    labels = np.arange(n_classes)
    return Shape(profile, None, 0.0, empty, labels, clusters, np.zeros((n_classes, 0, 0)), 0.0)
