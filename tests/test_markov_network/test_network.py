import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._markov_network._network import build_network

from . import reference
from .reference import TOPOLOGIES, make_network, make_variables, random_parameters


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_potentials_of_the_cliques_add_up_to_the_exponent(name):
    network = make_network(name)
    parameters = random_parameters(network)
    cells = reference.all_cells(network.shape)
    potentials = network.log_potentials(parameters)
    total = np.zeros(len(cells))
    for i, clique in enumerate(network.tree.cliques):
        table = potentials[network.cells(i)].reshape(network.clique_shape(clique))
        total += table[tuple(cells[:, v] for v in clique)]
    assert_allclose(total, reference.statistics(network, cells) @ parameters, atol=1e-12)
    assert_allclose(network.design @ parameters, potentials, atol=1e-12)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_moments_are_expectations(name):
    network = make_network(name)
    cells = reference.all_cells(network.shape)
    probability = np.random.default_rng(1).dirichlet(np.ones(len(cells)))
    marginals = [
        reference.marginal(network.shape, probability, clique).ravel()
        for clique in network.tree.cliques
    ]
    expected = probability @ reference.statistics(network, cells)
    assert_allclose(network.moments(np.concatenate(marginals)), expected, atol=1e-12)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_order_of_queries_makes_no_difference(name):
    sizes, queries = TOPOLOGIES[name]
    variables = make_variables(sizes)
    changed = [query[::-1] for query in reversed(queries)] + queries[:1]
    one, two = build_network(variables, queries), build_network(variables, changed)
    assert one == two
    for field, other in zip(one.plan, two.plan, strict=True):
        assert_array_equal(field, other)


def test_every_parameter_has_one_home_and_every_variable_a_carrier():
    for name in TOPOLOGIES:
        network = make_network(name)
        owned = np.concatenate([own for own, _ in network.homes])
        assert sorted(owned) == list(range(network.n_parameters))
        for v, carrier in enumerate(network.carriers):
            assert v in network.tree.cliques[carrier]
