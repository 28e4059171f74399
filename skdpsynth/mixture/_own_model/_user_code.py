"""Calls of functions that users wrote: what fails there is a problem to tell them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from jax.errors import ConcretizationTypeError, TracerArrayConversionError

__all__ = ["UserCodeError", "attempt", "signature_problems"]


TRACING_ERRORS = (ConcretizationTypeError, TracerArrayConversionError)


class UserCodeError(Exception):
    """A user's function raised its cause; the message says when."""


def attempt(when: str, function: Callable[..., Any], *args: Any, what: str = "model") -> Any:
    """Call `function`; what it raises is said to happen in the user's `what`."""
    try:
        return function(*args)
    except Exception as error:
        text = f"The {what} raises {type(error).__name__} {when}"
        lines = str(error).strip().splitlines()
        if isinstance(error, TRACING_ERRORS):
            text += (
                "; jax traces it without knowing the values of x and of the latent sites: use "
                "jnp.where in place of if, and jax.numpy in place of numpy."
            )
        elif lines:
            text += f": {lines[0]}"
        raise UserCodeError(text) from error


def signature_problems(function: Any, what: str) -> Iterator[str]:
    """Yield why a model or guide cannot be called as the contract says."""
    if not callable(function):
        yield f"The {what} must be a function, got {function!r}."
        return
    try:
        hash(function)
    except TypeError:
        yield (
            f"The {what} is an unhashable {type(function).__name__}; pass a function, or give its "
            "class a __hash__."
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(None, num_obs_total=1)
    except TypeError as error:
        yield (
            f"The {what} has the signature {getattr(function, '__name__', what)}{signature}, which "
            f"cannot be called as {what}(x, num_obs_total=n): {error}. Declare it "
            f"def {what}(x=None, num_obs_total=None)."
        )
