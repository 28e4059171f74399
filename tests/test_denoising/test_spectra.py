import numpy as np

from skdpsynth._denoising._spectra import shrink_singular_values, shrink_spectrum


def orthogonal_ensemble(n, scale, seed):
    noise = np.triu(np.random.default_rng(seed).normal(0, scale, (n, n)))
    return noise + np.triu(noise, 1).T


def test_without_noise_nothing_shrinks():
    matrix = orthogonal_ensemble(6, 1.0, 0)
    assert np.allclose(shrink_spectrum(matrix, 0.0), matrix)
    assert np.array_equal(shrink_singular_values(matrix, 0.0), matrix)


def test_pure_noise_shrinks_to_almost_nothing():
    noise = orthogonal_ensemble(200, 1.0, 1)
    assert np.linalg.norm(shrink_spectrum(noise, 1.0)) < 0.1 * np.linalg.norm(noise)
    rectangle = np.random.default_rng(2).normal(size=(30, 300))
    assert np.linalg.norm(shrink_singular_values(rectangle, 1.0)) < 0.1 * np.linalg.norm(rectangle)


def test_shrinkage_approaches_the_optimal_value_of_a_spike():
    n, spike = 400, 3.0 * np.sqrt(400.0)
    direction = np.ones(n) / np.sqrt(n)
    matrix = spike * np.outer(direction, direction) + orthogonal_ensemble(n, 1.0, 3)
    values = np.linalg.eigvalsh(shrink_spectrum(matrix, 1.0))
    # lambda - s^2 n / lambda; its fluctuation is of the order of the noise of one entry
    assert abs(values[-1] - (spike - n / spike)) < 5.0


def test_each_matrix_of_a_stack_has_its_own_noise():
    stack = np.array([np.diag([5.0, 1.0]), np.diag([5.0, 1.0])])
    shrunk = shrink_spectrum(stack, np.array([0.0, 1.0]))
    assert np.allclose(shrunk[0], stack[0])
    assert np.allclose(np.diag(shrunk[1]), [np.sqrt(17.0), 0.0])


def test_a_symmetric_spectrum_of_either_sign_shrinks_towards_zero():
    shrunk = shrink_spectrum(np.diag([-5.0, 5.0]), 1.0)
    assert np.allclose(np.diag(shrunk), [-np.sqrt(17.0), np.sqrt(17.0)])
