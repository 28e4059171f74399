"""Hamiltonian Monte Carlo of the noise-aware posterior, in its whitened space.

The energy is −log p(λ | s̃) at λ = mode + L⁻ᵀ z, L the Cholesky factor of the information there:
`_exact_energy`, or `_quadratic_energy` with C held at the mode. NumPyro's sampler moves z; split R̂
(Gelman et al. 2013, Bayesian Data Analysis, section 11.4) decides when to stop.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
from numpyro.infer.hmc import hmc
from scipy.linalg import solve_triangular

from .._compat import enable_x64
from .._markov_network import MessagePlan, Network, mean
from ._likelihood import Likelihood, covariance_factor, information_factor, log_posterior
from ._posterior import DAMPING, Mode

__all__ = ["LARGEST_R_HAT", "NutsRun", "run_nuts"]

# split R̂ compares the halves of several chains
N_CHAINS = 4
# one compiled program per block: its length is fixed, the number of blocks is not
BLOCK_LENGTH = 150
MAX_BLOCKS = 16
# the default of Stan: smaller steps where the energy bends, at more gradients a draw
TARGET_ACCEPTANCE = 0.8
# at most 2⁸ steps a draw: in whitened space a trajectory turns after a few, and one that does not
# is in a tail where more steps would not bring it back sooner
MAX_TREE_DEPTH = 8
# up to here the covariance of the statistics moves with λ; beyond it is that at the mode, from
# which it differs the less the more rows there are in a cell
LARGEST_EXACT = 40
# what the chains disagree about widens the posterior by at most 1 %: done (Vehtari et al. 2021,
# Rank-normalization, folding, and localization, Bayesian Analysis 16); above the second, a failure
WANTED_R_HAT = 1.01
LARGEST_R_HAT = 1.05


class NutsRun(NamedTuple):
    """Draws of the posterior and what they tell of convergence.

    Attributes
    ----------
    draws : ndarray of shape (n_draws, n_parameters)
    r_hat : float
        Largest split R̂ over the parameters.
    effective_size : float
        Smallest effective sample size over the parameters.
    n_divergent : int
    """

    draws: np.ndarray
    r_hat: float
    effective_size: float
    n_divergent: int


class _Target(NamedTuple):
    """What the energy depends on besides the position: λ = centre + unwhiten @ position."""

    plan: MessagePlan
    design: Any
    likelihood: Likelihood
    centre: Any
    unwhiten: Any
    weight: Any


def _exact_energy(target: _Target, position: jax.Array) -> jax.Array:
    parameters = target.centre + target.unwhiten @ position
    return -log_posterior(target.plan, target.design, target.likelihood, parameters)


def _quadratic_energy(target: _Target, position: jax.Array) -> jax.Array:
    """The energy with the covariance C of the statistics held; `weight` is a root of C⁻¹."""
    parameters = target.centre + target.unwhiten @ position
    likelihood = target.likelihood
    expected = mean(target.plan, target.design, parameters)
    residual = target.weight @ (likelihood.moments - likelihood.n_records * expected)
    prior = jnp.sum(likelihood.prior_precision * parameters**2)
    return 0.5 * (jnp.sum(residual**2) + prior)


def _kernels(target: _Target, is_exact: bool) -> tuple[Any, Any]:
    return hmc(partial(_exact_energy if is_exact else _quadratic_energy, target), algo="NUTS")


@partial(jax.jit, static_argnames="is_exact")
def _start(target: _Target, starts: Any, keys: Any, *, is_exact: bool) -> Any:
    """Return the states of all chains before their first step."""
    # the second kernel exists only once the first has been told of the sampler's settings
    init_kernel, _ = _kernels(target, is_exact)
    return lax.map(lambda start: _initialise(init_kernel, *start), (starts, keys))


def _initialise(init_kernel: Any, start: Any, key: Any) -> Any:
    return init_kernel(
        start,
        # warm-up steps: the first block, in which the step size is adapted
        BLOCK_LENGTH,
        step_size=0.5,
        # the space is whitened: the unit matrix is the mass
        adapt_mass_matrix=False,
        target_accept_prob=TARGET_ACCEPTANCE,
        max_tree_depth=MAX_TREE_DEPTH,
        rng_key=key,
    )


@partial(jax.jit, static_argnames="is_exact")
def _advance(target: _Target, states: Any, *, is_exact: bool) -> tuple[Any, Any]:
    """Run every chain for one block; return the states, and (positions, divergences)."""
    init_kernel, sample_kernel = _kernels(target, is_exact)
    # the kernel learns its settings from this call; the state it returns is thrown away
    first = jax.tree_util.tree_map(lambda part: part[0], states)
    _initialise(init_kernel, first.z, first.rng_key)

    def chain(state: Any) -> tuple[Any, Any]:
        def step(state: Any, _: None) -> tuple[Any, Any]:
            state = sample_kernel(state)
            return state, (state.z, state.diverging)

        return lax.scan(step, state, None, length=BLOCK_LENGTH)

    return lax.map(chain, states)


def run_nuts(
    network: Network, likelihood: Likelihood, mode: Mode, n_draws: int, rng: np.random.Generator
) -> NutsRun:
    """Run four chains of the No-U-Turn sampler from around the mode.

    The first block of steps adapts the step size and is thrown away. More blocks follow until
    there are `n_draws` draws and the largest split R̂ is at most 1.01.

    Parameters
    ----------
    network : Network
    likelihood : Likelihood
    mode : Mode
        The information there whitens the space.
    n_draws : int
        At least that many, of all chains together.
    rng : Generator

    References
    ----------
    Hoffman & Gelman (2014), The No-U-Turn Sampler, JMLR 15.
    """
    size = network.n_parameters
    is_exact = size <= LARGEST_EXACT
    # whitening by a root of the covariance of λ: all directions of z have about unit variance, so
    # that one step size suits all. Damped, for directions that the data leave flat
    factor = information_factor(likelihood, mode.expected, mode.spread, DAMPING)
    unwhiten = solve_triangular(factor, np.eye(size), lower=True, trans=1)
    metric = covariance_factor(likelihood, mode.expected, mode.spread)
    weight = solve_triangular(metric, np.eye(size), lower=True)
    blocks: list[np.ndarray] = []
    n_divergent, r_hat = 0, np.inf
    with enable_x64(True):
        target = _Target(
            network.plan, network.design, likelihood, mode.parameters, unwhiten, weight
        )
        keys = jax.vmap(jax.random.PRNGKey)(rng.integers(0, 2**31, N_CHAINS))
        # near the mode, and apart from one another, so that R̂ can tell whether they meet
        states = _start(target, rng.normal(0.0, 0.1, (N_CHAINS, size)), keys, is_exact=is_exact)
        # the step size is still moving: these draws are not from the posterior
        states, _ = _advance(target, states, is_exact=is_exact)
        while len(blocks) < MAX_BLOCKS:
            states, (positions, diverging) = _advance(target, states, is_exact=is_exact)
            blocks.append(np.asarray(positions))
            n_divergent += int(np.sum(diverging))
            drawn = np.concatenate(blocks, axis=1)
            r_hat = float(np.max(split_gelman_rubin(drawn), initial=1.0))
            if drawn.shape[0] * drawn.shape[1] >= n_draws and r_hat <= WANTED_R_HAT:
                break
    # R̂ and effective sizes are those of z; the draws are of λ
    return NutsRun(
        mode.parameters + drawn.reshape(-1, size) @ unwhiten.T,
        r_hat,
        float(np.min(effective_sample_size(drawn), initial=np.inf)),
        n_divergent,
    )
