"""A walk over everything that is reachable from an object, in search of private numbers."""

from __future__ import annotations

import gc
import re
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import pandas as pd

__all__ = ["Canaries", "find_leaks", "global_state", "reachable"]

SKIPPED = (type, types.ModuleType, types.BuiltinFunctionType, types.CodeType, types.FrameType)


def reachable(root: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every object that can be reached, with a way to it.

    Attributes, items, slots, closures, defaults, bound methods, cached calls and the memory behind
    views of arrays; not modules, classes, and the global names of functions.
    """
    namespaces = {id(vars(module)) for module in list(sys.modules.values())}
    stack, seen = [(name, root)], set()
    # keeps what is made on the way alive, so that no id comes up twice
    alive = []
    while stack:
        path, value = stack.pop()
        if id(value) in seen or id(value) in namespaces or isinstance(value, SKIPPED):
            continue
        seen.add(id(value))
        alive.append(value)
        yield path, value
        stack.extend(_children(path, value))


def _children(path: str, value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        keys = [(f"{path}.keys", key) for key in value]
        return keys + [(f"{path}[{str(key)[:40]!r}]", item) for key, item in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"{path}[{position}]", item) for position, item in enumerate(value)]
    if isinstance(value, np.ndarray):
        items = list(value.flat) if value.dtype == object else []
        base = [] if value.base is None else [(f"{path}.base", value.base)]
        return base + [(f"{path}[{position}]", item) for position, item in enumerate(items)]
    if isinstance(value, str | bytes | int | float | complex | jax.Array):
        return []
    slots = getattr(type(value), "__slots__", ())
    named = list(getattr(value, "__dict__", {}).items())
    for slot in [slots] if isinstance(slots, str) else slots:
        if hasattr(value, slot):
            named.append((slot, getattr(value, slot)))
    children = [(f"{path}.{key}", item) for key, item in named]
    # closures, defaults, partial arguments, caches: whatever the garbage collector knows of
    referents = gc.get_referents(value)
    if isinstance(value, types.FunctionType):
        # those of a function that came from no module, too
        referents = [referent for referent in referents if referent is not value.__globals__]
    return children + [(f"{path}<{type(value).__name__}>", referent) for referent in referents]


@dataclass
class Canaries:
    """What must not be found.

    Attributes
    ----------
    values : tuple of float
        Planted in rows, and what the code turns them into.
    counts : tuple of int
        Exact numbers of rows.
    texts : tuple of str
        Planted in rows, and the beginnings of the numbers.
    """

    values: tuple[float, ...]
    counts: tuple[int, ...] = ()
    texts: tuple[str, ...] = field(default=())

    def in_value(self, value: Any) -> str | None:
        """Return what an object gives away, or None."""
        if isinstance(value, pd.DataFrame | pd.Series | pd.Index):
            return f"a {type(value).__name__}"
        if isinstance(value, jax.Array) and not jax.dtypes.issubdtype(
            value.dtype, jax.dtypes.prng_key
        ):
            value = np.asarray(value)
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, bytes):
            return self.in_bytes(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in "iuf":
            sizes = [size for size in (*value.shape, value.size) if size in self.counts]
            if sizes:
                return f"an array of a length that is private, {sizes[0]}"
            return self.in_numbers(value.astype(np.float64).ravel())
        if isinstance(value, int | float | np.number) and not isinstance(value, bool):
            return self.in_numbers(np.array([min(float(value), 1e300)]))
        return None

    def in_numbers(self, numbers: np.ndarray) -> str | None:
        """Return which private number is among some numbers, or None."""
        for canary in self.values:
            # single precision has lost the digits beyond
            if np.isclose(numbers, canary, rtol=2e-7, atol=0.0).any():
                return f"the value {canary}"
        for count in self.counts:
            if (numbers == count).any():
                return f"the count {count}"
        return None

    def in_text(self, text: str) -> str | None:
        """Return which private text is in a text, or None."""
        for count in self.counts:
            # on its own: no part of another number, of a name or of an address
            if re.search(rf"(?<![\w.+-])({count}|{count:,})(?![\w]|[.,]\d*[1-9])", text):
                return f"the count {count}"
        return next((f"the text {canary!r}" for canary in self.texts if canary in text), None)

    def in_bytes(self, data: bytes) -> str | None:
        """Return which private value some bytes hold, or None."""
        for canary in self.values:
            for kind in ("<f8", ">f8", "<f4", ">f4"):
                if np.array(canary, kind).tobytes() in data:
                    return f"the value {canary}"
        return next((f"the text {t!r}" for t in self.texts if t.encode() in data), None)


def find_leaks(root: Any, canaries: Canaries, name: str = "") -> dict[str, str]:
    """Return the ways to private numbers, and what is there."""
    found = {}
    for path, value in reachable(root, name):
        leak = canaries.in_value(value)
        if leak is not None:
            found[path] = leak
    return found


def global_state(package: str) -> dict[str, Any]:
    """Return what the modules of a package keep, memories of cached calls included."""
    return {
        f"{key}.{name}": value
        for key, module in sorted(sys.modules.items())
        if key == package or key.startswith(f"{package}.")
        for name, value in vars(module).items()
        if not isinstance(value, SKIPPED) and not name.startswith("__")
    }
