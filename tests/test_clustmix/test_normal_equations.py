"""The release of the normal equations: exact sums, sensitivity, budget."""

import math

import numpy as np
import pytest
from desks import desk_of
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth.clustmix._adapt import _normal_equations
from skdpsynth.clustmix._adapt._normal_equations import (
    NormalEquations,
    centred_labels,
    embed_box,
    embed_cells,
    normal_equations_sensitivity,
    positive_gram,
    release_normal_equations,
    sum_normal_equations,
)
from skdpsynth.clustmix._adapt._ntk import UNIT, RandomFeatures, draw_features, map_records

ADJACENCIES = ["add_remove", "replace_one"]


def random_table(n_rows, seed=0, n_classes=3):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((n_rows, 4))
    points /= np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1.0)
    return points, rng.integers(n_classes, size=n_rows)


def release(points, classes, features, mu=math.inf, n_classes=3, adjacency="add_remove"):
    desk, ledger = desk_of(math.inf if mu == math.inf else 1.0, adjacency, delta=1e-6)
    n_records = float(len(classes))
    equations = release_normal_equations(points, classes, n_classes, features, n_records, mu, desk)
    return equations, ledger


def change(neighbours, n_classes, features):
    """L2 distance between the released sums of two tables."""
    (gram, cross), (other_gram, other_cross) = (
        sum_normal_equations(points, classes, n_classes, features) for points, classes in neighbours
    )
    squared = np.square(gram - other_gram).sum() + np.square(cross - other_cross).sum()
    return math.sqrt(squared)


def test_one_hot_blocks_have_norm_one():
    points = embed_cells(np.array([[0, 2], [1, 4]]), 5)
    half = math.sqrt(0.5)
    assert_allclose(points, [[half, 0, half, 0, 0], [0, half, 0, 0, half]])
    assert_allclose(np.square(points).sum(axis=1), 1.0)


def test_boxes_are_centred_scaled_and_clipped():
    points = embed_box(np.array([[0.5, 0.5], [0.5, 1.0], [3.5, 4.5]]), 0.5, 2.0)
    assert_allclose(points, [[0, 0], [0, 0.25], [0.6, 0.8]], atol=UNIT)
    assert np.square(points).sum(axis=1).max() <= 1.0


@pytest.mark.parametrize("n_classes", [2, 3, 26])
def test_labels_are_centred_and_shorter_than_one(n_classes):
    labels = centred_labels(n_classes)
    assert_allclose(labels.sum(axis=1), 0.0, atol=1e-15)
    assert_allclose(np.square(labels).sum(axis=1), 1.0 - 1.0 / n_classes)


def test_without_noise_the_equations_are_the_sums_over_records():
    points, classes = random_table(300)
    features = draw_features(4, 20)
    equations, _ = release(points, classes, features)
    mapped = map_records(points, features) * UNIT
    targets = centred_labels(3)[classes]
    assert_allclose(equations.gram, mapped.T @ mapped, rtol=1e-12)
    # targets are rounded too
    assert_allclose(equations.cross, mapped.T @ targets, atol=300 * UNIT * math.sqrt(3))
    assert equations.scale == 0.0
    assert equations.n_records == 300.0


def test_sums_do_not_depend_on_order_chunks_or_container(monkeypatch):
    points, classes = random_table(257)
    features = draw_features(4, 20, depth=2)
    gram, cross = sum_normal_equations(points, classes, 3, features)
    order = np.random.default_rng(1).permutation(257)
    monkeypatch.setattr(_normal_equations, "CHUNK_SIZE", 10)
    for read in (points[order], lambda start, stop: points[order][start:stop]):
        other = sum_normal_equations(read, classes[order], 3, features)
        assert_array_equal(other[0], gram)
        assert_array_equal(other[1], cross)


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(ADJACENCIES),
    st.sampled_from([2, 3, 10]),
    st.integers(1, 2),
    st.booleans(),
)
def test_one_record_changes_the_sums_by_at_most_the_sensitivity(
    seed, adjacency, n_classes, depth, opposite
):
    points, classes = random_table(12, seed, n_classes)
    rng = np.random.default_rng(seed)
    features = draw_features(4, 6, depth=depth, seed=seed)
    record = int(rng.integers(12))
    others, their_classes = np.delete(points, record, axis=0), np.delete(classes, record)
    neighbour = (others, their_classes)
    if adjacency == "replace_one":
        new = -points[record] if opposite else rng.standard_normal(4) / 4.0
        neighbour = (np.vstack([others, new]), np.append(their_classes, rng.integers(n_classes)))
    change_of_sums = change([(points, classes), neighbour], n_classes, features)
    assert change_of_sums <= normal_equations_sensitivity(n_classes, adjacency)


def single_unit(direction):
    """A map of one hidden unit: (√2 max(x₁, 0), √2 x₁ 1(x₁ > 0)·direction) / √2."""
    return RandomFeatures((np.array([[1.0]]),), (np.array([[direction]]),))


@pytest.mark.parametrize("n_classes", [2, 5])
def test_adding_a_record_attains_the_sensitivity(n_classes):
    # all of φ in one feature; what is left is the rounding of φ and of the labels
    features = single_unit(0.0)
    records = (np.array([[1.0]]), np.array([0]))
    none = (np.zeros((0, 1)), np.zeros(0, dtype=int))
    attained = change([records, none], n_classes, features)
    bound = normal_equations_sensitivity(n_classes, "add_remove")
    assert bound * (1.0 - 2e-4) <= attained <= bound


