"""Clusters and class covariances in the subspace of the principal components.

`choose_subspace` is the PCA of the noisy second moments and `project_rows` its projection;
`release_clusters` the hard E-step and the noisy sums of the M-step, `move_centres` the M-step.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..._denoising import james_stein
from ...privacy import Mechanisms
from .._integer_sums import STEP, clip_norm, sums_sensitivity
from .._sizes import (
    MAX_CLUSTERS_PER_CLASS,
    SMALLEST_CLUSTER,
    share_out_clusters,
    surviving_clusters,
)
from ._private_pca import (
    NoisyVectorSums,
    PrivateRows,
    Standardisation,
    outer_sum,
    read_units,
    release_second_moments,
    release_vector_sums,
    sum_by_group,
)

__all__ = [
    "Subspace",
    "choose_subspace",
    "move_centres",
    "project_rows",
    "release_class_moments",
    "release_clusters",
    "smallest_cluster",
    "start_clusters",
]

MOST_COMPONENTS = 100
# how far above the edge of the noise an eigenvalue must be
EDGE_MARGIN = 1.05
PROJECTION_STEP = 2.0**-12
LARGEST_INT16 = 2.0**15 - 1
CHUNK_ROWS = 8192
# of a component's standard deviation, between the first centres of a class
START_SPREAD = 0.5


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


def choose_subspace(
    profile: NoisyVectorSums,
    moments: np.ndarray,
    noise_scale: float,
    n_records: float,
    radius: float,
) -> Subspace:
    """Return the principal components whose eigenvalues stand out of the noise.

    Noise of standard deviation s has eigenvalues up to 2s√d; with few records there may be no
    component above it, and clusters then share a diagonal covariance.
    """
    mean = profile.total.sum(axis=0) / n_records
    values, vectors = np.linalg.eigh(moments / n_records - np.outer(mean, mean))
    half_edge = noise_scale / n_records * math.sqrt(len(values))
    # of exact moments as well, directions without any variance are left out
    floor = max(2.0 * EDGE_MARGIN * half_edge, 1e-6 * max(np.trace(moments) / n_records, 1e-12))
    n_components = min(int((values > floor).sum()), MOST_COMPONENTS)
    order = np.argsort(values)[::-1][:n_components]
    # multiples of 2⁻¹², so that a record's projection is exact in integers
    components = np.rint(vectors[:, order] / PROJECTION_STEP) * PROJECTION_STEP
    # an eigenvalue λ̂ of the noisy matrix stands for √(λ̂² − 4s²d): see `shrink_spectrum`
    # half as much again as the mean square norm
    kept = 1.5 * float(np.sqrt(np.maximum(values[order] ** 2 - 4 * half_edge**2, 0.0)).sum())
    return Subspace(components, mean @ components, min(math.sqrt(kept), radius) or 1.0)


def project_rows(
    rows: PrivateRows, standardisation: Standardisation, subspace: Subspace
) -> np.ndarray:
    """Return every record's principal components in multiples of 2⁻¹⁰, clipped; int16.

    Products of integers are exact, whatever the order in which they are added up.
    """
    n_components = subspace.components.shape[1]
    projected = np.empty((len(rows.codes), n_components), dtype=np.int16)
    multiples = subspace.components / PROJECTION_STEP
    centre = subspace.centre / STEP
    for chunk, values in rows.chunks():
        # integers times integers, and a power of two: exact before it is rounded
        units = (read_units(values, standardisation) @ multiples) * PROJECTION_STEP
        units = np.clip(np.rint(units - centre), -LARGEST_INT16, LARGEST_INT16)
        projected[chunk] = clip_norm(units, subspace.radius / STEP)
    return projected


def smallest_cluster(
    subspace: Subspace, scale: np.ndarray, sigma_max: float, mu: float, adjacency: str
) -> float:
    """Return l_min: the noise in a mean over fewer records would exceed `sigma_max`.

    The noise in a cluster's mean spreads over the columns by the rows of the components: in root
    mean square it is that of a component times √(Σ scaleⱼ²‖Pⱼ‖² / d).
    """
    noise_scale = sums_sensitivity(subspace.radius, adjacency) / mu
    weight = np.linalg.norm(scale[:, None] * subspace.components) / math.sqrt(len(scale))
    return max(noise_scale * float(weight) / sigma_max, SMALLEST_CLUSTER)


def start_clusters(
    profile: NoisyVectorSums,
    subspace: Subspace,
    variance: np.ndarray,
    n_clusters: int | str,
    smallest: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return how many clusters each class has, and where they start.

    Parameters
    ----------
    profile : NoisyVectorSums of n_classes
    subspace : Subspace
    variance : ndarray of shape (n_components,)
        Of the components.
    n_clusters : int or "auto"
    smallest : float
        l_min.
    random : numpy.random.Generator

    Returns
    -------
    labels : ndarray of shape (n_clusters,), int
    centres : ndarray of shape (n_clusters, n_components)
        Class means, with random deviations where a class has several clusters.

    Raises
    ------
    ValueError
        If `n_clusters` are more than fit.
    """
    sizes = share_out_clusters(n_clusters, profile.n_records, smallest, MAX_CLUSTERS_PER_CLASS)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    count = np.maximum(profile.n_records, 1.0)
    means = (profile.total / count[:, None]) @ subspace.components - subspace.centre
    draws = random.standard_normal((len(labels), means.shape[1])) * np.sqrt(variance)
    # the only cluster of a class starts at its mean, and needs no randomness
    draws[np.bincount(labels)[labels] == 1] = 0.0
    return labels, means[labels] + START_SPREAD * draws


