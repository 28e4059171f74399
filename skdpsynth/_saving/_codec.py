"""Objects as JSON and arrays, and back; only what the registry lists is ever made.

Numbers, strings, None and lists stand for themselves. Everything else is a JSON object with one
key, which says what it is. Objects that are shared are stored once, arrays too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._storing import Function
from ..schema import dtype_of, name_dtype
from ._arrays import ARRAY_DTYPES
from ._conform import make, take
from ._registry import Registry, read_registry

__all__ = ["Decoder", "Encoder", "check_depth"]

# of JSON; a tuple in a tuple takes two levels, a mapping in a mapping three
LARGEST_DEPTH = 200

_COLLECTIONS: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}


def check_depth(node: Any) -> None:
    """Raise where JSON is nested deeper than any file needs.

    How much deeper Python itself can go depends on its version and on who calls.

    Raises
    ------
    ValueError
        If it is.
    """
    level = [node]
    for _ in range(LARGEST_DEPTH):
        parts = [part.values() if isinstance(part, dict) else part for part in level]
        level = [inner for part in parts for inner in part if isinstance(inner, dict | list)]
        if not level:
            return
    raise ValueError("values are nested too deeply")


class Encoder:
    """Turns objects into JSON values; arrays and objects of registered classes are collected.

    Parameters
    ----------
    functions : mapping of name to object
        What is not stored: whoever loads the file passes it.
    registry : Registry, default=None
        The classes that can be stored; by default those that every synthesizer has.
    """

    def __init__(self, functions: Mapping[str, Any], registry: Registry | None = None) -> None:
        self.functions = functions
        self.registry = read_registry() if registry is None else registry
        self.arrays: list[np.ndarray] = []
        self.objects: list[dict[str, Any]] = []
        # the values are kept, so that no other gets the identity of one
        self._seen: dict[int, tuple[Any, dict[str, Any]]] = {}

    def encode(self, value: Any) -> Any:
        """Return the JSON value of an object.

        Raises
        ------
        TypeError
            If nothing like it can be stored.
        """
        if isinstance(value, str):
            return str(value)
        if isinstance(value, np.generic):
            return self._encode_scalar(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else {"float": str(float(value))}
        for name, function in self.functions.items():
            if value is function:
                return {"function": name}
        if type(value) in self.registry.entries or isinstance(value, np.ndarray):
            return self._encode_shared(value)
        return self._encode_collection(value)

    def _encode_scalar(self, value: np.generic) -> Any:
        if value.dtype.name not in ARRAY_DTYPES:
            raise TypeError(f"a number of dtype {value.dtype} cannot be saved")
        return {"scalar": [value.dtype.name, self.encode(value.item())]}

    def _encode_collection(self, value: Any) -> Any:
        if isinstance(value, Function):
            return {"function": value.name}
        if isinstance(value, list):
            return [self.encode(item) for item in value]
        if isinstance(value, Mapping):
            return {"mapping": [[self.encode(k), self.encode(v)] for k, v in value.items()]}
        if type(value) in _COLLECTIONS:
            items = [self.encode(item) for item in value]
            if not isinstance(value, tuple):
                items.sort(key=json.dumps)
            return {_COLLECTIONS[type(value)]: items}
        if isinstance(value, np.dtype | pd.api.extensions.ExtensionDtype):
            return {"dtype": name_dtype(value)}
        raise TypeError(
            f"a {type(value).__name__} cannot be saved; use numbers, strings, lists, tuples, "
            "mappings or arrays"
        )

    def _encode_shared(self, value: Any) -> Any:
        if id(value) not in self._seen:
            if isinstance(value, np.ndarray):
                node = self._encode_array(value)
            else:
                node = self._encode_object(value)
            self._seen[id(value)] = (value, node)
        return self._seen[id(value)][1]

    def _encode_array(self, array: np.ndarray) -> dict[str, Any]:
        if array.dtype.name in ARRAY_DTYPES:
            self.arrays.append(array)
            return {"array": len(self.arrays) - 1}
        texts = array.ravel().tolist()
        if array.dtype.kind not in "OU" or not all(isinstance(text, str) for text in texts):
            raise TypeError(f"an array of dtype {array.dtype} cannot be saved")
        return {"strings": [array.dtype.kind, list(array.shape), [str(text) for text in texts]]}

    def _encode_object(self, value: Any) -> dict[str, Any]:
        taken = take(self.registry.entries[type(value)], value)
        fields = {name: self.encode(part) for name, part in taken.items()}
        self.objects.append({"class": type(value).__name__, "fields": fields})
        return {"object": len(self.objects) - 1}


class Decoder:
    """Turns JSON values into objects; the inverse of `Encoder`.

    Parameters
    ----------
    arrays : sequence of ndarray
    functions : mapping of name to object
        What `load` was passed.
    registry : Registry, default=None
        The classes that are ever made; by default those that every synthesizer has.
    """

    def __init__(
        self,
        arrays: Sequence[np.ndarray],
        functions: Mapping[str, Any],
        registry: Registry | None = None,
    ) -> None:
        self.arrays = arrays
        self.functions = functions
        self.registry = read_registry() if registry is None else registry
        self.objects: list[Any] = []

    def decode_objects(self, nodes: Any) -> None:
        """Make all objects, in order: each has been made before another refers to it."""
        for node in _list(nodes):
            entry = self.registry.classes[node["class"]]
            fields = {str(k): self.decode(v) for k, v in dict(node["fields"]).items()}
            self.objects.append(make(entry, fields))

    def decode(self, node: Any) -> Any:
        """Return the object of a JSON value."""
        if isinstance(node, list):
            return [self.decode(item) for item in node]
        if not isinstance(node, dict):
            return node
        ((tag, body),) = node.items()
        if tag in ("array", "object"):
            # a negative number would count from the end
            return {"array": self.arrays, "object": self.objects}[tag][_position(body)]
        if tag == "function":
            return self.functions[body]
        return _BUILDERS[tag](self, body)

    def _scalar(self, body: Any) -> Any:
        name, value = _list(body)
        return ARRAY_DTYPES[name].type(self.decode(value))

    def _mapping(self, body: Any) -> dict[Any, Any]:
        return {self.decode(key): self.decode(value) for key, value in map(_list, _list(body))}

    def _items(self, body: Any) -> list[Any]:
        return [self.decode(item) for item in _list(body)]


def _decode_strings(decoder: Decoder, body: Any) -> np.ndarray:
    kind, shape, texts = _list(body)
    if kind not in ("O", "U") or not all(isinstance(text, str) for text in _list(texts)):
        raise TypeError("it holds an array of strings that are none")
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array.reshape([_position(length) for length in shape]).astype(kind, copy=False)


_BUILDERS: dict[str, Any] = {
    "tuple": lambda decoder, body: tuple(decoder._items(body)),
    "set": lambda decoder, body: set(decoder._items(body)),
    "frozenset": lambda decoder, body: frozenset(decoder._items(body)),
    "mapping": Decoder._mapping,
    "scalar": Decoder._scalar,
    "strings": _decode_strings,
    "float": lambda decoder, body: {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[body],
    "dtype": lambda decoder, body: dtype_of(body),
}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"it holds a {type(value).__name__} where a list is expected")
    return value


def _position(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"it holds {value!r} where a position is expected")
    return value
