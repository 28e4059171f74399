"""How faults are planted: one change each, while a block runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

__all__ = ["FAULTS", "changed", "planted"]

FAULTS: dict[str, Callable[[], Any]] = {}


def planted(name: str) -> Callable[[Callable[[], Iterator[None]]], Callable[[], Any]]:
    """Enter a fault under its name."""

    def enter(fault: Callable[[], Iterator[None]]) -> Callable[[], Any]:
        FAULTS[name] = contextmanager(fault)
        return FAULTS[name]

    return enter


def changed(owner: Any, name: str, change: Callable[..., Any]) -> Any:
    """Return a patch of an attribute by a function of the real one and its arguments."""
    real = getattr(owner, name)

    def run(*args: Any, **options: Any) -> Any:
        return change(real, *args, **options)

    return mock.patch.object(owner, name, run)
