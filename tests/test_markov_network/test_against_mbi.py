"""Markov networks beside mbi (McKenna's private-pgm), written apart from this library.

mbi triangulates, passes messages and fits by other algorithms than ours: it eliminates the smallest
clique first, sends messages both ways along every edge (Shafer & Shenoy), and descends by mirror
steps. It computes in the precision of jax's arrays, which is double here as in our kernels.
"""

from functools import cache
from itertools import combinations
from typing import NamedTuple

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from skdpsynth._compat import enable_x64
from skdpsynth._markov_network._fitting import Target, fit_scaling
from skdpsynth._markov_network._kernels import log_normaliser, mean, mean_and_covariance
from skdpsynth._markov_network._messages import calibrate
from skdpsynth._markov_network._network import build_network
from skdpsynth._markov_network._tree import clique_size, junction_tree

from . import reference
from .reference import make_variables

# mbi asks for double precision as it is imported. It also warns of jax's cache of compilations,
# which is on by default: importorskip ignores warnings during the import, and no others are met.
with enable_x64(True):
    mbi = pytest.importorskip("mbi", reason="mbi needs jax 0.9 or later")
nx = pytest.importorskip("networkx")

pytestmark = pytest.mark.usefixtures("quick_compilation")

# those of the other tests, and graphs with cycles that targets do not meet in one step
CYCLES = {
    "triangle": ((2, 3, 4), [(0, 1), (1, 2), (2, 0)]),
    "cycle of triples": ((2, 3, 2, 2, 3, 2), [(0, 1, 2), (2, 3, 4), (4, 5, 0)]),
    "grid": ((2, 3, 2, 2, 3, 2), [(0, 1), (1, 2), (3, 4), (4, 5), (0, 3), (1, 4), (2, 5)]),
}
TOPOLOGIES = {**reference.TOPOLOGIES, **CYCLES}
# the logarithm of a factor that rules a cell out, see `NapsuModel`
RULED_OUT = -1e6
# potentials from all alike to as good as deterministic
SCALES = (0.0, 1.5, 60.0)
# compiling takes longer than all else: both sides of the covariance, on deep and on flat trees
COVARIANCES = ("one variable", "star", "cycle", "triples", "disconnected")
# both compute in double precision, and potentials of a hundred lose two digits of its sixteen
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def sorted_queries(name):
    return sorted({tuple(sorted(set(query))) for query in TOPOLOGIES[name][1]})


def make_domain(sizes):
    return mbi.Domain(range(len(sizes)), sizes)


@cache
def make_problem(name):
    """Return a network, and the matrix from the queries' cells to the cells of its cliques."""
    sizes, _ = TOPOLOGIES[name]
    network = build_network(make_variables(sizes), sorted_queries(name))
    columns = [np.zeros((network.n_cells, 0))]
    for query in sorted_queries(name):
        home = next(i for i, c in enumerate(network.tree.cliques) if set(query) <= set(c))
        clique = network.tree.cliques[home]
        column = np.zeros((network.n_cells, clique_size(query, sizes)))
        axes = [clique.index(v) for v in query]
        column[network.cells(home)] = reference.indicators(network.clique_shape(clique), axes).T
        columns.append(column)
    return network, np.concatenate(columns, axis=1)


def random_potentials(name, scale):
    """Return log potentials of the queries' cells, one query after the other."""
    n_cells = make_problem(name)[1].shape[1]
    return scale * np.random.default_rng(8).standard_normal(n_cells)


def rule_out_cells(name):
    """Return which cells of the queries are ruled out, never all of a row that there can be."""
    parts = [np.zeros(0, dtype=bool)]
    rng = np.random.default_rng(9)
    for query in sorted_queries(name):
        own = rng.random(clique_size(query, TOPOLOGIES[name][0])) < 0.3
        own[0] = False
        parts.append(own)
    return np.concatenate(parts)


class Answer(NamedTuple):
    """What mbi says of potentials: log Σ exp, and the probabilities of the queries' cells."""

    log_total: float
    marginals: np.ndarray


