"""The root of the commands, and what happens around each: exit codes, errors, warnings."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..exceptions import SyntheticDataWarning
from ._house import LazyGroup, Settings, say, warn

__all__ = ["main"]

OK, FAILED, INTERRUPTED = 0, 1, 130

# what the package, its dependencies and the system raise with a message for the user
EXPECTED = (OSError, ValueError, TypeError, RuntimeError, ImportError, UserWarning)

_HELP = """\
Differentially private synthetic tables.

You hold a table about people and may not share it. These commands fit a model to it under
differential privacy and draw a synthetic table from the model, which you may share.

\b
  1. Say what is public about the columns (draft it from rows that are public):
       skdpsynth schema draft public.csv -o schema.json
  2. Fit a model, which spends the privacy budget:
       skdpsynth fit data.csv --schema schema.json --epsilon 1 --delta 1e-6 -o model.skdp
  3. Draw as many rows as you like, at no further cost:
       skdpsynth sample model.skdp -n 1000 -o twin.csv
  4. Read what was promised:
       skdpsynth privacy model.skdp

"skdpsynth COMMAND --help" explains a command, with an example.
"""

# name: (module, what the list of commands says)
COMMANDS = {
    "schema": ("_schema", "Say what is public about a table: draft, buy and check schemas."),
    "plan": ("_plan", "Say what a fit would buy with its budget, before any row is read."),
    "fit": ("_fit", "Fit a model to DATA under differential privacy."),
    "sample": ("_sample", "Draw synthetic rows from MODEL, a file that `fit` wrote."),
    "synthesize": ("_fit", "Fit a model to DATA and draw a synthetic table, in one step."),
    "privacy": ("_privacy", "Say in words what the fit of MODEL promised, and what was released."),
    "report": ("_report", "Compare the SYNTHETIC table with the REAL one on an HTML page."),
    "benchmark": ("_benchmark", "Compare synthesizers on a public table."),
    "demo": ("_demo", "Make a private synthetic copy of a real table and measure it."),
}

commands = LazyGroup("skdpsynth", COMMANDS, help=_HELP)
commands.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=lambda context, parameter, value: _show_version(context, value),
        help="Show the version.",
    )
)


def _show_version(context: click.Context, value: bool) -> None:
    if value:
        click.echo(__version__)
        context.exit()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The command and its options; those of the process by default.

    Returns
    -------
    int
        The exit code: 0; 1 where something failed; 2 where the arguments make no sense; 130 after
        an interruption. Errors are told on standard error, without a trace unless ``--debug``.
    """
    settings = Settings()
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        # whoever runs a command reads of every fit
        warnings.simplefilter("always", SyntheticDataWarning)
        try:
            code = commands.main(
                args=None if arguments is None else list(arguments),
                prog_name=_program(),
                obj=settings,
                standalone_mode=False,
            )
        except (click.Abort, KeyboardInterrupt) as error:
            _trace(error, settings)
            say("Interrupted; nothing was written.")
            return INTERRUPTED
        except click.ClickException as error:
            _trace(error, settings)
            error.show()
            return error.exit_code
        except Exception as error:
            _trace(error, settings)
            say(f"Error: {_describe(error)}")
            return FAILED
    return code if isinstance(code, int) else OK


def _program() -> str:
    """Return how the command line was called."""
    return "skdpsynth" if Path(sys.argv[0]).stem == "skdpsynth" else "python -m skdpsynth"


def _trace(error: BaseException, settings: Settings) -> None:
    if settings.debug:
        traceback.print_exception(error)


def _describe(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, EXPECTED) and str(error):
        return str(error)
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{text} (unexpected; --debug shows where it comes from)"


def _show_warning(message: Any, *rest: Any, **others: Any) -> None:
    warn(str(message))
