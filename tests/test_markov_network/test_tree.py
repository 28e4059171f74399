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
