"""From released marginals to a fitted network: post-processing, which no row enters."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from ._denoise import expect_interactions, fit_moments
from ._likelihood import Likelihood
from ._model import NapsuModel
from ._nuts import LARGEST_R_HAT, run_nuts
from ._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior, find_mode
from ._prior import prior_variance
from ._release import NapsuRelease

__all__ = ["LARGEST_DENSE", "infer_network"]

# up to here the covariance matrices of the statistics, and of the cliques' cells, are computed
LARGEST_DENSE = 1200
LARGEST_DENSE_CELLS = 3000


def infer_network(
    release: NapsuRelease,
    expected: np.ndarray | None,
    prior_scale: float,
    inference: str,
    n_draws: int,
    rng: np.random.Generator,
) -> NapsuModel:
    """Fit the network.

    Parameters
    ----------
    release : NapsuRelease
    expected : ndarray of shape (n_parameters,) or None
        Statistics of a simpler model to shrink to, if any; those of three variables are found here.
    prior_scale : float
        Standard deviation of the prior of λ, at most where it is estimated.
    inference : {"map", "laplace", "nuts"}
    n_draws : int
        Of NUTS.
    rng : Generator
        For NUTS; post-processing.

    Warns
    -----
    ConvergenceWarning
        If a search or a chain does not converge, or the network is too large for NUTS: what took
        its place, and what to do. The budget is spent by then, so that this is not an error.
    """
    network, evidence = release.network, release.evidence
    queries = tuple(measurement.query for measurement in release.measurements)
    pairs = None
    if expected is not None:
        expected, pairs = expect_interactions(network, evidence, queries, expected)
    start = fit_moments(network, evidence, queries, expected, pairs)
    model = NapsuModel(release.domain, network, start, queries)

    def structured() -> NapsuModel:
        """Return the fit for large networks."""
        if inference == "map":
            return model
        perturbed = PerturbedPosterior(network, queries, evidence, expected, tuple(model.tables))
        return replace(model, posterior=perturbed)

    if expected is not None and inference != "nuts":
        # what is shrunk has no intervals to be exact about
        return structured()
    if network.n_parameters > LARGEST_DENSE or network.n_cells > LARGEST_DENSE_CELLS:
        if inference == "nuts":
            _warn(
                f'inference="nuts" is for networks of at most {LARGEST_DENSE:,} parameters and '
                f"{LARGEST_DENSE_CELLS:,} cells in the cliques of the junction tree, this one has "
                f'{network.n_parameters:,} and {network.n_cells:,}; inference="laplace" took its '
                "place. Use fewer or smaller queries, or fewer bins."
            )
        return structured()
    likelihood = Likelihood(
        evidence.n_records,
        evidence.n_variance,
        evidence.moments,
        evidence.variance,
        1.0 / prior_variance(network, evidence, expected, prior_scale),
    )
    mode = find_mode(network, likelihood, start)
    if not mode.converged:
        _warn(
            f"The posterior's mode was not found in {mode.n_iterations} steps; the last was "
            f"{mode.last_step:.2g} standard deviations long. The fit for large networks took its "
            "place. Use a smaller prior_scale, or fewer or smaller queries."
        )
        return structured()
    model = replace(model, parameters=mode.parameters)
    if inference == "map":
        return model
    laplace = LaplacePosterior.at_mode(network, queries, likelihood, mode)
    if inference == "laplace":
        return replace(model, posterior=laplace)
    run = run_nuts(network, likelihood, mode, n_draws, rng)
    if run.r_hat > LARGEST_R_HAT:
        _warn(
            f"The chains of NUTS have not mixed: split R̂ is {run.r_hat:.3f} and the smallest "
            f"effective sample size {run.effective_size:.0f} after {len(run.draws):,} draws, "
            f'{run.n_divergent} of them divergent. inference="laplace" took its place. Use a '
            "smaller prior_scale, or fewer or smaller queries."
        )
        return replace(model, posterior=laplace)
    return replace(model, posterior=SampledPosterior(run.draws))


def _warn(message: str) -> None:
    warnings.warn(message, ConvergenceWarning, stacklevel=4)
