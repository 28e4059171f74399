import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._denoising import LevelCounts, add_up_levels, halve, halve_cells, place_in_pairs


@given(st.integers(1, 3000))
def test_every_pair_of_places_has_a_cell(n_cells):
    place = place_in_pairs(n_cells)
    depth = max(int(np.ceil(np.log2(n_cells))), 1)
    assert (np.diff(place) > 0).all()
    assert 0 <= place[0] <= place[-1] < 2**depth
    assert_array_equal(np.unique(place // 2), np.arange(2 ** (depth - 1)))


def noisy_levels(rng, counts, scales):
    depth = len(scales)
    return [
        counts.reshape(2**level, -1).sum(axis=1) + rng.normal(0, scale, 2**level)
        for level, scale in zip(range(1, depth + 1), scales, strict=True)
    ]


def least_squares(noisy, variances, total):
    """Return the estimates of the last level, all levels in one regression, their sum known."""
    depth = len(noisy)
    rows, values, weights = [], [], []
    for level, (own, variance) in enumerate(zip(noisy, variances, strict=True), start=1):
        rows.append(np.repeat(np.eye(2**level), 2 ** (depth - level), axis=1))
        values.append(own)
        weights.append(np.full(2**level, variance**-0.5))
    design, root = np.vstack(rows), np.concatenate(weights)
    # the sum, all but exact
    design = np.vstack([root[:, None] * design, np.full(2**depth, 1e5)])
    return np.linalg.lstsq(
        design, np.append(root * np.concatenate(values), 1e5 * total), rcond=None
    )[0]


@pytest.mark.parametrize("scales", [(1.0, 1.0, 1.0), (3.0, 0.5, 2.0), (0.2, 5.0, 40.0)])
def test_strong_counts_are_the_least_squares_estimate(scales):
    rng = np.random.default_rng(0)
    # so many in every cell that none can be empty, and no halves even
    counts = rng.uniform(0.5, 1.5, 8) * 1e6
    noisy, variances = noisy_levels(rng, counts, scales), np.square(scales)
    levels = add_up_levels(noisy, variances, np.ones(8, dtype=bool))
    found = halve(counts.sum(), levels, np.ones(8))
    assert_allclose(found, least_squares(noisy, variances, counts.sum()), atol=2e-2)


def test_the_sums_below_are_combined_by_least_squares():
    rng = np.random.default_rng(1)
    scales = (2.0, 1.0)
    noisy = noisy_levels(rng, rng.uniform(0, 9, 4), scales)
    levels = add_up_levels(noisy, np.square(scales), np.ones(4, dtype=bool))
    # a half by itself, 2² = 4, and the sum of its quarters, 1 + 1 = 2
    sums = noisy[1].reshape(2, 2).sum(axis=1)
    assert_allclose(levels.counts[0], (noisy[0] / 4 + sums / 2) / (1 / 4 + 1 / 2))
    assert_allclose(levels.variances[0], 1 / (1 / 4 + 1 / 2))


def test_without_noise_the_cells_are_returned():
    counts = np.random.default_rng(2).poisson(0.7, 32).astype(float)
    noisy = noisy_levels(np.random.default_rng(0), counts, [0.0] * 5)
    levels = add_up_levels(noisy, [0.0] * 5, np.ones(32, dtype=bool))
    assert_array_equal(halve(counts.sum(), levels, np.ones(32)), counts)


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), st.floats(0, 1e4), st.floats(1e-3, 1e4))
def test_masses_are_not_negative_and_sum_to_the_total(seed, n_cells, total, scale):
    rng = np.random.default_rng(seed)
    counts = rng.choice([0.0, 1.0, 100.0, -50.0, 1e5], n_cells) + rng.normal(0, scale, n_cells)
    masses = halve_cells(total, counts, scale**2)
    assert masses.min() >= 0.0
    assert masses.sum() == pytest.approx(total)


def test_where_nothing_is_seen_a_half_has_between_its_measure_and_as_much_as_the_other():
    measure = np.array([1.0, 2.0, 3.0, 10.0, 0.0, 4.0, 2.0, 2.0])
    noise = np.random.default_rng(3).normal(0, 1e6, 8)
    exists = measure > 0
    levels = LevelCounts(
        [noise[:2], noise[2:6], np.where(exists, noise, 0.0)],
        [np.full(2, 1e12), np.full(4, 1e12), np.where(exists, 1e12, 0.0)],
    )
    masses = halve(240.0, levels, measure)
    assert masses[4] == 0.0
    for level in (1, 2, 3):
        halves, domain = (part.reshape(2**level, -1).sum(axis=1) for part in (masses, measure))
        first = halves[::2] / (halves[::2] + halves[1::2])
        even = domain[::2] / (domain[::2] + domain[1::2])
        # nearer to the measure: any division is the rarer case, and its mean is the middle
        assert (np.abs(first - even) <= np.abs(even - 0.5) / 2 + 1e-2).all()
        assert ((first - even) * (0.5 - even) >= -1e-9).all()


def test_far_cells_that_are_empty_get_nothing_however_many_they_are():
    rng = np.random.default_rng(4)
    left = 0
    for _ in range(200):
        counts = np.zeros(256)
        counts[:16] = 60.0
        noisy = noisy_levels(rng, counts, [10.0] * 8)
        levels = add_up_levels(noisy, [100.0] * 8, np.ones(256, dtype=bool))
        left += halve(counts.sum(), levels, np.ones(256))[32:].sum() > 30.0
    # the estimate of each far half exceeds three standard deviations, 30, with probability 10⁻³ at
    # most: over three halves and 200 runs that is 0.8, and more than 5 have probability 10⁻³
    assert left <= 5


def test_a_heap_is_found_and_its_neighbours_are_left_alone():
    rng = np.random.default_rng(5)
    counts = np.full(64, 20.0)
    counts[37] = 400.0
    noisy = noisy_levels(rng, counts, [15.0] * 6)
    levels = add_up_levels(noisy, [225.0] * 6, np.ones(64, dtype=bool))
    masses = halve(counts.sum(), levels, np.ones(64))
    # 400 ± 15: six standard deviations have probability 2·10⁻⁹
    assert abs(masses[37] - 400.0) < 90.0
    assert np.abs(np.delete(masses, 37) - 20.0).mean() < 10.0


def test_more_is_known_of_few_cells_than_their_noise_says():
    """The mean squared error over many draws is far below that of the counts themselves."""
    rng = np.random.default_rng(6)
    counts = 1000.0 * np.exp(-np.arange(32) / 3.0) / np.exp(-np.arange(32) / 3.0).sum()
    errors = [
        np.square(halve_cells(1000.0, counts + rng.normal(0, 20.0, 32), 400.0) - counts).mean()
        for _ in range(100)
    ]
    # 400 is the noise's; the standard error of the mean of 100 is below 15
    assert np.mean(errors) < 200.0


def test_mirrored_counts_give_mirrored_masses():
    rng = np.random.default_rng(7)
    counts = rng.normal(20.0, 15.0, 16)
    forward = halve_cells(300.0, counts, 100.0)
    assert_allclose(halve_cells(300.0, counts[::-1], 100.0)[::-1], forward, atol=1e-9)
    # and doubled units doubled masses
    assert_allclose(halve_cells(600.0, 2 * counts, 400.0), 2 * forward, rtol=1e-9)
