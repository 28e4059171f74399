"""The options of every command that reads or writes a table: declared and read here alone."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import click

from ..schema import TableSchema
from ._house import FILE
from ._user_code import UserCode, read_user_code

__all__ = [
    "READING",
    "Reading",
    "TableFormat",
    "nullable_schema",
    "reading_options",
    "table_options",
    "take_format",
    "take_reading",
]

SPELLED = {"tab": "\t", "\\t": "\t"}
# what `reading_options` adds to those of a format
READING = ("drop", "drop_na", "model_file")


@dataclass(frozen=True)
class TableFormat:
    """How a text file spells a table.

    Attributes
    ----------
    delimiter : str or None
        None is a comma, or a tab in a file named ``.tsv``.
    missing : tuple of str
        Texts that stand for a missing value, besides an empty one.
    encoding : str
    decimal : str
        Between the whole part of a number and its decimals.
    """

    delimiter: str | None = None
    missing: tuple[str, ...] = ()
    encoding: str = "utf-8"
    decimal: str = "."

    def delimiter_of(self, path: Path) -> str:
        """Return what is between the columns of a file."""
        is_tsv = ".tsv" in path.suffixes[-2:]
        return self.delimiter or ("\t" if is_tsv else ",")


@dataclass(frozen=True)
class Reading:
    """How the table in a file becomes rows of a schema, as the options say.

    Attributes
    ----------
    table_format : TableFormat
    drop : tuple of str
        Columns that are left out, of the table and of the schema.
    drop_na : bool
        Whether rows with missing values are left out.
    model_file : Path or None
        Of a Python file, `preprocess` gets the rows first.
    """

    table_format: TableFormat = field(default_factory=TableFormat)
    drop: tuple[str, ...] = ()
    drop_na: bool = False
    model_file: Path | None = None

    @cached_property
    def code(self) -> UserCode:
        """What the Python file defines."""
        return read_user_code(self.model_file)

    def reduce(self, schema: TableSchema) -> TableSchema:
        """Return the schema of the rows once columns and missing values have been left out."""
        dropped = [name for name in schema.names if str(name) in self.drop]
        if dropped:
            if len(dropped) == len(schema):
                raise click.UsageError("--drop leaves no column of the schema.")
            schema = schema.drop(dropped)
        return nullable_schema(schema, False) if self.drop_na else schema


def nullable_schema(schema: TableSchema, nullable: bool) -> TableSchema:
    """Return the same columns, all of them nullable or none."""
    columns: dict[Any, Any] = {
        name: replace(kind, nullable=nullable) for name, kind in schema.columns.items()
    }
    return schema.replace(columns)


def _read_delimiter(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    value = SPELLED.get(value, value)
    if value is not None and (len(value) != 1 or value in ' "\r\n'):
        raise click.BadParameter(f"{value!r} is not a single character such as ';', or 'tab'.")
    return value


def _read_encoding(context: click.Context, parameter: click.Parameter, value: str) -> str:
    try:
        codecs.lookup(value)
    except LookupError as error:
        raise click.BadParameter(f"{error}; try utf-8 or latin-1.") from None
    return value


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `TableFormat` to a command."""
    for option in (
        click.option(
            "--encoding",
            callback=_read_encoding,
            metavar="NAME",
            default="utf-8",
            help="Of text files.",
        ),
        click.option(
            "--decimal",
            type=click.Choice([".", ","]),
            default=".",
            help="Of numbers in text files: 0.5 or 0,5.",
        ),
        click.option(
            "--missing",
            multiple=True,
            metavar="TEXT",
            help="A text that stands for a missing value, such as '?', besides an empty one; "
            "may be given several times.",
        ),
        click.option(
            "--delimiter",
            callback=_read_delimiter,
            metavar="CHARACTER",
            help="Between the columns of text files: ';', '|', 'tab', ...; by default a comma.",
        ),
    ):
        command = option(command)
    return command


def reading_options(model_file: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options of a `Reading` to a command that reads a table.

    Parameters
    ----------
    model_file : str
        What the help says of ``--model-file``.
    """

    def add(command: Callable[..., Any]) -> Callable[..., Any]:
        command = table_options(command)
        for option in (
            click.option("--drop-na", is_flag=True, help="Leave out rows with missing values."),
            click.option(
                "--drop",
                metavar="COLUMN",
                multiple=True,
                help="Leave a column out, such as an identifier; may be given several times.",
            ),
            click.option("--model-file", type=FILE, help=model_file),
        ):
            command = option(command)
        return command

    return add


def take_format(given: dict[str, Any]) -> TableFormat:
    """Take the options of a format out of the options of a command."""
    return TableFormat(**{field.name: given.pop(field.name) for field in fields(TableFormat)})


def take_reading(given: dict[str, Any]) -> Reading:
    """Take the options of a reading out of the options of a command."""
    return Reading(take_format(given), **{name: given.pop(name) for name in READING})
