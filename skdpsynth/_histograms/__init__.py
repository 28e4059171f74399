"""Numeric columns as noisy histograms: shared by the synthesizers."""

from ._bins import SPIKE_Z, Bins, coarsen, sample_within, spread
from ._grid import MAX_INTEGER_CELLS, FineGrid, fine_grid, locate
from ._release import NoisyGrid, release_grid

__all__ = [
    "MAX_INTEGER_CELLS",
    "SPIKE_Z",
    "Bins",
    "FineGrid",
    "NoisyGrid",
    "coarsen",
    "fine_grid",
    "locate",
    "release_grid",
    "sample_within",
    "spread",
]
