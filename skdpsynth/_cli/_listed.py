"""Options that name methods: read from the catalogue when they are asked, not when declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from .._catalogue import METHODS

__all__ = ["MethodName", "MethodsOption", "describe_methods"]


class MethodName(click.ParamType):
    """The name of a method of the catalogue."""

    name = "choice"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """Return the names, as the help shows them."""
        return f"[{'|'.join(METHODS)}]"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the name if there is such a method."""
        if value not in METHODS:
            self.fail(f"{value!r} is not one of {', '.join(map(repr, METHODS))}.", param, ctx)
        return value


class MethodsOption(click.Option):
    """An option whose help, and perhaps its default, is told by the catalogue."""

    def __init__(
        self,
        *args: Any,
        tell: Callable[[], str],
        default_of: Callable[[], str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.help = tell()
        self.tell = tell
        self.default_of = default_of

    def get_default(self, ctx: click.Context, call: bool = True) -> Any:
        """Return the default as it is now."""
        return super().get_default(ctx, call) if self.default_of is None else self.default_of()

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the help as it is now."""
        self.help = self.tell()
        return super().get_help_record(ctx)


def describe_methods() -> str:
    """Return what each method is for."""
    return " ".join(f"{name}: {method.about}." for name, method in METHODS.items())
