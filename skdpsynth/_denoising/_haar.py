"""Contrasts between halves, quarters, ... of ordered cells."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["haar_basis"]


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
