"""How close a synthetic table is to a real one: total-variation distances of marginals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from ..exceptions import SchemaError, TableMismatchError
from ..schema import Categorical, Ordinal, TableSchema, as_plain_frame

__all__ = ["marginal_tvd", "marginal_tvds"]

# Beyond this many cells per table row, counting the occupied cells only is cheaper.
_DENSE_CELLS_PER_ROW = 8


def marginal_tvd(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    order: int = 2,
    *,
    n_bins: int = 20,
    edges: Mapping[Any, Sequence[float]] | None = None,
    max_marginals: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Mean total-variation distance over the `order`-way marginals of two tables.

    The distance of one marginal is ½ Σ|p − q| over its cells: 0 for equal relative frequencies,
    1 for disjoint ones. Two independent samples of the same population are not at 0: compare with
    the distance between a bootstrap of the real rows and the real rows.

    Parameters
    ----------
    real, synthetic : DataFrame
        Tables, of pandas, polars or Arrow, that hold at least the columns of `schema`; the row
        counts may differ.
    schema : TableSchema
        Public bounds and levels. Its columns are the ones compared.
    order : int, default=2
        Columns per marginal, from 1 to the number of columns.
    n_bins : int, default=20
        Equal-width bins between the public bounds of a numeric column.
    edges : mapping of column name to increasing sequence of numbers, optional
        Bin edges that replace the equal-width ones. Bins are left-closed; values below the first
        and above the last edge count in the first and the last bin.
    max_marginals : int, optional
        Average over at most so many marginals, drawn without replacement. All by default.
    random_state : int or RandomState, optional
        Fixes the draw of `max_marginals`. Without it, the draw is a fresh one.

    Returns
    -------
    float
        Between 0 and 1.

    Raises
    ------
    TableMismatchError
        A column is absent, a table is empty, or a value is not among the levels of its column.

    Notes
    -----
    Missing values have a cell of their own. The cost is one pass over both tables per marginal:
    with d columns there are d(d − 1)/2 marginals of two columns and about d³/6 of three, so that
    `max_marginals` is of use from order 3 on. The result depends on the rows of `real`: when these
    are private, so is the distance.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.metrics import marginal_tvd
    >>> from skdpsynth.schema import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "smoker": Categorical(["no", "yes"])})
    >>> real = pd.DataFrame({"age": [21, 35, 62, 70], "smoker": ["no", "no", "yes", "yes"]})
    >>> swapped = real.assign(smoker=["yes", "yes", "no", "no"])
    >>> marginal_tvd(real, swapped, schema, order=1), marginal_tvd(real, swapped, schema, order=2)
    (0.0, 1.0)
    """
    distances = marginal_tvds(
        real,
        synthetic,
        schema,
        order,
        n_bins=n_bins,
        edges=edges,
        max_marginals=max_marginals,
        random_state=random_state,
    )
    return float(distances["tvd"].mean())


def marginal_tvds(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    order: int = 2,
    *,
    n_bins: int = 20,
    edges: Mapping[Any, Sequence[float]] | None = None,
    max_marginals: int | None = None,
    random_state: int | np.random.RandomState | None = None,
) -> pd.DataFrame:
    """Total-variation distance of every `order`-way marginal of two tables.

    The parameters are those of :func:`marginal_tvd`, which is the mean of what this returns.

    Returns
    -------
    DataFrame
        One row per marginal, in the order of the schema: ``column_1`` … ``column_<order>`` name
        its columns, ``tvd`` is its distance.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.metrics import marginal_tvds
    >>> from skdpsynth.schema import Categorical, TableSchema
    >>> schema = TableSchema({name: Categorical(["no", "yes"]) for name in "ab"})
    >>> real = pd.DataFrame({"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> marginal_tvds(real, real.assign(a="no"), schema, order=1)
      column_1  tvd
    0        a  0.5
    1        b  0.0
    """
    names = list(schema.names)
    _check_request(names, order, n_bins, edges, max_marginals)
    coded = code_tables(real, synthetic, schema, n_bins=n_bins, edges=edges)
    chosen = list(_choose(len(names), order, max_marginals, random_state))
    distances = [_tvd([coded[j] for j in marginal], len(real)) for marginal in chosen]
    result = pd.DataFrame(
        {f"column_{i + 1}": [names[marginal[i]] for marginal in chosen] for i in range(order)}
    )
    return result.assign(tvd=distances)


def code_tables(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    *,
    n_bins: int,
    edges: Mapping[Any, Sequence[float]] | None,
) -> list[tuple[np.ndarray, int]]:
    """Return the cells of every column, real rows before synthetic ones, and their number.

    The last cell is that of missing values.
    """
    names = list(schema.names)
    tables = {"real": as_plain_frame(real), "synthetic": as_plain_frame(synthetic)}
    for label, table in tables.items():
        _check_table(table, names, label)
    return [_code_column(name, tables, schema[name], n_bins, edges) for name in names]


