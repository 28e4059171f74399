import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._markov_network._messages import calibrate, clique_potentials
from skdpsynth._markov_network._sampling import log_probability, plan_sampling, sample_levels

from . import reference
from .reference import FALSE_ALARM, TOPOLOGIES, chi_square, make_network, random_parameters

N_SAMPLES = 40_000


@pytest.fixture(scope="module")
def calibrated():
    """Networks with their tables and joint distributions, by name."""

    def build(name):
        network = make_network(name)
        parameters = random_parameters(network, seed=8)
        _, probability = reference.joint(network, parameters)
        return network, calibrate(network, clique_potentials(network, parameters))[1], probability

    return {name: build(name) for name in TOPOLOGIES}


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_samples_have_the_joint_distribution(calibrated, name):
    network, tables, probability = calibrated[name]
    rng = np.random.default_rng(0)
    levels = sample_levels(network, plan_sampling(network, tables), N_SAMPLES, rng)
    assert [len(column) for column in levels] == [N_SAMPLES] * len(network.shape)
    flat = np.ravel_multi_index(levels, network.shape)
    observed = np.bincount(flat, minlength=len(probability))
    assert chi_square(observed, N_SAMPLES * probability) > FALSE_ALARM


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_log_probability_is_that_of_the_joint_distribution(calibrated, name):
    network, tables, probability = calibrated[name]
    cells = reference.all_cells(network.shape)
    assert_allclose(log_probability(network, tables, cells.T), np.log(probability), atol=1e-10)


def test_what_has_no_probability_is_never_drawn():
    network = make_network("chain")
    cells = reference.all_cells(network.shape)
    probability = np.random.default_rng(1).dirichlet(np.full(len(cells), 0.05))
    probability[(cells[:, 1] == 1) | (cells[:, 3] == 3)] = 0.0
    probability /= probability.sum()
    tables = [reference.marginal(network.shape, probability, c) for c in network.tree.cliques]
    steps = plan_sampling(network, tables)
    levels = sample_levels(network, steps, 5000, np.random.default_rng(2))
    for clique, table in zip(network.tree.cliques, tables, strict=True):
        assert (table[tuple(levels[v] for v in clique)] > 0).all()


def test_no_rows_and_the_same_rows():
    network = make_network("cycle")
    tables = calibrate(network, clique_potentials(network, random_parameters(network)))[1]
    steps = plan_sampling(network, tables)
    assert all(len(c) == 0 for c in sample_levels(network, steps, 0, np.random.default_rng(0)))
    one, two = (sample_levels(network, steps, 50, np.random.default_rng(3)) for _ in range(2))
    assert_array_equal(one, two)


@pytest.mark.parametrize("draw", [0.0, 1.0 - 2**-53])
def test_the_ends_of_the_unit_interval_are_levels_too(draw):
    """The smallest and the largest number that a generator returns."""

    class Fixed:
        def random(self, size):
            return np.full(size, draw)

    for name in TOPOLOGIES:
        network = make_network(name)
        tables = calibrate(network, clique_potentials(network, random_parameters(network)))[1]
        levels = sample_levels(network, plan_sampling(network, tables), 3, Fixed())
        wanted = [0 if draw == 0.0 else size - 1 for size in network.shape]
        assert_array_equal(np.transpose(levels), [wanted] * 3)
