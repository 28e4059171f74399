"""A fit is whole or has not happened."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["whole_or_not_at_all"]

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
