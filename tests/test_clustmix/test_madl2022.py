import math
import warnings

import numpy as np
import pytest
from desks import desk_of
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth._product_mixture._layout import build_layout
from skdpsynth.clustmix._published import _madl2022 as madl
from skdpsynth.clustmix._published._madl2022 import infer_madl2022
from skdpsynth.exceptions import PrivacyLeakWarning
from skdpsynth.schema import Table

SCHEMA = TableSchema(
    {
        "age": Count(0, 100),
        "pay": Continuous(0, 10, nullable=True),
        "size": Ordinal(["s", "m", "l"], nullable=True),
        "sick": Categorical(["no", "yes"]),
    },
    "sick",
)


def make_codes(n_rows, seed=0):
    """The sick are older and have no small size; a tenth of the pay is missing."""
    rng = np.random.default_rng(seed)
    sick = (rng.random(n_rows) < 0.3).astype(float)
    age = np.round(np.clip(rng.normal(30 + 40 * sick, 5), 0, 100)) / 100
    pay = np.where(rng.random(n_rows) < 0.1, np.nan, rng.random(n_rows))
    size = np.where(rng.random(n_rows) < 0.2, np.nan, np.maximum(rng.integers(0, 3, n_rows), sick))
    return np.column_stack([age, pay, size, sick])


def release(codes, n_clusters="auto", sigma_max=0.1, *, epsilon=1.0, seed=0, schema=SCHEMA):
    desk, ledger = desk_of(epsilon, delta=1e-6, seed=seed)
    return release_at(desk, codes, n_clusters, sigma_max, schema), ledger


def release_at(desk, codes, n_clusters, sigma_max=0.1, schema=SCHEMA):
    plan = madl.Madl2022Plan(*madl.box_columns(schema), n_clusters, sigma_max)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrivacyLeakWarning)
        return plan.release(Table(codes, schema, None, False), desk)


def test_records_are_points_of_the_unit_box():
    columns, owner = madl.box_columns(SCHEMA)
    layout = build_layout(columns, {}, owner)
    codes = np.array([[0.5, 0.25, 2.0, 1.0], [1.0, np.nan, np.nan, 0.0]])
    # size and its missing cell, age, pay and whether it is missing; the classes are no coordinate
    expected = [[0, 0, 1, 0, 0.5, 0.25, 0], [0, 0, 0, 1, 1.0, 0, 1]]
    assert_array_equal(madl.embed_in_box(codes, columns, layout), expected)


