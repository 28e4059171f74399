"""Faults that libraries of this kind have had, planted one at a time: mostly as another desk."""

from __future__ import annotations

import math
from typing import Any
from unittest import mock

import jax.numpy as jnp
import numpy as np

from skdpsynth import _histograms
from skdpsynth._product_mixture import _measure
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger, nonnegative_sensitivity

from .kernel import CraftedGradients


class HalfTheSensitivity(Mechanisms):
    """Noise is scaled for half of what a record can change."""

    def nonnegative_sensitivity(self, norm: float) -> float:
        """Return half of it."""
        return 0.5 * super().nonnegative_sensitivity(norm)


class ReplacedAsRemoved(Mechanisms):
    """Replacing a record is accounted for as removing it."""

    def nonnegative_sensitivity(self, norm: float) -> float:
        """Return the bound of the other adjacency."""
        return nonnegative_sensitivity(norm, "add_remove")


class SelectionForFree(Mechanisms):
    """The distances that choose what to measure get the whole budget, and so does measuring."""

    def gaussian(self, statistic: Any, **options: Any) -> np.ndarray:
        """Release distances a second time, charged to nobody who is asked."""
        if options["name"].startswith("distances"):
            asked = self._ledger
            self._ledger = PrivacyLedger(asked.epsilon, asked.delta, asked.adjacency)
            super().gaussian(statistic, **{**options, "mu": self._ledger.mu})
            self._ledger = asked
        return super().gaussian(statistic, **options)


class ExactRowCount(Mechanisms):
    """The row count is kept as it is."""

    @property
    def is_count_public(self) -> bool:
        """Say so whatever the adjacency."""
        return True


def bounds_from_the_data() -> Any:
    """The cells of histograms span the values that occur."""
    real = _histograms.release_grid

    def release(codes: np.ndarray, *args: Any) -> Any:
        scaled = codes.copy()
        scaled[:, 1] /= np.nanmax(codes[:, 1])
        return real(scaled, *args)

    return mock.patch.object(_measure, "release_grid", release)


class RepeatingSource(NoiseSource):
    """Every draw starts the same sequence of noise."""

    def __init__(self) -> None:
        super().__init__(7)

    def words(self, size: Any) -> Any:
        """Return the first words of the sequence, whenever it is asked."""
        return NoiseSource(7).words(size)


class RealisedBatchSize(CraftedGradients):
    """Sums are divided by the number of rows that the batch happens to have."""

    def clipped_sum(self, z: Any, batch: Any, is_record: Any, clipping_norm: Any) -> Any:
        """Return the mean over the batch, times a public number."""
        total = super().clipped_sum(z, batch, is_record, clipping_norm)
        return total / jnp.maximum(is_record.sum(), 1) * EXPECTED_BATCH


EXPECTED_BATCH = 7.5


def flip_ratio(rate: float, multiplier: float, shift: float) -> Any:
    """Return the log odds of a row that lowers a noisy sum by `shift` clipping norms."""

    def log_ratio(noisy: np.ndarray) -> np.ndarray:
        moved = (EXPECTED_BATCH - noisy) * shift / multiplier**2 - shift**2 / (2 * multiplier**2)
        return np.asarray(np.log1p(rate * np.expm1(np.minimum(moved, 500.0))).sum(axis=1))

    return log_ratio


def correlation_z(first: np.ndarray, second: np.ndarray) -> float:
    """Return Fisher's z of two sequences of noise, standard normal if they are independent."""
    n_values = min(len(first), len(second))
    r = float(np.corrcoef(first[:n_values], second[:n_values])[0, 1])
    return math.atanh(min(max(r, -1 + 1e-12), 1 - 1e-12)) * math.sqrt(n_values - 3)
