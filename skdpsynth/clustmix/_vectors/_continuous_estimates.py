"""From noisy sums to the mixture of Gaussians: denoised means, covariances and marginals.

A record of class c and cluster k is N(m_c + P a_k, P C_c Pᵀ + D): `estimate_class_means` has m,
`estimate_clusters` the weights and a, `estimate_covariances` C, `_loadings` its factors within
clusters, and `infer_continuous` D, what the total variance leaves.
"""

from __future__ import annotations

import math

import numpy as np

from ..._denoising import (
    james_stein,
    project_to_simplex,
    shrink_singular_values,
    shrink_spectrum,
)
from ._column_marginals import smooth_cells
from ._continuous_model import ContinuousModel
from ._release import ContinuousRelease, Shape

__all__ = ["infer_continuous"]

# least share of the pooled covariance that a class's own must have, in every direction
SMALLEST_SHARE = 0.05
# least share of a column's variance that is its own
SMALLEST_RESIDUAL = 0.05


def infer_continuous(release: ContinuousRelease) -> ContinuousModel:
    """Return the mixture that the released quantities determine.

    Parameters
    ----------
    release : ContinuousRelease

    Returns
    -------
    model : ContinuousModel
    """
    shape, scale = release.shape, release.standardisation.scale
    count = np.maximum(shape.profile.n_records, 1.0)
    class_means, trust = estimate_class_means(shape)
    weights, deviation = estimate_clusters(shape, release.n_records)
    in_subspace = deviation @ shape.subspace.components.T
    class_weight = np.bincount(shape.labels, weights, minlength=len(count))
    pooled, own = estimate_covariances(release, class_means)
    loadings = _loadings(shape, weights, deviation, pooled, own)
    total = _total_variance(release)
    overall = class_weight @ class_means
    noise = np.square(shape.profile.noise_scale / count) * trust
    between = np.square(class_means - overall) - noise[:, None]
    # variance between classes, within clusters and between clusters; D is the rest
    explained = np.maximum(class_weight @ between, 0.0)
    explained += class_weight @ np.square(loadings).sum(axis=2)
    explained += weights @ np.square(in_subspace)
    residual = np.maximum(total - explained, SMALLEST_RESIDUAL * total) * scale**2
    loadings = loadings * scale[:, None]
    means = release.standardisation.centre + scale * (class_means[shape.labels] + in_subspace)
    variance = np.square(loadings).sum(axis=2) + residual
    marginals = tuple(
        (
            cells,
            smooth_cells(
                counts, cells, release.cell_noise, release.n_records, weights, means[:, j],
                np.sqrt(variance[shape.labels, j]),
            ),
        )
        for j, (cells, counts) in enumerate(zip(release.cells, release.cell_counts, strict=True))
    )  # fmt: skip
    error = np.multiply.outer(noise, scale**2)[shape.labels]
    error += variance[shape.labels] / _sizes(shape)[:, None]
    spread = 1.0 + len(weights) * shape.clusters.noise_scale**2 / release.n_records
    return ContinuousModel(
        kinds=release.kinds,
        owner=release.owner,
        weights=weights,
        weight_size=release.n_records / spread,
        labels=shape.labels,
        means=means,
        mean_error=np.sqrt(error),
        loadings=loadings,
        residual=residual,
        marginals=marginals,
        map_weights=weights,
    )


def _sizes(shape: Shape) -> np.ndarray:
    """Return how many records a cluster has, at least one."""
    return np.maximum(shape.clusters.n_records, 1.0)


