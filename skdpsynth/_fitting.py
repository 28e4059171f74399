"""A fit is whole or has not happened, and leaves global state alone."""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

__all__ = ["first_import_of_jax", "whole_or_not_at_all"]

Fit = TypeVar("Fit", bound=Callable[..., Any])


def whole_or_not_at_all(fit: Fit) -> Fit:
    """Let a method that fails, or is interrupted, leave the attributes as they were before."""

    @functools.wraps(fit)
    def fit_or_restore(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = dict(vars(self))
        try:
            return fit(self, *args, **kwargs)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    return fit_or_restore  # type: ignore[return-value]


_importing = threading.Lock()


@contextmanager
def first_import_of_jax() -> Iterator[None]:
    """Give numpy's global generator back as it was: jax draws from it while it is imported."""
    if "jax" in sys.modules:
        yield
        return
    with _importing:
        state = np.random.get_state()  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
