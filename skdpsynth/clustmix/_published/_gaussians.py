"""Gaussian components: fitted to assigned records, and their log densities.

`fit_gaussians` is the M-step of size-constrained EM; `log_joint` is log π_k + log N(x | m_k, Σ_k)
and `log_penalty` −½·reg_covar·tr(Σ_k⁻¹), the two terms of its objective.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import linalg

__all__ = [
    "COVARIANCE_TYPES",
    "Gaussians",
    "draw_deviations",
    "fit_gaussians",
    "log_joint",
    "log_penalty",
]

COVARIANCE_TYPES = ("full", "tied", "diag", "spherical")

# rows are scored in blocks of this size, so that copies of them stay small
BLOCK_SIZE = 8192


class Gaussians(NamedTuple):
    """The parameters of a Gaussian mixture.

    Attributes
    ----------
    weights : ndarray of shape (n_components,)
    means : ndarray of shape (n_components, n_features)
    covariances : ndarray
        Of shape (n_components, n_features, n_features) for "full", (n_features, n_features) for
        "tied", (n_components, n_features) for "diag", (n_components,) for "spherical".
    precisions_cholesky : ndarray of the same shape
        Upper triangular P with P Pᵀ the inverse covariance; the inverse standard deviations for
        "diag" and "spherical".
    """

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    precisions_cholesky: np.ndarray


def fit_gaussians(
    X: np.ndarray, labels: np.ndarray, n_components: int, covariance_type: str, reg_covar: float
) -> Gaussians:
    """Return the mixture that maximises the penalised log likelihood of assigned records.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records,)
        Every component has at least one record.
    n_components : int
    covariance_type : {"full", "tied", "diag", "spherical"}
    reg_covar : float
        Added to every variance.

    Raises
    ------
    ValueError
        If a covariance matrix is singular.
    """
    sizes = np.bincount(labels, minlength=n_components)
    members = np.split(np.argsort(labels, kind="stable"), np.cumsum(sizes)[:-1])
    means = np.empty((n_components, X.shape[1]))
    is_matrix = covariance_type in ("full", "tied")
    scatters = []
    for k, records in enumerate(members):
        own = X[records]
        means[k] = own.mean(axis=0)
        own -= means[k]
        scatters.append(own.T @ own if is_matrix else np.sum(np.square(own), axis=0))
    covariances = _covariances(np.array(scatters), sizes, covariance_type, reg_covar)
    factors = _precisions_cholesky(covariances, covariance_type)
    return Gaussians(sizes / len(X), means, covariances, factors)


def _covariances(
    scatters: np.ndarray, sizes: np.ndarray, covariance_type: str, reg_covar: float
) -> np.ndarray:
    n_features = scatters.shape[1]
    if covariance_type == "tied":
        return np.asarray(scatters.sum(axis=0) / sizes.sum() + reg_covar * np.eye(n_features))
    if covariance_type == "full":
        return np.asarray(scatters / sizes[:, None, None] + reg_covar * np.eye(n_features))
    variances = scatters / sizes[:, None] + reg_covar
    return np.asarray(variances if covariance_type == "diag" else variances.mean(axis=1))


def _precisions_cholesky(covariances: np.ndarray, covariance_type: str) -> np.ndarray:
    singular = (
        "A component has a singular covariance matrix: its records do not vary in some direction. "
        "Increase reg_covar or min_size, or use fewer components."
    )
    if covariance_type in ("diag", "spherical"):
        if np.any(covariances <= 0.0):
            raise ValueError(singular)
        return np.asarray(1.0 / np.sqrt(covariances))
    matrices = covariances[None] if covariance_type == "tied" else covariances
    identity = np.eye(matrices.shape[1])
    try:
        factors = np.array(
            [
                linalg.solve_triangular(linalg.cholesky(matrix, lower=True), identity, lower=True).T
                for matrix in matrices
            ]
        )
    except linalg.LinAlgError:
        raise ValueError(singular) from None
    return factors[0] if covariance_type == "tied" else factors


def log_joint(X: np.ndarray, mixture: Gaussians, covariance_type: str) -> np.ndarray:
    """Return log π_k + log N(x | m_k, Σ_k), of shape (n_records, n_components)."""
    joint = np.empty((len(X), len(mixture.weights)))
    for start in range(0, len(X), BLOCK_SIZE):
        rows = slice(start, start + BLOCK_SIZE)
        joint[rows] = _log_joint(X[rows], mixture, covariance_type)
    return joint


def _log_joint(X: np.ndarray, mixture: Gaussians, covariance_type: str) -> np.ndarray:
    factors = mixture.precisions_cholesky
    # distances are expanded around the centre of the means, where they cancel least
    centre = mixture.means.mean(axis=0)
    X, means = X - centre, mixture.means - centre
    n_features = X.shape[1]
    if covariance_type == "full":
        distances = np.empty((len(X), len(means)))
        for k, (mean, factor) in enumerate(zip(means, factors, strict=True)):
            distances[:, k] = np.sum(np.square((X - mean) @ factor), axis=1)
        log_determinants = np.sum(np.log(np.diagonal(factors, axis1=1, axis2=2)), axis=1)
    elif covariance_type == "tied":
        distances = _squared_distances(X @ factors, means @ factors)
        log_determinants = np.sum(np.log(np.diagonal(factors)))
    elif covariance_type == "diag":
        precisions = factors**2
        distances = (
            np.square(X) @ precisions.T
            - 2.0 * X @ (means * precisions).T
            + np.sum(means**2 * precisions, axis=1)
        )
        log_determinants = np.sum(np.log(factors), axis=1)
    else:
        distances = _squared_distances(X, means) * factors**2
        log_determinants = n_features * np.log(factors)
    constants = np.log(mixture.weights) + log_determinants - 0.5 * n_features * np.log(2 * np.pi)
    return np.asarray(constants - 0.5 * distances)


def _squared_distances(X: np.ndarray, means: np.ndarray) -> np.ndarray:
    norms = np.sum(np.square(X), axis=1)[:, None] + np.sum(np.square(means), axis=1)
    return np.asarray(norms - 2.0 * X @ means.T)


def log_penalty(mixture: Gaussians, covariance_type: str, reg_covar: float) -> np.ndarray:
    """Return −½·reg_covar·tr(Σ_k⁻¹), of shape (n_components,).

    Added to the log density it gives that of a record blurred by reg_covar in every direction, on
    average: the likelihood that covariances with reg_covar on their diagonal maximise.
    """
    squares = np.square(mixture.precisions_cholesky)
    n_components, n_features = mixture.means.shape
    if covariance_type == "spherical":
        traces = n_features * squares
    elif covariance_type == "tied":
        traces = np.full(n_components, squares.sum())
    else:
        traces = squares.reshape(n_components, -1).sum(axis=1)
    return np.asarray(-0.5 * reg_covar * traces)


def draw_deviations(
    labels: np.ndarray, mixture: Gaussians, covariance_type: str, rng: np.random.RandomState
) -> np.ndarray:
    """Draw deviations from the means of the components in `labels`, of shape (n, n_features)."""
    covariances = mixture.covariances
    noise = rng.standard_normal((len(labels), mixture.means.shape[1]))
    if covariance_type == "spherical":
        noise *= np.sqrt(covariances)[labels, None]
    elif covariance_type == "diag":
        noise *= np.sqrt(covariances)[labels]
    elif covariance_type == "tied":
        noise = noise @ np.linalg.cholesky(covariances).T
    else:
        for k, covariance in enumerate(covariances):
            noise[labels == k] = noise[labels == k] @ np.linalg.cholesky(covariance).T
    return noise
