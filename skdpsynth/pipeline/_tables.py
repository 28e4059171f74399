"""Rows of any table, and whether two tables are the same."""

from __future__ import annotations

from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from ..schema import is_missing

__all__ = ["as_frame", "count_rows", "differ", "take_rows"]

# a library that works on many rows at a time may round sums in another way: a few last bits
RELATIVE, ABSOLUTE = 1e-9, 1e-12


def count_rows(table: Any) -> int:
    """Return the number of rows of any table or column."""
    return int(table.shape[0]) if hasattr(table, "shape") else len(table)


def take_rows(table: Any, positions: np.ndarray) -> Any:
    """Return a copy of these rows of any table or column, in its container; None of None."""
    if table is None:
        return None
    if hasattr(table, "iloc"):
        return table.iloc[positions]
    if hasattr(table, "take") and hasattr(table, "to_pandas"):
        return table.take(positions)
    if hasattr(table, "shape"):
        return table[np.ascontiguousarray(positions)]
    return [table[position] for position in positions]


def as_frame(table: Any) -> pd.DataFrame:
    """Return what a step returned as a pandas frame."""
    if isinstance(table, pd.DataFrame):
        return table
    if isinstance(table, pd.Series):
        return table.to_frame()
    if hasattr(table, "to_pandas"):
        return as_frame(table.to_pandas())
    return pd.DataFrame(table.toarray() if issparse(table) else np.asarray(table))


def differ(
    whole: pd.DataFrame, positions: np.ndarray, found: pd.DataFrame, is_made_up: bool = False
) -> str | None:
    """Return how a table differs from these rows of another: None, "rows", "dtypes" or "values".

    Of made-up rows, whole numbers may be integers or floats: what a library guesses of values that
    do not occur, such as a fill among floats, is of no interest.
    """
    if len(found) != len(positions):
        return "rows"
    if list(found.columns) != list(whole.columns):
        return "dtypes"
    if _is_plain(whole) and _is_plain(found) and whole.dtypes.iloc[0] == found.dtypes.iloc[0]:
        # of many columns, at once
        one, other = whole.to_numpy()[positions], found.to_numpy()
        same = _close(one, other) if one.dtype.kind == "f" else np.array_equal(one, other)
        return None if same else "values"
    columns = [(whole.iloc[:, number], found.iloc[:, number]) for number in range(whole.shape[1])]
    if not all(_same_dtype(one, other, is_made_up) for one, other in columns):
        return "dtypes"
    same = all(_same_values(one.iloc[positions], other) for one, other in columns)
    return None if same else "values"


def _is_plain(frame: pd.DataFrame) -> bool:
    """Whether all columns are numbers of one dtype."""
    dtypes = set(frame.dtypes)
    return len(dtypes) == 1 and getattr(next(iter(dtypes)), "kind", "") in tuple("iuf")


def _same_dtype(whole: pd.Series, found: pd.Series, is_made_up: bool) -> bool:
    """Whether dtypes are equal, or differ as the values of the columns explain.

    pandas makes floats of whole numbers beside a fraction or a hole, and objects of values of
    several types. That follows from single rows; a column without such a value says otherwise.
    """
    one, other = _family(whole.dtype), _family(found.dtype)
    if one == other or found.isna().all():
        return True
    if {one, other} == {"int", "float"}:
        return is_made_up or _has_fractions(whole if one == "float" else found)
    if "object" in (one, other) and {one, other} <= {"int", "float", "bool", "str", "object"}:
        return _is_mixed(whole if one == "object" else found)
    return False


def _family(dtype: Any) -> Any:
    if (isinstance(dtype, np.dtype) and dtype.kind == "U") or isinstance(dtype, pd.StringDtype):
        return "str"
    plain = {"int64": "int", "float64": "float", "bool": "bool", "object": "object"}
    return plain.get(dtype.name, dtype) if isinstance(dtype, np.dtype) else dtype


def _has_fractions(column: pd.Series) -> bool:
    return bool((column.isna() | (column % 1 != 0)).any())


def _is_mixed(column: pd.Series) -> bool:
    return bool(column.isna().any()) or len({_class_of(value) for value in column.tolist()}) > 1


def _same_values(expected: pd.Series, found: pd.Series) -> bool:
    one, other = expected.array, found.array
    if isinstance(one.dtype, np.dtype) and isinstance(other.dtype, np.dtype):
        if one.dtype.kind in "iu" and other.dtype.kind in "iu":
            return bool(np.array_equal(one, other))
        if one.dtype.kind in "iuf" and other.dtype.kind in "iuf":
            return _close(np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64))
    elif one.dtype == other.dtype and one.equals(other):
        return True
    pairs = zip(expected.astype(object).tolist(), found.astype(object).tolist(), strict=True)
    return all(_same_value(first, second) for first, second in pairs)


def _close(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays of floats are equal up to a few last bits, each column at its scale."""
    scale = np.where(np.isfinite(one), np.abs(one), 0.0).max(axis=0, initial=0.0)
    # numpy's allclose takes no array of tolerances before version 2
    with np.errstate(invalid="ignore", over="ignore"):
        is_near = np.abs(one - other) <= RELATIVE * np.abs(other) + ABSOLUTE * scale
    is_equal = (one == other) | (np.isnan(one) & np.isnan(other))
    # infinity is near to nothing but itself
    return bool((is_equal | (is_near & np.isfinite(one) & np.isfinite(other))).all())


def _class_of(value: Any) -> Any:
    """Return the kind of a value: True and 1 are not the same level, 1 and 1.0 are."""
    if isinstance(value, bool | np.bool_):
        return bool
    if isinstance(value, str):
        return str
    return Number if isinstance(value, Number) else type(value)


def _same_value(one: Any, other: Any) -> bool:
    if _is_missing(one) or _is_missing(other):
        return _is_missing(one) and _is_missing(other)
    if _class_of(one) is not _class_of(other):
        return False
    if isinstance(one, float) and isinstance(other, Number):
        return _close(np.array([one]), np.array([other], dtype=np.float64))
    return bool(np.all(one == other))


def _is_missing(value: Any) -> bool:
    return not hasattr(value, "__len__") and is_missing(value)
