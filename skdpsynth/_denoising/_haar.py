"""Contrasts between halves, quarters, ... of ordered cells."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

__all__ = ["contrast", "expand", "haar_basis", "haar_levels"]


class Halves(NamedTuple):
    """The contrasts of `haar_basis`, as places instead of vectors.

    Attributes
    ----------
    start, middle, stop : ndarray of shape (n_cells - 1,), int
        The cells start..middle are contrasted with middle..stop.
    left, right : ndarray of shape (n_cells - 1,)
        The values of a contrast on its two halves; the second is subtracted.
    level : ndarray of shape (n_cells - 1,), int
    """

    start: np.ndarray
    middle: np.ndarray
    stop: np.ndarray
    left: np.ndarray
    right: np.ndarray
    level: np.ndarray


@lru_cache(maxsize=256)
def _halves(n_cells: int, last_apart: bool) -> Halves:
    places: list[tuple[int, int, int, int]] = []

    def halve(start: int, stop: int, level: int) -> None:
        if stop - start >= 2:
            middle = (start + stop + 1) // 2
            places.append((start, middle, stop, level))
            halve(start, middle, level + 1)
            halve(middle, stop, level + 1)

    if last_apart and n_cells >= 2:
        places.append((0, n_cells - 1, n_cells, 0))
        halve(0, n_cells - 1, 1)
    else:
        halve(0, n_cells, 0)
    start, middle, stop, level = np.array(places, dtype=np.int64).reshape(-1, 4).T
    n_left, n_right = middle - start, stop - middle
    left = np.sqrt(n_right / (n_left * (n_left + n_right)))
    right = np.sqrt(n_left / (n_right * (n_left + n_right)))
    return Halves(start, middle, stop, left, right, np.maximum(level - 1, 0))


def haar_levels(n_cells: int, last_apart: bool = False) -> np.ndarray:
    """Return the second part of `haar_basis`, without the first."""
    return _halves(n_cells, last_apart).level


def contrast(table: np.ndarray, last_apart: bool = False) -> np.ndarray:
    """Return the product of a table's last axis with all contrasts of `haar_basis`.

    The basis is a square of the cells in memory; this takes as much as the table.

    Examples
    --------
    >>> contrast(np.array([3.0, 1.0]))
    array([1.41421356])
    """
    halves = _halves(table.shape[-1], last_apart)
    below = np.zeros((*table.shape[:-1], table.shape[-1] + 1))
    np.cumsum(table, axis=-1, out=below[..., 1:])
    first = below[..., halves.middle] - below[..., halves.start]
    second = below[..., halves.stop] - below[..., halves.middle]
    return np.asarray(halves.left * first - halves.right * second)


def expand(coefficients: np.ndarray, last_apart: bool = False) -> np.ndarray:
    """Return the sums of contrasts with these coefficients: the transpose of `contrast`.

    Examples
    --------
    >>> expand(contrast(np.array([3.0, -3.0]))).round(6)
    array([ 3., -3.])
    """
    n_cells = coefficients.shape[-1] + 1
    halves = _halves(n_cells, last_apart)
    first, second = halves.left * coefficients, halves.right * coefficients
    steps = np.zeros((*coefficients.shape[:-1], n_cells + 1))
    for place, step in (
        (halves.start, first),
        (halves.middle, -first - second),
        (halves.stop, second),
    ):
        np.add.at(steps.T, place, step.T)
    return np.cumsum(steps[..., :-1], axis=-1)


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
    halves = _halves(n_cells, last_apart)
    basis = np.zeros((max(n_cells - 1, 0), n_cells))
    for row, start, middle, stop, left, right in zip(basis, *halves[:5], strict=True):
        row[start:middle] = left
        row[middle:stop] = -right
    return basis, halves.level
