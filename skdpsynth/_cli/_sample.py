"""The command ``sample``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from .. import load
from ..exceptions import SavedModelError
from ..schema import Discrete, TableSchema, as_plain_frame, as_plain_series
from ._decimals import digits_option, round_to_digits
from ._house import FILE, Command, Problem, say
from ._table_options import table_options, take_format
from ._tables import check_output, check_spelling, write_table
from ._user_code import UserCode, read_user_code

__all__ = ["draw_rows", "load_model", "sample"]


@click.command(cls=Command)
@click.argument("model", type=FILE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    default="-",
    help="CSV or Parquet file; - is standard output.",
)
@click.option(
    "-n",
    "--num-synthetic",
    metavar="N",
    type=click.IntRange(min=0),
    help="Number of rows; by default as many as the model counted, up to noise.",
)
@click.option("--seed", metavar="N", type=click.IntRange(min=0), help="Repeat the same rows.")
@click.option(
    "--condition",
    "conditions",
    multiple=True,
    metavar="COLUMN=VALUE",
    help="All rows have this value; may be given for several columns. Nothing after = is a missing "
    "value.",
)
@click.option(
    "--model-file",
    type=FILE,
    help="The Python file of the fit: for its model, and for postprocess.",
)
@digits_option
@table_options
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def sample(
    model: Path,
    output: Path,
    num_synthetic: int | None,
    seed: int | None,
    conditions: tuple[str, ...],
    model_file: Path | None,
    digits: int | None,
    force: bool,
    **given: Any,
) -> None:
    """Draw synthetic rows from MODEL, a file that `fit` wrote.

    This costs no privacy, however many rows there are. Missing values are written as the first
    --missing, or as empty fields.

    \b
    Example:
      skdpsynth sample model.skdp -n 1000 -o twin.csv
      skdpsynth sample model.skdp -n 10 --condition sex=F --seed 1
    """
    check_output(output, force, [model, model_file], is_table=True)
    synthesizer, code = load_model(model, model_file)
    table_format = take_format(given)
    check_spelling(synthesizer.schema_, output, table_format)
    given_values = read_conditions(conditions, synthesizer.schema_)
    rows = draw_rows(synthesizer, num_synthetic, given_values, seed)
    rows = code.after(round_to_digits(rows, synthesizer.schema_, digits))
    write_table(rows, synthesizer.schema_, output, table_format)
    if output != Path("-"):
        say(f"Wrote {output}.")


def load_model(path: Path, model_file: Path | None) -> tuple[Any, UserCode]:
    """Return the synthesizer in a file, and the code of the Python file it was fitted with."""
    if not path.is_file():
        raise Problem(f"There is no model at {str(path)!r}; skdpsynth fit writes one.")
    code = read_user_code(model_file)
    try:
        return load(path, model=code.model, guide=code.guide), code
    except SavedModelError as error:
        if "synth.save wrote" in str(error):
            raise Problem(f"{path} is not a model: skdpsynth fit writes one.") from error
        hint = " On the command line: --model-file FILE.py." if "pass it" in str(error) else ""
        raise Problem(f"{error}{hint}") from error


def draw_rows(
    synthesizer: Any, n_rows: int | None, conditions: Mapping[Any, Any] | None, seed: int | None
) -> pd.DataFrame:
    """Return synthetic rows with all columns, the target included, whatever was fitted to.

    By default there are as many as the synthesizer's released row count.
    """
    n_rows = synthesizer.n_records_ if n_rows is None else n_rows
    conditions = conditions or None
    if synthesizer.has_y_:
        X, y = synthesizer.sample_xy(n_rows, conditions=conditions, random_state=seed)
        names = synthesizer.schema_.names
        values = pd.Series(as_plain_series(y)).reset_index(drop=True).infer_objects()
        frame = _as_frame(X, names[:-1])
        frame.insert(len(frame.columns), names[-1], values)
        return frame
    table = synthesizer.sample(n_rows, conditions=conditions, random_state=seed)
    return _as_frame(table, synthesizer.schema_.names)


def _as_frame(table: Any, names: tuple[Any, ...]) -> pd.DataFrame:
    """Return what a synthesizer fitted from Python may sample as a pandas frame."""
    table = as_plain_frame(table)
    if isinstance(table, np.ndarray):
        return pd.DataFrame(table, columns=list(names)).infer_objects()
    return table


def read_conditions(texts: tuple[str, ...], schema: TableSchema) -> dict[Any, Any]:
    """Return the value that each text ``column=value`` fixes.

    Raises
    ------
    click.UsageError
        If a text is not such a pair, or the value is not one of the column.
    """
    names = {str(name): name for name in schema.names}
    conditions = {}
    for text in texts:
        column, equals, value = text.partition("=")
        if not equals or column not in names:
            raise click.UsageError(
                f"--condition {text}: expected COLUMN=VALUE, where COLUMN is one of {list(names)}."
            )
        conditions[names[column]] = _read_value(value, schema[names[column]], text)
    return conditions


def _read_value(value: str, kind: Any, text: str) -> Any:
    if isinstance(kind, Discrete):
        levels = {str(level): level for level in kind.levels}
        if value in levels:
            return levels[value]
        if value:
            raise click.UsageError(f"--condition {text}: the levels are {list(levels)}.")
    if value == "":
        return None
    try:
        number = float(value)
    except ValueError:
        raise click.UsageError(f"--condition {text}: {value!r} is not a number.") from None
    if not kind.low <= number <= kind.high:
        raise Problem(
            f"--condition {text}: outside the schema's bounds [{kind.low:g}, {kind.high:g}]."
        )
    return number
