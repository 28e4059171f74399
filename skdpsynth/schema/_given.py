"""The schema that an estimator is given, or must do without."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from os import PathLike
from typing import Any

from ..exceptions import PrivacyLeakWarning, SchemaError
from ..privacy import Purchase, unite_purchases
from ._draft import draft_table
from ._kinds import Discrete, Numeric, shorten
from ._table_schema import TableSchema

__all__ = ["check_schema", "draft_privately", "purchases_of", "warn_leak"]


def draft_privately(frame: Any, target: Any = None) -> TableSchema:
    """Return a schema read from private rows, for an estimator that has none and says so.

    As `TableSchema.from_frame`, but all columns are needed, and nobody reads the draft: what a
    person should look at is not told.

    Raises
    ------
    TableMismatchError
        If columns are empty or have no kind.
    """
    draft = draft_table(frame, target=target, with_doubts=False)
    draft.require_kinds([*draft.columns, *draft.empty])
    return TableSchema(draft.columns, target)


def warn_leak(estimator: object, what: str, names: Any) -> None:
    """Warn that `what` was read from the data in these columns."""
    warnings.warn(
        f"{type(estimator).__name__} read {what} of the columns {shorten(names)} from the data, "
        "which no privacy guarantee covers; pass a schema that is public.",
        PrivacyLeakWarning,
        stacklevel=3,
    )


def check_schema(schema: Any) -> TableSchema | None:
    """Return `schema` if it is None or a TableSchema.

    Raises
    ------
    SchemaError
        If it is anything else.
    """
    if schema is None or isinstance(schema, TableSchema):
        return schema
    is_file = isinstance(schema, str | PathLike)
    way_out = (
        "read it with TableSchema.from_json(...)"
        if is_file
        else "wrap a mapping as TableSchema(mapping)"
    )
    raise SchemaError(
        f"schema must be a TableSchema or None, got {type(schema).__name__}; {way_out}."
    )


def purchases_of(value: Any) -> tuple[Purchase, ...]:
    """Return what all schemas and columns in parameters of any depth were bought with, each once.

    >>> purchases_of({"schema": None, "steps": [("encode", 3)]})
    ()
    """
    if isinstance(value, TableSchema | Numeric | Discrete):
        return value.bought_with
    if isinstance(value, Mapping):
        return unite_purchases(*map(purchases_of, value.values()))
    if isinstance(value, list | tuple):
        return unite_purchases(*map(purchases_of, value))
    return ()
