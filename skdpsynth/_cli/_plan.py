"""The command ``plan``."""

from __future__ import annotations

import json
import math
from typing import Any

import click

from .._contracts import FitPlan
from ._fit import fit_options, read_inputs, split_options
from ._house import Command
from ._methods import make_synthesizer

__all__ = ["plan"]


@click.command(cls=Command)
@fit_options
@click.option("--json", "as_json", is_flag=True, help="As JSON, for a program to read.")
def plan(as_json: bool, **given: Any) -> None:
    """Say what a fit would buy with its budget, before any row is read.

    It takes the options of `fit` and no data, so that those about the table's format have no
    effect here, and lists every release to come with its share of the budget. Nothing is spent.

    \b
    Example:
      skdpsynth plan --schema schema.json --epsilon 1 --method napsu
    """
    options, reading = split_options(given)
    schema = reading.reduce(read_inputs(options, reading))
    found = make_synthesizer(options, schema, reading.code).plan(schema)
    click.echo(json.dumps(_as_json(found), indent=2) if as_json else repr(found))


def _as_json(found: FitPlan) -> dict[str, Any]:
    """Return a plan as JSON: null is a share that a mechanism does not have, or a free number."""
    return {
        "method": found.method,
        "epsilon": found.epsilon if math.isfinite(found.epsilon) else "inf",
        "delta": found.delta,
        "adjacency": found.adjacency,
        "releases": [
            {
                "release": planned.name,
                "mechanism": planned.mechanism,
                "n_releases": planned.n_releases,
                "share": None if math.isnan(planned.share) else planned.share,
            }
            for planned in found.releases
        ],
    }
