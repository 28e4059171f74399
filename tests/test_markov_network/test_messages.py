import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdpsynth._markov_network._messages import calibrate, clique_potentials

from . import reference
from .reference import TOPOLOGIES, make_network, random_parameters


@pytest.mark.parametrize("scale", [0.0, 1.5, 60.0])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_calibration_agrees_with_enumeration(name, scale):
    network = make_network(name)
    parameters = random_parameters(network, seed=6, scale=scale)
    total, probability = reference.joint(network, parameters)
    found, tables = calibrate(network, clique_potentials(network, parameters))
    assert found == pytest.approx(total, rel=1e-12, abs=1e-11)
    for clique, table in zip(network.tree.cliques, tables, strict=True):
        expected = reference.marginal(network.shape, probability, clique)
        assert_allclose(table, expected, rtol=1e-7, atol=1e-13)


@pytest.mark.parametrize("name", ["cycle", "tree", "disconnected"])
def test_cells_can_be_ruled_out(name):
    network = make_network(name)
    parameters = random_parameters(network, seed=7)
    potentials = clique_potentials(network, parameters)
    cells = reference.all_cells(network.shape)
    allowed = np.ones(len(cells), dtype=bool)
    # one level of a variable in one clique, and a cell of another clique
    for position, v in ((0, network.tree.cliques[0][0]), (len(potentials) - 1, None)):
        clique = network.tree.cliques[position]
        if v is not None:
            potentials[position][0] = -1e6
            allowed &= cells[:, clique[0]] != 0
        else:
            last = tuple(size - 1 for size in network.clique_shape(clique))
            potentials[position][last] = -1e6
            allowed &= ~(cells[:, list(clique)] == last).all(axis=1)
    total, probability = reference.joint(network, parameters)
    kept = probability * allowed
    found, tables = calibrate(network, potentials)
    assert found == pytest.approx(total + np.log(kept.sum()), abs=1e-10)
    for clique, table in zip(network.tree.cliques, tables, strict=True):
        expected = reference.marginal(network.shape, kept / kept.sum(), clique)
        assert_allclose(table, expected, atol=1e-12)
