"""The nearest probability vector to noisy counts."""

from __future__ import annotations

import numpy as np

__all__ = ["project_to_simplex"]


def project_to_simplex(values: np.ndarray) -> np.ndarray:
    """Return the nearest probability vectors (Euclidean), along the last axis.

    Parameters
    ----------
    values : ndarray of shape (..., n)

    Notes
    -----
    The closed form subtracts one threshold from all coordinates and clips at zero (Duchi,
    Shalev-Shwartz, Singer & Chandra 2008, Figure 1).

    Examples
    --------
    >>> project_to_simplex(np.array([0.9, 0.6, -0.2]))
    array([0.65, 0.35, 0.  ])
    """
    # a shift of all changes nothing; from 0 down, no rounding takes a probability above 1
    values = values - values.max(axis=-1, keepdims=True)
    descending = -np.sort(-values, axis=-1)
    thresholds = (np.cumsum(descending, axis=-1) - 1.0) / np.arange(1, values.shape[-1] + 1)
    last = (descending > thresholds).sum(axis=-1, keepdims=True) - 1
    return np.maximum(values - np.take_along_axis(thresholds, last, axis=-1), 0.0)
