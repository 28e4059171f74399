"""The classes that the file of a synthesizer can hold, read from what its wing declares.

The catalogue says of every method which module that is. It is imported when a file is saved or
loaded, so that saving stands below the synthesizers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any, NamedTuple

from .._storing import Entry, Stored, StoredSynthesizer

__all__ = ["Registry", "read_registry"]

# what every synthesizer has
COMMON = ("skdpsynth.privacy._stored", "skdpsynth.schema._stored")


class Registry(NamedTuple):
    """What a file can hold; a class that is not listed is never made.

    Attributes
    ----------
    entries : mapping of type to Entry
    classes : mapping of str to Entry
        The same by the names of the classes, as they stand in files.
    synthesizers : mapping of str to StoredSynthesizer
        By the names of their classes.
    convert : callable or None
        See `Stored`.
    """

    entries: Mapping[type, Entry]
    classes: Mapping[str, Entry]
    synthesizers: Mapping[str, StoredSynthesizer]
    convert: Callable[[str, dict[str, Any], Any], tuple[str, dict[str, Any]]] | None


@lru_cache(maxsize=64)
def read_registry(path: str | None = None) -> Registry:
    """Return what the files of a method can hold.

    Parameters
    ----------
    path : str, default=None
        The module that declares it; None for what all have in common.
    """
    declared = [*map(_read, COMMON), *([] if path is None else _with_lower(path))]
    entries = {entry.cls: entry for stored in declared for entry in stored.entries}
    own = _read(path) if path is not None else Stored(())
    return Registry(
        entries,
        {cls.__name__: entry for cls, entry in entries.items()},
        {synthesizer.cls.__name__: synthesizer for synthesizer in own.synthesizers},
        own.convert,
    )


def _with_lower(path: str) -> Iterator[Stored]:
    stored = _read(path)
    for lower in stored.builds_on:
        yield from _with_lower(lower)
    yield stored


def _read(path: str) -> Stored:
    return import_module(path).STORED
