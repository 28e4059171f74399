"""Estimates from several synthetic data sets, combined into one with a valid interval."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from scipy import stats

__all__ = ["CombinedEstimate", "combine_estimates"]

LEAST_FREEDOM = 0.01


@dataclass(frozen=True, eq=False)
class CombinedEstimate:
    """An estimate from several synthetic data sets; made by `combine_estimates`.

    Attributes
    ----------
    estimate : float or ndarray of shape (p,)
        Mean of the estimates.
    standard_error : float or ndarray of shape (p,)
        Square root of the combined variance, in the units of the estimate.
    degrees_of_freedom : float or ndarray of shape (p,)
        Of the Student t distribution of (true value - estimate) / standard_error; ``inf`` is the
        normal distribution.
    within_variance : float or ndarray of shape (p,)
        Mean of the variances that the data sets give for their own estimates.
    between_variance : float or ndarray of shape (p,)
        Sample variance of the estimates, with m - 1 in the denominator.
    n_datasets : int
        Number m of data sets.
    """

    estimate: Any
    standard_error: Any
    degrees_of_freedom: Any
    within_variance: Any
    between_variance: Any
    n_datasets: int

    def interval(self, level: float = 0.95) -> tuple[Any, Any]:
        """Return the ends of the confidence interval.

        Parameters
        ----------
        level : float in (0, 1), default=0.95
            Probability with which such intervals cover the true value.

        Returns
        -------
        low, high : float or ndarray of shape (p,)
            Infinite below 0.01 degrees of freedom.

        Raises
        ------
        ValueError
            If `level` is not between 0 and 1.

        Examples
        --------
        >>> combined = combine_estimates([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])
        >>> low, high = combined.interval(0.9)
        >>> round(low, 3), round(high, 3)
        (-1.649, 5.649)
        """
        if isinstance(level, bool) or not isinstance(level, Real) or not 0 < float(level) < 1:
            raise ValueError(f"level must be between 0 and 1, such as 0.95, got {level!r}.")
        quantile = stats.t.isf((1 - float(level)) / 2, self.degrees_of_freedom)
        # there scipy returns too small ones: the 0.975 quantile is beyond 1e100
        quantile = np.where(self.degrees_of_freedom < LEAST_FREEDOM, np.inf, quantile)
        half = np.where(self.standard_error == 0, 0.0, quantile) * self.standard_error
        return _like_input(self.estimate - half), _like_input(self.estimate + half)


def combine_estimates(
    estimates: Any,
    variances: Any,
    *,
    n_synthetic: float | None = None,
    n_real: float | None = None,
) -> CombinedEstimate:
    r"""Combine estimates from fully synthetic data sets by Rubin's rules.

    Each data set must come from a parameter vector of its own, drawn from the posterior, as
    ``sample_datasets`` of a synthesizer yields them. The intervals are valid as far as that
    posterior is: it has to account for the noise of the privacy mechanism, and the model to
    contain what is estimated.

    Parameters
    ----------
    estimates : array-like of shape (m,) or (m, p)
        The estimate from each of m >= 2 data sets, or p estimates.
    variances : array-like of the same shape
        The variance (squared standard error) that each data set gives for its estimate, computed
        as if its rows were real.
    n_synthetic : float, default=None
        Number of rows of each synthetic data set. Needed, with `n_real`, only where the combined
        variance would not be positive.
    n_real : float, default=None
        Number of rows of the real table: under add/remove adjacency the noisy count
        ``synthesizer.n_records_``.

    Returns
    -------
    CombinedEstimate
        Of floats for input of shape (m,), of arrays of shape (p,) otherwise.

    Raises
    ------
    ValueError
        If the shapes differ or are others, m is below 2, a number is not finite, a variance or a
        row count is negative, or the row counts are needed and not given.

    Notes
    -----
    With q̄ and ū the means of the estimates and of the variances, and b the sample variance of the
    estimates, the combined variance and the degrees of freedom are

    .. math:: T = (1 + 1/m) b - ū, \qquad ν = (m - 1) \left(1 - \frac{ū}{(1 + 1/m) b}\right)^2

    (Raghunathan, Reiter & Rubin 2003, Section 2). ū is subtracted because b holds the sampling
    variance of the synthetic rows besides the posterior variance that is wanted. T is an unbiased
    difference and can come out at or below zero; each such coordinate has
    :math:`T^* = (n_\text{synthetic} / n_\text{real}) ū` instead (Reiter 2002, Section 2.2), with a
    normal reference distribution, ν = inf, since ū is nearly known. T* assumes that the real table
    would give the estimate as precisely as one without privacy noise, and may be too small when
    that noise dominates. More data sets make T <= 0 rare, and so do larger ones. Just above zero T
    has few degrees of freedom and its interval is very wide: a few small data sets give intervals
    that cover more often than they say.

    References
    ----------
    Raghunathan, Reiter & Rubin (2003), Multiple imputation for statistical disclosure limitation;
    Reiter (2002), Satisfying disclosure requirements with synthetic data sets; used for noise-aware
    synthetic data in Räisä, Jälkö, Kaski & Honkela (2023), Noise-aware statistical inference with
    differentially private synthetic data.

    Examples
    --------
    >>> combined = combine_estimates([1.0, 2.0, 3.0], [0.1, 0.1, 0.1])
    >>> combined.estimate
    2.0
    >>> round(combined.standard_error**2, 6), round(combined.degrees_of_freedom, 6)
    (1.233333, 1.71125)
    """
    estimates, variances = _read(estimates, variances)
    m = len(estimates)
    within, between = variances.mean(axis=0), estimates.var(axis=0, ddof=1)
    spread = (1 + 1 / m) * between
    total = spread - within
    is_valid = total > 0
    share = np.divide(total, spread, out=np.zeros_like(total), where=is_valid)
    freedom = np.where(is_valid, (m - 1) * share**2, np.inf)
    if not is_valid.all():
        substitute = _substitute_variance(within, is_valid, n_synthetic, n_real)
        total = np.where(is_valid, total, substitute)
    return CombinedEstimate(
        estimate=_like_input(estimates.mean(axis=0)),
        standard_error=_like_input(np.sqrt(total)),
        degrees_of_freedom=_like_input(freedom),
        within_variance=_like_input(within),
        between_variance=_like_input(between),
        n_datasets=m,
    )


def _substitute_variance(
    within: np.ndarray, is_valid: np.ndarray, n_synthetic: Any, n_real: Any
) -> np.ndarray:
    """Return Reiter's T*, which takes the place of a variance that is not positive."""
    if (within[~is_valid] == 0).all():
        return np.zeros_like(within)
    if n_synthetic is None or n_real is None:
        count = f" of {(~is_valid).sum()} of {within.size} estimates" if within.ndim else ""
        raise ValueError(
            f"The combined variance{count} is not positive, because the estimates vary less "
            "between the data sets than within them. Pass n_synthetic and n_real, the rows of a "
            "synthetic data set and of the real table (synthesizer.n_records_), to use "
            "(n_synthetic / n_real) * within-variance instead; or draw more or larger data sets."
        )
    return _read_size(n_synthetic, "n_synthetic") / _read_size(n_real, "n_real") * within


