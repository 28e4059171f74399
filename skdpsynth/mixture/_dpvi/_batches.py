"""Poisson batches of fixed capacity."""

from __future__ import annotations

import math

import numpy as np

from ...privacy import Mechanisms, RowCount

__all__ = ["PoissonBatches", "batch_capacity"]


def batch_capacity(n_rows: float, sampling_rate: float, overflow: float) -> int:
    """Return a capacity that a Poisson batch of `n_rows` exceeds with probability `overflow`.

    By Bernstein's inequality P(B > qn + t) ≤ exp(−t²/(2qn + 2t/3)).

    Examples
    --------
    >>> batch_capacity(10_000, 0.01, 1e-12)
    185
    """
    mean, log_inverse = sampling_rate * n_rows, -math.log(overflow)
    slack = log_inverse / 3 + math.sqrt(log_inverse**2 / 9 + 2 * log_inverse * mean)
    return math.ceil(mean + slack)


class PoissonBatches:
    """Draws batches in which every row takes part with the same probability, independently.

    Parameters
    ----------
    n_rows : int
        Exact number of rows; it shapes nothing but a power-of-two bucket.
    sampling_rate : float in (0, 1]
        1 means all rows in every step.
    count : RowCount
        Released.
    overflow : float
        Probability that a batch may exceed its capacity; rows past it are left out.
    desk : Mechanisms
        Batches must be as secret as the noise, and come from the same source.
    """

    def __init__(
        self,
        n_rows: int,
        sampling_rate: float,
        count: RowCount,
        overflow: float,
        desk: Mechanisms,
    ) -> None:
        self.n_rows = n_rows
        self.sampling_rate = sampling_rate
        self.desk = desk
        # which power of two is all that a compiled shape tells of the row count
        self.n_padded = 1 << max(n_rows - 1, 1).bit_length()
        self.is_row = np.arange(self.n_padded) < n_rows
        self.capacity = None
        if sampling_rate < 1.0:
            # half of the overflow for a row count above its bound, half for the batch
            half = overflow / 2
            most = count.value + count.scale * math.sqrt(-2.0 * math.log(half))
            bound = batch_capacity(most, sampling_rate, half)
            # in steps of 128, so that the noise of the count seldom changes a compiled shape
            self.capacity = 128 * math.ceil(bound / 128)

    def pad(self, part: np.ndarray) -> np.ndarray:
        """Return an array of rows padded to the bucket."""
        padding = self.n_padded - len(part)
        return np.pad(part, ((0, padding),) + ((0, 0),) * (part.ndim - 1))

    def draw(self, n_steps: int, n_rows_out: int) -> np.ndarray | None:
        """Return the rows of each batch, of shape (n_rows_out, capacity), −1 where there is none.

        None stands for all rows in every step. Gaps between the rows that take part are geometric,
        so that the work is that of the rows drawn.
        """
        if self.capacity is None:
            return None
        # the rows of all steps in one line: position = step · n_rows + row
        last = n_steps * self.n_rows
        positions = np.empty(0, dtype=np.int64)
        end = -1
        while end < last:
            expected = (last - end) * self.sampling_rate
            # enough in one go, but for six standard deviations; else the loop draws more
            uniform = self.desk.uniform(int(expected + 6 * math.sqrt(expected)) + 16)
            # P(gap > g) = (1 − q)^g, inverted: a coin for every row would cost n_rows per step
            gaps = 1 + np.floor(np.log(uniform) / math.log1p(-self.sampling_rate)).astype(np.int64)
            more = end + np.cumsum(gaps)
            positions, end = np.concatenate([positions, more]), int(more[-1])
        positions = positions[positions < last]
        step, row = np.divmod(positions, self.n_rows)
        # the how manieth of its step a row is; steps are in order
        slot = np.arange(len(step)) - np.searchsorted(step, step, side="left")
        batches = np.full((n_rows_out, self.capacity), -1, dtype=np.int32)
        # rows past the capacity are left out; δ has the probability that there are any
        fits = slot < self.capacity
        batches[step[fits], slot[fits]] = row[fits]
        return batches
