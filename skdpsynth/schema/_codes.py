"""One column against its kind: values to codes and back.

These functions trust that the dtype was admitted by `read_dtype`; everything else about a value
is checked here and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..exceptions import TableMismatchError
from ._containers import is_dictionary
from ._dates import make_dates_numbers
from ._kinds import Count, Discrete, Numeric, as_scalar, shorten

__all__ = [
    "MARKERS",
    "check_missing",
    "decode_column",
    "encode_column",
    "quote",
    "read_dtype",
    "read_numbers",
    "restore_column",
    "restore_numbers",
    "to_float",
]

# how missing values are often spelled in files, what else stands for them, and what to do about it
MARKERS = ("?", "-", ".", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A")
MISSING_TEXTS = {"", "unknown", *(marker.lower() for marker in MARKERS)}
READ_MISSING = "read the file with na_values=[...] and declare the column nullable=True"
NUMBERS = {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}


def read_dtype(dtype: Any, name: object) -> Any:
    """Return what may be kept of a column's dtype: it must not tell values apart.

    Raises
    ------
    TableMismatchError
        If no kind of column can hold values of this dtype.
    """
    if isinstance(dtype, pd.CategoricalDtype):
        return "ordered category" if dtype.ordered else "category"
    if isinstance(dtype, np.dtype) and dtype.kind == "U":
        return np.dtype("U")
    if is_dictionary(dtype):
        return "ordered arrow category" if dtype.pyarrow_dtype.ordered else "arrow category"
    if isinstance(dtype, pd.IntervalDtype):
        # intervals are read as texts
        return np.dtype(object)
    dates = make_dates_numbers(dtype, name)
    if dates is not None:
        raise TableMismatchError(f"Column {name!r} has dtype {dtype}: {dates}.")
    if isinstance(dtype, pd.ArrowDtype):
        dtype = _read_arrow(dtype)
    if isinstance(dtype, pd.SparseDtype):
        way_out = f"make it dense with df[{name!r}].sparse.to_dense()"
    elif dtype.kind == "c":
        raise TableMismatchError(
            f"Complex data not supported: column {name!r}; split it into real and imaginary part."
        )
    elif dtype.kind == "S":
        way_out = "decode its bytes to strings"
    elif (
        types.is_numeric_dtype(dtype)
        or types.is_bool_dtype(dtype)
        or types.is_string_dtype(dtype)
        or types.is_object_dtype(dtype)
    ):
        return dtype
    else:
        way_out = f"convert it to strings with df[{name!r}].astype(str)"
    raise TableMismatchError(f"Column {name!r} has dtype {dtype}, which has no kind; {way_out}.")


def _read_arrow(dtype: pd.ArrowDtype) -> pd.ArrowDtype:
    """Return the dtype of a column of Arrow, or the one that stands for it."""
    import pyarrow

    arrow = dtype.pyarrow_dtype
    if pyarrow.types.is_null(arrow) or pyarrow.types.is_decimal(arrow):
        # a column without values, of any kind, has the float dtype that numpy gives it
        return pd.ArrowDtype(pyarrow.float64())
    return dtype


def quote(value: Any) -> str:
    """Spell a value for an error message that speaks to the curator, shortened."""
    value = value.item() if isinstance(value, np.generic) else value
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def check_missing(missing: np.ndarray, kind: Numeric | Discrete | None, name: object) -> None:
    """Check that only a nullable column has missing values; a kind of None is not nullable.

    Raises
    ------
    TableMismatchError
        If a value is missing and the column is not nullable.
    """
    if missing.any() and not (kind is not None and kind.nullable):
        declared = "Kind" if kind is None else type(kind).__name__
        raise TableMismatchError(
            f"Column {name!r} holds a missing value (NaN) but is not nullable; declare it "
            f"{declared}(..., nullable=True) in the schema, or fill the missing values."
        )


def encode_column(column: pd.Series, kind: Numeric | Discrete, name: object) -> np.ndarray:
    """Return the codes of one column as float64, NaN where missing; see `encode_table`."""
    if isinstance(kind, Discrete):
        return _encode_levels(column, kind, name)
    values = read_numbers(column, kind, name)
    low, high = float(kind.low), float(kind.high)
    return (kind.snap(np.clip(values, low, high)) - low) / (high - low)


def _encode_levels(column: pd.Series, kind: Discrete, name: object) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        uniques, positions = column.cat.categories, column.cat.codes.to_numpy()
    else:
        positions, uniques = _factorize(column, name)
    # Python's own equality matches 1 with 1.0 and True, and keeps 1 and "1" apart
    code_of = {level: code for code, level in enumerate(kind.levels)}
    other = np.nan if kind.other is None else float(code_of[kind.other])
    codes = np.full(len(uniques) + 1, np.nan)
    spelled = {str(level): level for level in kind.levels}
    for position, value in enumerate(uniques.tolist()):
        # a text "1" beside the level 1 is a column that was read as texts because of another row
        is_spelled = isinstance(value, str) and value not in code_of and value in spelled
        codes[position] = np.nan if is_spelled else code_of.get(value, other)
    # an unused pandas category may be unknown: only values that occur are checked
    unknown = np.isnan(codes[:-1])
    if unknown.any():
        occurs = np.zeros(len(codes), dtype=bool)
        occurs[positions] = True
        if (unknown & occurs[:-1]).any():
            value = uniques[int(np.argmax(unknown & occurs[:-1]))]
            dates = make_dates_numbers(value, name)
            raise TableMismatchError(
                f"Column {name!r} holds {quote(value)}, which is not one of its levels "
                f"{shorten(kind.levels)}; {dates or _fit_level(value, kind)}."
            )
    check_missing(positions < 0, kind, name)
    # position -1 (missing) picks the last entry, which is NaN
    return codes[positions]


def _fit_level(value: Any, kind: Discrete) -> str:
    """Return what to do about a value that is not a level."""
    alike = [level for level in kind.levels if str(level) == str(value)]
    if alike:
        type_name = type(as_scalar(alike[0])).__name__
        return f"the level is the {type_name} {alike[0]!r}: convert the column, or the levels"
    if is_missing_text(value):
        return f"if it stands for a missing value, {READ_MISSING}, else add it to the levels"
    return (
        f"add it to the levels, or pass {type(kind).__name__}(..., other=level) to map unknown "
        "values to a level"
    )


def is_missing_text(value: Any) -> bool:
    """Whether a value looks as missing values are often spelled in files."""
    return isinstance(value, str) and value.strip().lower() in MISSING_TEXTS


def _factorize(column: pd.Series, name: object) -> tuple[np.ndarray, pd.Index]:
    try:
        positions, uniques = pd.factorize(column)
    except TypeError:
        bad = next(value for value in column if not types.is_hashable(value))
        raise TableMismatchError(
            f"Column {name!r} holds {quote(bad)}, a {type(bad).__name__}; a level must be a "
            "string, a number or a bool."
        ) from None
    return np.asarray(positions), pd.Index(uniques)


def read_numbers(column: pd.Series, kind: Numeric, name: object) -> np.ndarray:
    """Return a numeric column as float64, NaN where missing, checked but not clipped.

    Raises
    ------
    TableMismatchError
        If a value is not a number, infinite, missing in a column that is not nullable, or
        fractional in a count.
    """
    values = to_float(column, name)
    whole = types.is_integer_dtype(column.dtype) or types.is_bool_dtype(column.dtype)
    if whole and not types.is_extension_array_dtype(column.dtype):
        return values
    infinite = np.isinf(values)
    if infinite.any():
        raise TableMismatchError(
            f"Column {name!r} holds an infinite value ({values[infinite][0]}); replace it by a "
            f"bound, {kind.low!r} or {kind.high!r}, or by NaN with nullable=True."
        )
    missing = np.isnan(values)
    check_missing(missing, kind, name)
    if isinstance(kind, Count) and not whole:
        fractional = ~missing & (values != np.rint(values))
        if fractional.any():
            raise TableMismatchError(
                f"Column {name!r} holds {values[fractional][0]!s}, which is not an integer; "
                f"declare it Continuous({kind.low!r}, {kind.high!r}), or round the column."
            )
    return values


def to_float(column: pd.Series, name: object) -> np.ndarray:
    """Return a column as float64, NaN where missing; strings are an error, not numbers."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = to_float(pd.Series(column.cat.categories), name)
        return np.append(categories, np.nan)[column.cat.codes.to_numpy()]
    if types.is_numeric_dtype(dtype) or types.is_bool_dtype(dtype):
        if types.is_extension_array_dtype(dtype):
            return column.to_numpy(dtype=np.float64, na_value=np.nan)
        return column.to_numpy(dtype=np.float64)
    values = column.to_numpy(dtype=object)
    missing = pd.isna(values)
    if not missing.all() and types.infer_dtype(values, skipna=True) not in NUMBERS:
        bad = [v for v in values[~missing] if not isinstance(v, Real | Decimal | np.bool_)]
        if bad:
            way_out = make_dates_numbers(bad[0], name) or _make_number(bad[0])
            raise TableMismatchError(
                f"Column {name!r} is numeric in its schema but holds {quote(bad[0])} "
                f"({type(bad[0]).__name__}); {way_out}."
            )
    numbers = np.full(len(values), np.nan)
    try:
        numbers[~missing] = values[~missing].astype(np.float64)
    except OverflowError:
        raise TableMismatchError(
            f"Column {name!r} holds an integer that is too large for float64; replace it by a "
            "bound of its schema, or drop the column."
        ) from None
    return numbers