class Oracle:
    """mbi's message passing on the junction tree that it makes of the queries."""

    def __init__(self, name):
        self.queries = sorted_queries(name)
        self.domain = make_domain(TOPOLOGIES[name][0])
        self.tree, _ = mbi.junction_tree.make_junction_tree(self.domain, self.queries)

    def tables(self, potentials):
        """Return potentials, which may be traced, as mbi's."""
        tables, start = {}, 0
        for query in self.queries:
            domain = self.domain.project(query)
            own = potentials[start : start + domain.size()]
            tables[query] = mbi.Factor(domain, own.reshape(domain.shape))
            start += domain.size()
        return mbi.CliqueVector(self.domain, self.queries, tables)

    def marginals(self, potentials):
        """Return the marginals of traced potentials, flat."""
        pass_messages = mbi.marginal_oracles.message_passing_shafer_shenoy
        found = pass_messages(self.tables(potentials), 1.0, self.tree)
        return jax.numpy.concatenate([found[query].datavector() for query in self.queries])

    def answer(self, potentials):
        """Return an `Answer`; minus infinity rules a cell out."""
        tables = self.tables(jax.numpy.asarray(potentials))
        marginals, messages = mbi.marginal_oracles.message_passing_shafer_shenoy(
            tables, 1.0, self.tree, return_messages=True
        )
        beliefs = tables.expand(list(self.tree.nodes))
        log_total = 0.0
        # a clique of each part of the forest, with all that it was sent
        for part in nx.connected_components(self.tree):
            root = next(iter(part))
            shape = beliefs[root].domain
            belief = np.asarray(beliefs[root].datavector(flatten=False))
            for other in self.tree.neighbors(root):
                message = messages[other, root].expand(shape)
                belief = belief + np.asarray(message.datavector(flatten=False))
            log_total += logsumexp(belief)
        flat = [np.asarray(marginals[query].datavector()) for query in self.queries]
        return Answer(log_total, np.concatenate([np.zeros(0), *flat]))


@cache
def answers(name):
    """mbi's answers for potentials of every scale, the last with cells ruled out."""
    oracle = Oracle(name)
    found = [oracle.answer(random_potentials(name, scale)) for scale in SCALES]
    ruled_out = np.where(rule_out_cells(name), -np.inf, random_potentials(name, 1.5))
    return [*found, oracle.answer(ruled_out)]


def split(network, flat):
    """Return values of all cells as the tables of the cliques."""
    return [
        flat[network.cells(i)].reshape(network.clique_shape(clique))
        for i, clique in enumerate(network.tree.cliques)
    ]


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_calibration_agrees(name):
    network, design = make_problem(name)
    for scale, expected in zip(SCALES, answers(name)[:-1], strict=True):
        potentials = design @ random_potentials(name, scale)
        log_total, tables = calibrate(network, split(network, potentials))
        assert_allclose(log_total, expected.log_total, **CLOSE)
        found = design.T @ np.concatenate([table.ravel() for table in tables])
        assert_allclose(found, expected.marginals, **CLOSE)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_cells_that_are_ruled_out_agree(name):
    network, design = make_problem(name)
    is_out = rule_out_cells(name)
    potentials = design @ (random_potentials(name, 1.5) + RULED_OUT * is_out)
    log_total, tables = calibrate(network, split(network, potentials))
    expected = answers(name)[-1]
    assert_allclose(log_total, expected.log_total, **CLOSE)
    found = design.T @ np.concatenate([table.ravel() for table in tables])
    assert_allclose(found, expected.marginals, **CLOSE)
    assert (found[is_out] == 0).all()


@jax.jit
def normaliser_and_mean(plan, design, potentials):
    return log_normaliser(plan, design @ potentials), mean(plan, design, potentials)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_kernels_agree(name):
    network, design = make_problem(name)
    for scale, expected in zip(SCALES, answers(name)[:-1], strict=True):
        potentials = random_potentials(name, scale)
        log_total, found = normaliser_and_mean(network.plan, design, potentials)
        assert_allclose(log_total, expected.log_total, **CLOSE)
        assert_allclose(found, expected.marginals, **CLOSE)


