"""The noise-aware posterior of a network's parameters: its mode, and draws from it.

The mode is found by Fisher scoring (`find_mode`). The Laplace approximation, a normal law in the
expected statistics n̂ m(λ) with covariance n̂² S H⁻¹ S, is `LaplacePosterior`; H is the information
of `skdpsynth.napsu._likelihood`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from scipy.linalg import cho_solve, solve_triangular

from .._compat import enable_x64
from .._markov_network import Evidence, Network, moments, plan_sampling, sample_levels
from ._denoise import fit_moments
from ._likelihood import Likelihood, covariance_factor, information_factor

__all__ = [
    "LaplacePosterior",
    "Mode",
    "PerturbedPosterior",
    "Posterior",
    "SampledPosterior",
    "find_mode",
]

MAX_ITERATIONS = 100
# of a posterior standard deviation: the root mean square step at which the search stops
STEP_TOLERANCE = 1e-3
# counts below this many standard deviations of the noise do not make a direction flat
DAMPING = 0.5


class Posterior(Protocol):
    """What parameters can be drawn from."""

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of λ, of shape (n_parameters,)."""
        ...


class Mode(NamedTuple):
    """The mode of the posterior.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
    expected : ndarray of shape (n_parameters,)
        m(λ) there.
    spread : ndarray of shape (n_parameters, n_parameters)
        S(λ) there.
    n_iterations : int
    last_step : float
        Root mean square of the last step, in posterior standard deviations.
    converged : bool
    """

    parameters: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    n_iterations: int
    last_step: float
    converged: bool


