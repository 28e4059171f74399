import math

import numpy as np
import pytest
from desks import RecordingDesk, noiseless
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.clustmix._vectors._column_marginals import (
    ColumnCells,
    column_cells,
    latent_map,
    release_cells,
    release_location,
    release_radius,
    release_spread,
    smooth_cells,
)
from skdpsynth.clustmix._vectors._private_pca import PrivateRows, Standardisation
from skdpsynth.schema import Continuous, Count

ADJACENCIES = ["add_remove", "replace_one"]
CENTRE = np.array([0.2, 0.5, 0.9])
SPREAD = np.array([0.1, 0.3, 0.05])
CELLS = column_cells([Continuous(0, 1), Continuous(-1, 1), Count(0, 4)], CENTRE, SPREAD)
STANDARDISATION = Standardisation(CENTRE, SPREAD, math.inf)


def rows_of(values):
    values = np.asarray(values, dtype=np.float64)
    labels = np.zeros(len(values), dtype=np.int64)
    return PrivateRows(values, np.arange(values.shape[1]), labels, 1)


def measure(values, adjacency):
    """Return the exact statistics of all releases, and the sensitivities stated for them."""
    rows, desk = rows_of(values), RecordingDesk(adjacency)
    release_location(rows, math.inf, desk)
    release_spread(rows, CENTRE, 10.0, math.inf, desk)
    release_radius(rows, STANDARDISATION, 10.0, math.inf, desk)
    release_cells(rows, CELLS, math.inf, desk)
    return desk.seen


VALUES = st.sampled_from([0.0, 1.0, 0.5, 0.2, 0.9, 0.25, 0.123, 0.75])


@pytest.mark.parametrize("adjacency", ADJACENCIES)
@given(
    st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=2, max_size=6),
    st.tuples(VALUES, VALUES, VALUES),
)
def test_no_record_moves_a_release_by_more_than_its_sensitivity(adjacency, table, other):
    neighbour = table[1:] if adjacency == "add_remove" else [other, *table[1:]]
    pairs = zip(measure(table, adjacency), measure(neighbour, adjacency), strict=True)
    for (first, sensitivity), (second, _) in pairs:
        assert np.linalg.norm(first - second) <= sensitivity * (1 + 1e-12)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_every_sensitivity_is_attained(adjacency):
    corner = (1.0, 1.0, 1.0)
    whole = measure([corner, corner], adjacency)
    neighbours = [[corner]]
    if adjacency == "replace_one":
        # no single record is far in every release
        neighbours = [[corner, (0.0, 0.0, 0.0)], [corner, (0.25, 0.55, 0.85)]]
    gaps = [
        [
            sensitivity - np.linalg.norm(first - second)
            for (first, sensitivity), (second, _) in zip(
                whole, measure(table, adjacency), strict=True
            )
        ]
        for table in neighbours
    ]
    assert np.min(gaps, axis=0) == pytest.approx(np.zeros(4), abs=1e-12)


def test_location_without_noise_is_the_mean():
    values = np.random.default_rng(0).random((70, 3))
    n_records, mean, scale = release_location(rows_of(values), math.inf, noiseless())
    assert (n_records, scale) == (70.0, 0.0)
    assert np.allclose(mean, values.mean(axis=0), atol=2.0**-20)


def test_spread_is_within_an_octave_cell_of_the_root_mean_square():
    rng = np.random.default_rng(0)
    true = np.array([0.2, 0.02, 0.002])
    values = np.clip(0.5 + rng.uniform(-1, 1, (4000, 3)) * true * math.sqrt(3.0), 0, 1)
    spread = release_spread(rows_of(values), np.full(3, 0.5), 4000.0, math.inf, noiseless())
    # within a cell the mean square is between 1/4 and 1 of its upper end's, and taken as 7/12
    assert np.all(np.abs(np.log(spread / true)) < 0.5 * math.log(7 / 3))


def test_radius_is_the_quantile_of_the_norms():
    values = np.clip(np.random.default_rng(0).normal(0.5, 0.1, (2000, 3)), 0, 1)
    standardisation = Standardisation(np.full(3, 0.5), np.ones(3), math.inf)
    radius = release_radius(rows_of(values), standardisation, 2000.0, math.inf, noiseless())
    exact = np.quantile(np.linalg.norm(values - 0.5, axis=1), 0.6)
    assert exact * (1 - 1e-3) <= radius <= exact * 2.0 ** (1 / 8) * (1 + 1e-3)


def brute_cell(cells, value):
    points = [i for i in range(len(cells.left)) if cells.left[i] == cells.right[i] == value]
    inside = [i for i in range(len(cells.left)) if cells.left[i] <= value < cells.right[i]]
    return (points + inside)[0]


def test_cells_partition_the_unit_interval_and_counts_are_exact():
    values = np.random.default_rng(0).choice([0.0, 1.0, 0.5, 0.2, 0.31, 0.9, 0.99], (200, 3))
    counts, scale = release_cells(rows_of(values), CELLS, math.inf, noiseless())
    assert scale == 0.0
    for j, cells in enumerate(CELLS):
        assert cells.left[0] == cells.right[0] == 0.0
        assert cells.left[-1] == cells.right[-1] == 1.0
        assert np.array_equal(cells.left[1:], cells.right[:-1])
        brute = np.bincount([brute_cell(cells, v) for v in values[:, j]], minlength=len(cells.left))
        assert np.array_equal(counts[j], brute)
    # zero is a point of its own where the bounds enclose it
    assert np.any((CELLS[1].left == 0.5) & (CELLS[1].right == 0.5))


def test_the_map_takes_a_mixture_to_its_marginal():
    # 20,000 draws: each share at five standard errors of at most 0.0036, plus the table's 0.002
    cells = ColumnCells(np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, 1.0]))
    probability = np.array([0.4, 0.3, 0.2, 0.1])
    weights, means, scales = np.array([0.3, 0.7]), np.array([-1.0, 2.0]), np.array([0.5, 1.5])
    latent, level, cumulative, value = latent_map(probability, cells, weights, means, scales)
    rng = np.random.default_rng(0)
    component = rng.choice(2, 20_000, p=weights)
    draws = np.sort(rng.normal(means[component], scales[component]))
    mapped = np.interp(np.interp(draws, latent, level), cumulative, value)
    assert np.all(np.diff(mapped) >= 0)
    shares = [
        np.mean(mapped == 0.0),
        np.mean((mapped > 0.0) & (mapped < 0.5)),
        np.mean((mapped >= 0.5) & (mapped < 1.0)),
        np.mean(mapped == 1.0),
    ]
    assert np.allclose(shares, probability, atol=0.02)


def test_noisy_cells_shrink_to_the_mixture_and_exact_ones_do_not():
    cells = ColumnCells(np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, 1.0]))
    counts = np.array([50.0, 20.0, 20.0, 10.0])
    normal = np.ones(1), np.array([0.5]), np.array([0.1])
    exact = smooth_cells(counts, cells, 0.0, 100.0, *normal)
    assert np.allclose(exact, counts / 100)
    drowned = smooth_cells(counts, cells, 1e4, 100.0, *normal)
    assert np.allclose(drowned, [0.0, 0.5, 0.5, 0.0], atol=1e-6)
