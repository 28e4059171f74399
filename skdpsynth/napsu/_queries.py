"""Queries as users write them: validated before any row is seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .._markov_network import clique_size, triangulate
from ..schema import Numeric, TableSchema, shorten

__all__ = ["STRATEGIES", "check_cliques", "needs_bins", "read_bins", "read_queries"]

STRATEGIES = ("auto", "star", "tree", "tan")

# of a clique, with all that is computed of it
BYTES_PER_CELL = 100

# a Count, or another column in steps, of at most this many values is taken value by value
MAX_INTEGER_LEVELS = 20


def read_queries(queries: Any, schema: TableSchema) -> list[tuple[int, ...]] | str:
    """Return the column positions of every query, rising and without duplicates, or a strategy.

    Parameters
    ----------
    queries : str or iterable of iterable of column names
    schema : TableSchema

    Raises
    ------
    ValueError
        If a query is empty, or names a column that is not there, or the strategy is unknown or
        needs a target.
    """
    if isinstance(queries, str):
        if queries not in STRATEGIES:
            raise ValueError(
                f"queries must be one of {STRATEGIES} or a list of tuples of column names, got "
                f"{queries!r}."
            )
        if queries in ("star", "tan") and schema.target is None:
            raise ValueError(
                f"queries={queries!r} needs a target: fit with y, or with a schema that names one "
                '(schema.with_target). Without one use "auto" or "tree".'
            )
        if queries in ("star", "tan") and len(schema) < 2:
            raise ValueError(f"queries={queries!r} needs a column besides the target.")
        return queries
    # an iterator would be used up by the first look at it
    if isinstance(queries, Mapping | Iterator) or not isinstance(queries, Iterable):
        raise TypeError(
            f"queries must be a list of tuples of column names, got {type(queries).__name__}."
        )
    read = set()
    for query in queries:
        if isinstance(query, str) or not isinstance(query, Iterable):
            raise TypeError(
                f"queries holds {query!r}, which is not a tuple of column names; a list with one "
                f"query is [{schema.names[:2]!r}]."
            )
        names = list(query)
        if not names:
            raise ValueError("queries holds an empty query; leave it out.")
        for name in names:
            if name not in schema:
                raise ValueError(
                    f"The query {tuple(names)!r} names the column {name!r}, which the table does "
                    f"not have; its columns are {shorten(schema.names)}."
                )
        read.add(tuple(sorted({schema.names.index(name) for name in names})))
    return sorted(read)


def needs_bins(kind: Any) -> bool:
    """Whether a column must be discretised: a number that is not one of few."""
    if not isinstance(kind, Numeric):
        return False
    return kind.n_steps is None or kind.n_steps + 1 > MAX_INTEGER_LEVELS


def read_bins(bins: Any, schema: TableSchema) -> dict[int, int | np.ndarray | None]:
    """Return how each numeric column is discretised, by position.

    Parameters
    ----------
    bins : "private", "public", mapping of column name to number or edges, or None
        As `NapsuMQSynthesizer` defines it.
    schema : TableSchema

    Returns
    -------
    plan : dict
        None for bins by noisy counts, ``-1`` for public ones of the default number, or the number
        or edges of public ones.

    Raises
    ------
    ValueError
        If a name is not a numeric column, or its bins are impossible.
    """
    numeric = {j: name for j, name in enumerate(schema) if needs_bins(schema[name])}
    if isinstance(bins, str):
        if bins not in ("private", "public"):
            raise ValueError(f'bins must be "private", "public", a mapping or None, got {bins!r}.')
        return dict.fromkeys(numeric, None if bins == "private" else -1)
    if bins is None:
        if numeric:
            names = shorten(numeric.values())
            raise ValueError(
                f"The numeric columns {names} cannot be in a query without bins; use "
                'bins="private", which buys bins with budget, or name public edges with '
                "bins={column: edges}."
            )
        return {}
    if not isinstance(bins, Mapping):
        raise TypeError(
            f'bins must be "private", "public", a mapping or None, got {type(bins).__name__}.'
        )
    plan: dict[int, int | np.ndarray | None] = dict.fromkeys(numeric)
    for name, value in bins.items():
        if name not in schema or not isinstance(schema[name], Numeric):
            raise ValueError(
                f"bins names the column {name!r}, which is not a numeric column of the table; "
                f"these are {shorten(n for n in schema if isinstance(schema[n], Numeric))}."
            )
        plan[schema.names.index(name)] = _read_column_bins(value, schema[name], name)
    return plan


def _read_column_bins(value: Any, kind: Numeric, name: Any) -> int | np.ndarray:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f"bins of column {name!r} must be at least 1, got {value}.")
        return int(value)
    try:
        edges = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        edges = np.zeros(0)
    is_rising = edges.ndim == 1 and len(edges) >= 2 and bool(np.all(np.diff(edges) > 0))
    if not is_rising or not np.all(np.isfinite(edges)):
        raise ValueError(
            f"bins of column {name!r} must be a number of bins or rising edges, got {value!r}."
        )
    if edges[0] > kind.low or edges[-1] < kind.high:
        raise ValueError(
            f"bins of column {name!r}: the edges reach from {edges[0]:g} to {edges[-1]:g} and must "
            f"cover the schema's bounds [{kind.low}, {kind.high}]."
        )
    return edges


def check_cliques(
    queries: Sequence[tuple[int, ...]],
    shape: Sequence[int],
    names: Sequence[Any],
    max_clique_size: int,
) -> None:
    """Raise where the junction tree has a clique of too many cells; nothing is released yet.

    Raises
    ------
    ValueError
        Naming the clique, its cells and the query without which it is smallest.
    """
    cliques = triangulate(shape, queries)
    largest = max(cliques, key=lambda clique: clique_size(clique, shape))
    size = clique_size(largest, shape)
    if size <= max_clique_size:
        return

    def without(query: tuple[int, ...]) -> int:
        rest = [other for other in queries if other != query]
        return max(clique_size(clique, shape) for clique in triangulate(shape, rest))

    widest = max(largest, key=lambda v: shape[v])
    joined = f"one clique of {size:,} cells, more than max_clique_size={max_clique_size:,}"
    merge = (
        f"The column {names[widest]!r} has {shape[widest]:,} of them: merge its levels or leave it "
        f"out (schema.drop([{names[widest]!r}]))"
    )
    memory = f"raise max_clique_size, which takes about {size * BYTES_PER_CELL / 1e6:,.0f} MB"
    inside = [query for query in queries if len(set(query) & set(largest)) > 1]
    if not inside:
        raise ValueError(
            f"The column {names[widest]!r} makes {joined}. {merge}, {memory}, or take "
            "DPMixtureSynthesizer. Nothing was released"
        )
    worst = min(inside, key=without)
    columns = [names[v] for v in largest]
    raise ValueError(
        f"The queries join the columns {columns!r} into {joined}. Drop the query "
        f"{tuple(names[v] for v in worst)!r}, use fewer bins, or {memory}. {merge}. "
        "Nothing was released"
    )
