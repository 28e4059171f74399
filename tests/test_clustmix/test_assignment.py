"""The assignment under size bounds against brute force and linear programming."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import linprog

from skdpsynth.clustmix._published._assignment import assign_with_sizes


def best_total(scores, low, high):
    """The optimum, by looking at every assignment."""
    n_records, n_clusters = scores.shape
    best = -np.inf
    for labels in itertools.product(range(n_clusters), repeat=n_records):
        sizes = np.bincount(labels, minlength=n_clusters)
        if sizes.min() >= low and sizes.max() <= high:
            best = max(best, scores[np.arange(n_records), labels].sum())
    return best


def linear_program_total(scores, low, high):
    """The optimum of the linear program, whose vertices are assignments."""
    n_records, n_clusters = scores.shape
    sizes = sparse.kron(np.ones((1, n_records)), sparse.eye(n_clusters))
    solution = linprog(
        -scores.ravel(),
        A_ub=sparse.vstack([sizes, -sizes]),
        b_ub=np.repeat([high, -low], n_clusters),
        A_eq=sparse.kron(sparse.eye(n_records), np.ones((1, n_clusters))),
        b_eq=np.ones(n_records),
    )
    return -solution.fun


def total(scores, labels):
    return scores[np.arange(len(labels)), labels].sum()


def draw_problem(rng, most_records):
    """Scores with and without ties, some clusters far more attractive; feasible bounds."""
    n_clusters = int(rng.integers(1, 5))
    n_records = int(rng.integers(n_clusters, most_records))
    scores = rng.normal(size=(n_records, n_clusters))
    if rng.random() < 0.5:
        scores = np.round(scores)
    scores = scores + rng.choice([0, 5]) * rng.normal(size=n_clusters)
    low = int(rng.integers(0, n_records // n_clusters + 1))
    high = int(rng.integers(-(-n_records // n_clusters), n_records + 1))
    return scores, low, high


@pytest.mark.parametrize("seed", range(40))
def test_no_assignment_is_better(seed):
    scores, low, high = draw_problem(np.random.default_rng(seed), 8)
    labels, _ = assign_with_sizes(scores, low, high)
    assert_allclose(total(scores, labels), best_total(scores, low, high), atol=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_is_optimal_by_its_prices_and_by_linear_programming(seed):
    rng = np.random.default_rng(1000 + seed)
    scores, low, high = draw_problem(rng, 60)
    start = rng.normal(size=scores.shape[1]) * rng.choice([0, 1, 10])
    labels, prices = assign_with_sizes(scores, low, high, start)
    sizes = np.bincount(labels, minlength=scores.shape[1])
    assert sizes.min() >= low
    assert sizes.max() <= high
    assert_allclose(total(scores, labels), linear_program_total(scores, low, high), atol=1e-9)
    # complementary slackness proves it once more
    priced = scores + prices
    assert np.all(priced.max(axis=1) - priced[np.arange(len(labels)), labels] < 1e-12)
    assert np.all(sizes[prices > 1e-12] == low)
    assert np.all(sizes[prices < -1e-12] == high)


@pytest.mark.parametrize(("low", "high"), [(40, None), (0, 40), (30, 50), (40, 40)])
def test_many_equal_records(low, high):
    rows = np.random.default_rng(0).normal(size=(4, 5))
    scores = np.repeat(rows, 50, axis=0)
    labels, _ = assign_with_sizes(scores, low, high)
    sizes = np.bincount(labels, minlength=5)
    assert sizes.min() >= low
    assert sizes.max() <= (high or 200)
    assert_allclose(total(scores, labels), linear_program_total(scores, low, high or 200))


def test_all_records_alike():
    labels, prices = assign_with_sizes(np.zeros((12, 4)), min_size=3)
    assert list(np.bincount(labels)) == [3, 3, 3, 3]
    assert_allclose(prices, 0)


def test_bounds_that_do_not_bind_change_nothing():
    scores = np.random.default_rng(0).normal(size=(100, 3))
    labels, prices = assign_with_sizes(scores, min_size=1)
    assert list(labels) == list(scores.argmax(axis=1))
    assert_allclose(prices, 0)


def test_as_many_clusters_as_records():
    scores = np.random.default_rng(0).normal(size=(7, 7))
    labels, _ = assign_with_sizes(scores, min_size=1)
    permutations = itertools.permutations(range(7))
    best = max(total(scores, np.array(p)) for p in permutations)
    assert sorted(labels) == list(range(7))
    assert_allclose(total(scores, labels), best)


def test_arguments_stay_as_they_are():
    scores = np.random.default_rng(0).normal(size=(30, 3))
    prices = np.array([5.0, 0.0, 0.0])
    before = scores.copy(), prices.copy()
    assign_with_sizes(scores, 10, None, prices)
    assert_allclose(scores, before[0])
    assert_allclose(prices, before[1])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite(value):
    scores = np.zeros((4, 2))
    scores[1, 1] = value
    with pytest.raises(ValueError, match="not finite; scale the features of X"):
        assign_with_sizes(scores, min_size=2)
