"""Columns and rows of tables of any container, and tables in which some columns are others."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._containers import as_arrow, as_objects, as_polars, library_of

__all__ = [
    "column_names",
    "first_rows",
    "place_columns",
    "replace_columns",
    "select_columns",
    "take_column",
]


def _is_frame(X: Any) -> bool:
    return isinstance(X, pd.DataFrame) or (
        hasattr(X, "columns") and library_of(X) in ("polars", "pyarrow")
    )


def column_names(X: Any) -> list[Any]:
    """Return the names of a table's columns, or their positions in an array."""
    if not _is_frame(X):
        return list(range(np.shape(X)[1]))
    return list(X.schema.names if library_of(X) == "pyarrow" else X.columns)


def first_rows(X: Any, n_rows: int) -> Any:
    """Return the first rows of a table or a column, in its container."""
    if hasattr(X, "iloc"):
        return X.iloc[:n_rows]
    return X.slice(0, n_rows) if hasattr(X, "slice") else X[:n_rows]


def select_columns(X: Any, kept: Sequence[int]) -> Any:
    """Return the columns at these positions."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, list(kept)]
    if not _is_frame(X):
        return np.asarray(X)[:, list(kept)]
    return X.select(list(kept)) if library_of(X) == "pyarrow" else X[:, list(kept)]


def take_column(X: Any, position: int) -> Any:
    """Return the column at this position: a Series, or what the container has for it."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, position]
    if library_of(X) == "pyarrow":
        return X.column(position)
    return X[:, position]


def replace_columns(X: Any, columns: Mapping[int, pd.Series]) -> Any:
    """Return the table with other values in the columns at these positions."""
    if not columns:
        return X
    if isinstance(X, pd.DataFrame):
        replaced = X.copy(deep=False)
        for position, column in columns.items():
            replaced.isetitem(position, column.array)
        return replaced
    if _is_frame(X):
        names = column_names(X)
        rest = select_columns(X, [at for at in range(len(names)) if at not in columns])
        return place_columns(rest, names, columns)
    array = np.asarray(X)
    text = all(isinstance(value, str) for column in columns.values() for value in column)
    array = array.astype(object)
    for position, column in columns.items():
        array[:, position] = as_objects(column)
    return array.astype(str) if text and np.asarray(X).dtype.kind == "U" else array


def place_columns(X: Any, names: Sequence[Hashable], columns: Mapping[int, pd.Series]) -> Any:
    """Return the table with new columns at these positions, of these names all in all."""
    n_columns = len(names)
    rest = [position for position in range(n_columns) if position not in columns]
    if isinstance(X, pd.DataFrame):
        frames = {at: X.iloc[:, [place]] for place, at in enumerate(rest)}
        frames |= {
            at: column.set_axis(X.index).to_frame(names[at]) for at, column in columns.items()
        }
        placed = pd.concat([frames[at] for at in range(n_columns)], axis=1)
        placed.columns = pd.Index([*names])
        return placed
    if library_of(X) == "polars":
        import polars

        series = {at: X[:, place] for place, at in enumerate(rest)}
        series |= {at: as_polars(str(names[at]), column) for at, column in columns.items()}
        return polars.DataFrame([series[at] for at in range(n_columns)])
    if library_of(X) == "pyarrow":
        arrays = {at: X.column(place) for place, at in enumerate(rest)}
        arrays |= {at: as_arrow(column) for at, column in columns.items()}
        in_order = [arrays[at] for at in range(n_columns)]
        return type(X).from_arrays(in_order, names=[str(name) for name in names])
    array = np.asarray(X)
    whole = np.empty((len(array), n_columns), dtype=object)
    whole[:, rest] = array
    for at, column in columns.items():
        whole[:, at] = as_objects(column)
    return whole
