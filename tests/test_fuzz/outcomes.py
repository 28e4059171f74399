"""What may become of an input, and what must not."""

from __future__ import annotations

import random
import signal
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from sklearn.exceptions import ConvergenceWarning, NotFittedError

from skdpsynth import exceptions
from skdpsynth.privacy import AccountingError

# rows of the private table hold these, and no warning may
CANARIES = ("61.8033", "canary-7351")

OURS = (
    AccountingError,
    *(getattr(exceptions, name) for name in exceptions.__all__ if name.endswith("Error")),
)
ALLOWED_WARNINGS = (
    ConvergenceWarning,
    *(getattr(exceptions, name) for name in exceptions.__all__ if name.endswith("Warning")),
)
OF_SCIKIT_LEARN = (ValueError, TypeError, NotFittedError)
SECONDS = 60


class Case(NamedTuple):
    """A call with malformed arguments, and the estimator that it must leave as it was."""

    what: str
    call: Callable[[], Any]
    estimator: Any = None


class Outcome(NamedTuple):
    """How a case ended: in ``success``, one of two kinds of errors, or ``FAULT``."""

    kind: str
    number: int
    ending: str
    detail: str

    @property
    def is_fault(self) -> bool:
        return self.ending == "FAULT"


class Hang(BaseException):
    """The time limit was reached."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `Hang` where the block takes longer."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def fitted_attributes(estimator: Any) -> dict[str, int]:
    """Return the names of what a fit sets, and what they refer to."""
    attributes = vars(estimator) if hasattr(estimator, "__dict__") else {}
    return {
        name: id(value)
        for name, value in attributes.items()
        if name.endswith("_") and not name.startswith("__")
    }


def play(kind: str, number: int, make: Callable[[random.Random], Case]) -> Outcome:
    """Make the input of this number, and tell how it ends."""
    with warnings.catch_warnings():
        # pandas makes some odd tables, and shows some, with a warning
        warnings.simplefilter("ignore")
        case = make(random.Random(f"{kind} {number}"))
    before = fitted_attributes(case.estimator)
    ending, fault = "success", ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with time_limit(SECONDS):
                case.call()
        except Exception as error:
            ending, fault = judge(error)
            if fitted_attributes(case.estimator) != before:
                fault = fault or "the estimator is half fitted after " + repr(error)
        except Hang:
            fault = f"still running after {SECONDS} s"
    for warning in caught:
        fault = fault or judge_warning(warning)
    if fault:
        return Outcome(kind, number, "FAULT", f"{case.what}: {fault}")
    return Outcome(kind, number, ending, case.what)


def judge(error: Exception) -> tuple[str, str]:
    """Return the kind of an error, and what is wrong with it, or nothing."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    told = f"{type(error).__name__} in {place.filename}:{place.lineno}: {str(error)[:300]}"
    if not str(error).strip():
        return "FAULT", f"without a message: {told}"
    if type(error) in OURS:
        return "our error", ""
    # a UnicodeError is a ValueError that says nothing of what was read
    if isinstance(error, OF_SCIKIT_LEARN) and not isinstance(error, UnicodeError):
        return "ValueError or TypeError", ""
    if type(error) is ImportError and "pip install" in str(error):
        return "missing extra", ""
    return "FAULT", told


def judge_warning(warning: warnings.WarningMessage) -> str:
    """Return what is wrong with a warning, or nothing."""
    text = str(warning.message)
    told = f"{warning.category.__name__} in {warning.filename}:{warning.lineno}: {text[:300]}"
    if any(canary in text for canary in CANARIES):
        return f"a warning holds data: {told}"
    is_of_scikit_learn = warning.category is UserWarning and "/sklearn/" in warning.filename
    if not issubclass(warning.category, ALLOWED_WARNINGS) and not is_of_scikit_learn:
        return f"a warning that is not ours: {told}"
    return ""
