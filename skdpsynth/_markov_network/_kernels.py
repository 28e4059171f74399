"""The jitted kernels of a Markov network: pure functions of arrays, compiled once per shape.

One program serves every tree: messages travel level by level through flat arrays of cells, and
which cell feeds which is data.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

__all__ = [
    "Likelihood",
    "MessagePlan",
    "log_normaliser",
    "log_posterior",
    "mean",
    "mean_and_covariance",
    "moments",
]

Array: TypeAlias = Any

_TINY = 1e-300


class MessagePlan(NamedTuple):
    """Which cells send messages to which, for every level of a junction tree, the root's first.

    The cells of a level's cliques follow each other. Each level but the root's has a row in the
    arrays; padding points to a cell, and a separator's cell, beyond the last.

    Attributes
    ----------
    sender, sender_separator : array of shape (n_levels, n_senders), int
        Cells of the cliques of one level, and the separator's cell each lies over.
    receiver, receiver_separator : array of shape (n_levels, n_receivers), int
        The same for their parents' cells, once for every child.
    clique : array of shape (n_cells + n_senders,), int
        The clique of each cell, -1 for padding.
    root : array of shape (n_root_cells,), int
    separators : array of shape (n_separators + 1,)
        Zeros: the length tells how many separator cells the largest level has.
    """

    sender: Array
    sender_separator: Array
    receiver: Array
    receiver_separator: Array
    clique: Array
    root: Array
    separators: Array


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


def _pass_up(plan: MessagePlan, potentials: Array) -> tuple[jax.Array, jax.Array]:
    """Return the beliefs of all cells after the upward pass, and every level's messages."""
    n_separators = plan.separators.shape[0]

    def pass_level(beliefs: jax.Array, level: tuple[Array, ...]) -> tuple[jax.Array, jax.Array]:
        sender, below, receiver, above = level
        values = beliefs[sender]
        # the largest value only scales, so that no derivative passes through it
        largest = jax.ops.segment_max(lax.stop_gradient(values), below, n_separators)
        largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
        total = jax.ops.segment_sum(jnp.exp(values - largest[below]), below, n_separators)
        message = jnp.log(jnp.maximum(total, _TINY)) + largest
        return beliefs.at[receiver].add(message[above]), message

    beliefs = jnp.append(potentials, 0.0)
    if not plan.sender.shape[0]:
        return beliefs, jnp.zeros((0, n_separators), beliefs.dtype)
    return lax.scan(pass_level, beliefs, plan[:4], reverse=True)


def log_normaliser(plan: MessagePlan, potentials: Array) -> jax.Array:
    """Return log Σ_x exp Σ_C ψ_C(x_C).

    Parameters
    ----------
    plan : MessagePlan
    potentials : array of shape (n_cells,)
        Log potentials of all cells of all cliques.
    """
    beliefs, _ = _pass_up(plan, potentials)
    return jax.nn.logsumexp(beliefs[plan.root])


def mean(plan: MessagePlan, design: Array, parameters: Array) -> jax.Array:
    """Return m(λ) = E[a(x)] = ∇A(λ), of shape (n_parameters,); see `mean_and_covariance`."""
    return design.T @ jax.grad(log_normaliser, argnums=1)(plan, design @ parameters)


def _joint(plan: MessagePlan, potentials: Array) -> tuple[jax.Array, jax.Array]:
    """Return the probability of every cell, and of every pair of cells.

    Downwards, P(x_D | x_S) spreads what is known of the separator S over the clique D, for the
    marginals and for the joint with every cell that came before.
    """
    n_cells, n_levels = potentials.shape[0], plan.sender.shape[0]
    beliefs, messages = _pass_up(plan, potentials)
    width = plan.sender.shape[1]
    root = jax.nn.softmax(beliefs[plan.root])
    probability = jnp.zeros(n_cells + width, root.dtype).at[plan.root].set(root)
    pairs = jnp.zeros((n_cells + width,) * 2, root.dtype).at[plan.root, plan.root].set(root)
    if not n_levels:
        return probability, pairs
    n_separators = plan.separators.shape[0]

    def pass_level(state: tuple[Any, Any], level: tuple[Array, ...]) -> tuple[Any, None]:
        probability, pairs = state
        sender, below, receiver, above, message = level
        start, zero = sender[0], jnp.zeros((), sender.dtype)
        conditional = jnp.exp(beliefs[sender] - message[below])

        def spread(above_values: jax.Array) -> jax.Array:
            """From values over the parents' cells to values over the cells of this level."""
            total = jax.ops.segment_sum(above_values[receiver], above, n_separators)[below]
            return total * conditional.reshape((-1,) + (1,) * (total.ndim - 1))

        own = spread(probability)
        probability = lax.dynamic_update_slice(probability, own, (start,))
        rows = spread(pairs)
        pairs = lax.dynamic_update_slice(pairs, rows, (start, zero))
        pairs = lax.dynamic_update_slice(pairs, rows.T, (zero, start))
        columns = lax.dynamic_slice(pairs, (zero, start), (pairs.shape[0], width))
        clique = lax.dynamic_slice(plan.clique, (start,), (width,))
        is_same = clique[:, None] == clique
        block = jnp.where(is_same, jnp.diag(own), spread(columns))
        return (probability, lax.dynamic_update_slice(pairs, block, (start, start))), None

    # the padding reads beyond the last cell
    beliefs = jnp.append(beliefs, jnp.zeros(width, beliefs.dtype))
    (probability, pairs), _ = lax.scan(pass_level, (probability, pairs), (*plan[:4], messages))
    return probability, pairs


def mean_and_covariance(
    plan: MessagePlan, design: Array, parameters: Array
) -> tuple[jax.Array, jax.Array]:
    """Return m(λ) = E[a(x)] = ∇A(λ) and S(λ) = cov(a(x)) = ∇²A(λ).

    Parameters
    ----------
    plan : MessagePlan
    design : array of shape (n_cells, n_parameters)
        Log potentials are design @ parameters.
    parameters : array of shape (n_parameters,)

    Returns
    -------
    mean : array of shape (n_parameters,)
    covariance : array of shape (n_parameters, n_parameters)
    """
    n_cells = design.shape[0]
    probability, pairs = _joint(plan, design @ parameters)
    mean = design.T @ probability[:n_cells]
    spread = design.T @ pairs[:n_cells, :n_cells] @ design - jnp.outer(mean, mean)
    return mean, (spread + spread.T) / 2


moments = jax.jit(mean_and_covariance)


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
    total = n_records * spread + jnp.diag(variance) + n_variance * jnp.outer(expected, expected)
    factor = jnp.linalg.cholesky(total)
    residual = jax.scipy.linalg.solve_triangular(factor, moments - n_records * expected, lower=True)
    return (
        -0.5 * jnp.sum(residual**2)
        - jnp.sum(jnp.log(jnp.diag(factor)))
        - 0.5 * jnp.sum(prior_precision * parameters**2)
    )
