"""The fitted mixture of Gaussians: log density, sampling, conditioning and posterior draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import logsumexp

from ._column_marginals import ColumnCells, latent_map

__all__ = ["ContinuousModel"]

CHUNK_ROWS = 4096


@dataclass(frozen=True)
class ContinuousModel:
    """A mixture of Gaussians whose columns are mapped to their marginals; released quantities only.

    Every class has a covariance of low rank plus a diagonal, shared by its clusters. A sampled
    column goes through the monotone map that takes its mixture of normals to its noisy marginal,
    so that masses at the bounds and skewed columns come out as they are.

    Attributes
    ----------
    kinds : tuple
        The column kinds.
    owner : int or None
        Position of the target.
    weights : ndarray of shape (n_clusters,)
        Sum to one.
    weight_size : float
        Effective sample size behind them.
    labels : ndarray of shape (n_clusters,), int
        The class of each cluster.
    means : ndarray of shape (n_clusters, n_features)
        Of the columns other than the target, in the unit interval or a little outside.
    mean_error : ndarray of shape (n_clusters, n_features)
        Standard deviation that sampling and noise leave in the means.
    loadings : ndarray of shape (n_classes, n_features, n_components)
        A class's covariance is loadings @ loadings.T + diag(residual).
    residual : ndarray of shape (n_features,)
        Positive.
    marginals : tuple of (ColumnCells, ndarray of shape (n_cells,))
        Each column's cells and their probabilities.
    map_weights : ndarray of shape (n_clusters,)
        Weights for which the columns have these marginals: those before any condition.
    """

    kinds: tuple[Any, ...]
    owner: int | None
    weights: np.ndarray
    weight_size: float
    labels: np.ndarray
    means: np.ndarray
    mean_error: np.ndarray
    loadings: np.ndarray
    residual: np.ndarray
    marginals: tuple[tuple[ColumnCells, np.ndarray], ...]
    map_weights: np.ndarray

    @property
    def numeric(self) -> np.ndarray:
        """Positions of the columns other than the target."""
        return np.array([j for j in range(len(self.kinds)) if j != self.owner])

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of encoded rows under the mixture of Gaussians.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Unit-interval values, and level positions in the target's column.
        without : int, default=None
            Position of a column to leave out: the density is that of the others.

        Returns
        -------
        log_density : ndarray of shape (n_rows,)
            Natural logarithm, in the columns' own units, times the probability of the target's
            level. It is the density before the columns are mapped to their marginals and to
            integers; the mapped rows have masses at points and no density.
        """
        kept = np.flatnonzero(self.numeric != without)
        widths = [self.kinds[j].high - self.kinds[j].low for j in self.numeric[kept]]
        scored = _GaussianScores(self, kept)
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
        result = np.empty(len(codes))
        for start in range(0, len(codes), CHUNK_ROWS):
            part = codes[start : start + CHUNK_ROWS]
            joint = scored(part[:, self.numeric[kept]]) + log_weights
            if self.owner is not None and without != self.owner:
                joint[part[:, self.owner, None] != self.labels] = -np.inf
            result[start : start + CHUNK_ROWS] = logsumexp(joint, axis=1)
        return result - float(np.log(widths).sum())

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw encoded rows, of shape (n_samples, n_columns); columns in steps on their values."""
        sizes = rng.multinomial(n_samples, self.weights)
        cluster = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        latent = self._sample_latent(cluster, rng)
        codes = np.empty((n_samples, len(self.kinds)))
        if self.owner is not None:
            codes[:, self.owner] = self.labels[cluster]
        for j, position in enumerate(self.numeric):
            codes[:, position] = self._map(j, latent[:, j], self.kinds[position])
        return codes

    def _sample_latent(self, cluster: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw from the Gaussians, of shape (n_samples, n_features), a chunk at a time."""
        n_samples, n_features = len(cluster), self.means.shape[1]
        latent = np.empty((n_samples, n_features), dtype=np.float32)
        deviation = np.sqrt(self.residual)
        for start in range(0, n_samples, CHUNK_ROWS):
            part = cluster[start : start + CHUNK_ROWS]
            label = self.labels[part]
            values = rng.standard_normal((len(part), n_features)) * deviation + self.means[part]
            scores = rng.standard_normal((len(part), self.loadings.shape[2]))
            for own in np.unique(label):
                values[label == own] += scores[label == own] @ self.loadings[own].T
            latent[start : start + CHUNK_ROWS] = values
        return latent

    def _map(self, j: int, latent: np.ndarray, kind: Any) -> np.ndarray:
        """Take a column of the mixture to its marginal."""
        cells, probability = self.marginals[j]
        variance = np.square(self.loadings[:, j]).sum(axis=1)[self.labels] + self.residual[j]
        points, level, cumulative, value = latent_map(
            probability, cells, self.map_weights, self.means[:, j], np.sqrt(variance)
        )
        mapped = np.interp(np.interp(latent, points, level), cumulative, value)
        if kind.n_steps is not None:
            return np.asarray(np.rint(mapped * kind.n_steps) / kind.n_steps)
        return np.asarray(mapped)

    def condition(self, given: Mapping[int, float]) -> ContinuousModel:
        """Return the mixture given the target's level.

        Parameters
        ----------
        given : mapping of column position to code

        Returns
        -------
        model : ContinuousModel

        Raises
        ------
        ValueError
            If another column is given, or the level has probability zero.
        """
        if set(given) - {self.owner}:
            raise ValueError(
                "In continuous mode rows can be conditioned on the target only: other columns are "
                'Gaussian before they are mapped to their marginals. Fit with mode="blocks" to '
                "condition on any column, or filter sampled rows."
            )
        if not given:
            return self
        weights = np.where(self.labels == given[self.owner], self.weights, 0.0)  # type: ignore[index]
        if not weights.sum() > 0:
            raise ValueError("The conditions have probability zero under the fitted model.")
        return replace(self, weights=weights / weights.sum())

    def draw_posterior(self, rng: np.random.Generator) -> ContinuousModel:
        """Return a mixture whose weights and means are one draw from their approximate posterior.

        Weights are Dirichlet with the effective sample size that sampling and noise leave, means
        independent normals; covariances and marginals stay at their estimates.
        """
        gammas = rng.standard_gamma(np.maximum(self.weight_size * self.weights, 1e-8))
        weights = gammas / gammas.sum() if gammas.sum() > 0 else self.weights
        means = rng.normal(self.means, self.mean_error)
        return replace(self, weights=weights, map_weights=weights, means=means)


