"""From released marginals to a fitted network: post-processing, which no row enters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..exceptions import ConvergenceError
from ._denoise import fit_moments
from ._kernels import Likelihood
from ._model import NapsuModel
from ._nuts import LARGEST_R_HAT, run_nuts
from ._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior, find_mode
from ._release import NapsuRelease

__all__ = ["LARGEST_DENSE", "infer_network"]

# up to here the covariance matrices of the statistics, and of the cliques' cells, are computed
LARGEST_DENSE = 1200
LARGEST_DENSE_CELLS = 4000


def infer_network(
    release: NapsuRelease, inference: str, n_draws: int, rng: np.random.Generator
) -> NapsuModel:
    """Fit the network.

    Parameters
    ----------
    release : NapsuRelease
    inference : {"map", "laplace", "nuts"}
    n_draws : int
        Of NUTS.
    rng : Generator
        For NUTS; post-processing.

    Raises
    ------
    ConvergenceError
        If a search or a chain does not converge, or NUTS is asked for with too many parameters;
        the message says what to do.
    """
    network, evidence = release.network, release.evidence
    queries = tuple(measurement.query for measurement in release.measurements)
    start = fit_moments(network, evidence, queries, release.expected)
    model = NapsuModel(release.domain, network, start, queries)
    if network.n_parameters > LARGEST_DENSE or network.n_cells > LARGEST_DENSE_CELLS:
        if inference == "nuts":
            raise ConvergenceError(
                f'inference="nuts" is for networks of at most {LARGEST_DENSE:,} parameters and '
                f"{LARGEST_DENSE_CELLS:,} cells in the cliques of the junction tree, this one has "
                f"{network.n_parameters:,} and {network.n_cells:,}; use fewer or smaller queries, "
                'fewer bins, or inference="laplace".'
            )
        if inference == "map":
            return model
        posterior = PerturbedPosterior(
            network, queries, evidence, release.expected, tuple(model.tables)
        )
        return replace(model, posterior=posterior)
    likelihood = Likelihood(
        evidence.n_records,
        evidence.n_variance,
        evidence.moments,
        evidence.variance,
        1.0 / release.prior_variance,
    )
    mode = find_mode(network, likelihood, start)
    if not mode.converged:
        raise ConvergenceError(
            f"The posterior's mode was not found in {mode.n_iterations} steps; the last was "
            f"{mode.last_step:.2g} standard deviations long. Use a smaller prior_scale, or fewer "
            "or smaller queries."
        )
    model = replace(model, parameters=mode.parameters)
    if inference == "map":
        return model
    if inference == "laplace":
        laplace = LaplacePosterior.at_mode(network, queries, likelihood, mode)
        return replace(model, posterior=laplace)
    run = run_nuts(network, likelihood, mode, n_draws, rng)
    if run.r_hat > LARGEST_R_HAT:
        raise ConvergenceError(
            f"The chains of NUTS have not mixed: split R̂ is {run.r_hat:.3f} and the smallest "
            f"effective sample size {run.effective_size:.0f} after {len(run.draws):,} draws, "
            f"{run.n_divergent} of them divergent. Use a smaller prior_scale, fewer or smaller "
            'queries, or inference="laplace".'
        )
    return replace(model, posterior=SampledPosterior(run.draws))
