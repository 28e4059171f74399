"""DP variational inference: clipped, noisy, aligned gradients in one scan.

The rows enter through a model's `clipped_sum` or `clipped_steps` alone. Everything else here is
post-processing of their noisy sums: Gaussian noise is added to the gradient with respect to the
latent variables, and what the guide's parameters need is pulled back from it.

What is climbed is the evidence lower bound E_q[Σ_i log p(x_i | z) + log p(z) − log q(z)], over the
row count. Its terms: Σ_i ∇_z log p(x_i | z), clipped, is `clipped_sum`, and noise is added to it in
`_scan`; log p(z) is `log_prior`; z and −log q(z) are what a guide's `draw` returns. `_adam` climbs.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._compat import enable_x64
from ...privacy import GradientNoise, Mechanisms, RowCount
from ._batches import PoissonBatches
from ._exact_sums import Words, add_noise, split_integers
from ._models import CountingModel, Guide, SummingModel

__all__ = [
    "DPVIPlan",
    "MeanFieldGuide",
    "Trace",
    "buy_noise",
    "failure_part",
    "name_gradients",
    "run_dpvi",
]

STEPS_PER_SCAN = 64
ADAM_DECAY = 0.9
ADAM_SQUARE_DECAY = 0.999
SMALLEST_LOG_SCALE = -8.0
LARGEST_LOG_SCALE = 0.0

# norms are computed in single precision, and must not exceed the clipping norm by its rounding
ROUNDING_MARGIN = 1.0 - 1e-4

# shares of δ for batches that overflow their capacity, and for row counts far from the noisy one
OVERFLOW_RESERVE = 5e-7
COUNT_RESERVE = 2.5e-7


@dataclass(frozen=True)
class MeanFieldGuide:
    """Independent normals: parameters are the locations, then log standard deviations."""

    n_latents: int

    def split(self, parameters: Any) -> tuple[Any, Any]:
        """Return locations and log standard deviations, these kept within bounds.

        Noisy gradients let them wander, and a wide draw overflows the model.
        """
        location, log_scale = parameters[: self.n_latents], parameters[self.n_latents :]
        return location, log_scale.clip(SMALLEST_LOG_SCALE, LARGEST_LOG_SCALE)

    def summarise(self, trace: Trace) -> tuple[np.ndarray, np.ndarray]:
        """Return the location and the variance of z after a fit.

        The variance is the guide's plus that of the last iterates, which the noise of the
        gradients keeps from settling.
        """
        location, log_scale = self.split(trace.parameters)
        return location, np.exp(2.0 * log_scale) + trace.variance[: self.n_latents]

    def draw(self, parameters: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a draw and the entropy up to a constant."""
        location, log_scale = self.split(parameters)
        noise = jax.random.normal(key, location.shape, location.dtype)
        return location + jnp.exp(log_scale) * noise, log_scale.sum()


@dataclass(frozen=True)
class DPVIPlan:
    """Hyper-parameters of the optimisation; public.

    Attributes
    ----------
    n_steps : int
    sampling_rate : float in (0, 1]
        Probability with which a record takes part in a step; 1 uses all records.
    clipping_norm : float
        Bound C on the norm of one record's gradient.
    learning_rate : float
        Step size of Adam, decayed to a tenth by a cosine.
    averaging : float in (0, 1]
        Share of the steps, the last ones, whose iterates are averaged.
    accounted_rate : float in (0, 1], default=None
        A larger sampling rate that the noise suffices for, where the rate itself follows from a
        noisy row count; see `run_dpvi`.
    """

    n_steps: int
    sampling_rate: float
    clipping_norm: float
    learning_rate: float
    averaging: float = 0.5
    accounted_rate: float | None = None


class Trace(NamedTuple):
    """What the optimisation leaves.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        Average of the last iterates.
    variance : ndarray of shape (n_parameters,)
        Variance of the last iterates.
    """

    parameters: np.ndarray
    variance: np.ndarray


class _State(NamedTuple):
    parameters: Any
    mean: Any
    square: Any
    step: Any
    total: Any
    total_square: Any


