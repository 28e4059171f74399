r"""Privacy loss of one Poisson-subsampled Gaussian release, in closed form.

A batch has every row with probability q; what it adds up to gets noise N(0, σ²), with the clipping
norm as unit. In units of σ, with a = 1/σ and R = N(0, 1), the worst pair of neighbours gives

    add/remove:   P = (1−q)·R + q·N(a, 1)  with the row,    R without it            (`_loss`)
    replace-one:  P                        one row,         Q = (1−q)·R + q·N(−a, 1) the other

and the privacy loss is, with the increasing function ℓ(y) = log(1 − q + q·exp(a·y − a²/2)),

    "remove"      ℓ(y),            y drawn from P
    "add"         −ℓ(y),           y drawn from R
    "replace"     ℓ(y) − ℓ(−y),    y drawn from P,                                   (`mean`)

each monotone in y, so that its law follows from the inverse                         (`_noise_at`)

    ℓ⁻¹(L) = a/2 + log(1 + (e^L − 1)/q)/a,
    replace:  y = (L/2 + arsinh(c·sinh(L/2)))/a,  c = e^{a²/2}·(1−q)/q.

Neither "remove" nor "add" is known to dominate under composition, hence callers take the larger δ
of the two. P and Q mirror each other, so "replace" is the law in both directions.

*Why the pair of replace-one is the worst.* Let the rows be x and x', of norm at most a, and s what
the others in the batch add up to. Both tables draw the same s, and the hockey-stick divergence of
order α is jointly convex, so it is at most that of a fixed s; which shifts both, so let s = 0.
Let S be any set of outputs, and T the half-space of the same probability p = N(0, I)(S) on the
side of a vector u of length a. By the lemma of Neyman and Pearson

    N(x, I)(S)  ≤ Φ(Φ⁻¹(p) + |x|)  ≤ N(u, I)(T),
    N(x', I)(S) ≥ Φ(Φ⁻¹(p) − |x'|) ≥ N(−u, I)(T).

Hence P_x(S) − α·P_x'(S) ≤ P(T) − α·Q(T) for every α ≥ 0: (P, Q) dominates, and it is attained by
x = −x' = u. Dominating pairs compose adaptively (Zhu, Dong & Wang 2022, Theorem 10).

References
----------
Zhu, Dong & Wang (2022), Optimal accounting of differential privacy via characteristic function,
Theorems 10 and 11; Mironov, Talwar & Zhang (2019), Rényi differential privacy of the sampled
Gaussian mechanism.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln, logsumexp, ndtr

__all__ = ["DIRECTIONS", "Groups", "PrivacyLoss", "loss_range"]

DIRECTIONS = {"add_remove": ("remove", "add"), "replace_one": ("replace",)}
_ORDERS = (*range(2, 65), 80, 96, 128, 192, 256, 512, 1024)
_LARGEST_ORDER = 2**20

Groups: TypeAlias = tuple[tuple[float, float, int], ...]
Floats: TypeAlias = npt.NDArray[np.float64]
AnyFloats: TypeAlias = npt.NDArray[np.floating[Any]]


class PrivacyLoss:
    """Privacy loss of one release, conditioned on lying in [low, high].

    Parameters
    ----------
    rate : float in (0, 1)
        Sampling rate q.
    multiplier : float in (0, inf)
        Noise multiplier σ.
    direction : {"remove", "add", "replace"}
        Between which of the two tables of a pair.
    low, high : float
        Where the loss is truncated.

    Examples
    --------
    >>> loss = PrivacyLoss(0.1, 1.0, "replace", -2.0, 2.0)
    >>> loss.probability(np.array([-2.0, 0.0]), np.array([0.0, 2.0])).round(4)
    array([0.4659, 0.5341])
    """

    def __init__(
        self, rate: float, multiplier: float, direction: str, low: float, high: float
    ) -> None:
        self._rate = rate
        self._shift = 1.0 / multiplier
        self._direction = direction
        self._low, self._high = low, high
        self._mass = float(self._interval(np.array([low]), np.array([high]))[0])

    def probability(self, left: AnyFloats, right: AnyFloats) -> Floats:
        """Probability of the losses between `left` and `right`, arrays of one shape."""
        low = np.clip(left.astype(np.float64), self._low, self._high)
        high = np.clip(right.astype(np.float64), self._low, self._high)
        return self._interval(low, high) / self._mass

    def mean(self) -> float:
        """Expected loss, by Gauss-Legendre quadrature over the noise y."""
        ends = self._noise_at(np.array([self._low, self._high]))
        if self._direction == "add":
            ends = self._noise_at(-np.array([self._high, self._low]))
        low, high = max(ends[0], -40.0), min(ends[1], 40.0 + self._shift)
        # the loss bends within 1/a, where a is large
        panels = math.ceil((high - low) * 4 * max(1.0, self._shift))
        edges = np.linspace(low, high, panels + 1)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        half = np.diff(edges)[:, None] / 2
        y = edges[:-1, None] + half * (nodes + 1)
        losses = self._loss(y)
        if self._direction == "add":
            losses, density = -losses, np.exp(-(y**2) / 2)
        else:
            if self._direction == "replace":
                losses = losses - self._loss(-y)
            density = self._rate * np.exp(-((y - self._shift) ** 2) / 2)
            density += (1 - self._rate) * np.exp(-(y**2) / 2)
        total = np.sum(half * weights * losses * density) / math.sqrt(2 * math.pi)
        return float(total) / self._mass

    def _loss(self, y: Floats) -> Floats:
        """ℓ(y), of one row against none."""
        exponent = math.log(self._rate) + self._shift * y - self._shift**2 / 2
        return np.asarray(np.logaddexp(math.log1p(-self._rate), exponent))

    def _interval(self, left: Floats, right: Floats) -> Floats:
        if self._direction == "add":
            return _normal_interval(self._noise_at(-right), self._noise_at(-left))
        low, high = self._noise_at(left), self._noise_at(right)
        without = _normal_interval(low, high)
        return (1 - self._rate) * without + self._rate * _normal_interval(
            low - self._shift, high - self._shift
        )

    def _noise_at(self, loss: Floats) -> Floats:
        """The y with this loss, in units of σ; −inf below the range of ℓ."""
        if self._direction == "replace":
            return self._noise_at_replaced(loss)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            small = np.log1p(np.maximum(np.expm1(np.minimum(loss, 30.0)) / self._rate, -1.0))
            large = loss - math.log(self._rate) + np.log1p(-(1 - self._rate) * np.exp(-loss))
            log_ratio = np.where(loss < 30.0, small, large)
        return log_ratio / self._shift + self._shift / 2

    def _noise_at_replaced(self, loss: Floats) -> Floats:
        """Inverse of the odd function ℓ(y) − ℓ(−y)."""
        half = np.abs(loss) / 2
        log_c = self._shift**2 / 2 + math.log1p(-self._rate) - math.log(self._rate)
        with np.errstate(divide="ignore"):
            # in logarithms: neither factor of c·sinh(|L|/2) need be a floating-point number
            log_sinh = half + np.log(-np.expm1(-2 * half)) - math.log(2)
        exponent = log_c + log_sinh
        arsinh = np.where(
            exponent < 300.0,
            np.arcsinh(np.exp(np.minimum(exponent, 300.0))),
            exponent + math.log(2),
        )
        return np.asarray(np.sign(loss) * (half + arsinh) / self._shift)


def _normal_interval(low: Floats, high: Floats) -> Floats:
    """Φ(high) − Φ(low), from whichever tail is the smaller."""
    upper = low > 0
    return np.where(upper, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


@lru_cache(maxsize=16)
def loss_range(groups: Groups, direction: str, delta_error: float) -> float:
    r"""Bound L such that losses outside [−L, L] are improbable enough to truncate.

    Parameters
    ----------
    groups : tuple of (sampling rate, noise multiplier, steps)
        What is composed.
    direction : {"remove", "add", "replace"}
        Of which privacy loss.
    delta_error : float
        Error the truncation may contribute to.

    Returns
    -------
    float
        Smallest L, over integer Rényi orders, for which Chernoff's bound puts at most
        ``delta_error/(8·steps)`` of each step's loss beyond it, and ``delta_error/4`` of the
        composed loss; with g groups that quarter covers all 2g − 1 partial sums.

    Notes
    -----
    It holds for both tails. Of "remove" and "add", because the Rényi divergence in the direction
    "add" is not larger than in the direction "remove". Of "replace", because P and Q mirror each
    other: P(loss < −L) ≤ e^{−L}·Q(loss < −L) = e^{−L}·P(loss > L).

    References
    ----------
    Mironov, Talwar & Zhang (2019), Rényi differential privacy of the sampled Gaussian mechanism,
    Theorem 5 and equation (5); Gopi, Lee & Wutschitz (2021), Remark 5.6.

    Examples
    --------
    >>> round(loss_range(((0.01, 1.0, 1000),), "remove", 1e-9), 1)
    4.1
    >>> round(loss_range(((0.01, 1.0, 1000),), "replace", 1e-9), 1)
    9.1
    """
    steps = np.array([count for _, _, count in groups])
    of_composed = math.log(4 * (2 * len(groups) - 1) / delta_error)
    of_single = math.log(8 * int(steps.sum()) / delta_error)
    log_moment = _log_moment_replaced if direction == "replace" else _log_moment

    def bounds(order: int) -> Floats:
        moments = np.array([log_moment(q, s, order) for q, s, _ in groups])
        parts = np.array([steps @ moments + of_composed, *(moments + of_single)])
        return np.asarray(parts / (order - 1))

    best = np.min([bounds(order) for order in _ORDERS], axis=0)
    # small losses need large orders
    order = 2 * _ORDERS[-1]
    while (
        order <= _LARGEST_ORDER and np.max(closer := np.minimum(best, bounds(order))) < best.max()
    ):
        best, order = closer, 2 * order
    return float(best.max())


def _log_moment(rate: float, multiplier: float, order: int) -> float:
    """Logarithm of E_R[(P/R)^order], P with the row and R without it."""
    k = np.arange(order + 1)
    log_binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    terms = log_binomial + k * math.log(rate) + (order - k) * math.log1p(-rate)
    return float(logsumexp(terms + k * (k - 1) / (2 * multiplier**2)))


def _log_moment_replaced(rate: float, multiplier: float, order: int) -> float:
    """Upper bound on the logarithm of E_Q[(P/Q)^order] = E_R[(P/R)^order·(R/Q)^(order − 1)].

    Either R/Q ≤ 1/(1 − q), which is close where losses are large, or the inequality of Cauchy and
    Schwarz, close where they are small, with E_R[(R/Q)^(2·order − 2)] = E_Q[(R/Q)^(2·order − 1)]
    ≤ E_R[(Q/R)^(2·order − 1)] (Mironov, Talwar & Zhang 2019, Theorem 5).
    """
    bounded = _log_moment(rate, multiplier, order) - (order - 1) * math.log1p(-rate)
    first = _log_moment(rate, multiplier, 2 * order)
    second = _log_moment(rate, multiplier, 2 * order - 1)
    return min(bounded, (first + second) / 2)
