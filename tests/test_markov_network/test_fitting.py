import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize

from skdpsynth._markov_network._fitting import Target, fit_scaling
from skdpsynth._markov_network._network import build_network

from . import reference
from .reference import TOPOLOGIES, make_network, make_variables

# the fit stops when marginals are this close on average
TOLERANCE = 1e-5


def consistent_targets(network, queries, seed=0):
    """Marginals of one random distribution."""
    n_cells = int(np.prod(network.shape))
    probability = np.random.default_rng(seed).dirichlet(np.full(n_cells, 2.0))
    probability = 0.9 * probability + 0.1 / n_cells
    queries = sorted({tuple(sorted(set(query))) for query in queries})
    return [Target(q, reference.marginal(network.shape, probability, q)) for q in queries]


def maximum_entropy(network, targets):
    """λ by minimising A(λ) − λ·E[a], over the whole joint table."""
    statistics = reference.statistics(network, reference.all_cells(network.shape))
    wanted = np.empty(network.n_parameters)
    for position, subset in enumerate(network.subsets):
        target = next(t for t in targets if set(subset) <= set(t.query))
        shape = network.clique_shape(target.query)
        cells = np.zeros((int(np.prod(shape)), len(network.shape)), dtype=int)
        cells[:, list(target.query)] = reference.all_cells(shape)
        own = reference.statistics(network, cells)[:, network.block(position)]
        wanted[network.block(position)] = target.table.ravel() @ own

    def dual(parameters):
        total, probability = reference.joint(network, parameters)
        return total - parameters @ wanted, probability @ statistics - wanted

    found = minimize(dual, np.zeros(len(wanted)), jac=True, method="BFGS", options={"gtol": 1e-9})
    return found.x


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_consistent_marginals_are_reproduced_with_the_largest_entropy(name):
    network = make_network(name)
    targets = consistent_targets(network, TOPOLOGIES[name][1])
    fit = fit_scaling(network, targets)
    assert fit.distance < TOLERANCE
    _, probability = reference.joint(network, fit.parameters)
    for query, table in targets:
        found = reference.marginal(network.shape, probability, query)
        assert_allclose(found, table, atol=10 * TOLERANCE)
    if name in ("one level", "chain", "cycle", "triples", "disconnected", "nested"):
        assert_allclose(fit.parameters, maximum_entropy(network, targets), atol=2e-3)


def test_trees_need_two_sweeps():
    """The first fits them exactly; the second sees it."""
    for name in ("chain", "star", "tree", "uneven", "disconnected"):
        network = make_network(name)
        targets = consistent_targets(network, TOPOLOGIES[name][1])
        assert fit_scaling(network, targets).n_sweeps == 2


def test_marginals_that_contradict_each_other_settle_between():
    network = build_network(make_variables((2, 3, 2)), [(0, 1), (1, 2)])
    rng = np.random.default_rng(0)
    targets = [
        Target((0, 1), rng.dirichlet(np.ones(6)).reshape(2, 3)),
        Target((1, 2), rng.dirichlet(np.ones(6)).reshape(3, 2)),
    ]
    fit = fit_scaling(network, targets)
    _, probability = reference.joint(network, fit.parameters)
    found = reference.marginal(network.shape, probability, (1,))
    bounds = np.sort([targets[0].table.sum(axis=0), targets[1].table.sum(axis=1)], axis=0)
    assert (bounds[0] - 1e-9 <= found).all()
    assert (found <= bounds[1] + 1e-9).all()


@given(
    st.lists(st.integers(1, 3), min_size=2, max_size=5),
    st.lists(
        st.lists(st.integers(0, 1), min_size=2, max_size=5).map(lambda bits: np.flatnonzero(bits)),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_queries_are_reproduced(sizes, queries, seed):
    queries = [tuple(int(v) for v in query if v < len(sizes)) for query in queries]
    queries = [query for query in queries if query] or [(0,)]
    network = build_network(make_variables(sizes), queries)
    targets = consistent_targets(network, queries, seed)
    fit = fit_scaling(network, targets, max_sweeps=2000)
    _, probability = reference.joint(network, fit.parameters)
    for query, table in targets:
        found = reference.marginal(network.shape, probability, query)
        assert_allclose(found, table, atol=1e-3)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_a_fit_goes_on_where_another_ended(name):
    network = make_network(name)
    queries = TOPOLOGIES[name][1]
    first = fit_scaling(network, consistent_targets(network, queries, 1)).parameters
    targets = consistent_targets(network, queries)
    cold, warm = fit_scaling(network, targets), fit_scaling(network, targets, start=first)
    _, from_uniform = reference.joint(network, cold.parameters)
    _, from_other = reference.joint(network, warm.parameters)
    assert_allclose(from_other, from_uniform, atol=10 * TOLERANCE)
    # there is nothing left to do for one that starts at its end
    again = fit_scaling(network, targets, start=cold.parameters)
    assert again.n_sweeps == 1
    assert_allclose(again.parameters, cold.parameters, atol=1e-3)
