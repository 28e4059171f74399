import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._product_mixture._components import (
    MAX_COMPONENTS_PER_CLASS,
    choose_components,
    consistent_totals,
    mixing_proportions,
    refine,
    start_components,
)
from skdpsynth._product_mixture._estimates import (
    NoisySums,
    add_by_class,
    average,
    make_consistent,
)

from .reference import mixed_schema, random_model

MODEL = random_model(np.random.default_rng(0), mixed_schema(True))
LAYOUT, BINS = MODEL.layout, MODEL.bins
# the target is nullable: two levels and the missing one
OWNER = np.array([0, 0, 0, 1, 2])


def exact_sums(rng, n_components):
    """Sums of that many groups of 200 random rows."""
    n = np.full(n_components, 200.0)
    cell = np.concatenate(
        [200 * rng.dirichlet(np.ones(b.n_cells), n_components) for b in LAYOUT.blocks], axis=1
    )
    u, missing = rng.beta(3, 3, (2, n_components, 100)).mean(axis=2)
    v = rng.uniform(0.2, 0.6, n_components)
    features = 200 * np.column_stack([u * 0.8, 0.8 * u**2 + 0.02, 0 * u + 0.2, v, missing / 3])
    return NoisySums(n, cell, features, np.zeros(n_components))


def test_the_layout_is_the_one_meant():
    assert LAYOUT.n_classes == 3
    assert LAYOUT.n_features == 5


@pytest.mark.parametrize("n_components", [1, 3, 4, 10, 57])
def test_a_given_number_is_shared_out_by_the_counts(n_components):
    counts = np.array([500.0, -20.0, 100.0])
    owner = choose_components(n_components, counts, 1.0)
    sizes = np.bincount(owner, minlength=3)
    assert sizes.sum() == max(n_components, 3)
    assert sizes[1] == 1
    assert sizes[0] >= sizes[2] >= 1
    assert (np.diff(owner) >= 0).all()


def test_automatic_numbers_grow_with_the_counts_and_shrink_with_the_noise():
    counts = np.array([1e9, 2000.0, -5.0])
    exact = np.bincount(choose_components("auto", counts, 0.0))
    noisy = np.bincount(choose_components("auto", counts, 5.0))
    assert exact[0] == noisy[0] == MAX_COMPONENTS_PER_CLASS
    assert exact[1] > noisy[1] >= 1
    assert exact[2] == noisy[2] == 1


def test_settled_sums_add_up_to_a_known_count():
    rng = np.random.default_rng(1)
    sums = exact_sums(rng, 3)
    noisy = sums._replace(
        n_records=sums.n_records + rng.normal(size=3),
        cell=sums.cell + rng.normal(size=sums.cell.shape),
    )
    free = consistent_totals(noisy, LAYOUT, None)
    assert_allclose(free.n_records, make_consistent(noisy, LAYOUT).n_records)
    known = consistent_totals(noisy, LAYOUT, 600.0)
    assert known.n_records.sum() == pytest.approx(600.0)
    # what is too much is taken from all classes alike
    assert np.ptp(known.n_records - free.n_records) == pytest.approx(0, abs=1e-9)
    for block in LAYOUT.blocks:
        assert_allclose(known.cell[:, block.cells].sum(axis=1), known.n_records)


def test_a_class_with_one_component_has_the_estimate_of_all_passes():
    rng = np.random.default_rng(2)
    sums = exact_sums(rng, 5)._replace(variance=np.full(5, 4.0))
    own = add_by_class(sums, OWNER, 3)
    totals = consistent_totals(
        average(own, exact_sums(rng, 3)._replace(variance=np.full(3, 9.0))), LAYOUT, None
    )
    alone = refine(totals, totals, LAYOUT, BINS, np.arange(3))
    found = refine(sums, totals, LAYOUT, BINS, OWNER)
    for part, expected in zip(found, alone, strict=True):
        assert_allclose(part[3:], expected[1:])
    assert not np.allclose(found.cell[0], alone.cell[0])


def test_components_of_one_class_differ_at_the_start_and_average_out():
    rng = np.random.default_rng(3)
    totals = make_consistent(exact_sums(rng, 3), LAYOUT)
    start = start_components(totals, LAYOUT, BINS, OWNER, np.random.default_rng(4))
    again = start_components(totals, LAYOUT, BINS, OWNER, np.random.default_rng(4))
    for part, same in zip(start, again, strict=True):
        assert_array_equal(part, same)
    classes = refine(totals, totals, LAYOUT, BINS, np.arange(3))
    for block in LAYOUT.blocks:
        cells = start.cell[:, block.cells]
        assert_allclose(cells.sum(axis=1), 1)
        assert (cells > 0).all()
        assert np.ptp(cells[:3], axis=0).max() > 0.01
        assert_allclose(cells[3:], classes.cell[1:, block.cells])
    assert np.ptp(start.location[:3], axis=0).min() > 0.01
    assert_allclose(start.location[3:], classes.location[1:])
    assert_allclose(start.n_records, totals.n_records[OWNER] / [3, 3, 3, 1, 1])


def test_mixing_proportions_add_one_record_per_class_and_component():
    counts, class_counts = np.array([30.0, -5.0, 10.0, 100.0, 0.0]), np.array([40.0, 100.0, 0.0])
    weights = mixing_proportions(counts, class_counts, OWNER)
    assert weights.sum() == pytest.approx(1)
    first = 41 / 143
    assert_allclose(weights[:3], first * np.array([31, 1, 11]) / 43)
    assert_allclose(weights[3:], [101 / 143, 1 / 143])
    assert mixing_proportions(np.array([-3.0]), np.array([-3.0]), np.array([0])) == pytest.approx(1)
