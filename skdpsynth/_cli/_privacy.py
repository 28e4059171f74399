"""The command ``privacy``."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from ._hints import in_options
from ._house import FILE, Command
from ._sample import load_model

__all__ = ["privacy"]

_PREMISE = (
    "All of this presumes that the bounds and levels of the schema are public knowledge: a schema "
    "that was drafted from the private rows breaks it."
)
_LEGEND = (
    "Noise of the given standard deviation was added to every number of a release. The sensitivity "
    "is how much one row can change a release, the share that of the privacy budget."
)


@click.command(cls=Command)
@click.argument("model", type=FILE)
@click.option("--model-file", type=FILE, help="The Python file of the fit, if it had a model.")
def privacy(model: Path, model_file: Path | None) -> None:
    """Say in words what the fit of MODEL promised, and what was released.

    \b
    Example:
      skdpsynth privacy model.skdp
    """
    from .._report import describe_privacy

    synthesizer, _ = load_model(model, model_file)
    spent = synthesizer.privacy_spent_
    lines = [f"{type(synthesizer).__name__}: what an attacker can learn", ""]
    for sentence in [*describe_privacy(spent), *([_PREMISE] if spent.is_private else [])]:
        lines += wrap(in_options(sentence), 78, initial_indent="  - ", subsequent_indent="    ")
    lines += ["", "What was released", "", *wrap(_LEGEND, 78), ""]
    click.echo("\n".join([*lines, *_releases(synthesizer.ledger_)]))


def _releases(ledger: Any) -> list[str]:
    """Return the ledger without its notes, which the sentences hold already."""
    return [line for line in repr(ledger).splitlines() if not line.startswith("  note: ")]
