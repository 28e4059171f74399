"""Adapt: move the centroids so that a kernel machine trained on them predicts the records.

They become kernel inducing points (KIP; Nguyen, Chen & Lee 2021). The records have entered through
one release, their normal equations; this is post-processing. `adapt_objective` is L(X) of `adapt`,
term by term; `_descend` its minimisation, with a projection on what centroids may be.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.tree_util import Partial

from ..._compat import enable_x64
from ._normal_equations import NormalEquations, positive_gram
from ._ntk import RandomFeatures, map_points

__all__ = [
    "adapt",
    "adapt_cells",
    "adapt_means",
    "adapt_objective",
    "block_projection",
    "box_projection",
    "project_blocks",
]

Array: TypeAlias = Any

# a function whose arrays are data, so that programs compiled for it serve every table of a shape
Projection: TypeAlias = Any


def block_projection(block_sizes: Sequence[int]) -> Projection:
    """Return the projection on rows that are one probability vector per block, over √n_blocks.

    Parameters
    ----------
    block_sizes : sequence of int
        Cells of each block, in their order.

    Returns
    -------
    project : callable
        From an array of shape (n, n_cells) to one of the same shape.

    Examples
    --------
    >>> block_projection([2])(np.array([[1.0, 0.5]])).tolist()
    [[0.75, 0.25]]
    """
    sizes = np.asarray(block_sizes)
    starts = np.cumsum(sizes) - sizes
    cell = np.arange(sizes.max())
    is_cell = cell < sizes[:, None]
    block = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(block)) - starts[block]
    padded = np.where(is_cell, starts[:, None] + cell, 0)
    return Partial(_project_rows, padded, is_cell, block, place)


def _project_rows(
    padded: Array, is_cell: Array, block: Array, place: Array, points: Array
) -> jax.Array:
    """Project every block, padded to the size of the largest."""
    scale = len(is_cell) ** 0.5
    values = jnp.where(is_cell, points[:, padded] * scale, -jnp.inf)
    return project_blocks(values)[:, block, place] / scale


def project_blocks(values: Array) -> jax.Array:
    """Return the nearest probability vectors along the last axis; −inf stays at 0.

    References
    ----------
    Duchi, Shalev-Shwartz, Singer & Chandra (2008), Efficient projections onto the l1-ball, figure
    1; the same as the package's `project_to_simplex`, in jax.
    """
    # the last cell above its threshold sets the one that is subtracted from all
    descending = -jnp.sort(-values, axis=-1)
    total = jnp.cumsum(jnp.where(jnp.isfinite(descending), descending, 0.0), axis=-1)
    thresholds = (total - 1.0) / jnp.arange(1, values.shape[-1] + 1)
    last = jnp.sum(descending > thresholds, axis=-1, keepdims=True) - 1
    return jnp.maximum(values - jnp.take_along_axis(thresholds, last, axis=-1), 0.0)


def box_projection(low: Array, high: Array) -> Projection:
    """Return the projection on the box [low, high]: numbers, or one for each input."""
    return Partial(_clip, low, high)


def _clip(low: Array, high: Array, points: Array) -> jax.Array:
    return jnp.clip(points, low, high)


def adapt_objective(
    points: Array,
    start: Array,
    targets: Array,
    gram: Array,
    cross: Array,
    n_records: Array,
    features: RandomFeatures,
    alpha: Array,
    regularisation: Array,
) -> jax.Array:
    """Return the objective of `adapt`; see there.

    Parameters
    ----------
    points, start : array of shape (n_centroids, n_inputs)
    targets : array of shape (n_centroids, n_classes)
        Rows of `centred_labels`.
    gram : array of shape (n_features, n_features)
    cross : array of shape (n_features, n_classes)
    n_records : float
    features : RandomFeatures
    alpha, regularisation : float
    """
    # ‖X − X̃‖² / ‖X̃‖²
    distance = jnp.sum((points - start) ** 2) / jnp.sum(start**2)
    mapped = map_points(points, features)
    kernel = mapped @ mapped.T
    # λ relative to the mean diagonal of K_ss, so that it has no unit
    ridge = regularisation * jnp.trace(kernel) / len(kernel)
    dual = jnp.linalg.solve(kernel + ridge * jnp.eye(len(kernel)), targets)
    # W = Φ_sᵀ(K_ss + λI)⁻¹y_s, and tr(WᵀAW) − 2 tr(WᵀB)
    weights = mapped.T @ dual
    loss = jnp.sum(weights * (gram @ weights)) - 2.0 * jnp.sum(weights * cross)
    return alpha * distance + (1.0 - alpha) * loss / (2.0 * n_records)


@partial(jax.jit, static_argnames="n_steps")
def _descend(
    start: Array,
    arguments: tuple[Any, ...],
    learning_rate: Array,
    project: Projection,
    *,
    n_steps: int,
) -> tuple[jax.Array, jax.Array]:
    """Take steps of Adam, each followed by the projection; return points and all losses."""
    objective = jax.value_and_grad(adapt_objective)

    def step(state: tuple[Any, ...], index: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
        points, first, second = state
        loss, gradient = objective(points, start, *arguments)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        # Adam's corrections of both moments for their start at zero
        rate = learning_rate * jnp.sqrt(1.0 - 0.999**index) / (1.0 - 0.9**index)
        # after every step, so that the next gradient is that of possible centroids
        points = project(points - rate * first / (jnp.sqrt(second) + 1e-8))
        return (points, first, second), loss

    zero = jnp.zeros_like(start)
    state, losses = lax.scan(step, (start, zero, zero), jnp.arange(1, n_steps + 1))
    return state[0], losses


def adapt(
    centroids: np.ndarray,
    labels: np.ndarray,
    equations: NormalEquations,
    features: RandomFeatures,
    *,
    alpha: float,
    project: Projection,
    n_steps: int = 200,
    learning_rate: float = 0.003,
    regularisation: float = 0.01,
) -> tuple[np.ndarray, np.ndarray]:
    """Return centroids moved towards support points of kernel ridge regression.

    Parameters
    ----------
    centroids : ndarray of shape (n_centroids, n_inputs)
        Released centroids, embedded as the records were.
    labels : ndarray of shape (n_centroids, n_classes)
        One-hot class, or class shares, of each centroid.
    equations : NormalEquations
    features : RandomFeatures
        Those of the equations.
    alpha : float in [0, 1]
        Weight of the distance to the released centroids: 1 keeps them, 0 ignores them. This is
        the paper's equation 5; its prose says the opposite, that α = 1 gives the pure kernel
        objective.
    project : callable
        From `block_projection` or `box_projection`.
    n_steps : int, default=200
    learning_rate : float, default=0.003
        Of Adam, in units of the embedding.
    regularisation : float, default=0.01
        Of the kernel ridge regression on the centroids, relative to the mean diagonal of K_ss.

    Returns
    -------
    adapted : ndarray of shape (n_centroids, n_inputs)
    losses : ndarray of shape (n_steps,)
        The objective before every step.

    Notes
    -----
    With X̃ the released centroids and X the adapted ones, of features Φ_s and labels y_s,

        L(X) = α ‖X − X̃‖² / ‖X̃‖² + (1 − α) (1/2N) [tr(WᵀAW) − 2 tr(WᵀB)],
        W = Φ_sᵀ(K_ss + λI)⁻¹y_s,

    where A = Σφφᵀ, as `positive_gram` returns it, and B = Σφyᵀ. Up to a constant, and to a ridge
    of the size of the noise, the second term is half the mean squared error of kernel ridge
    regression trained on the centroids and tested on the records. K_ss is Φ_sΦ_sᵀ rather than the
    closed form, so that training and testing are of one kernel, the one that the released sums
    know; with two, the optimiser would move the points to where they differ.

    References
    ----------
    Madl, Xu, Choudhury & Howard (2022), Approximate, Adapt, Anonymize (3A), equation 5; Nguyen,
    Chen & Lee (2021), Dataset meta-learning from kernel ridge-regression, equation 7.
    """
    if alpha == 1.0 or n_steps == 0:
        return centroids.copy(), np.zeros(0)
    targets = labels - 1.0 / labels.shape[1]
    gram, cross = positive_gram(equations), equations.cross
    with enable_x64(True):
        arguments = (targets, gram, cross, equations.n_records, features, alpha, regularisation)
        adapted, losses = _descend(
            jnp.asarray(centroids, jnp.float64),
            jax.tree.map(lambda part: jnp.asarray(part, jnp.float64), arguments),
            learning_rate,
            project,
            n_steps=n_steps,
        )
        return np.asarray(adapted), np.asarray(losses)


def adapt_cells(
    cells: np.ndarray,
    owner: np.ndarray,
    n_classes: int,
    block_sizes: Sequence[int],
    equations: NormalEquations,
    features: RandomFeatures,
    alpha: float,
) -> np.ndarray:
    """Adapt clusters of one-hot blocks.

    Parameters
    ----------
    cells : ndarray of shape (n_clusters, n_cells)
        Cell probabilities; each block sums to one.
    owner : ndarray of shape (n_clusters,), int
        The class of each cluster.
    n_classes : int
    block_sizes : sequence of int
    equations : NormalEquations
        Of records embedded by `embed_cells`.
    features : RandomFeatures
    alpha : float in [0, 1]

    Returns
    -------
    adapted : ndarray of shape (n_clusters, n_cells)
    """
    scale = len(block_sizes) ** 0.5
    project = block_projection(block_sizes)
    labels = np.eye(n_classes)[owner]
    adapted, _ = adapt(cells / scale, labels, equations, features, alpha=alpha, project=project)
    return cells.copy() if alpha == 1.0 else adapted * scale


def adapt_means(
    means: np.ndarray,
    owner: np.ndarray,
    n_classes: int,
    centre: np.ndarray | float,
    radius: np.ndarray | float,
    equations: NormalEquations,
    features: RandomFeatures,
    alpha: float,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> np.ndarray:
    """Adapt the means of clusters of numeric records.

    Parameters
    ----------
    means : ndarray of shape (n_clusters, n_columns)
    owner : ndarray of shape (n_clusters,), int
        The class of each cluster.
    n_classes : int
    centre, radius : ndarray of shape (n_columns,) or float
        Those that `embed_box` embedded the records with.
    equations : NormalEquations
    features : RandomFeatures
    alpha : float in [0, 1]
    bounds : tuple of (float, float), default=(0, 1)
        Where means may lie.

    Returns
    -------
    adapted : ndarray of shape (n_clusters, n_columns)
    """
    low, high = ((np.asarray(bound) - centre) / radius for bound in bounds)
    project = box_projection(low, high)
    labels = np.eye(n_classes)[owner]
    points = (means - centre) / radius
    adapted, _ = adapt(points, labels, equations, features, alpha=alpha, project=project)
    return means.copy() if alpha == 1.0 else adapted * radius + centre
