import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth import Continuous, Count
from skdpsynth._histograms import fine_grid, locate
from skdpsynth._markov_network._binning import divide, group_bins, public_bins

counts = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 10), st.floats(0, 1e6)), min_size=1, max_size=40
).map(np.array)


@given(counts, st.integers(1, 50))
def test_there_are_just_as_many_parts_none_of_them_empty(counts, n_parts):
    starts = divide(counts, n_parts)
    assert len(starts) == min(n_parts, len(counts))
    assert starts[0] == 0
    assert (np.diff(starts) > 0).all()
    assert starts[-1] < len(counts)


@given(
    st.lists(st.floats(0, 5), min_size=12, max_size=40).map(np.array),
    st.lists(st.integers(0, 39), min_size=1, max_size=2, unique=True),
    st.integers(6, 12),
)
def test_spikes_stand_alone(counts, spikes, n_parts):
    spikes = sorted({spike % len(counts) for spike in spikes})
    counts[spikes] = 1e4
    starts = divide(counts, n_parts)
    for spike in spikes:
        assert spike in starts
        assert spike == len(counts) - 1 or spike + 1 in starts


def test_a_cell_with_the_mass_of_a_part_is_a_spike():
    counts = np.full(20, 2.0)
    counts[6] = 7.5  # less than a sixth of the whole
    assert divide(counts, 6).tolist() == [0, 4, 6, 9, 12, 16]
    counts[6] = 8.0
    assert divide(counts, 6).tolist() == [0, 3, 6, 7, 11, 16]


def test_parts_have_about_equal_mass():
    rng = np.random.default_rng(0)
    counts = rng.uniform(0, 3, 400)
    starts = divide(counts, 10)
    mass = np.add.reduceat(counts, starts)
    # an edge is at most half a cell from where it would be best
    assert np.abs(mass - counts.sum() / 10).max() <= 3.0
    assert_array_equal(np.diff([*divide(np.zeros(40), 8), 40]), [5] * 8)


KINDS = {
    "count": Count(17, 90),
    "nullable": Count(17, 90, nullable=True),
    "many": Count(0, 100_000),
    "few": Count(-3, 5),
    "continuous": Continuous(-1, 3),
    "positive": Continuous(0, 100, nullable=True),
}


def check_bins(grouped, kind):
    """They partition the grid, the grid the column, and groups the bins."""
    grid, bins = grouped.grid, grouped.bins
    assert len(bins.bin_of_cell) == len(grid.left)
    assert set(np.diff(bins.bin_of_cell)) <= {0, 1}
    assert (bins.bin_of_cell[0], bins.bin_of_cell[-1]) == (0, bins.n_bins - 1)
    within = np.bincount(bins.bin_of_cell, weights=bins.cell_probability)
    assert_allclose(within, 1.0)
    assert (bins.cell_probability > 0).all()
    width = kind.high - kind.low
    is_point = (grid.left == grid.right) & (not grid.is_count)
    total = width + (1 if grid.is_count else 0)
    assert grid.measure[~is_point].sum() == pytest.approx(total)
    if grid.is_count:
        assert_array_equal(grid.left[1:], grid.right[:-1] + 1)
        assert (grid.left[0], grid.right[-1]) == (0, width)
    assert len(grouped.group) == len(grouped.place) == bins.n_bins
    assert set(grouped.group) == set(range(grouped.n_groups))
    assert grouped.place.max() < grouped.n_places
    for number in range(grouped.n_groups):
        own = grouped.place[grouped.group == number]
        assert_array_equal(own, np.arange(len(own)))
    assert_array_equal(grouped.bin_at(grouped.group, grouped.place), np.arange(bins.n_bins))
    # a place that there is not is the group's last
    last = np.flatnonzero(np.append(np.diff(grouped.group), 1))
    groups = np.arange(grouped.n_groups)
    assert_array_equal(grouped.bin_at(groups, np.full(len(groups), grouped.n_places - 1)), last)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("n_groups", "n_places"), [(8, 16), (16, 1), (3, 2), (200, 1)])
