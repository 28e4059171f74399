"""The automatic mixture as a NumPyro model: the priors of Table 1, one likelihood per record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro import handlers

from ..._product_mixture import Array, Block, ComponentEstimates, Layout, Scalar

__all__ = ["build_model", "component_log_likelihoods", "initial_values", "summarise_draws"]

# keeps logarithms, and their gradients, finite in single precision
SMALLEST_PROBABILITY = 1e-30

# a simplex's coordinates are unbounded at its faces, so the optimisation starts inside
SMALLEST_START = 1e-4


def _n_levels(block: Block) -> int:
    return block.n_cells - block.is_nullable


def component_priors(layout: Layout) -> dict[str, dist.Distribution]:
    """Return the prior of every parameter of one component, by the name of its site.

    Table 1 of the twinify paper: levels ~ Dirichlet(1), Bernoulli logit ~ N(0, 1), μ ~ N(0, 1),
    σ ~ LogNormal(0, 2), λ ~ Exp(1) and q_NA ~ Beta(1, 1). A column of one level has no levels to
    learn.
    """
    priors: dict[str, dist.Distribution] = {}
    for block in layout.blocks:
        if block.is_bernoulli:
            priors[f"logit_{block.column}"] = dist.Normal(0.0, 1.0)
        elif _n_levels(block) > 1:
            priors[f"levels_{block.column}"] = dist.Dirichlet(jnp.ones(_n_levels(block)))
        if block.is_nullable:
            priors[f"missing_{block.column}"] = dist.Beta(1.0, 1.0)
    for scalar in layout.scalars:
        if scalar.distribution == "normal":
            priors[f"mean_{scalar.column}"] = dist.Normal(0.0, 1.0)
            priors[f"scale_{scalar.column}"] = dist.LogNormal(0.0, 2.0)
        else:
            priors[f"rate_{scalar.column}"] = dist.Exponential(1.0)
        if scalar.is_nullable:
            priors[f"missing_{scalar.column}"] = dist.Beta(1.0, 1.0)
    return priors


def build_model(
    layout: Layout, owner: np.ndarray, n_records: int
) -> Callable[[Array, Array, Array], None]:
    """Return a NumPyro model of batches of records.

    Parameters
    ----------
    layout : Layout
    owner : ndarray of shape (n_components,), int
        The class of every component.
    n_records : int
        Records in the whole table: a batch of B records weighs n_records/B times as much.

    Returns
    -------
    model : callable
        Takes ``codes``, ``features`` and ``classes``, the parts of `Records`.
    """
    n_components = len(owner)

    def model(codes: Array, features: Array, classes: Array) -> None:
        sites = {}
        if n_components > 1:
            sites["weights"] = numpyro.sample("weights", dist.Dirichlet(jnp.ones(n_components)))
        with numpyro.plate("components", n_components):
            for name, prior in component_priors(layout).items():
                sites[name] = numpyro.sample(name, prior)
        joint = component_log_likelihoods(sites, layout, owner, codes, features, classes)
        with handlers.scale(scale=n_records / len(codes)):
            numpyro.factor("records", jax.nn.logsumexp(joint, axis=1).sum())

    return model


def component_log_likelihoods(
    sites: Mapping[str, Array],
    layout: Layout,
    owner: np.ndarray,
    codes: Array,
    features: Array,
    classes: Array,
) -> jax.Array:
    """Return log π_k + Σ_j log p(x_j | θ_kj), of shape (n_rows, n_components).

    Parameters
    ----------
    sites : mapping of site name to array
        Values of the parameters, each with components first.
    layout : Layout
    owner : ndarray of shape (n_components,), int
    codes : array of shape (n_rows, n_blocks), int
    features : array of shape (n_rows, n_features)
    classes : array of shape (n_rows,), int

    Returns
    -------
    log_likelihoods : array
        −inf where a component models another class. Normal columns count in units of [−1, 1],
        tabulated ones per cell.
    """
    total = jnp.zeros(len(owner)) if len(owner) == 1 else _log(sites["weights"])
    total = jnp.broadcast_to(total, (len(codes), len(owner)))
    for j, block in enumerate(layout.blocks):
        log_cell = _log(cell_probabilities(sites, block, len(owner)))
        total = total + log_cell[:, codes[:, j] - block.start].T
    for scalar in layout.scalars:
        total = total + _scalar_log_likelihood(sites, scalar, features)
    return jnp.where(classes[:, None] == owner, total, -jnp.inf)


def _log(probability: Array) -> jax.Array:
    return jnp.log(jnp.maximum(probability, SMALLEST_PROBABILITY))


def cell_probabilities(sites: Mapping[str, Array], block: Block, n_components: int) -> jax.Array:
    """Return one block's cell probabilities, of shape (..., n_components, n_cells)."""
    if block.is_bernoulli:
        logit = sites[f"logit_{block.column}"]
        levels = jnp.stack([jax.nn.sigmoid(-logit), jax.nn.sigmoid(logit)], axis=-1)
    elif _n_levels(block) > 1:
        levels = jnp.asarray(sites[f"levels_{block.column}"])
    else:
        levels = jnp.ones((n_components, 1))
    if not block.is_nullable:
        return levels
    missing = sites[f"missing_{block.column}"][..., None]
    levels = jnp.broadcast_to(levels, (*missing.shape[:-1], levels.shape[-1]))
    return jnp.concatenate([(1.0 - missing) * levels, missing], axis=-1)


