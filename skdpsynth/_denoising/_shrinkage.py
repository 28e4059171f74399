"""Post-processing of noisy cell counts: shrinkage to a parent, and raking."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._haar import haar_basis

__all__ = ["james_stein", "rake", "shrink_deviations"]

RAKING_ROUNDS = 10


def james_stein(energy: npt.ArrayLike, noise: npt.ArrayLike) -> np.ndarray:
    """Return the positive-part James-Stein factor (1 − noise/energy)₊.

    Parameters
    ----------
    energy : array-like of float
        Squared norm of a noisy deviation.
    noise : array-like of float
        What the noise alone adds to it in expectation: degrees of freedom times the variance in
        one. A deviation of n cells that sums to zero has n − 1 degrees of freedom.

    References
    ----------
    Efron & Morris (1973), Stein's estimation rule and its competitors: an empirical Bayes approach,
    Journal of the American Statistical Association 68. With all degrees of freedom in the place of
    two fewer, the factor is that of the normal prior of largest likelihood.

    Examples
    --------
    >>> james_stein([4.0, 1.0, 0.0], 2.0)
    array([0.5, 0. , 0. ])
    """
    energy, noise = np.asarray(energy, dtype=float), np.asarray(noise, dtype=float)
    is_more = energy > noise
    return np.asarray(np.where(is_more, 1.0 - noise / np.where(is_more, energy, 1.0), 0.0))


def shrink_deviations(
    deviations: np.ndarray, variance: np.ndarray, is_ordered: bool, last_apart: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Shrink noisy deviations from a parent to zero, as far as they may be noise.

    Positive-part James-Stein, separately for every component and, where cells are ordered, for
    every level of detail: fine detail drowns in noise before the coarse shape does.

    Parameters
    ----------
    deviations : ndarray of shape (n_components, n_cells)
        Noisy count minus the count expected under the parent; each row sums to zero.
    variance : ndarray of shape (n_components,)
        Variance of the noise in a cell.
    is_ordered : bool
        Whether neighbouring cells are alike.
    last_apart : bool
        Whether the last cell is the missing one, apart from the order.

    Returns
    -------
    shrunk : ndarray of shape (n_components, n_cells)
    noise_left : ndarray of shape (n_components,)
        Variance that the noise leaves in the row, summed over its cells: the posterior variance
        of the normal prior whose maximum-likelihood fit the James-Stein factor is.

    Examples
    --------
    >>> noisy = np.array([[60.0, -30.0, -30.0], [1.0, -2.0, 1.0]])
    >>> shrunk, noise_left = shrink_deviations(noisy, np.array([9.0, 9.0]), False, False)
    >>> shrunk.round(1) + 0.0
    array([[ 59.8, -29.9, -29.9],
           [  0. ,   0. ,   0. ]])
    """
    n_cells = deviations.shape[1]
    if n_cells < 2:
        return np.zeros_like(deviations), np.zeros(len(deviations))
    if not is_ordered:
        return _shrink(deviations, n_cells - 1, variance)
    basis, level = haar_basis(n_cells, last_apart)
    shrunk, noise_left = np.zeros_like(deviations), np.zeros(len(deviations))
    for number in range(level.max() + 1):
        rows = basis[level == number]
        part, part_noise = _shrink(deviations @ rows.T, len(rows), variance)
        shrunk += part @ rows
        noise_left += part_noise
    return shrunk, noise_left


def _shrink(
    vectors: np.ndarray, n_dimensions: int, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    noise = n_dimensions * variance
    trust = james_stein(np.square(vectors).sum(axis=1), noise)
    return trust[:, None] * vectors, trust * noise


def rake(cell: np.ndarray, weights: np.ndarray, owner: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Scale the cells of one block so that each class's components average to the class.

    Projecting each component's noisy counts on the simplex turns noise around zero into mass; the
    sum over many components shows it, while the class was measured as a whole.

    Parameters
    ----------
    cell : ndarray of shape (n_components, n_cells)
        Rows sum to one.
    weights : ndarray of shape (n_components,)
        Sizes of the components.
    owner : ndarray of shape (n_components,), int
        Their classes.
    total : ndarray of shape (n_classes, n_cells)
        The classes' cells; rows sum to one.

    Returns
    -------
    cell : ndarray of shape (n_components, n_cells)
        Iterative proportional fitting (Deming & Stephan 1940), stopped after 10 rounds; rows sum
        to one.

    Examples
    --------
    >>> cell, owner = np.array([[0.6, 0.4], [0.8, 0.2]]), np.array([0, 0])
    >>> rake(cell, np.ones(2), owner, np.array([[0.5, 0.5]])).mean(axis=0).round(3)
    array([0.5, 0.5])
    """
    share = (owner == np.arange(len(total))[:, None]) * weights
    share = share / share.sum(axis=1, keepdims=True)
    for _ in range(RAKING_ROUNDS):
        mean = share @ cell
        cell = cell * np.where(mean > 0, total / np.where(mean > 0, mean, 1.0), 1.0)[owner]
        cell = cell / cell.sum(axis=1, keepdims=True)
    return cell