def test_groups_and_bins_partition_the_grid(name, n_groups, n_places):
    kind = KINDS[name]
    grid = fine_grid(kind)
    rng = np.random.default_rng(1)
    noisy = rng.gamma(0.3, 20.0, len(grid.left) + kind.nullable)
    noisy[3] = noisy.sum()
    grouped = group_bins(noisy, grid, n_groups, n_places)
    check_bins(grouped, kind)
    assert grouped.n_groups == min(n_groups, len(grid.left))
    assert grouped.n_places == n_places
    mass = np.bincount(grouped.bins.bin_of_cell, weights=noisy[: len(grid.left)]) + 1
    assert_allclose(grouped.bins.mass, mass / mass.sum())


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("n_bins", [1, 2, 7, 16, 200])
def test_public_bins_partition_the_column(name, n_bins):
    kind = KINDS[name]
    grouped = public_bins(kind, n_bins)
    check_bins(grouped, kind)
    n_integers = kind.high - kind.low + 1 if isinstance(kind, Count) else np.inf
    assert grouped.n_groups == min(n_bins, n_integers)
    assert grouped.n_places == 1
    widths = grouped.grid.measure
    assert np.ptp(widths) <= (1 if isinstance(kind, Count) else 1e-9)


@pytest.mark.parametrize(
    ("kind", "edges", "value", "bin_"),
    [
        (Count(0, 10), [0, 3, 7, 10], 2, 0),
        (Count(0, 10), [0, 3, 7, 10], 3, 1),
        (Count(0, 10), [0, 3, 7, 10], 10, 2),
        (Count(0, 10), [0, 2.5, 10], 2, 0),
        (Count(0, 10), [0, 2.5, 10], 3, 1),
        (Count(5, 10), [0, 3, 7, 99], 5, 0),
        (Count(5, 10), [0, 3, 7, 99], 7, 1),
        (Continuous(-1, 3), [-1, 0, 3], -1, 0),
        (Continuous(-1, 3), [-1, 0, 3], -1e-9, 0),
        (Continuous(-1, 3), [-1, 0, 3], 0, 1),
        (Continuous(-1, 3), [-1, 0, 3], 3, 1),
        (Continuous(-1, 3), [-5, 1, 2, 3], 3, 2),
        (Continuous(-1, 3), [-5, -2, 9], 1, 0),
    ],
)
def test_a_value_is_between_its_edges(kind, edges, value, bin_):
    grouped = public_bins(kind, np.array(edges, dtype=float))
    check_bins(grouped, kind)
    unit = np.array([(value - kind.low) / (kind.high - kind.low)])
    assert grouped.bins.bin_of_cell[locate(grouped.grid, kind, unit)] == bin_


@pytest.mark.parametrize(
    ("edges", "starts"),
    [
        # the last bin has several integers, one, or the edge of its own that is the upper bound
        ([0, 1, 2, 3, 24], [0, 1, 2, 3]),
        ([0, 12, 24], [0, 12]),
        ([0, 12, 24, 25], [0, 12, 24]),
        ([-9, -1, 0.5, 0.75, 23.5, 99], [0, 1, 24]),
    ],
)
def test_every_integer_is_in_the_bin_that_its_edges_say(edges, starts):
    kind = Count(0, 24)
    grouped = public_bins(kind, np.array(edges, dtype=float))
    check_bins(grouped, kind)
    assert grouped.grid.left.tolist() == starts
    cells = locate(grouped.grid, kind, np.arange(25) / 24)
    assert_array_equal(cells, np.searchsorted(starts, np.arange(25), side="right") - 1)


@pytest.mark.parametrize("n_bins", range(1, 30))
def test_bins_of_single_integers_end_in_one_of_several_where_there_are_fewer(n_bins):
    kind = Count(-2, 22)
    grid = public_bins(kind, n_bins).grid
    cells = locate(grid, kind, np.arange(25) / 24)
    assert_array_equal(np.bincount(cells), grid.measure)


def test_edges_that_are_one_in_the_unit_interval_make_no_empty_bin():
    kind = Continuous(0, 1e308)
    grouped = public_bins(kind, np.array([0.0, 1e-320, 2e-320, 1.0, 1e308]))
    assert grouped.grid.left.tolist() == [0.0, 1e-308]
    assert (grouped.grid.measure > 0).all()
