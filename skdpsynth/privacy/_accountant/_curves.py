r"""Gaussian differential privacy: the exact curve between ε, δ and μ.

With a = μ/2 − ε/μ and b = −μ/2 − ε/μ the curve is δ = Φ(a) − e^ε Φ(b). Because
e^ε φ(b) = φ(a), it equals φ(a)·[R(−a) − R(−b)] with Mills' ratio R(x) = Φ(−x)/φ(x), which
neither overflows nor loses the small δ in a difference of large numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import erfcx, ndtr

from .._events import check_number

__all__ = ["gdp_delta", "gdp_delta_curve", "gdp_epsilon", "gdp_mu"]

_LARGEST_MU = 1e100  # beyond, ε = μ²/2 and more cannot be solved for in floating point
_LOG_TOLERANCE = 1e-10  # margin in log δ; the rounding error of the curve stays below it


def _mills_ratio(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(math.sqrt(math.pi / 2) * erfcx(x / math.sqrt(2.0)))


def gdp_delta_curve(epsilon: npt.ArrayLike, mu: float) -> npt.NDArray[np.float64]:
    """δ of a μ-GDP mechanism at many ε, which may be negative.

    Parameters
    ----------
    epsilon : array-like of float
        Privacy losses in nats; any real numbers.
    mu : float
        Finite and positive.

    Returns
    -------
    ndarray, shape of ``epsilon``
        The hockey-stick divergence of order e^ε between N(μ, 1) and N(0, 1).

    References
    ----------
    Dong, Roth & Su (2022), Corollary 2.13; Balle & Wang (2018), Theorem 8.

    Examples
    --------
    >>> gdp_delta_curve([-1.0, 0.0, 1.0], 1.0).round(6)
    array([0.678818, 0.382925, 0.126937])
    """
    eps = np.asarray(epsilon, dtype=np.float64)
    size = np.abs(eps)
    with np.errstate(over="ignore", under="ignore"):
        delta = _small_mu_curve(size, mu) if mu < 1e-3 else _curve(size, mu)
        # the roles of the two normals swap: δ(−ε) = 1 − e^−ε + e^−ε δ(ε)
        delta = np.where(eps < 0, -np.expm1(-size) + np.exp(-size) * delta, delta)
    return np.asarray(np.clip(delta, 0.0, 1.0))


def _curve(epsilon: npt.NDArray[np.float64], mu: float) -> npt.NDArray[np.float64]:
    upper = mu / 2 - epsilon / mu
    lower = -mu / 2 - epsilon / mu
    density = np.exp(-(upper**2) / 2) / math.sqrt(2 * math.pi)
    tail = _mills_ratio(-lower)
    # the ratio at −upper would overflow where upper is large and positive
    head = _mills_ratio(np.maximum(-upper, 0.0))
    return np.where(upper > 0, ndtr(upper) - density * tail, density * (head - tail))


def _small_mu_curve(epsilon: npt.NDArray[np.float64], mu: float) -> npt.NDArray[np.float64]:
    """Taylor series of R(x − μ/2) − R(x + μ/2) at x = ε/μ: the difference itself cancels."""
    # far out the density is zero, and its factors must not overflow
    x = np.minimum(epsilon / mu, 1e6)
    density = np.exp(-((mu / 2 - x) ** 2) / 2) / math.sqrt(2 * math.pi)
    ratio = _mills_ratio(x)
    first = np.maximum(1 - x * ratio, 0.0)
    third = np.where(x < 30, x**2 + 2 - (x**3 + 3 * x) * ratio, 0.0)
    return np.asarray(density * (mu * first + mu**3 / 24 * third))


def gdp_delta(epsilon: float, mu: float) -> float:
    """δ for which a μ-GDP mechanism is (ε, δ)-differentially private, exactly.

    Parameters
    ----------
    epsilon : float in [0, inf]
        Privacy loss in nats.
    mu : float in [0, inf]
        Sensitivity over noise standard deviation.

    Returns
    -------
    float
        The smallest such δ.

    Raises
    ------
    ValueError
        If an argument is negative or NaN.

    References
    ----------
    Dong, Roth & Su (2022), Corollary 2.13.

    Examples
    --------
    >>> round(gdp_delta(1.0, 1.0), 6)
    0.126937
    >>> gdp_delta(1.0, 0.0)
    0.0
    """
    epsilon = check_number("epsilon", epsilon, low=0.0, low_open=False)
    mu = check_number("mu", mu, low=0.0, low_open=False)
    if epsilon == math.inf or mu == 0.0:
        return 0.0
    if mu == math.inf:
        return 1.0
    return float(gdp_delta_curve(epsilon, mu))


def gdp_epsilon(mu: float, delta: float) -> float:
    """ε for which a μ-GDP mechanism is (ε, δ)-differentially private, rounded up.

    Parameters
    ----------
    mu : float in [0, inf]
        Sensitivity over noise standard deviation.
    delta : float in (0, 1)
        Probability with which the loss may exceed ε.

    Returns
    -------
    float
        The smallest such ε up to a relative 1e-10; never below it.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> round(gdp_epsilon(1.0, 0.126936738), 6)
    1.0
    """
    mu = check_number("mu", mu, low=0.0, low_open=False)
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    if mu > _LARGEST_MU:
        return math.inf
    target = math.log(delta) - _LOG_TOLERANCE

    def excess(epsilon: float) -> float:
        return _log(gdp_delta(epsilon, mu)) - target

    if excess(0.0) <= 0:
        return 0.0
    high = mu
    while excess(high) > 0:
        high *= 2
    root = float(brentq(excess, 0.0, high, xtol=1e-300, rtol=1e-13))
    return _step_until(root, 1 + 1e-12, lambda epsilon: excess(epsilon) <= 0)


def gdp_mu(epsilon: float, delta: float) -> float:
    """Largest μ for which a μ-GDP mechanism is (ε, δ)-differentially private, rounded down.

    Parameters
    ----------
    epsilon : float in [0, inf]
        Privacy loss in nats; ``inf`` gives ``inf``.
    delta : float in (0, 1)
        Probability with which the loss may exceed ε.

    Returns
    -------
    float
        The result satisfies ``gdp_delta(epsilon, mu) <= delta`` and is within a relative 1e-9 of
        the largest such number.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    References
    ----------
    Balle & Wang (2018), Improving the Gaussian mechanism, Algorithm 1 solves the same equation.

    Examples
    --------
    >>> round(gdp_mu(1.0, 1e-6), 6)
    0.236704
    >>> gdp_delta(1.0, gdp_mu(1.0, 1e-6)) <= 1e-6
    True
    """
    epsilon = check_number("epsilon", epsilon, low=0.0, low_open=False)
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    if epsilon == math.inf:
        return math.inf
    target = math.log(delta) - _LOG_TOLERANCE

    def excess(log_mu: float) -> float:
        return _log(gdp_delta(epsilon, math.exp(log_mu))) - target

    low = high = 0.0
    while excess(low) > 0:
        low -= 1.0
    while excess(high) <= 0:
        high += 1.0
    log_mu = float(brentq(excess, low, high, xtol=1e-13, rtol=1e-13))
    return _step_until(math.exp(log_mu), 1 - 1e-12, lambda mu: excess(math.log(mu)) <= 0)


def _log(delta: float) -> float:
    return math.log(delta) if delta > 0 else -1e4


def _step_until(value: float, factor: float, is_safe: Callable[[float], bool]) -> float:
    while not is_safe(value):
        value *= factor
        factor = factor * factor
    return value