def _check_request(
    names: list[Any],
    order: int,
    n_bins: int,
    edges: Mapping[Any, Sequence[float]] | None,
    max_marginals: int | None,
) -> None:
    if not 1 <= order <= len(names):
        raise ValueError(
            f"order={order} is not between 1 and {len(names)}, the number of columns in the schema."
        )
    if n_bins < 1:
        raise ValueError(f"n_bins={n_bins} is not a positive number of bins.")
    if max_marginals is not None and max_marginals < 1:
        raise ValueError(f"max_marginals={max_marginals} is not a positive number or None.")
    unknown = [name for name in edges or () if name not in names]
    if unknown:
        raise SchemaError(f"edges name columns that are not in the schema: {unknown}.")


def _check_table(table: pd.DataFrame, names: list[Any], label: str) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"The {label} table is a {type(table).__name__}; pass a DataFrame.")
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise TableMismatchError(
            f"The {label} table lacks the columns {absent} of the schema. Pass a schema of the "
            "columns to compare."
        )
    if len(table) == 0:
        raise TableMismatchError(f"The {label} table has no rows, so it has no marginals.")


def _choose(
    n_columns: int,
    order: int,
    max_marginals: int | None,
    random_state: int | np.random.RandomState | None,
) -> Iterator[tuple[int, ...]]:
    """Return column indices of all marginals, or of a random subset in the same order."""
    everything = combinations(range(n_columns), order)
    n_marginals = comb(n_columns, order)
    if max_marginals is None or max_marginals >= n_marginals:
        return everything
    if random_state is None:
        kept = np.random.default_rng().choice(n_marginals, max_marginals, replace=False)
    else:
        kept = check_random_state(random_state).choice(n_marginals, max_marginals, replace=False)
    wanted = set(kept.tolist())
    return (marginal for i, marginal in enumerate(everything) if i in wanted)


def _code_column(
    name: Any,
    tables: Mapping[str, pd.DataFrame],
    kind: Any,
    n_bins: int,
    edges: Mapping[Any, Sequence[float]] | None,
) -> tuple[np.ndarray, int]:
    """Return the cell of every value, real rows before synthetic ones, and the number of cells."""
    if isinstance(kind, Categorical | Ordinal):
        if edges and name in edges:
            raise SchemaError(f"Column {name!r} is compared by its levels; it takes no edges.")
        n_cells = len(kind.levels)
        codes = [_code_levels(table[name], kind, label) for label, table in tables.items()]
    else:
        bins = _bin_edges(name, kind, n_bins, edges)
        n_cells = len(bins) - 1
        codes = [_code_numbers(table[name], bins, label) for label, table in tables.items()]
    both = np.concatenate(codes)
    both[both < 0] = n_cells
    return both, n_cells + 1


def _bin_edges(
    name: Any, kind: Any, n_bins: int, edges: Mapping[Any, Sequence[float]] | None
) -> np.ndarray:
    if edges is None or name not in edges:
        return np.linspace(kind.low, kind.high, n_bins + 1)
    bins = np.asarray(edges[name], dtype=float)
    if bins.ndim != 1 or len(bins) < 2 or not (np.diff(bins) > 0).all():
        raise SchemaError(
            f"The edges of column {name!r} are not an increasing sequence of two or more numbers."
        )
    return bins


def _code_numbers(column: pd.Series, bins: np.ndarray, label: str) -> np.ndarray:
    """Return the bin of every value, −1 where it is missing."""
    try:
        values = column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise TableMismatchError(
            f"Column {column.name!r} of the {label} table holds values that are not numbers, as "
            "its kind in the schema asks for."
        ) from None
    codes = np.searchsorted(bins, values, side="right") - 1
    codes = np.clip(codes, 0, len(bins) - 2).astype(np.int64)
    codes[np.isnan(values)] = -1
    return codes


def _code_levels(column: pd.Series, kind: Any, label: str) -> np.ndarray:
    """Return the position of every value among the levels, −1 where it is missing."""
    distinct_codes, distinct = pd.factorize(column)
    positions = pd.Index(list(kind.levels), dtype=object).get_indexer(
        pd.Index(distinct).astype(object)
    )
    other = getattr(kind, "other", None)
    if other is not None:
        positions[positions < 0] = list(kind.levels).index(other)
    if (positions < 0).any():
        value = distinct[int(np.argmin(positions))]
        raise TableMismatchError(
            f"Column {column.name!r} of the {label} table holds {value!r}, which is not among its "
            f"{len(kind.levels)} levels. Add the level to the schema or recode the table."
        )
    # The extra −1 at the end is what factorize's own code for missing values, −1, picks.
    return np.append(positions, -1).astype(np.int64)[distinct_codes]


def _tvd(columns: Sequence[tuple[np.ndarray, int]], n_real: int) -> float:
    """Return ½ Σ|p − q| over the joint cells of coded columns, the first `n_real` rows being p."""
    cells, n_cells = columns[0]
    limit = _DENSE_CELLS_PER_ROW * len(cells)
    for codes, size in columns[1:]:
        cells, n_cells = cells * size + codes, n_cells * size
        if n_cells > limit:
            occupied, cells = np.unique(cells, return_inverse=True)
            n_cells = len(occupied)
    p = np.bincount(cells[:n_real], minlength=n_cells) / n_real
    q = np.bincount(cells[n_real:], minlength=n_cells) / (len(cells) - n_real)
    return float(0.5 * np.abs(p - q).sum())
