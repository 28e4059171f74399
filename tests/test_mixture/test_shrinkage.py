import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from skdpsynth.mixture._shrinkage import haar_basis, project_to_simplex, shrink_deviations


@given(arrays(float, st.integers(1, 12), elements=st.floats(-5, 5)))
def test_the_projection_satisfies_its_optimality_conditions(values):
    """Values minus nearest probabilities are one constant where positive, and less elsewhere."""
    projected = project_to_simplex(values)
    assert projected.min() >= 0
    assert projected.sum() == pytest.approx(1)
    gap = values - projected
    assert np.ptp(gap[projected > 0]) < 1e-9
    assert (gap[projected == 0] <= gap[projected > 0].max() + 1e-9).all()


def test_the_projection_is_that_of_a_numerical_optimiser():
    values = np.random.default_rng(0).normal(size=6)
    found = minimize(
        lambda p: np.square(p - values).sum(),
        np.full(6, 1 / 6),
        jac=lambda p: 2 * (p - values),
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert_allclose(project_to_simplex(values), found.x, atol=1e-6)


def test_the_projection_works_row_by_row_and_keeps_probabilities():
    values = np.random.default_rng(1).normal(size=(4, 5))
    rows = np.array([project_to_simplex(row) for row in values])
    assert_array_equal(project_to_simplex(values), rows)
    assert_allclose(project_to_simplex(rows), rows, atol=1e-15)


@pytest.mark.parametrize("last_apart", [False, True])
@pytest.mark.parametrize("n_cells", [1, 2, 3, 5, 8, 13, 64])
def test_the_contrasts_are_an_orthonormal_basis(n_cells, last_apart):
    basis, level = haar_basis(n_cells, last_apart)
    assert basis.shape == (n_cells - 1, n_cells)
    assert level.shape == (n_cells - 1,)
    assert_allclose(basis @ basis.T, np.eye(n_cells - 1), atol=1e-12)
    assert_allclose(basis.sum(axis=1), 0.0, atol=1e-12)
    assert (level >= 0).all()


def test_the_missing_cell_is_contrasted_with_all_others():
    basis, _ = haar_basis(5, True)
    assert_allclose(basis[0], np.array([1, 1, 1, 1, -4]) / np.sqrt(20))
    assert (basis[1:, -1] == 0).all()


@pytest.mark.parametrize("is_ordered", [False, True])
@pytest.mark.parametrize("n_cells", [1, 2, 9])
def test_without_noise_nothing_is_shrunk(n_cells, is_ordered):
    deviations = np.random.default_rng(2).normal(size=(3, n_cells))
    deviations -= deviations.mean(axis=1, keepdims=True)
    shrunk, noise_left = shrink_deviations(deviations, np.zeros(3), is_ordered, False)
    assert_allclose(shrunk, deviations, atol=1e-12)
    assert_array_equal(noise_left, np.zeros(3))


@pytest.mark.parametrize("is_ordered", [False, True])
def test_what_may_be_noise_alone_vanishes(is_ordered):
    deviations = np.array([[1.0, -1.0, 2.0, -2.0]])
    shrunk, noise_left = shrink_deviations(deviations, np.array([100.0]), is_ordered, False)
    assert_array_equal(shrunk, np.zeros((1, 4)))
    assert noise_left[0] == 0


def test_unordered_cells_share_the_james_stein_factor():
    deviations, variance = np.array([[30.0, -10.0, -20.0]]), np.array([25.0])
    trust = 1 - 2 * 25 / 1400
    shrunk, noise_left = shrink_deviations(deviations, variance, False, False)
    assert_allclose(shrunk, trust * deviations)
    assert_allclose(noise_left, trust * 2 * 25)


def test_rows_are_shrunk_separately():
    rng = np.random.default_rng(3)
    deviations = 10 * rng.normal(size=(4, 7))
    deviations -= deviations.mean(axis=1, keepdims=True)
    variance = rng.uniform(1, 50, 4)
    for is_ordered, last_apart in [(False, False), (True, False), (True, True)]:
        together, noise = shrink_deviations(deviations, variance, is_ordered, last_apart)
        for k in range(4):
            alone, alone_noise = shrink_deviations(
                deviations[[k]], variance[[k]], is_ordered, last_apart
            )
            assert_allclose(together[k], alone[0], atol=1e-12)
            assert_allclose(noise[k], alone_noise[0])


def test_a_smooth_shape_survives_where_the_same_energy_in_fine_detail_does_not():
    smooth = np.where(np.arange(64) < 32, 1.0, -1.0)
    rough = np.where(np.arange(64) % 2 == 0, 1.0, -1.0)
    deviations, variance = np.array([smooth, rough]), np.array([2.5, 2.5])
    shrunk, _ = shrink_deviations(deviations, variance, True, False)
    assert shrunk[0] @ smooth > 0.8 * smooth @ smooth
    assert_allclose(shrunk[1], 0.0, atol=1e-12)
