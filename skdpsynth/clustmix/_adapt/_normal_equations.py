"""Normal equations of kernel ridge regression in public random features, released once.

`embed_cells` and `embed_box` make a record's point, `map_records` its φ, `centred_labels` its y;
`sum_normal_equations` is Σφφᵀ and Σφyᵀ in integers, `normal_equations_sensitivity` what one record
can change of them, and `release_normal_equations` adds the noise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np

from ...privacy import Mechanisms
from .._integer_sums import exact_floats
from ._ntk import UNIT, RandomFeatures, clip_rows, map_records

__all__ = [
    "NORMAL_EQUATIONS",
    "NormalEquations",
    "Points",
    "centred_labels",
    "embed_box",
    "embed_cells",
    "normal_equations_sensitivity",
    "positive_gram",
    "release_normal_equations",
    "sum_normal_equations",
]

Points: TypeAlias = np.ndarray | Callable[[int, int], np.ndarray]

NORMAL_EQUATIONS = "normal equations of kernel ridge regression"
CHUNK_SIZE = 4096
# the diagonal of φφᵀ is released with this weight, so that ‖triu‖² ≤ 9/16; see the notes below
GRAM_DIAGONAL_WEIGHT = 0.75
GRAM_NORM_SQUARED = 9.0 / 16.0
# what rounding may add to the sensitivity: the sums are on a finer grid than the noise needs
ROUNDING = 1.0 / 32.0
# more predict better even at the cost of more noise
N_FEATURES = 256


class NormalEquations(NamedTuple):
    """What kernel ridge regression needs to know of the records, with noise.

    Attributes
    ----------
    gram : ndarray of shape (n_features, n_features)
        Σ φφᵀ over the records, symmetric.
    cross : ndarray of shape (n_features, n_classes)
        Σ φyᵀ.
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    scale : float
        Standard deviation of the noise in `cross` and above the diagonal of `gram`; that on the
        diagonal is a third larger.
    """

    gram: np.ndarray
    cross: np.ndarray
    n_records: float
    scale: float


def embed_cells(codes: np.ndarray, n_cells: int) -> np.ndarray:
    """Return one-hot blocks scaled to norm 1.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_blocks), int
        Position of each value's cell among the cells of all blocks.
    n_cells : int
        Cells of all blocks.

    Examples
    --------
    >>> embed_cells(np.array([[0, 2, 4, 6]]), 7)
    array([[0.5, 0. , 0.5, 0. , 0.5, 0. , 0.5]])
    """
    n_rows, n_blocks = codes.shape
    points = np.zeros((n_rows, n_cells))
    points[np.arange(n_rows)[:, None], codes] = n_blocks**-0.5
    return points


def embed_box(
    values: np.ndarray, centre: np.ndarray | float, radius: np.ndarray | float
) -> np.ndarray:
    """Return (x − centre) / radius in multiples of `UNIT`, longer rows scaled to norm 1.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
    centre, radius : ndarray of shape (n_columns,) or float
        Public, or of earlier releases.
    """
    # norms of integers are exact, so that a row's place cannot change its last bit
    return clip_rows(np.trunc((values - centre) / radius / UNIT), 1.0 / UNIT) * UNIT


def centred_labels(n_classes: int) -> np.ndarray:
    """Return the regression target of each class: one-hot minus 1 / n_classes, as rows.

    References
    ----------
    Nguyen, Chen & Lee (2021), Dataset meta-learning from kernel ridge-regression, ICLR.
    """
    return np.eye(n_classes) - 1.0 / n_classes


def normal_equations_sensitivity(n_classes: int, adjacency: str) -> float:
    """Return the L2 sensitivity of the sums that `release_normal_equations` releases.

    Parameters
    ----------
    n_classes : int
    adjacency : {"add_remove", "replace_one"}

    Notes
    -----
    A record adds T(φφᵀ) and φyᵀ, where T takes the entries above the diagonal and three quarters
    of those on it, ‖φ‖ ≤ 1 and ‖y‖² = 1 − 1/C =: a. For symmetric M, ‖T(M)‖² is
    ½‖M‖² + (9/16 − ½) Σ Mᵢᵢ² ≤ (9/16)‖M‖².

    *Add/remove*: ‖φφᵀ‖ = ‖φ‖² ≤ 1 and ‖φyᵀ‖ ≤ √a, so that Δ² = 9/16 + a; attained by φ = e₁.

    *Replace-one*, with z = φ·φ' and |y·y'| ≤ a: ‖φφᵀ − φ'φ'ᵀ‖² ≤ 2 − 2z² and
    ‖φyᵀ − φ'y'ᵀ‖² ≤ 2a + 2a|z|. With g = 9/8 the sum g(1 − z²) + 2a + 2a|z| is largest at
    |z| = a/g, where it is (g + a)²/g. Both are below √2 and twice √2, the bounds for weight 1.
    """
    squared = 1.0 - 1.0 / n_classes
    if adjacency == "add_remove":
        return math.sqrt(GRAM_NORM_SQUARED + squared)
    twice = 2.0 * GRAM_NORM_SQUARED
    return (twice + squared) / math.sqrt(twice)


def sum_normal_equations(
    points: Points, classes: np.ndarray, n_classes: int, features: RandomFeatures
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact sums over records of T(φφᵀ), as a vector, and of φyᵀ.

    They are multiples of UNIT²/4, added up as integers, so that neither the order of the rows nor
    their division into chunks can matter; see `exact_floats` for more than 2²³ records.
    """
    read = points if callable(points) else lambda start, stop: points[start:stop]
    n_features = features.n_features
    gram = np.zeros((n_features, n_features), dtype=np.int64)
    by_class = np.zeros((n_features, n_classes), dtype=np.int64)
    for start in range(0, len(classes), CHUNK_SIZE):
        stop = min(start + CHUNK_SIZE, len(classes))
        mapped = map_records(read(start, stop), features)
        is_class = classes[start:stop, None] == np.arange(n_classes)
        # exact: ‖φ‖ ≤ 2¹⁴ units, so that the sums of a chunk are below 2⁴⁰
        gram += (mapped.T @ mapped).astype(np.int64)
        by_class += (mapped.T @ is_class).astype(np.int64)
    # rounding towards zero lengthens no target; the sums by class are multiplied by it once
    targets = clip_rows(np.trunc(centred_labels(n_classes) / UNIT), 1.0 / UNIT)
    # in quarters, so that the diagonal's weight of ¾ is an integer too
    quarters = 4 * gram
    quarters[np.diag_indices(n_features)] = round(4 * GRAM_DIAGONAL_WEIGHT) * np.diag(gram)
    upper, cross = quarters[np.triu_indices(n_features)], 4 * (by_class @ targets.astype(np.int64))
    return exact_floats(upper) * (UNIT**2 / 4.0), exact_floats(cross) * (UNIT**2 / 4.0)