def estimate_class_means(shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Return class means of standardised records, shrunk to a few directions around their mean.

    Returns
    -------
    means : ndarray of shape (n_classes, n_features)
    trust : ndarray of shape (n_classes,)
        The share of each deviation that shrinkage leaves.
    """
    count = np.maximum(shape.profile.n_records, 1.0)
    overall = shape.profile.total.sum(axis=0) / count.sum()
    # noise in a mean is inverse to the count: weighted by its root, means are alike in precision
    root = np.sqrt(count)[:, None]
    raw = (shape.profile.total / count[:, None] - overall) * root
    noise = shape.profile.noise_scale * math.sqrt(float(np.mean(1.0 / count)))
    shrunk = shrink_singular_values(raw, noise) if len(count) > 1 else np.zeros_like(raw)
    energy = np.square(raw).sum(axis=1)
    trust = np.square(shrunk).sum(axis=1) / np.maximum(energy, 1e-300)
    if len(count) == 1:
        trust = np.ones(1)
    return overall + shrunk / root, np.minimum(trust, 1.0)


def estimate_clusters(shape: Shape, n_records: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the clusters' weights, and the deviations of their means from those of the classes.

    Returns
    -------
    weights : ndarray of shape (n_clusters,)
    deviation : ndarray of shape (n_clusters, n_components)
        Shrunk by positive-part James-Stein; of mean zero within each class.
    """
    mean = shape.clusters.total / _sizes(shape)[:, None]
    class_weight = project_to_simplex(shape.profile.n_records / n_records)
    weights, deviation = np.zeros(len(mean)), np.zeros_like(mean)
    for label, weight in enumerate(class_weight):
        own = np.flatnonzero(shape.labels == label)
        count = shape.clusters.n_records[own]
        share = project_to_simplex(count / max(count.sum(), 1.0))
        weights[own] = weight * share
        if len(own) > 1:
            raw = mean[own] - share @ mean[own]
            noise = raw.shape[1] * np.square(shape.clusters.noise_scale / _sizes(shape)[own])
            kept = james_stein(np.square(raw).sum(axis=1), noise)[:, None] * raw
            deviation[own] = kept - share @ kept
    return weights, deviation


def estimate_covariances(
    release: ContinuousRelease, class_means: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return covariances of the components within classes, pooled and each class's own.

    Two measurements of the pooled one are averaged by precision: the second moments of all
    records, and the class moments. A class's difference from it is shrunk.
    """
    shape = release.shape
    count = np.maximum(shape.profile.n_records, 1.0)
    components = shape.subspace.components
    if shape.second_moments is None or not components.shape[1]:
        return np.zeros((0, 0)), np.zeros((len(count), 0, 0))
    means = class_means @ components - shape.subspace.centre
    first, first_noise = _first_measurement(release, count, means)
    raw = shape.class_moments / count[:, None, None] - np.einsum("ci,cj->cij", means, means)
    second = np.einsum("c,cij->ij", count / count.sum(), raw)
    second_noise = shape.class_moment_noise * math.sqrt(len(count)) / count.sum()
    # each has the weight of the other's noise: averaged by precision
    both = first_noise**2 + second_noise**2
    share = second_noise**2 / both if both > 0 else 0.0
    values, vectors = np.linalg.eigh(share * first + (1.0 - share) * second)
    # positive definite, as the floor of each class's own must be
    values = np.maximum(values, 1e-3 * max(values[-1], 1e-9))
    pooled = (vectors * values) @ vectors.T
    return pooled, pooled + shrink_spectrum(raw - pooled, shape.class_moment_noise / count)


def _first_measurement(
    release: ContinuousRelease, count: np.ndarray, means: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the within-class covariance of the components from all records' second moments."""
    components = release.shape.subspace.components
    noise = release.shape.second_moment_noise / release.n_records
    values, vectors = np.linalg.eigh(components.T @ _covariance(release) @ components)
    # the components were chosen for large eigenvalues: noise has raised them
    values = np.sqrt(np.maximum(values**2 - 4.0 * noise**2 * len(components), 0.0))
    share = count / count.sum()
    deviation = means - share @ means
    return (vectors * values) @ vectors.T - (deviation.T * share) @ deviation, noise


def _covariance(release: ContinuousRelease) -> np.ndarray:
    """Return the noisy covariance of all standardised records."""
    mean = release.shape.profile.total.sum(axis=0) / release.n_records
    return np.asarray(release.shape.second_moments) / release.n_records - np.outer(mean, mean)


def _total_variance(release: ContinuousRelease) -> np.ndarray:
    """Return the columns' variances, from second moments or from the spread alone."""
    spread = np.square(release.spread / release.standardisation.scale)
    if release.shape.second_moments is None:
        return np.maximum(spread, 1e-12)
    return np.maximum(np.diag(_covariance(release)), 1e-3 * np.maximum(spread, 1e-9))


def _loadings(
    shape: Shape,
    weights: np.ndarray,
    deviation: np.ndarray,
    pooled: np.ndarray,
    own: np.ndarray,
) -> np.ndarray:
    """Return factors of the classes' covariances within clusters."""
    components = shape.subspace.components
    loadings = np.zeros((len(own), *components.shape))
    if not components.shape[1]:
        return loadings
    for label, covariance in enumerate(own):
        share = np.where(shape.labels == label, weights, 0.0)
        share /= max(share.sum(), 1e-300)
        # clusters of a class explain a part of its covariance themselves
        within = covariance - (deviation.T * share) @ deviation
        values, vectors = np.linalg.eigh(_raise_to(within, SMALLEST_SHARE * pooled))
        loadings[label] = components @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    return loadings


def _raise_to(matrix: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Return the matrix raised to a positive definite floor in the directions that are below."""
    # where the floor is the identity, eigenvalues below 1 are raised to 1
    root = np.linalg.cholesky(floor)
    half = np.linalg.solve(root, matrix)
    values, vectors = np.linalg.eigh(np.linalg.solve(root, half.T))
    back = root @ vectors
    return np.asarray((back * np.maximum(values, 1.0)) @ back.T)