@pytest.mark.parametrize("name", COVARIANCES)
def test_covariances_are_the_derivatives_of_mbis_marginals(name):
    """Also of cells in cliques far apart."""
    network, design = make_problem(name)
    derivative = jax.jit(jax.jacrev(Oracle(name).marginals))
    program = jax.jit(mean_and_covariance)
    for scale, expected in zip(SCALES, answers(name)[:-1], strict=True):
        potentials = random_potentials(name, scale)
        centre, spread = program(network.plan, design, potentials)
        assert_allclose(centre, expected.marginals, **CLOSE)
        assert_allclose(spread, derivative(potentials), **CLOSE)


def log_joint(sizes, tables):
    """Return the log probability of every row, from the log potentials of some queries."""
    logs = np.zeros(int(np.prod(sizes)))
    for query, table in tables.items():
        logs += np.ravel(table) @ reference.indicators(sizes, query)
    return logs - logsumexp(logs)


def random_joint(sizes):
    """Return a joint distribution in which every variable depends on every other, flat."""
    rng = np.random.default_rng(10)
    queries = [(v,) for v in range(len(sizes))] + list(combinations(range(len(sizes)), 2))
    tables = {query: 0.7 * rng.standard_normal([sizes[v] for v in query]) for query in queries}
    return np.exp(log_joint(sizes, tables))


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_fits_to_consistent_marginals_agree(name):
    """Both are the distribution of largest entropy, compared row by row of the joint table."""
    sizes, queries = TOPOLOGIES[name][0], sorted_queries(name)
    probability = random_joint(sizes)
    targets = [Target(query, reference.marginal(sizes, probability, query)) for query in queries]
    model = mbi.estimation.MirrorDescent().estimate(
        make_domain(sizes),
        [mbi.LinearMeasurement(table.ravel(), query) for query, table in targets],
        known_total=1.0,
        iters=10_000,
    )
    potentials = {
        query: np.asarray(table.datavector()) for query, table in model.potentials.tables.items()
    }
    expected = np.exp(log_joint(sizes, potentials))
    # its steps have converged: what differs is ours
    for query, table in targets:
        assert_allclose(reference.marginal(sizes, expected, query), table, atol=1e-12)

    network, _ = make_problem(name)
    fit = fit_scaling(network, targets)
    _, found = reference.joint(network, fit.parameters)
    # a sweep meets the targets of trees exactly; around cycles the fit stops within 1e-5 of them,
    # and a row is off by 4e-6 of its probability at most
    assert_allclose(found, expected, rtol=2e-5 if name in ("cycle", *CYCLES) else 1e-9)


@pytest.mark.parametrize("name", TOPOLOGIES)
def test_the_junction_tree_is_as_small_as_mbis(name):
    check_tree(*TOPOLOGIES[name], largest_ratio=1.0)


def test_junction_trees_of_random_queries_are_about_as_small_as_mbis():
    """Each takes another greedy choice: neither is always the better one."""
    rng = np.random.default_rng(11)
    ratios = []
    for _ in range(200):
        n_variables = int(rng.integers(2, 11))
        sizes = tuple(int(size) for size in rng.integers(1, 6, n_variables))
        queries = [
            tuple(int(v) for v in rng.permutation(n_variables)[: rng.integers(1, 4)])
            for _ in range(rng.integers(1, 13))
        ]
        ratios.append(check_tree(sizes, queries, largest_ratio=2.0))
    assert np.exp(np.mean(np.log(ratios))) < 1.02


def check_tree(sizes, queries, largest_ratio):
    """Check that our cliques hold all queries and are those of a chordal graph, as networkx sees.

    Returns
    -------
    ratio : float
        Cells of our cliques over cells of mbi's.
    """
    cliques = junction_tree(sizes, queries).cliques
    assert all(any(set(query) <= set(clique) for clique in cliques) for query in queries)
    graph = nx.Graph()
    graph.add_nodes_from(range(len(sizes)))
    graph.add_edges_from(pair for clique in cliques for pair in combinations(clique, 2))
    assert nx.is_chordal(graph)
    assert {tuple(sorted(clique)) for clique in nx.chordal_graph_cliques(graph)} == set(cliques)

    queries = [tuple(sorted(set(query))) for query in queries]
    theirs, _ = mbi.junction_tree.make_junction_tree(make_domain(sizes), queries)
    ratio = sum(clique_size(c, sizes) for c in cliques) / sum(clique_size(c, sizes) for c in theirs)
    assert ratio <= largest_ratio
    return ratio