def _scalar_log_likelihood(
    sites: Mapping[str, Array], scalar: Scalar, features: Array
) -> jax.Array:
    """Return log p(x | θ_k) of one column, of shape (n_rows, n_components)."""
    value = features[:, scalar.start, None]
    if scalar.distribution == "normal":
        normal = dist.Normal(sites[f"mean_{scalar.column}"], sites[f"scale_{scalar.column}"])
        present = normal.log_prob(2.0 * value - 1.0)
    else:
        rate = jnp.maximum(sites[f"rate_{scalar.column}"], SMALLEST_PROBABILITY)
        present = dist.Poisson(rate).log_prob(jnp.round(value * scalar.span))
    if not scalar.is_nullable:
        return present
    missing = sites[f"missing_{scalar.column}"]
    is_missing = features[:, scalar.start + scalar.n_moments, None] > 0
    return jnp.where(is_missing, _log(missing), _log(1.0 - missing) + present)


def initial_values(
    weights: np.ndarray, estimates: ComponentEstimates, layout: Layout
) -> dict[str, np.ndarray]:
    """Return the values of the sites at given parameters, moved off the edges.

    Parameters
    ----------
    weights : ndarray of shape (n_components,)
    estimates : ComponentEstimates
    layout : Layout
    """
    values = {} if len(weights) == 1 else {"weights": _inside(weights)}
    for block in layout.blocks:
        levels = _inside(estimates.cell[:, block.start : block.start + _n_levels(block)])
        if block.is_bernoulli:
            values[f"logit_{block.column}"] = np.log(levels[:, 1]) - np.log(levels[:, 0])
        elif _n_levels(block) > 1:
            values[f"levels_{block.column}"] = levels
        if block.is_nullable:
            missing = estimates.cell[:, block.start + block.n_cells - 1]
            values[f"missing_{block.column}"] = _inside_unit(missing)
    for j, scalar in enumerate(layout.scalars):
        if scalar.distribution == "normal":
            values[f"mean_{scalar.column}"] = estimates.location[:, j]
            values[f"scale_{scalar.column}"] = np.exp(estimates.log_scale[:, j])
        else:
            values[f"rate_{scalar.column}"] = np.maximum(estimates.location[:, j], 1e-3)
        if scalar.is_nullable:
            values[f"missing_{scalar.column}"] = _inside_unit(estimates.missing[:, j])
    return values


def _inside(probability: np.ndarray) -> np.ndarray:
    kept = np.maximum(probability, SMALLEST_START)
    return kept / kept.sum(axis=-1, keepdims=True)


def _inside_unit(probability: np.ndarray) -> np.ndarray:
    return np.clip(probability, SMALLEST_START, 1.0 - SMALLEST_START)


def summarise_draws(
    draws: Mapping[str, Array], layout: Layout, n_components: int, n_records: float
) -> tuple[np.ndarray, ComponentEstimates]:
    """Return means, and uncertainties of equal variance, of draws from a posterior.

    Parameters
    ----------
    draws : mapping of site name to array of shape (n_draws, n_components, ...)
    layout : Layout
    n_components : int
    n_records : float
        Records in the table, the most that the weights' effective sample size can be.

    Returns
    -------
    weights : ndarray of shape (n_components,)
    estimates : ComponentEstimates
        ``estimates.n_records`` is the weights times their effective sample size: the posterior of
        the weights is Dirichlet(n_records).
    """
    # a single component has the weight one for certain
    weights, weight_size = np.ones(1), np.full(1, float(n_records))
    if n_components > 1:
        weights, weight_size = _match_dirichlet(draws["weights"])
    cell = np.zeros((n_components, layout.n_cells))
    cell_size = np.zeros((n_components, len(layout.blocks)))
    for j, block in enumerate(layout.blocks):
        probability = cell_probabilities(draws, block, n_components)
        if probability.ndim == 2:  # a single level, known for certain
            probability = probability[None]
        cell[:, block.cells], cell_size[:, j] = _match_dirichlet(probability)
    shape = (n_components, len(layout.scalars))
    location, location_error, missing = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    log_scale, log_scale_error, missing_size = np.zeros(shape), np.zeros(shape), np.ones(shape)
    for j, scalar in enumerate(layout.scalars):
        if scalar.distribution == "normal":
            location[:, j], location_error[:, j] = _moments(draws[f"mean_{scalar.column}"])
            log_scales = np.log(np.asarray(draws[f"scale_{scalar.column}"], np.float64))
            log_scale[:, j], log_scale_error[:, j] = _moments(log_scales)
        else:
            location[:, j], location_error[:, j] = _moments(draws[f"rate_{scalar.column}"])
        if scalar.is_nullable:
            rate = np.asarray(draws[f"missing_{scalar.column}"], np.float64)
            # a Beta is a Dirichlet of two cells
            both, missing_size[:, j] = _match_dirichlet(np.stack([rate, 1.0 - rate], axis=-1))
            missing[:, j] = both[:, 0]
    estimates = ComponentEstimates(
        weights * np.minimum(weight_size, n_records),
        cell,
        cell_size,
        location,
        location_error,
        log_scale,
        log_scale_error,
        missing,
        missing_size,
    )
    return weights, estimates


def _moments(draws: Any) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(draws, np.float64)
    return values.mean(axis=0), values.std(axis=0)


def _match_dirichlet(draws: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return mean p and size α such that Dirichlet(α·p) has the draws' summed variance.

    That of a Dirichlet is (1 − Σp²)/(α + 1).
    """
    values = np.asarray(draws, np.float64)
    mean = values.mean(axis=0)
    # draws in single precision sum to one but for rounding
    mean /= mean.sum(axis=-1, keepdims=True)
    # one size for all cells: their variances are matched as a sum, not one by one
    spread = 1.0 - np.square(mean).sum(axis=-1)
    variance = values.var(axis=0).sum(axis=-1)
    return mean, np.maximum(spread / np.maximum(variance, 1e-12) - 1.0, 1.0)
