"""Which synthesizers are compared, and how one is made."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from copy import deepcopy
from importlib import import_module
from typing import Any

from sklearn.base import clone

from .._catalogue import METHODS, compared_methods

__all__ = ["describe", "import_object", "make_synthesizer", "read_methods"]

REAL = "real"


def import_object(text: str) -> Any:
    """Return what ``"package.module:Name"`` names.

    Raises
    ------
    ValueError
        If the module cannot be imported or lacks the name.
    """
    module, _, name = text.partition(":")
    try:
        found: Any = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{text!r} cannot be imported: {error}.") from error
    return found


def read_methods(methods: Any) -> dict[str, Any]:
    """Return a class or an instance for every name.

    Parameters
    ----------
    methods : str, sequence of str, mapping of name to class, instance or str, or None
        Names of the catalogue, ``"package.module:Name"``, or objects of one's own; None for
        those of the catalogue that are compared by default.

    Raises
    ------
    ValueError
        If a name is unknown or used twice, or what it names has no `fit` and `sample`.
    """
    if methods is None:
        methods = compared_methods()
    if isinstance(methods, str):
        methods = methods.split(",")
    entries = methods.items() if isinstance(methods, Mapping) else _name(methods)
    found: dict[str, Any] = {}
    for name, method in entries:
        if name in found:
            raise ValueError(f"The method {name!r} is given twice.")
        if name == REAL:
            raise ValueError(f"{REAL!r} is the name of the real rows; call the method otherwise.")
        found[name] = _find(method)
        lacking = [verb for verb in ("fit", "sample") if not hasattr(found[name], verb)]
        if lacking:
            raise ValueError(f"The method {name!r} has no {' and no '.join(lacking)}.")
    if not found:
        raise ValueError("Name at least one method.")
    return found


def _name(methods: Iterable[Any]) -> Iterable[tuple[str, Any]]:
    """Give listed methods a name: their own, or that of their class."""
    for method in methods:
        if isinstance(method, str):
            text = method.strip()
            yield text.rpartition(":")[2], text
        else:
            cls = method if inspect.isclass(method) else type(method)
            yield cls.__name__, method


def _find(method: Any) -> Any:
    if not isinstance(method, str):
        return method
    if method not in METHODS and ":" not in method:
        raise ValueError(
            f"The method {method!r} is unknown. Choose among {list(METHODS)}, or name a class as "
            "'package.module:Name'."
        )
    return METHODS[method].load() if method in METHODS else import_object(method)


def describe(method: Any) -> str:
    """Return a text that tells two methods apart, the settings included."""
    if inspect.isclass(method):
        return f"{method.__module__}:{method.__qualname__}"
    return f"{type(method).__module__}:{' '.join(repr(method).split())}"


def make_synthesizer(method: Any, **budget: Any) -> Any:
    """Return a new synthesizer with as much of ε, δ and the schema as it takes.

    Parameters
    ----------
    method : class, function or instance
        An instance is copied and keeps its other parameters.
    **budget : object
        ``epsilon``, ``delta`` and ``schema``.
    """
    if (callable(method) and not hasattr(method, "get_params")) or inspect.isclass(method):
        parameters = inspect.signature(method).parameters
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return method(**{k: v for k, v in budget.items() if takes_all or k in parameters})
    if hasattr(method, "get_params"):
        own = method.get_params()
        return clone(method).set_params(**{k: v for k, v in budget.items() if k in own})
    copy = deepcopy(method)
    for name, value in budget.items():
        if hasattr(copy, name):
            setattr(copy, name, value)
    return copy
