"""The reference engine of DP variational inference: d3p's DPSVI on the automatic mixture."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro import handlers
from numpyro.infer import Trace_ELBO
from numpyro.infer.autoguide import AutoDiagonalNormal
from numpyro.infer.initialization import init_to_value
from numpyro.optim import Adam

from ..._extras import how_to_install
from ..._product_mixture import ComponentEstimates, Layout, Records
from ...privacy import Mechanisms, PlannedRelease
from .._dpvi._noisy_gradients import STEPS_PER_SCAN, DPVIPlan
from ._numpyro_mixture import build_model, initial_values, summarise_draws

__all__ = [
    "affordable_sampling_rate",
    "check_d3p_adjacency",
    "fit_d3p",
    "plan_d3p_gradients",
    "require_d3p",
]

N_DRAWS = 400

# d3p's shuffle of few rows is far from uniform (of two rows it always picks the same one)
SMALLEST_SAMPLED_TABLE = 32

# d3p holds the gradient of every record of a batch; several copies of 4 bytes each
MOST_GRADIENT_ENTRIES = 4_000_000


def require_d3p() -> None:
    """Raise unless d3p can be imported.

    Raises
    ------
    ImportError
        With the way to get it.
    """
    try:
        _import_d3p()
    except (ImportError, AttributeError) as error:
        # beside a later jax, d3p is there but fails with an AttributeError
        raise ImportError(
            'engine="d3p" needs d3p 0.2.0, which runs on Python 3.11 with jax 0.4.30 and '
            "numpy 1.26. In an environment of Python 3.11: "
            f'{how_to_install("d3p")}. The default engine="jax" needs none of it.'
        ) from error


def _import_d3p() -> tuple[Any, Any, Any]:
    with warnings.catch_warnings():
        # chacha.random asks for names that jax has since moved
        warnings.filterwarnings("ignore", message="jax.core", category=DeprecationWarning)
        import d3p.minibatch
        import d3p.random
        import d3p.svi
    return d3p.svi, d3p.random, d3p.minibatch


def check_d3p_adjacency(adjacency: str) -> None:
    """Raise unless neighbouring tables have equally many rows.

    Raises
    ------
    ValueError
        If `adjacency` is not "replace_one".
    """
    if adjacency != "replace_one":
        raise ValueError(
            f'engine="d3p" needs adjacency="replace_one", got {adjacency!r}: the released d3p '
            "draws batches of a fixed size without replacement and divides by it, which is "
            "accounted for only where the number of rows is public. "
            'Use engine="jax" for "add_remove".'
        )


def affordable_sampling_rate(sampling_rate: float, n_rows: float, n_latents: float) -> float:
    """Return a sampling rate, lower where the gradients of a batch would take much memory.

    `n_latents` must be public: composition, exact for each rate, does not cover one that follows
    from noisy numbers.
    """
    batch_size = max(int(MOST_GRADIENT_ENTRIES / (2 * n_latents)), 64)
    return min(sampling_rate, batch_size / n_rows)


def choose_batch_size(sampling_rate: float, n_rows: int) -> int:
    """Return the number of rows in every batch.

    Examples
    --------
    >>> choose_batch_size(0.01, 32_000), choose_batch_size(0.01, 20)
    (320, 20)
    """
    if n_rows < SMALLEST_SAMPLED_TABLE:
        return n_rows
    return min(max(round(sampling_rate * n_rows), 1), n_rows)


def fit_d3p(
    records: Records,
    layout: Layout,
    owner: np.ndarray,
    start: ComponentEstimates,
    weights: np.ndarray,
    plan: DPVIPlan,
    desk: Mechanisms,
) -> tuple[np.ndarray, ComponentEstimates]:
    """Fit the mixture with d3p's DPSVI, spending all that is left of the budget.

    Parameters
    ----------
    records : Records
        The private rows.
    layout : Layout
    owner : ndarray of shape (n_components,), int
        The class of every component.
    start : ComponentEstimates
        Released parameters to start from.
    weights : ndarray of shape (n_components,)
        Released mixing proportions to start from.
    plan : DPVIPlan
        ``sampling_rate`` times the number of rows, rounded, is the fixed batch size; tables of
        fewer than 32 rows are used whole.
    desk : Mechanisms
        Of adjacency "replace_one". Charges once, before the first step, for all steps, and gives
        the 128-bit key of d3p's ChaCha20 generator, which draws noise and batches.

    Returns
    -------
    weights : ndarray of shape (n_components,)
    estimates : ComponentEstimates
        With the uncertainty of the guide, and of its last iterates. The posterior of the weights is
        Dirichlet(estimates.n_records).

    Raises
    ------
    ImportError
        If d3p cannot be imported.
    ValueError
        If the adjacency is another one.
    FloatingPointError
        If a parameter stops being finite.

    Notes
    -----
    With B the batch size, a step of `d3p.svi.DPSVI` averages over the batch the gradients of
    log p(x_i | z_i) + (log p(z_i) − log q(z_i))/N with respect to the guide's parameters, z_i being
    a draw of the guide for the i-th place of the batch, each clipped to norm C; it adds
    N(0, (σC/B)²). Replacing a row changes one summand, so the sum by at most 2C, and the noise on
    the sum is σC: a Gaussian mechanism of noise multiplier σ/2 on a uniform subset of B of the N
    rows. Prior and entropy are clipped with the data, and the draws z_i depend on places only.

    The subset is the image of the first B places under a Feistel network with ten rounds of random
    keys, taken to be a uniform permutation: the tests compare it with one.

    References
    ----------
    Prediger, Loppi, Kaski & Honkela (2022), d3p: a Python package for differentially-private
    probabilistic programming, Proceedings on Privacy Enhancing Technologies 2022(2).

    Wang, Balle & Kasiviswanathan (2019), Subsampled Rényi differential privacy and analytical
    moments accountant, AISTATS.
    """
    check_d3p_adjacency(desk.adjacency)
    require_d3p()
    n_rows = len(records.classes)
    batch_size = choose_batch_size(plan.sampling_rate, n_rows)
    rows = (
        jnp.asarray(records.codes),
        jnp.asarray(records.features, jnp.float32),
        jnp.asarray(records.classes),
    )
    model = build_model(layout, owner, n_rows)
    values = initial_values(weights, start, layout)
    guide = AutoDiagonalNormal(model, init_loc_fn=init_to_value(values=values))
    shapes = tuple(jnp.zeros_like(part[:1]) for part in rows)
    with handlers.seed(rng_seed=0):
        guide(*shapes)
    multiplier = desk.without_replacement_gaussian(
        name=_name_gradients(plan.n_steps),
        clipping_norm=plan.clipping_norm,
        n_rows=n_rows,
        batch_size=batch_size,
        n_steps=plan.n_steps,
        # of every latent variable the location and the scale
        n_coordinates=2 * guide.latent_dim,
    )
    with warnings.catch_warnings():
        # d3p.minibatch derives the key of a batch with chacha's deprecated fold_in
        warnings.filterwarnings("ignore", message="fold_in is deprecated")
        parameters = _optimise(model, guide, rows, shapes, batch_size, multiplier, plan, desk)
    draws = guide.sample_posterior(
        jax.random.key(desk.seed_bits() % 2**63), parameters, sample_shape=(N_DRAWS,)
    )
    return summarise_draws(draws, layout, len(owner), n_rows)


def plan_d3p_gradients(n_steps: int) -> PlannedRelease:
    """Return the release to come."""
    return PlannedRelease(_name_gradients(n_steps), mechanism="Gaussian on batches of a fixed size")


def _name_gradients(n_steps: int) -> str:
    return f"clipped gradients, {n_steps} steps of d3p"


def _optimise(
    model: Callable[..., None],
    guide: AutoDiagonalNormal,
    rows: tuple[jax.Array, ...],
    shapes: tuple[jax.Array, ...],
    batch_size: int,
    multiplier: float,
    plan: DPVIPlan,
    desk: Mechanisms,
) -> dict[str, jax.Array]:
    """Return the guide's parameters, averaged over the last steps, their spread in its scale."""
    d3p_svi, d3p_random, d3p_minibatch = _import_d3p()
    # a Python integer seeds 256 bits, of which these are the lower 128
    key, batch_key = d3p_random.split(d3p_random.PRNGKey(desk.seed_bits()), 2)
    start_batches, take_batch = d3p_minibatch.subsample_batchify_data(rows, batch_size=batch_size)
    _, batches = start_batches(batch_key)
    svi = d3p_svi.DPSVI(
        model,
        guide,
        Adam(lambda step: plan.learning_rate * _decay(step / plan.n_steps)),
        Trace_ELBO(),
        clipping_threshold=plan.clipping_norm,
        dp_scale=multiplier,
    )
    state = svi.init(key, *shapes)
    state = state._replace(observation_scale=jnp.asarray(state.observation_scale, jnp.float32))
    first_averaged = plan.n_steps - max(1, round(plan.averaging * plan.n_steps))

    def take_step(step: jax.Array, carry: Any) -> Any:
        state, total, square = carry
        state, _ = svi.update(state, *take_batch(step, batches))
        parameters = svi.get_params(state)
        counts = (step >= first_averaged).astype(jnp.float32)
        total = jax.tree.map(lambda t, p: t + counts * p, total, parameters)
        square = jax.tree.map(lambda t, p: t + counts * p**2, square, parameters)
        return state, total, square

    @jax.jit
    def take_steps(first: jax.Array, stop: jax.Array, carry: Any) -> Any:
        return jax.lax.fori_loop(first, stop, take_step, carry)

    zeros = jax.tree.map(jnp.zeros_like, svi.get_params(state))
    carry = (state, zeros, zeros)
    for first in range(0, plan.n_steps, STEPS_PER_SCAN):
        stop = min(first + STEPS_PER_SCAN, plan.n_steps)
        carry = take_steps(np.uint32(first), np.uint32(stop), carry)
        if not all(np.isfinite(part).all() for part in jax.tree.leaves(svi.get_params(carry[0]))):
            raise FloatingPointError(
                "The variational parameters stopped being finite; lower learning_rate."
            )
        desk.progress(stop - first)
    mean = jax.tree.map(lambda total: total / (plan.n_steps - first_averaged), carry[1])
    square = carry[2]["auto_loc"] / (plan.n_steps - first_averaged)
    spread = jnp.maximum(square - mean["auto_loc"] ** 2, 0.0)
    return {
        "auto_loc": mean["auto_loc"],
        "auto_scale": jnp.sqrt(mean["auto_scale"] ** 2 + spread),
    }


def _decay(progress: jax.Array) -> jax.Array:
    """Return the share of the step size: a cosine from 1 to a tenth, as in the other engine."""
    return 0.55 + 0.45 * jnp.cos(jnp.pi * progress)
