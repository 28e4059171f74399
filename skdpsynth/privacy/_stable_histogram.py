"""Histograms over values that are not known beforehand: only frequent values are released."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from ._events import FailureEvent, GaussianEvent, check_adjacency, check_number
from ._ledger import PrivacyLedger
from ._mechanisms import nonnegative_sensitivity
from ._noise import NoiseSource
from ._rounded_gaussian import MAX_SCALE

__all__ = ["HistogramPlan", "plan_stable_histogram", "stable_histogram_release"]


class HistogramPlan(NamedTuple):
    """What is public about a release of stable histograms.

    Attributes
    ----------
    n_histograms : int
        A row counts at most once in each.
    mu : float
        Of the Gaussian noise in the counts; ``inf`` means without noise.
    sensitivity : float
        L2 sensitivity of all counts together, in rows.
    noise_scale : float
        Standard deviation of the noise in a count, in rows.
    threshold : float
        An integer: noisy counts below it are suppressed.
    failure : float
        Bound on the probability that a value which only one row has is released.
    n_moved : int
        Counts that a change of one row can move.
    """

    n_histograms: int
    mu: float
    sensitivity: float
    noise_scale: float
    threshold: float
    failure: float
    n_moved: int


def plan_stable_histogram(
    n_histograms: int, *, mu: float, failure: float, adjacency: str
) -> HistogramPlan:
    """Return the noise and the least threshold of a release of stable histograms.

    Parameters
    ----------
    n_histograms : int
        A row counts at most once in each.
    mu : float in (0, inf]
        Share of the budget.
    failure : float in (0, 0.5]
        Share of δ: the most that the probability of a failure may be.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or the noise is beyond 2³² rows.

    Examples
    --------
    >>> plan = plan_stable_histogram(3, mu=0.2, failure=1e-7, adjacency="add_remove")
    >>> round(plan.noise_scale, 2), plan.threshold
    (8.66, 49.0)
    """
    mu = check_number("mu", mu, low=0.0)
    failure = check_number("failure", failure, low=0.0, high=0.5)
    sensitivity = nonnegative_sensitivity(math.sqrt(n_histograms), adjacency)
    n_moved = n_histograms * (1 if check_adjacency(adjacency) == "add_remove" else 2)
    if mu == math.inf:
        return HistogramPlan(n_histograms, mu, sensitivity, 0.0, 1.0, 0.0, n_moved)
    scale = sensitivity / mu
    if scale > MAX_SCALE:
        raise ValueError(
            f"counts with noise of {scale:.2g} rows say nothing; use a larger epsilon or delta"
        )
    # 1 + round(z) ≥ threshold is z ≥ threshold − 1.5
    threshold = math.ceil(1.5 - scale * float(ndtri(failure / n_histograms)))
    while _failure(n_histograms, threshold, scale) > failure:
        threshold += 1
    spent = _failure(n_histograms, threshold, scale)
    return HistogramPlan(n_histograms, mu, sensitivity, scale, float(threshold), spent, n_moved)


def _failure(n_histograms: int, threshold: float, scale: float) -> float:
    # the margin covers the rounding errors of ndtr and of its argument
    return n_histograms * float(ndtr((1.5 - threshold) / scale)) * (1 + 1e-9)


def stable_histogram_release(
    counts: Sequence[npt.ArrayLike],
    plan: HistogramPlan,
    *,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> list[npt.NDArray[np.float64]]:
    """Release the counts of the values that occur, NaN where the noisy count is too low.

    Parameters
    ----------
    counts : sequence of array-like of int, each of shape (n_values,)
        One histogram each: how many rows have each value, at least one. The values themselves may
        be published where the noisy count is not NaN, and nowhere else; nor may the number of
        values.
    plan : HistogramPlan
        For the adjacency of the ledger and as many histograms.
    name : str
        What is released, for the ledger.
    ledger : PrivacyLedger
        Charged before any noise is drawn, with a `GaussianEvent` and a `FailureEvent`; a refused
        charge releases nothing. Its number of coordinates is that of the counts a row can move,
        since the number of values is private.
    noise : NoiseSource

    Returns
    -------
    list of ndarray of float64, each of shape (n_values,)
        Integers of at least the threshold, and NaN.

    Raises
    ------
    BudgetExceededError
        If the ledger refuses the charge.
    ValueError
        If there are not as many histograms as planned, or a count is below one.

    Notes
    -----
    Let D and D' be neighbours, S the values that both have, and B, B' the release restricted to S.

    1. *On S* it is a Gaussian release followed by the threshold: B and B' satisfy the divergence
       bound δ_μ(ε), in either order.
    2. *Off S* every value has one row, in D or in D' but not in both: at most one per histogram in
       D and one in D'. The noise of these counts is independent, so that none of them passes with
       probability at least 1 − p, p = n·P(1 + round(z) ≥ threshold) = n·Φ((1.5 − threshold)/σ).
    3. Hence P(A(D) ∈ E) ≤ p_D + (1 − p_D)·P(B ∈ E) and P(A(D') ∈ E) ≥ (1 − p_D')·P(B' ∈ E), with
       p_D, p_D' ≤ p, and so P(A(D) ∈ E) − e^ε P(A(D') ∈ E) ≤ p + (1 − p)·δ_μ(ε), for every real
       ε: the greater of p_D and p_D' counts, not their sum. That is a Gaussian release beside a
       failure, also when composed with other releases.

    References
    ----------
    Korolova, Kenthapadi, Mishra & Ntoulas (2009), Releasing search queries and clicks privately;
    Vadhan (2017), The complexity of differential privacy, Section 3, on stability-based histograms.

    Examples
    --------
    >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
    >>> mu = ledger.calibrate_gaussian([FailureEvent(1e-7)])
    >>> plan = plan_stable_histogram(1, mu=mu, failure=1e-7, adjacency="add_remove")
    >>> noisy = stable_histogram_release([[900, 1, 700]], plan, name="levels", ledger=ledger,
    ...                                  noise=NoiseSource(0))
    >>> np.isnan(noisy[0])
    array([False,  True, False])
    """
    exact = [np.asarray(values) for values in counts]
    if len(exact) != plan.n_histograms:
        raise ValueError(f"{len(exact)} histograms were passed, {plan.n_histograms} are planned")
    if any(values.size and (values.dtype.kind not in "iu" or values.min() < 1) for values in exact):
        raise ValueError(f"the counts of {name!r} must be integers of at least one")
    _charge(plan, name, ledger, noise)
    return [_suppress(values, plan, noise) for values in exact]


def _charge(plan: HistogramPlan, name: str, ledger: PrivacyLedger, noise: NoiseSource) -> None:
    if plan.mu < math.inf:
        ledger.charge(FailureEvent(plan.failure), name=f"{name}: threshold {plan.threshold:.0f}")
    ledger.charge(
        GaussianEvent(plan.mu),
        name=name,
        n_coordinates=plan.n_moved,
        sensitivity=plan.sensitivity,
        noise_scale=plan.noise_scale,
        secure_noise=noise.is_secure or not plan.noise_scale,
    )


def _suppress(
    counts: npt.NDArray[np.int64], plan: HistogramPlan, noise: NoiseSource
) -> npt.NDArray[np.float64]:
    noisy = (counts + noise.rounded_gaussian(plan.noise_scale, counts.shape)).astype(np.float64)
    return np.where(noisy >= plan.threshold, noisy, np.nan)
