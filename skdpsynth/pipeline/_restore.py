"""Container, names and dtypes of the table, where the steps' inverses do not bring them back."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ..exceptions import TableMismatchError
from ..preprocessing import TableFormat, join_target, public_format, read_frame
from ..schema import (
    TableSchema,
    as_series,
    column_names,
    place_columns,
    plain_columns,
    read_any_frame,
    restore_column,
    select_columns,
    take_column,
)

__all__ = ["JointFormat", "read_format", "split_at"]


class JointFormat(NamedTuple):
    """What the table looks like, y included.

    Attributes
    ----------
    features : TableFormat or None
        Of X; None when it holds what no kind of column describes, such as dates, and is left as
        the steps return it.
    target : TableFormat or None
        Of y alone; None without y.
    kinds : TableSchema or None
        The public schema; where it is known, the dtypes follow from it.
    """

    features: TableFormat | None
    target: TableFormat | None
    kinds: TableSchema | None

    def restore_features(self, table: Any) -> Any:
        """Return X in its own container and dtypes."""
        if self.features is None:
            return table
        frame, found = _read(table)
        if found == self.features:
            return table
        return self.features.build(self._columns(frame, self.features), frame.index)

    def restore_target(self, y: Any) -> Any:
        """Return y in the container of X and its own dtype."""
        if self.target is None:
            return y
        return take_column(self.target.build(self._y_columns(y)), 0)

    def join(self, X: Any, y: Any) -> Any:
        """Return X, already restored, with y as its last column."""
        if self.target is None:
            return X
        if self.features is None:
            names = [*column_names(X), self.target.names[0]]
            return place_columns(X, names, {len(names) - 1: pd.Series(self._y_columns(y)[0])})
        frame, _ = _read(X)
        columns = [
            *self._columns(frame, self.features),
            *self._y_columns(y),
        ]
        joint = TableFormat(
            self.features.container,
            self.features.names + self.target.names,
            self.features.dtypes + self.target.dtypes,
        )
        return joint.build(columns)

    def _y_columns(self, y: Any) -> list[Any]:
        assert self.target is not None
        return self._columns(_as_frame(y, self.target), self.target)

    def _columns(self, frame: pd.DataFrame, table_format: TableFormat) -> list[Any]:
        if frame.shape[1] != len(table_format.names):
            raise TableMismatchError(
                f"The steps turned {len(table_format.names)} columns into others and those back "
                f"into {frame.shape[1]}; a step's inverse_transform does not undo its transform."
            )
        return [
            _restore(frame.iloc[:, position], self._kind(name), dtype, name)
            for position, (name, dtype) in enumerate(
                zip(table_format.names, table_format.dtypes, strict=True)
            )
        ]

    def _kind(self, name: Hashable) -> Any:
        return self.kinds[name] if self.kinds is not None and name in self.kinds else None


def read_format(
    X: Any, y: Any, schema: TableSchema | None, target: TableSchema | None
) -> JointFormat:
    """Return what a table looks like, as far as that is public.

    Parameters
    ----------
    X, y : table and target
        As `fit` sees them; values are not read.
    schema : TableSchema or None
        The public schema of X. Without one the dtypes are kept as they are.
    target : TableSchema or None
        The one column of the synthesizer that y became.

    Returns
    -------
    JointFormat
    """
    features = None
    kinds = schema
    try:
        frame, features = read_frame(X, schema)
    except TableMismatchError:
        frame = pd.DataFrame(index=range(len(X)))
    y_format = None
    if target is not None:
        read = features or TableFormat(read_any_frame(X)[1], (), ())
        _, joint = join_target(frame, read, y, target.names[0])
        y_format = public_format(joint.select(target.names), target)
        kinds = target if kinds is None else kinds.replace(target)
    if features is not None and schema is not None:
        features = public_format(features, schema.select(features.names))
    return JointFormat(features, y_format, kinds)


def _read(table: Any) -> tuple[pd.DataFrame, TableFormat]:
    return read_frame(table, ensure_min_samples=0)


def _as_frame(y: Any, target: TableFormat) -> pd.DataFrame:
    values = pd.Series(as_series(y)).reset_index(drop=True)
    return plain_columns(pd.DataFrame({target.names[0]: values}))


def _restore(column: pd.Series, kind: Any, dtype: Any, name: Hashable) -> Any:
    if kind is not None or isinstance(column.dtype, pd.CategoricalDtype):
        return restore_column(column, kind, dtype, name)
    if isinstance(dtype, str):
        # which categories there were is not public: those that occur in the synthetic rows
        return pd.Categorical(column, ordered=dtype.startswith("ordered"))
    if getattr(dtype, "kind", None) in ("i", "u", "b"):
        column = _round(column)
    return restore_column(column, None, dtype, name)


def _round(column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    return column if numbers.isna().any() else numbers.round()


def split_at(table: Any, target: Hashable, position: int) -> tuple[Any, Any]:
    """Return X and y of a table that holds its target, at this position."""
    names = column_names(table)
    at = position if isinstance(table, np.ndarray) else names.index(target)
    kept = [other for other in range(len(names)) if other != at]
    return select_columns(table, kept), take_column(table, at)
