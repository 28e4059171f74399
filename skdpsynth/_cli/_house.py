"""What all commands share: how they are declared, and how they speak."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import click

__all__ = [
    "CONTEXT",
    "FILE",
    "SCHEMA",
    "Command",
    "Group",
    "LazyGroup",
    "Problem",
    "Settings",
    "bars",
    "say",
    "warn",
]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100, "show_default": True}
FILE = click.Path(path_type=Path)
# what help shows for it
FILE.name = "FILE"


class SchemaPath(click.Path):
    """The file of a schema, which nobody has at first."""

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str:
        """Return what to do where none was given."""
        return (
            "A schema says what is public about the columns; draft one from rows that are public: "
            "skdpsynth schema draft public.csv -o schema.json"
        )


SCHEMA = SchemaPath(path_type=Path)
SCHEMA.name = "FILE"


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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands, each with its whole first sentence."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(200)) for name, command in self.commands.items()]
            )


class LazyGroup(Group):
    """Commands whose modules are imported when they run: a list of them should not take seconds.

    `homes` says of each command the module of this package that has it, under the same name, and
    its line in the list.
    """

    def __init__(self, name: str, homes: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(name, **kwargs)
        self.homes = homes

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in order."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, or None."""
        if cmd_name not in self.homes:
            return None
        return getattr(import_module(f".{self.homes[cmd_name][0]}", __package__), cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.homes.items()])


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
