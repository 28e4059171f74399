"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ._house import FILE, SCHEMA, Command, say, warn
from ._sample import load_model
from ._schema import read_schema
from ._tables import TableFormat, check_output, read_table, table_options, write_bytes

__all__ = ["report"]


@click.command(cls=Command)
@click.argument("real", type=FILE)
@click.argument("synthetic", type=FILE)
@click.option("--schema", type=SCHEMA, required=True, help="JSON file of the schema.")
@click.option("--target", metavar="COLUMN", help="The column to predict; by default the schema's.")
@click.option("--model", type=FILE, help="The fitted model, whose guarantee the page then tells.")
@click.option("--model-file", type=FILE, help="The Python file of the fit, if it had a model.")
@click.option("--test", type=FILE, help="Real rows that were not fitted to, to test models on.")
@click.option("-o", "--output", type=FILE, default="report.html", help="HTML file to write.")
@table_options
@click.option("--force", is_flag=True, help="Replace the output if it exists.")
def report(
    real: Path,
    synthetic: Path,
    schema: Path,
    target: str | None,
    model: Path | None,
    model_file: Path | None,
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
    from .._report import report as make_report

    table_format, read = TableFormat(**given), read_schema(schema, target)
    check_output(output, force, [real, synthetic, schema, model, model_file, test])
    page = make_report(
        read_table(real, read, table_format),
        read_table(synthetic, read, table_format),
        read,
        synthesizer=None if model is None else load_model(model, model_file)[0],
        test=None if test is None else read_table(test, read, table_format),
    )
    write_bytes(output, page.to_html().encode("utf-8"))
    say(f"Wrote {output}.")
    warn("the report shows real rows without noise: it is not private.")