class _GaussianScores:
    """Log densities of the clusters, through the low rank of their covariances (Woodbury)."""

    def __init__(self, model: ContinuousModel, kept: np.ndarray) -> None:
        self.deviation = np.sqrt(model.residual[kept])
        self.labels = model.labels
        self.origin = model.map_weights @ model.means[:, kept]
        self.means = (model.means[:, kept] - self.origin) / self.deviation
        self.factors, self.constants = [], []
        for loadings in model.loadings:
            scaled = loadings[kept] / self.deviation[:, None]
            # Woodbury: the inverse of L Lᵀ + D needs that of the small I + LᵀD⁻¹L alone
            lower = np.linalg.cholesky(np.eye(scaled.shape[1]) + scaled.T @ scaled)
            self.factors.append(solve_triangular(lower, scaled.T, lower=True).T)
            log_determinant = np.log(np.diag(lower)).sum() + np.log(self.deviation).sum()
            self.constants.append(-log_determinant - 0.5 * len(kept) * math.log(2.0 * math.pi))

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return log N(x; mean, covariance) of shape (n_rows, n_clusters)."""
        # around the mean of the means, where the expanded squares cancel least
        scaled = (values - self.origin) / self.deviation
        norms = np.square(self.means).sum(axis=1) - 2.0 * scaled @ self.means.T
        norms += np.square(scaled).sum(axis=1)[:, None]
        for label, factor in enumerate(self.factors):
            scores = scaled @ factor
            for k in np.flatnonzero(self.labels == label):
                norms[:, k] -= np.square(scores - self.means[k] @ factor).sum(axis=1)
        return np.asarray(np.array(self.constants)[self.labels] - 0.5 * norms)
