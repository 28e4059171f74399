r"""Law of the composed privacy loss of Poisson-subsampled Gaussian releases, with error bounds.

The losses of the steps add up. Each is truncated to [−L, L] (`loss_range`), rounded to a grid of
mesh h = ε'/√(k/2·log(12s/δ')) (`composed_loss`) and composed by fast Fourier transform
(`compose_on_grid`): |true loss − loss on the grid| ≤ ε' except with probability δ' + what the
transform's rounding and pruning add (`_rounding_error`, `_prune`).

References
----------
Gopi, Lee & Wutschitz (2021), Numerical composition of differential privacy, Theorem 5.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len

from ._privacy_loss import Floats, Groups, PrivacyLoss, loss_range

__all__ = ["AccountingError", "LossLaw", "composed_loss"]

MAX_GRID = 2**21
_LARGEST_ROUNDING = 100.0  # of the other errors in δ, which are a thousandth of it


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


@lru_cache(maxsize=4)
def composed_loss(
    groups: Groups, direction: str, epsilon_error: float, delta_error: float
) -> LossLaw:
    """Law of the composed loss of Poisson-subsampled Gaussian releases.

    Parameters
    ----------
    groups : tuple of (sampling rate, noise multiplier, steps)
        Rates are below one.
    direction : {"remove", "add", "replace"}
        Whether the neighbouring table lacks the row, has it in addition or has another one.
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
    # late: most fits have no subsampled release, and the import takes a third of a second
    from ._prv import compose_on_grid

    total = sum(steps for _, _, steps in groups)
    sums = 2 * len(groups) - 1
    mesh = epsilon_error / math.sqrt(total / 2 * math.log(12 * sums / delta_error))
    margin = epsilon_error / mesh + total / 2 + 1
    # whatever the noise is: there may be too many steps for so small a δ
    _grid_size(groups, margin, epsilon_error, delta_error)
    margin += loss_range(groups, direction, delta_error) / mesh
    size = _grid_size(groups, margin, epsilon_error, delta_error)
    values, probabilities = compose_on_grid(
        lambda low, high: [PrivacyLoss(q, s, direction, low, high) for q, s, _ in groups],
        [steps for _, _, steps in groups],
        mesh,
        size,
    )
    return _prune(values, probabilities, epsilon_error, delta_error)


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
