"""Clusters of wide numeric tables: private location, spread, principal components, clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..privacy import NoiseSource, PrivacyLedger
from ._column_marginals import (
    ColumnCells,
    column_cells,
    release_cells,
    release_location,
    release_radius,
    release_spread,
)
from ._private_pca import (
    STEP,
    NoisySums,
    PrivateRows,
    Standardisation,
    choose_lattice,
    clip_norm,
    dither,
    read_units,
    release_second_moments,
    release_sums,
    sum_by_group,
    sums_sensitivity,
)

__all__ = ["ContinuousPlan", "ContinuousRelease", "Subspace", "release_continuous"]

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
SMALLEST_CLUSTER = 20.0
MOST_CLUSTERS = 32
MOST_COMPONENTS = 100
# how far above the edge of the noise an eigenvalue must be
EDGE_MARGIN = 1.05
# of the mean square norm, in a class mean
LARGEST_NOISE = 0.05
SMALLEST_SCALE = 2.0**-8
# half way between the covariance, for columns in the same units, and the correlation matrix
SCALE_POWER = 0.5
PROJECTION_STEP = 2.0**-12


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

    def mus(self, ledger: PrivacyLedger) -> dict[str, float]:
        """Return μ of every release; with `N_REFINEMENTS` refinements their squares sum to that
        of the ledger less the share of the Adapt stage."""
        return {
            name: ledger.mu * math.sqrt((1.0 - self.adapt_share) * share)
            for name, share in SHARES.items()
        }


class Subspace(NamedTuple):
    """Principal components of the standardised records, and the ball records are clipped to.

    Attributes
    ----------
    components : ndarray of shape (n_features, n_components)
        Nearly orthonormal columns, multiples of 2⁻¹².
    centre : ndarray of shape (n_components,)
    radius : float
    """

    components: np.ndarray
    centre: np.ndarray
    radius: float


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
    sensitivity is proved where it is released; passes with μ_t, all fixed before the first,
    compose to μ² = Σ μ_t² (Dong, Roth & Su 2022, Corollary 3.3). Records are rounded to integers
    elementwise, after which all sums, norms, projections and distances are exact.
    """
    mu = plan.mus(ledger)
    rows = _read_rows(codes, kinds, owner)
    n_records, mean, _ = release_location(rows, mu["location"], ledger, noise)
    after_pass()
    spread = release_spread(rows, mean, n_records, mu["spread"], ledger, noise)
    after_pass()
    scale = np.maximum(spread, SMALLEST_SCALE) ** SCALE_POWER
    standardisation = Standardisation(mean, scale, math.inf)
    radius = release_radius(rows, standardisation, n_records, mu["norms"], ledger, noise)
    standardisation = standardisation._replace(radius=radius)
    after_pass()
    first_profile = release_profile(rows, standardisation, mu["profile"], ledger, noise)
    after_pass()
    numeric_kinds = [kinds[j] for j in rows.numeric]
    cells = column_cells(numeric_kinds, mean, spread)
    cell_counts, cell_noise = release_cells(rows, cells, mu["marginals"], ledger, noise)
    after_pass()
    shape = _release_shape(
        rows, standardisation, first_profile, n_records, plan, mu, ledger, noise, after_pass
    )
    return ContinuousRelease(
        tuple(kinds), owner, n_records, standardisation, spread, shape, cells, cell_counts,
        cell_noise,
    )  # fmt: skip


def _release_shape(
    rows: PrivateRows,
    standardisation: Standardisation,
    profile: NoisySums,
    n_records: float,
    plan: ContinuousPlan,
    mu: dict[str, float],
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_pass: Callable[[], object],
) -> Shape:
    """Spend what is left on covariances and clusters, or on the class means alone.

    Both branches spend the same μ², so that choosing by earlier outputs costs nothing.
    """
    if not has_precise_means(profile, len(rows.numeric), standardisation.radius):
        rest = math.sqrt(
            mu["components"] ** 2
            + N_REFINEMENTS * mu["refinement"] ** 2
            + mu["clusters"] ** 2
            + mu["covariances"] ** 2
        )
        again = release_profile(rows, standardisation, rest, ledger, noise)
        after_pass()
        return without_covariance(average_sums(profile, again))
    moments, moment_noise = release_components(
        rows, standardisation, n_records, mu["components"], ledger, noise
    )
    after_pass()
    subspace = choose_subspace(profile, moments, moment_noise, n_records, standardisation.radius)
    projected = _project(rows, standardisation, subspace)
    labels, centres = choose_clusters(
        profile, subspace, moments, n_records, standardisation.scale, plan, mu, ledger, noise
    )
    radius = subspace.radius
    for step in range(N_REFINEMENTS):
        name = f"clusters, pass {step + 1}"
        sums = _release_clusters(
            rows, projected, labels, centres, radius, mu["refinement"], name, ledger, noise
        )
        labels, centres = move_centres(sums, labels, centres)
        after_pass()
    clusters = _release_clusters(
        rows, projected, labels, centres, radius, mu["clusters"], "clusters", ledger, noise
    )
    class_moments, class_noise = _release_covariances(
        rows, projected, profile.n_records, radius, mu["covariances"], ledger, noise
    )
    after_pass()
    return Shape(
        profile, moments, moment_noise, subspace, labels, clusters, class_moments, class_noise
    )


