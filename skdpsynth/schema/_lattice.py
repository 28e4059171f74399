"""Numbers that are so many decimals, or whole steps above the lower bound."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from ..exceptions import SchemaError

__all__ = ["MOST_DECIMALS", "Lattice", "decimals_of", "make_lattice"]

# a float64 has 15 decimal digits that all survive being read and written
MOST_DECIMALS = 15
MOST_STEPS = 2**53


class Lattice(NamedTuple):
    """The numbers low, low + step, ..., low + n_steps * step, which is high.

    Attributes
    ----------
    low, high : float
    step : float
    n_steps : int
    decimals : int or None
        Every number of the lattice has at most that many decimals; None where that is not known.
    """

    low: float
    high: float
    step: float
    n_steps: int
    decimals: int | None

    def snap(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest number of the lattice, NaN where missing; beyond the bounds too.

        The numbers are the floats that are written with so few decimals: 0.3, and not
        0.30000000000000004.

        >>> make_lattice(0.0, 1.0, 0.1, None, "Continuous").snap(np.array([0.1 + 0.2, 0.96]))
        array([0.3, 1. ])
        """
        steps = np.rint((values - self.low) / self.step)
        snapped = self.low + steps * self.step
        if self.decimals is not None:
            snapped = np.round(snapped, self.decimals)
        # without a zero that is negative
        return np.where(steps == self.n_steps, self.high, snapped) + 0.0


def decimals_of(number: float) -> int:
    """Return how many decimals a number is written with.

    >>> decimals_of(0.25), decimals_of(1e-3), decimals_of(1200.0)
    (2, 3, 0)
    """
    exponent = Decimal(repr(float(number))).normalize().as_tuple().exponent
    return max(0, -int(exponent))


def make_lattice(low: float, high: float, step: Any, decimals: Any, kind: str) -> Lattice:
    """Return the lattice between two bounds.

    Parameters
    ----------
    low, high : float
        Finite, low below high.
    step : float or None
        Between neighbouring numbers; None for a unit of the last decimal.
    decimals : int or None
    kind : str
        For error messages.

    Raises
    ------
    SchemaError
        If a bound or the step has more decimals, or the range is not a whole number of steps.
    """
    if decimals is not None:
        decimals = _check_decimals(decimals, kind)
        step = 10.0**-decimals if step is None else step
    step = _check_step(step, kind)
    for which, number in (("low", low), ("high", high), ("step", step)):
        if decimals is not None and decimals_of(number) > decimals:
            raise SchemaError(
                f"{kind}: {which}={number!r} has more than decimals={decimals}; round it, or raise "
                "decimals."
            )
    n_steps = round((high - low) / step)
    tolerance = 1e-6 * step + 4 * float(np.spacing(max(abs(low), abs(high))))
    if n_steps < 1 or abs(low + n_steps * step - high) > tolerance:
        below = low + math.floor((high - low) / step) * step
        raise SchemaError(
            f"{kind}: the range from low={low!r} to high={high!r} is not a whole number of steps "
            f"of {step!r}; with this step and low, high may be {below:.15g} or "
            f"{below + step:.15g}."
        )
    if n_steps > MOST_STEPS or step < 2 * np.spacing(max(abs(low), abs(high))):
        fields = f"step={step!r}" if decimals is None else f"decimals={decimals}"
        raise SchemaError(
            f"{kind}: {fields} is finer than a float can tell apart between {low!r} and {high!r}; "
            "leave it out, which means all digits."
        )
    if decimals is None:
        most = max(decimals_of(step), decimals_of(low))
        decimals = most if most <= MOST_DECIMALS else None
    return Lattice(low, high, step, n_steps, decimals)


def _check_decimals(decimals: Any, kind: str) -> int:
    if isinstance(decimals, float) and decimals.is_integer():
        decimals = int(decimals)  # as JSON may spell it
    is_whole = isinstance(decimals, int | np.integer) and not isinstance(decimals, bool)
    if not is_whole or not 0 <= decimals <= MOST_DECIMALS:
        raise SchemaError(
            f"{kind}: decimals must be a whole number from 0 to {MOST_DECIMALS}, or None for all "
            f"digits, got {decimals!r}; for numbers in tens or hundreds use step."
        )
    return int(decimals)


def _check_step(step: Any, kind: str) -> float:
    is_number = isinstance(step, int | float | np.integer | np.floating)
    if not is_number or isinstance(step, bool) or not 0 < step < math.inf:
        raise SchemaError(f"{kind}: step must be a positive number, or None, got {step!r}.")
    return float(step)
