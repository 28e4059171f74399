"""Adapted centroids: the objective against kernel ridge regression, its gradient, its descent."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from desks import desk_of
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._compat import enable_x64
from skdpsynth._denoising import project_to_simplex
from skdpsynth.clustmix._adapt import _inducing_points as _adapt
from skdpsynth.clustmix._adapt._inducing_points import (
    adapt,
    adapt_cells,
    adapt_means,
    adapt_objective,
    block_projection,
    box_projection,
    project_blocks,
)
from skdpsynth.clustmix._adapt._normal_equations import (
    NormalEquations,
    centred_labels,
    embed_box,
    embed_cells,
    positive_gram,
    release_normal_equations,
)
from skdpsynth.clustmix._adapt._ntk import UNIT, draw_features, map_points, map_records

SIZES = (2, 3, 2)
FEATURES = draw_features(7, 24)


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def release(points, classes, n_classes, features, epsilon=math.inf):
    desk, _ = desk_of(epsilon, delta=1e-6)
    arguments = (n_classes, features, float(len(classes)), desk.mu, desk)
    return release_normal_equations(points, classes, *arguments)


def block_problem(n_rows=400, seed=0, epsilon=math.inf):
    """Records of three blocks whose class depends on the first two; random centroids."""
    rng = np.random.default_rng(seed)
    first, second, third = (rng.integers(size, size=n_rows) for size in SIZES)
    classes = (first == (second > 0)).astype(int)
    points = embed_cells(np.stack([first, 2 + second, 5 + third], axis=1), 7)
    centroids = np.hstack([rng.dirichlet(np.ones(size), size=4) for size in SIZES]) / math.sqrt(3)
    return points, classes, centroids, np.eye(2)[[0, 1, 0, 1]]


def objective_arguments(equations, features, labels, alpha, regularisation=0.01):
    targets = labels - 1.0 / labels.shape[1]
    gram = positive_gram(equations)
    return (targets, gram, equations.cross, equations.n_records, features, alpha, regularisation)


@pytest.mark.parametrize("depth", [1, 2])
def test_without_noise_the_objective_is_the_error_of_kernel_ridge_regression(depth):
    points, classes, centroids, labels = block_problem(60)
    features = draw_features(7, 24, depth=depth)
    equations = release(points, classes, 2, features)
    records = map_records(points, features) * UNIT
    targets = centred_labels(2)[classes]
    for seed, alpha in [(1, 0.0), (2, 0.3)]:
        moved = block_problem(1, seed=seed)[2]
        support = np.asarray(map_points(moved, features))
        kernel = support @ support.T
        ridge = 0.01 * np.trace(kernel) / 4.0
        dual = np.linalg.solve(kernel + ridge * np.eye(4), labels - 0.5)
        error = np.square(targets - records @ support.T @ dual).sum()
        distance = np.square(moved - centroids).sum() / np.square(centroids).sum()
        expected = alpha * distance + (1.0 - alpha) * (error - np.square(targets).sum()) / 120.0
        arguments = objective_arguments(equations, features, labels, alpha)
        assert_allclose(adapt_objective(moved, centroids, *arguments), expected, atol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.5])
def test_gradient_is_that_of_finite_differences(alpha):
    points, classes, start, labels = block_problem()
    arguments = objective_arguments(release(points, classes, 2, FEATURES), FEATURES, labels, alpha)
    moved = block_problem(1, seed=1)[2]

    objective = jax.jit(lambda points: adapt_objective(points, start, *arguments))
    gradient = np.asarray(jax.jit(jax.grad(objective))(jnp.asarray(moved)))
    differences = np.empty_like(moved)
    for index in np.ndindex(*moved.shape):
        step = np.zeros_like(moved)
        step[index] = 1e-6
        differences[index] = (objective(moved + step) - objective(moved - step)) / 2e-6
    assert_allclose(gradient, differences, atol=1e-7)


def test_alpha_one_returns_the_centroids_themselves():
    points, classes, centroids, labels = block_problem()
    equations = release(points, classes, 2, FEATURES)
    options = {"alpha": 1.0, "project": block_projection(SIZES)}
    adapted, losses = adapt(centroids, labels, equations, FEATURES, **options)
    assert_array_equal(adapted, centroids)
    assert adapted is not centroids
    assert losses.size == 0


@pytest.mark.parametrize("epsilon", [1.0, math.inf])
@pytest.mark.parametrize("alpha", [0.0, 0.5, 0.9])
def test_the_objective_falls(alpha, epsilon):
    points, classes, centroids, labels = block_problem(2000)
    equations = release(points, classes, 2, FEATURES, epsilon)
    options = {"alpha": alpha, "project": block_projection(SIZES)}
    adapted, losses = adapt(centroids, labels, equations, FEATURES, **options)
    arguments = objective_arguments(equations, FEATURES, labels, alpha)
    assert_allclose(losses[0], adapt_objective(centroids, centroids, *arguments), rtol=1e-12)
    assert adapt_objective(adapted, centroids, *arguments) < losses[0]
    assert losses.min() < losses[0]


def test_alpha_weighs_the_distance():
    points, classes, centroids, labels = block_problem()
    equations = release(points, classes, 2, FEATURES)
    distances = []
    for alpha in (0.0, 0.25, 0.5, 0.75, 0.95):
        options = {"alpha": alpha, "project": block_projection(SIZES)}
        adapted, _ = adapt(centroids, labels, equations, FEATURES, **options)
        distances.append(np.square(adapted - centroids).sum())
    assert (np.diff(distances) < 0).all()


def test_adapted_centroids_predict_the_records_better():
    points, classes, centroids, labels = block_problem()
    equations = release(points, classes, 2, FEATURES)
    options = {"alpha": 0.0, "project": block_projection(SIZES), "learning_rate": 0.01}
    adapted, _ = adapt(centroids, labels, equations, FEATURES, **options)
    records = map_records(points, FEATURES)

    def accuracy(support):
        mapped = map_records(support, FEATURES) * UNIT
        dual = np.linalg.solve(mapped @ mapped.T + 0.01 * np.eye(4) / 3.0, labels - 0.5)
        return np.mean((records @ mapped.T @ dual).argmax(axis=1) == classes)

    assert accuracy(adapted) > accuracy(centroids)


def test_adapted_blocks_are_distributions():
    points, classes, centroids, labels = block_problem()
    equations = release(points, classes, 2, FEATURES)
    options = {"alpha": 0.0, "project": block_projection(SIZES), "learning_rate": 0.1}
    adapted, _ = adapt(centroids, labels, equations, FEATURES, **options)
    blocks = np.split(adapted * math.sqrt(3), np.cumsum(SIZES)[:-1], axis=1)
    for block in blocks:
        assert block.min() >= 0.0
        assert_allclose(block.sum(axis=1), 1.0, atol=1e-12)


def test_adapted_means_stay_in_the_box():
    rng = np.random.default_rng(0)
    values, classes = rng.random((300, 5)), rng.integers(3, size=300)
    features = draw_features(5, 16)
    equations = release(embed_box(values, 0.5, 1.0), classes, 3, features)
    options = {"alpha": 0.0, "project": box_projection(-0.5, 0.5), "learning_rate": 0.1}
    adapted, _ = adapt(values[:6] - 0.5, np.eye(3)[[0, 1, 2] * 2], equations, features, **options)
    assert np.abs(adapted).max() == 0.5


def test_clusters_of_cells_are_adapted_in_the_embedding():
    points, classes, centroids, labels = block_problem()
    equations = release(points, classes, 2, FEATURES)
    cells, owner = centroids * math.sqrt(3), np.array([0, 1, 0, 1])
    arguments = (owner, 2, SIZES, equations, FEATURES)
    options = {"alpha": 0.5, "project": block_projection(SIZES)}
    expected, _ = adapt(centroids, labels, equations, FEATURES, **options)
    assert_allclose(adapt_cells(cells, *arguments, 0.5), expected * math.sqrt(3), atol=1e-9)
    assert_array_equal(adapt_cells(cells, *arguments, 1.0), cells)


def test_means_are_adapted_within_their_bounds():
    rng = np.random.default_rng(0)
    values, classes = rng.random((300, 7)), rng.integers(2, size=300)
    centre, radius = rng.random(7), rng.random(7) + 1.0
    equations = release(embed_box(values, centre, radius), classes, 2, FEATURES)
    arguments = (np.array([0, 1, 0, 1]), 2, centre, radius, equations, FEATURES)
    adapted = adapt_means(values[:4], *arguments, 0.0)
    assert adapted.shape == (4, 7)
    assert adapted.min() >= -1e-12
    assert adapted.max() <= 1.0 + 1e-12
    assert np.abs(adapted - values[:4]).max() > 0.01
    assert_array_equal(adapt_means(values[:4], *arguments, 1.0), values[:4])


def test_noise_alone_moves_the_centroids_only_a_little_way():
    # of ten records everything released is noise: its ridge keeps the objective bounded
    points, classes, centroids, labels = block_problem(10)
    equations = release(points, classes, 2, FEATURES, 0.1)
    options = {"alpha": 0.5, "project": block_projection(SIZES), "learning_rate": 0.03}
    _, losses = adapt(centroids, labels, equations, FEATURES, **options)
    assert np.isfinite(losses).all()
    gram = positive_gram(equations)
    lowest = -np.sum(equations.cross * np.linalg.solve(gram, equations.cross)) / 20.0
    assert 0.5 * lowest <= losses.min() < losses[0]


def test_projection_is_that_of_every_block():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(6, 7))
    projected = np.asarray(block_projection(SIZES)(points)) * math.sqrt(3)
    starts = np.cumsum(SIZES)[:-1]
    blocks = np.split(points * math.sqrt(3), starts, axis=1)
    expected = np.hstack([project_to_simplex(block) for block in blocks])
    assert_allclose(projected, expected, atol=1e-12)
    assert_allclose(
        block_projection(SIZES)(expected / math.sqrt(3)), projected / math.sqrt(3), atol=1e-12
    )


def test_projection_without_padding_is_the_simplex():
    values = np.random.default_rng(1).normal(size=(5, 4, 3))
    assert_allclose(project_blocks(values), project_to_simplex(values), atol=1e-12)


def test_equal_problems_compile_once():
    points, classes, centroids, labels = block_problem()
    options = {"project": block_projection(SIZES), "n_steps": 7}
    for n_rows, alpha in [(100, 0.0), (200, 0.5), (399, 0.9)]:
        equations = release(points[:n_rows], classes[:n_rows], 2, FEATURES)
        adapt(centroids, labels, equations, FEATURES, alpha=alpha, **options)
        if n_rows == 100:
            n_compiled = _adapt._descend._cache_size()
    assert _adapt._descend._cache_size() == n_compiled


def test_no_function_after_the_release_takes_rows():
    for function in (adapt, adapt_objective, positive_gram):
        assert not {"classes", "records", "codes"} & set(inspect.signature(function).parameters)
    assert NormalEquations._fields == ("gram", "cross", "n_records", "scale")
