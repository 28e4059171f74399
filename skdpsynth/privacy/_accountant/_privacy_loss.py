r"""Law of the privacy loss of composed Poisson-subsampled Gaussian releases, with error bounds.

One release sees N(0, σ²) without the row and (1−q)·N(0, σ²) + q·N(1, σ²) with it. In units of σ,
with a = 1/σ, the log ratio of the densities is the increasing function

    ℓ(y) = log(1 − q + q·exp(a·y − a²/2)),

so the law of the loss is known in closed form, in the direction "remove" (the loss is ℓ(y), y
drawn with the row) and in the direction "add" (the loss is −ℓ(y), y drawn without it). Neither
direction is known to dominate under composition, hence callers take the larger δ of the two.
The discretisation and the composition by fast Fourier transform are prv-accountant's.

References
----------
Gopi, Lee & Wutschitz (2021), Numerical composition of differential privacy, Theorem 5.5.
Zhu, Dong & Wang (2022), Optimal accounting of differential privacy via characteristic function,
Theorem 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from prv_accountant.composers import Heterogeneous
from prv_accountant.discretisers import CellCentred
from prv_accountant.domain import Domain
from scipy.fft import next_fast_len
from scipy.special import gammaln, logsumexp, ndtr

__all__ = ["DIRECTIONS", "AccountingError", "LossLaw", "composed_loss", "loss_range"]

DIRECTIONS = ("remove", "add")
MAX_GRID = 2**21
_LARGEST_ROUNDING = 100.0  # of the other errors in δ, which are a thousandth of it
_ORDERS = (*range(2, 65), 80, 96, 128, 192, 256, 512, 1024)
_LARGEST_ORDER = 2**20

Groups: TypeAlias = tuple[tuple[float, float, int], ...]
Floats: TypeAlias = npt.NDArray[np.float64]


class AccountingError(RuntimeError):
    """A composition cannot be computed to the required accuracy; the message names the way out."""


@dataclass(frozen=True)
class LossLaw:
    """A discrete law close to that of the composed privacy loss.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Losses in nats, ascending.
    probabilities : ndarray, shape (n,)
        Their probabilities.
    epsilon_error, delta_error : float
        The true loss and one with this law can be coupled such that they differ by at most
        ``epsilon_error``, except with probability ``delta_error``.
    """

    values: Floats
    probabilities: Floats
    epsilon_error: float
    delta_error: float


class _TruncatedLoss:
    """Loss of one release, conditioned on lying in [low, high]: what the discretiser asks for."""

    pm_inf = 0.0

    def __init__(self, rate: float, multiplier: float, direction: str) -> None:
        self._rate = rate
        self._shift = 1.0 / multiplier
        self._direction = direction
        self._low = -math.inf
        self._high = math.inf
        self._mass = 1.0

    def truncate(self, low: float, high: float) -> _TruncatedLoss:
        self._low, self._high = low, high
        self._mass = float(self._interval(np.array([low]), np.array([high]))[0])
        return self

    def probability(self, left: Floats, right: Floats) -> npt.NDArray[np.longdouble]:
        """Probability of the losses between ``left`` and ``right``, arrays of one shape."""
        left = np.clip(left.astype(np.float64), self._low, self._high)
        right = np.clip(right.astype(np.float64), self._low, self._high)
        return (self._interval(left, right) / self._mass).astype(np.longdouble)

    def mean(self) -> float:
        """Expected loss, by Gauss-Legendre quadrature over the noise y."""
        ends = self._noise_at(np.array([self._low, self._high]))
        if self._direction == "add":
            ends = self._noise_at(-np.array([self._high, self._low]))
        low, high = max(ends[0], -40.0), min(ends[1], 40.0 + self._shift)
        panels = math.ceil((high - low) * 4 * max(1.0, self._shift))
        edges = np.linspace(low, high, panels + 1)
        nodes, weights = np.polynomial.legendre.leggauss(16)
        half = np.diff(edges)[:, None] / 2
        y = edges[:-1, None] + half * (nodes + 1)
        losses = np.logaddexp(
            math.log1p(-self._rate), math.log(self._rate) + self._shift * y - self._shift**2 / 2
        )
        if self._direction == "add":
            losses, density = -losses, np.exp(-(y**2) / 2)
        else:
            density = self._rate * np.exp(-((y - self._shift) ** 2) / 2)
            density += (1 - self._rate) * np.exp(-(y**2) / 2)
        total = np.sum(half * weights * losses * density) / math.sqrt(2 * math.pi)
        return float(total) / self._mass

    def _interval(self, left: Floats, right: Floats) -> Floats:
        if self._direction == "add":
            return _normal_interval(self._noise_at(-right), self._noise_at(-left))
        low, high = self._noise_at(left), self._noise_at(right)
        without = _normal_interval(low, high)
        return (1 - self._rate) * without + self._rate * _normal_interval(
            low - self._shift, high - self._shift
        )

    def _noise_at(self, loss: Floats) -> Floats:
        """Inverse of ℓ, in units of σ; −inf below its range."""
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            small = np.log1p(np.maximum(np.expm1(np.minimum(loss, 30.0)) / self._rate, -1.0))
            large = loss - math.log(self._rate) + np.log1p(-(1 - self._rate) * np.exp(-loss))
            log_ratio = np.where(loss < 30.0, small, large)
        return log_ratio / self._shift + self._shift / 2


def _normal_interval(low: Floats, high: Floats) -> Floats:
    """Φ(high) − Φ(low), from whichever tail is the smaller."""
    upper = low > 0
    return np.where(upper, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))


@lru_cache(maxsize=16)
def loss_range(groups: Groups, delta_error: float) -> float:
    r"""Bound L such that losses outside [−L, L] are improbable enough to truncate.

    Parameters
    ----------
    groups : tuple of (sampling rate, noise multiplier, steps)
        What is composed.
    delta_error : float
        Error the truncation may contribute to.

    Returns
    -------
    float
        Smallest L, over integer Rényi orders, for which Chernoff's bound puts at most
        ``delta_error/(8·steps)`` of each step's loss beyond it, and ``delta_error/4`` of the
        composed loss; with g groups that quarter covers all 2g − 1 partial sums. It holds for both
        tails and directions because the Rényi divergence in the direction "add" is not larger than
        in the direction "remove".

    References
    ----------
    Mironov, Talwar & Zhang (2019), Rényi differential privacy of the sampled Gaussian mechanism,
    Theorem 5 and equation (5); Gopi, Lee & Wutschitz (2021), Remark 5.6.

    Examples
    --------
    >>> round(loss_range(((0.01, 1.0, 1000),), 1e-9), 1)
    4.1
    """
    steps = np.array([count for _, _, count in groups])
    of_composed = math.log(4 * (2 * len(groups) - 1) / delta_error)
    of_single = math.log(8 * int(steps.sum()) / delta_error)

    def bounds(order: int) -> Floats:
        moments = np.array([_log_moment(q, s, order) for q, s, _ in groups])
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
    """Logarithm of E_Q[(P/Q)^order], P with the row and Q without it."""
    k = np.arange(order + 1)
    log_binomial = gammaln(order + 1) - gammaln(k + 1) - gammaln(order - k + 1)
    terms = log_binomial + k * math.log(rate) + (order - k) * math.log1p(-rate)
    return float(logsumexp(terms + k * (k - 1) / (2 * multiplier**2)))


@lru_cache(maxsize=4)
def composed_loss(
    groups: Groups, direction: str, epsilon_error: float, delta_error: float
) -> LossLaw:
    """Law of the composed loss of Poisson-subsampled Gaussian releases.

    Parameters
    ----------
    groups : tuple of (sampling rate, noise multiplier, steps)
        Rates are below one.
    direction : {"remove", "add"}
        Whether the neighbouring table lacks the row or has it in addition.
    epsilon_error, delta_error : float
        Largest errors of the result.

    Returns
    -------
    LossLaw
        Its ``delta_error`` includes floating-point errors of the transform, and probabilities
        too small to keep.

    Raises
    ------
    AccountingError
        If the grid would have more than 2²¹ points, or so many that rounding errors exceed a
        hundred times ``delta_error``.

    Notes
    -----
    Let k be the number of all steps, h the mesh and δ' = ``delta_error``; with g groups the
    transform and the convolutions after it form s = 2g − 1 partial sums.

    1. *Truncation* to [−L, L] changes some step's loss with probability 2·δ'/8 at most.
    2. *Rounding* to the mesh, shifted to keep the mean, adds k independent errors of mean zero in
       intervals of width h. With h = ε'/√(k/2·log(12s/δ')) Hoeffding's inequality bounds all
       partial sums of them by ε' = ``epsilon_error`` except with probability δ'/6.
    3. *Wrapping.* The transform computes sums modulo the grid. The shifts move the grid by at most
       k·h/2, so with L above :func:`loss_range` by this and ε' only sums beyond
       :func:`loss_range` are affected, of probability 2·δ'/4 at most.

    The three are below δ'.

    Examples
    --------
    >>> law = composed_loss(((0.01, 1.0, 100),), "remove", 0.01, 1e-9)
    >>> bool(abs(law.probabilities.sum() - 1) < 1e-6)
    True
    """
    total = sum(steps for _, _, steps in groups)
    sums = 2 * len(groups) - 1
    mesh = epsilon_error / math.sqrt(total / 2 * math.log(12 * sums / delta_error))
    margin = epsilon_error / mesh + total / 2 + 1
    # whatever the noise is: there may be too many steps for so small a δ
    _grid_size(groups, margin, epsilon_error, delta_error)
    size = _grid_size(
        groups, margin + loss_range(groups, delta_error) / mesh, epsilon_error, delta_error
    )
    # half a mesh within the outermost nodes, so that rounding cannot change their number
    reach = (size / 2 - 1.5) * mesh
    domain = Domain.create_aligned(-reach, reach, mesh)
    parts = [
        CellCentred().discretise(
            _TruncatedLoss(q, s, direction).truncate(domain.t_min(), domain.t_max()), domain
        )
        for q, s, _ in groups
    ]
    composed = Heterogeneous(parts).compute_composition([steps for _, _, steps in groups])
    return _prune(composed.domain.ts(), composed.pmf, epsilon_error, delta_error)


def _grid_size(groups: Groups, half: float, epsilon_error: float, delta_error: float) -> int:
    """Return an even number of nodes, quick to transform, that is above twice `half`."""
    needs = f"composing {_describe(groups)} with an error of {epsilon_error:.2g} in epsilon needs"
    if not 2 * half < MAX_GRID:
        raise AccountingError(
            f"{needs} a grid of {2 * half:.2g} points, more than the limit of {MAX_GRID:.2g}; "
            "use fewer steps, a larger noise multiplier or a larger epsilon"
        )
    size = int(next_fast_len(2 * math.ceil(half) + 4, real=True))
    while size % 2:
        size = int(next_fast_len(size + 1, real=True))
    if _rounding_error(size) > _LARGEST_ROUNDING * delta_error:
        raise AccountingError(
            f"{needs} a grid of {size:.2g} points, whose rounding errors of "
            f"{_rounding_error(size):.2g} are too large for so small a delta; use fewer steps, a "
            "larger noise multiplier or a larger delta"
        )
    return size


def _rounding_error(size: int) -> float:
    """Bound on what rounding in a transform of this length adds to the sum of probabilities."""
    return 8 * size * float(np.finfo(np.longdouble).eps)


def _prune(
    values: npt.NDArray[np.longdouble],
    probabilities: npt.NDArray[np.longdouble],
    epsilon_error: float,
    delta_error: float,
) -> LossLaw:
    size = values.size
    kept = probabilities > 1e-4 * delta_error / size
    dropped = float(np.clip(probabilities[~kept], 0.0, None).sum())
    return LossLaw(
        values=values[kept].astype(np.float64),
        probabilities=probabilities[kept].astype(np.float64),
        epsilon_error=epsilon_error,
        delta_error=delta_error + dropped + _rounding_error(size),
    )


def _describe(groups: Groups) -> str:
    return ", ".join(
        f"{steps} steps with sampling_rate={q:.4g} and noise_multiplier={s:.4g}"
        for q, s, steps in groups
    )
