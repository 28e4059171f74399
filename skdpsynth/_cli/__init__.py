"""The command line ``skdpsynth``: one module per group of commands."""

from ._main import main

__all__ = ["main"]
