"""Size-constrained EM: assignments under bounds on the sizes, and components, by turns.

The objective is the mean of log(π_k N(x | m_k, Σ_k)) − ½·reg_covar·tr(Σ_k⁻¹) at each record's
component: `log_joint` and `log_penalty` are its terms, `assign_with_sizes` its maximum over the
assignments (the E-step), `fit_gaussians` its maximum over the components (the M-step).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ._assignment import assign_with_sizes
from ._gaussians import Gaussians, fit_gaussians, log_joint, log_penalty

__all__ = ["ConstrainedFit", "SizeBounds", "fit_from"]


class SizeBounds(NamedTuple):
    """Fewest and most records of a component; None is without a bound."""

    low: int
    high: int | None


class ConstrainedFit(NamedTuple):
    """What one start ends in.

    Attributes
    ----------
    mixture : Gaussians
    labels : ndarray of shape (n_records,), int
    lower_bounds : list of float
        The objective after every assignment, and at the end.
    n_iter : int
    converged : bool
    """

    mixture: Gaussians
    labels: np.ndarray
    lower_bounds: list[float]
    n_iter: int
    converged: bool


def fit_from(
    X: np.ndarray,
    centres: np.ndarray,
    sizes: SizeBounds,
    covariance_type: str,
    reg_covar: float,
    tol: float,
    iterations: Iterable[int],
) -> ConstrainedFit:
    """Return the mixture that iterations from given centres lead to.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    centres : ndarray of shape (n_components, n_features)
    sizes : SizeBounds
    covariance_type : {"full", "tied", "diag", "spherical"}
    reg_covar : float
        Added to every variance.
    tol : float
        Stop when the objective rises by less.
    iterations : iterable
        As long as there may be iterations; what it yields is not used.
    """

    def fit(labels: np.ndarray) -> Gaussians:
        return fit_gaussians(X, labels, len(centres), covariance_type, reg_covar)

    def score(mixture: Gaussians) -> np.ndarray:
        # with the penalty, regularised covariances maximise it: neither step lowers the objective
        return log_joint(X, mixture, covariance_type) + log_penalty(
            mixture, covariance_type, reg_covar
        )

    labels, prices = assign_with_sizes(-_squared_distances_to(X, centres), *sizes)
    mixture, rows = fit(labels), np.arange(len(X))
    bounds: list[float] = []
    converged = False
    for _ in iterations:
        scores = score(mixture)
        # prices of the last problem are nearly those of this one
        assigned, prices = assign_with_sizes(scores, *sizes, prices)
        bounds.append(float(np.mean(scores[rows, assigned])))
        is_same = np.array_equal(assigned, labels)
        converged = is_same or (len(bounds) > 1 and bounds[-1] - bounds[-2] < tol)
        labels = assigned
        mixture = fit(labels)
        if converged:
            break
    n_iter = len(bounds)
    bounds.append(float(np.mean(score(mixture)[rows, labels])))
    return ConstrainedFit(mixture, labels, bounds, n_iter, converged)


def _squared_distances_to(X: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return squared distances up to a term of the record alone, which no assignment depends on."""
    centre = centres.mean(axis=0)
    X, centres = X - centre, centres - centre
    return np.asarray(np.sum(centres**2, axis=1) - 2.0 * X @ centres.T)
