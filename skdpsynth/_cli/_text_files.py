"""Small text files: families of columns, and the marginals to measure."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..schema import TableSchema
from ._house import Problem

__all__ = ["read_distributions", "read_queries"]

FAMILIES = ("histogram", "bernoulli", "categorical", "normal", "poisson")


def read_distributions(path: Path, schema: TableSchema) -> dict[Any, str]:
    """Return the family of every column that a file names, one ``column: family`` per line.

    Raises
    ------
    Problem
        If a line cannot be read; the message has its number.

    Notes
    -----
    What follows ``#`` is a comment. The case of families does not matter.
    """
    families: dict[Any, str] = {}
    for where, line in _lines(path):
        column, colon, family = (part.strip() for part in line.rpartition(":"))
        if not colon or not column:
            raise Problem(
                f"{where}: expected 'column: family' such as 'age: Poisson'; got {line!r}."
            )
        if family.lower() not in FAMILIES:
            raise Problem(f"{where}: the family {family!r} is unknown; known are {list(FAMILIES)}.")
        name = _find(column, schema, where)
        if name in families:
            raise Problem(f"{where}: the column {column!r} has a family already.")
        families[name] = family.lower()
    return families


def read_queries(path: Path, schema: TableSchema) -> list[tuple[Any, ...]]:
    """Return the marginals of a file: one per line, column names between commas.

    Raises
    ------
    Problem
        If a line names a column that the schema does not have, or the file has no marginal.

    Notes
    -----
    What follows ``#`` is a comment. A name that contains a comma stands in quotation marks.
    """
    queries = []
    for where, line in _lines(path):
        names = next(csv.reader([line], skipinitialspace=True))
        queries.append(tuple(_find(name.strip(), schema, where) for name in names))
    if not queries:
        raise Problem(f"{path} has no marginal; write one per line, such as 'age, sex'.")
    return queries


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Yield what is not a comment, and where it stands."""
    if not path.is_file():
        raise Problem(f"There is no file {str(path)!r}.")
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if content:
            yield f"{path}, line {number}", content


def _find(column: str, schema: TableSchema, where: str) -> Any:
    names = {str(name): name for name in schema.names}
    if column not in names:
        raise Problem(f"{where}: the schema has no column {column!r}; it has {list(names)}.")
    return names[column]