def _read(estimates: Any, variances: Any) -> tuple[np.ndarray, np.ndarray]:
    estimates = np.asarray(estimates, dtype=np.float64)
    variances = np.asarray(variances, dtype=np.float64)
    if estimates.ndim not in (1, 2) or estimates.shape != variances.shape:
        raise ValueError(
            "estimates and variances must have one shape, (m,) or (m, p), got "
            f"{estimates.shape} and {variances.shape}."
        )
    if len(estimates) < 2:
        raise ValueError(
            f"Rubin's rules need at least 2 data sets, got {len(estimates)}; 20 or more are usual."
        )
    for name, values in (("estimates", estimates), ("variances", variances)):
        if not np.isfinite(values).all():
            raise ValueError(f"{name} must be finite; leave out data sets without an estimate.")
    if (variances < 0).any():
        raise ValueError("variances must not be negative; pass squared standard errors.")
    return estimates, variances


def _read_size(value: Any, name: str) -> float:
    if (
        isinstance(value, bool)
        or not isinstance(value, Real)
        or not 0 < float(value) < float("inf")
    ):
        raise ValueError(f"{name} must be a positive number of rows, got {value!r}.")
    return float(value)


def _like_input(values: Any) -> Any:
    """Return an array of no dimension as the float it holds."""
    return values if np.ndim(values) else float(values)
