"""Rows that a table might have: some of its own, with holes, at the bounds, and twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..schema import Discrete, Numeric, TableSchema
from ._tables import as_frame, count_rows, take_rows

__all__ = ["made_up_tables"]

N_ROWS = 12
MOST_COLUMNS = 60  # of which values at the bounds are tried


def made_up_tables(
    table: Any, y: Any, schemas: Sequence[TableSchema], rng: np.random.Generator
) -> Iterator[tuple[Any, Any]]:
    """Yield tables of few rows with their targets, in the container of a table.

    Parameters
    ----------
    table : DataFrame or array-like of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,) or None
    schemas : sequence of TableSchema
        Bounds and levels of columns of these names are tried.
    rng : Generator
    """
    n_rows = count_rows(table)
    some = rng.choice(n_rows, size=min(n_rows, N_ROWS // 2), replace=False)
    twice = np.repeat(some, 2)
    rows, target = take_rows(table, twice), take_rows(y, twice)
    yield _without_index(rows), _without_index(target)
    frame, build = _open(rows)
    if frame is None:
        return
    for keeps_dtypes in (True, False):
        yield build(_with_holes(frame, keeps_dtypes)), target
    everything = as_frame(table)
    tried = np.linspace(0, frame.shape[1] - 1, min(frame.shape[1], MOST_COLUMNS)).astype(int)
    corners = {int(j): _corners(everything.iloc[:, j], schemas) for j in tried}
    for shift in (0, 5):
        yield build(_with_values(frame, corners, shift)), target


def _without_index(rows: Any) -> Any:
    return rows.reset_index(drop=True) if hasattr(rows, "iloc") else rows


def _open(rows: Any) -> tuple[pd.DataFrame | None, Callable[[pd.DataFrame], Any]]:
    """Return rows as a pandas frame, and how a frame becomes such rows; None of a list."""
    if isinstance(rows, pd.DataFrame):
        return rows.reset_index(drop=True), lambda frame: frame
    if isinstance(rows, np.ndarray) and rows.ndim == 2:
        return pd.DataFrame(rows), lambda frame: frame.to_numpy()
    if type(rows).__module__.partition(".")[0] == "polars":
        import polars

        return rows.to_pandas(), polars.from_pandas
    return None, lambda frame: frame


def _rebuild(frame: pd.DataFrame, columns: Sequence[pd.Series]) -> pd.DataFrame:
    built = pd.concat(columns, axis=1, keys=range(len(columns)))
    return built.set_axis(frame.columns, axis=1)


def _with_holes(frame: pd.DataFrame, keeps_dtypes: bool) -> pd.DataFrame:
    """Return the frame with every third value missing, or only where its dtype can hold that."""
    holed = frame.where(np.add.outer(np.arange(len(frame)), np.arange(frame.shape[1])) % 3 != 0)
    if not keeps_dtypes:
        return holed
    kept = (holed.dtypes == frame.dtypes).to_numpy()
    columns = [(holed if kept[j] else frame).iloc[:, j] for j in range(frame.shape[1])]
    return _rebuild(frame, columns)


def _corners(column: pd.Series, schemas: Sequence[TableSchema]) -> list[Any]:
    """Return values at the ends of what is possible, and of what occurs and a little beyond."""
    kinds = [schema[column.name] for schema in schemas if _names(schema, column.name)]
    values: list[Any] = []
    for kind in kinds:
        values += [kind.low, kind.high] if isinstance(kind, Numeric) else []
        values += [kind.levels[0], kind.levels[-1]] if isinstance(kind, Discrete) else []
    present = column.dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        return [value for value in values if value in categories] + list(categories[[0, -1]])
    if pd.api.types.is_bool_dtype(column.dtype):
        return [False, True]
    if pd.api.types.is_numeric_dtype(column.dtype) and len(present):
        least, most = present.min(), present.max()
        return [*values, least, most, 2 * most - least + 1, 2 * least - most - 1, 0]
    return values + present.iloc[:1].tolist()


def _names(schema: TableSchema, name: Any) -> bool:
    try:
        return name in schema
    except TypeError:
        return False


def _with_values(frame: pd.DataFrame, corners: Mapping[int, list[Any]], shift: int) -> pd.DataFrame:
    """Return the frame with corner values here and there; each column keeps its dtype."""
    columns = [frame.iloc[:, number] for number in range(frame.shape[1])]
    for number, values in corners.items():
        column = columns[number]
        cells = column.astype(object).tolist()
        for order, value in enumerate(values[:N_ROWS]):
            cells[(shift + number + order) % len(cells)] = value
        try:
            columns[number] = pd.Series(cells, dtype=column.dtype)
        except (TypeError, ValueError, OverflowError):
            # such a value does not go into such a column, which stays as it is
            continue
    return _rebuild(frame, columns)
