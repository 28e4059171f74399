"""A Python file of the user's: a NumPyro model, and what happens before and after."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd

from ..schema import TableSchema
from ._house import Problem, warn

__all__ = ["UserCode", "read_user_code"]


@dataclass(frozen=True)
class UserCode:
    """What a Python file defines; None where it does not.

    Attributes
    ----------
    path : Path or None
    model : callable or None
        ``model(x=None, num_obs_total=None)``, a NumPyro model of one record.
    guide : object or None
        Its variational family.
    preprocess, postprocess : callable or None
        ``preprocess(frame)`` before the fit, ``postprocess(frame)`` after sampling.
    """

    path: Path | None = None
    model: Callable[..., Any] | None = None
    guide: Any = None
    preprocess: Callable[..., Any] | None = None
    postprocess: Callable[..., Any] | None = None

    def before(self, frame: pd.DataFrame, tell: bool = True) -> pd.DataFrame:
        """Return what `preprocess` makes of rows; `tell` warns that a guarantee depends on it."""
        if tell:
            warn(
                f"preprocess of {self.path} sees the private rows. The guarantee covers it only if "
                "it treats every row by itself; that it learns nothing from the others, such as a "
                "mean or which levels occur, is your claim."
            )
        return self._call("preprocess", frame)

    def find_mixing(self, frame: pd.DataFrame, schema: TableSchema) -> str | None:
        """Return in which way `preprocess` does not treat these rows one by one, if it does not.

        It is tried on many choices of them, as a step of a pipeline is.
        """
        # imported late: it takes a second, and most commands run no code of the user's
        from ..pipeline import find_mixing

        return find_mixing(lambda table, _: self._call("preprocess", table), frame, None, [schema])

    def mark(self, synthesizer: Any, mixing: str | None) -> None:
        """Record what `preprocess` does to the guarantee of a fitted synthesizer."""
        from ..pipeline import mark_claims, mark_leak

        note = f"preprocess of {self.path} is taken to treat rows one by one: that is your claim"
        if mixing is not None:
            mark_leak(synthesizer)
            note = f"preprocess of {self.path} {mixing}: not covered by the guarantee"
        mark_claims(synthesizer, (note,))

    def after(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return what `postprocess`, if there is one, makes of synthetic rows."""
        return frame if self.postprocess is None else self._call("postprocess", frame)

    def _call(self, name: str, frame: pd.DataFrame) -> pd.DataFrame:
        try:
            result = getattr(self, name)(frame)
        except Exception as error:
            raise Problem(f"{name} of {_where(self.path, error)}") from error
        if not isinstance(result, pd.DataFrame):
            raise Problem(
                f"{name} of {self.path} returns {type(result).__name__}; it must return a "
                "DataFrame."
            )
        return result


def read_user_code(path: Path | None) -> UserCode:
    """Run a Python file and return what it defines; of any other file that is nothing.

    Raises
    ------
    Problem
        If it cannot be run, or defines none of the four names.
    """
    if path is None or path.suffix != ".py":
        return UserCode()
    if not path.is_file():
        raise Problem(f"There is no file {str(path)!r}.")
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    # as for a script: what lies beside it can be imported
    sys.path.insert(0, str(path.resolve().parent))
    try:
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise Problem(_where(path, error)) from error
    finally:
        sys.path.remove(str(path.resolve().parent))
    names = ("model", "guide", "preprocess", "postprocess")
    defined = {name: getattr(module, name) for name in names if hasattr(module, name)}
    if not defined:
        raise Problem(f"{path} defines none of {', '.join(names)}.")
    for name in {"preprocess", "postprocess"} & set(defined):
        if not callable(defined[name]):
            raise Problem(f"{path}: {name} must be a function.")
    return UserCode(path, **defined)


def _where(path: Path | None, error: Exception) -> str:
    """Return the error of a user's file with the line where it happened."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == str(path)
    ]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    line = f", line {lines[-1]}" if lines else ""
    return f"{path}{line}: {type(error).__name__}: {error}"
