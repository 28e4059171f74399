"""The kinds a column can be of: what is public about a single column."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from ..exceptions import SchemaError
from ..privacy import Purchase
from ._lattice import Lattice, make_lattice

__all__ = ["Categorical", "ColumnKind", "Continuous", "Count", "Discrete", "Numeric", "Ordinal"]

# float64 codes hold every integer up to here exactly
LARGEST_COUNT = 2**53


def shorten(values: Iterable[object], limit: int = 8) -> str:
    """Spell a sequence as a list literal, its middle left out when it has more than `limit` items.

    >>> shorten(range(100), limit=4)
    '[0, 1, 2, ..., 99]'
    """
    items = [repr(value) for value in values]
    if len(items) > limit:
        items = [*items[: limit - 1], "...", items[-1]]
    return f"[{', '.join(items)}]"


def as_scalar(value: Any) -> Any:
    """Return a numpy scalar as the Python one it stands for, anything else unchanged."""
    return value.item() if isinstance(value, np.generic) else value


def is_missing(value: object) -> bool:
    """Whether a scalar is one of the missing markers: None, NaN, NaT or pandas.NA."""
    return value is None or value is pd.NA or value is pd.NaT or value != value


def is_name(value: object) -> bool:
    """Whether a value can name a column."""
    return isinstance(value, str | int | float) and not is_missing(value)


def _read_bound(value: Any, which: str, kind: str) -> float:
    value = as_scalar(value)
    try:
        bound = float(value) if isinstance(value, Real) else math.nan
    except OverflowError:
        raise SchemaError(f"{kind}: {which} is an integer too large for a float.") from None
    if isinstance(value, bool) or not math.isfinite(bound):
        raise SchemaError(f"{kind}: {which} must be a finite number, got {value!r}.")
    return bound


def _read_level(value: Any, kind: str) -> Any:
    value = as_scalar(value)
    if isinstance(value, str | bool | int):
        return value
    if is_missing(value):
        raise SchemaError(
            f"{kind}: a missing value ({value!r}) is not a level; leave it out and pass "
            "nullable=True."
        )
    if not isinstance(value, float) or not math.isfinite(value):
        raise SchemaError(
            f"{kind}: a level must be a string, a bool or a finite number, got {value!r} "
            f"({type(value).__name__}); convert the column, for instance with astype(str)."
        )
    return value


def _read_levels(levels: Any, kind: str) -> tuple[Any, ...]:
    if isinstance(levels, str | bytes | set | frozenset) or not isinstance(levels, Iterable):
        raise SchemaError(
            f"{kind}: levels must be an ordered sequence such as a list, got {levels!r}."
        )
    levels = tuple(_read_level(level, kind) for level in levels)
    if not levels:
        raise SchemaError(f"{kind}: levels is empty; a column needs at least one level.")
    seen: dict[Any, Any] = {}
    for level in levels:
        if level in seen:
            raise SchemaError(
                f"{kind}: the levels {seen[level]!r} and {level!r} are equal; "
                "levels must be distinct, so keep one of them."
            )
        seen[level] = level
    return levels


def _bought_with() -> Any:
    """Return the field that says what a column was bought with; it is not part of its value."""
    return field(default=(), kw_only=True, compare=False, repr=False, metadata={"stored": False})


def _read_purchases(bought_with: Any, kind: str) -> tuple[Purchase, ...]:
    if not isinstance(bought_with, tuple | list) or not all(
        isinstance(purchase, Purchase) for purchase in bought_with
    ):
        raise SchemaError(
            f"{kind}: bought_with must be a tuple of purchases, as a bought schema has them, got "
            f"{bought_with!r}."
        )
    return tuple(bought_with)


@dataclass(frozen=True, repr=False)
class Numeric:
    """A column of numbers between two public bounds; values outside are clipped to them."""

    low: float
    high: float
    nullable: bool = field(default=False, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    bought_with: tuple[Purchase, ...] = _bought_with()

    @property
    def lattice(self) -> Lattice | None:
        """The values that the column can take; None where it can take any between the bounds."""
        return None

    @property
    def n_steps(self) -> int | None:
        """How many steps lie between the bounds; None where the column has no steps."""
        lattice = self.lattice
        return None if lattice is None else lattice.n_steps

    def snap(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest values that the column can take, beyond the bounds too."""
        lattice = self.lattice
        return values if lattice is None else lattice.snap(values)

    @property
    def span(self) -> float:
        """The range in steps, or in units of the column where it has no steps."""
        n_steps = self.n_steps
        return self.high - self.low if n_steps is None else n_steps

    def __post_init__(self) -> None:
        kind = type(self).__name__
        low, high = (_read_bound(getattr(self, which), which, kind) for which in ("low", "high"))
        if not low < high:
            crossed = "equal" if low == high else "crossed"
            raise SchemaError(
                f"{kind}: the bounds low={low:g} and high={high:g} are {crossed}; low must be "
                "below high. A constant column is a Categorical with one level."
            )
        if not math.isfinite(high - low):
            raise SchemaError(f"{kind}: the range high - low of {low:g}, {high:g} is not finite.")
        if high - low < sys.float_info.min:
            raise SchemaError(
                f"{kind}: the range high - low of {low!r}, {high!r} is narrower than "
                f"{sys.float_info.min:.3g}, where floating-point numbers lose their digits; "
                "multiply the column, and its bounds, by a power of ten."
            )
        bought_with = _read_purchases(self.bought_with, kind)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "nullable", bool(self.nullable))
        object.__setattr__(self, "bought_with", bought_with)

    def __repr__(self) -> str:
        fields = "".join(
            f", {name}={value!r}"
            for name in ("decimals", "step", "nullable")
            if (value := getattr(self, name, None)) is not None and value is not False
        )
        return f"{type(self).__name__}({self.low!r}, {self.high!r}{fields})"


