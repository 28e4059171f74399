"""What the passes over a wide numeric table leave behind."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._column_marginals import ColumnCells
from ._private_pca import NoisyVectorSums, Standardisation
from ._subspace_clusters import Subspace

__all__ = ["ContinuousRelease", "Shape"]


class Shape(NamedTuple):
    """What the joint distribution is made from: means, clusters and second moments.

    Attributes
    ----------
    profile : NoisyVectorSums of n_classes
        Standardised records by class.
    second_moments : ndarray of shape (n_features, n_features) or None
        Their noisy sum of z zᵀ, where the means left budget for it.
    second_moment_noise : float
    subspace : Subspace
    labels : ndarray of shape (n_clusters,), int
        The class of each cluster.
    clusters : NoisyVectorSums of n_clusters
        Projected records by cluster.
    class_moments : ndarray of shape (n_classes, n_components, n_components)
        Noisy sums of a aᵀ of projected records.
    class_moment_noise : float
    """

    profile: NoisyVectorSums
    second_moments: np.ndarray | None
    second_moment_noise: float
    subspace: Subspace
    labels: np.ndarray
    clusters: NoisyVectorSums
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
