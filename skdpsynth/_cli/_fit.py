"""The commands ``fit`` and ``synthesize``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from ..privacy import PrivacySpent
from ..schema import TableSchema
from ._decimals import digits_option, round_to_digits
from ._hints import in_options
from ._house import FILE, SCHEMA, Command, say, warn
from ._listed import MethodName, MethodsOption, describe_methods
from ._methods import FitOptions, make_synthesizer
from ._sample import draw_rows
from ._schema import read_schema
from ._table_options import Reading, reading_options, take_reading
from ._tables import (
    check_output,
    check_spelling,
    fit_rows,
    read_row_by_row,
    read_rows,
    read_source,
    write_table,
)

__all__ = ["fit", "fit_options", "read_inputs", "split_options", "synthesize"]

_OPTIONS = (
    click.option(
        "--method",
        cls=MethodsOption,
        type=MethodName(),
        default="mixture",
        tell=describe_methods,
    ),
    click.option(
        "--schema",
        type=SCHEMA,
        required=True,
        help="JSON file that says what is public about the columns; see skdpsynth schema --help.",
    ),
    click.option(
        "--target", metavar="COLUMN", help="The column to predict; by default the schema's."
    ),
    click.option(
        "--epsilon",
        metavar="NUMBER",
        type=click.FloatRange(min=0, min_open=True),
        default=1.0,
        help="Privacy loss ε: the smaller, the more private, and the more noise.",
    ),
    click.option(
        "--delta",
        metavar="NUMBER",
        type=click.FloatRange(0, 1, min_open=True, max_open=True),
        default=1e-6,
        help="Probability δ with which ε may not hold; well below one over the number of rows.",
    ),
    click.option(
        "--adjacency",
        type=click.Choice(["add_remove", "replace_one"]),
        default="add_remove",
        help="Which tables are hard to tell apart: one row more or less, or one row replaced.",
    ),
    click.option(
        "--k", metavar="N", type=click.IntRange(min=1), help="Components (mixture) or clusters."
    ),
    click.option(
        "--inference",
        metavar="NAME",
        help="mixture: moments (default) or dpvi. napsu: laplace (default), map or nuts.",
    ),
    click.option(
        "--queries",
        metavar="FILE|STRATEGY",
        help="napsu: a text file with one marginal per line, its columns between commas; or auto, "
        "star, tree or tan.",
    ),
    click.option(
        "--num-epochs",
        metavar="N",
        type=click.IntRange(min=1),
        help="dpvi: passes over the rows; needs --sampling-ratio.",
    ),
    click.option(
        "--sampling-ratio",
        metavar="NUMBER",
        type=click.FloatRange(0, 1, min_open=True),
        help="dpvi: probability with which a row takes part in a step.",
    ),
    click.option(
        "--clipping-threshold",
        metavar="NUMBER",
        type=click.FloatRange(min=0, min_open=True),
        help="dpvi: bound on the norm of a row's gradient.",
    ),
    click.option(
        "--parameter",
        multiple=True,
        metavar="NAME=VALUE",
        help="Any other parameter of the synthesizer, such as n_bins=16.",
    ),
    click.option(
        "--insecure-noise-seed",
        metavar="N",
        type=click.IntRange(min=0),
        help="Fix the noise: NOT PRIVATE, for public tables and tests only.",
    ),
)


_MODEL_FILE = (
    "mixture: a text file with lines such as 'age: Poisson'. All methods: a Python file (.py) that "
    "defines preprocess or postprocess; for numpyro also the NumPyro model, guide."
)


def fit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a fit to a command, those of reading its table among them."""
    command = reading_options(_MODEL_FILE)(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def split_options(given: dict[str, Any]) -> tuple[FitOptions, Reading]:
    """Return how to fit, and how to read the table."""
    own = {field.name: given[field.name] for field in fields(FitOptions)}
    return FitOptions(**own), take_reading(given)


def _refuse_seed(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None:
        raise click.UsageError(
            "--seed is an option of sample and synthesize: it repeats the rows drawn. The noise of "
            "a fit is fixed by --insecure-noise-seed only, for public tables and tests."
        )


@click.command(cls=Command)
@click.argument("data", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="File for the fitted model.")
@click.option(
    "--seed", hidden=True, expose_value=False, callback=_refuse_seed, help="For sampling."
)
@fit_options
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def fit(data: Path, output: Path, force: bool, **given: Any) -> None:
    """Fit a model to DATA under differential privacy.

    DATA is a CSV or Parquet file of private rows. The model may be shared: it holds no row, and as
    many rows as you like can be drawn from it with `sample`. Every fit to the same rows spends
    budget anew: two fits with ε = 1 promise ε = 2 together.

    \b
    Example:
      skdpsynth fit data.csv --schema schema.json --epsilon 1 --delta 1e-6 -o model.skdp
      skdpsynth fit data.csv --schema schema.json --method napsu --queries marginals.txt \\
          --missing "?" -o model.skdp
    """
    options, reading = split_options(given)
    schema = read_inputs(options, reading)
    synthesizer = make_synthesizer(options, reading.reduce(schema), reading.code)
    if output == Path("-"):
        raise click.UsageError("A model is not a text; name a file for it, such as -o model.skdp.")
    check_output(output, force, [data, options.schema, options.model_file])
    _fit_rows(synthesizer, data, schema, reading)
    synthesizer.save(output)
    say(f"Wrote {output}. {describe_budget(synthesizer.privacy_spent_)}")


@click.command(cls=Command)
@click.argument("data", type=FILE)
@click.option(
    "-o", "--output", type=FILE, required=True, help="CSV or Parquet file; - is standard output."
)
@click.option(
    "-n",
    "--num-synthetic",
    metavar="N",
    type=click.IntRange(min=0),
    help="Number of rows; by default about as many as DATA has, up to noise.",
)
@click.option(
    "--seed", metavar="N", type=click.IntRange(min=0), help="Repeat the sampling, not the noise."
)
@digits_option
@fit_options
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def synthesize(
    data: Path,
    output: Path,
    num_synthetic: int | None,
    seed: int | None,
    digits: int | None,
    force: bool,
    **given: Any,
) -> None:
    """Fit a model to DATA and draw a synthetic table, in one step.

    As `fit` and then `sample`; the model is not kept. --delimiter and the first --missing are used
    for the synthetic table too.

    \b
    Example:
      skdpsynth synthesize data.csv --schema schema.json --epsilon 1 -o twin.csv
    """
    options, reading = split_options(given)
    schema = read_inputs(options, reading)
    synthesizer = make_synthesizer(options, reading.reduce(schema), reading.code)
    check_output(output, force, [data, options.schema, options.model_file], is_table=True)
    check_spelling(schema, output, reading.table_format)
    _fit_rows(synthesizer, data, schema, reading)
    rows = draw_rows(synthesizer, num_synthetic, None, seed)
    rows = reading.code.after(round_to_digits(rows, synthesizer.schema_, digits))
    write_table(rows, synthesizer.schema_, output, reading.table_format)
    if output != Path("-"):
        say(f"Wrote {output}.")
    say(describe_budget(synthesizer.privacy_spent_))


def read_inputs(options: FitOptions, reading: Reading) -> TableSchema:
    """Return the schema of the table, before anything is left out."""
    if reading.drop_na and options.adjacency == "replace_one":
        raise click.UsageError(
            "--drop-na is not for --adjacency replace_one: how many rows are complete is "
            "private, and the row count is public there."
        )
    return read_schema(options.schema, options.target)


def _fit_rows(synthesizer: Any, data: Path, schema: TableSchema, reading: Reading) -> None:
    """Fit to the private rows, and record what the function that gets them first does."""
    if reading.code.preprocess is None:
        synthesizer.fit(read_rows(data, schema, reading))
        return
    source = read_row_by_row(data, schema, reading.table_format)
    mixing = reading.code.find_mixing(source, schema)
    raw, table_format = read_source(data, schema, reading, source=source)
    synthesizer.fit(fit_rows(raw, schema, reading, table_format, data))
    reading.code.mark(synthesizer, mixing)


def describe_budget(spent: PrivacySpent) -> str:
    """Return what was spent in a line, or two where it is not a guarantee."""
    budget = f"Spent epsilon = {spent.epsilon:.4g}, delta = {spent.delta:.3g} ({spent.adjacency})."
    if spent.purchase is not None:
        epsilon, delta = spent.total
        budget += (
            " With what bounds and levels were bought for, the rows are worth "
            f"epsilon = {epsilon:.4g}, delta = {delta:.3g}."
        )
    if not spent.is_private:
        notes = [in_options(note).removeprefix("not private: ") for note in spent.notes]
        warn(f"NOT PRIVATE: {'; '.join(notes)}.")
    return budget
