"""The commands ``schema draft``, ``schema buy``, ``schema check`` and ``schema json-schema``."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import pandas as pd

from ..exceptions import SchemaError, TableMismatchError
from ..privacy import describe_purchases
from ..schema import KINDS, Continuous, Numeric, TableSchema, draft_table
from ._decimals import read_decimals
from ._hints import hints_of_draft, way_out
from ._house import FILE, Group, Problem, say, warn
from ._table_options import TableFormat, nullable_schema, reading_options, take_reading
from ._tables import (
    check_output,
    fit_rows,
    read_source,
    read_typed,
    select_columns,
    tell_leading_zeros,
    write_bytes,
)

__all__ = ["read_schema", "schema"]

NUMERIC = [name for name, kind in KINDS.items() if issubclass(kind, Numeric)]

_OUTPUT = click.option(
    "-o", "--output", type=FILE, default="-", help="JSON file to write; - is standard output."
)
_PREPROCESS = "A Python file (.py) whose preprocess gets the rows first, as in fit."
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
        swapped = (
            " Is it the table? The schema is the JSON file that skdpsynth schema draft writes."
            if "Not JSON" in str(error) and path.suffix != ".json"
            else ""
        )
        raise Problem(f"{path}: {error}{swapped}") from error
    if target is None:
        return read
    names = {str(name): name for name in read.names}
    return read.with_target(names.get(target, target))


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
@reading_options(_PREPROCESS)
@_FORCE
def draft(
    public: Path,
    output: Path,
    target: str | None,
    max_levels: int,
    force: bool,
    **given: Any,
) -> None:
    """Draft a schema from PUBLIC rows.

    Bounds, levels, decimals, steps and which columns may have missing values are copied from the
    rows of PUBLIC, a CSV or Parquet file. What may not be meant is told, column by column, with
    what to do: identifiers, dates, numbers that are texts, columns without a value, which are left
    out.

    On private rows that is a leak, which no later step can mend: the oldest person's age becomes a
    bound, a rare diagnosis a level. Use another year's release, or made-up rows that span the code
    book, and edit the result: it is short.

    \b
    Example:
      skdpsynth schema draft public.csv --target income -o schema.json
    """
    reading = take_reading(given)
    check_output(output, force, [public, reading.model_file])
    drafted = draft_table(read_typed(public, reading), max_levels, target)
    refused = drafted.refused([] if target is None else [target])
    if not refused:
        text = TableSchema(drafted.columns, target=target).to_json() + "\n"
        write_bytes(output, text.encode())
    if drafted.columns:
        for hint in hints_of_draft(drafted):
            say(hint)
    if refused:
        drops = " ".join(f"--drop {shlex.quote(str(name))}" for name in refused)
        texts = [problem.command for problem in refused.values()]
        listed = "".join(f"\n- {text}{way_out(text)}" for text in texts)
        raise TableMismatchError(
            f"No schema is written, because of these columns:{listed}\nTo leave them out, or with "
            f"--drop COLUMN one of them: {drops}"
        )
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
    help="The kind of a column to buy: continuous, count, ordinal or categorical. Columns that "
    "have none, and are not in --schema, are left out.",
)
@click.option(
    "--schema",
    "known_file",
    type=FILE,
    help="JSON file of a schema with the columns that are known: they are declared as they stand "
    "there and cost nothing.",
)
@click.option("--target", metavar="COLUMN", help="The column to predict.")
@click.option(
    "--adjacency",
    type=click.Choice(["add_remove", "replace_one"]),
    default="add_remove",
    help="Which tables are hard to tell apart: one row more or less, or one row replaced.",
)
@reading_options(_PREPROCESS)
@_FORCE
def buy(
    private: Path,
    output: Path,
    epsilon: float,
    delta: float,
    kinds: tuple[str, ...],
    known_file: Path | None,
    target: str | None,
    adjacency: str,
    force: bool,
    **given: Any,
) -> None:
    """Buy bounds and levels of PRIVATE rows for a budget of their own.

    For columns of which nothing is known beforehand. The schema is (ε, δ)-differentially private;
    what `fit` spends on the same rows comes on top: the sums of both are what was promised. Where
    a code book exists, write its bounds and levels into a schema by hand: that costs nothing, and
    --schema takes it over, so that only the other columns are bought.

    \b
    Example:
      skdpsynth schema buy data.csv --epsilon 0.2 --delta 1e-7 \\
          --kind age=count --kind region=categorical -o schema.json
      skdpsynth schema buy data.csv --epsilon 0.2 --delta 1e-7 \\
          --schema known.json --kind region=categorical -o schema.json
    """
    reading = take_reading(given)
    if reading.drop_na and adjacency == "replace_one":
        raise click.UsageError("--drop-na is not for --adjacency replace_one.")
    known = None if known_file is None else reading.reduce(read_schema(known_file))
    kind_of = _read_kinds(kinds, known, reading.drop)
    check_output(output, force, [private, known_file, reading.model_file])
    numeric = {name: Continuous(0, 1) for name, kind in kind_of.items() if kind in NUMERIC}
    raw, table_format = read_source(private, TableSchema(numeric) if numeric else None, reading)
    declared: dict[Any, Any] = {} if known is None else dict(known.columns)
    _require([*map(str, declared), *kind_of], raw.columns, private)
    raw = read_decimals(raw, numeric, table_format.decimal)
    frame = pd.DataFrame(
        {
            # of a column that is declared no value is looked at
            **{name: pd.Series(0, raw.index) for name in declared},
            **{
                name: _as_kind(raw[name], kind, name, table_format)
                for name, kind in kind_of.items()
            },
        }
    )
    if reading.drop_na:
        frame = frame.dropna(ignore_index=True)
    names = {str(name): name for name in frame.columns}
    wanted = names.get(target, target) if target else None if known is None else known.target
    try:
        bought = TableSchema.from_private(
            frame,
            epsilon,
            delta,
            {**declared, **kind_of},
            target=wanted,
            adjacency=adjacency,
            nullable=not reading.drop_na,
        )
    except SchemaError as error:
        raise SchemaError(f"{error}{way_out(str(error))}") from error
    write_bytes(output, (bought.to_json() + "\n").encode())
    left_out = [str(name) for name in raw.columns if str(name) not in names]
    if left_out:
        say(f"Columns of {private.name} without a kind are left out: {left_out}")
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


def _read_kinds(
    kinds: tuple[str, ...], known: TableSchema | None, dropped: tuple[str, ...]
) -> dict[str, str]:
    if not kinds:
        raise click.UsageError("Name the kind of every column to buy, such as --kind age=count.")
    declared = () if known is None else tuple(map(str, known.names))
    read: dict[str, str] = {}
    for text in kinds:
        name, _, kind = text.rpartition("=")
        if not name or kind not in KINDS:
            raise click.UsageError(
                f"--kind {text}: expected COLUMN=KIND, where KIND is one of {list(KINDS)}."
            )
        if name in declared:
            raise click.UsageError(
                f"--kind {text}: --schema declares this column, which then is not bought. "
                "Take it out of one of both."
            )
        if name in dropped:
            raise click.UsageError(f"--kind {text}: --drop leaves this column out.")
        if read.get(name, kind) != kind:
            raise click.UsageError(f"--kind {text}: this column has the kind {read[name]} already.")
        read[name] = kind
    return read


def _as_kind(column: pd.Series, kind: str, name: str, table_format: TableFormat) -> pd.Series:
    """Return texts or numbers as the declared kind says: what occurs must not decide it."""
    if pd.api.types.is_numeric_dtype(column.dtype) or not (
        pd.api.types.is_string_dtype(column.dtype) or pd.api.types.is_object_dtype(column.dtype)
    ):
        return column
    texts = column.astype(object).map(
        lambda value: value.strip() if isinstance(value, str) else value
    )
    texts = texts.mask(texts.isin(["", *table_format.missing]), None)
    if kind in ("ordinal", "categorical"):
        return texts
    try:
        return pd.to_numeric(texts).astype(float)
    except (ValueError, TypeError) as error:
        raise TableMismatchError(f"Column {name!r} is not a {kind}: {error}") from None


@schema.command()
@click.argument("schema_file", metavar="SCHEMA", type=FILE)
@click.argument("table", type=FILE, required=False)
@reading_options(_PREPROCESS)
def check(schema_file: Path, table: Path | None, **given: Any) -> None:
    """Check a schema file, and whether a table fits it.

    Every column that does not fit TABLE is named, with one value that does not: what is printed is
    for the person who holds the table. The exit code is 1 if anything is wrong. Numbers outside the
    bounds are told of, and are not wrong: `fit` moves them to the nearest bound.

    \b
    Example:
      skdpsynth schema check schema.json data.csv --missing "?"
    """
    reading = take_reading(given)
    full = read_schema(schema_file)
    click.echo(repr(reading.reduce(full)))
    if full.bought_with:
        say(f"Of this schema, {describe_purchases(full.bought_with)}.")
    if table is None:
        return
    raw, table_format = read_source(table, full, reading, tell=False)
    # with --drop-na a missing value is not a problem
    read = nullable_schema(reading.reduce(full), True) if reading.drop_na else reading.reduce(full)
    tell_leading_zeros(raw, read)
    problems = _find_problems(raw, read, table_format, table)
    for problem in problems:
        say(f"- {problem}")
    if problems:
        raise Problem(f"{table} does not fit {schema_file}.")
    fit_rows(raw, full, reading, table_format, table)
    click.echo(f"{table} fits {schema_file}.")


def _find_problems(
    raw: pd.DataFrame, read: TableSchema, table_format: TableFormat, path: Path
) -> list[str]:
    """Return what is wrong, a sentence per column; columns that are absent share one."""
    own = {str(name) for name in raw.columns}
    absent = [name for name in read.names if str(name) not in own]
    problems = []
    for name, kind in read.columns.items():
        if name in absent:
            if name == absent[0]:
                problems.append(_tell_absent(raw, read, table_format, path))
            continue
        part = raw[[column for column in raw.columns if str(column) == str(name)]]
        try:
            column = select_columns(part, read.select([name]), table_format, path)[name]
        except TableMismatchError as error:
            problems.append(str(error))
        else:
            if isinstance(kind, Numeric):
                _tell_outside(column, kind, name)
                _tell_moved(column, kind, name)
    return problems


def _tell_absent(
    raw: pd.DataFrame, read: TableSchema, table_format: TableFormat, path: Path
) -> str:
    try:
        select_columns(raw, read, table_format, path)
    except TableMismatchError as error:
        return str(error)
    raise AssertionError("a column is absent")  # pragma: no cover


def _tell_outside(column: pd.Series, kind: Numeric, name: Any) -> None:
    """Tell how many values will be moved to a bound: mostly the unit or the bound is a mistake."""
    outside = column[(column < kind.low) | (column > kind.high)]
    if len(outside):
        say(
            f"Column {name!r}: {len(outside):,} of {len(column):,} values lie outside "
            f"[{kind.low:g}, {kind.high:g}], such as {outside.iloc[0]:g}, and will be moved to the "
            "nearest bound. If that is a mistake, correct the unit, or the bound by what is public."
        )


def _tell_moved(column: pd.Series, kind: Numeric, name: Any) -> None:
    """Tell how many values will be moved to the nearest that decimals or a step allow."""
    values = column.to_numpy(dtype=float)
    values = values[(values >= kind.low) & (values <= kind.high)]
    moved = values[abs(kind.snap(values) - values) > 1e-9 * max(abs(kind.low), abs(kind.high))]
    if len(moved):
        say(
            f"Column {name!r}: {len(moved):,} of {len(column):,} values are none of {kind!r}, such "
            f"as {moved[0]:.15g}, and will be moved to the nearest. If that is a mistake, correct "
            "decimals or step by what is public."
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
