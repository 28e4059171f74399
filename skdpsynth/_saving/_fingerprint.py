"""Fingerprints of functions, which a file has in the place of a model of one's own."""

from __future__ import annotations

import dis
import hashlib
import inspect
import re
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

import numpy as np

from ..exceptions import SavedModelError

__all__ = ["Fingerprint", "check_fingerprint", "fingerprint"]

_JOINED = re.compile(
    "(LOAD_FAST_BORROW|LOAD_FAST|STORE_FAST)_(LOAD_FAST_BORROW|LOAD_FAST|STORE_FAST)"
)
# set where there is documentation, from Python 3.14 on
_HAS_DOCSTRING = 0x4000000


class Fingerprint(NamedTuple):
    """What is stored of a model or guide: nothing that could be run.

    Attributes
    ----------
    name : str
        Module and name.
    python : str
        The interpreter that `bytecode` is for.
    bytecode : str
        Digest of the compiled code, the defaults and what the function encloses.
    source : str or None
        The same of its text, where that is known.
    """

    name: str
    python: str
    bytecode: str
    source: str | None


def fingerprint(function: Any) -> Fingerprint:
    """Return the fingerprint of a function, a callable object or a class.

    It covers the function's code, defaults, enclosed variables, and the functions among those; of
    a class the name; of another object its class, its ``__call__`` and its attributes. What the
    function finds under global names, such as another function it calls, is not covered.
    """
    try:
        source = _digest(function, _source_text)
    except (OSError, TypeError, SyntaxError):
        source = None
    bytecode = _digest(function, _bytecode_text)
    return Fingerprint(_name(function), sys.implementation.cache_tag, bytecode, source)


def check_fingerprint(saved: Mapping[str, Any], function: Any, which: str) -> None:
    """Raise where a function is not the one that was fitted; warn where that cannot be told.

    Raises
    ------
    SavedModelError
        Naming both.
    """
    stored, given = Fingerprint(**saved), fingerprint(function)
    if stored.python == given.python:
        is_same = stored.bytecode == given.bytecode
    elif stored.source is not None and given.source is not None:
        is_same = stored.source == given.source
    else:
        warnings.warn(
            f"Whether {given.name} is the {which} that was fitted, {stored.name}, cannot be told: "
            f"the file was saved by {stored.python}, this is {given.python}, and the text of the "
            "function is not known.",
            UserWarning,
            stacklevel=4,
        )
        return
    if not is_same:
        raise SavedModelError(
            f"the {which} that was passed, {given.name}, is not the one that was fitted, "
            f"{stored.name}: its code, defaults or enclosed variables differ"
        )


def _name(value: Any) -> str:
    named = value if hasattr(value, "__qualname__") else type(value)
    return f"{named.__module__}.{named.__qualname__}"


def _digest(value: Any, text_of: Callable[[FunctionType], str]) -> str:
    return hashlib.sha256(_describe(value, text_of, ()).encode("utf-8", "replace")).hexdigest()


def _describe(value: Any, text_of: Callable[[FunctionType], str], outer: tuple[int, ...]) -> str:
    """Return a text that differs where what a function does may differ."""
    if id(value) in outer:
        return "recursive"
    outer = (*outer, id(value))

    def inner(part: Any) -> str:
        return _describe(part, text_of, outer)

    if value is None or isinstance(value, bool | int | float | complex | str | bytes):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} [{','.join(map(inner, value))}]"
    if isinstance(value, set | frozenset):
        return f"{type(value).__name__} [{','.join(sorted(map(inner, value)))}]"
    if isinstance(value, Mapping):
        return f"mapping [{','.join(f'{inner(k)}:{inner(v)}' for k, v in value.items())}]"
    if isinstance(value, FunctionType):
        cells = [_cell(cell) for cell in value.__closure__ or ()]
        parts = [value.__defaults__, value.__kwdefaults__, cells]
        return f"function {text_of(value)} {inner(parts)}"
    if isinstance(value, MethodType):
        return f"method {inner(value.__func__)} {inner(value.__self__)}"
    if isinstance(value, partial):
        return f"partial {inner([value.func, value.args, value.keywords])}"
    if isinstance(value, type | BuiltinFunctionType):
        return f"name {_name(value)}"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        array = np.ascontiguousarray(value)
        return f"array {array.dtype} {array.shape} {array.tobytes().hex()}"
    return f"object {_name(value)} {inner(_parts(value))}"


def _cell(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return "empty"


def _parts(value: Any) -> Any:
    """Return what makes an object of another class what it is, as far as its class wrote it."""
    if callable(value) and not _is_library(type(value)):
        return [type(value).__call__, _state(value)]
    # an automatic guide has a model, and state that its use changes
    return [getattr(value, name, None) for name in ("model", "prefix")]


def _state(value: Any) -> dict[str, Any]:
    return dict(vars(value)) if hasattr(value, "__dict__") else {}


def _is_library(cls: type) -> bool:
    return cls.__module__.partition(".")[0] in ("numpyro", "jax", "jaxlib", "numpy", "skdpsynth")


def _source_text(function: FunctionType) -> str:
    if function.__name__ == "<lambda>":
        # the line around a lambda says too much, and that of two on one line too little
        raise TypeError("a lambda has no text of its own")
    if function.__code__.co_filename == "<string>":
        # from Python 3.13 on that is taken for the text of ``python -c``
        raise TypeError("a function of a string has no text that can be read again")
    return textwrap.dedent(inspect.getsource(function))


def _bytecode_text(function: FunctionType) -> str:
    return _code_text(function.__code__, function.__doc__)


def _code_text(code: CodeType, documentation: str | None = None) -> str:
    def describe(constant: Any) -> str:
        if isinstance(constant, CodeType):
            return _code_text(constant)
        is_documentation = isinstance(constant, str) and constant == documentation
        return _describe(None if is_documentation else constant, _bytecode_text, ())

    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    flags = code.co_flags & ~_HAS_DOCSTRING
    numbers = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags)
    if sys.version_info < (3, 13):
        # as in every file that these versions have saved
        constants = [describe(constant) for constant in code.co_consts]
        return f"{code.co_code.hex()} {constants} {names} {numbers}"
    return f"{_instructions(code, describe)} {names} {numbers}"


def _instructions(code: CodeType, describe: Callable[[Any], str]) -> list[str]:
    """Return what code does, step by step, however its text was spread over lines.

    From Python 3.13 on the bytecode depends on that: two variables that are named on one line are
    loaded by one instruction, and a class keeps the number of its first line.
    """
    steps: list[tuple[str, Any]] = []
    number_of: dict[int, int] = {}
    for step in dis.get_instructions(code):
        number_of[step.offset] = len(steps)
        joined = _JOINED.fullmatch(step.opname)
        if joined:
            arg = step.arg or 0
            steps += [(joined[1], arg >> 4), (joined[2], arg & 15)]
        elif step.opcode in dis.hasconst:
            steps.append((step.opname, describe(step.argval)))
        elif step.opcode in dis.hasjrel:
            # by the step that is jumped to, known in the end
            steps.append((step.opname, _Target(step.argval)))
        elif (step.opname, step.argval) == ("STORE_NAME", "__firstlineno__"):
            steps.pop()
        elif step.opname not in ("EXTENDED_ARG", "NOP"):
            steps.append((step.opname, step.arg))
    return [
        f"{name} {number_of[value.offset] if isinstance(value, _Target) else value}"
        for name, value in steps
    ]


class _Target(NamedTuple):
    """Where a jump leads."""

    offset: int
