"""The neural tangent kernel of a fully connected ReLU network, and public random features of it.

`arc_cosine_kernels` are κ₀ and κ₁, `neural_tangent_kernel` the recursion of Σ and Θ with them;
`draw_features` draws W and R, and `map_points` and `map_records` are the recursion of σ and θ whose
inner products approximate Θ, in floats and in integers.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

__all__ = [
    "UNIT",
    "RandomFeatures",
    "arc_cosine_kernels",
    "draw_features",
    "map_points",
    "map_records",
    "neural_tangent_kernel",
]

Array: TypeAlias = Any

# records' coordinates and features are integers in units of UNIT, weights in units of WEIGHT_UNIT:
# every product and sum of them stays below 2⁵³ units and is exact in double precision
UNIT = 2.0**-14
WEIGHT_UNIT = 2.0**-10
MAX_WEIGHT = 8.0
# what double precision may round a norm by is far smaller
NORM_MARGIN = 2.0**-40
# nearer than this to ±1 a cosine counts as ±1, where the derivative of the angle is infinite
COSINE_MARGIN = 1e-12


class RandomFeatures(NamedTuple):
    """Public weights of a random feature map; see `draw_features`.

    Attributes
    ----------
    gates : tuple of ndarray of shape (n_inputs, width)
        Per hidden layer, the weights of its units.
    mixers : tuple of ndarray of shape (n_inputs, width)
        Per hidden layer, the projection of the tangent features of the layer before.
    """

    gates: tuple[np.ndarray, ...]
    mixers: tuple[np.ndarray, ...]

    @property
    def depth(self) -> int:
        """Hidden layers."""
        return len(self.gates)

    @property
    def n_features(self) -> int:
        """Length of a feature vector."""
        return 2 * self.gates[-1].shape[1]


def arc_cosine_kernels(cosine: Array) -> tuple[jax.Array, jax.Array]:
    """Return κ₀ and κ₁ of an angle's cosine.

    For standard normal w and unit vectors x, y of that cosine, κ₀ = 2 E[1(w·x > 0) 1(w·y > 0)] and
    κ₁ = 2 E[max(w·x, 0) max(w·y, 0)]; both are 1 at cosine 1.

    Parameters
    ----------
    cosine : array, any shape
        Values beyond ±1 count as ±1. The derivative at ±1 is taken as 0.

    References
    ----------
    Cho & Saul (2009), Kernel methods for deep learning, equations 3 to 6.

    Examples
    --------
    >>> [round(float(value), 3) for value in arc_cosine_kernels(0.0)]
    [0.5, 0.318]
    """
    cosine = jnp.asarray(cosine)
    margin = max(COSINE_MARGIN, float(jnp.finfo(cosine.dtype).eps))
    is_inside = jnp.abs(cosine) < 1.0 - margin
    # both branches of a where are differentiated, so that the unused one needs a finite derivative
    inside = jnp.where(is_inside, cosine, 0.0)
    angle = jnp.where(is_inside, jnp.arccos(inside), jnp.where(cosine > 0, 0.0, jnp.pi))
    sine = jnp.where(is_inside, jnp.sqrt(1.0 - inside**2), 0.0)
    bounded = jnp.where(is_inside, inside, jnp.sign(cosine))
    zero_order = 1.0 - angle / jnp.pi
    return zero_order, (sine + (jnp.pi - angle) * bounded) / jnp.pi


@partial(jax.jit, static_argnames="depth")
def neural_tangent_kernel(x: Array, y: Array, *, depth: int = 1) -> jax.Array:
    """Return the NTK of a ReLU network without biases, scaled so that K(x, x) = ‖x‖².

    Parameters
    ----------
    x : array of shape (n, n_inputs)
    y : array of shape (m, n_inputs)
    depth : int, default=1
        Hidden layers.

    Returns
    -------
    kernel : array of shape (n, m)

    Notes
    -----
    With Σ₀ = Θ₀ = x·y and u the cosine Σ_h(x, y) / ‖x‖‖y‖, layer by layer

        Σ_{h+1} = ‖x‖‖y‖ κ₁(u),  Θ_{h+1} = Σ_{h+1} + Θ_h κ₀(u),

    for weights of variance 2/width, which keep norms; Θ_depth / (depth + 1) is returned.

    References
    ----------
    Jacot, Gabriel & Hongler (2018), Neural tangent kernel, theorem 1; Lee et al. (2019), Wide
    neural networks of any depth evolve as linear models under gradient descent, appendix C; the
    closed forms of the expectations are Cho & Saul's (2009).

    Examples
    --------
    >>> import numpy as np
    >>> neural_tangent_kernel(np.eye(2), np.eye(2)).round(3).tolist()
    [[1.0, 0.159...], [0.159..., 1.0]]
    """
    x, y = jnp.asarray(x), jnp.asarray(y)
    norms = jnp.outer(_safe_norm(x), _safe_norm(y))
    positive = jnp.where(norms > 0, norms, 1.0)
    # norms are the same in all layers: the recursion is one of cosines, scaled once at the end
    cosine = (x @ y.T) / positive
    tangent = cosine
    for _ in range(depth):
        zero_order, first_order = arc_cosine_kernels(cosine)
        # Θ_{h+1} = Σ_{h+1} + Θ_h κ₀: weights of the layer itself, and of those before through it
        tangent = first_order + tangent * zero_order
        cosine = first_order
    return jnp.where(norms > 0, norms * tangent / (depth + 1), 0.0)


def _safe_norm(x: jax.Array) -> jax.Array:
    """Return the rows' norms; the derivative at zero is zero."""
    squared = jnp.sum(x**2, axis=1)
    is_zero = squared == 0
    return jnp.where(is_zero, 0.0, jnp.sqrt(jnp.where(is_zero, 1.0, squared)))


