import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from skdpsynth.clustmix._vectors._column_marginals import ColumnCells
from skdpsynth.clustmix._vectors._continuous_model import ContinuousModel
from skdpsynth.schema import Categorical, Continuous, Count

KINDS = (Continuous(-2, 2), Categorical(["a", "b"]), Count(0, 10), Continuous(0, 5))


@pytest.fixture
def model():
    rng = np.random.default_rng(0)
    unit = ColumnCells(np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.5, 1.0, 1.0]))
    probability = np.array([0.1, 0.5, 0.3, 0.1])
    weights = np.array([0.5, 0.2, 0.3])
    return ContinuousModel(
        kinds=KINDS,
        owner=1,
        weights=weights,
        weight_size=1000.0,
        labels=np.array([0, 0, 1]),
        means=rng.random((3, 3)),
        mean_error=np.full((3, 3), 0.01),
        loadings=0.2 * rng.normal(size=(2, 3, 2)),
        residual=np.array([0.01, 0.02, 0.05]),
        marginals=((unit, probability),) * 3,
        map_weights=weights,
    )


def brute_density(model, row, kept, levels):
    """Return the density of the unit-interval values in the columns' own units."""
    total = 0.0
    for k, weight in enumerate(model.weights):
        if model.labels[k] in levels:
            loadings = model.loadings[model.labels[k]][kept]
            covariance = loadings @ loadings.T + np.diag(model.residual[kept])
            total += weight * multivariate_normal.pdf(row[kept], model.means[k, kept], covariance)
    widths = np.array([4.0, 10.0, 5.0])[kept]
    return total / widths.prod()


def test_log_density_is_that_of_the_gaussians(model):
    codes = np.array([[0.2, 0, 0.5, 0.1], [0.9, 1, 0.3, 0.7]])
    numeric = codes[:, [0, 2, 3]]
    for without, kept, levels in [
        (None, [0, 1, 2], None),
        (1, [0, 1, 2], [0, 1]),
        (2, [0, 2], None),
    ]:
        expected = [
            math.log(brute_density(model, row, kept, levels or [int(code[1])]))
            for row, code in zip(numeric, codes, strict=True)
        ]
        assert np.allclose(model.log_density(codes, without), expected)


def test_samples_have_the_shape_bounds_and_grid_of_the_columns(model):
    codes = model.sample_codes(5000, np.random.default_rng(0))
    assert codes.shape == (5000, 4)
    assert set(codes[:, 1]) == {0.0, 1.0}
    assert codes[:, [0, 2, 3]].min() == 0.0
    assert codes[:, [0, 2, 3]].max() == 1.0
    assert np.array_equal(codes[:, 2], np.rint(codes[:, 2] * 10) / 10)
    assert model.sample_codes(0, np.random.default_rng(0)).shape == (0, 4)


def test_samples_have_the_weights_and_the_marginals(model):
    # five standard errors of a share among 40,000, and 0.005 for the map's table
    codes = model.sample_codes(40_000, np.random.default_rng(1))
    assert abs(np.mean(codes[:, 1] == 1) - 0.3) < 5 * math.sqrt(0.21 / 40_000)
    for j in (0, 3):
        assert abs(np.mean(codes[:, j] == 0.0) - 0.1) < 5 * math.sqrt(0.09 / 40_000) + 0.005
        assert abs(np.mean(codes[:, j] < 0.5) - 0.6) < 5 * math.sqrt(0.24 / 40_000) + 0.005


def test_condition_on_the_target_keeps_its_clusters(model):
    given = model.condition({1: 0})
    assert np.allclose(given.weights, [5 / 7, 2 / 7, 0.0])
    assert set(given.sample_codes(200, np.random.default_rng(0))[:, 1]) == {0.0}
    # Bayes' rule: p(x | y) = p(x, y) / p(y)
    codes = np.array([[0.2, 0, 0.5, 0.1]])
    assert given.log_density(codes)[0] == pytest.approx(model.log_density(codes)[0] - math.log(0.7))
    assert model.condition({}) is model


def test_condition_on_another_column_says_the_way_out(model):
    with pytest.raises(ValueError, match=r'the target only.*mode="blocks"'):
        model.condition({0: 0.5})
    with pytest.raises(ValueError, match="probability zero"):
        replace(model, weights=np.array([0.5, 0.5, 0.0])).condition({1: 1})


def test_posterior_draws_vary_as_stated(model):
    # 2,000 draws; standard deviations within five of their standard errors of 1.6 %
    rng = np.random.default_rng(0)
    draws = [model.draw_posterior(rng) for _ in range(2000)]
    means = np.array([draw.means for draw in draws])
    weights = np.array([draw.weights for draw in draws])
    assert np.allclose(means.std(axis=0), 0.01, rtol=0.08)
    expected = np.sqrt(model.weights * (1 - model.weights) / 1001.0)
    assert np.allclose(weights.std(axis=0), expected, rtol=0.08)
    assert np.allclose(weights.sum(axis=1), 1.0)


def test_replaced_means_move_the_samples_within_the_same_marginals(model):
    # the Adapt stage replaces the means: the classes come apart, the marginals stay
    apart = model.means + np.array([[0.0], [0.0], [3.0]])
    codes = replace(model, means=apart).sample_codes(20_000, np.random.default_rng(0))
    assert codes[codes[:, 1] == 1, 0].mean() > codes[codes[:, 1] == 0, 0].mean() + 0.2
    assert abs(np.mean(codes[:, 0] == 0.0) - 0.1) < 0.02
