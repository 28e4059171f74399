"""Drafting a schema from data: bounds, levels and nullability as they occur in it."""

from __future__ import annotations

import sys
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..exceptions import SchemaError, TableMismatchError
from ._codes import NUMBERS, to_float
from ._frames import read_frame
from ._kinds import LARGEST_COUNT, Categorical, ColumnKind, Continuous, Count, Ordinal

__all__ = ["draft_column", "draft_columns"]

# an integer target of at most this many distinct values holds class labels
MAX_CLASSES = 20


def draft_columns(table: Any, target: Hashable, max_levels: int) -> dict[Hashable, ColumnKind]:
    """Return the kind of every column of a public table; see `TableSchema.from_frame`."""
    frame, table_format = read_frame(table)
    return {
        name: draft_column(frame.iloc[:, position], name, name == target, max_levels)
        for position, name in enumerate(table_format.names)
    }


def draft_column(
    column: pd.Series, name: object, is_target: bool = False, max_levels: int = 1000
) -> ColumnKind:
    """Return the kind of one column, with the bounds or levels that occur in it."""
    if column.isna().all():
        raise TableMismatchError(
            f"Column {name!r} has only missing values, so it has no bounds or levels; drop it, or "
            "declare it in a schema."
        )
    nullable = bool(column.isna().any())
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _draft_category(dtype, name, nullable)
    if types.is_bool_dtype(dtype) or types.infer_dtype(column, skipna=True) == "boolean":
        # both, whichever occur
        return Categorical([False, True], nullable=nullable)
    if types.is_numeric_dtype(dtype) or _holds_numbers(column):
        return _draft_numbers(column, name, nullable, is_target)
    return _draft_levels(column, name, nullable, max_levels)


def _holds_numbers(column: pd.Series) -> bool:
    if not types.is_object_dtype(column.dtype):
        return False
    return types.infer_dtype(column, skipna=True) in NUMBERS - {"boolean"}


def _draft_category(dtype: pd.CategoricalDtype, name: object, nullable: bool) -> ColumnKind:
    kind = Ordinal if dtype.ordered else Categorical
    try:
        return kind(dtype.categories.tolist(), nullable=nullable)
    except SchemaError as error:
        raise TableMismatchError(
            f"The categories of column {name!r} cannot be levels: {error}"
        ) from None


def _draft_levels(column: pd.Series, name: object, nullable: bool, max_levels: int) -> ColumnKind:
    try:
        levels = pd.unique(column.dropna()).tolist()
        if len(levels) <= max_levels:
            return Categorical(_sort(levels), nullable=nullable)
    except (SchemaError, TypeError) as error:
        raise TableMismatchError(
            f"The values of column {name!r} cannot be levels: {error}; convert it, for instance "
            f"with df[{name!r}].astype(str)."
        ) from None
    raise TableMismatchError(
        f"Column {name!r} has {len(levels)} distinct values, more than max_levels={max_levels}. "
        "An identifier or free text should be dropped; otherwise declare its levels in a schema."
    )


def _sort(levels: list[Any]) -> list[Any]:
    try:
        return sorted(levels)
    except TypeError:
        return levels


def _draft_numbers(column: pd.Series, name: object, nullable: bool, is_target: bool) -> ColumnKind:
    values = to_float(column, name)
    values = np.unique(values[~np.isnan(values)])
    if np.isinf(values).any():
        raise TableMismatchError(
            f"Column {name!r} holds an infinite value, which is not a bound; replace it by a "
            "finite number or by NaN."
        )
    low, high = float(values[0]), float(values[-1])
    # the width of a range must be a normal number
    if high - low < sys.float_info.min:
        high = low + max(1.0, abs(low))
    if not _are_integers(column, values, nullable):
        return Continuous(low, high, nullable=nullable)
    if max(abs(low), abs(high)) > LARGEST_COUNT:
        return _draft_codes(column, name, nullable)
    if is_target and len(values) <= MAX_CLASSES:
        return Categorical(values.astype(np.int64).tolist(), nullable=nullable)
    if values.tolist() == [0.0, 1.0]:
        return Categorical([0, 1], nullable=nullable)
    return Count(int(low), int(high), nullable=nullable)


def _draft_codes(column: pd.Series, name: object, nullable: bool) -> ColumnKind:
    """Return the kind of integers beyond 2**53: a few are the codes of a register."""
    levels = sorted({int(value) for value in column.dropna().tolist()})
    if len(levels) > MAX_CLASSES:
        raise TableMismatchError(
            f"Column {name!r} holds {len(levels)} integers, some beyond 2**53, where no count is "
            "encoded exactly; drop it if it is an identifier, declare its levels if these are "
            "codes, otherwise convert it to float."
        )
    return Categorical(levels, nullable=nullable)


def _are_integers(column: pd.Series, values: np.ndarray, nullable: bool) -> bool:
    if types.is_integer_dtype(column.dtype):
        return True
    if types.is_object_dtype(column.dtype):
        return types.infer_dtype(column, skipna=True) == "integer"
    # pandas stores integers as floats when some are missing; large floats are whole numbers anyway
    is_small = bool((np.abs(values) <= LARGEST_COUNT).all())
    return nullable and is_small and bool((values == np.rint(values)).all())
