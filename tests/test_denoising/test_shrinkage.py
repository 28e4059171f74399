import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._denoising._shrinkage import shrink_deviations


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