def _make_number(value: Any) -> str:
    """Return what to do about a value that is not a number in a numeric column."""
    if is_missing_text(value):
        return f"if it stands for a missing value, {READ_MISSING}"
    if isinstance(value, str) and re.fullmatch(r"[-+]?\d*,\d+", value):
        return "if decimals follow a comma, read the file with decimal=','"
    if isinstance(value, str) and re.match(r"\d{1,4}[-./]\d\d?[-./]\d{1,4}(?!\d)", value):
        return "make dates numbers, such as the days since a public one"
    return "convert it with pd.to_numeric, or declare it Categorical(levels)"


def decode_column(codes: np.ndarray, kind: Numeric | Discrete, dtype: Any, name: object) -> Any:
    """Return the values of one column's codes in its dtype; see `decode_table`."""
    codes = np.asarray(codes, dtype=np.float64)
    check_missing(np.isnan(codes), kind, name)
    if isinstance(kind, Discrete):
        return _restore_levels(codes, kind, dtype)
    unit = np.clip(codes, 0.0, 1.0)
    # low + unit * (high - low) may miss `high` by a rounding
    values = np.clip(kind.low + unit * (kind.high - kind.low), kind.low, kind.high)
    # and zero, where many values may lie
    values[unit == (0.0 - kind.low) / (kind.high - kind.low)] = 0.0
    return restore_numbers(values, kind, dtype)


