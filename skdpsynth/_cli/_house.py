"""What all commands share: how they are declared, and how they speak."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

__all__ = ["CONTEXT", "FILE", "Command", "Group", "Problem", "Settings", "bars", "say", "warn"]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
FILE = click.Path(path_type=Path)
# what help shows for it
FILE.name = "FILE"


@dataclass
class Settings:
    """What holds for a whole call."""

    debug: bool = False


class Problem(click.ClickException):
    """Something in the world is not as a command needs it: exit code 1, and no usage shown."""


class Command(click.Command):
    """A command that takes ``--debug`` besides its own options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {**CONTEXT, **(kwargs.get("context_settings") or {})}
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--debug"],
                is_flag=True,
                expose_value=False,
                callback=_set_debug,
                help="Show where an error comes from; the trace may quote rows.",
            )
        )


def _set_debug(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value and isinstance(context.obj, Settings):
        context.obj.debug = True


class Group(click.Group):
    """Commands in the order in which they are mounted; without one, their list is shown."""

    command_class = Command

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("context_settings", CONTEXT)
        kwargs.setdefault("invoke_without_command", True)
        kwargs.setdefault("callback", show_help)
        super().__init__(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in order."""
        return list(self.commands)


@click.pass_context
def show_help(context: click.Context) -> None:
    """Print the list of commands where none was named."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


def say(text: str) -> None:
    """Tell the user something on standard error: standard output is for results."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Tell the user of a risk."""
    click.secho(f"Warning: {text}", err=True, fg="yellow")


def bars() -> int:
    """Return the `verbose` of a synthesizer: progress bars on a terminal, none in a pipe."""
    return int(sys.stderr.isatty())