def draw_features(
    n_inputs: int, n_features: int, *, depth: int = 1, seed: int = 0
) -> RandomFeatures:
    """Draw public random features whose inner products approximate `neural_tangent_kernel`.

    Parameters
    ----------
    n_inputs : int
    n_features : int
        Even: half of them for each of the two terms of Θ.
    depth : int, default=1
        Hidden layers.
    seed : int, default=0
        Public. Nothing here depends on data.

    Notes
    -----
    With σ₀ = θ₀ = x and standard normal W and R, of `width` columns each,

        σ_{h+1} = √(2/width) max(Wᵀσ_h, 0),
        θ_{h+1} = (σ_{h+1}, √(2/width) 1(Wᵀσ_h > 0) ∘ Rᵀθ_h),

    so that E[σ_{h+1}(x)·σ_{h+1}(y)] = ‖σ_h(x)‖‖σ_h(y)‖κ₁ and the second part of θ_{h+1} has
    inner product κ₀ θ_h(x)·θ_h(y) in expectation, given the layer before. For one hidden layer
    θ(x)·θ(y) / 2 is unbiased for the kernel; for more it is consistent, as the width grows.

    References
    ----------
    Zandieh et al. (2021), Scaling neural tangent kernels via sketching and random features, whose
    tensor sketch is replaced by the product with a random projection; Cho & Saul (2009).

    Examples
    --------
    >>> draw_features(3, 8).n_features
    8
    """
    rng = np.random.default_rng(seed)
    width = n_features // 2
    gates, mixers = [], []
    n_units = n_tangents = n_inputs
    for _ in range(depth):
        # drawn in this order: the seed is public and fixes the features of all fits
        gates.append(_draw_weights(rng, n_units, width))
        mixers.append(_draw_weights(rng, n_tangents, width))
        n_units, n_tangents = width, 2 * width
    return RandomFeatures(tuple(gates), tuple(mixers))


def _draw_weights(rng: np.random.Generator, n_inputs: int, width: int) -> np.ndarray:
    """Draw normal weights, rounded to the grid on which sums are exact."""
    normal = np.clip(rng.standard_normal((n_inputs, width)), -MAX_WEIGHT, MAX_WEIGHT)
    return np.round(normal / WEIGHT_UNIT) * WEIGHT_UNIT


def map_points(points: Array, features: RandomFeatures, *, clip: bool = True) -> jax.Array:
    """Return the features of points, differentiable in the points.

    Parameters
    ----------
    points : array of shape (n, n_inputs)
    features : RandomFeatures
    clip : bool, default=True
        Whether feature vectors longer than 1 are scaled to length 1, as those of records are.

    Returns
    -------
    mapped : array of shape (n, n_features)
    """
    units = tangents = jnp.asarray(points)
    for gate, mixer in zip(features.gates, features.mixers, strict=True):
        scale = (2.0 / gate.shape[1]) ** 0.5
        # gates see the units; the tangents pass through the same gates, mixed by other weights
        before = units @ gate
        units = scale * jnp.maximum(before, 0.0)
        tangents = jnp.hstack([units, scale * (before > 0) * (tangents @ mixer)])
    mapped = tangents / (features.depth + 1) ** 0.5
    if not clip:
        return mapped
    return mapped / jnp.maximum(_safe_norm(mapped), 1.0)[:, None]


def map_records(points: np.ndarray, features: RandomFeatures) -> np.ndarray:
    """Return the clipped features of records in units of `UNIT`, each a function of its own row.

    Parameters
    ----------
    points : ndarray of shape (n, n_inputs)
        Coordinates in [−1, 1].
    features : RandomFeatures

    Returns
    -------
    mapped : ndarray of shape (n, n_features)
        Integers, towards zero from those of `map_points`; each row's norm is at most 1 / UNIT.

    Notes
    -----
    Coordinates and weights are integers in their units, so that the matrix products are exact
    whatever the order of summation, and a row's features do not depend, not even in the last bit,
    on its place in the array or on other rows. All else is elementwise.
    """
    units = tangents = np.trunc(points / UNIT)
    for gate, mixer in zip(features.gates, features.mixers, strict=True):
        scale = (2.0 / gate.shape[1]) ** 0.5 * WEIGHT_UNIT
        # as in `map_points`, every product an integer and every result cut to one
        before = units @ (gate / WEIGHT_UNIT)
        mixed = tangents @ (mixer / WEIGHT_UNIT)
        units = np.trunc(np.maximum(before, 0.0) * scale)
        tangents = np.hstack([units, np.trunc(np.where(before > 0, mixed, 0.0) * scale)])
    mapped = np.trunc(tangents * (features.depth + 1) ** -0.5)
    return clip_rows(mapped, 1.0 / UNIT)


def clip_rows(integers: np.ndarray, bound: float) -> np.ndarray:
    """Scale longer rows of integers to norm at most `bound`, towards zero."""
    # integers below 2⁵³: the sum is exact in any order
    norm = np.sqrt(np.square(integers).sum(axis=1, keepdims=True))
    scale = np.where(norm > bound, bound * (1.0 - NORM_MARGIN) / np.maximum(norm, 1.0), 1.0)
    return np.trunc(integers * scale)
