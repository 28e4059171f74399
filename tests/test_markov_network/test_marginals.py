import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skdpsynth._markov_network import _marginals
from skdpsynth._markov_network._marginals import (
    BLOCK_SIZE,
    Evidence,
    Measurement,
    combine,
    count_marginals,
    estimate_marginal,
    release_marginals,
)
from skdpsynth._markov_network._network import build_network
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger

from . import reference
from .reference import FALSE_ALARM, count_marginal, make_variables, random_rows

SHAPE = (3, 2, 4, 1)
QUERIES = [(0,), (0, 1), (1, 2), (0, 1, 2), (2, 3)]


@st.composite
def tables(draw, n_more=0):
    """A shape, rows of it, and a few rows more."""
    shape = draw(st.lists(st.integers(1, 3), min_size=1, max_size=3))
    n_rows = draw(st.integers(0, 6)) + n_more
    row = st.tuples(*[st.integers(0, size - 1) for size in shape])
    rows = draw(st.lists(row, min_size=n_rows, max_size=n_rows))
    return shape, np.array(rows, dtype=np.int32).reshape(-1, len(shape)).T


# Counting


@pytest.mark.parametrize("query", [(0,), (1, 2), (2, 0), (0, 1, 2), (3, 1)])
def test_counts_are_those_of_a_cross_table(query):
    levels = random_rows(SHAPE, 500)
    found = count_marginals(levels, [query], SHAPE)[0]
    assert found.dtype == np.int64
    frame = pd.DataFrame(levels.T)
    sizes = frame.groupby(list(query)).size()
    expected = np.zeros([SHAPE[v] for v in query])
    for index, size in sizes.items():
        expected[index] = size
    assert_array_equal(found, expected)


@given(tables(), st.lists(st.integers(0, 6), max_size=4))
def test_counts_are_additive(table, cuts):
    shape, levels = table
    queries = [(0,), tuple(range(len(shape)))]
    chunks = np.split(levels, sorted(min(cut, levels.shape[1]) for cut in cuts), axis=1)
    whole = count_marginals(levels, queries, shape)
    for one, two in zip(whole, count_marginals(iter(chunks), queries, shape), strict=True):
        assert_array_equal(one, two)
        assert one.sum() == levels.shape[1]


