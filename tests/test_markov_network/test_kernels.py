import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdpsynth._compat import enable_x64
from skdpsynth._markov_network._kernels import (
    log_normaliser,
    mean,
    mean_and_covariance,
    moments,
)
from skdpsynth._markov_network._messages import calibrate, clique_potentials
from skdpsynth._markov_network._network import build_network

from . import reference
from .reference import make_network, make_variables, random_parameters

pytestmark = pytest.mark.usefixtures("quick_compilation")


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
        # and with the numpy reference
        total, tables = calibrate(network, clique_potentials(network, parameters))
        assert found[0] == pytest.approx(total, rel=1e-12, abs=1e-11)
        cells = np.concatenate([table.ravel() for table in tables])
        assert_allclose(found[1], network.moments(cells), atol=1e-9)


def test_the_kernels_agree_with_the_reference_on_a_tree_that_cannot_be_enumerated():
    """A random tree of 40 variables with triples on it: 10¹⁵ cells, several levels of messages."""
    rng = np.random.default_rng(0)
    queries = [(int(rng.integers(v)), v) for v in range(1, 40)]
    queries += [(a, b, c) for (a, b), c in zip(queries[5:9], (30, 31, 32, 33), strict=True)]
    network = build_network(make_variables(rng.integers(2, 4, 40).tolist()), queries)
    assert len(network.plan.sender) > 3
    program = jax.jit(jax.value_and_grad(log_normaliser, argnums=1))
    for scale in (0.0, 1.5, 50.0):
        potentials = clique_potentials(network, random_parameters(network, seed=3, scale=scale))
        total, tables = calibrate(network, potentials)
        flat = np.concatenate([table.ravel() for table in potentials])
        found, probability = program(network.plan, flat)
        assert found == pytest.approx(total, rel=1e-12, abs=1e-11)
        expected = np.concatenate([table.ravel() for table in tables])
        assert_allclose(probability, expected, atol=1e-9)


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
