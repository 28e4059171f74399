"""The public columns of a table: their order, kinds and target, and what may be made of them.

What a table is read against. `TableSchema` adds the ways in which a schema comes to be: drafted,
bought, or read from JSON.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

from ..exceptions import SchemaError
from ._kinds import Categorical, ColumnKind, Continuous, Count, Ordinal, as_scalar, is_name, shorten

__all__ = ["Columns"]


def _read_columns(columns: Any) -> dict[Hashable, Any]:
    if not isinstance(columns, Mapping):
        raise SchemaError(f"columns must map names to column kinds, got {type(columns).__name__}.")
    if not columns:
        raise SchemaError("A schema needs at least one column.")
    checked: dict[Hashable, Any] = {}
    for name, kind in columns.items():
        name = as_scalar(name)
        if not is_name(name):
            raise SchemaError(f"A column's name must be a string or a number, got {name!r}.")
        if not isinstance(kind, Continuous | Count | Ordinal | Categorical):
            raise SchemaError(
                f"Column {name!r}: expected Continuous(low, high), Count(low, high), "
                f"Ordinal(levels) or Categorical(levels), got {kind!r}."
            )
        checked[name] = kind
    return checked


class Columns:
    """The public columns of a table, in order, and which of them is the target.

    Parameters
    ----------
    columns : mapping of name to column kind
        The insertion order is the order of the columns.
    target : name, default=None
        The column that `sample_xy` splits off.
    """

    def __init__(self, columns: Mapping[Any, ColumnKind], target: Hashable = None) -> None:
        self._columns = _read_columns(columns)
        self._target = as_scalar(target)
        if target is not None and not (is_name(self._target) and self._target in self._columns):
            raise SchemaError(
                f"The target {target!r} is not a column; the columns are {shorten(self._columns)}."
            )

    @property
    def columns(self) -> Mapping[Hashable, ColumnKind]:
        """The kind of every column, by name; read-only."""
        return MappingProxyType(self._columns)

    @property
    def target(self) -> Any:
        """The name of the target column, or None."""
        return self._target

    @property
    def names(self) -> tuple[Any, ...]:
        """The names of all columns, in order."""
        return tuple(self._columns)

    @property
    def feature_names(self) -> tuple[Any, ...]:
        """The names of all columns but the target, in order."""
        return tuple(name for name in self._columns if name != self._target)

    def __getitem__(self, name: Hashable) -> Any:
        self._require([name])
        return self._columns[name]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, value: object) -> bool:
        if not isinstance(value, Columns):
            return NotImplemented
        # as lists: the order of the columns matters
        same_columns = list(self._columns.items()) == list(value._columns.items())
        return same_columns and self._target == value._target

    def __hash__(self) -> int:
        return hash((tuple(self._columns.items()), self._target))

    def __repr__(self) -> str:
        target = "" if self._target is None else f", target={self._target!r}"
        lines = [f"  {name!r}: {kind!r}" for name, kind in self._columns.items()]
        if len(lines) > 20:
            lines = [*lines[:10], f"  ... {len(lines) - 19} more ...", *lines[-9:]]
        plural = "" if len(self) == 1 else "s"
        return "\n".join([f"{type(self).__name__}({len(self)} column{plural}{target})", *lines])

    def _require(self, names: Iterable[Hashable]) -> None:
        unknown = [name for name in names if name not in self._columns]
        if unknown:
            raise SchemaError(
                f"The schema has no column {shorten(unknown)}; it has {shorten(self._columns)}."
            )

    def _derive(self, columns: Mapping[Any, ColumnKind], target: Hashable) -> Self:
        """Return columns made of these: what else is known of them is known of the new ones."""
        return type(self)(columns, target)

    def _subset(self, names: Iterable[Hashable]) -> Self:
        columns = {name: self._columns[name] for name in names}
        return self._derive(columns, self._target if self._target in columns else None)

    def select(self, names: Iterable[Hashable]) -> Self:
        """Return the schema of these columns, in this order; the target is kept if among them."""
        names = [names] if isinstance(names, str) else list(names)
        self._require(names)
        return self._subset(names)

    def drop(self, names: Iterable[Hashable]) -> Self:
        """Return the schema without these columns; a single name may be given as a string."""
        names = [names] if isinstance(names, str) else list(names)
        self._require(names)
        return self._subset(name for name in self._columns if name not in names)

    def with_target(self, target: Hashable) -> Self:
        """Return the same columns with another target; None for no target."""
        return self._derive(self._columns, target)

    def replace(self, columns: Mapping[Any, ColumnKind] | Columns) -> Self:
        """Return a schema in which these columns have these kinds; new names come last.

        Parameters
        ----------
        columns : mapping of name to column kind, or TableSchema
        """
        given = columns.columns if isinstance(columns, Columns) else columns
        return self._derive({**self._columns, **given}, self._target)