def run_dpvi(
    model: SummingModel | CountingModel,
    guide: Guide,
    start: np.ndarray,
    rows: Any,
    count: RowCount,
    plan: DPVIPlan,
    desk: Mechanisms,
) -> Trace:
    """Fit a guide by noisy stochastic gradients, spending all that is left of the budget.

    Parameters
    ----------
    model : SummingModel or CountingModel
    guide : Guide
    start : ndarray of shape (n_parameters,)
        Initial parameters; data-free or released.
    rows : pytree of ndarray, each of shape (n_rows, ...)
        The private records.
    count : RowCount
        Released row count N̂, or the public one.
    plan : DPVIPlan
    desk : Mechanisms
        Charges once, before the first step, for all steps; the noise consists of integers.

    Returns
    -------
    trace : Trace

    Raises
    ------
    FloatingPointError
        If the gradient or a parameter stops being finite.

    Notes
    -----
    A step releases Σ_{i in batch} clip(∇_z log p(x_i | z)) + N(0, σ²C²), z being one draw of the
    guide shared by the batch. With z fixed, a record adds a vector of norm at most C to it, if it
    is in the batch: a Poisson-subsampled Gaussian mechanism of sensitivity C under add/remove, of
    noise multiplier σ, whatever the batch size. The sum is divided by the *expected* batch size.
    Batches have a fixed capacity; the probability that one overflows, for any row count that the
    noisy one is compatible with, is charged to δ.

    The gradient with respect to the guide's parameters is pulled back from the noisy gradient with
    respect to z (aligned gradients: Jälkö, Prediger, Honkela & Kaski 2023, section 3.1), so that
    noise is added once per latent variable.

    *A rate that follows from the noisy count.* Composition with the releases before, exact for each
    rate, does not cover a rate that depends on them: an outcome that tells much of a record might
    come with the rate that tells the most on top. Hence the noise is calibrated for the rate of a
    count `count_margin` below the noisy one. Fix a table, of N rows; N̂ is within half the margin of
    N except with a probability that is charged to δ. For all such N̂ the accounted rate is at least
    the largest of their rates, q, so that all their steps are dominated by those of rate q with the
    least noise that q allows: a smaller rate is a subsample, and more noise is post-processing.
    These are fixed, and within (ε, δ) with what was released before.
    """
    is_double = not hasattr(model, "clipped_steps")
    dtype = np.float64 if is_double else np.float32
    n_rows = len(jax.tree.leaves(rows)[0])
    # padding has no gradient, and without noise it stays where it is
    active = getattr(model, "active", np.arange(model.n_latents))
    noise, overflow = buy_noise(plan, len(active), desk)
    batches = PoissonBatches(n_rows, plan.sampling_rate, count, overflow, desk)
    rows = jax.tree.map(batches.pad, rows)
    grid_step = np.asarray(noise.step, dtype)
    zeros = np.zeros(len(start), dtype)
    state = _State(np.asarray(start, dtype), zeros, zeros, np.zeros((), np.int32), zeros, zeros)
    first_averaged = plan.n_steps - max(1, round(plan.averaging * plan.n_steps))
    constants = {
        "clipping_norm": plan.clipping_norm * ROUNDING_MARGIN,
        "grid_step": grid_step,
        "is_noisy": noise.multiplier > 0,
        # the expected size, which is public; the realised one would tell of a row
        "batch_size": plan.sampling_rate * count.value,
        "n_records": count.value,
        "learning_rate": plan.learning_rate,
        "n_steps": plan.n_steps,
        "first_averaged": first_averaged,
    }
    compiled_for = _as_argument(model), _as_argument(guide)
    key = jax.random.key(desk.seed_bits() % 2**63)
    # scans of one length, the last one padded with steps that change nothing: one compilation
    for step in range(0, plan.n_steps, STEPS_PER_SCAN):
        n_steps = min(STEPS_PER_SCAN, plan.n_steps - step)
        drawn = np.zeros((STEPS_PER_SCAN, model.n_latents), np.int64)
        drawn[:n_steps, active] = noise.draw(n_steps, len(active))
        indices = batches.draw(n_steps, STEPS_PER_SCAN)
        with enable_x64(True) if is_double else nullcontext():
            state = _scan(
                *compiled_for,
                state,
                rows,
                batches.is_row,
                indices,
                split_integers(drawn),
                key,
                constants,
            )
        if not np.isfinite(np.asarray(state.parameters)).all():
            raise FloatingPointError(
                "The variational parameters stopped being finite; lower learning_rate, or check "
                "that the model's log density is finite and differentiable (check_model). What the "
                "fit has released so far counts as spent."
            )
        desk.progress(n_steps)
    n_averaged = plan.n_steps - first_averaged
    mean = np.asarray(state.total, np.float64) / n_averaged
    variance = np.asarray(state.total_square, np.float64) / n_averaged - mean**2
    return Trace(mean, np.maximum(variance, 0.0))


def name_gradients(n_steps: int) -> str:
    """Return what the ledger calls the gradients."""
    return f"clipped gradients, {n_steps} steps"