def find_mode(network: Network, likelihood: Likelihood, start: np.ndarray) -> Mode:
    """Find λ by Fisher scoring, with the covariance of the statistics at the current λ.

    Every step minimises ‖s̃ − n̂ m(λ)‖² in the metric of C = n̂ S(λ) + V + v₀ m mᵀ at the current
    λ, plus the prior's term: iteratively reweighted least squares. Its fixed point leaves out the
    derivative of C, a term of mean zero that is smaller than the others by the square root of n.

    Parameters
    ----------
    network : Network
    likelihood : Likelihood
    start : ndarray of shape (n_parameters,)
    """
    n_records, observed = likelihood.n_records, likelihood.moments
    precision = likelihood.prior_precision

    def evaluate(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        expected, spread = moments(network.plan, network.design, at)
        return np.asarray(expected), np.asarray(spread)

    parameters, last_step, n_iterations = start, np.inf, 0
    with enable_x64(True):
        expected, spread = evaluate(parameters)
        while n_iterations < MAX_ITERATIONS and last_step >= STEP_TOLERANCE:
            n_iterations += 1
            # held during the step: the search minimises a sum of squares, and C follows afterwards
            metric = (covariance_factor(likelihood, expected, spread), True)

            def loss(at: np.ndarray, mean: np.ndarray) -> float:
                residual = observed - n_records * mean
                weighted = cho_solve(metric, residual)  # noqa: B023
                return float(residual @ weighted + precision @ at**2) / 2

            residual = observed - n_records * expected
            gradient = n_records * spread @ cho_solve(metric, residual) - precision * parameters
            # damped: on the flat, where a cell is empty, the undamped step would be endless
            factor = information_factor(likelihood, expected, spread, DAMPING)
            step = cho_solve((factor, True), gradient)
            # gradientᵀ H⁻¹ gradient is also the squared length of the step in posterior standard
            # deviations
            before, promised = loss(parameters, expected), float(gradient @ step)
            last_step = float(np.sqrt(max(promised, 0.0) / max(len(step), 1)))
            fraction = 1.0
            # halved until it keeps a small part of its promise (Armijo's rule)
            while True:
                proposal = parameters + fraction * step
                expected, spread = evaluate(proposal)
                is_lower = loss(proposal, expected) <= before - 1e-4 * fraction * promised
                if is_lower or fraction < 1e-3:
                    break
                fraction /= 2
            parameters = proposal
    return Mode(parameters, expected, spread, n_iterations, last_step, last_step < STEP_TOLERANCE)


@dataclass(frozen=True)
class LaplacePosterior:
    """The normal approximation at the mode, in the expected statistics n̂ m(λ).

    The noise is normal in the statistics, so that the approximation is better there than in λ. A
    draw is turned into λ by the distribution of largest entropy that has the drawn statistics, as
    nearly as any distribution can.

    Attributes
    ----------
    network : Network
    queries : tuple of tuple of int
    evidence : Evidence
        Its moments are n̂ m at the mode.
    root : ndarray of shape (n_parameters, n_parameters)
        A root of their posterior covariance n̂² S H⁻¹ S, H the information of λ.
    """

    network: Network
    queries: tuple[tuple[int, ...], ...]
    evidence: Evidence
    root: np.ndarray

    @classmethod
    def at_mode(
        cls,
        network: Network,
        queries: tuple[tuple[int, ...], ...],
        likelihood: Likelihood,
        mode: Mode,
    ) -> LaplacePosterior:
        """Return the approximation at a mode."""
        # H⁻¹ = L⁻ᵀL⁻¹ is the covariance of λ, and n̂ m moves with λ by n̂ S: the covariance of n̂ m
        # is n̂S L⁻ᵀ L⁻¹ n̂S, of which n̂S L⁻ᵀ is a root; no inverse is formed
        factor = information_factor(likelihood, mode.expected, mode.spread)
        scaled = likelihood.n_records * mode.spread
        root = solve_triangular(factor, scaled, lower=True).T
        # the noise of the row count is in H already
        evidence = Evidence(
            likelihood.n_records, 0.0, likelihood.n_records * mode.expected, likelihood.variance
        )
        return cls(network, queries, evidence, root)

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of λ."""
        drawn = self.evidence.moments + self.root @ rng.standard_normal(self.root.shape[1])
        return fit_moments(self.network, self.evidence._replace(moments=drawn), self.queries)


@dataclass(frozen=True)
class SampledPosterior:
    """Draws made beforehand, of shape (n_draws, n_parameters)."""

    draws: np.ndarray

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return one of the draws."""
        return self.draws[rng.integers(len(self.draws))]


@dataclass(frozen=True)
class PerturbedPosterior:
    """Draws by perturbing the statistics and fitting again, for networks of many parameters.

    Each draw adds to the estimated statistics what sampling (n̂ rows of the fitted model) and noise,
    that of the row count included, would have added. Were the statistics normal, and nothing
    shrunk, this would be the posterior under a flat prior; no matrix of the parameters is ever
    built.

    Attributes
    ----------
    network : Network
    queries : tuple of tuple of int
    evidence : Evidence
    expected : ndarray of shape (n_parameters,) or None
        What the statistics are shrunk to, if they are.
    tables : tuple of ndarray
        The fitted distribution of every clique's cells.
    """

    network: Network
    queries: tuple[tuple[int, ...], ...]
    evidence: Evidence
    expected: np.ndarray | None
    tables: tuple[np.ndarray, ...]

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of λ."""
        network, evidence = self.network, self.evidence
        n_rows = max(round(evidence.n_records), 1)
        rows = sample_levels(network, plan_sampling(network, self.tables), n_rows, rng)
        cells = [
            np.bincount(
                np.ravel_multi_index([rows[v] for v in clique], network.clique_shape(clique)),
                minlength=table.size,
            )
            for clique, table in zip(network.tree.cliques, self.tables, strict=True)
        ]
        fitted = np.concatenate([table.ravel() for table in self.tables])
        sampling = network.moments(np.concatenate(cells) - n_rows * fitted)
        noise = rng.normal(0.0, np.sqrt(evidence.variance))
        n_records = evidence.n_records + rng.normal(0.0, np.sqrt(evidence.n_variance))
        perturbed = evidence._replace(
            n_records=max(n_records, 1.0), moments=evidence.moments + sampling + noise
        )
        return fit_moments(network, perturbed, self.queries, self.expected)
