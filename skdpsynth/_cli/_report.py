"""The command ``report``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from ._house import FILE, SCHEMA, Command, say, warn
from ._sample import load_model
from ._schema import read_schema
from ._table_options import Reading, reading_options, take_reading
from ._tables import check_output, read_rows, write_bytes

__all__ = ["report"]


@click.command(cls=Command)
@click.argument("real", type=FILE)
@click.argument("synthetic", type=FILE)
@click.option("--schema", type=SCHEMA, required=True, help="JSON file of the schema.")
@click.option("--target", metavar="COLUMN", help="The column to predict; by default the schema's.")
@click.option("--model", type=FILE, help="The fitted model, whose guarantee the page then tells.")
@click.option("--test", type=FILE, help="Real rows that were not fitted to, to test models on.")
@click.option("-o", "--output", type=FILE, default="report.html", help="HTML file to write.")
@reading_options(
    "The Python file of the fit: for its model, and for preprocess, which then gets the real rows, "
    "and the synthetic ones if there is a postprocess."
)
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def report(
    real: Path,
    synthetic: Path,
    schema: Path,
    target: str | None,
    model: Path | None,
    test: Path | None,
    output: Path,
    force: bool,
    **given: Any,
) -> None:
    """Compare the SYNTHETIC table with the REAL one on an HTML page.

    The page needs no network. It is computed from the real rows, and is therefore itself NOT
    PRIVATE: keep it as you keep the real table.

    \b
    Example:
      skdpsynth report data.csv twin.csv --schema schema.json -o report.html
    """
    from .._report import COMMAND_LINE, make_report

    reading, read = take_reading(given), read_schema(schema, target)
    if output.suffix.lower() not in ("", ".html", ".htm"):
        raise click.UsageError(
            f"A report is an HTML page, which {output.name} would hide: name it "
            f"{output.with_suffix('.html').name}. A browser prints it to PDF."
        )
    check_output(output, force, [real, synthetic, schema, model, reading.model_file, test])
    page = make_report(
        read_rows(real, read, reading, tell=False),
        read_rows(synthetic, read, _reading_of_synthetic(reading), tell=False),
        reading.reduce(read),
        synthesizer=None if model is None else load_model(model, reading.model_file)[0],
        test=None if test is None else read_rows(test, read, reading, tell=False),
        words=COMMAND_LINE,
    )
    write_bytes(output, page.to_html().encode("utf-8"))
    say(f"Wrote {output}.")
    warn("the report shows real rows without noise: it is not private.")


def _reading_of_synthetic(reading: Reading) -> Reading:
    """Return how to read synthetic rows: what `postprocess` wrote looks like the real table.

    Without it, rows are written as the schema has them, and are not processed again.
    """
    return reading if reading.code.postprocess is not None else replace(reading, model_file=None)
