import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from skdpsynth._compat import enable_x64
from skdpsynth._markov_network._kernels import (
    Likelihood,
    log_normaliser,
    log_posterior,
    mean,
    mean_and_covariance,
    moments,
)
from skdpsynth._markov_network._network import build_network

from . import reference
from .reference import make_network, make_variables, random_parameters


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


# compiling takes longer than all else: deep and flat trees, with and without separators
SHAPES = ("one variable", "long chain", "uneven", "cycle", "disconnected", "only one level")


@jax.jit
def normaliser_and_moments(plan, design, parameters):
    return log_normaliser(plan, design @ parameters), *mean_and_covariance(plan, design, parameters)


def exact_moments(network, parameters):
    total, probability = reference.joint(network, parameters)
    own = reference.statistics(network, reference.all_cells(network.shape))
    centre = probability @ own
    return total, centre, (own - centre).T @ np.diag(probability) @ (own - centre)


@pytest.mark.parametrize("name", SHAPES)
def test_normaliser_mean_and_covariance_agree_with_enumeration(name):
    network = make_network(name)
    # the largest would overflow if it were not for the subtraction of a maximum
    for scale in (0.0, 1.5, 200.0):
        parameters = random_parameters(network, seed=3, scale=scale)
        total, centre, spread = exact_moments(network, parameters)
        found = normaliser_and_moments(network.plan, network.design, parameters)
        assert found[0] == pytest.approx(total, rel=1e-12, abs=1e-11)
        assert_allclose(found[1], centre, atol=1e-9)
        assert_allclose(found[2], spread, atol=1e-9)


@pytest.mark.parametrize("name", ["uneven"])
def test_the_mean_is_the_gradient_of_the_normaliser(name):
    network = make_network(name)
    program = jax.jit(mean)
    for scale in (0.0, 1.5, 200.0):
        parameters = random_parameters(network, seed=3, scale=scale)
        _, centre, _ = exact_moments(network, parameters)
        assert_allclose(program(network.plan, network.design, parameters), centre, atol=1e-9)


def test_a_refit_with_other_counts_shares_the_program():
    """Which cell feeds which is data: trees of one shape compile once."""
    sizes = (2, 3, 2)
    networks = [
        build_network(make_variables(sizes), q) for q in ([(0, 1), (1, 2)], [(1, 2), (1, 0)])
    ]
    moments(networks[0].plan, networks[0].design, random_parameters(networks[0]))
    before = moments._cache_size()
    moments(networks[1].plan, networks[1].design, random_parameters(networks[1], seed=1))
    assert moments._cache_size() == before


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
