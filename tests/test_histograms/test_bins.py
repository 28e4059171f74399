import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth import Continuous, Count
from skdpsynth._histograms import MAX_INTEGER_CELLS, coarsen, fine_grid, locate

from .reference import find_cell

KINDS = [
    Continuous(0, 1),
    Continuous(-2, 10),
    Continuous(-10, 0),
    Continuous(3, 4.5),
    Continuous(-1e6, 1e-3),
    Count(0, 3),
    Count(-5, 900),
    Count(0, MAX_INTEGER_CELLS - 1),
    Count(0, MAX_INTEGER_CELLS),
    Count(-500, 5000),
    Count(1000, 10**7),
    Count(0, 2**53),
]


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_the_cells_partition_the_range(kind):
    grid = fine_grid(kind)
    if grid.is_count:
        assert grid.left[0] == 0
        assert grid.right[-1] == kind.high - kind.low
        assert_array_equal(grid.left[1:], grid.right[:-1] + 1)
        assert grid.measure.sum() == kind.high - kind.low + 1
        return
    is_point = grid.left == grid.right
    intervals = ~is_point
    assert_array_equal(grid.left[intervals][1:], grid.right[intervals][:-1])
    assert (grid.left[intervals][0], grid.right[intervals][-1]) == (0.0, 1.0)
    assert grid.measure[intervals].sum() == pytest.approx(kind.high - kind.low)
    assert (grid.measure[is_point] == 1).all()
    assert {0.0, 1.0} <= set(grid.left[is_point])
    if kind.low < 0 < kind.high:
        assert (0.0 - kind.low) / (kind.high - kind.low) in grid.left[is_point]
    # a cell's position in the order is that of its values
    assert (np.diff(grid.left) >= 0).all()
    assert (np.diff(grid.right) >= 0).all()


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_every_value_is_located_in_the_one_cell_that_holds_it(kind):
    grid, width = fine_grid(kind), kind.high - kind.low
    rng = np.random.default_rng(0)
    if grid.is_count:
        offsets = np.concatenate([grid.left, grid.right, rng.integers(0, width + 1, 50)])
        values = offsets / width
    else:
        ends = np.concatenate([grid.left, grid.right])
        nearby = np.concatenate([np.nextafter(ends, 0), np.nextafter(ends, 1)])
        values = np.concatenate([ends, nearby, rng.random(50)])
    expected = [find_cell(grid, kind, value) for value in values]
    assert_array_equal(locate(grid, kind, values), expected)


def test_a_small_count_has_a_cell_for_each_integer():
    grid = fine_grid(Count(-5, 900))
    assert_array_equal(grid.left, np.arange(906))
    assert_array_equal(locate(grid, Count(-5, 900), np.arange(906) / 905), np.arange(906))


@pytest.mark.parametrize("kind", [Count(-500, 5000), Count(0, 10**7)])
def test_bounds_and_zero_are_cells_of_their_own(kind):
    grid = fine_grid(kind)
    alone = grid.left[grid.left == grid.right]
    assert {0, kind.high - kind.low, -kind.low} <= set(alone.tolist())


@st.composite
def noisy_grids(draw):
    kind = draw(st.sampled_from([Count(0, 40), Continuous(-2, 10)]))
    nullable = draw(st.booleans())
    grid = fine_grid(type(kind)(kind.low, kind.high, nullable=nullable))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    sparsity = draw(st.sampled_from([0.0, 0.5, 0.99, 1.0]))
    shape = len(grid.left) + nullable
    counts = rng.gamma(draw(st.sampled_from([0.05, 1.0])), 20.0, shape)
    counts *= rng.random(shape) >= sparsity
    return grid, counts, nullable, draw(st.integers(2, 64))


@given(noisy_grids())
def test_bins_join_consecutive_cells(case):
    grid, counts, nullable, n_bins = case
    bins = coarsen(counts, grid, n_bins)
    assert bins.bin_of_cell[0] == 0
    assert set(np.diff(bins.bin_of_cell)) <= {0, 1}
    assert bins.n_bins == bins.bin_of_cell[-1] + 1 <= 2 * n_bins + 1
    assert (bins.cell_probability > 0).all()
    within = np.bincount(bins.bin_of_cell, weights=bins.cell_probability)
    assert_allclose(within, 1.0, atol=1e-9)
    # one pseudo-record per bin
    held = np.bincount(bins.bin_of_cell, weights=counts[: len(grid.left)])
    held = np.append(held, counts[len(grid.left) :]) + 1
    assert bins.mass.shape == (bins.n_bins + nullable,)
    assert_allclose(bins.mass, held / held.sum())


def test_spikes_are_bins_of_their_own():
    grid = fine_grid(Count(0, 99))
    counts = np.full(100, 1.0)
    counts[[0, 40]] = 60.0
    bins = coarsen(counts, grid, 8)
    sizes = np.bincount(bins.bin_of_cell)
    assert sizes[bins.bin_of_cell[0]] == 1
    assert sizes[bins.bin_of_cell[40]] == 1


def test_bins_have_about_equal_mass():
    counts = np.ones(1000)
    bins = coarsen(counts, fine_grid(Count(0, 999)), 10)
    assert bins.n_bins == 10
    assert_array_equal(np.bincount(bins.bin_of_cell), np.full(10, 100))


@pytest.mark.parametrize("empty", [slice(0, 50), slice(50, 100), slice(30, 70)])
def test_no_bin_lies_where_nearly_nothing_is(empty):
    counts = np.full(100, 10.0)
    counts[empty] = 0.01
    bins = coarsen(counts, fine_grid(Count(0, 99)), 10)
    held = np.bincount(bins.bin_of_cell, weights=counts)
    assert held.min() >= 0.25 * counts.sum() / 10
    # what is there keeps its place within the bin: little, and not by measure
    assert bins.cell_probability[empty].max() < 0.05


def test_bins_of_nothing_are_one():
    bins = coarsen(np.zeros(100), fine_grid(Count(0, 99)), 10)
    assert_allclose(bins.cell_probability.sum(), bins.n_bins)
    assert np.isfinite(bins.mass).all()


def test_within_a_bin_mass_lies_as_the_counts_say():
    grid = fine_grid(Count(0, 9))
    counts = np.array([10.0, 30, 20, 20, 20, 20, 20, 20, 20, 20])
    bins = coarsen(counts, grid, 2)
    first = bins.bin_of_cell == 0
    # one pseudo-record for all bins, half spread by measure, half by cells: here both are even
    share = 1.0 / bins.n_bins
    expected = (counts[first] + share / first.sum()) / (counts[first].sum() + share)
    assert_allclose(bins.cell_probability[first], expected)
