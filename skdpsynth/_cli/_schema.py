"""The commands ``schema draft``, ``schema buy``, ``schema check`` and ``schema json-schema``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from ..exceptions import TableMismatchError
from ..privacy import describe_purchases
from ..schema import KINDS, Numeric, TableSchema
from ._decimals import read_decimals
from ._hints import hints_of_draft, way_out
from ._house import FILE, Group, Problem, say, warn
from ._tables import (
    TableFormat,
    check_output,
    read_raw,
    read_typed,
    select_columns,
    table_options,
    write_bytes,
)

__all__ = ["nullable_schema", "read_schema", "schema"]

_OUTPUT = click.option(
    "-o", "--output", type=FILE, default="-", help="JSON file to write; - is standard output."
)
_FORCE = click.option("--force", is_flag=True, help="Replace the output if it exists.")

schema = Group("schema", help="Say what is public about a table: draft, buy and check schemas.")


def read_schema(path: Path, target: str | None = None) -> TableSchema:
    """Return the schema in a file, with this target if one is given."""
    if not path.is_file():
        raise Problem(
            f"There is no schema at {str(path)!r}. Draft one from rows that are public: "
            "skdpsynth schema draft public.csv -o schema.json"
        )
    try:
        read = TableSchema.from_json(path)
    except ValueError as error:
        raise Problem(f"{path}: {error}") from error
    if target is None:
        return read
    names = {str(name): name for name in read.names}
    return read.with_target(names.get(target, target))


def nullable_schema(table_schema: TableSchema, nullable: bool) -> TableSchema:
    """Return the same columns, all of them nullable or none."""
    columns: dict[Any, Any] = {
        name: replace(kind, nullable=nullable) for name, kind in table_schema.columns.items()
    }
    return table_schema.replace(columns)


@schema.command()
@click.argument("public", type=FILE)
@_OUTPUT
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option(
    "--max-levels",
    metavar="N",
    type=click.IntRange(min=1),
    default=1000,
    help="A column of more distinct texts is taken for an identifier: an error.",
)
@click.option(
    "--drop",
    metavar="COLUMN",
    multiple=True,
    help="Leave a column out, such as an identifier; may be given several times.",
)
@table_options
@_FORCE
def draft(
    public: Path,
    output: Path,
    target: str | None,
    drop: tuple[str, ...],
    max_levels: int,
    force: bool,
    **given: Any,
) -> None:
    """Draft a schema from PUBLIC rows.

    Bounds, levels and which columns may have missing values are copied from the rows of PUBLIC, a
    CSV or Parquet file. On private rows that is a leak, which no later step can mend: the oldest
    person's age becomes a bound, a rare diagnosis a level. Use another year's release, or made-up
    rows that span the code book, and edit the result: it is short.

    \b
    Example:
      skdpsynth schema draft public.csv --target income -o schema.json
    """
    table_format = TableFormat(**given)
    check_output(output, force, [public])
    frame = read_typed(public, table_format)
    _require(drop, frame.columns, public)
    kept = [name for name in frame.columns if str(name) not in drop]
    try:
        drafted = TableSchema.from_frame(frame[kept], target=target, max_levels=max_levels)
    except TableMismatchError as error:
        raise TableMismatchError(f"{error}{way_out(str(error))}") from error
    write_bytes(output, (drafted.to_json() + "\n").encode())
    for hint in hints_of_draft(drafted):
        say(hint)
    warn(
        f"the schema repeats bounds and levels of {public.name}. If those rows are private, the "
        "schema is too, and so is everything made with it: no budget covers them. Read it before "
        "you use it."
    )


@schema.command()
@click.argument("private", type=FILE)
@_OUTPUT
@click.option(
    "--epsilon",
    metavar="NUMBER",
    type=click.FloatRange(min=0, min_open=True),
    required=True,
    help="Budget ε.",
)
@click.option(
    "--delta",
    metavar="NUMBER",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    required=True,
    help="Budget δ.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    metavar="COLUMN=KIND",
    help="The kind of a column: continuous, count, ordinal or categorical. Needed for every "
    "column; others are left out.",
)
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option(
    "--adjacency",
    type=click.Choice(["add_remove", "replace_one"]),
    default="add_remove",
    help="Which tables are hard to tell apart: one row more or less, or one row replaced.",
)
@table_options
@_FORCE
def buy(
    private: Path,
    output: Path,
    epsilon: float,
    delta: float,
    kinds: tuple[str, ...],
    target: str | None,
    adjacency: str,
    force: bool,
    **given: Any,
) -> None:
    """Buy bounds and levels of PRIVATE rows for a budget of their own.

    For columns of which nothing is known beforehand. The schema is (ε, δ)-differentially private;
    what `fit` spends on the same rows comes on top: the sums of both are what was promised. Where
    a code book exists, write its bounds and levels into the schema by hand: that costs nothing.

    \b
    Example:
      skdpsynth schema buy data.csv --epsilon 0.2 --delta 1e-7 \\
          --kind age=count --kind region=categorical -o schema.json
    """
    table_format = TableFormat(**given)
    kind_of = _read_kinds(kinds)
    check_output(output, force, [private])
    raw = read_raw(private, table_format)
    _require(kind_of, raw.columns, private)
    numeric = [name for name, kind in kind_of.items() if issubclass(KINDS[kind], Numeric)]
    raw = read_decimals(raw, numeric, table_format.decimal)
    frame = pd.DataFrame(
        {name: _as_kind(raw[name], kind, name, table_format) for name, kind in kind_of.items()}
    )
    bought = TableSchema.from_private(
        frame, epsilon, delta, kind_of, target=target, adjacency=adjacency
    )
    write_bytes(output, (bought.to_json() + "\n").encode())
    warn(
        f"this schema cost epsilon = {epsilon:g} and delta = {delta:g}. The budget of every fit to "
        "the same rows comes on top. The file says so, and every fit with it counts the purchase: "
        "leave that part as it is when you edit it."
    )


def _require(names: Iterable[str], columns: Iterable[Any], path: Path) -> None:
    known = [str(name) for name in columns]
    absent = [name for name in names if name not in known]
    if absent:
        raise Problem(f"{path} has no columns {absent}; it has {known}.")


def _read_kinds(kinds: tuple[str, ...]) -> dict[str, str]:
    if not kinds:
        raise click.UsageError("Name the kind of every column, such as --kind age=count.")
    read = {}
    for text in kinds:
        name, _, kind = text.rpartition("=")
        if not name or kind not in KINDS:
            raise click.UsageError(
                f"--kind {text}: expected COLUMN=KIND, where KIND is one of {list(KINDS)}."
            )
        read[name] = kind
    return read


def _as_kind(column: pd.Series, kind: str, name: str, table_format: TableFormat) -> pd.Series:
    """Return texts or numbers as the declared kind says: what occurs must not decide it."""
    if pd.api.types.is_numeric_dtype(column.dtype) or not pd.api.types.is_string_dtype(column):
        return column
    texts = column.astype(object).map(str.strip)
    texts = texts.mask(texts.isin(["", *table_format.missing]), None)
    if kind in ("ordinal", "categorical"):
        return texts
    try:
        return pd.to_numeric(texts).astype(float)
    except (ValueError, TypeError) as error:
        raise TableMismatchError(f"Column {name!r} is no {kind}: {error}") from None


@schema.command()
@click.argument("schema_file", metavar="SCHEMA", type=FILE)
@click.argument("table", type=FILE, required=False)
@table_options
def check(schema_file: Path, table: Path | None, **given: Any) -> None:
    """Check a schema file, and whether a table fits it.

    Every column that does not fit TABLE is named, with one value that does not: what is printed is
    for the person who holds the table. The exit code is 1 if anything is wrong. Numbers outside the
    bounds are told of, and are not wrong: `fit` moves them to the nearest bound.

    \b
    Example:
      skdpsynth schema check schema.json data.csv --missing "?"
    """
    read = read_schema(schema_file)
    click.echo(repr(read))
    if read.bought_with:
        say(f"Of this schema, {describe_purchases(read.bought_with)}.")
    if table is None:
        return
    table_format = TableFormat(**given)
    raw = read_raw(table, table_format)
    problems = []
    for name, kind in read.columns.items():
        try:
            column = select_columns(
                raw[[c for c in raw.columns if str(c) == str(name)]],
                read.select([name]),
                table_format,
                table,
            )[name]
        except TableMismatchError as error:
            problems.append(str(error))
        else:
            if isinstance(kind, Numeric):
                _tell_outside(column, kind, name)
    for problem in problems:
        say(f"- {problem}")
    if problems:
        raise Problem(f"{table} does not fit {schema_file}.")
    select_columns(raw, read, table_format, table)
    click.echo(f"{table} fits {schema_file}.")


def _tell_outside(column: pd.Series, kind: Numeric, name: Any) -> None:
    """Tell how many values will be moved to a bound: mostly the unit or the bound is a mistake."""
    outside = column[(column < kind.low) | (column > kind.high)]
    if len(outside):
        say(
            f"Column {name!r}: {len(outside):,} of {len(column):,} values lie outside "
            f"[{kind.low:g}, {kind.high:g}], such as {outside.iloc[0]:g}, and will be moved to the "
            "nearest bound. If that is a mistake, correct the unit, or the bound by what is public."
        )


@schema.command("json-schema")
@_OUTPUT
@_FORCE
def print_json_schema(output: Path, force: bool) -> None:
    """Print the JSON Schema of schema files, for editors.

    An editor that knows it completes the fields of a schema file and marks mistakes. Most find it
    by a line at the top of the schema file: "$schema": "./skdpsynth.schema.json".

    \b
    Example:
      skdpsynth schema json-schema -o skdpsynth.schema.json
    """
    from ._json_schema import json_schema

    check_output(output, force)
    write_bytes(output, (json.dumps(json_schema(), indent=2) + "\n").encode())