def buy_noise(plan: DPVIPlan, n_coordinates: int, desk: Mechanisms) -> tuple[GradientNoise, float]:
    """Charge all steps.

    Returns
    -------
    noise : GradientNoise
        For all steps.
    overflow : float
        Probability with which a batch of a step may overflow its capacity.
    """
    overflow, failure = OVERFLOW_RESERVE * desk.delta / plan.n_steps, 0.0
    if plan.sampling_rate < 1.0 and desk.is_noisy:
        # what fails with probability p on either table adds at most p(1 + e^ε) to δ
        overflow /= 1.0 + math.exp(desk.epsilon)
        failure = overflow * plan.n_steps
        if plan.accounted_rate is not None:
            failure += failure_part(desk)
    noise = desk.subsampled_gaussian(
        name=name_gradients(plan.n_steps),
        clipping_norm=plan.clipping_norm,
        sampling_rate=plan.sampling_rate if plan.accounted_rate is None else plan.accounted_rate,
        n_steps=plan.n_steps,
        n_coordinates=n_coordinates,
        failure=failure,
    )
    return noise, overflow


def failure_part(desk: Mechanisms) -> float:
    """Return the probability with which a noisy row count may be farther off than its margin."""
    return COUNT_RESERVE * desk.delta / (1.0 + math.exp(desk.epsilon))


@partial(jax.tree_util.register_dataclass, data_fields=[], meta_fields=["value"])
@dataclass(frozen=True)
class _Static:
    """Something hashable that a jitted function is compiled for."""

    value: Any


def _as_argument(value: Any) -> Any:
    """Return a pytree as it is, anything else as a static part of one."""
    is_leaf = any(leaf is value for leaf in jax.tree.leaves(value))
    return _Static(value) if is_leaf else value


def _unwrap(value: Any) -> Any:
    return value.value if isinstance(value, _Static) else value


@jax.jit
def _scan(
    model: Any,
    guide: Any,
    state: _State,
    rows: Any,
    is_row: jax.Array,
    indices: jax.Array | None,
    noise: Words,
    key: jax.Array,
    constants: dict[str, Any],
) -> _State:
    """Take one step for each row of `noise`; steps past n_steps change nothing."""
    model, guide = _unwrap(model), _unwrap(guide)

    def objective(parameters: jax.Array, step_key: jax.Array) -> jax.Array:
        z, entropy = guide.draw(parameters, step_key)
        return (model.log_prior(z) + entropy) / constants["n_records"]

    def step(state: _State, drawn: tuple[Any, Words]) -> tuple[_State, None]:
        chosen, step_noise = drawn
        step_key = jax.random.fold_in(key, state.step)
        # one draw for all records, so that their gradients are with respect to the same z
        z, pull_back = jax.vjp(lambda p: guide.draw(p, step_key)[0], state.parameters)
        if chosen is None:
            batch, is_record = rows, is_row
        else:
            # an empty slot, -1, takes the last row, which then counts as no record
            batch, is_record = jax.tree.map(lambda part: part[chosen], rows), chosen >= 0
        chosen_rows = z, batch, is_record, constants["clipping_norm"]
        grid_step = constants["grid_step"]
        if hasattr(model, "clipped_steps"):
            total = model.clipped_steps(*chosen_rows, grid_step)
        else:
            total = model.clipped_sum(*chosen_rows)
        # integers meet integers: what is rounded from here on is released
        total = add_noise(total, step_noise, grid_step, constants["is_noisy"])
        if hasattr(model, "preconditioner"):
            total = total / model.preconditioner(z)
        # aligned: noise once per latent variable, and not once per parameter of the guide
        (data_gradient,) = pull_back(total / constants["batch_size"])
        # the same key draws the same z, so that prior and entropy are of that draw
        gradient = data_gradient + jax.grad(objective)(state.parameters, step_key)
        return _adam(state, gradient, constants), None

    return lax.scan(step, state, (indices, noise))[0]


def _adam(state: _State, gradient: jax.Array, constants: dict[str, Any]) -> _State:
    """Return the state after one ascent step of Adam (Kingma & Ba 2015, Algorithm 1)."""
    step = state.step + 1
    is_active = state.step < constants["n_steps"]
    mean = ADAM_DECAY * state.mean + (1 - ADAM_DECAY) * gradient
    square = ADAM_SQUARE_DECAY * state.square + (1 - ADAM_SQUARE_DECAY) * gradient**2
    direction = (mean / (1 - ADAM_DECAY**step)) / (
        jnp.sqrt(square / (1 - ADAM_SQUARE_DECAY**step)) + 1e-10
    )
    progress = state.step / constants["n_steps"]
    rate = constants["learning_rate"] * (0.55 + 0.45 * jnp.cos(jnp.pi * progress))
    parameters = state.parameters + rate * direction
    is_averaged = state.step >= constants["first_averaged"]
    total = state.total + jnp.where(is_averaged, parameters, 0.0)
    total_square = state.total_square + jnp.where(is_averaged, parameters**2, 0.0)
    new = _State(parameters, mean, square, step, total, total_square)
    return jax.tree.map(lambda after, before: jnp.where(is_active, after, before), new, state)
