"""How many clusters each class gets, and which of them are large enough to stay."""

from __future__ import annotations

import numpy as np

__all__ = [
    "MAX_CLUSTERS_PER_CLASS",
    "SMALLEST_CLUSTER",
    "share_out_clusters",
    "surviving_clusters",
]

MAX_CLUSTERS_PER_CLASS = 32

# a cluster of fewer records than this says more about each of them than about the table
SMALLEST_CLUSTER = 20


def share_out_clusters(
    n_clusters: int | str,
    class_counts: np.ndarray,
    smallest: float,
    most_per_class: int,
    least: np.ndarray | int = 1,
) -> np.ndarray:
    """Return how many clusters each class gets, so that none need be too small.

    Parameters
    ----------
    n_clusters : int or "auto"
        In total; "auto" gives a class as many as `smallest` allows, `most_per_class` at most.
    class_counts : ndarray of shape (n_classes,)
    smallest : float
        Records that a cluster must have.
    most_per_class : int
        For "auto".
    least : ndarray of shape (n_classes,), int, or int, default=1
        What a class gets in any case.

    Returns
    -------
    sizes : ndarray of shape (n_classes,), int

    Raises
    ------
    ValueError
        If `n_clusters` are more than fit.

    Examples
    --------
    >>> share_out_clusters("auto", np.array([100.0, 40.0, -3.0]), 30.0, 32)
    array([3, 1, 1])
    >>> share_out_clusters(3, np.array([100.0, 40.0, -3.0]), 30.0, 32)
    array([1, 1, 1])
    """
    counts = np.maximum(class_counts, 0.0)
    most = np.maximum((counts // smallest).astype(int), least)
    if n_clusters == "auto":
        return np.minimum(most, most_per_class)
    if int(n_clusters) > most.sum():
        raise ValueError(
            f"n_clusters={n_clusters}, but by the counts that the fit may use only {most.sum()} "
            f"clusters of at least {smallest:.0f} records are possible ({len(most)} class(es), "
            f"about {counts.sum():.0f} records). Ask for fewer, raise sigma_max or epsilon, or "
            'leave n_clusters="auto". What the fit has released so far counts as spent.'
        )
    sizes = np.minimum(most, least)
    # divisors of Sainte-Laguë: every next cluster to the class whose clusters are the largest
    for _ in range(int(n_clusters) - int(sizes.sum())):
        sizes[np.argmax(np.where(sizes < most, counts / (sizes + 0.5), -np.inf))] += 1
    return sizes


def surviving_clusters(counts: np.ndarray, owner: np.ndarray, smallest: float) -> np.ndarray:
    """Return the positions of clusters that are large enough, and of each class's largest.

    Parameters
    ----------
    counts : ndarray of shape (n_clusters,)
        Noisy.
    owner : ndarray of shape (n_clusters,), int
    smallest : float

    Examples
    --------
    >>> surviving_clusters(np.array([50.0, 9.0, 3.0]), np.array([0, 0, 1]), 20.0)
    array([0, 2])
    """
    largest = [np.flatnonzero(owner == c)[np.argmax(counts[owner == c])] for c in np.unique(owner)]
    return np.union1d(np.flatnonzero(counts >= smallest), largest)
