"""How DP-VI steps: what was asked for, and what follows from the released row count."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...privacy import Mechanisms, PlannedRelease, RowCount
from ._noisy_gradients import DPVIPlan, failure_part, name_gradients

__all__ = ["StepSettings", "count_margin"]

BATCH_SIZE = 4096
NO_CLIPPING = 1e9


@dataclass(frozen=True)
class StepSettings:
    """Hyper-parameters of the optimisation, "auto" where they follow from what was released.

    Attributes
    ----------
    n_steps : int
    sampling_rate, clipping_norm : float or "auto"
    learning_rate : float
    """

    n_steps: int
    sampling_rate: float | str
    clipping_norm: float | str
    learning_rate: float

    def plan_gradients(self, share: float) -> PlannedRelease:
        """Return the release to come; it has a share of μ² where all rows are in every step."""
        name = name_gradients(self.n_steps)
        if self.sampling_rate == 1.0:
            return PlannedRelease(name, share)
        return PlannedRelease(name, mechanism="subsampled Gaussian")

    def choose(self, norm: float, count: RowCount, desk: Mechanisms) -> DPVIPlan:
        """Fill in what is "auto".

        Parameters
        ----------
        norm : float
            The clipping norm that suits the model.
        count : RowCount
            Released.
        desk : Mechanisms
        """
        if self.clipping_norm != "auto":
            norm = float(self.clipping_norm)
        elif not desk.is_noisy:
            norm = NO_CLIPPING
        return DPVIPlan(
            self.n_steps,
            self.choose_rate(count.value),
            norm,
            self.learning_rate,
            accounted_rate=self.choose_accounted_rate(count, desk),
        )

    def choose_rate(self, n_records: float) -> float:
        """Return the sampling rate: batches of about 4096 records, or all records if few."""
        if self.sampling_rate != "auto":
            return float(self.sampling_rate)
        rate = BATCH_SIZE / max(n_records, 1.0)
        return 1.0 if rate > 0.5 else rate

    def choose_accounted_rate(self, count: RowCount, desk: Mechanisms) -> float | None:
        """Return the rate that noise is calibrated for, where the rate follows from noise."""
        if self.sampling_rate != "auto" or count.is_public:
            return None
        return self.choose_rate(count.value - count_margin(count.scale, desk))


def count_margin(count_scale: float, desk: Mechanisms) -> float:
    """Return a width that holds all noisy counts of a table, but for a part of δ.

    Twice the reach of noise of standard deviation `count_scale`, P(|z| > t) ≤ exp(−t²/2), and two
    rows for the neighbour and for rounding.
    """
    failure = failure_part(desk)
    return 2.0 * (count_scale * math.sqrt(-2.0 * math.log(failure)) + 2.0)
