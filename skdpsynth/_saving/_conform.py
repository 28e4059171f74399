"""Objects to fields and back; whether a value is what a class declares a field to be."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from .._storing import Entry

__all__ = ["check_fields", "conforms", "field_hints", "make", "take"]

_NUMBERS: dict[Any, tuple[type, ...]] = {
    bool: (bool, np.bool_),
    int: (int, np.integer),
    float: (int, float, np.integer, np.floating),
}


@lru_cache(maxsize=256)
def field_hints(cls: type) -> dict[str, Any]:
    """Return the declared types of the fields that are stored of a dataclass or named tuple."""
    names = getattr(cls, "_fields", None) or tuple(
        field.name for field in dataclasses.fields(cls) if field.metadata.get("stored", True)
    )
    hints = get_type_hints(cls)
    return {name: hints[name] for name in names}


def take(entry: Entry, value: Any) -> Mapping[str, Any]:
    """Return what is stored of an object, by field."""
    if entry.taken is not None:
        return entry.taken(value)
    return {name: getattr(value, name) for name in field_hints(entry.cls)}


def make(entry: Entry, fields: Mapping[str, Any]) -> Any:
    """Return the object of its fields.

    Raises
    ------
    TypeError, ValueError
        If there is no such object.
    """
    if entry.convert is not None:
        fields = entry.convert(dict(fields))
    check_fields(entry.state or entry.cls, fields, entry.added)
    value = (entry.build or entry.cls)(**fields)
    if entry.check is not None:
        entry.check(value)
    return value


def check_fields(cls: type, fields: Mapping[str, Any], added: frozenset[str] = frozenset()) -> None:
    """Raise where fields are missing, unless added later, unknown, or not of the declared types.

    Raises
    ------
    TypeError
        Naming the class and the field.
    """
    hints = field_hints(cls)
    if set(fields) | added != set(hints):
        raise TypeError(f"{cls.__name__} has the fields {sorted(hints)}, not {sorted(fields)}")
    for name, value in fields.items():
        if not conforms(value, hints[name]):
            raise TypeError(f"{cls.__name__}.{name} is of type {type(value).__name__}")


def conforms(value: Any, hint: Any) -> bool:
    """Return whether a value is of a declared type, its items included.

    Examples
    --------
    >>> conforms(((0, 1), (2,)), tuple[tuple[int, ...], ...]), conforms((0.5,), tuple[int, ...])
    (True, False)
    """
    if hint is Any:
        return True
    if hint is None:
        return value is None
    if hint in _NUMBERS:
        is_bool = isinstance(value, bool | np.bool_)
        return isinstance(value, _NUMBERS[hint]) and is_bool == (hint is bool)
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(conforms(value, argument) for argument in arguments)
    if origin is tuple:
        return isinstance(value, tuple) and _items_conform(value, arguments)
    if origin is Mapping:
        return isinstance(value, dict) and all(
            conforms(k, arguments[0]) and conforms(v, arguments[1]) for k, v in value.items()
        )
    if origin is Sequence:
        return isinstance(value, list | tuple) and all(conforms(v, arguments[0]) for v in value)
    if origin is Callable:
        return callable(value)
    if getattr(hint, "_is_protocol", False):
        methods = [name for name in vars(hint) if not name.startswith("_")]
        return all(hasattr(value, name) for name in methods)
    return isinstance(value, hint)


def _items_conform(items: tuple[Any, ...], arguments: tuple[Any, ...]) -> bool:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return all(conforms(item, arguments[0]) for item in items)
    return len(items) == len(arguments) and all(map(conforms, items, arguments))
