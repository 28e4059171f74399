"""Seeds of the synthesizer and the steps, all from one random state."""

from __future__ import annotations

from copy import copy
from typing import Any

from .._parameters import as_generator

__all__ = ["Seeds"]


class Seeds:
    """Seeds for the synthesizer and the steps, all from one `random_state`; None leaves them."""

    def __init__(self, random_state: Any) -> None:
        self._generator = None if random_state is None else as_generator(random_state)

    def draw(self) -> int | None:
        """Return a fresh seed, or None."""
        return None if self._generator is None else int(self._generator.integers(2**31))

    def lend(self, step: Any) -> Any:
        """Return the step, or a copy with a seed where it would draw without one."""
        if self._generator is None or getattr(step, "random_state", 0) is not None:
            return step
        return copy(step).set_params(random_state=self.draw())
