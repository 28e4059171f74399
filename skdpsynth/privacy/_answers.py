"""What the desk hands out beside noisy arrays: a row count, and noise for gradients."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ._noise import NoiseSource

__all__ = ["GradientNoise", "RowCount"]


class RowCount(NamedTuple):
    """A row count that may be known.

    Attributes
    ----------
    value : float
        At least one: noisy under add/remove; exact, because public, under replace-one.
    scale : float
        Standard deviation of its noise, 0 where it is public.
    """

    value: float
    scale: float

    @property
    def is_public(self) -> bool:
        """Whether neighbouring tables have the same row count."""
        return self.scale == 0.0


class GradientNoise:
    """Noise for the gradients of steps that are charged already.

    Attributes
    ----------
    multiplier : float
        Standard deviation of the noise over the sensitivity of a sum; 0 without noise.
    scale : float
        Standard deviation of the noise in a coordinate of the sum of a step.
    step : float
        The grid that sums must be on, or be rounded to, before noise is added: a power of two.
    """

    def __init__(self, multiplier: float, scale: float, step: float, noise: NoiseSource) -> None:
        self.multiplier = multiplier
        self.scale = scale
        self.step = step
        self._noise = noise

    def draw(self, n_steps: int, n_coordinates: int) -> npt.NDArray[np.int64]:
        """Return the noise of the next steps, integers of shape (n_steps, n_coordinates).

        They are multiples of the grid.
        """
        return self._noise.rounded_gaussian(self.scale / self.step, (n_steps, n_coordinates))
