"""Does a function of a table treat its rows one by one?

Only then do tables that differ in one row still do so when they are transformed. If every row of
the result is a function of the row in its place alone, then transforming any rows of a table, in
any order, gives those rows of the transformed table. That is tried here on many choices of rows. It
is a test and not a proof: a function that looks at other rows on rare occasions only may pass.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ._made_up import made_up_tables
from ._tables import as_frame, count_rows, differ, take_rows

__all__ = ["find_mixing"]

N_FEW, MOST_FEW = 12, 20  # how many choices of few rows, and of how many at most
N_ALONE = 10  # rows that are drawn at random, and transformed alone
MOST_COLUMNS = 40  # of which the rows with extreme values are transformed alone

_FOUND = {
    "rows": "does not return one row for each row",
    "dtypes": "gives rows other columns or dtypes, depending on which rows are beside them",
    "values": "gives rows other values or places, depending on which rows are beside them",
}

Transform = Callable[[Any, Any], Any]


def find_mixing(
    transform: Transform, table: Any, y: Any = None, schemas: Sequence[Any] = ()
) -> str | None:
    """Return in which way a function does not treat rows one by one, or None if none is found.

    Parameters
    ----------
    transform : callable
        Takes a table and a target, or None, and returns a table.
    table : DataFrame or array-like of shape (n_rows, n_columns)
    y : array-like of shape (n_rows,), default=None
        The target, if it is passed apart.
    schemas : sequence of TableSchema, default=()
        What is known of columns; their bounds and levels are tried by name.

    Returns
    -------
    str or None
        Continues "the step ...". It has no value and no count of the table; that there is such a
        text depends on the rows, and says that there is no guarantee.

    Notes
    -----
    Tried are all rows in halves and in another order, then few rows, and single ones, those with
    extreme, rare and missing values among them; and made-up rows, with holes, at the bounds, and
    each twice. It costs about as much as three times the whole table, and 150 calls of few rows.
    """
    if count_rows(table) == 0:
        return None
    # which rows are tried is no secret, and the same in another fit
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # the function has warned of these rows already
        warnings.simplefilter("ignore")
        found = _try_rows(transform, table, y, _choices(table, rng))
        for made, target in made_up_tables(table, y, schemas, rng):
            if found is not None:
                break
            found = _try_made_up(transform, made, target, rng)
    return None if found is None else _FOUND[found]


def _try_rows(transform: Transform, table: Any, y: Any, choices: Iterable[np.ndarray]) -> Any:
    n_rows = count_rows(table)
    whole = _apply(transform, table, y, np.arange(n_rows))
    if len(whole) != n_rows:
        return "rows"
    for positions in choices:
        found = differ(whole, positions, _apply(transform, table, y, positions))
        if found is not None:
            return found
    return None


def _try_made_up(transform: Transform, table: Any, y: Any, rng: np.random.Generator) -> Any:
    n_rows = count_rows(table)
    whole = _attempt(transform, table, y, np.arange(n_rows))
    if whole is None:
        return None
    if len(whole) != n_rows:
        return "rows"
    choices = [np.arange(n_rows)[::-1], *np.array_split(rng.permutation(n_rows), 2)]
    choices += [np.array([position]) for position in range(n_rows)]
    for positions in choices:
        part = _attempt(transform, table, y, positions)
        found = None if part is None else differ(whole, positions, part, is_made_up=True)
        if found is not None:
            return found
    return None


def _apply(transform: Transform, table: Any, y: Any, positions: np.ndarray) -> pd.DataFrame:
    return as_frame(transform(take_rows(table, positions), take_rows(y, positions)))


def _attempt(
    transform: Transform, table: Any, y: Any, positions: np.ndarray
) -> pd.DataFrame | None:
    """Return the transformed rows, or None: a function need not know rows that do not occur."""
    try:
        return _apply(transform, table, y, positions)
    except Exception:
        return None


def _choices(table: Any, rng: np.random.Generator) -> list[np.ndarray]:
    """Return positions of rows to transform together, single ones last."""
    n_rows = count_rows(table)
    order = rng.permutation(n_rows)
    halves = [np.sort(half) for half in np.array_split(order, 2) if len(half)]
    sizes = rng.integers(2, MOST_FEW + 1, size=N_FEW)
    few = [rng.choice(n_rows, size=min(size, n_rows), replace=False) for size in sizes]
    alone = [*rng.choice(n_rows, size=min(n_rows, N_ALONE), replace=False), *_remarkable(table)]
    single = [np.array([position]) for position in dict.fromkeys(map(int, alone))]
    return [*halves, order, *few, *single]


def _remarkable(table: Any) -> list[int]:
    """Return the positions of rows with an extreme, a rare or a missing value."""
    frame = as_frame(table)
    found: list[int] = []
    for number in range(min(frame.shape[1], MOST_COLUMNS)):
        column = frame.iloc[:, number]
        missing = column.isna().to_numpy()
        found += np.flatnonzero(missing)[:1].tolist()
        if missing.all():
            continue
        if pd.api.types.is_numeric_dtype(column.dtype):
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            found += [int(np.nanargmin(values)), int(np.nanargmax(values))]
        else:
            texts = column.astype(object).map(repr)
            rarest = texts[~missing].value_counts().index[-1]
            found += np.flatnonzero((texts == rarest).to_numpy())[:1].tolist()
    return found
