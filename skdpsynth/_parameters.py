"""What hyper-parameters may be: declared in one table per estimator, checked in `fit`.

An estimator has a class attribute `_constraints`, a mapping of parameter name to one of the
constraints below; `check_parameters` walks it. What a parameter may be in the light of the schema
is the business of the estimator's `_plan`.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np

__all__ = [
    "Choice",
    "Constraint",
    "Integer",
    "Number",
    "as_generator",
    "check_count",
    "check_parameters",
    "is_auto",
    "is_number",
]


class Constraint(Protocol):
    """What a parameter may be."""

    def check(self, name: str, value: Any) -> None:
        """Raise unless `value` is allowed; the message names parameter, value and choice."""
        ...


class Choice:
    """One of some words.

    Examples
    --------
    >>> Choice("map", "nuts").check("inference", "exact")
    Traceback (most recent call last):
        ...
    ValueError: inference must be one of ('map', 'nuts'), got 'exact'.
    """

    def __init__(self, *words: str) -> None:
        self.words = words

    def check(self, name: str, value: Any) -> None:
        """Raise unless `value` is one of the words."""
        if not isinstance(value, str) or value not in self.words:
            raise ValueError(f"{name} must be one of {self.words}, got {value!r}.")


class Integer:
    """An integer of at least `low`, or "auto" where that is allowed.

    Examples
    --------
    >>> Integer(2, auto=True).check("n_bins", 1)
    Traceback (most recent call last):
        ...
    ValueError: n_bins must be "auto" or an integer of at least 2, got 1.
    """

    def __init__(self, low: int, *, auto: bool = False) -> None:
        self.low = low
        self.auto = auto

    def check(self, name: str, value: Any) -> None:
        """Raise unless `value` is such an integer."""
        is_integer = isinstance(value, Integral) and not isinstance(value, bool)
        if (is_integer and value >= self.low) or (self.auto and is_auto(value)):
            return
        choice = '"auto" or ' if self.auto else ""
        raise ValueError(
            f"{name} must be {choice}an integer of at least {self.low}, got {value!r}."
        )


class Number:
    """A finite number in an interval, or "auto" where that is allowed.

    Parameters
    ----------
    interval : str
        In the notation of mathematics, such as ``"(0, inf)"`` or ``"[0, 1)"``.
    auto : bool, default=False

    Examples
    --------
    >>> Number("(0, 1]", auto=True).check("sampling_rate", 2)
    Traceback (most recent call last):
        ...
    ValueError: sampling_rate must be "auto" or a positive number of at most 1, got 2.
    >>> Number("[0, 1)").check("adapt_share", 1)
    Traceback (most recent call last):
        ...
    ValueError: adapt_share must be a number in [0, 1), got 1.
    """

    def __init__(self, interval: str, *, auto: bool = False) -> None:
        low, high = interval[1:-1].split(",")
        self.interval = interval
        self.low, self.high = float(low), float(high)
        self.auto = auto

    def check(self, name: str, value: Any) -> None:
        """Raise unless `value` is such a number."""
        if (is_number(value) and self._holds(float(value))) or (self.auto and is_auto(value)):
            return
        choice = '"auto" or ' if self.auto else ""
        raise ValueError(f"{name} must be {choice}{self._describe()}, got {value!r}.")

    def _holds(self, value: float) -> bool:
        above = value > self.low or (self.interval[0] == "[" and value == self.low)
        below = value < self.high or (self.interval[-1] == "]" and value == self.high)
        return above and below and math.isfinite(value)

    def _describe(self) -> str:
        if self.interval[0] == "(" and self.low == 0.0:
            most = f" of at most {self.high:g}" if math.isfinite(self.high) else ""
            return f"a positive number{most}"
        return f"a number in {self.interval}"


def check_parameters(estimator: Any) -> None:
    """Raise where a hyper-parameter is outside what the estimator's table allows.

    Raises
    ------
    ValueError
        Naming the parameter, its value and what was expected.
    """
    for name, constraint in type(estimator)._constraints.items():
        constraint.check(name, getattr(estimator, name))


def is_auto(value: object) -> bool:
    """Return whether a parameter is left to the synthesizer; comparable with arrays, too."""
    return isinstance(value, str) and value == "auto"


def is_number(value: object) -> bool:
    """Return whether a parameter is a real number that a float can hold; a boolean is not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def check_count(value: Any, name: str) -> int:
    """Return a number of rows or tables as an integer that is not negative."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}.")
    if value < 0:
        raise ValueError(f"{name} must not be negative, got {value}.")
    return int(value)


def as_generator(random_state: Any) -> np.random.Generator:
    """Return a numpy Generator; None takes fresh entropy and never numpy's global state."""
    if isinstance(random_state, np.random.Generator):
        return random_state
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**31, size=4))
    if random_state is None or isinstance(random_state, Integral):
        return np.random.default_rng(None if random_state is None else int(random_state))
    raise ValueError(
        "random_state must be None, an integer, a numpy Generator or a RandomState, got "
        f"{random_state!r}."
    )
