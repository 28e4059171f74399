"""The command ``privacy``."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import Any

import click

from ._house import FILE, Command
from ._sample import load_model

__all__ = ["privacy"]


@click.command(cls=Command)
@click.argument("model", type=FILE)
@click.option("--model-file", type=FILE, help="The Python file of the fit, if it had a model.")
def privacy(model: Path, model_file: Path | None) -> None:
    """Say in words what the fit of MODEL promised, and list what was released.

    \b
    Example:
      skdpsynth privacy model.skdp
    """
    from skdpsynth._report import describe_privacy

    synthesizer, _ = load_model(model, model_file)
    lines = [f"{type(synthesizer).__name__}: what an attacker can learn", ""]
    for sentence in describe_privacy(synthesizer.privacy_spent_):
        lines += wrap(sentence, 78, initial_indent="  - ", subsequent_indent="    ")
    click.echo("\n".join([*lines, "", "What was released", "", *_releases(synthesizer.ledger_)]))


def _releases(ledger: Any) -> list[str]:
    """Return the ledger without its notes, which the sentences hold already."""
    return [line for line in repr(ledger).splitlines() if not line.startswith("  note: ")]
