"""The noise-aware likelihood of noisy statistics, and the posterior of λ that it gives.

s̃ − n̂ m(λ) ~ N(0, C) with C = n̂ S(λ) + V + v₀ m mᵀ, and λ ~ N(0, P⁻¹):

- the log posterior is `log_posterior`, a function that jax differentiates,
- C at given m and S is in `covariance_factor`,
- its Fisher information n̂² S C⁻¹ S + P is in `information_factor`.

m and S are the mean and the covariance of the network's statistics, `mean_and_covariance`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from scipy.linalg import solve_triangular

from .._markov_network import MessagePlan, mean_and_covariance

__all__ = ["Likelihood", "covariance_factor", "information_factor", "log_posterior"]

Array: TypeAlias = Any


class Likelihood(NamedTuple):
    """What the noise-aware posterior is given.

    Attributes
    ----------
    n_records : float
        Row count n̂.
    n_variance : float
        Variance of its noise.
    moments : array of shape (n_parameters,)
        Noisy statistics s̃.
    variance : array of shape (n_parameters,)
        Variances of their noise.
    prior_precision : array of shape (n_parameters,)
        Of the normal prior of λ around zero.
    """

    n_records: Array
    n_variance: Array
    moments: Array
    variance: Array
    prior_precision: Array


def log_posterior(
    plan: MessagePlan, design: Array, likelihood: Likelihood, parameters: Array
) -> jax.Array:
    """Return log p(λ | s̃) up to a constant.

    Given λ the statistics of n rows are about N(n m, n S), the noise adds V, and where n itself is
    known up to noise of variance v₀ only, s̃ − n̂ m ~ N(0, n̂ S + V + v₀ m mᵀ).

    References
    ----------
    Räisä, Jälkö, Kaski & Honkela (2023), Noise-aware statistical inference with differentially
    private synthetic data, AISTATS, equations 6 and 7.
    """
    n_records, n_variance, moments, variance, prior_precision = likelihood
    expected, spread = mean_and_covariance(plan, design, parameters)
    # C = n̂ S + V + v₀ m mᵀ, which moves with λ
    total = n_records * spread + jnp.diag(variance) + n_variance * jnp.outer(expected, expected)
    factor = jnp.linalg.cholesky(total)
    residual = jax.scipy.linalg.solve_triangular(factor, moments - n_records * expected, lower=True)
    # −rᵀC⁻¹r/2 − log √|C|, and the prior
    return (
        -0.5 * jnp.sum(residual**2)
        - jnp.sum(jnp.log(jnp.diag(factor)))
        - 0.5 * jnp.sum(prior_precision * parameters**2)
    )


def covariance_factor(
    likelihood: Likelihood, expected: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return the lower Cholesky factor of C = n̂ S + V + v₀ m mᵀ."""
    total = likelihood.n_records * spread + likelihood.n_variance * np.outer(expected, expected)
    total[np.diag_indices_from(total)] += likelihood.variance
    return np.linalg.cholesky(total)


def information_factor(
    likelihood: Likelihood, expected: np.ndarray, spread: np.ndarray, damping: float = 0.0
) -> np.ndarray:
    """Return the lower Cholesky factor of the information n̂² S C⁻¹ S plus the prior's precision.

    Parameters
    ----------
    likelihood : Likelihood
    expected, spread : ndarray
        m and S at λ.
    damping : float, default=0
        Where expected counts are below this many standard deviations of the noise, λ is known from
        one side only: higher values are ruled out, lower ones make no difference. The information
        is then taken a little up the slope, where the posterior bends, instead of on the flat.
    """
    scaled = likelihood.n_records * spread
    if damping:
        scaled = scaled + np.diag(damping * np.sqrt(likelihood.variance))
    factor = covariance_factor(likelihood, expected, scaled / likelihood.n_records)
    root = solve_triangular(factor, scaled, lower=True)
    information = root.T @ root
    information[np.diag_indices_from(information)] += likelihood.prior_precision
    return np.linalg.cholesky(information)