def _restore_levels(codes: np.ndarray, kind: Discrete, dtype: Any) -> Any:
    missing = np.isnan(codes)
    positions = np.clip(np.rint(np.where(missing, 0.0, codes)), 0, len(kind.levels) - 1)
    positions = np.where(missing, -1, positions).astype(np.intp)
    if isinstance(dtype, str):
        ordered = dtype.startswith("ordered")
        return pd.Categorical.from_codes(
            positions, dtype=pd.CategoricalDtype(list(kind.levels), ordered=ordered)
        )
    return pd.api.extensions.take(_level_array(kind, dtype), positions, allow_fill=True)


def _level_array(kind: Discrete, dtype: Any) -> Any:
    """Return the levels in the column's dtype, or in their own where that would change them."""
    levels = list(kind.levels)
    if isinstance(dtype, np.dtype) and dtype.kind in "UO":
        objects = np.empty(len(levels), dtype=object)
        objects[:] = levels
        return objects
    natural = np.asarray(pd.Index(levels))
    try:
        with np.errstate(invalid="ignore", over="ignore"):
            cast = pd.array(levels, dtype=dtype) if _is_extension(dtype) else natural.astype(dtype)
    except (TypeError, ValueError, OverflowError):
        return natural
    return cast if cast.tolist() == levels else natural


def _is_extension(dtype: Any) -> bool:
    return not isinstance(dtype, np.dtype)


def restore_numbers(values: np.ndarray, kind: Numeric, dtype: Any) -> Any:
    """Return float64 values, NaN where missing, in the column's dtype where it holds them."""
    if isinstance(dtype, str):
        dtype = np.dtype(np.int64 if isinstance(kind, Count) else np.float64)
    values = kind.snap(values)
    if dtype.kind in "iub":
        values = np.rint(values)
    missing = np.isnan(values)
    if types.is_object_dtype(dtype):
        objects = values.astype(object)
        if isinstance(kind, Count):
            objects[~missing] = values[~missing].astype(np.int64).astype(object)
        return objects
    if _is_extension(dtype):
        return _restore_extension(values, dtype)
    if dtype.kind == "b":
        return (
            np.where(missing, np.nan, (values != 0).astype(object))
            if missing.any()
            else values != 0
        )
    if dtype.kind not in "iu":
        return values.astype(dtype)
    if missing.any():
        return values
    limits = np.iinfo(dtype)
    return values.astype(dtype if limits.min <= kind.low and kind.high <= limits.max else np.int64)


def restore_column(column: pd.Series, kind: Any, dtype: Any, name: object) -> Any:
    """Return a column that holds values, not codes, in its dtype; a kind may be None: unknown."""
    if isinstance(kind, Discrete):
        codes = encode_column(column, replace(kind, nullable=True), name)
        return _restore_levels(codes, kind, dtype)
    if isinstance(kind, Numeric):
        return restore_numbers(to_float(column, name), kind, dtype)
    if isinstance(dtype, str) or dtype.kind == "U":
        return column.array
    try:
        return column.astype(dtype).array
    except (TypeError, ValueError):
        # the dtype cannot hold what is missing, or what a model made of the column
        return column.array


def _restore_extension(values: np.ndarray, dtype: Any) -> Any:
    # by way of pandas' own nullable dtypes, so that NaN becomes pandas.NA in Arrow dtypes too
    through: Any = "Float64" if dtype.kind == "f" else "Int64"
    return pd.Series(values).astype(through).astype(dtype).array
