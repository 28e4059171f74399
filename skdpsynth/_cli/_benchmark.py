"""The command ``benchmark``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from .._catalogue import METHODS, compared_methods
from .._extras import how_to_install
from ._house import Command, Problem, say
from ._listed import MethodsOption
from ._schema import read_schema
from ._table_options import Reading, reading_options, take_reading
from ._tables import fit_rows, read_source

__all__ = ["benchmark"]

MISSING = ("?",)


class Words(click.ParamType):
    """Texts between commas."""

    name = "A,B"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the list of texts."""
        if not isinstance(value, str):
            return value
        words = [word.strip() for word in value.split(",")]
        if not all(words):
            self.fail(f"{value!r} is not a list such as a,b", param, ctx)
        return words


class Number(click.ParamType):
    """A number above 0 and perhaps below 1."""

    name = "NUMBER"

    def __init__(self, is_share: bool = False) -> None:
        self.is_share = is_share

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the number."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not number > 0:
            self.fail(f"{value} is not above 0", param, ctx)
        if self.is_share and not number < 1:
            self.fail(f"{value} is not below 1", param, ctx)
        return number


class Numbers(Words):
    """Numbers above 0 between commas."""

    name = "E,F"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the list of numbers."""
        return [Number().convert(word, param, ctx) for word in super().convert(value, param, ctx)]


class Whole(click.ParamType):
    """A whole number above 0."""

    name = "N"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the integer."""
        if not str(value).isdecimal() or int(value) == 0:
            self.fail(f"{value!r} is not a positive whole number", param, ctx)
        return int(value)


