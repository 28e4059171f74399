import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.sparse.csgraph import minimum_spanning_tree
from test_markov_network.reference import count_marginal, make_variables, random_rows
from test_markov_network.test_marginals import tables

from skdpsynth._markov_network import (
    Measurement,
    build_network,
    clique_size,
    combine,
    triangulate,
)
from skdpsynth.napsu._candidates import expected_pair, list_candidates
from skdpsynth.napsu._selection import (
    Candidate,
    Scores,
    choose_queries,
    l1_sensitivity,
    score_candidates,
    select_tree,
)
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger

SHAPE = (3, 2, 2, 4)


def exact_evidence(levels, shape, queries):
    network = build_network(make_variables(shape), queries)
    measurements = [Measurement(q, count_marginal(levels, q, shape) * 1.0, 1.0) for q in queries]
    return network, combine(network, measurements, public_count=float(levels.shape[1]))


def without_noise(levels, candidates, shape):
    desk = Mechanisms(PrivacyLedger(math.inf, 1e-6), NoiseSource(0))
    return score_candidates(levels, candidates, shape, math.inf, desk).values


# Scores


@given(tables(n_more=2), st.integers(0, 2**32 - 1))
def test_no_record_moves_a_distance_by_more_than_the_sensitivity(table, seed):
    shape, levels = table
    rng = np.random.default_rng(seed)
    query = tuple(range(len(shape)))
    # whatever was released before
    candidates = [Candidate(query, np.rint(rng.normal(2, 3, shape) * 1024) / 1024)] * 2
    before = without_noise(levels[:, :-1], candidates, shape)
    for row in range(levels.shape[1] - 1):
        others = np.delete(levels[:, :-1], row, axis=1)
        removed = without_noise(others, candidates, shape) - before
        assert np.abs(removed).max() <= l1_sensitivity("add_remove") == 1.0
        replaced = without_noise(np.column_stack([others, levels[:, -1]]), candidates, shape)
        assert np.abs(replaced - before).max() <= l1_sensitivity("replace_one") == 2.0


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_scores_are_one_release_of_all_distances(adjacency):
    levels = random_rows(SHAPE, 400)
    rng = np.random.default_rng(0)
    queries = [(0, 1), (0, 3), (1, 2, 3)]
    expected = [np.rint(rng.uniform(0, 60, [SHAPE[v] for v in q]) * 1024) / 1024 for q in queries]
    candidates = [Candidate(q, table) for q, table in zip(queries, expected, strict=True)]
    exact = [
        np.abs(count_marginal(levels, q, SHAPE) - table).sum()
        for q, table in zip(queries, expected, strict=True)
    ]
    assert_allclose(without_noise(levels, candidates, SHAPE), exact)
    ledger = PrivacyLedger(1.0, 1e-6, adjacency)
    desk = Mechanisms(ledger, NoiseSource(0))
    scores = score_candidates(levels, candidates, SHAPE, 0.1, desk)
    (entry,) = ledger.entries
    assert entry.n_coordinates == 3
    assert entry.sensitivity == pytest.approx(l1_sensitivity(adjacency) * math.sqrt(3))
    # rounding to a grid adds less than half a percent
    assert scores.scale <= entry.noise_scale < 1.005 * scores.scale
    # the probability of a miss is 6e-7 for three values
    assert np.abs(scores.values - exact).max() < 5.2 * scores.scale


# The tree


def test_without_noise_the_tree_is_the_heaviest():
    shape = (3, 2, 2, 4, 3)
    levels = random_rows(shape, 300, seed=3)
    nodes = [0, 1, 2, 3, 4]
    network, evidence = exact_evidence(levels, shape, [(v,) for v in nodes])
    pairs = [(a, b) for a in nodes for b in nodes if a < b]
    candidates = [expected_pair(pair, network, evidence, None) for pair in pairs]
    ledger = PrivacyLedger(math.inf, 1e-6)
    desk = Mechanisms(ledger, NoiseSource(0))
    chosen = select_tree(levels, candidates, nodes, shape, math.inf, desk)
    weights = np.zeros((5, 5))
    for (a, b), distance in zip(pairs, without_noise(levels, candidates, shape), strict=True):
        weights[a, b] = -distance
    expected = minimum_spanning_tree(weights)
    assert set(chosen) == {(int(a), int(b)) for a, b in zip(*expected.nonzero(), strict=True)}
    assert len(ledger.entries) == 4


def test_a_pair_that_is_no_candidate_is_no_edge():
    levels = random_rows((2, 2, 2, 2), 50)
    candidates = [Candidate(pair, np.zeros((2, 2))) for pair in [(0, 1), (2, 3)]]
    ledger = PrivacyLedger(5.0, 1e-6)
    desk = Mechanisms(ledger, NoiseSource(0))
    chosen = select_tree(levels, candidates, range(4), (2,) * 4, 0.1, desk)
    assert sorted(chosen) == [(0, 1), (2, 3)]
    assert len(ledger.entries) == 2


# What is expected


def test_without_a_label_a_pair_is_expected_to_be_independent():
    levels = random_rows(SHAPE, 500)
    network, evidence = exact_evidence(levels, SHAPE, [(0,), (1,), (2,), (3,)])
    first, second = (count_marginal(levels, (v,), SHAPE) for v in (0, 3))
    candidate = expected_pair((0, 3), network, evidence, None)
    assert candidate.query == (0, 3)
    # a thousandth of a record is added to every level
    assert_allclose(candidate.expected, np.outer(first, second) / 500, atol=0.02)


