r"""The law of a rounded Gaussian, accurately enough to account for what is sampled.

The magnitude of round(z), z ~ N(0, scale²), is the number of thresholds
S(b) = P(|z| ≥ b − ½) = erfc((b − ½)/(scale·√2)), b = 1, 2, …, that lie above a uniform variable.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import numpy.typing as npt
from scipy.special import erfcx

from ._events import check_number

__all__ = ["MAX_SCALE", "TAIL_PROBABILITY", "sampler_log_ratio", "tail_thresholds"]

MAX_SCALE = float(2**20)
TAIL_QUANTILE = 37.25
TAIL_PROBABILITY = 2.0**-1005  # more than P(|z| > 37.25), twice
THRESHOLD_ERROR = 12 * 2.0**-53  # relative; measured, see sampler_log_ratio
_UNIFORM_ERROR = 2 * 2.0**-53


def tail_thresholds(scale: float, smallest: float = 0.0) -> npt.NDArray[np.float64]:
    """Probabilities S(b) = P(round(|z|) ≥ b), z ~ N(0, scale²), for b = 1, 2, ….

    Parameters
    ----------
    scale : float in (0, 2**20]
        Standard deviation in grid units.
    smallest : float, default=0
        The table ends after the first threshold below this number, or where z is beyond 37.25
        standard deviations, which has probability 2⁻¹⁰⁰⁶.

    Returns
    -------
    ndarray, shape (n_magnitudes,)
        Descending. Each entry has a relative error of a few units in the last place, so that the
        cells S(b) − S(b+1) are accurate as far out as the table goes.

    Examples
    --------
    >>> tail_thresholds(1.0)[:3].round(4)
    array([0.6171, 0.1336, 0.0124])
    """
    # P(|z| ≥ x) ≤ e^{−x²/2} shows where the table may end
    reach = math.sqrt(-2.0 * math.log(smallest)) if smallest > 0 else TAIL_QUANTILE
    count = math.floor(min(reach, TAIL_QUANTILE) * scale + 1.5)
    edges = np.arange(1, count + 1, dtype=np.float64) - 0.5
    high, low = _scaled_edges(edges, scale)
    # e^{−y²} with y² = a² + (y − a)(y + a): a has few enough bits for an exact square
    head = np.rint(high * 2.0**20) * 2.0**-20
    rest = (high - head) * (high + head) + 2.0 * high * low
    return np.asarray(erfcx(high) * np.exp(-(head**2)) * np.exp(-rest))


def _scaled_edges(
    edges: npt.NDArray[np.float64], scale: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """edges/(scale·√2) as sums of two doubles: rounding y once would cost 2y² ulps of e^{−y²}."""
    with localcontext() as context:
        context.prec = 60
        factor = 1 / (Decimal(scale) * Decimal(2).sqrt())
        high = float(factor)
        low = float(factor - Decimal(high))
    split = high * (2.0**27 + 1)
    upper = split - (split - high)  # 26 bits: its products with the edges are exact
    first, second = edges * upper, edges * (high - upper)
    total = first + second
    return total, (first - total) + second + edges * low


def sampler_log_ratio(scale: float) -> float:
    r"""Bound η on the log ratio between the sampled and the exact law of one rounded Gaussian.

    Parameters
    ----------
    scale : float in [0, 2**20]
        Standard deviation in grid units.

    Returns
    -------
    float
        Outside a set of probability 2⁻¹⁰⁰⁵ every integer k is drawn with a probability p̂(k) such
        that \|log p̂(k)/p(k)\| ≤ η, where p is the law of round(N(0, scale²)).

    Raises
    ------
    ValueError
        If ``scale`` is out of range.

    Notes
    -----
    Let u = 2⁻⁵³, x = (b − ½)/scale ≤ 37.25, and h(x) = φ(x)/Φ(−x) the hazard of the normal law.

    1. *Thresholds* have a relative error of at most 12u. This is measured, not proved: it rests on
       the accuracy of scipy's ``erfcx`` and of ``exp``; against 60-digit arithmetic the error
       stays below 9u, the largest part of it from ``erfcx``.
    2. *Uniforms* carry a relative error of 2u from their conversion to float64, as if the
       thresholds had moved by as much. Together e = 14u.
    3. *Cells.* For k ≠ 0, 2p(k) = S(b) − S(b+1) at b = \|k\|, with an error of at most
       e·(S(b) + S(b+1)) = e·(2S(b) − 2p(k)). As h grows, log S falls by at least h(x)/scale within
       the cell, so S(b)/2p(k) ≤ 1/(1 − e^{−h/scale}) ≤ 1 + scale/h, and h ≥ √(2/π): the relative
       error is at most e·(1 + 2.51·scale).
    4. *The cell of zero*, 1 − S(1), is at least 0.38·min(1, 1/scale), so its relative error is at
       most e·max(1, scale)/0.38.

    Both are below e·(2.64 + 2.64·scale); the logarithm adds less than a hundredth of that. Beyond
    37.25 lie the cells that the table merges into its last, which are the excepted set.

    Examples
    --------
    >>> sampler_log_ratio(1024.0) < 5e-12
    True
    """
    scale = check_number("scale", scale, low=0.0, high=MAX_SCALE, low_open=False)
    if scale == 0.0:
        return 0.0
    return 1.01 * (THRESHOLD_ERROR + _UNIFORM_ERROR) * 2.64 * (1.0 + scale)
