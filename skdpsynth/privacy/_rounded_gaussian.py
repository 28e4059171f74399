r"""Rounded Gaussians of exactly their law: round(z), z ~ N(0, scale²), from a uniform bit string.

The magnitude of round(z) is the number of thresholds S(b) = P(|z| ≥ b − ½) =
erfc((b − ½)/(scale·√2)), b = 1, 2, …, that lie above a uniform variable U. It is

    ⌊scale·q + ½⌋ with q = −Φ⁻¹(U/2),

which `round_quantiles` computes in double precision. Where that is too close to a multiple of one
to be sure of the integer, `resolve_magnitude` compares the bits of U with the thresholds, in as
many digits as it takes, and draws more bits of U if it must. No probability is rounded.

References
----------
Karney (2016), Sampling exactly from the normal distribution, on bits that are drawn as they are
needed.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = ["MAX_SCALE", "resolve_magnitude", "round_quantiles"]

MAX_SCALE = float(2**32)
# what double precision may be wrong by, of scale·(1 + q): 2⁻⁴⁹ is the most that was seen
QUANTILE_ERROR = 2.0**-43
WORD_BITS = 64


def round_quantiles(
    scale: float, high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.intp]]:
    """Return magnitudes, and where they are not certain.

    Parameters
    ----------
    scale : float in (0, 2**32]
        Standard deviation in grid units.
    high, low : ndarray of uint64, shape (n_values,)
        The first and the second 64 bits of U.

    Returns
    -------
    magnitudes : ndarray of int64, shape (n_values,)
    uncertain : ndarray of int
        Positions of those that `resolve_magnitude` has to find.

    Notes
    -----
    U as a double is wrong by a relative 3·2⁻⁵³, which moves q by less than 4·2⁻⁵³: the hazard
    φ(q)/Φ(−q) is at least √(2/π). `scipy.special.ndtri` is accurate to some units in the last
    place. Together they stay below a sixtieth of `QUANTILE_ERROR`; the tests measure it in 60
    digits. A first word of zero, of probability 2⁻⁶⁴, leaves few bits and counts as uncertain.
    """
    uniform = high.astype(np.float64) * 2.0**-64 + low.astype(np.float64) * 2.0**-128
    # U < 2⁻¹²⁸ has no finite quantile here; it is uncertain anyway
    quantile = -ndtri(np.maximum(uniform, 2.0**-128) / 2.0)
    shifted = scale * quantile + 0.5
    distance = np.abs(shifted - np.rint(shifted))
    is_uncertain = (distance <= QUANTILE_ERROR * scale * (1.0 + quantile)) | (high == 0)
    return np.floor(shifted).astype(np.int64), np.flatnonzero(is_uncertain)


def resolve_magnitude(
    scale: float, start: int, high: int, low: int, more_bits: Callable[[], int]
) -> int:
    """Return the number of thresholds above U, with certainty.

    Parameters
    ----------
    scale : float
    start : int
        About what it is; the search begins there.
    high, low : int
        The first and the second 64 bits of U.
    more_bits : callable
        Returns the next 64 bits of U.
    """
    n_bits, bits = 2 * WORD_BITS, (high << WORD_BITS) | low
    while True:
        # U lies between these two, whatever bits are still to come
        magnitudes = [
            _count_above(scale, start, Fraction(end, 2**n_bits), n_bits) for end in (bits, bits + 1)
        ]
        if None not in magnitudes and magnitudes[0] == magnitudes[1]:
            assert magnitudes[0] is not None
            return magnitudes[0]
        bits, n_bits = (bits << WORD_BITS) | more_bits(), n_bits + WORD_BITS


def _count_above(scale: float, start: int, uniform: Fraction, n_bits: int) -> int | None:
    """Return how many thresholds are above a number; None if that is not certain."""
    if uniform == 0:
        return None
    magnitude = max(start, 0)
    while True:
        is_above_next = _is_above(scale, magnitude + 1, uniform, n_bits)
        is_above_this = magnitude == 0 or _is_above(scale, magnitude, uniform, n_bits)
        if is_above_next is None or is_above_this is None:
            return None
        if is_above_this and not is_above_next:
            return magnitude
        magnitude += 1 if is_above_next else -1


def _is_above(scale: float, b: int, uniform: Fraction, n_bits: int) -> bool | None:
    """Return whether S(b) exceeds a number; None where they are too close to tell."""
    # 0.3 ms, and next to never needed
    import mpmath

    precision = n_bits + 64
    with mpmath.workprec(precision):
        edge = (mpmath.mpf(b) - mpmath.mpf(0.5)) / (mpmath.mpf(scale) * mpmath.sqrt(2))
        threshold = mpmath.erfc(edge)
        other = mpmath.mpf(uniform.numerator) / uniform.denominator
        # what is lost to the rounding of the edge grows with its square, below 2⁹ for any U
        if abs(threshold - other) <= mpmath.ldexp(threshold, 32 - precision):
            return None
        return bool(threshold > other)
