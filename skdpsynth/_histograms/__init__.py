"""Numeric columns as noisy histograms: shared by the synthesizers."""

from ._bins import Bins, coarsen, sample_within, share_within
from ._grid import MAX_INTEGER_CELLS, FineGrid, fine_grid, locate
from ._release import NoisyGrid, name_opening, release_grid

__all__ = [
    "MAX_INTEGER_CELLS",
    "Bins",
    "FineGrid",
    "NoisyGrid",
    "coarsen",
    "fine_grid",
    "locate",
    "name_opening",
    "release_grid",
    "sample_within",
    "share_within",
]
