import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth.exceptions import SchemaError
from skdpsynth.schema import Continuous, Count
from skdpsynth.schema._bins import bin_codes, bin_values, check_edges, make_edges, whole_numbers


@pytest.mark.parametrize(
    ("kind", "n_bins", "strategy", "edges"),
    [
        (Continuous(0, 1), 4, "uniform", [0, 0.25, 0.5, 0.75, 1]),
        (Continuous(1, 1000), 3, "log", [1, 10, 100, 1000]),
        (Continuous(0, np.expm1(2)), 2, "log", [0, np.expm1(1), np.expm1(2)]),
        (Continuous(-5, np.expm1(2) - 5), 2, "log", [-5, np.expm1(1) - 5, np.expm1(2) - 5]),
        (Count(0, 1), 10, "uniform", [-0.5, 0.5, 1.5]),
        (Count(1, 7), 3, "uniform", [0.5, 2.5, 4.5, 7.5]),
        (Count(1, 99), 2, "log", [0.5, 9.5, 99.5]),
        (Count(0, 3), 50, "log", [-0.5, 0.5, 1.5, 2.5, 3.5]),
    ],
)
def test_edges(kind, n_bins, strategy, edges):
    assert_allclose(make_edges(kind, n_bins, strategy), edges, rtol=1e-12)


def test_bins_are_closed_on_the_left_and_the_last_on_both_sides():
    edges = np.array([0.0, 1.0, 2.0])
    values = np.array([-9, 0, 0.99, 1, 1.99, 2, 9, np.nan])
    assert_array_equal(bin_codes(values, edges), [0, 0, 0, 1, 1, 1, 1, np.nan])


def test_whole_numbers_of_bins():
    first, last = whole_numbers(np.array([0, 10, 10.5, 20]), "x")
    assert_array_equal(first, [0, 10, 11])
    assert_array_equal(last, [9, 10, 20])


def test_centres():
    codes = np.array([0.2, 1.0, 7.0, np.nan])
    edges = np.array([0.0, 1.0, 4.0])
    centres = bin_values(codes, edges, Continuous(0, 4), "x", None)
    assert_array_equal(centres, [0.5, 2.5, 2.5, np.nan])
    centres = bin_values(codes, edges, Count(0, 4), "x", None)
    assert_array_equal(centres, [0, 2, 2, np.nan])


@given(
    st.integers(-1000, 1000),
    st.integers(1, 3000),
    st.integers(1, 30),
    st.sampled_from(["uniform", "log"]),
    st.sampled_from([Continuous, Count]),
    st.booleans(),
)
def test_a_value_drawn_from_a_bin_lies_in_it(low, width, n_bins, strategy, which, sample):
    kind = which(low, low + width)
    edges = check_edges(make_edges(kind, n_bins, strategy), "x")
    assert len(edges) <= n_bins + 1
    if which is Continuous:
        assert len(edges) == n_bins + 1
        assert (edges[0], edges[-1]) == (kind.low, kind.high)
    codes = np.repeat(np.arange(len(edges) - 1.0), 5)
    generator = np.random.default_rng(0) if sample else None
    values = bin_values(codes, edges, kind, "x", generator)
    assert_array_equal(bin_codes(values, edges), codes)
    assert (values >= kind.low).all()
    assert (values <= kind.high).all()


def test_draws_are_uniform_in_the_bin():
    codes = np.zeros(20_000)
    draws = bin_values(codes, np.array([2.0, 6.0]), Continuous(2, 6), "x", np.random.default_rng(3))
    quantiles = np.quantile(draws, [0.25, 0.5, 0.75])
    # four standard errors of a quartile of 20 000 uniform draws on a width of 4
    assert_allclose(quantiles, [3, 4, 5], atol=4 * 4 * 0.5 / np.sqrt(20_000))
    counts = bin_values(codes, np.array([-0.5, 3.5]), Count(0, 3), "x", np.random.default_rng(3))
    frequencies = np.bincount(counts.astype(int)) / 20_000
    assert_allclose(frequencies, 0.25, atol=4 * np.sqrt(0.25 * 0.75 / 20_000))


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([1], "at least two finite numbers"),
        ([[1, 2]], "at least two finite numbers"),
        (["a", "b"], "at least two finite numbers"),
        ([0, np.inf], "at least two finite numbers"),
        ([0, 2, 1], r"increase strictly, got \[0.0, 2.0, 1.0\]; sort"),
        ([0, 0, 1], "increase strictly"),
    ],
)
def test_edges_that_contradict_themselves_are_errors(edges, message):
    with pytest.raises(SchemaError, match=f"column 'x'.*{message}"):
        check_edges(edges, "x")


def test_a_bin_without_an_integer_is_an_error():
    with pytest.raises(SchemaError, match=r"No integer lies between the edges 1.2 and 1.8"):
        whole_numbers(np.array([0, 1.2, 1.8, 5]), "x")
