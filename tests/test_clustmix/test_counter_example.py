"""One record moves all centroids of the published mechanism, and no released sum by more than Δ.

Fifty records lie on each corner of the unit square and one more on the middle of its left or of
its lower side. Of all splits into clusters of at least 100 records the best one is left and right
in the first table, bottom and top in the second.
"""

import itertools
import math

import numpy as np
import pytest
from desks import desk_of, noiseless
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth import Continuous, Count, TableSchema
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._kernels import NaturalParameters
from skdpsynth._product_mixture._layout import build_layout, encode_records
from skdpsynth._product_mixture._measure import pass_sensitivity, release_sums
from skdpsynth.clustmix._published import _madl2022
from skdpsynth.clustmix._published._constrained_mixture import SizeConstrainedGaussianMixture
from skdpsynth.clustmix._published._madl2022 import claimed_sensitivity, smallest_cluster
from skdpsynth.exceptions import PrivacyLeakWarning
from skdpsynth.schema import Table

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
LEFT_SIDE, LOWER_SIDE = np.array([0.0, 0.5]), np.array([0.5, 0.0])
MIN_SIZE = 100
CLAIM = math.sqrt(2) / 100

LEFT_AND_RIGHT = np.array([[0.0, 0.5], [1.0, 0.5]])
BOTTOM_AND_TOP = np.array([[0.5, 0.0], [0.5, 1.0]])


def make_table(record):
    return np.append(np.repeat(CORNERS, 50, axis=0), [record], axis=0)


def all_splits(record):
    """Every split into clusters of at least 100 records, up to which of equal records go where.

    Returns numbers of records in the first cluster, of shape (n_splits, 5), and the sum of squares
    within both clusters, of shape (n_splits,).
    """
    values = np.append(CORNERS, [record], axis=0)
    available = np.array([50, 50, 50, 50, 1])
    three = np.array(list(itertools.product(range(51), repeat=3)))
    parts = []
    for size, own in itertools.product((100, 101), (0, 1)):
        fourth = size - own - three.sum(axis=1)
        fits = (fourth >= 0) & (fourth <= 50)
        counts = np.column_stack([three, fourth, np.full(len(three), own)])
        parts.append(counts[fits])
    first = np.concatenate(parts)
    second = available - first
    total = available @ np.sum(values**2, axis=1)
    between = sum(
        np.sum((part @ values) ** 2, axis=1) / part.sum(axis=1) for part in (first, second)
    )
    return first, total - between


@pytest.mark.parametrize(
    ("record", "best"),
    [(LEFT_SIDE, [50, 50, 0, 0, 1]), (LOWER_SIDE, [50, 0, 50, 0, 1])],
)
def test_the_best_split_of_all(record, best):
    splits, cost = all_splits(record)
    assert np.all((splits.sum(axis=1) >= 100) & (splits.sum(axis=1) <= 101))
    order = np.argsort(cost)
    # unique: the runner-up is worse, and not by rounding
    assert_allclose(cost[order[:2]], [50.0, 50.0])
    available = np.array([50, 50, 50, 50, 1])
    assert {tuple(row) for row in splits[order[:2]]} == {tuple(best), tuple(available - best)}
    assert cost[order[2]] > 50.2


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_replacing_one_record_moves_the_centroids_by_one(covariance_type):
    means = []
    for record in (LEFT_SIDE, LOWER_SIDE):
        mixture = SizeConstrainedGaussianMixture(
            2,
            min_size=MIN_SIZE,
            covariance_type=covariance_type,
            reg_covar=1e-4,
            n_init=20,
            random_state=0,
        ).fit(make_table(record))
        assert sorted(np.bincount(mixture.labels_)) == [100, 101]
        means.append(mixture.means_[np.lexsort(mixture.means_.T)])
    assert_allclose(means[0], LEFT_AND_RIGHT, atol=1e-12)
    assert_allclose(means[1], BOTTOM_AND_TOP, atol=1e-12)
    # whichever of the new centroids one compares an old one with
    moved = [np.linalg.norm(means[0] - means[1][order]) for order in ([0, 1], [1, 0])]
    assert_allclose(moved, 1.0)
    assert_allclose(claimed_sensitivity(2, MIN_SIZE), CLAIM)
    assert min(moved) > 70 * claimed_sensitivity(2, MIN_SIZE)


