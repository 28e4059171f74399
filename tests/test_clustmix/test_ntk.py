"""The neural tangent kernel against brute force, and its random features against it."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate

from skdpsynth._compat import enable_x64
from skdpsynth.clustmix._adapt._ntk import (
    UNIT,
    arc_cosine_kernels,
    clip_rows,
    draw_features,
    map_points,
    map_records,
    neural_tangent_kernel,
)

DEPTHS = [1, 2, 3]


@pytest.fixture(autouse=True)
def double_precision():
    with enable_x64(True):
        yield


def random_points(n, n_inputs, seed=0):
    points = np.random.default_rng(seed).standard_normal((n, n_inputs))
    return (
        points / np.linalg.norm(points, axis=1, keepdims=True) * np.linspace(0.3, 1.0, n)[:, None]
    )


def closed_form(x, y, depth):
    """The recursion once more, for one pair of points and in plain arithmetic."""
    product = float(np.linalg.norm(x) * np.linalg.norm(y))
    covariance = tangent = float(x @ y)
    for _ in range(depth):
        angle = math.acos(min(max(covariance / product, -1.0), 1.0))
        covariance = product * (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
        tangent = covariance + tangent * (math.pi - angle) / math.pi
    return tangent / (depth + 1)


@pytest.mark.parametrize("cosine", [-0.99, -0.5, 0.0, 0.3, 0.9, 0.999])
def test_arc_cosine_kernels_are_the_expectations(cosine):
    # in the plane of two unit vectors w is isotropic: a uniform angle, and E[r²] = 2
    angle = math.acos(cosine)
    first, second = (lambda t: math.cos(t)), (lambda t: math.cos(t - angle))
    low, high = angle - math.pi / 2, math.pi / 2
    zero_order = 2.0 * (high - low) / (2.0 * math.pi)
    product, _ = integrate.quad(lambda t: first(t) * second(t), low, high, epsabs=1e-13)
    assert_allclose(
        np.array(arc_cosine_kernels(cosine)),
        [zero_order, 2.0 * 2.0 * product / (2.0 * math.pi)],
        atol=1e-12,
    )


@pytest.mark.parametrize("cosine", [-0.7, 0.1, 0.8])
def test_arc_cosine_kernels_by_monte_carlo(cosine):
    # six means of 10⁶ draws, each within 5 standard errors: false alarm below 4e-6
    rng = np.random.default_rng(1)
    first, other = rng.standard_normal((2, 1_000_000))
    second = cosine * first + math.sqrt(1.0 - cosine**2) * other
    draws = [2.0 * (first > 0) * (second > 0), 2.0 * np.maximum(first, 0) * np.maximum(second, 0)]
    for draw, kernel in zip(draws, arc_cosine_kernels(cosine), strict=True):
        assert abs(draw.mean() - kernel) < 5.0 * draw.std() / 1000.0


def test_arc_cosine_kernels_at_and_beyond_the_ends():
    assert_array_equal(arc_cosine_kernels(np.array([1.0, 1.5])), np.ones((2, 2)))
    assert_array_equal(arc_cosine_kernels(np.array([-1.0, -1.5])), np.zeros((2, 2)))
    for order in (0, 1):
        slope = jax.grad(lambda u, order=order: arc_cosine_kernels(u)[order])
        assert slope(1.0) == slope(-1.0) == 0.0


@pytest.mark.parametrize("depth", DEPTHS)
def test_kernel_is_the_closed_form(depth):
    x, y = random_points(5, 4), random_points(3, 4, seed=1)
    expected = [[closed_form(a, b, depth) for b in y] for a in x]
    assert_allclose(neural_tangent_kernel(x, y, depth=depth), expected, rtol=1e-12)


@pytest.mark.parametrize("depth", DEPTHS)
def test_kernel_is_symmetric_positive_and_keeps_norms(depth):
    x = random_points(20, 6)
    kernel = np.asarray(neural_tangent_kernel(x, x, depth=depth))
    assert_allclose(kernel, kernel.T, rtol=1e-14)
    assert np.linalg.eigvalsh(kernel).min() > 0.0
    assert_allclose(np.diag(kernel), np.square(x).sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("depth", DEPTHS)
def test_kernel_is_homogeneous_and_invariant_under_rotations(depth):
    x, y = random_points(4, 5), random_points(3, 5, seed=2)
    kernel = np.asarray(neural_tangent_kernel(x, y, depth=depth))
    assert_allclose(neural_tangent_kernel(2.5 * x, 0.2 * y, depth=depth), 0.5 * kernel, rtol=1e-12)
    rotation = np.linalg.qr(np.random.default_rng(3).standard_normal((5, 5)))[0]
    rotated = neural_tangent_kernel(x @ rotation, y @ rotation, depth=depth)
    assert_allclose(rotated, kernel, rtol=1e-10)


def test_kernel_of_zero_is_zero_with_finite_derivative():
    x = np.vstack([np.zeros(3), random_points(2, 3)])
    assert_array_equal(neural_tangent_kernel(x, x)[0], np.zeros(3))
    gradient = jax.grad(lambda p: neural_tangent_kernel(p, p).sum())(jnp.asarray(x))
    assert np.isfinite(gradient).all()


def test_kernel_is_that_of_a_wide_network():
    # K of one random network is a mean over `width` units with a standard deviation of under
    # 10 ‖x‖‖y‖ per unit, estimated from the units themselves; six entries within 5 standard errors
    width = 20_000
    x = random_points(3, 4)
    rng = np.random.default_rng(4)
    hidden, output = rng.standard_normal((4, width)), rng.standard_normal(width)

    def network(weights, point):
        hidden, output = weights
        return math.sqrt(2.0 / width) * jnp.maximum(point @ hidden, 0.0) @ output

    gradients = [jax.grad(network)((hidden, output), point) for point in x]
    kernel = np.asarray(neural_tangent_kernel(x, x, depth=1))
    for i in range(3):
        for j in range(i + 1):
            parts = zip(gradients[i], gradients[j], strict=True)
            per_unit = sum((a * b).reshape(-1, width).sum(axis=0) for a, b in parts)
            error = 5.0 * np.std(width * per_unit) / math.sqrt(width)
            assert abs(per_unit.sum() - 2.0 * kernel[i, j]) < error
            assert error < 0.3


def test_features_are_unbiased_with_one_hidden_layer():
    # ten entries, each a mean of 400 independent maps, within 5 standard errors
    x = random_points(4, 5)
    kernels = []
    for seed in range(400):
        mapped = np.asarray(map_points(x, draw_features(5, 16, seed=seed), clip=False))
        kernels.append(mapped @ mapped.T)
    error = np.std(kernels, axis=0) / math.sqrt(400)
    expected = np.asarray(neural_tangent_kernel(x, x))
    assert (np.abs(np.mean(kernels, axis=0) - expected) < 5.0 * error).all()


@pytest.mark.parametrize("depth", DEPTHS)
def test_features_converge_with_their_number(depth):
    x = random_points(6, 5)
    expected = np.asarray(neural_tangent_kernel(x, x, depth=depth))
    errors = []
    for n_features in (32, 512):
        squares = []
        for seed in range(8):
            features = draw_features(5, n_features, depth=depth, seed=seed)
            mapped = np.asarray(map_points(x, features, clip=False))
            squares.append(np.square(mapped @ mapped.T - expected).mean())
        errors.append(math.sqrt(np.mean(squares)))
    # 16 times the features: a quarter of the error, which 8 maps of each tell from half of it
    assert errors[1] < errors[0] / 2.0


@pytest.mark.parametrize("depth", DEPTHS)
def test_records_and_points_have_the_same_features(depth):
    x = random_points(50, 7)
    features = draw_features(7, 64, depth=depth)
    assert features.depth == depth
    assert features.n_features == 64
    records, points = map_records(x, features) * UNIT, np.asarray(map_points(x, features))
    # rounding may open or close a gate only where the unit's input is about zero
    close = np.abs(records - points) < 1e-3
    assert close.mean() > 0.999


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 3),
    st.sampled_from([1e-6, 0.3, 1.0, 1.0 + 1e-15]),
)
def test_no_record_has_features_longer_than_one(seed, depth, norm):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((20, 3))
    x *= norm / np.linalg.norm(x, axis=1, keepdims=True)
    mapped = map_records(x, draw_features(3, 4, depth=depth, seed=seed))
    integers = [[int(value) for value in row] for row in mapped]
    assert all(sum(value**2 for value in row) <= 2**28 for row in integers)
    assert_array_equal(mapped, np.trunc(mapped))


def test_a_record_has_the_same_features_in_any_company():
    x = random_points(501, 33)
    features = draw_features(33, 62, depth=2)
    together = map_records(x, features)
    order = np.random.default_rng(0).permutation(501)
    assert_array_equal(map_records(x[order], features), together[order])
    for start in (1, 17, 400):
        assert_array_equal(map_records(x[start : start + 3], features), together[start : start + 3])


def test_clipping_keeps_short_rows_and_directions():
    rows = np.array([[3.0, 4.0], [30.0, -40.0], [0.0, 0.0]])
    assert_array_equal(clip_rows(rows, 5.0)[[0, 2]], rows[[0, 2]])
    assert_array_equal(clip_rows(rows, 25.0)[1], [14.0, -19.0])
    mapped = map_points(10.0 * random_points(3, 4), draw_features(4, 32))
    assert_allclose(np.linalg.norm(mapped, axis=1), 1.0, rtol=1e-12)


def test_features_are_the_same_for_the_same_seed():
    first, second = draw_features(3, 8, seed=5), draw_features(3, 8, seed=5)
    assert_array_equal(first.gates[0], second.gates[0])
    assert not np.array_equal(first.gates[0], draw_features(3, 8, seed=6).gates[0])