def release_clusters(
    rows: PrivateRows,
    projected: np.ndarray,
    labels: np.ndarray,
    centres: np.ndarray,
    radius: float,
    mu: float,
    name: str,
    desk: Mechanisms,
) -> NoisyVectorSums:
    """Assign each record to the nearest public centre of its class, and release counts and sums."""
    count = np.zeros(len(labels), dtype=np.int64)
    total = np.zeros(centres.shape)
    # within twice the records' range, so that products are exact; further is further from all
    units = np.clip(np.rint(centres / STEP), -2.0 * LARGEST_INT16, 2.0 * LARGEST_INT16)
    # argmin ‖x − c‖² = argmax x·c − ½‖c‖², in integers and halves: ties break alike everywhere
    half_norm = 0.5 * np.einsum("ij,ij->i", units, units)
    for start in range(0, len(projected), CHUNK_ROWS):
        chunk = projected[start : start + CHUNK_ROWS].astype(np.float64)
        affinity = chunk @ units.T - half_norm
        affinity[rows.labels[start : start + CHUNK_ROWS, None] != labels] = -np.inf
        nearest = affinity.argmax(axis=1)
        count += np.bincount(nearest, minlength=len(labels))
        total += sum_by_group(chunk, nearest, len(labels))
    return release_vector_sums(count, total, radius, mu, name, desk)


def move_centres(
    sums: NoisyVectorSums, labels: np.ndarray, centres: np.ndarray, smallest: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the clusters' noisy means, without clusters under l_min by their noisy counts.

    Each class keeps one in any case. A centre moves as far as its move is not noise (James-Stein).
    """
    kept = surviving_clusters(sums.n_records, labels, smallest)
    count = np.maximum(sums.n_records, 1.0)
    move = sums.total / count[:, None] - centres
    noise = centres.shape[1] * np.square(sums.noise_scale / count)
    trust = james_stein(np.square(move).sum(axis=1), noise)
    return labels[kept], (centres + trust[:, None] * move)[kept]


def release_class_moments(
    rows: PrivateRows,
    projected: np.ndarray,
    radius: float,
    mu: float,
    desk: Mechanisms,
) -> tuple[np.ndarray, float]:
    """Release each class's second moments of the projected records."""
    n_components = projected.shape[1]
    moments = np.zeros((rows.n_classes, n_components, n_components), dtype=np.int64)
    for label in range(rows.n_classes):
        own = np.flatnonzero(rows.labels == label)
        for start in range(0, len(own), CHUNK_ROWS):
            units = projected[own[start : start + CHUNK_ROWS]].astype(np.float64)
            moments[label] += outer_sum(units)
    return release_second_moments(moments, radius, mu, "class second moments", desk)
