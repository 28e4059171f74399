import numpy as np
import pytest
from numpy.testing import assert_allclose

from skdpsynth._denoising import contrast, expand, haar_basis, haar_levels


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


@pytest.mark.parametrize("last_apart", [False, True])
@pytest.mark.parametrize("n_cells", [1, 2, 3, 7, 64, 101])
def test_sums_of_halves_are_the_products_with_the_basis(n_cells, last_apart):
    table = np.random.default_rng(n_cells).normal(size=(3, 4, n_cells))
    basis, level = haar_basis(n_cells, last_apart)
    coefficients = contrast(table, last_apart)
    np.testing.assert_allclose(coefficients, table @ basis.T, atol=1e-12)
    np.testing.assert_allclose(expand(coefficients, last_apart), coefficients @ basis, atol=1e-12)
    np.testing.assert_array_equal(haar_levels(n_cells, last_apart), level)
