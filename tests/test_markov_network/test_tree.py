import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth._markov_network._tree import clique_size, junction_tree, triangulate

from .reference import TOPOLOGIES


@st.composite
def query_sets(draw):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=7))
    query = st.lists(st.sampled_from(range(len(sizes))), min_size=1, max_size=4)
    return sizes, draw(st.lists(query.map(tuple), max_size=9))


def has_running_intersection(tree, n_variables):
    """The cliques that hold a variable are connected: all but one have a parent among them."""
    for v in range(n_variables):
        holding = {i for i, clique in enumerate(tree.cliques) if v in clique}
        assert holding
        if sum(tree.parents[i] not in holding for i in holding) != 1:
            return False
    return True


@given(query_sets())
def test_it_is_a_junction_tree_that_holds_all_queries(problem):
    sizes, queries = problem
    tree = junction_tree(sizes, queries)
    sets = [set(clique) for clique in tree.cliques]
    assert all(list(clique) == sorted(clique) for clique in tree.cliques)
    assert not any(a <= b for a, b in itertools.permutations(sets, 2))
    assert all(any(set(query) <= own for own in sets) for query in queries)
    assert tree.parents[0] == -1
    assert all(0 <= parent < i for i, parent in enumerate(tree.parents) if i)
    assert has_running_intersection(tree, len(sizes))
    for i, clique in enumerate(tree.cliques):
        shared = sets[i] & sets[tree.parents[i]] if i else set()
        assert tree.separator(i) == tuple(sorted(shared))
        assert clique_size(clique, sizes) == np.prod([sizes[v] for v in clique])


@given(query_sets(), st.randoms(use_true_random=False))
def test_neither_order_nor_duplicates_make_a_difference(problem, random):
    sizes, queries = problem
    shuffled = [tuple(random.sample(query, len(query))) for query in queries]
    shuffled += [tuple(reversed(query)) for query in queries[:3]]
    random.shuffle(shuffled)
    assert junction_tree(sizes, queries) == junction_tree(sizes, shuffled)


@given(query_sets())
def test_every_pair_in_a_clique_is_needed(problem):
    """Where the queries make a forest already, no edge is added."""
    sizes, queries = problem
    pairs = {tuple(sorted({a, b})) for a, b in itertools.pairwise(range(len(sizes))) if a % 3}
    cliques = triangulate(sizes, pairs)
    edges = {pair for clique in cliques for pair in itertools.combinations(clique, 2)}
    assert edges == pairs
    # and never an edge between parts that no query joins
    joined = [{v} for v in range(len(sizes))]
    for query in queries:
        touched = [part for part in joined if part & set(query)]
        joined = [part for part in joined if part not in touched] + [set().union(*touched)]
    for clique in triangulate(sizes, queries):
        assert any(set(clique) <= part for part in joined)


def eliminate(sizes, queries, order):
    """Maximal cliques when variables are eliminated as `order`, a key of the next one, says."""
    edges = {frozenset(e) for q in queries for e in itertools.combinations(set(q), 2)}
    left, found = set(range(len(sizes))), []
    while left:
        around = {v: {u for e in edges for u in e - {v} if v in e and e <= left} for v in left}

        def new_edges(v):
            return [
                e
                for e in map(frozenset, itertools.combinations(around[v], 2))  # noqa: B023
                if e not in edges  # noqa: B023
            ]

        def cells(v):
            return clique_size({v, *around[v]}, sizes)  # noqa: B023

        chosen = min(left, key=lambda v: (*order(v, new_edges, cells), v))
        found.append({chosen, *around[chosen]})
        edges |= set(new_edges(chosen))
        left.remove(chosen)
    return {tuple(sorted(c)) for c in found if not any(c < other for other in found)}


def by_edges(v, new_edges, cells):
    return len(new_edges(v)), cells(v)


def by_cells(v, new_edges, cells):
    return (cells(v),)


def total(cliques, sizes):
    return sum(clique_size(clique, sizes) for clique in cliques)


@st.composite
def sparse_graphs(draw):
    # of two levels or more: then no order has fewer cells than a graph that is chordal already
    sizes = draw(st.lists(st.sampled_from([2, 3, 5, 9]), min_size=4, max_size=13))
    pair = st.lists(st.sampled_from(range(len(sizes))), min_size=2, max_size=3, unique=True)
    return sizes, draw(st.lists(pair.map(tuple), min_size=3, max_size=2 * len(sizes)))


@given(sparse_graphs())
def test_the_better_of_two_orders_is_taken(problem):
    sizes, queries = problem
    found = set(triangulate(sizes, queries))
    first, second = eliminate(sizes, queries, by_edges), eliminate(sizes, queries, by_cells)
    assert total(found, sizes) == min(total(first, sizes), total(second, sizes))
    assert found in (first, second)


@pytest.mark.parametrize(
    ("seed", "better", "other"), [(5, by_edges, by_cells), (13, by_cells, by_edges)]
)
def test_either_order_can_be_the_better_one(seed, better, other):
    rng = np.random.default_rng(seed)
    sizes = [int(size) for size in rng.choice([2, 3, 5, 9], 15)]
    queries = [tuple(rng.choice(15, 2, replace=False).tolist()) for _ in range(22)]
    found = set(triangulate(sizes, queries))
    assert found == eliminate(sizes, queries, better)
    assert total(found, sizes) < total(eliminate(sizes, queries, other), sizes)


def test_a_cycle_takes_cliques_of_three():
    sizes, queries = TOPOLOGIES["cycle"]
    assert sorted(map(len, triangulate(sizes, queries))) == [3, 3, 3]


def test_the_cheapest_chord_is_taken():
    cliques = triangulate((2, 9, 2, 9), [(0, 1), (1, 2), (2, 3), (3, 0)])
    assert cliques == ((0, 1, 2), (0, 2, 3))


@pytest.mark.parametrize(
    ("name", "cliques"),
    [
        ("no query", {(0,), (1,)}),
        ("unmentioned", {(0, 2), (1,)}),
        ("nested", {(0, 1), (2,)}),
        ("permuted", {(0, 1, 3), (2, 3)}),
        ("disconnected", {(0, 1), (2, 3)}),
    ],
)
def test_cliques_are_the_largest_queries_of_a_chordal_graph(name, cliques):
    assert set(junction_tree(*TOPOLOGIES[name]).cliques) == cliques


def test_the_root_is_in_the_middle():
    tree = junction_tree([2] * 12, [(i, i + 1) for i in range(11)])
    depth = [0]
    for parent in tree.parents[1:]:
        depth.append(depth[parent] + 1)
    assert max(depth) == 5
