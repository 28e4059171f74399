"""What is public about a table: the kind, bounds or levels, and nullability of every column.

A schema is an input of the curator, like ε: nothing in it may be learned from the private rows.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ._column_kinds import (
    KINDS,
    Categorical,
    ColumnKind,
    Continuous,
    Count,
    Numeric,
    Ordinal,
    as_scalar,
    is_missing,
    shorten,
)
from .exceptions import SchemaError

__all__ = ["Categorical", "ColumnKind", "Continuous", "Count", "Ordinal", "TableSchema"]

JSON_FORMAT = "skdpsynth-schema"
JSON_VERSION = 1


def _is_name(value: object) -> bool:
    return isinstance(value, str | int | float) and not is_missing(value)


def _read_columns(columns: Any) -> dict[Hashable, Any]:
    if not isinstance(columns, Mapping):
        raise SchemaError(f"columns must map names to column kinds, got {type(columns).__name__}.")
    if not columns:
        raise SchemaError("A schema needs at least one column.")
    checked: dict[Hashable, Any] = {}
    for name, kind in columns.items():
        name = as_scalar(name)
        if not _is_name(name):
            raise SchemaError(f"A column's name must be a string or a number, got {name!r}.")
        if not isinstance(kind, Continuous | Count | Ordinal | Categorical):
            raise SchemaError(
                f"Column {name!r}: expected Continuous(low, high), Count(low, high), "
                f"Ordinal(levels) or Categorical(levels), got {kind!r}."
            )
        checked[name] = kind
    return checked


class TableSchema:
    """The public columns of a table, in order, and which of them is the target.

    Parameters
    ----------
    columns : mapping of name to column kind
        The insertion order is the order of the columns.
    target : name, default=None
        The column that `sample_xy` splits off.

    Examples
    --------
    >>> schema = TableSchema(
    ...     {"age": Count(17, 90), "income": Categorical(["<=50K", ">50K"])}, target="income"
    ... )
    >>> schema
    TableSchema(2 columns, target='income')
      'age': Count(17, 90)
      'income': Categorical(['<=50K', '>50K'])
    >>> schema.feature_names
    ('age',)
    >>> TableSchema.from_json(schema.to_json()) == schema
    True
    """

    def __init__(self, columns: Mapping[Any, ColumnKind], target: Hashable = None) -> None:
        self._columns = _read_columns(columns)
        self._target = as_scalar(target)
        if target is not None and not (_is_name(self._target) and self._target in self._columns):
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
        if not isinstance(value, TableSchema):
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
        return "\n".join([f"TableSchema({len(self)} column{plural}{target})", *lines])

    def _require(self, names: Iterable[Hashable]) -> None:
        unknown = [name for name in names if name not in self._columns]
        if unknown:
            raise SchemaError(
                f"The schema has no column {shorten(unknown)}; it has {shorten(self._columns)}."
            )

    def _subset(self, names: Iterable[Hashable]) -> TableSchema:
        columns = {name: self._columns[name] for name in names}
        return TableSchema(columns, self._target if self._target in columns else None)

    def select(self, names: Iterable[Hashable]) -> TableSchema:
        """Return the schema of these columns, in this order; the target is kept if among them."""
        names = [names] if isinstance(names, str) else list(names)
        self._require(names)
        return self._subset(names)

    def drop(self, names: Iterable[Hashable]) -> TableSchema:
        """Return the schema without these columns; a single name may be given as a string."""
        names = [names] if isinstance(names, str) else list(names)
        self._require(names)
        return self._subset(name for name in self._columns if name not in names)

    def with_target(self, target: Hashable) -> TableSchema:
        """Return the same columns with another target; None for no target."""
        return TableSchema(self._columns, target)

    def replace(self, columns: Mapping[Any, ColumnKind]) -> TableSchema:
        """Return a schema in which these columns have these kinds; new names come last."""
        return TableSchema({**self._columns, **columns}, self._target)

    @classmethod
    def from_frame(
        cls, public_frame: Any, target: Hashable = None, max_levels: int = 1000
    ) -> TableSchema:
        """Draft a schema from *public* data.

        .. warning::
           Bounds, levels and nullability are copied from the data. On private data this leaks:
           the oldest person's age becomes a bound, a rare diagnosis a level. Call it on public
           data (another year's release, made-up rows that span the code book) and read the
           result before using it.

        Booleans, strings, objects and categories become `Categorical` (an ordered pandas
        category `Ordinal`), with sorted levels or the category's own. Integers become `Count`,
        except a column of just 0 and 1, which becomes ``Categorical([0, 1])``. Floats become
        `Continuous`, except integers that pandas stores as floats because some are missing,
        which count as integers. A constant numeric column gets an upper bound one above (large
        values: twice) its value. An integer target with at most 20 distinct values becomes
        `Categorical`.

        Parameters
        ----------
        public_frame : DataFrame or array of shape (n_rows, n_columns)
            Public rows. The columns of an array are named ``"x0"``, ``"x1"``, ...
        target : name, default=None
            The target column.
        max_levels : int, default=1000
            A column of more distinct strings is taken for an identifier or free text: an error.

        Returns
        -------
        TableSchema

        Raises
        ------
        TableMismatchError
            If a column is empty, has too many levels, or holds dates or other unsupported values.

        Examples
        --------
        >>> import pandas as pd
        >>> public = pd.DataFrame({"age": [17, 90], "sex": ["F", "M"], "label": [2, 1]})
        >>> TableSchema.from_frame(public, target="label")
        TableSchema(3 columns, target='label')
          'age': Count(17, 90)
          'sex': Categorical(['F', 'M'])
          'label': Categorical([1, 2])
        """
        # imported late: preprocessing builds on this module
        from .preprocessing._draft import draft_columns

        return cls(draft_columns(public_frame, target, max_levels), target)

    def to_json(self, path: str | Path | None = None, indent: int | None = 2) -> str:
        """Return the schema as JSON text, and write it to `path` when one is given."""
        document = {
            "format": JSON_FORMAT,
            "version": JSON_VERSION,
            "target": self._target,
            "columns": [_column_to_json(name, kind) for name, kind in self._columns.items()],
        }
        text = json.dumps(document, indent=indent, ensure_ascii=False, allow_nan=False)
        if path is not None:
            Path(path).write_text(text + "\n", encoding="utf-8")
        return text

    @classmethod
    def from_json(cls, text_or_path: str | Path) -> TableSchema:
        """Read a schema from JSON text or from the file that holds it.

        Raises
        ------
        SchemaError
            If the text is not a schema; the message says where.
        """
        text = str(text_or_path)
        if isinstance(text_or_path, Path) or not text.lstrip().startswith(("{", "[")):
            path = Path(text_or_path)
            if not path.is_file():
                raise SchemaError(f"{text!r} is neither a JSON object nor a file.")
            text = path.read_text(encoding="utf-8")
        return _schema_from_json(text)


def _column_to_json(name: Hashable, kind: Any) -> dict[str, Any]:
    column = {"name": name, "kind": type(kind).__name__.lower(), "nullable": kind.nullable}
    if isinstance(kind, Numeric):
        return {**column, "low": kind.low, "high": kind.high}
    other = {} if kind.other is None else {"other": kind.other}
    return {**column, "levels": list(kind.levels), **other}


def _column_from_json(entry: Any, where: str) -> tuple[Hashable, Any]:
    if not isinstance(entry, dict):
        raise SchemaError(f"{where}: expected an object, got {entry!r}.")
    fields = dict(entry)
    name = fields.pop("name", None)
    if not _is_name(name):
        raise SchemaError(f"{where}: the field 'name' must be a string or a number, got {name!r}.")
    where = f"{where} ({name!r})"
    kind = fields.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise SchemaError(f"{where}: unknown kind {kind!r}; expected one of {list(KINDS)}.")
    required = {"low", "high"} if issubclass(KINDS[kind], Numeric) else {"levels"}
    optional = {"nullable"} if "low" in required else {"nullable", "other"}
    missing, unknown = required - set(fields), set(fields) - required - optional
    if missing or unknown:
        raise SchemaError(
            f"{where}: missing fields {sorted(missing)}, unknown fields {sorted(unknown)}."
        )
    try:
        return name, KINDS[kind](**fields)
    except SchemaError as error:
        raise SchemaError(f"{where}: {error}") from None


def _schema_from_json(text: str) -> TableSchema:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise SchemaError(f"Not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("format") != JSON_FORMAT:
        raise SchemaError(f'Not a schema: expected an object with "format": "{JSON_FORMAT}".')
    if document.get("version") != JSON_VERSION:
        raise SchemaError(
            f"The schema has version {document.get('version')!r}, this release reads version "
            f"{JSON_VERSION}; a newer version needs a newer release."
        )
    if not isinstance(document.get("columns"), list):
        raise SchemaError("The field 'columns' must be a list of columns.")
    columns: dict[Hashable, Any] = {}
    for position, entry in enumerate(document["columns"]):
        name, kind = _column_from_json(entry, f"columns[{position}]")
        if name in columns:
            raise SchemaError(f"columns[{position}]: the name {name!r} appears twice.")
        columns[name] = kind
    return TableSchema(columns, document.get("target"))