def worst_replacement(n_classes):
    """Largest change over pairs of unit vectors φ, φ' in the plane, on a fine grid of angles."""
    first, second = (grid.ravel() for grid in np.meshgrid(*[np.linspace(0, np.pi, 721)] * 2))
    vectors = [np.stack([np.cos(t), np.sin(t)]) for t in (first, 2.0 * second)]
    outer = [np.stack([v[0] ** 2 * 0.75, v[0] * v[1], v[1] ** 2 * 0.75]) for v in vectors]
    gram = np.square(outer[0] - outer[1]).sum(axis=0)
    product = (vectors[0] * vectors[1]).sum(axis=0)
    labels = centred_labels(n_classes)
    cross = [2.0 - 2.0 / n_classes - 2.0 * product * (labels[0] @ labels[c]) for c in (0, 1)]
    return math.sqrt((gram + np.maximum(*cross)).max())


@pytest.mark.parametrize(("n_classes", "gap"), [(2, 0.02), (3, 0.02), (10, 0.02), (26, 0.02)])
def test_replacing_a_record_nearly_attains_the_sensitivity(n_classes, gap):
    bound = normal_equations_sensitivity(n_classes, "replace_one")
    worst = worst_replacement(n_classes)
    assert bound * (1.0 - gap) <= worst <= bound


@pytest.mark.parametrize("n_classes", [2, 10])
def test_sensitivities_are_below_those_of_the_plain_sums(n_classes):
    assert normal_equations_sensitivity(n_classes, "add_remove") < math.sqrt(2.0)
    assert normal_equations_sensitivity(n_classes, "replace_one") < 2.0 * math.sqrt(2.0)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_one_release_is_charged_with_its_sensitivity(adjacency):
    points, classes = random_table(50)
    features = draw_features(4, 20)
    equations, ledger = release(points, classes, features, mu=0.1, adjacency=adjacency)
    (entry,) = ledger.entries
    assert entry.event.mu == 0.1
    assert entry.n_coordinates == 20 * 21 // 2 + 20 * 3
    bound = normal_equations_sensitivity(3, adjacency)
    # rounding the sums to the noise's grid is paid for
    assert bound < entry.sensitivity <= bound * (1.0 + 1.0 / 32.0)
    assert entry.noise_scale == pytest.approx(entry.sensitivity / 0.1)
    assert equations.scale == pytest.approx(entry.noise_scale)
    assert_array_equal(equations.gram, equations.gram.T)


def test_noise_has_the_stated_scale():
    # 2,016, 64 and 192 values: relative errors of a deviation 1/√(2n); 5 standard errors each
    none = (np.zeros((0, 4)), np.zeros(0, dtype=int))
    equations, _ = release(*none, draw_features(4, 64), mu=0.2)
    above = equations.gram[np.triu_indices(64, 1)]
    for values, scale in [
        (above, equations.scale),
        (np.diag(equations.gram), equations.scale * 4.0 / 3.0),
        (equations.cross.ravel(), equations.scale),
    ]:
        assert abs(values.std() / scale - 1.0) < 5.0 / math.sqrt(2.0 * values.size)


def test_negative_eigenvalues_are_dropped_and_a_ridge_of_the_noise_added():
    vectors = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
    gram = (vectors * np.array([9.0, 1.0, -0.5, -3.0])) @ vectors.T
    equations = NormalEquations(gram, np.zeros((4, 2)), 10.0, 0.25)
    expected = (vectors * np.array([10.0, 2.0, 1.0, 1.0])) @ vectors.T
    assert_allclose(positive_gram(equations), expected, atol=1e-12)


def test_without_noise_the_gram_matrix_stays():
    points, classes = random_table(100)
    equations, _ = release(points, classes, draw_features(4, 10))
    assert_allclose(positive_gram(equations), equations.gram, atol=1e-10)


def test_the_ridge_covers_what_noise_alone_holds():
    # the norm of such a matrix of size 64 is 2·scale·√64 up to 0.3 σ of its largest eigenvalue
    none = (np.zeros((0, 4)), np.zeros(0, dtype=int))
    equations, _ = release(*none, draw_features(4, 64), mu=0.2)
    largest = np.abs(np.linalg.eigvalsh(equations.gram)).max()
    assert largest == pytest.approx(2.0 * equations.scale * 8.0, rel=0.2)


@pytest.mark.parametrize("size", [2**18, 2**23])
def test_sums_beyond_double_precision_move_by_no_more_than_a_record_adds(monkeypatch, size):
    """Sums of odd numbers beyond 2⁵³ are rounded in float64: a row that leaves shifts the rest."""
    features = RandomFeatures((np.zeros((1, 1)),), (np.zeros((1, 1)),))
    monkeypatch.setattr(_normal_equations, "CHUNK_SIZE", 1)
    monkeypatch.setattr(_normal_equations, "map_records", lambda points, _: np.rint(points))
    rng = np.random.default_rng(0)
    mapped = rng.integers(size, 2 * size, (3000, 2)).astype(np.float64)
    classes = rng.integers(2, size=3000)
    gram, cross = sum_normal_equations(mapped, classes, 2, features)
    for row in (0, 1500, 2999):
        own = sum_normal_equations(mapped[[row]], classes[[row]], 2, features)
        rest = sum_normal_equations(
            np.delete(mapped, row, axis=0), np.delete(classes, row), 2, features
        )
        assert np.all(np.abs(gram - rest[0]) <= np.abs(own[0]))
        assert np.all(np.abs(cross - rest[1]) <= np.abs(own[1]))
    assert (np.abs(gram) < 2.0**53 * UNIT**2 / 4).any() == (size == 2**18)
