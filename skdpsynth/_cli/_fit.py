"""The commands ``fit`` and ``synthesize``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import pandas as pd

from ..datasets import apply_schema
from ..privacy import PrivacySpent
from ..schema import TableSchema
from ._decimals import digits_option, round_to_digits
from ._house import FILE, SCHEMA, Command, say, warn
from ._listed import MethodName, MethodsOption, describe_methods
from ._methods import FitOptions, make_synthesizer
from ._sample import draw_rows
from ._schema import nullable_schema, read_schema
from ._tables import (
    TableFormat,
    check_output,
    read_raw,
    read_row_by_row,
    select_columns,
    table_options,
    write_table,
)
from ._user_code import UserCode, read_user_code

__all__ = ["fit", "fit_options", "read_inputs", "synthesize"]

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
        "--model-file",
        type=FILE,
        help="mixture: a text file with lines such as 'age: Poisson'. All methods: a Python file "
        "(.py) that defines preprocess or postprocess; for numpyro also the NumPyro model, guide.",
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
    click.option("--drop-na", is_flag=True, help="Leave out rows with missing values."),
    click.option(
        "--insecure-noise-seed",
        metavar="N",
        type=click.IntRange(min=0),
        help="Fix the noise: NOT PRIVATE, for public tables and tests only.",
    ),
)


def fit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a fit to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _split(given: dict[str, Any]) -> tuple[FitOptions, TableFormat]:
    own = {field.name: given.pop(field.name) for field in fields(FitOptions)}
    return FitOptions(**own), TableFormat(**given)


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
@table_options
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
    options, table_format = _split(given)
    schema, code = read_inputs(options)
    synthesizer = make_synthesizer(options, schema, code)
    if output == Path("-"):
        raise click.UsageError("A model is no text; name a file for it, such as -o model.skdp.")
    check_output(output, force, [data, options.schema, options.model_file])
    synthesizer.fit(_read_rows(data, schema, options, table_format, code))
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
@table_options
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
    options, table_format = _split(given)
    schema, code = read_inputs(options)
    synthesizer = make_synthesizer(options, schema, code)
    check_output(output, force, [data, options.schema, options.model_file], is_table=True)
    synthesizer.fit(_read_rows(data, schema, options, table_format, code))
    rows = draw_rows(synthesizer, num_synthetic, None, seed)
    rows = code.after(round_to_digits(rows, synthesizer.schema_, digits))
    write_table(rows, synthesizer.schema_, output, table_format)
    if output != Path("-"):
        say(f"Wrote {output}.")
    say(describe_budget(synthesizer.privacy_spent_))


def read_inputs(options: FitOptions) -> tuple[TableSchema, UserCode]:
    """Return the schema and the Python code that the options name."""
    schema = read_schema(options.schema, options.target)
    if options.drop_na:
        if options.adjacency == "replace_one":
            raise click.UsageError(
                "--drop-na is not for --adjacency replace_one: how many rows are complete is "
                "private, and the row count is public there."
            )
        schema = nullable_schema(schema, False)
    return schema, read_user_code(options.model_file)


def _read_rows(
    data: Path, schema: TableSchema, options: FitOptions, table_format: TableFormat, code: UserCode
) -> pd.DataFrame:
    """Return the private rows as the schema describes them."""
    if code.preprocess is None:
        raw = read_raw(data, table_format)
    else:
        raw = code.before(read_row_by_row(data, schema, table_format))
        # a number that the function spelled has a point
        table_format = replace(table_format, decimal=".")
    if options.drop_na:
        columns = nullable_schema(schema, True)
        frame = select_columns(raw, columns, table_format, data).dropna(ignore_index=True)
        # once more: without missing values counts are integers
        return apply_schema(frame, schema)
    return select_columns(raw, schema, table_format, data)


def describe_budget(spent: PrivacySpent) -> str:
    """Return what was spent in a line, or two where it is no guarantee."""
    budget = f"Spent epsilon = {spent.epsilon:.4g}, delta = {spent.delta:.3g} ({spent.adjacency})."
    if not spent.is_private:
        warn(f"NOT PRIVATE. {'; '.join(spent.notes)}.")
    return budget
