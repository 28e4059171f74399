"""The command ``demo``."""

from __future__ import annotations

from pathlib import Path

import click

from ._house import Command, Problem, say

__all__ = ["demo"]


@click.command(cls=Command)
@click.option("--output-dir", metavar="FOLDER", default="demo_output", help="Folder for the files.")
@click.option(
    "--epsilon",
    metavar="NUMBER",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="Privacy budget ε.",
)
@click.option(
    "--seed",
    metavar="N",
    type=int,
    help="Repeat a run exactly, noise included (public tables only).",
)
def demo(output_dir: str, epsilon: float, seed: int | None) -> int:
    """Make a private synthetic copy of a real table and measure it.

    Fits a synthesizer to the RAND Health Insurance Experiment, a public table that comes with
    statsmodels, writes synthetic rows and a picture of their marginals, and prints how good they
    are.

    \b
    Example:
      skdpsynth demo --epsilon 0.5
    """
    from .._demo import format_report, run_demo

    if Path(output_dir).is_file():
        raise Problem(f"{output_dir} is a file; name a folder.")
    try:
        result = run_demo(output_dir, epsilon, seed)
    except KeyboardInterrupt:
        say(f"Interrupted; what is in {output_dir} may be incomplete.")
        return 130
    click.echo(format_report(result))
    return 0