def has_precise_means(profile: NoisySums, n_features: int, radius: float) -> bool:
    """Whether the noise in a class mean has little of the mean square norm of the records.

    Otherwise class means, of d values, are all that the rest of the budget can buy; second
    moments have d²/2.
    """
    noise = n_features * np.square(profile.noise_scale / np.maximum(profile.n_records, 1.0))
    weight = np.maximum(profile.n_records, 0.0)
    share = float(weight @ noise / max(weight.sum(), 1.0)) / radius**2
    return share < LARGEST_NOISE


def average_sums(first: NoisySums, second: NoisySums) -> NoisySums:
    """Return the average of two measurements of the same sums, weighted by precision."""
    precision = np.array([first.noise_scale, second.noise_scale]) ** -2.0
    share = precision / precision.sum()
    return NoisySums(
        share[0] * first.n_records + share[1] * second.n_records,
        share[0] * first.total + share[1] * second.total,
        float(precision.sum() ** -0.5),
    )


def without_covariance(profile: NoisySums) -> Shape:
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


def release_profile(
    rows: PrivateRows,
    standardisation: Standardisation,
    mu: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisySums:
    """Release class counts and sums of the standardised records."""
    total = np.zeros((rows.n_classes, len(rows.numeric)))
    n_values = total.size + len(total)
    lattice = choose_lattice(
        standardisation.radius, total.shape[1], n_values, 1, mu, ledger.epsilon
    )
    random = noise.generator()
    for chunk, values in rows.chunks():
        steps = dither(read_units(values, standardisation), lattice, random)
        total += sum_by_group(steps, rows.labels[chunk], rows.n_classes)
    count = np.bincount(rows.labels, minlength=rows.n_classes)
    return release_sums(count, total, lattice, mu, "class profiles", ledger, noise)


def release_components(
    rows: PrivateRows,
    standardisation: Standardisation,
    n_records: float,
    mu: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> tuple[np.ndarray, float]:
    """Release the second moments of the standardised records."""
    n_features = len(rows.numeric)
    moments = np.zeros((n_features, n_features))
    lattice = choose_lattice(
        standardisation.radius, n_features, moments.size // 2, 2, mu, ledger.epsilon
    )
    random = noise.generator()
    for _, values in rows.chunks():
        moments += _outer(dither(read_units(values, standardisation), lattice, random))
    noisy, noise_scale = release_second_moments(
        moments[None], np.array([n_records]), lattice, mu, "second moments", ledger, noise
    )
    return noisy[0], noise_scale


def _outer(steps: np.ndarray) -> np.ndarray:
    """Return the sum of z zᵀ of integer records exactly, in float32 where that is enough."""
    largest = float(np.abs(steps).max(initial=0.0))
    if largest**2 * len(steps) < 2.0**24:
        steps = steps.astype(np.float32)
    return np.asarray(steps.T @ steps, dtype=np.float64)


def choose_subspace(
    profile: NoisySums, moments: np.ndarray, noise_scale: float, n_records: float, radius: float
) -> Subspace:
    """Return the principal components whose eigenvalues stand out of the noise.

    Noise of standard deviation s has eigenvalues up to 2s√d; with few records there may be no
    component above it, and clusters then share a diagonal covariance.
    """
    mean = profile.total.sum(axis=0) / n_records
    values, vectors = np.linalg.eigh(moments / n_records - np.outer(mean, mean))
    half_edge = noise_scale / n_records * math.sqrt(len(values))
    floor = max(2.0 * EDGE_MARGIN * half_edge, 1e-6 * max(np.trace(moments) / n_records, 1e-12))
    n_components = min(int((values > floor).sum()), MOST_COMPONENTS)
    order = np.argsort(values)[::-1][:n_components]
    components = np.rint(vectors[:, order] / PROJECTION_STEP) * PROJECTION_STEP
    # half as much again as the mean square norm
    kept = 1.5 * float(np.sqrt(np.maximum(values[order] ** 2 - 4 * half_edge**2, 0.0)).sum())
    return Subspace(components, mean @ components, min(math.sqrt(kept), radius) or 1.0)


def _project(rows: PrivateRows, standardisation: Standardisation, subspace: Subspace) -> np.ndarray:
    """Return every record's principal components in multiples of 2⁻¹⁰, clipped; int16.

    Products of integers are exact, whatever the order in which they are added up.
    """
    n_components = subspace.components.shape[1]
    projected = np.empty((len(rows.codes), n_components), dtype=np.int16)
    multiples = subspace.components / PROJECTION_STEP
    centre = subspace.centre / STEP
    for chunk, values in rows.chunks():
        units = (read_units(values, standardisation) @ multiples) * PROJECTION_STEP
        units = np.clip(np.rint(units - centre), -LARGEST_INT16, LARGEST_INT16)
        projected[chunk] = clip_norm(units, subspace.radius / STEP)
    return projected


LARGEST_INT16 = 2.0**15 - 1


def choose_clusters(
    profile: NoisySums,
    subspace: Subspace,
    moments: np.ndarray,
    n_records: float,
    scale: np.ndarray,
    plan: ContinuousPlan,
    mu: dict[str, float],
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many clusters each class has, and where they start.

    Returns
    -------
    labels : ndarray of shape (n_clusters,), int
    centres : ndarray of shape (n_clusters, n_components)
        The class means with draws of the components' variances around them.
    """
    n_components = subspace.components.shape[1]
    count = np.maximum(profile.n_records, 1.0)
    per_class = clusters_per_class(count, subspace, scale, plan, mu["clusters"], ledger)
    labels = np.repeat(np.arange(len(count)), per_class)
    means = (profile.total / count[:, None]) @ subspace.components - subspace.centre
    variance = np.einsum("ij,ik,kj->j", subspace.components, moments, subspace.components)
    deviation = np.sqrt(np.maximum(variance / n_records - np.square(subspace.centre), 1e-12))
    draws = noise.generator().standard_normal((len(labels), n_components)) * deviation
    draws[per_class[labels] == 1] = 0.0
    return labels, means[labels] + 0.5 * draws


def clusters_per_class(
    count: np.ndarray,
    subspace: Subspace,
    scale: np.ndarray,
    plan: ContinuousPlan,
    mu: float,
    ledger: PrivacyLedger,
) -> np.ndarray:
    """Return the number of clusters of each class, that l_min allows.

    The noise in a sum spreads over the columns by the rows of the components: in root mean square
    it is that of a component times √(Σ scaleⱼ²‖Pⱼ‖² / d).
    """
    n_features, n_components = subspace.components.shape
    if plan.n_clusters == 1 or n_components == 0:
        return np.ones(len(count), dtype=np.int64)
    noise_scale = sums_sensitivity(subspace.radius, ledger.adjacency) / mu
    spread = np.linalg.norm(scale[:, None] * subspace.components) / math.sqrt(n_features)
    smallest = max(noise_scale * spread / plan.sigma_max, SMALLEST_CLUSTER)
    allowed = np.clip(count // smallest, 1, MOST_CLUSTERS).astype(np.int64)
    if plan.n_clusters == "auto":
        return allowed
    share = count / count.sum() * int(plan.n_clusters)
    return np.maximum(np.rint(share), 1).astype(np.int64)


def _release_clusters(
    rows: PrivateRows,
    projected: np.ndarray,
    labels: np.ndarray,
    centres: np.ndarray,
    radius: float,
    mu: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisySums:
    """Assign each record to the nearest public centre of its class, and release counts and sums."""
    count = np.zeros(len(labels), dtype=np.int64)
    total = np.zeros(centres.shape)
    lattice = choose_lattice(
        radius, centres.shape[1], total.size + len(total), 1, mu, ledger.epsilon
    )
    random = noise.generator()
    units = np.rint(centres / STEP)
    half_norm = 0.5 * np.einsum("ij,ij->i", units, units)
    for start in range(0, len(projected), 8192):
        chunk = projected[start : start + 8192].astype(np.float64)
        affinity = chunk @ units.T - half_norm
        affinity[rows.labels[start : start + 8192, None] != labels] = -np.inf
        nearest = affinity.argmax(axis=1)
        count += np.bincount(nearest, minlength=len(labels))
        total += sum_by_group(dither(chunk, lattice, random), nearest, len(labels))
    return release_sums(count, total, lattice, mu, name, ledger, noise)


def move_centres(
    sums: NoisySums, labels: np.ndarray, centres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the clusters' noisy means, without clusters that are too small for one.

    The largest cluster of each class stays in any case.
    """
    smallest = max(SMALLEST_CLUSTER, 2.0 * sums.noise_scale)
    kept = sums.n_records >= smallest
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        kept[own[sums.n_records[own].argmax()]] = True
    mean = sums.total / np.maximum(sums.n_records, 1.0)[:, None]
    energy = np.square(mean - centres).sum(axis=1)
    noise = centres.shape[1] * np.square(sums.noise_scale / np.maximum(sums.n_records, 1.0))
    trust = np.maximum(1.0 - noise / np.maximum(energy, 1e-300), 0.0)[:, None]
    return labels[kept], (centres + trust * (mean - centres))[kept]


def _release_covariances(
    rows: PrivateRows,
    projected: np.ndarray,
    count: np.ndarray,
    radius: float,
    mu: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> tuple[np.ndarray, float]:
    """Release each class's second moments of the projected records."""
    n_components = projected.shape[1]
    moments = np.zeros((rows.n_classes, n_components, n_components))
    lattice = choose_lattice(radius, n_components, moments.size // 2, 2, mu, ledger.epsilon)
    random = noise.generator()
    for label in range(rows.n_classes):
        own = np.flatnonzero(rows.labels == label)
        for start in range(0, len(own), 8192):
            units = projected[own[start : start + 8192]].astype(np.float64)
            moments[label] += _outer(dither(units, lattice, random))
    return release_second_moments(
        moments, count, lattice, mu, "class second moments", ledger, noise
    )