@pytest.mark.parametrize("mu", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("sigma_max", [0.02, 0.1, 0.5])
def test_least_size_keeps_the_noise_below_its_limit(mu, sigma_max):
    least = madl.smallest_cluster(50, mu, sigma_max)
    assert madl.claimed_sensitivity(50, least) / mu <= sigma_max
    if least > madl.SMALLEST_CLUSTER:
        assert madl.claimed_sensitivity(50, least - 1) / mu > sigma_max


def test_every_cluster_has_the_least_size_and_the_noise_that_goes_with_it():
    codes = make_codes(4000)
    released, ledger = release(codes)
    least = madl.smallest_cluster(7, ledger.mu, 0.1)
    assert released.counts.min() >= least
    assert released.n_records == released.counts.sum() == 4000
    sick = int(codes[:, 3].sum())
    assert_array_equal(np.bincount(released.owner, released.counts), [4000 - sick, sick])
    assert_array_equal(np.bincount(released.owner), [(4000 - sick) // least, sick // least])
    assert_allclose(released.noise_scale, math.sqrt(7) / least / ledger.mu)
    assert released.noise_scale.max() <= 0.1


def test_a_small_class_is_one_cluster_with_the_noise_of_its_size():
    codes = make_codes(2000)
    codes[:, 3] = np.arange(2000) < 40
    released, ledger = release(codes)
    assert_array_equal(released.counts[released.owner == 1], [40])
    assert_allclose(released.noise_scale[released.owner == 1], math.sqrt(7) / 40 / ledger.mu)


def test_a_class_without_records_has_no_cluster():
    codes = make_codes(2000)
    codes[:, 3] = 0
    released, _ = release(codes)
    assert set(released.owner) == {0}
    assert infer_madl2022(released).weights.sum() == pytest.approx(1)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_ledger_calls_it_a_claim(adjacency):
    desk, ledger = desk_of(1.0, adjacency, delta=1e-6)
    release_at(desk, make_codes(1000), 2)
    (entry,) = ledger.entries
    assert entry.sensitivity == math.sqrt(7)
    assert entry.event.mu == ledger.mu
    assert "as claimed" in entry.name
    spent = ledger.spent()
    assert not spent.is_private
    assert 0.999 < spent.epsilon <= 1.0
    assert "epsilon and delta are the claim of Madl, Xu, Choudhury & Howard (2022)" in repr(spent)


def test_the_claim_is_marked_before_anything_can_fail():
    desk, ledger = desk_of(1.0, delta=1e-6)
    with pytest.raises(ValueError, match="n_clusters=1000"):
        release_at(desk, make_codes(1000), 1000)
    assert ledger.spent().claim == madl.CLAIM


def test_noise_is_gaussian_with_the_scale_stated():
    # one cluster, whose mean is known
    schema = TableSchema({str(j): Continuous(0, 1) for j in range(300)})
    codes = np.random.default_rng(0).random((400, 300))
    released, _ = release(codes, 1, schema=schema)
    noise = (released.centroids[0] - codes.mean(axis=0)) / released.noise_scale[0]
    # false alarm 1e-3 for a fixed seed
    assert stats.kstest(noise, "norm").pvalue > 1e-3


def test_without_noise_the_centroids_are_the_means_of_the_clusters():
    codes = make_codes(1000)
    codes[:, 1] = 0.5
    released, _ = release(codes, 2, epsilon=math.inf)
    for label in (0, 1):
        rows = codes[codes[:, 3] == label]
        size = np.append(np.eye(3), [np.zeros(3)], axis=0)[
            np.where(np.isnan(rows[:, 2]), 3, rows[:, 2]).astype(int)
        ]
        missing = np.isnan(rows[:, 2])
        means = [*size.mean(axis=0), missing.mean(), rows[:, 0].mean(), 0.5, 0.0]
        assert_allclose(released.centroids[label], means)
    assert_array_equal(released.noise_scale, 0)


def test_seed_fixes_everything():
    codes = make_codes(1500)
    first, again, other = (release(codes, seed=seed)[0].centroids for seed in (1, 1, 2))
    assert_array_equal(first, again)
    assert not np.allclose(first, other)


@pytest.mark.parametrize("target", [None, "age"])
def test_without_levels_in_the_target_there_is_one_class(target):
    released, _ = release(make_codes(1500), schema=SCHEMA.with_target(target))
    assert set(released.owner) == {0}
    # sick is a block of its own then
    assert released.centroids.shape[1] == 9


def test_does_not_say_whether_the_mixture_converged(monkeypatch):
    monkeypatch.setattr(madl, "MAX_ITERATIONS", 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        release(make_codes(1500))


def hand_made_release():
    """Two clusters, one for each class, with coordinates outside the box."""
    columns, owner = madl.box_columns(SCHEMA)
    centroids = np.array(
        [[0.5, 0.3, 0.2, -0.1, 0.4, 0.45, 0.1], [-0.2, -0.1, -0.3, -0.1, 1.2, 0.3, -0.2]]
    )
    return madl.Madl2022Release(
        columns,
        build_layout(columns, {}, owner),
        centroids,
        np.array([0.05, 0.1]),
        np.array([750.0, 250.0]),
        np.array([0, 1]),
        0.08,
        1000.0,
    )


def test_model_is_the_mixture_of_the_clipped_centroids():
    model = infer_madl2022(hand_made_release())
    assert_allclose(model.weights, [0.75, 0.25])
    cell = model.estimates.cell
    assert_allclose(cell, [[0.5, 0.3, 0.2, 0.0], [0.25, 0.25, 0.25, 0.25]])
    assert_allclose(model.estimates.missing, [[0, 0.1], [0, 0]])
    codes = np.array([[0.35, 0.6, 1.0, 0.0], [0.95, np.nan, 0.0, 1.0], [0.9, 0.2, 2.0, 1.0]])

    def log_normal(value, mean, width):
        return stats.truncnorm(-mean / 0.08, (1 - mean) / 0.08, mean, 0.08).logpdf(value) - np.log(
            width
        )

    # the mean pay of the first class is that of nine tenths of its records
    expected = [
        np.log(0.75 * 0.3 * 0.9) + log_normal(0.35, 0.4, 100) + log_normal(0.6, 0.5, 10),
        -np.inf,
        np.log(0.25 * 0.25) + log_normal(0.9, 1.0, 100) + log_normal(0.2, 0.3, 10),
    ]
    scores = model.log_density(codes)
    assert_allclose(scores[[0, 2]], np.array(expected)[[0, 2]], rtol=1e-9)
    # a class without missing values gives one no more than the smallest number
    assert scores[1] < -20


def test_samples_follow_the_centroids():
    model = infer_madl2022(hand_made_release())
    n_samples = 40_000
    codes = model.sample_codes(n_samples, np.random.default_rng(0))
    first = codes[codes[:, 3] == 0]
    # 5 standard errors each
    error = 5 * 0.5 / math.sqrt(len(first))
    assert abs(len(first) / n_samples - 0.75) < 5 * 0.5 / math.sqrt(n_samples)
    shares = [np.mean(first[:, 2] == level) for level in range(3)]
    assert_allclose(shares, [0.5, 0.3, 0.2], atol=error)
    assert abs(np.isnan(first[:, 1]).mean() - 0.1) < error
    assert abs(first[:, 0].mean() - 0.4) < 5 * 0.08 / math.sqrt(len(first))
    assert abs(first[:, 0].std() - 0.08) < 5 * 0.08 / math.sqrt(2 * len(first))
    assert np.nanmin(codes[:, :2]) >= 0
    assert np.nanmax(codes[:, :2]) <= 1


def test_conditions_and_posterior_draws():
    model = infer_madl2022(hand_made_release())
    assert_allclose(model.condition({3: 1.0}).weights, [0, 1])
    drawn = [model.draw_posterior(np.random.default_rng(seed)) for seed in range(300)]
    location = np.array([draw.estimates.location[:, 0] for draw in drawn])
    # twice the noise, on the scale from −1 to 1; relative standard error 4 %, taken five times
    assert_allclose(location.std(axis=0), [0.1, 0.2], rtol=0.2)
    sample = drawn[0].sample_codes(100, np.random.default_rng(0))
    assert sample.shape == (100, 4)


@pytest.mark.parametrize("epsilon", [1.0, math.inf])
def test_from_rows_to_rows(epsilon):
    released, _ = release(make_codes(3000), epsilon=epsilon)
    model = infer_madl2022(released)
    rng = np.random.default_rng(0)
    for draw in (model, model.draw_posterior(rng)):
        codes = draw.sample_codes(3000, rng)
        gap = codes[codes[:, 3] == 1, 0].mean() - codes[codes[:, 3] == 0, 0].mean()
        # 0.4 in the rows
        assert 0.3 < gap < 0.5
    assert np.all(np.isfinite(model.log_density(make_codes(50, seed=1))))