@dataclass(frozen=True, repr=False)
class Continuous(Numeric):
    """A real-valued column between two public bounds.

    Parameters
    ----------
    low, high : float
        Public bounds; values outside are clipped to them.
    nullable : bool, default=False
        Whether values may be missing.
    decimals : int, default=None
        Values have at most so many decimals, such as 2 for money, and so must the bounds. By
        default they have all digits.
    step : float, default=None
        Values are ``low``, ``low + step``, ``low + 2 * step``, ... up to ``high``, which must be
        one of them. With `decimals` as well, `low` and `step` have no more decimals than that.
    bought_with : tuple of Purchase, default=()
        What was paid for the bounds; no part of comparisons.

    Notes
    -----
    With `decimals` or `step` a value between two possible ones is moved to the nearest, as one
    outside the bounds is moved to a bound. Density, where it is asked for, is then the probability
    of a value.

    Examples
    --------
    >>> Continuous(0, 1, nullable=True)
    Continuous(0.0, 1.0, nullable=True)
    >>> Continuous(0, 9999.99, decimals=2)
    Continuous(0.0, 9999.99, decimals=2)
    >>> Continuous(34.5, 42, step=0.1)
    Continuous(34.5, 42.0, step=0.1)
    """

    decimals: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        lattice = self.lattice
        if lattice is not None:
            if self.decimals is not None:
                object.__setattr__(self, "decimals", lattice.decimals)
            if self.step is not None:
                object.__setattr__(self, "step", lattice.step)

    @property
    def lattice(self) -> Lattice | None:
        """The values that the column can take; None where it can take any between the bounds."""
        if self.step is None and self.decimals is None:
            return None
        return make_lattice(self.low, self.high, self.step, self.decimals, "Continuous")


