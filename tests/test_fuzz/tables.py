"""A small private table, and what can be wrong with one."""

from __future__ import annotations

import datetime
import decimal
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse

from skdpsynth import Categorical, Continuous, Count, TableSchema

from .values import strange

try:
    import polars
except ImportError:  # with numpy 1.26 there is none
    polars = None  # type: ignore[assignment]

SCHEMA = TableSchema(
    {
        "age": Count(0, 100),
        "pay": Continuous(0, 100, nullable=True),
        "sex": Categorical(["F", "M", "canary-7351"]),
        "sick": Categorical([False, True]),
    },
    target="sick",
)
N_ROWS = 20
CELLS: tuple[Any, ...] = (
    *(math.nan, math.inf, -math.inf, None, pd.NA, pd.NaT, -1, 101, 10**30, 10**400, 1e300, -1e300),
    *("", "x", "61.8033", " F", "f", b"F", True, 1 + 1j, [1], [], (1, 2), {"a": 1}, {1}, object()),
    *(datetime.date(2020, 1, 1), pd.Timestamp("2020-01-01", tz="UTC"), pd.Timedelta(3, "h")),
    *(decimal.Decimal("1.5"), decimal.Decimal("NaN"), np.float32(3.5), np.array([1, 2]), print),
    *(pd.Interval(0, 1), pd.Period("2020-01"), np.datetime64("2020-01-01"), "\ud800", "\0"),
)
DTYPES: tuple[Any, ...] = (
    *("int8", "uint64", "float16", "float32", "complex64", "bool", "object", "str", "string"),
    *("category", "Int64", "Float64", "boolean", "datetime64[ns]", "timedelta64[ns]", "S5"),
    *("datetime64[ns, UTC]", "period[D]", "Sparse[float64]", "int64[pyarrow]", "string[pyarrow]"),
)