def test_blocks_make_no_difference(monkeypatch):
    levels = random_rows(SHAPE, 100)
    expected = count_marginal(levels, (0, 2), SHAPE)
    for size in (1, 7, 99, 100, 101):
        monkeypatch.setattr(_marginals, "BLOCK_SIZE", size)
        assert_array_equal(count_marginal(levels, (0, 2), SHAPE), expected)
    monkeypatch.undo()
    many = np.tile(levels, BLOCK_SIZE // 100 + 1)
    assert many.shape[1] > BLOCK_SIZE
    assert_array_equal(count_marginal(many, (0, 2), SHAPE), expected * (BLOCK_SIZE // 100 + 1))


def test_no_rows_give_zeros():
    assert_array_equal(count_marginal(np.zeros((2, 0), np.int32), (0, 1), (2, 2)), np.zeros((2, 2)))


# Sensitivity


@given(tables(n_more=2))
def test_no_record_moves_a_table_by_more_than_the_sensitivity(table):
    """By 1 when it is added and by √2 when it replaces another; attained by every record."""
    shape, levels = table
    for query in [(0,), tuple(range(len(shape)))]:
        whole = count_marginal(levels[:, :-1], query, shape)
        for row in range(levels.shape[1] - 1):
            others = np.delete(levels[:, :-1], row, axis=1)
            removed = whole - count_marginal(others, query, shape)
            assert np.linalg.norm(removed) == 1.0
            replacing = np.column_stack([others, levels[:, -1]])
            replaced = whole - count_marginal(replacing, query, shape)
            same = (levels[list(query), row] == levels[list(query), -1]).all()
            assert np.linalg.norm(replaced) == pytest.approx(0.0 if same else math.sqrt(2))


# Releasing


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_releases_share_the_budget_by_their_weights(adjacency):
    ledger = PrivacyLedger(1.0, 1e-6, adjacency)
    exact = count_marginals(random_rows(SHAPE, 300), QUERIES, SHAPE)
    weights = [1.0, 2.0, 3.0, 4.0, 5.0]
    mu = 0.9 * ledger.mu
    labels = [str(query) for query in QUERIES]
    released = release_marginals(
        exact, QUERIES, weights, mu, labels, Mechanisms(ledger, NoiseSource(0))
    )
    assert [entry.name for entry in ledger.entries] == labels
    own = np.array([entry.event.mu for entry in ledger.entries])
    assert_allclose(own**2, mu**2 * np.array(weights) / 15)
    sensitivity = 1.0 if adjacency == "add_remove" else math.sqrt(2)
    for entry, (query, table, variance), counts in zip(
        ledger.entries, released, exact, strict=True
    ):
        assert entry.sensitivity == pytest.approx(sensitivity)
        assert entry.noise_scale == pytest.approx(math.sqrt(variance))
        assert variance == pytest.approx((sensitivity / entry.event.mu) ** 2)
        assert entry.n_coordinates == counts.size == table.size
        assert table.shape == tuple(SHAPE[v] for v in query)


def test_the_noise_has_the_variance_that_the_measurement_names():
    ledger = PrivacyLedger(1.0, 1e-6)
    queries, shape = [(0,), (1,)], (2000, 2000)
    exact = [np.full(2000, 50), np.full(2000, 70)]
    released = release_marginals(
        exact, queries, [1, 4], ledger.mu, ["a", "b"], Mechanisms(ledger, NoiseSource(1))
    )
    assert [m.query for m in released] == queries
    for measurement, counts, size in zip(released, exact, shape, strict=True):
        # integer rounding adds 1/12
        standard = (measurement.table - counts) / math.sqrt(measurement.variance + 1 / 12)
        tail = stats.chi2(size).cdf(np.square(standard).sum())
        assert FALSE_ALARM / 2 < tail < 1 - FALSE_ALARM / 2
    assert released[0].variance == pytest.approx(4 * released[1].variance)


def test_without_noise_the_counts_come_back():
    ledger = PrivacyLedger(math.inf, 1e-6)
    exact = count_marginals(random_rows(SHAPE, 300), QUERIES, SHAPE)
    released = release_marginals(
        exact, QUERIES, [1] * 5, math.inf, ["q"] * 5, Mechanisms(ledger, NoiseSource(0))
    )
    for (_, table, variance), counts in zip(released, exact, strict=True):
        assert_array_equal(table, counts)
        assert variance == 0.0


# Combining


def make_measurements(shape, queries, seed=0):
    """Noisy tables, of different variances."""
    rng = np.random.default_rng(seed)
    levels = random_rows(shape, 400, seed)
    variances = rng.uniform(0.5, 40.0, len(queries))
    return [
        Measurement(
            query,
            count_marginal(levels, query, shape) + rng.normal(0, v**0.5, [shape[u] for u in query]),
            float(v),
        )
        for query, v in zip(queries, variances, strict=True)
    ]


OVERLAPPING = [
    ((2, 3, 2), [(0, 1), (1, 2)]),
    ((2, 3, 2), [(0, 1), (0, 1), (1,), (0, 1, 2)]),
    ((3, 1, 2), [(0, 1), (1, 2)]),
    ((2, 2, 2, 2), [(0, 1), (1, 2), (2, 3), (0, 3)]),
    ((4, 3), [(0,), (1,)]),
    ((3,), [(0,), (0,)]),
]


@pytest.mark.parametrize("count", [None, (390.0, 7.0)])
@pytest.mark.parametrize(("shape", "queries"), OVERLAPPING)
def test_estimates_are_those_of_generalised_least_squares(shape, queries, count):
    """Against (BᵀΣ⁻¹B)⁺BᵀΣ⁻¹y over all cells of the joint table, B from the definition."""
    network = build_network(make_variables(shape), queries)
    measurements = make_measurements(shape, queries)
    blocks = [reference.indicators(shape, m.query) for m in measurements]
    observed = [m.table.ravel() for m in measurements]
    variances = [np.full(m.table.size, m.variance) for m in measurements]
    n_cells = math.prod(shape)
    if count is not None:
        blocks.append(np.ones((1, n_cells)))
        observed.append(np.array([count[0]]))
        variances.append(np.array([count[1]]))
    weights = np.concatenate(variances) ** -0.5
    root = np.linalg.pinv(weights[:, None] * np.concatenate(blocks), rcond=1e-10)
    statistics = reference.statistics(network, reference.all_cells(shape))
    wanted = np.column_stack([np.ones(n_cells), statistics]).T
    estimate = wanted @ root @ (weights * np.concatenate(observed))
    covariance = wanted @ root @ root.T @ wanted.T

    evidence = combine(network, measurements, count=count)
    assert evidence.n_records == pytest.approx(estimate[0])
    assert evidence.n_variance == pytest.approx(covariance[0, 0])
    assert_allclose(evidence.moments, estimate[1:], atol=1e-8)
    assert_allclose(evidence.variance, np.diag(covariance)[1:])
    assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-8)
    # what it says of a marginal is what the least squares say of it
    for query in queries:
        own = reference.indicators(shape, query) @ root @ (weights * np.concatenate(observed))
        found = estimate_marginal(network, evidence, query)
        assert_allclose(found.ravel(), own, atol=1e-8)


def test_a_public_count_is_taken_as_it_is():
    shape, queries = OVERLAPPING[0]
    network = build_network(make_variables(shape), queries)
    measurements = make_measurements(shape, queries)
    noisy, public = combine(network, measurements), combine(network, measurements, None, 400.0)
    assert (public.n_records, public.n_variance) == (400.0, 0.0)
    assert_array_equal(public.moments, noisy.moments)


def test_without_noise_the_statistics_are_exact():
    shape, queries = (2, 3, 2), [(0, 1), (1, 2)]
    network = build_network(make_variables(shape), queries)
    levels = random_rows(shape, 50)
    measurements = [Measurement(q, count_marginal(levels, q, shape), 0.0) for q in queries]
    evidence = combine(network, measurements, count=(50.0, 0.0))
    own = reference.statistics(network, levels.T).sum(axis=0)
    assert_allclose(evidence.moments, own, atol=1e-10)
    assert evidence.n_records == pytest.approx(50)
    assert (evidence.variance > 0).all()
    for m in measurements:
        assert_allclose(estimate_marginal(network, evidence, m.query), m.table, atol=1e-9)


def test_there_is_at_least_one_record():
    network = build_network(make_variables((2,)), [(0,)])
    evidence = combine(network, [Measurement((0,), np.array([-9.0, 2.0]), 4.0)])
    assert isinstance(evidence, Evidence)
    assert evidence.n_records == 1.0
