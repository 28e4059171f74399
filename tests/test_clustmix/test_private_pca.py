import math

import numpy as np
import pytest
from desks import noiseless
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.clustmix._integer_sums import (
    STEP,
    clip_norm,
    second_moment_sensitivity,
    sums_sensitivity,
)
from skdpsynth.clustmix._vectors import _private_pca
from skdpsynth.clustmix._vectors._private_pca import (
    PrivateRows,
    Standardisation,
    outer_sum,
    read_units,
    release_components,
    release_second_moments,
    release_vector_sums,
    sum_by_group,
)

ADJACENCIES = ["add_remove", "replace_one"]


def contribution(z):
    """What one record adds to the released second moments."""
    return np.concatenate([np.outer(z, z)[np.triu_indices(len(z), 1)], 0.5 * z**2])


def random_records(seed, n_rows, n_features):
    rng = np.random.default_rng(seed)
    return rng.random((n_rows, n_features)) * rng.choice([0.1, 1.0], size=(n_rows, 1))


@given(st.integers(0, 2**31), st.floats(1.0, 1e5))
def test_a_clipped_record_is_whole_and_no_longer_than_the_radius(seed, radius):
    units = np.rint(np.random.default_rng(seed).normal(0, 3000, (20, 7)))
    clipped = clip_norm(units, radius)
    norms = np.sqrt(np.square(clipped).sum(axis=1))
    assert np.all(norms <= radius)
    assert np.array_equal(clipped, np.rint(clipped))
    is_short = np.sqrt(np.square(units).sum(axis=1)) <= radius
    assert np.array_equal(clipped[is_short], units[is_short])


def test_a_record_has_the_same_units_wherever_it_stands():
    values = random_records(0, 65, 91)
    standardisation = Standardisation(np.full(91, 0.3), np.linspace(0.1, 1.0, 91), 2.0)
    together = read_units(values, standardisation)
    for row in (0, 1, 7, 64):
        alone = read_units(np.ascontiguousarray(values[row : row + 1]), standardisation)
        assert np.array_equal(alone[0], together[row])


def test_sums_are_exact_in_any_order():
    steps = np.rint(np.random.default_rng(0).normal(0, 2000, (500, 30)))
    order = np.random.default_rng(1).permutation(500)
    groups = np.arange(500) % 3
    whole = steps.astype(np.int64)
    brute = np.array([whole[groups == g].sum(axis=0) for g in range(3)])
    assert np.array_equal(sum_by_group(steps, groups, 3), brute)
    assert np.array_equal(sum_by_group(steps[order], groups[order], 3), brute)
    assert np.array_equal(outer_sum(steps), whole.T @ whole)
    small = np.clip(steps, -100, 100)
    assert np.array_equal(outer_sum(small), small.astype(np.int64).T @ small.astype(np.int64))


@given(st.integers(0, 2**31), st.integers(1, 6), st.floats(0.0, 1.0))
def test_no_two_records_second_moments_are_further_apart_than_stated(seed, n_features, mix):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, n_features)) * rng.choice([1e-2, 1.0], (2, n_features))
    second = mix * first + (1 - mix) * second
    first, second = (2.0 * v / np.linalg.norm(v) for v in (first, second))
    add_remove, replace_one = (second_moment_sensitivity(2.0, a) for a in ADJACENCIES)
    assert np.linalg.norm(contribution(first)) <= add_remove + 1e-12
    distance = np.linalg.norm(contribution(first) - contribution(second))
    assert distance <= replace_one + 1e-12


def test_the_second_moments_sensitivity_is_nearly_attained():
    # the gap of a record spread over d columns is 1 - sqrt(1 - 1/(2d)), here 0.25 %
    z = np.full(100, 0.2)
    attained = np.linalg.norm(contribution(z))
    assert attained == pytest.approx(math.sqrt(1 - 1 / 200) * 4.0 / math.sqrt(2.0))
    other = z * np.where(np.arange(100) % 2, 1.0, -1.0)
    apart = np.linalg.norm(contribution(z) - contribution(other))
    assert apart == pytest.approx(4.0, rel=1e-12)
    assert second_moment_sensitivity(2.0, "replace_one") == 4.0


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_the_sums_sensitivity_is_attained(adjacency):
    radius, z = 3.0, np.array([3.0, 0.0])
    here, there = np.zeros((2, 2, 3))
    here[0] = [1.0, *z]
    there[0] = [1.0, *-z]
    elsewhere = here[::-1]
    moves = [np.linalg.norm(here)]
    if adjacency == "replace_one":
        moves = [np.linalg.norm(here - there), np.linalg.norm(here - elsewhere)]
    assert max(moves) == pytest.approx(sums_sensitivity(radius, adjacency))


def test_releases_without_noise_are_the_sums():
    rng = np.random.default_rng(0)
    steps = np.rint(rng.normal(0, 200, (50, 4)))
    groups = np.arange(50) % 2
    desk = noiseless()
    sums = release_vector_sums(
        np.array([25, 25]), sum_by_group(steps, groups, 2), 1e3, math.inf, "s", desk
    )
    z = steps * STEP
    assert sums.n_records.tolist() == [25.0, 25.0]
    assert np.allclose(sums.total, [z[groups == g].sum(axis=0) for g in (0, 1)], rtol=1e-13)
    moments = np.array([outer_sum(steps[groups == g]) for g in (0, 1)])
    released, noise_scale = release_second_moments(moments, 1e3, math.inf, "m", desk)
    assert noise_scale == 0.0
    expected = [z[groups == g].T @ z[groups == g] for g in (0, 1)]
    assert np.allclose(released, expected, rtol=1e-13, atol=1e-10)


def test_second_moments_beyond_double_precision_move_by_no_more_than_a_record_adds(monkeypatch):
    """A float64 sum of the squares of more than 2²³ records of full range would be rounded."""
    monkeypatch.setattr(_private_pca, "outer_sum", lambda steps: np.full((1, 1), 2**52 + 1))
    codes = np.full((40 * _private_pca.CHUNK_ROWS, 1), 0.5)
    standardisation = Standardisation(np.zeros(1), np.ones(1), 1.0)

    def release(n_chunks):
        rows = PrivateRows(codes[: n_chunks * _private_pca.CHUNK_ROWS], np.array([0]), codes, 1)
        noisy, _ = release_components(rows, standardisation, math.inf, noiseless())
        return noisy.item() / STEP**2

    assert release(1) == 2**52 + 1
    for n_chunks in range(2, 40):
        assert 0 <= release(n_chunks) - release(n_chunks - 1) <= 2**52 + 1
