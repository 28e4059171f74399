"""The cells of a fine grid in halves, quarters, eighths, ...: what is counted, and put together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._denoising import LevelCounts, add_up_levels, halve, place_in_pairs
from ._grid import FineGrid

__all__ = ["WEIGHT_STEP", "CellTree"]

# of μ², a level has this much of what the level above it has: the coarse shape of a column is what
# few rows can tell. By benchmarks/margins.py, on simulated columns alone
LEVEL_DECAY = 0.8
# weights are multiples of a power of two, so that weighted counts lie on a grid of the noise
WEIGHT_STEP = 1.0 / 16.0
# what a point of a Continuous column is expected to hold, relative to the smallest interval
POINT_SHARE = 1e-3


@dataclass(frozen=True)
class CellTree:
    """The cells of a column, joined to pairs, fours, ... by their order.

    Level 1 divides the cells into halves, the last one, `depth`, into single cells. The missing
    values of a nullable column are a cell apart, which every level counts again.

    Parameters
    ----------
    n_cells : int
    has_missing : bool
        Whether the column is nullable.
    """

    n_cells: int
    has_missing: bool

    @cached_property
    def depth(self) -> int:
        """Number of levels, by the number of cells alone."""
        return max(int(self.n_cells - 1).bit_length(), 1)

    @cached_property
    def position(self) -> np.ndarray:
        """Where each cell stands among the 2**depth nodes of the last level."""
        return place_in_pairs(self.n_cells)

    @cached_property
    def weights(self) -> np.ndarray:
        """What a row adds to one node of each level, of shape (depth,)."""
        exact = LEVEL_DECAY ** (0.5 * np.arange(self.depth))
        return np.asarray(np.maximum(np.rint(exact / WEIGHT_STEP), 1.0) * WEIGHT_STEP)

    @property
    def squared_norm(self) -> float:
        """What a row adds, squared and summed: it lies in one node of each level."""
        return float(np.square(self.weights).sum())

    def measure_levels(self, counts: np.ndarray) -> np.ndarray:
        """Return the weighted counts of the nodes of all levels, one level after the other.

        Parameters
        ----------
        counts : ndarray of shape (n_cells + has_missing,)

        Returns
        -------
        weighted : ndarray of shape (n_values,)
            Multiples of `WEIGHT_STEP` where the counts are integers. The missing cell is the last
            of every level.
        """
        padded = np.zeros(1 << self.depth)
        padded[self.position] = counts[: self.n_cells]
        parts = []
        for level, weight in enumerate(self.weights, start=1):
            nodes = padded.reshape(1 << level, -1).sum(axis=1)
            if level == self.depth:
                nodes = nodes[self.position]
            parts += [weight * nodes, weight * counts[self.n_cells :]]
        return np.concatenate(parts)

    @property
    def n_values(self) -> int:
        """Length of what `measure_levels` returns."""
        inner = (1 << self.depth) - 2
        return inner + self.n_cells + self.depth * self.has_missing

    def combine(self, released: np.ndarray, scale: float) -> ColumnEstimate:
        """Return least squares estimates by all levels, before the row count is known.

        Parameters
        ----------
        released : ndarray of shape (n_values,)
            Weighted counts with noise.
        scale : float
            Its standard deviation.
        """
        levels, missing = [], np.zeros(int(self.has_missing))
        start = 0
        for level, weight in enumerate(self.weights, start=1):
            is_last = level == self.depth
            size = self.n_cells if is_last else 1 << level
            own = released[start : start + size] / weight
            if is_last:
                padded = np.zeros(1 << level)
                padded[self.position] = own
                own = padded
            levels.append(own)
            # the inverse-variance average: variances are as 1/weight²
            missing += weight * released[start + size : start + size + self.has_missing]
            start += size + self.has_missing
        exists = np.zeros(1 << self.depth, dtype=bool)
        exists[self.position] = True
        variances = [float(scale**2 / weight**2) for weight in self.weights]
        return ColumnEstimate(
            self,
            add_up_levels(levels, variances, exists),
            missing / self.squared_norm,
            scale**2 / self.squared_norm,
        )


@dataclass(frozen=True)
class ColumnEstimate:
    """What the levels of one column say, and how sure they are.

    Attributes
    ----------
    tree : CellTree
    levels : LevelCounts
    missing : ndarray of shape (has_missing,)
        Count of missing values.
    missing_variance : float
    """

    tree: CellTree
    levels: LevelCounts
    missing: np.ndarray
    missing_variance: float

    @property
    def total(self) -> tuple[float, float]:
        """The row count by this column alone, and its variance."""
        value = self.levels.counts[0].sum() + self.missing.sum()
        variance = self.levels.variances[0].sum() + self.missing_variance * len(self.missing)
        return float(value), float(variance)

    def divide(self, n_records: float, grid: FineGrid) -> np.ndarray:
        """Return the estimated count of every cell, a last one of missing values.

        Parameters
        ----------
        n_records : float
            That they sum to.
        grid : FineGrid

        Returns
        -------
        counts : ndarray of shape (n_cells + has_missing,)
            None negative.
        """
        value, variance = self.total
        missing = self.missing
        if len(missing):
            share = self.missing_variance / variance if variance > 0 else 0.0
            missing = np.clip(missing + share * (n_records - value), 0.0, n_records)
        measure = np.zeros(1 << self.tree.depth)
        measure[self.tree.position] = _expected_measure(grid)
        masses = halve(n_records - float(missing.sum()), self.levels, measure)
        return np.append(masses[self.tree.position], missing)


def _expected_measure(grid: FineGrid) -> np.ndarray:
    """Return the measure of the cells; a point of a Continuous column has next to none."""
    if grid.is_count:
        return grid.measure
    is_point = grid.left == grid.right
    return np.where(is_point, POINT_SHARE * grid.measure[~is_point].min(), grid.measure)
