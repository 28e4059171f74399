"""The border: tables that users pass in are checked here, once, and turned into codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .exceptions import TableMismatchError
from .pii import warn_of_pii
from .preprocessing import (
    encode_table,
    fit_schema_to_names,
    join_target,
    public_format,
    read_frame,
)
from .schema import (
    Continuous,
    Count,
    Discrete,
    Numeric,
    Table,
    TableSchema,
    as_series,
    check_schema,
    draft_privately,
    encode_column,
    quote,
    shorten,
    warn_leak,
)

__all__ = ["encode_conditions", "read_table"]


def read_table(X: Any, y: Any, estimator: BaseEstimator) -> tuple[Table, dict[str, Any]]:
    """Check a private table, y included, against the schema of the estimator.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,) or None
        Becomes the last column, under its name, the schema's target's, or ``"target"``.
    estimator : BaseEstimator
        Only its parameter `schema` is read; None drafts one from the data, with a warning.

    Returns
    -------
    table : Table
    names : dict
        ``n_features_in_`` and, where scikit-learn sets it, ``feature_names_in_``.

    Raises
    ------
    TableMismatchError
        If the table does not fit; the message names column, value and way out.
    """
    schema = check_schema(estimator.schema)
    frame, table_format = read_frame(X, schema, ensure_min_samples=2)
    named = BaseEstimator()
    read = X if table_format.container == "numpy" else frame
    validate_data(named, read, reset=True, skip_check_array=True)
    target = None
    if y is not None:
        column = as_series(y)
        is_named = isinstance(column, pd.Series) and not hasattr(y, "columns")
        name = column.name if is_named else None
        if name is None and schema is not None:
            name = schema.target
        frame, table_format = join_target(frame, table_format, y, name)
        target = table_format.names[-1]
    has_public_schema = schema is not None
    bounds = _check_bounds(getattr(estimator, "bounds", None))
    if schema is None and bounds is not None and table_format.container == "numpy":
        schema, has_public_schema = _box_schema(frame, bounds, target, estimator)
    elif schema is None:
        # before the draft, which refuses a column of identifiers
        warn_of_pii(estimator, frame)
        schema = draft_privately(frame, target=target)
        warn_leak(estimator, "the bounds, steps, levels and nullability", schema)
    else:
        schema = _match(schema, table_format.names, target)
        warn_of_pii(estimator, schema)
    codes, published = encode_table(frame, schema), public_format(table_format, schema)
    return Table(codes, schema, published, y is not None, has_public_schema), vars(named)


def _check_bounds(bounds: Any) -> tuple[float, float] | None:
    if bounds is None:
        return None
    try:
        low, high = (float(bound) for bound in bounds)
    except (TypeError, ValueError):
        low = high = math.nan
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(
            "bounds must be None or a pair of finite numbers (low, high) with low < high, got "
            f"{bounds!r}."
        )
    return low, high


def _box_schema(
    frame: pd.DataFrame, bounds: tuple[float, float], target: Any, estimator: BaseEstimator
) -> tuple[TableSchema, bool]:
    """Return the schema of an array with one pair of public bounds, and whether it is public.

    The levels of y are public only where a schema gives them.
    """
    low, high = bounds
    features = frame.drop(columns=[] if target is None else [target])
    for name in features:
        values = pd.to_numeric(features[name], errors="coerce").to_numpy(dtype=np.float64)
        outside = np.flatnonzero(~((values >= low) & (values <= high)))
        if len(outside):
            value = quote(features[name].iloc[outside[0]])
            raise TableMismatchError(
                f"Column {name!r} of the array has the value {value}, but without a schema all "
                f"values must be numbers in [{low:g}, {high:g}]: rescale by public bounds, pass a "
                "schema, or set bounds."
            )
    columns: dict[Any, Any] = {name: Continuous(low, high) for name in features}
    if target is None:
        return TableSchema(columns), True
    drafted = draft_privately(frame[[target]], target=target)
    warn_leak(estimator, "the levels", drafted)
    return TableSchema({**columns, target: drafted[target]}, target=target), False


def _match(schema: TableSchema, names: tuple[Any, ...], target: Any) -> TableSchema:
    """Return the schema of a table with these columns, y last; or raise what does not fit."""
    if target is None:
        if schema.target is not None and schema.target not in names:
            raise TableMismatchError(
                f"The table lacks the schema's target {schema.target!r}; keep it as a column of X, "
                "pass it as y, or leave it out with schema.drop."
            )
        return fit_schema_to_names(schema, names)
    if target not in schema:
        raise TableMismatchError(
            f"The schema has no column for y, which is named {target!r}; add one with "
            f"schema.replace({{{target!r}: kind}}), or name y."
        )
    features = fit_schema_to_names(schema.drop([target]).with_target(None), names[:-1])
    return features.replace({target: schema[target]}).with_target(target)


def _is_possible(value: Any, kind: Numeric) -> bool:
    """Whether a number is one of the values of a column with decimals or a step."""
    lattice = kind.lattice
    if lattice is None or (isinstance(kind, Count) and kind.step is None):
        return True
    snapped = lattice.snap(np.array([value], dtype=np.float64))[0]
    return bool(abs(snapped - value) <= 1e-6 * lattice.step)


def encode_conditions(conditions: Any, schema: TableSchema) -> dict[int, float]:
    """Return the code of every condition, by column position."""
    if not isinstance(conditions, Mapping):
        raise TypeError(
            "conditions must be a mapping from column name to value such as {'sex': 'F'}, got "
            f"{type(conditions).__name__}."
        )
    codes = {}
    for name, value in conditions.items():
        if name not in schema:
            raise TableMismatchError(
                f"conditions names the column {name!r}, which the table does not have; its columns "
                f"are {list(schema.names)!r}."
            )
        kind = schema[name]
        is_number = isinstance(kind, Numeric) and isinstance(value, int | float | np.number)
        if is_number and abs(value) < math.inf and not kind.low <= value <= kind.high:
            raise TableMismatchError(
                f"conditions has {name!r}: {value!r}, outside the schema's bounds "
                f"[{kind.low}, {kind.high}]."
            )
        if is_number and kind.low <= value <= kind.high and not _is_possible(value, kind):
            nearest = kind.snap(np.array([value], dtype=np.float64))[0]
            raise TableMismatchError(
                f"conditions has {name!r}: {value!r}, which {kind!r} cannot take; the nearest "
                f"value is {nearest:.15g}."
            )
        is_level = isinstance(kind, Discrete) and isinstance(value, str | int | float)
        if is_level and value == value and value not in kind.levels and kind.other is None:
            raise TableMismatchError(
                f"conditions has {name!r}: {value!r}, which is not one of its levels "
                f"{shorten(kind.levels)}."
            )
        column = pd.Series([value], dtype=object if isinstance(value, str) else None)
        codes[schema.names.index(name)] = float(encode_column(column, kind, name)[0])
    return codes
