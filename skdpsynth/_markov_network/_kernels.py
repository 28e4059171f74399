"""The jitted kernels of a Markov network: pure functions of arrays, compiled once per shape.

For p(x | λ) = exp(λ·a(x) − A(λ)), with the potentials ψ = design @ λ of the cliques' cells:

- A(λ) = log Σ_x exp Σ_C ψ_C(x_C) is `log_normaliser`, by the upward pass of messages,
- m(λ) = E[a(x)] = ∇A(λ) is `mean`, its gradient: the derivative of an upward pass is the pass down,
- S(λ) = cov(a(x)) = ∇²A(λ) is in `mean_and_covariance`, from the probabilities of pairs of cells.

They compute what `skdpsynth._markov_network._messages` does, the reference in numpy that they are
tested against, where it is needed thousands of times, with derivatives. One program serves every
tree: messages travel level by level through flat arrays of cells, and which cell feeds which is
data (`MessagePlan`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

from ._network import MessagePlan

__all__ = ["log_normaliser", "mean", "mean_and_covariance", "moments"]

Array: TypeAlias = Any

# the log of a separator's cell that nothing lies over, which is padding, stays finite
_TINY = 1e-300


def _pass_up(plan: MessagePlan, potentials: Array) -> tuple[jax.Array, jax.Array]:
    """Return the beliefs of all cells after the upward pass, and every level's messages."""
    n_separators = plan.separators.shape[0]

    def pass_level(beliefs: jax.Array, level: tuple[Array, ...]) -> tuple[jax.Array, jax.Array]:
        sender, below, receiver, above = level
        values = beliefs[sender]
        # log-sum-exp with a largest value for every cell of the separator: sizes differ by more
        # than floating point spans. It only scales, so that no derivative passes through it
        largest = jax.ops.segment_max(lax.stop_gradient(values), below, n_separators)
        # minus infinity where nothing lies over a cell
        largest = jnp.where(jnp.isfinite(largest), largest, 0.0)
        total = jax.ops.segment_sum(jnp.exp(values - largest[below]), below, n_separators)
        message = jnp.log(jnp.maximum(total, _TINY)) + largest
        return beliefs.at[receiver].add(message[above]), message

    # one cell more, where padding sends and receives
    beliefs = jnp.append(potentials, 0.0)
    if not plan.sender.shape[0]:
        return beliefs, jnp.zeros((0, n_separators), beliefs.dtype)
    # the deepest level first: a clique sends when it has heard from all its children
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
    marginals and for the joint with every cell that came before: given x_S, D is independent of
    all cliques of earlier levels and of the others of its own.
    """
    n_cells, n_levels = potentials.shape[0], plan.sender.shape[0]
    beliefs, messages = _pass_up(plan, potentials)
    width = plan.sender.shape[1]
    # the root has heard from all: its belief is its marginal, up to the total
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
        # the belief over the separator's is P(x_D | x_S): what the parent knows of the separator
        # replaces what the clique itself said of it, which would count twice
        conditional = jnp.exp(beliefs[sender] - message[below])

        def spread(above_values: jax.Array) -> jax.Array:
            """From values over the parents' cells to values over the cells of this level."""
            total = jax.ops.segment_sum(above_values[receiver], above, n_separators)[below]
            return total * conditional.reshape((-1,) + (1,) * (total.ndim - 1))

        own = spread(probability)
        # cells of a level follow each other, so that a slice is written and not scattered; what
        # its padding overwrites belongs to deeper levels, which come later
        probability = lax.dynamic_update_slice(probability, own, (start,))
        # with the cells of all earlier levels, and by symmetry
        rows = spread(pairs)
        pairs = lax.dynamic_update_slice(pairs, rows, (start, zero))
        pairs = lax.dynamic_update_slice(pairs, rows.T, (zero, start))
        columns = lax.dynamic_slice(pairs, (zero, start), (pairs.shape[0], width))
        clique = lax.dynamic_slice(plan.clique, (start,), (width,))
        # within the level: cells of one clique exclude each other, those of two meet in the parents
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
