"""Post-processing of noisy cell counts: projection on the simplex and shrinkage to a parent."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["haar_basis", "project_to_simplex", "rake", "shrink_deviations"]

RAKING_ROUNDS = 10


def project_to_simplex(values: np.ndarray) -> np.ndarray:
    """Return the nearest probability vectors (Euclidean), along the last axis.

    Parameters
    ----------
    values : ndarray of shape (..., n)

    Notes
    -----
    The closed form subtracts one threshold from all coordinates and clips at zero (Duchi,
    Shalev-Shwartz, Singer & Chandra 2008, Figure 1).

    Examples
    --------
    >>> project_to_simplex(np.array([0.9, 0.6, -0.2]))
    array([0.65, 0.35, 0.  ])
    """
    descending = -np.sort(-values, axis=-1)
    thresholds = (np.cumsum(descending, axis=-1) - 1.0) / np.arange(1, values.shape[-1] + 1)
    last = (descending > thresholds).sum(axis=-1, keepdims=True) - 1
    return np.maximum(values - np.take_along_axis(thresholds, last, axis=-1), 0.0)


@lru_cache(maxsize=256)
def haar_basis(n_cells: int, last_apart: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return an orthonormal basis of the contrasts between halves, quarters, ... of the cells.

    Parameters
    ----------
    n_cells : int
    last_apart : bool, default=False
        Whether the last cell, the missing one, is contrasted with all others first.

    Returns
    -------
    basis : ndarray of shape (n_cells - 1, n_cells)
        Orthonormal rows, each orthogonal to the constant vector.
    level : ndarray of shape (n_cells - 1,), int
        How fine a contrast is; the two coarsest levels, of three contrasts, share number 0.
    """
    rows: list[np.ndarray] = []
    levels: list[int] = []

    def contrast(start: int, middle: int, stop: int, level: int) -> None:
        left, right = middle - start, stop - middle
        row = np.zeros(n_cells)
        row[start:middle] = np.sqrt(right / (left * (left + right)))
        row[middle:stop] = -np.sqrt(left / (right * (left + right)))
        rows.append(row)
        levels.append(level)

    def halve(start: int, stop: int, level: int) -> None:
        if stop - start >= 2:
            middle = (start + stop + 1) // 2
            contrast(start, middle, stop, level)
            halve(start, middle, level + 1)
            halve(middle, stop, level + 1)

    if last_apart and n_cells >= 2:
        contrast(0, n_cells - 1, n_cells, 0)
        halve(0, n_cells - 1, 1)
    else:
        halve(0, n_cells, 0)
    basis = np.array(rows).reshape(-1, n_cells)
    level = np.maximum(np.array(levels, dtype=int) - 1, 0)
    return basis, level


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
        return _james_stein(deviations, n_cells - 1, variance)
    basis, level = haar_basis(n_cells, last_apart)
    shrunk, noise_left = np.zeros_like(deviations), np.zeros(len(deviations))
    for number in range(level.max() + 1):
        rows = basis[level == number]
        part, part_noise = _james_stein(deviations @ rows.T, len(rows), variance)
        shrunk += part @ rows
        noise_left += part_noise
    return shrunk, noise_left


def _james_stein(
    vectors: np.ndarray, n_dimensions: int, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    energy = np.square(vectors).sum(axis=1)
    noise = n_dimensions * variance
    trust = np.where(energy > noise, 1.0 - noise / np.where(energy > noise, energy, 1.0), 0.0)
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