@dataclass(frozen=True, repr=False)
class Count(Numeric):
    """An integer column between two public bounds, both included.

    Parameters
    ----------
    low, high : int
        Public bounds, at most 2⁵³ in absolute value; values outside are clipped to them.
    nullable : bool, default=False
        Whether values may be missing.
    step : int, default=None
        Values are ``low``, ``low + step``, ``low + 2 * step``, ... up to ``high``, which must be
        one of them; an integer between two of them is moved to the nearest. By default all
        integers are possible.
    bought_with : tuple of Purchase, default=()
        What was paid for the bounds; no part of comparisons.

    Examples
    --------
    >>> Count(17, 90)
    Count(17, 90)
    >>> Count(0, 100, step=5)
    Count(0, 100, step=5)
    """

    low: int
    high: int
    step: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for which in ("low", "high"):
            bound = float(getattr(self, which))
            if not bound.is_integer():
                raise SchemaError(
                    f"Count: {which} must be an integer, got {bound!r}; "
                    "use Continuous for a column of real numbers."
                )
            if abs(bound) > LARGEST_COUNT:
                raise SchemaError(
                    f"Count: {which}={bound:g} exceeds 2**53, the largest integer that is encoded "
                    "exactly; is the column an identifier that should be dropped?"
                )
            object.__setattr__(self, which, int(bound))
        if self.step is not None:
            step = make_lattice(self.low, self.high, self.step, None, "Count").step
            if not step.is_integer():
                raise SchemaError(
                    f"Count: step must be an integer, got {self.step!r}; use Continuous for a "
                    "column of real numbers."
                )
            object.__setattr__(self, "step", None if step == 1 else int(step))

    @property
    def lattice(self) -> Lattice:
        """The values that the column can take."""
        step = self.step or 1
        n_steps = (self.high - self.low) // step
        return Lattice(float(self.low), float(self.high), float(step), n_steps, 0)

    def snap(self, values: np.ndarray) -> np.ndarray:
        """Return the nearest values that the column can take, beyond the bounds too."""
        return np.rint(values) if self.step is None else self.lattice.snap(values)


@dataclass(frozen=True, eq=False, repr=False)
class Discrete:
    """A column that takes one of finitely many public levels."""

    levels: Sequence[Any]
    nullable: bool = field(default=False, kw_only=True)
    other: Any = field(default=None, kw_only=True)
    bought_with: tuple[Purchase, ...] = _bought_with()

    def __post_init__(self) -> None:
        kind = type(self).__name__
        levels, other = _read_levels(self.levels, kind), as_scalar(self.other)
        if other is not None and other not in levels:
            raise SchemaError(
                f"{kind}: other={other!r} is not one of the levels {shorten(levels)}; add it."
            )
        bought_with = _read_purchases(self.bought_with, kind)
        object.__setattr__(self, "levels", levels)
        object.__setattr__(self, "nullable", bool(self.nullable))
        object.__setattr__(self, "bought_with", bought_with)
        object.__setattr__(self, "other", None if other is None else levels[levels.index(other)])

    def _identity(self) -> tuple[Any, ...]:
        # 1, 1.0 and True are equal in Python but make different columns
        types = tuple(type(level) for level in self.levels)
        return (type(self), self.levels, types, self.nullable, self.other)

    def __eq__(self, value: object) -> bool:
        if not isinstance(value, Discrete):
            return NotImplemented
        return self._identity() == value._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        nullable = ", nullable=True" if self.nullable else ""
        other = "" if self.other is None else f", other={self.other!r}"
        return f"{type(self).__name__}({shorten(self.levels, limit=6)}{nullable}{other})"


@dataclass(frozen=True, eq=False, repr=False)
class Categorical(Discrete):
    """A column that takes one of finitely many unordered public levels.

    Parameters
    ----------
    levels : sequence of str, int, float or bool
        Distinct public levels; the order given is the order of the codes.
    nullable : bool, default=False
        Whether values may be missing.
    other : level, default=None
        The level that stands for values outside `levels`. By default such a value is an error.
    bought_with : tuple of Purchase, default=()
        What was paid for the levels; no part of comparisons.

    Examples
    --------
    >>> Categorical(["red", "green", "other"], other="other")
    Categorical(['red', 'green', 'other'], other='other')
    """


@dataclass(frozen=True, eq=False, repr=False)
class Ordinal(Discrete):
    """A column that takes one of finitely many ordered public levels.

    Parameters
    ----------
    levels : sequence of str, int, float or bool
        Distinct public levels from the lowest to the highest.
    nullable : bool, default=False
        Whether values may be missing.
    other : level, default=None
        The level that stands for values outside `levels`. By default such a value is an error.
    bought_with : tuple of Purchase, default=()
        What was paid for the levels; no part of comparisons.

    Examples
    --------
    >>> Ordinal(["primary", "secondary", "tertiary"])
    Ordinal(['primary', 'secondary', 'tertiary'])
    """


ColumnKind: TypeAlias = Continuous | Count | Ordinal | Categorical
KINDS: dict[str, type[Any]] = {
    kind.__name__.lower(): kind for kind in (Continuous, Count, Ordinal, Categorical)
}
