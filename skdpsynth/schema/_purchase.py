"""Buying a schema: bounds and levels from noisy histograms; see `TableSchema.from_private`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types
from scipy.special import ndtri

from ..exceptions import SchemaError, TableMismatchError
from ..privacy import Budget, FailureEvent, Mechanisms, plan_stable_histogram
from ._codes import quote, read_numbers
from ._columns import Columns
from ._formats import TableFormat
from ._frames import read_frame
from ._kinds import (
    KINDS,
    LARGEST_COUNT,
    Categorical,
    ColumnKind,
    Continuous,
    Count,
    Discrete,
    Numeric,
    as_scalar,
    shorten,
)

__all__ = ["buy_columns"]

# the exponents k of the cells [2^k, 2^(k+1)) of either sign
EXPONENTS = {Continuous: range(-32, 52), Count: range(0, 53)}
WIDEST = {
    Continuous: Continuous(-(2.0**52), 2.0**52, nullable=True),
    Count: Count(-LARGEST_COUNT, LARGEST_COUNT, nullable=True),
}
FAILURE_SHARE = 0.25  # of δ, where there are levels to buy; the threshold is flat around it
FALSE_CELL_PROBABILITY = 1e-4
OTHER = "(other)"


class Wanted(NamedTuple):
    """A column to buy, and what its rows hold.

    Attributes
    ----------
    name : name
    kind : type
        One of the four kinds.
    nullable : bool
    counts : ndarray of int, shape (n_cells,) or (n_levels,)
        Private: how many rows are in each cell, or have each level that occurs.
    levels : list
        Private: the levels that occur; empty for a numeric column.
    """

    name: Hashable
    kind: Any
    nullable: bool
    counts: np.ndarray
    levels: list[Any]


def buy_columns(
    table: Any,
    kinds: Mapping[Any, Any] | None,
    target: Hashable,
    nullable: bool | Iterable[Hashable],
    desk: Mechanisms,
) -> dict[Hashable, ColumnKind]:
    """Return the kind of every column of a private table; see `TableSchema.from_private`.

    Notes
    -----
    Sensitivity: a row adds 1 to one count of each of d histograms, Δ² = d, and 2d under
    replace-one. Cells are released with μ√(d₁/d) and levels with μ√(d₂/d), d = d₁ + d₂, so that the
    noise is that of one release of all d histograms with μ.
    """
    frame, table_format = read_frame(table)
    # whatever is wrong with the names is found before anything is spent
    names = Columns(dict.fromkeys(table_format.names, Count(0, 1)), target).names
    declared = _declare(kinds, _read_nullable(nullable, names), table_format)
    bought = [
        _count(frame.iloc[:, position], name, *kind)
        for position, (name, kind) in enumerate(declared.items())
        if isinstance(kind, tuple)
    ]
    numeric = [purchase for purchase in bought if issubclass(purchase.kind, Numeric)]
    discrete = [purchase for purchase in bought if issubclass(purchase.kind, Discrete)]
    found = _buy(numeric, discrete, desk)
    return {name: found.get(name, kind) for name, kind in declared.items()}


def _read_nullable(nullable: Any, names: Sequence[Hashable]) -> set[Hashable]:
    if isinstance(nullable, bool):
        return set(names) if nullable else set()
    if isinstance(nullable, str) or not isinstance(nullable, Iterable):
        raise SchemaError(
            f"nullable must be True, False or a list of column names, got {nullable!r}."
        )
    listed = {as_scalar(name) for name in nullable}
    _require(listed, names, "nullable")
    return listed


def _require(given: Iterable[Hashable], names: Sequence[Hashable], where: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise SchemaError(
            f"{where} names {shorten(unknown)}, which are not columns of the table; it has "
            f"{shorten(names)}."
        )


def _declare(kinds: Any, nullable: set[Hashable], table_format: TableFormat) -> dict[Hashable, Any]:
    """Return what is public of every column: a whole kind, or a pair (kind class, nullable)."""
    kinds = {} if kinds is None else kinds
    if not isinstance(kinds, Mapping):
        raise SchemaError(
            "kinds must map column names to kinds such as 'count' or Count(0, 120), got "
            f"{type(kinds).__name__}."
        )
    given = {as_scalar(name): kind for name, kind in kinds.items()}
    _require(given, table_format.names, "kinds")
    declared: dict[Hashable, Any] = {}
    for name, dtype in zip(table_format.names, table_format.dtypes, strict=True):
        kind = _read_kind(given[name], name) if name in given else _default_kind(dtype)
        if isinstance(kind, Numeric | Discrete):
            declared[name] = kind
        elif (
            issubclass(kind, Discrete) and not isinstance(dtype, str) and types.is_bool_dtype(dtype)
        ):
            # what a boolean dtype may hold is public
            declared[name] = kind([False, True], nullable=name in nullable)
        else:
            declared[name] = (kind, name in nullable)
    return declared


def _read_kind(kind: Any, name: Hashable) -> Any:
    if isinstance(kind, Numeric | Discrete) or kind in KINDS.values():
        return kind
    if isinstance(kind, str) and kind in KINDS:
        return KINDS[kind]
    raise SchemaError(
        f"kinds has {kind!r} for column {name!r}; use one of {list(KINDS)}, or a kind that needs "
        "no purchase, such as Count(0, 120) or Categorical(levels)."
    )


def _default_kind(dtype: Any) -> Any:
    """Return the kind of a column by its dtype, which is public; no value is looked at."""
    if isinstance(dtype, str) or types.is_bool_dtype(dtype):
        return Categorical
    if types.is_integer_dtype(dtype):
        return Count
    return Continuous if types.is_numeric_dtype(dtype) else Categorical


def _count(column: pd.Series, name: Hashable, kind: Any, nullable: bool) -> Wanted:
    """Return the exact histogram of one column; missing values are in no cell."""
    if not nullable and column.isna().any():
        raise TableMismatchError(
            f"Column {name!r} holds a missing value (NaN) but is not nullable; pass nullable=True, "
            "name it in nullable, or fill the missing values."
        )
    if issubclass(kind, Numeric):
        values = read_numbers(column, WIDEST[kind], name)
        return Wanted(name, kind, nullable, _count_cells(values, EXPONENTS[kind]), [])
    counts = _count_levels(column, name)
    order = sorted(counts, key=lambda key: (key[0].__name__, key[1]))
    levels = [level for _, level in order]
    exact = np.array([counts[key] for key in order], dtype=np.int64)
    return Wanted(name, kind, nullable, exact, levels)


def _count_cells(values: np.ndarray, exponents: range) -> np.ndarray:
    """Count the values in cells from the most negative over {0} to the most positive.

    Values beyond the outermost cells, or between zero and the innermost, count in those.
    """
    n = len(exponents)
    values = values[~np.isnan(values)]
    # the mantissa is in [1/2, 1)
    exponent = np.frexp(values)[1] - 1
    rank = np.clip(exponent - exponents.start + 1, 1, n)
    cells = n + np.sign(values).astype(np.int64) * rank
    return np.bincount(cells, minlength=2 * n + 1)


def _count_levels(column: pd.Series, name: Hashable) -> Counter[tuple[type, Any]]:
    """Count the values by type and value: which of 1, 1.0 and True came first is private."""
    if types.is_object_dtype(column.dtype):
        values = column.to_numpy(dtype=object)
        return Counter(_read_level(value, name) for value in values[~pd.isna(values)])
    if isinstance(column.dtype, pd.CategoricalDtype):
        positions, uniques = column.cat.codes.to_numpy(), column.cat.categories
    else:
        positions, uniques = pd.factorize(column)
    counts = np.bincount(positions[positions >= 0], minlength=len(uniques))
    total: Counter[tuple[type, Any]] = Counter()
    for value, count in zip(pd.Index(uniques).tolist(), counts.tolist(), strict=True):
        if count:
            total[_read_level(value, name)] += count
    return total


def _read_level(value: Any, name: Hashable) -> tuple[type, Any]:
    """Return the type and value of a level, the same for all that are equal and of one type."""
    value = as_scalar(value)
    if isinstance(value, str):
        return str, str.__str__(value)
    if isinstance(value, bool):
        return bool, value
    if isinstance(value, Integral):
        return int, int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float, float(value) + 0.0  # -0.0 becomes 0.0
    raise TableMismatchError(
        f"Column {name!r} holds {quote(value)} ({type(value).__name__}), but a level must be a "
        "string, a bool or a finite number; convert it, for instance with "
        f"df[{name!r}].astype(str)."
    )


def _buy(
    numeric: Sequence[Wanted],
    discrete: Sequence[Wanted],
    desk: Mechanisms,
) -> dict[Hashable, ColumnKind]:
    """Release all histograms and read bounds and levels off them."""
    n_histograms = len(numeric) + len(discrete)
    if not n_histograms:
        return {}
    failure = FAILURE_SHARE * desk.event_delta
    mu = desk.calibrate_gaussian([FailureEvent(failure)] if discrete else [])
    budget = Budget(levels=len(discrete) / n_histograms, ranges=len(numeric) / n_histograms)
    found: dict[Hashable, ColumnKind | None] = {}
    least = {}
    if discrete:
        own = budget.mu("levels", mu)
        levels, least["a level"] = _release_levels(discrete, own, failure, desk)
        found.update((p.name, _find_levels(n, p)) for p, n in zip(discrete, levels, strict=True))
    if numeric:
        own = budget.mu("ranges", mu)
        cells, least["a power of two"] = _release_cells(numeric, own, desk)
        found.update((p.name, _find_bounds(c, p)) for p, c in zip(numeric, cells, strict=True))
    return _require_found(found, least)


def _release_cells(
    numeric: Sequence[Wanted], mu: float, desk: Mechanisms
) -> tuple[list[np.ndarray], float]:
    """Release which cells of the numeric columns are occupied, and from how many rows on.

    An empty cell passes if round(z) ≥ threshold, z ≥ threshold − 1/2: any of the n cells with
    probability at most n·Φ((1/2 − threshold)/σ) ≤ FALSE_CELL_PROBABILITY.
    """
    sizes = [len(purchase.counts) for purchase in numeric]
    counts = np.concatenate([purchase.counts for purchase in numeric])
    sensitivity = desk.nonnegative_sensitivity(math.sqrt(len(numeric)))
    released = desk.gaussian(
        counts, sensitivity=sensitivity, mu=mu, name="ranges of the numeric columns", grid=1.0
    )
    scale = desk.noise_scale(counts.size, sensitivity=sensitivity, mu=mu, grid=1.0)
    quantile = -float(ndtri(FALSE_CELL_PROBABILITY / sum(sizes)))
    threshold = max(float(math.ceil(0.5 + scale * quantile)), 1.0)
    return np.split(released >= threshold, np.cumsum(sizes)[:-1]), threshold


def _find_bounds(is_occupied: np.ndarray, purchase: Wanted) -> ColumnKind | None:
    """Return the kind between the outer edges of the outermost occupied cells."""
    occupied = np.flatnonzero(is_occupied)
    if not len(occupied):
        return None
    low, high = (_edges(int(cell), purchase.kind) for cell in occupied[[0, -1]])
    least, most = low[0], high[1]
    # a single value: as in a drafted schema
    return purchase.kind(least, most if least < most else least + 1, nullable=purchase.nullable)


def _edges(cell: int, kind: Any) -> tuple[float, float]:
    """Return the least and the greatest number of a cell; of real numbers, its closure."""
    exponents = EXPONENTS[kind]
    rank = cell - len(exponents)
    if rank == 0:
        return 0.0, 0.0
    exponent = exponents[abs(rank) - 1]
    inner, outer = 2.0**exponent, 2.0 ** (exponent + 1)
    if kind is Count:
        outer = outer if outer == LARGEST_COUNT else outer - 1
    elif exponent == exponents.start:
        inner = 0.0
    return (inner, outer) if rank > 0 else (-outer, 0.0 - inner)


def _release_levels(
    discrete: Sequence[Wanted],
    mu: float,
    failure: float,
    desk: Mechanisms,
) -> tuple[list[np.ndarray], float]:
    """Release noisy counts of frequent levels, NaN for the others, and their threshold."""
    plan = plan_stable_histogram(len(discrete), mu=mu, failure=failure, adjacency=desk.adjacency)
    counts = [purchase.counts for purchase in discrete]
    released = desk.stable_histograms(counts, plan, name="levels of the discrete columns")
    return released, plan.threshold


def _find_levels(noisy: np.ndarray, purchase: Wanted) -> ColumnKind | None:
    """Return the kind of the levels that passed, and one that stands for the others."""
    passed: dict[Any, float] = {}
    for position in np.argsort(-noisy, kind="stable"):
        if not np.isnan(noisy[position]):
            # of levels that are equal, such as 1 and True, the more frequent is kept
            passed.setdefault(purchase.levels[position], noisy[position])
    if not passed:
        return None
    levels = sorted(passed, key=lambda level: (isinstance(level, str), level))
    if any(isinstance(level, str) for level in levels):
        other = _fresh_name(levels)
        levels.append(other)
    else:
        # the first of the dictionary has the greatest noisy count
        other = next(iter(passed))
        levels = [False, True] if {type(level) for level in levels} == {bool} else levels
    return purchase.kind(levels, nullable=purchase.nullable, other=other)


def _fresh_name(levels: Sequence[Any]) -> str:
    name, count = OTHER, 1
    while name in levels:
        count += 1
        name = f"{OTHER[:-1]} {count})"
    return name


def _require_found(
    found: Mapping[Hashable, ColumnKind | None], least: Mapping[str, float]
) -> dict[Hashable, ColumnKind]:
    missing = [name for name, kind in found.items() if kind is None]
    if missing:
        needed = " and ".join(f"about {count:.0f} rows for {what}" for what, count in least.items())
        raise SchemaError(
            f"Nothing in {shorten(missing)} is frequent enough for bounds or levels: the noise "
            f"asks for {needed}. Drop an identifier or a free text; declare what is known in "
            "kinds, such as {'age': Count(0, 120)}, which costs nothing; or spend a larger "
            "epsilon. The budget of this attempt is spent."
        )
    return {name: kind for name, kind in found.items() if kind is not None}