class Edges(click.ParamType):
    """A JSON file with an object of bin edges by column."""

    name = "FILE"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the edges by column."""
        try:
            edges = json.loads(Path(value).read_text(encoding="utf-8"))
            return {str(name): [float(edge) for edge in bins] for name, bins in edges.items()}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            self.fail(f"{value}: not an object of bin edges: {error}", param, ctx)


@click.command(cls=Command)
@click.option(
    "--data",
    required=True,
    metavar="NAME|FILE",
    help="CSV or Parquet file, or adult, census, covid19, credit_card_fraud, isolet, mnist, "
    "rand_hie.",
)
@click.option("--target", help="Column to predict; by default the target of the schema.")
@click.option("--schema", help="JSON file of the schema; named tables have their own.")
@click.option(
    "--methods",
    "--method",
    cls=MethodsOption,
    type=Words(),
    default_of=lambda: ",".join(compared_methods()),
    tell=lambda: f"{', '.join(METHODS)}, or package.module:Name of a class with fit and sample.",
)
@click.option("--epsilon", type=Numbers(), default="1", help="Budgets; inf is without privacy.")
@click.option("--seeds", type=Whole(), default=3, help="Number of splits.")
@click.option(
    "--scorers",
    type=Words(),
    help="lightgbm, logistic (of a numeric target a ridge regression), or package.module:Name of "
    "an estimator; by default lightgbm,logistic as far as they are installed.",
)
@click.option(
    "--delta", type=Number(is_share=True), help="By default one over the number of training rows."
)
@click.option("-o", "--output", default="benchmark_output", help="Folder for the files.")
@click.option(
    "--split",
    type=click.Choice(["stratified", "official"]),
    default="stratified",
    help="At random (by label if there are labels), or the publisher's.",
)
@click.option(
    "--test-size", type=Number(is_share=True), default=0.25, help="Share of the test rows."
)
@click.option("--max-train-rows", type=Whole(), help="Cut the training rows to so many.")
@reading_options("A Python file (.py) whose preprocess gets the rows of a file first, as in fit.")
@click.option(
    "--edges",
    type=Edges(),
    help="JSON object of bin edges by column, for distances between marginals.",
)
@click.option(
    "--bins", "n_bins", type=Whole(), default=20, help="Bins of the other numeric columns."
)
@click.option("--max-marginals", type=Whole(), default=1000, help="Most marginals to compare.")
@click.option("--max-columns", type=Whole(), default=100, help="Most columns to compare.")
@click.option("--published", metavar="FILE", help="JSON list of figures of others, shown beside.")
@click.option("--timeout", type=Number(), help="Seconds after which a run counts as failed.")
@click.option("--retry-failed", is_flag=True, help="Repeat runs that failed.")
@click.option(
    "--no-isolation",
    "isolate",
    is_flag=True,
    flag_value=False,
    default=True,
    show_default=False,
    help="All runs in this process: faster, but memory and compilation are shared.",
)
def benchmark(
    output: str, data: str, schema: str | None, scorers: list[str] | None, **settings: Any
) -> int:
    """Compare synthesizers on a public table.

    Models are trained on synthetic rows and tested on real ones; distances between marginals, time
    and memory are measured. Writes results.csv, settings.json, report.md and figure.png. The same
    command goes on where it was interrupted. Without --missing, "?" stands for a missing value, as
    in the tables of the UCI repository.

    \b
    Example:
      skdpsynth benchmark --data rand_hie --methods mixture,napsu --epsilon 0.3,1,3
    """
    from ..benchmark import run

    if os.getcwd() not in sys.path:
        # as "python -m" does, for a method in a file of the working directory
        sys.path.insert(0, os.getcwd())
    reading = take_reading(settings)
    if Path(output).is_file():
        raise click.UsageError(f"{output} is a file; --output names a folder.")
    try:
        table = _read_table(data, schema, reading)
        models = _default_scorers() if scorers is None else scorers
        result = run(table, output=output, scorers=models, progress=True, **settings)
    except (ValueError, OSError, Problem) as error:
        raise click.UsageError(str(error)) from error
    except KeyboardInterrupt:
        say(
            f"Interrupted. Finished runs are in {Path(output) / 'results.csv'}; the same command "
            "goes on from there."
        )
        return 130
    click.echo(result.to_markdown())
    click.echo(f"Written to {output}: results.csv, settings.json, report.md, figure.png")
    succeeded = (result.runs["status"] == "ok") & (result.runs["method"] != "real")
    return 0 if succeeded.any() else 1


def _read_table(data: str, schema: str | None, reading: Reading) -> Any:
    """Return the table of a file, read as all commands read one, or the name of a table."""
    from ..benchmark import NAMED_TABLES, BenchmarkTable

    path = Path(data)
    if not path.is_file():
        if data not in NAMED_TABLES:
            raise ValueError(f"{data!r} is neither a file nor one of the tables {[*NAMED_TABLES]}.")
        if schema is not None:
            raise ValueError(f"The table {data!r} has a schema of its own; leave out --schema.")
        if reading != Reading():
            raise ValueError(
                f"The table {data!r} is read by the package: the options about tables, such as "
                "--delimiter or --drop, are for files."
            )
        return data
    if schema is None:
        raise ValueError(
            f"{data} needs --schema. Write one by hand, or draft it: skdpsynth schema draft "
            f"{data} -o schema.json"
        )
    full = read_schema(Path(schema))
    if not reading.table_format.missing:
        reading = replace(reading, table_format=replace(reading.table_format, missing=MISSING))
    raw, table_format = read_source(path, full, reading, tell=False)
    known = {str(name) for name in full.names}
    left_out = [name for name in raw.columns if str(name) not in known]
    return BenchmarkTable(
        path.name.partition(".")[0],
        fit_rows(raw.drop(columns=left_out), full, reading, table_format, path),
        reading.reduce(full),
        left_out=tuple(map(str, left_out)),
    )


def _default_scorers() -> list[str]:
    """Return the models that are installed, and say which are not."""
    from ..benchmark import SCORERS

    if find_spec("lightgbm") is not None:
        return list(SCORERS)
    say(
        "LightGBM is not installed: models are logistic or ridge regressions alone. For both, "
        f"{how_to_install('benchmark')}."
    )
    return [name for name in SCORERS if name != "lightgbm"]