def release_normal_equations(
    points: Points,
    classes: np.ndarray,
    n_classes: int,
    features: RandomFeatures,
    n_records: float,
    mu: float,
    desk: Mechanisms,
) -> NormalEquations:
    """Release the normal equations of kernel ridge regression in random features.

    Parameters
    ----------
    points : ndarray of shape (n_rows, n_inputs), or function of (start, stop)
        The private records, embedded with norm at most 1; a function returns those of some rows,
        so that the whole array need never exist.
    classes : ndarray of shape (n_rows,), int
        Each record's class.
    n_classes : int
    features : RandomFeatures
        Public.
    n_records : float
        From an earlier release.
    mu : float
    desk : Mechanisms

    Notes
    -----
    Sensitivity: see `normal_equations_sensitivity`. A record's φ and y are rounded towards zero on
    a grid, in a way that depends on that record alone, and the sums are exact on it. Rounding the
    p sums to a coarser grid g, which the noise is drawn on, adds g√p, at most 3 %.

    References
    ----------
    The release of a noisy ΦᵀΦ and ΦᵀY for ridge regression is Vu & Slavković's (2009) and, as one
    Gaussian mechanism, AdaSSP's: Wang (2018), Revisiting differentially private linear regression.
    """
    gram, cross = sum_normal_equations(points, classes, n_classes, features)
    n_values = gram.size + cross.size
    sensitivity = normal_equations_sensitivity(n_classes, desk.adjacency)
    grid = _rounding_grid(sensitivity, n_values)
    sensitivity += grid * math.sqrt(n_values)
    sums = np.concatenate([gram, cross.ravel()])
    released = desk.gaussian(
        sums if mu == math.inf else np.rint(sums / grid) * grid,
        sensitivity=sensitivity,
        mu=mu,
        name=NORMAL_EQUATIONS,
        grid=grid,
    )
    upper = np.zeros((features.n_features,) * 2)
    upper[np.triu_indices(features.n_features)] = released[: gram.size]
    # halved, since upper + upperᵀ has the diagonal twice
    upper[np.diag_indices(features.n_features)] /= 2.0 * GRAM_DIAGONAL_WEIGHT
    scale = 0.0 if mu == math.inf else sensitivity / mu
    return NormalEquations(
        upper + upper.T, released[gram.size :].reshape(cross.shape), n_records, scale
    )


def _rounding_grid(sensitivity: float, n_values: int) -> float:
    """Return the power of two to round to: it adds at most ROUNDING to the sensitivity."""
    largest = ROUNDING * sensitivity / math.sqrt(n_values)
    return math.ldexp(1.0, math.frexp(largest)[1] - 1)


def positive_gram(equations: NormalEquations) -> np.ndarray:
    """Return the Gram matrix projected on the positive semidefinite ones, plus noise-level ridge.

    A negative eigenvalue is noise. So are those below the norm of the noise, about
    2·scale·√n_features, and there Σφyᵀ holds noise too: without a quadratic term of that size the
    objective would follow it as far as the regression weights go.

    References
    ----------
    Wang (2018), Revisiting differentially private linear regression, algorithm 2, adds a ridge of
    the order of the noise; the norm of a symmetric Gaussian matrix is Wigner's.
    """
    values, vectors = np.linalg.eigh(equations.gram)
    ridge = 2.0 * equations.scale * math.sqrt(len(values))
    return (vectors * (np.maximum(values, 0.0) + ridge)) @ vectors.T
