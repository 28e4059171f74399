"""What Gaussian noise leaves of eigenvalues and singular values.

`shrink_spectrum` is for symmetric matrices (λ̂ → √(λ̂² − 4s²n)), `shrink_singular_values` for
rectangular ones (ŝ → √((ŝ² − β − 1)² − 4β) / ŝ).
"""

from __future__ import annotations

import math

import numpy as np

__all__ = ["shrink_singular_values", "shrink_spectrum"]


def shrink_spectrum(matrix: np.ndarray, noise_scale: float) -> np.ndarray:
    """Shrink the eigenvalues of a symmetric matrix with Gaussian noise off and on the diagonal.

    Noise of standard deviation s alone has eigenvalues within ±2s√n; one of λ shows as λ + s²n/λ,
    its eigenvector with squared cosine 1 − s²n/λ². Eigenvalues within the bulk become 0 and the
    others λ − s²n/λ, which is nearest in Frobenius norm: of either sign √(λ̂² − 4s²n).

    Parameters
    ----------
    matrix : ndarray of shape (..., n, n)
    noise_scale : float or ndarray of shape (...)

    References
    ----------
    Benaych-Georges & Nadakuditi (2011), The eigenvalues and eigenvectors of finite, low rank
    perturbations of large random matrices, section 3.1.

    Examples
    --------
    >>> shrink_spectrum(np.diag([5.0, 1.0]), 1.0).round(3)
    array([[4.123, 0.   ],
           [0.   , 0.   ]])
    """
    values, vectors = np.linalg.eigh(matrix)
    # the square of the bulk's end, 2s√n
    edge = 4.0 * np.square(noise_scale) * matrix.shape[-1]
    edge = np.asarray(edge)[..., None]
    # (λ̂ − s²n/λ) with λ solved from λ̂ = λ + s²n/λ; within the bulk nothing can be told
    shrunk = np.sign(values) * np.sqrt(np.maximum(values**2 - edge, 0.0))
    return np.einsum("...ij,...j,...kj->...ik", vectors, shrunk, vectors)


def shrink_singular_values(matrix: np.ndarray, noise_scale: float) -> np.ndarray:
    """Shrink the singular values of a matrix whose entries have independent Gaussian noise.

    Parameters
    ----------
    matrix : ndarray of shape (m, n)
    noise_scale : float

    Notes
    -----
    With noise sd 1/√n and β = m/n ≤ 1, ŝ becomes √((ŝ² − β − 1)² − 4β) / ŝ above 1 + √β and 0
    below, which is asymptotically optimal in Frobenius norm (Gavish & Donoho 2017, Optimal
    shrinkage of singular values, equation 7).

    Examples
    --------
    >>> shrink_singular_values(np.array([[5.0, 0.0], [0.0, 1.0]]), 1.0).round(3)
    array([[4.123, 0.   ],
           [0.   , 0.   ]])
    """
    if noise_scale == 0.0:
        # to the bit, which the decomposition and back would not be
        return matrix
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    # in the formula's units: noise of standard deviation 1/√n, n the longer side
    size = max(matrix.shape)
    ratio = min(matrix.shape) / size
    relative = values / (noise_scale * math.sqrt(size))
    above = relative > 1.0 + math.sqrt(ratio)
    # at the edge the root is 0: what is below is put there, and dropped at the end
    relative = np.where(above, relative, 1.0 + math.sqrt(ratio))
    squared = (relative**2 - ratio - 1.0) ** 2 - 4.0 * ratio
    shrunk = np.sqrt(np.maximum(squared, 0.0)) / relative * noise_scale * math.sqrt(size)
    return (left * np.where(above, shrunk, 0.0)) @ right
