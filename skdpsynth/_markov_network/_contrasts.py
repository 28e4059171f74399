"""The canonical basis: orthonormal contrasts of every set of variables.

A marginal is a table over a set A of variables. Along each of its axes the constant vector and
K − 1 orthonormal contrasts are a basis; the tensor products with contrasts on B ⊆ A and constants
elsewhere are a basis of what the marginal over B says beyond its own marginals. Over all B below
the queries these are a minimal basis of the span of all cells of all queries: as many functions as
the rank, pairwise orthogonal. White noise on a table stays white in it, so that generalised least
squares is a weighted mean, set by set.

The same space has other minimal bases, such as the cells without a baseline level (corner points);
this one needs no covariance matrix of the noise, and is well conditioned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from .._denoising import contrast, expand, haar_basis

__all__ = [
    "Variable",
    "analyse",
    "axis_basis",
    "closure",
    "contrast_rows",
    "n_contrasts",
    "synthesise",
]

# the basis of more levels is not held as a matrix, which would be their square
LARGEST_MATRIX = 512


@dataclass(frozen=True)
class Variable:
    """A column, or a part of one, as the model sees it.

    Attributes
    ----------
    n_levels : int
        Number of codes, a missing one included.
    is_ordered : bool
        Whether neighbouring levels are alike.
    last_apart : bool
        Whether the last level, a missing value, is apart from the order.
    """

    n_levels: int
    is_ordered: bool = False
    last_apart: bool = False


@lru_cache(maxsize=1024)
def axis_basis(variable: Variable) -> np.ndarray:
    """Return the constant 1 and the contrasts of one variable, as columns.

    Returns
    -------
    basis : ndarray of shape (n_levels, n_levels)
        Column 0 is all ones, so that it sums the axis out; the others are orthonormal.

    Examples
    --------
    >>> axis_basis(Variable(2)).round(3)
    array([[ 1.   ,  0.707],
           [ 1.   , -0.707]])
    """
    contrasts, _ = haar_basis(variable.n_levels, variable.last_apart)
    basis = np.column_stack([np.ones(variable.n_levels), contrasts.T])
    basis.setflags(write=False)
    return basis


def closure(queries: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Return all non-empty subsets of the queries, smaller ones first.

    Examples
    --------
    >>> closure([(1, 0), (1, 2)])
    ((0,), (1,), (2,), (0, 1), (1, 2))
    """
    found = {
        subset
        for query in queries
        for size in range(1, len(set(query)) + 1)
        for subset in combinations(sorted(set(query)), size)
    }
    return tuple(sorted(found, key=lambda subset: (len(subset), subset)))


def n_contrasts(subset: Iterable[int], variables: Sequence[Variable]) -> int:
    """Return the number of basis functions of one set of variables."""
    return math.prod(variables[v].n_levels - 1 for v in subset)


def analyse(table: np.ndarray, variables: Sequence[Variable]) -> np.ndarray:
    """Return the coefficients of a table in the basis of its axes.

    Parameters
    ----------
    table : ndarray of shape (K_1, ..., K_r)
        Counts of a marginal.
    variables : sequence of Variable
        Those of the axes.

    Returns
    -------
    coefficients : ndarray of shape (K_1, ..., K_r)
        Index 0 along an axis: summed out; index k: the k-th contrast.
    """
    for axis, variable in enumerate(variables):
        if variable.n_levels > LARGEST_MATRIX:
            moved = np.moveaxis(table, axis, -1)
            total = moved.sum(axis=-1, keepdims=True)
            product = np.concatenate([total, contrast(moved, variable.last_apart)], axis=-1)
        else:
            product = np.tensordot(table, axis_basis(variable), axes=(axis, 0))
        table = np.moveaxis(product, -1, axis)
    return table


def synthesise(coefficients: np.ndarray, variables: Sequence[Variable]) -> np.ndarray:
    """Return Σ coefficients × basis functions, as a function on the cells.

    The transpose of `analyse`: it turns parameters λ into a log-potential.
    """
    for axis, variable in enumerate(variables):
        if variable.n_levels > LARGEST_MATRIX:
            moved = np.moveaxis(coefficients, axis, -1)
            product = moved[..., :1] + expand(moved[..., 1:], variable.last_apart)
        else:
            product = np.tensordot(coefficients, axis_basis(variable), axes=(axis, 1))
        coefficients = np.moveaxis(product, -1, axis)
    return coefficients


def contrast_rows(rows: np.ndarray, variable: Variable) -> np.ndarray:
    """Return the contrasts of rows over the levels of one variable.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_levels)

    Returns
    -------
    coefficients : ndarray of shape (n_rows, n_levels - 1)
    """
    if variable.n_levels > LARGEST_MATRIX:
        return contrast(rows, variable.last_apart)
    return np.asarray(rows @ axis_basis(variable)[:, 1:])
