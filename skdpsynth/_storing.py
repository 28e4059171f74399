"""How a wing declares what of it is stored in files.

A wing has a module `_stored` with a `Stored`: an `Entry` for every dataclass or named tuple that
its models consist of, and a `StoredSynthesizer` for each of its synthesizers. A file can hold
nothing else: a class that is not listed is never made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

__all__ = [
    "Entry",
    "Function",
    "Stored",
    "StoredSynthesizer",
    "is_rising",
    "is_subset",
    "is_vector",
    "require",
]


class Function(NamedTuple):
    """Stands for what `load` is passed under this name."""

    name: str


@dataclass(frozen=True)
class Entry:
    """How objects of one class are stored.

    Attributes
    ----------
    cls : type
        A dataclass or named tuple, unless `state` is given.
    check : callable, default=None
        Raises where an object, made of fields of the declared types, is impossible.
    state : type, default=None
        The dataclass or named tuple that declares what is stored; None for the class itself.
    taken : callable, default=None
        Returns the fields of an object; by default attributes of their names.
    build : callable, default=None
        Makes an object of its fields; by default the class.
    columns : callable, default=None
        Of a model: names and kinds of its columns, which must be those of the schema.
    convert : callable, default=None
        For files of earlier releases: of the fields that a file holds, it returns those of today.
    added : frozenset of str, default=frozenset()
        Fields, with defaults, that files of earlier releases lack.
    """

    cls: Any
    check: Callable[[Any], None] | None = None
    state: Any = None
    taken: Callable[[Any], Mapping[str, Any]] | None = None
    build: Callable[..., Any] | None = None
    columns: Callable[[Any], list[tuple[Any, Any]]] | None = None
    convert: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    added: frozenset[str] = frozenset()


@dataclass(frozen=True)
class StoredSynthesizer:
    """A synthesizer that can be saved.

    Attributes
    ----------
    cls : type
    models : tuple of type
        What its `model_` can be.
    fitted : mapping of attribute name to type, default={}
        Fitted attributes beside those that `BaseSynthesizer` sets.
    """

    cls: type
    models: tuple[type, ...]
    fitted: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stored:
    """What of a wing is stored.

    Attributes
    ----------
    entries : tuple of Entry
    synthesizers : tuple of StoredSynthesizer, default=()
    builds_on : tuple of str, default=()
        The modules with what lower wings store, where its models consist of that too. What every
        synthesizer has, schemas and ledgers, goes without saying.
    convert : callable, default=None
        For files of earlier releases: of the name of the class, the parameters and the model that
        a file holds, it returns the name and the parameters that they would have today.
    """

    entries: tuple[Entry, ...]
    synthesizers: tuple[StoredSynthesizer, ...] = ()
    builds_on: tuple[str, ...] = ()
    convert: Callable[[str, dict[str, Any], Any], tuple[str, dict[str, Any]]] | None = None


# What must hold between fields beside their types. A file may have been made by anyone: what does
# not hold would end in an obscure error, or in a table of a size that the file does not suggest.


def require(condition: Any, what: str) -> None:
    """Raise unless a condition holds.

    Raises
    ------
    ValueError
        Saying what does not hold.
    """
    if not condition:
        raise ValueError(what)


def is_vector(array: np.ndarray, length: int, kinds: str = "f") -> bool:
    """Return whether an array is a vector of finite numbers of a length and kinds of dtype."""
    is_right = array.shape == (length,) and array.dtype.kind in kinds
    return is_right and bool(np.isfinite(array).all())


def is_rising(numbers: np.ndarray, n_numbers: int) -> bool:
    """Return whether 0, ..., n_numbers - 1 follow one another, each once or more."""
    steps = np.diff(numbers.astype(np.int64), prepend=0)
    return bool(((steps == 0) | (steps == 1)).all()) and numbers[-1] == n_numbers - 1


def is_subset(variables: Sequence[int], n_variables: int) -> bool:
    """Return whether these are variables, rising."""
    is_ordered = list(variables) == sorted(set(variables))
    is_known = all(0 <= variable < n_variables for variable in variables)
    return bool(variables) and is_ordered and is_known