def make_table() -> pd.DataFrame:
    """Return rows that fit the schema; some of their values are canaries."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.integers(0, 101, N_ROWS),
            "pay": [61.803398874989, math.nan, *rng.uniform(0, 100, N_ROWS - 2)],
            "sex": ["F", "M", "canary-7351", *rng.choice(["F", "M"], N_ROWS - 3)],
            "sick": [True, False, *(rng.random(N_ROWS - 2) < 0.5)],
        }
    )


def _put_cell(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    position = rng.randrange(table.shape[1])
    column = table.iloc[:, position].astype(object).tolist()
    for _ in range(rng.choice([1, 1, 3])):
        column[rng.randrange(len(column))] = rng.choice(CELLS)
    return _put_column(table, position, pd.Series(_as_objects(column), index=table.index))


def _fill_column(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    cells = _as_objects([rng.choice(CELLS)] * len(table))
    if rng.random() < 0.5:
        return _put_column(table, rng.randrange(table.shape[1]), pd.Series(cells, table.index))
    inferred = pd.Series(cells, table.index).infer_objects()
    return _put_column(table, rng.randrange(table.shape[1]), inferred)


def _as_objects(cells: list[Any]) -> np.ndarray:
    array = np.empty(len(cells), dtype=object)
    for row, cell in enumerate(cells):
        array[row] = cell
    return array


def _put_column(table: pd.DataFrame, position: int, column: pd.Series) -> pd.DataFrame:
    columns = [table.iloc[:, j] for j in range(table.shape[1])]
    names = table.columns
    columns[position] = column
    return pd.concat(columns, axis=1).set_axis(names, axis=1)


def _cast_column(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    position = rng.randrange(table.shape[1])
    return _put_column(table, position, table.iloc[:, position].astype(rng.choice(DTYPES)))


def _shuffle_cells(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    first, second = rng.randrange(table.shape[1]), rng.randrange(table.shape[1])
    return _put_column(table, first, table.iloc[:, second])


def _rename(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    names = list(table.columns)
    pool = [*names, None, math.nan, 0, 1.5, True, "", ("a", "b"), b"age", "AGE", pd.Timestamp(0)]
    names[rng.randrange(len(names))] = rng.choice(pool)
    return table.set_axis(pd.Index(names, tupleize_cols=False), axis=1)


def _rename_all(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    n = table.shape[1]
    names: list[Any] = [
        range(n),
        ["age"] * n,
        [None] * n,
        pd.MultiIndex.from_tuples([("a", j) for j in range(n)]),
        pd.date_range("2020", periods=n),
        [str(j) for j in range(n)],
        pd.CategoricalIndex([f"c{j}" for j in range(n)]),
    ]
    return table.set_axis(rng.choice(names), axis=1)


def _change_rows(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    n_rows = rng.choice([0, 0, 1, 2, 3, len(table)])
    return table.iloc[rng.choice([slice(0, n_rows), slice(None, None, -1)])]


def _change_columns(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    n = table.shape[1]
    picks: list[list[int]] = [[], [0], [0, 0], list(range(n))[::-1], list(range(n)) * 2]
    return table.iloc[:, rng.choice([*picks, rng.sample(range(n), rng.randint(0, n))])]


def _change_index(table: pd.DataFrame, rng: random.Random) -> pd.DataFrame:
    n = len(table)
    indexes: list[Any] = [
        [0] * n,
        [None] * n,
        pd.MultiIndex.from_tuples([(j, -j) for j in range(n)], names=["a", "b"]),
        pd.date_range("2020", periods=n),
        ["canary-7351"] * n,
    ]
    return table.set_axis(rng.choice(indexes), axis=0)


CHANGES: tuple[Callable[[pd.DataFrame, random.Random], pd.DataFrame], ...] = (
    *(_put_cell, _put_cell, _put_cell, _fill_column, _fill_column, _cast_column, _cast_column),
    *(_shuffle_cells, _rename, _rename_all, _change_rows, _change_columns, _change_index),
)


def _masked(table: pd.DataFrame) -> Any:
    return np.ma.masked_invalid(table[["age", "pay"]].to_numpy(dtype=float))


CONTAINERS: tuple[Callable[[pd.DataFrame], Any], ...] = (
    *(lambda table: table.to_numpy(), lambda table: table.to_numpy(dtype=object)),
    *(lambda table: table.to_numpy(dtype=str), lambda table: table.to_numpy(dtype=complex)),
    *(lambda table: table.select_dtypes("number").to_numpy(), lambda table: table.to_numpy()[0]),
    *(lambda table: table.to_numpy()[None], lambda table: table.to_dict(), _masked),
    *(lambda table: table.to_dict("records"), lambda table: table.to_records()),
    *(lambda table: table.to_numpy().tolist(), lambda table: [[1], [1, 2]], lambda table: "age"),
    *(lambda table: polars.from_pandas(table), lambda table: polars.from_pandas(table).lazy()),
    *(lambda table: polars.from_pandas(table)["age"], lambda table: table.iloc[:, 0]),
    *(lambda table: scipy.sparse.csr_matrix(np.eye(len(table), 4)), lambda table: iter([])),
    *(lambda table: np.asmatrix(np.eye(4)), lambda table: table.to_numpy(dtype="datetime64[s]")),
    *(lambda table: memoryview(b"abc"), lambda table: table.__arrow_c_stream__()),
    *(lambda table: table.T, lambda table: table.stack(), lambda table: table.groupby("sex")),
)


def malformed_table(rng: random.Random) -> Any:
    """Return a table that was changed up to three times, perhaps in another container."""
    if rng.random() < 0.02:
        return strange(rng)
    table = make_table()
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3])):
        if table.shape[1] == 0 or len(table) == 0:
            break
        try:
            table = rng.choice(CHANGES)(table, rng)
        except Exception:  # pandas cannot make it either
            continue
    if rng.random() < 0.4:
        try:
            return rng.choice(CONTAINERS)(table)
        except Exception:
            return table
    return table


def malformed_target(rng: random.Random) -> Any:
    """Return a y, mostly none."""
    n = rng.choice([0, 1, N_ROWS, N_ROWS, N_ROWS + 1])
    others: list[Any] = [
        [rng.choice(CELLS)] * n,
        np.zeros(n),
        pd.Series(np.arange(n) % 2 == 0, name=rng.choice(["sick", "age", None, 0, ("a", "b")])),
        pd.DataFrame({"sick": np.zeros(n)}),
        np.zeros((n, 2)),
        [True] * n if polars is None else polars.Series("sick", [True] * n),
        strange(rng),
    ]
    return None if rng.random() < 0.7 else rng.choice(others)
