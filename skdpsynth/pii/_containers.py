"""Tables of any container in which some columns are replaced or left out, the others untouched."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import TableMismatchError
from ..preprocessing import read_frame

__all__ = ["place_columns", "read_any_frame", "replace_columns", "select_columns"]


def read_any_frame(X: Any, ensure_min_samples: int = 1) -> pd.DataFrame:
    """Return a table as a pandas frame; columns of any dtype, dates too, are admitted.

    The columns of an array are named ``"x0"``, ``"x1"``, ...
    """
    if type(X).__name__ == "LazyFrame":
        raise TypeError("A LazyFrame was passed, but rows are needed; collect() it.")
    is_frame = hasattr(X, "columns") and getattr(X, "ndim", 2) == 2
    if not is_frame:
        return read_frame(X, ensure_min_samples=ensure_min_samples)[0]
    frame = X if isinstance(X, pd.DataFrame) else X.to_pandas()
    for count, axis, least in zip(
        frame.shape, ("sample", "feature"), (ensure_min_samples, 1), strict=True
    ):
        if count < least:
            raise ValueError(
                f"Found array with {count} {axis}(s) (shape={frame.shape}) while a minimum of "
                f"{least} is required."
            )
    if frame.columns.has_duplicates:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise TableMismatchError(
            f"The table has several columns named {repeated!r}; rename or drop all but one."
        )
    for name, dtype in frame.dtypes.items():
        if dtype.kind == "c":
            raise TableMismatchError(
                f"Column {name!r} holds complex numbers; make two columns of it, or drop it."
            )
    return frame


def select_columns(X: Any, kept: Sequence[int]) -> Any:
    """Return the columns at these positions."""
    if isinstance(X, pd.DataFrame):
        return X.iloc[:, list(kept)]
    if _is_polars(X):
        return X[:, list(kept)]
    return np.asarray(X)[:, list(kept)]


def replace_columns(X: Any, columns: Mapping[int, pd.Series]) -> Any:
    """Return the table with other values in the columns at these positions."""
    if not columns:
        return X
    if isinstance(X, pd.DataFrame):
        replaced = X.copy(deep=False)
        for position, column in columns.items():
            replaced.isetitem(position, column.array)
        return replaced
    if _is_polars(X):
        return X.with_columns(_as_polars(X.columns[at], column) for at, column in columns.items())
    array = np.asarray(X)
    text = all(isinstance(value, str) for column in columns.values() for value in column)
    array = array.astype(object)
    for position, column in columns.items():
        array[:, position] = column.to_numpy(dtype=object)
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
    if _is_polars(X):
        import polars

        series = {at: X[:, place] for place, at in enumerate(rest)}
        series |= {at: _as_polars(names[at], column) for at, column in columns.items()}
        return polars.DataFrame([series[at] for at in range(n_columns)])
    array = np.asarray(X)
    whole = np.empty((len(array), n_columns), dtype=object)
    whole[:, rest] = array
    for at, column in columns.items():
        whole[:, at] = column.to_numpy(dtype=object)
    return whole


def _is_polars(X: Any) -> bool:
    return type(X).__module__.partition(".")[0] == "polars"


def _as_polars(name: Hashable, column: pd.Series) -> Any:
    import polars

    values = [
        None if missing else value for value, missing in zip(column, column.isna(), strict=True)
    ]
    return polars.Series(str(name), values)