def test_the_published_mechanism_moves_by_one(monkeypatch):
    # as many as it takes to find the best split
    monkeypatch.setattr(_madl2022, "N_STARTS", 20)
    schema = TableSchema({"x": Continuous(0, 1), "y": Continuous(0, 1)})
    # the same noise in both
    desks = [desk_of(1.0, "replace_one", delta=1e-6, seed=1)[0] for _ in range(2)]
    mu = desks[0].mu
    # by rounding the least size could be 101
    sigma_max = CLAIM / mu * (1 + 1e-9)
    assert smallest_cluster(2, mu, sigma_max) == MIN_SIZE
    plan = _madl2022.Madl2022Plan(*_madl2022.box_columns(schema), 2, sigma_max)
    with pytest.warns(PrivacyLeakWarning, match="not differentially private"):
        released = [
            plan.release(Table(make_table(record), schema, None, False), desk)
            for record, desk in zip((LEFT_SIDE, LOWER_SIDE), desks, strict=True)
        ]
    for release in released:
        assert_array_equal(np.sort(release.counts), [100, 101])
        assert_allclose(release.noise_scale, CLAIM / mu)
    moved = np.linalg.norm(released[0].centroids - released[1].centroids)
    # centroids are rounded to a grid of a thousandth of the noise
    assert_allclose(moved, 1.0, atol=1e-3)


@pytest.mark.parametrize("centroids", [LEFT_AND_RIGHT, BOTTOM_AND_TOP, CORNERS])
def test_sums_around_public_centroids_move_by_no_more_than_their_sensitivity(centroids):
    # the coordinates 0, 0.5 and 1 as integers, a block of cells each
    schema = TableSchema({"x": Count(0, 2), "y": Count(0, 2)})
    columns = model_columns(schema, {"x": "categorical", "y": "categorical"})
    layout = build_layout(columns, {}, None)
    values = np.array([0.0, 0.5, 1.0])
    log_cell = -np.concatenate([(values[:, None] - centroids[:, j]) ** 2 for j in range(2)])
    model = NaturalParameters(
        np.zeros(len(centroids)),
        1e4 * log_cell,
        np.zeros((0, len(centroids))),
        np.zeros(len(centroids), dtype=np.int32),
    )

    def released_sums(table):
        records = encode_records(table, columns, layout, {}, {})
        sums = release_sums(
            records,
            model,
            layout,
            len(centroids),
            1.0,
            math.inf,
            "sums",
            noiseless(),
            is_hard=True,
        )
        return np.concatenate([sums.n_records, sums.cell.ravel()])

    first, second = (released_sums(make_table(record)) for record in (LEFT_SIDE, LOWER_SIDE))
    without = released_sums(make_table(LEFT_SIDE)[:-1])
    # what is summed are one-hot blocks and a one: Δ² = 1 + 2
    sensitivity = pass_sensitivity(columns, None, noiseless())
    assert_allclose(sensitivity, math.sqrt(3))
    assert_allclose(np.linalg.norm(first - without), sensitivity)
    assert np.linalg.norm(first - second) <= pass_sensitivity(
        columns, None, noiseless("replace_one")
    )
    # all other records stay where they are
    assert np.abs(first - second).sum() <= 6


@pytest.mark.parametrize("centroids", [LEFT_AND_RIGHT, BOTTOM_AND_TOP, CORNERS])
def test_raw_sums_around_public_centroids_move_by_no_more_than_their_sensitivity(centroids):
    def sums(table):
        distances = np.sum((table[:, None] - centroids) ** 2, axis=2)
        member = np.eye(len(centroids))[np.argmin(distances, axis=1)]
        return np.column_stack([member.sum(axis=0), member.T @ table])

    first, second = sums(make_table(LEFT_SIDE)), sums(make_table(LOWER_SIDE))
    without = sums(make_table(LEFT_SIDE)[:-1])
    # a record and its count: 1 + ‖x‖² is at most 1 + D
    assert np.linalg.norm(first - without) <= math.sqrt(3)
    assert np.linalg.norm(first - second) <= math.sqrt(6)
