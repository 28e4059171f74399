import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from test_markov_network import reference
from test_markov_network.reference import make_network, random_parameters

from skdpsynth._compat import enable_x64
from skdpsynth.napsu._likelihood import Likelihood, log_posterior


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def make_likelihood(network, seed=0):
    rng = np.random.default_rng(seed)
    size = network.n_parameters
    return Likelihood(
        300.0,
        25.0,
        60.0 * rng.standard_normal(size),
        rng.uniform(1.0, 30.0, size),
        rng.uniform(0.01, 1.0, size),
    )


@pytest.mark.parametrize("name", ["cycle"])
def test_the_log_posterior_is_that_of_normal_statistics_and_prior(name):
    network = make_network(name)
    likelihood = make_likelihood(network)
    n, v0, observed, variance, precision = likelihood
    own = reference.statistics(network, reference.all_cells(network.shape))

    def expected(parameters):
        _, probability = reference.joint(network, parameters)
        centre = probability @ own
        spread = (own - centre).T @ np.diag(probability) @ (own - centre)
        covariance = n * spread + np.diag(variance) + v0 * np.outer(centre, centre)
        prior = stats.norm.logpdf(parameters, 0.0, precision**-0.5).sum()
        return stats.multivariate_normal.logpdf(observed, n * centre, covariance) + prior

    program = jax.jit(jax.value_and_grad(log_posterior, argnums=3))
    first, second = (random_parameters(network, seed) for seed in (4, 5))
    values = [program(network.plan, network.design, likelihood, at)[0] for at in (first, second)]
    # up to a constant
    assert values[0] - values[1] == pytest.approx(expected(first) - expected(second), abs=1e-8)
    gradient = program(network.plan, network.design, likelihood, first)[1]
    step = 1e-5
    differences = [
        (expected(first + step * unit) - expected(first - step * unit)) / (2 * step)
        for unit in np.eye(network.n_parameters)
    ]
    assert_allclose(gradient, differences, rtol=1e-6, atol=1e-5)