@pytest.mark.parametrize("label", [0, 1, 3])
def test_with_a_label_a_pair_is_expected_to_be_independent_given_it(label):
    levels = random_rows(SHAPE, 500)
    others = [v for v in range(4) if v != label]
    queries = [tuple(sorted((v, label))) for v in others]
    network, evidence = exact_evidence(levels, SHAPE, queries)
    pair = (others[0], others[2])
    with_label = expected_pair(pair, network, evidence, label)
    assert with_label.query == tuple(sorted((*pair, label)))
    own = count_marginal(levels, (label,), SHAPE)
    joint = np.stack(
        [
            np.outer(
                count_marginal(levels[:, levels[label] == y], (pair[0],), SHAPE),
                count_marginal(levels[:, levels[label] == y], (pair[1],), SHAPE),
            )
            / own[y]
            for y in range(SHAPE[label])
        ]
    )
    place = with_label.query.index(label)
    assert_allclose(np.moveaxis(with_label.expected, place, 0), joint, atol=0.02)
    alone = expected_pair(pair, network, evidence, label, with_label=False)
    assert alone.query == pair
    assert_allclose(alone.expected, joint.sum(axis=0), atol=0.05)


def test_expected_counts_are_multiples_that_keep_distances_exact():
    levels = random_rows(SHAPE, 500)
    network, evidence = exact_evidence(levels, SHAPE, [(0, 1), (1, 2), (1, 3)])
    for with_label in (True, False):
        table = expected_pair((0, 3), network, evidence, 1, with_label).expected * 1024
        assert (table == np.rint(table)).all()


# Candidates


def star_evidence(levels, shape, label):
    queries = [tuple(sorted((v, label))) for v in range(len(shape)) if v != label]
    return exact_evidence(levels, shape, queries)


def test_candidates_are_all_pairs_when_there_is_room():
    levels = random_rows(SHAPE, 500)
    two = list_candidates(*star_evidence(levels, SHAPE, 1), 1, range(4), 100, 1000)
    assert [c.query for c in two] == [(0, 1, 2), (0, 1, 3), (1, 2, 3)]
    # with more than two classes also the pairs alone
    several = list_candidates(*star_evidence(levels, SHAPE, 0), 0, range(4), 100, 1000)
    expected = [(0, 1, 2), (1, 2), (0, 1, 3), (1, 3), (0, 2, 3), (2, 3)]
    assert [c.query for c in several] == expected
    alone = exact_evidence(levels, SHAPE, [(v,) for v in range(4)])
    assert len(list_candidates(*alone, None, range(4), 100, 1000)) == 6


def test_large_candidates_and_too_many_are_left_out():
    levels = random_rows(SHAPE, 500)
    network, evidence = star_evidence(levels, SHAPE, 1)
    small = list_candidates(network, evidence, 1, range(4), 100, 12)
    assert [c.query for c in small] == [(0, 1, 2)]
    assert list_candidates(network, evidence, 1, range(4), 0.5, 1000) == []
    # only those that depend on the label: 3 is a copy of it, 0 is too in part, 2 is constant
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 2000)
    copies = [np.where(rng.random(2000) < 0.5, label, 2), label, label * 0, 3 * label]
    network, evidence = star_evidence(np.array(copies, np.int32), SHAPE, 1)
    (only,) = list_candidates(network, evidence, 1, range(4), 1, 1000)
    assert only.query == (0, 1, 3)


@pytest.mark.parametrize("label", [None, 0, 1])
def test_a_column_of_one_level_is_no_candidate(label):
    shape = (3, 1, 2, 2)
    levels = random_rows(shape, 200)
    if label is None:
        network, evidence = exact_evidence(levels, shape, [(v,) for v in range(4)])
    else:
        network, evidence = star_evidence(levels, shape, label)
    found = [c.query for c in list_candidates(network, evidence, label, range(4), 100, 1000)]
    expected = {0: [(0, 2, 3), (2, 3)]}.get(label, [(0, 2), (0, 3), (2, 3)])
    assert found == expected


# Choosing


def test_what_stands_out_is_chosen_and_noise_is_not():
    shape = (4,) * 6
    candidates = [Candidate((a, b), np.zeros((4, 4))) for a in range(6) for b in range(a + 1, 6)]
    values = np.zeros(len(candidates))
    values[[2, 7]] = 5000.0, 3000.0
    values[5] = 15.0
    chosen = choose_queries(candidates, Scores(values, 10.0), [(0,)], shape, 0.2, 1000)
    assert chosen == [candidates[2].query, candidates[7].query]
    assert choose_queries(candidates, Scores(values * 0, 10.0), [(0,)], shape, 0.2, 1000) == []


def test_a_pair_within_a_chosen_query_is_not_measured_again():
    candidates = [Candidate((0, 1, 2), np.zeros((2,) * 3)), Candidate((0, 1), np.zeros((2, 2)))]
    scores = Scores(np.array([5000.0, 4000.0]), 1.0)
    assert choose_queries(candidates, scores, [(2,)], (2,) * 3, 1.0, 1000) == [(0, 1, 2)]


@given(st.integers(0, 2**32 - 1), st.integers(8, 200))
def test_cliques_stay_small(seed, limit):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(2, 5, 6).tolist())
    always = [(v, 5) for v in range(5)]
    candidates = [Candidate((a, b, 5), None) for a in range(5) for b in range(a + 1, 5)]
    scores = Scores(rng.uniform(100, 1e5, len(candidates)), 1.0)
    chosen = choose_queries(candidates, scores, always, shape, 1.0, limit)
    if chosen:
        cliques = triangulate(shape, [*always, *chosen])
        assert max(clique_size(clique, shape) for clique in cliques) <= limit
    # and a larger limit never takes fewer
    more = choose_queries(candidates, scores, always, shape, 1.0, 10**6)
    assert len(more) == len(candidates)
