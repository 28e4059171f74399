"""Which decimals, steps or levels the numbers of a public column have."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._kinds import LARGEST_COUNT
from ._lattice import MOST_DECIMALS

__all__ = ["MAX_LEVELS", "are_repeated", "fields_of_floats", "is_few_valued", "step_of_integers"]

# that many distinct real numbers, each of them that often on average, are levels
MAX_LEVELS, LEAST_REPEATED = 20, 10
# evidence for decimals, and for steps: fewer numbers have a common divisor by chance
FEWEST_ROWS, FEWEST_VALUES = 10, 10
# numbers with more decimals are measured or computed, not written down
MOST_DRAFTED = 8


def is_few_valued(values: np.ndarray, counts: np.ndarray, is_target: bool) -> bool:
    """Whether distinct real numbers are levels: few, each repeated often.

    Whole numbers without gaps are no levels, as long as they are not the target: they need none.
    """
    repeated = counts.min() >= 2 and are_repeated(counts)
    is_consecutive = bool((values == np.rint(values)).all() and (np.diff(values) == 1).all())
    return bool(2 <= len(values) <= MAX_LEVELS and repeated and (is_target or not is_consecutive))


def are_repeated(counts: np.ndarray) -> bool:
    """Whether distinct values, each in so many rows, occur again and again."""
    return bool(counts.mean() >= LEAST_REPEATED)


def fields_of_floats(
    values: np.ndarray, counts: np.ndarray, digits: int = MOST_DECIMALS
) -> dict[str, Any]:
    """Return `decimals` and `step` of a Continuous column where its values have few decimals.

    Parameters
    ----------
    values : ndarray of shape (n_distinct,)
        Rising.
    counts : ndarray of shape (n_distinct,)
        How many rows have each value.
    digits : int, default=15
        Decimal digits that the dtype of the column holds exactly.
    """
    is_pair = len(values) == 2 and are_repeated(counts)
    if not (is_pair or len(values) > 2) or counts.sum() < FEWEST_ROWS:
        return {}
    decimals = _common_decimals(values, digits)
    if decimals is None:
        return {}
    fields: dict[str, Any] = {"decimals": decimals}
    units = np.rint(values * 10.0**decimals)
    if np.abs(units).max() < LARGEST_COUNT:
        step = step_of_integers(units, counts)
        if step is not None:
            fields["step"] = round(step / 10.0**decimals, decimals)
    return fields


def _common_decimals(values: np.ndarray, digits: int) -> int | None:
    """Return the decimals that all values are written with, errors of arithmetic left out."""
    largest = float(np.abs(values).max())
    precision = 4 * np.finfo(np.float64 if digits == MOST_DECIMALS else np.float32).eps
    for decimals in range(MOST_DRAFTED + 1):
        if largest * 10.0**decimals >= 10.0**digits:
            return None
        if (np.abs(values - np.round(values, decimals)) <= precision * np.abs(values)).all():
            return decimals
    return None


def step_of_integers(values: np.ndarray, counts: np.ndarray) -> int | None:
    """Return the step between distinct whole numbers, or None where it is one or may be chance.

    >>> step_of_integers(np.arange(0, 100, 5), np.full(20, 3))
    5
    """
    enough = len(values) >= FEWEST_VALUES or (len(values) >= 2 and are_repeated(counts))
    if not enough or np.abs(values).max() > LARGEST_COUNT:
        return None
    step = int(np.gcd.reduce(np.diff(values).astype(np.int64)))
    return step if step > 1 else None
