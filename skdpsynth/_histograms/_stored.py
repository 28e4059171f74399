"""What of histograms is stored in files."""

from __future__ import annotations

from .._storing import Entry, Stored, is_rising, is_vector, require
from ._bins import Bins
from ._grid import FineGrid

__all__ = ["STORED", "check_bins", "check_grid"]


def check_grid(grid: FineGrid) -> None:
    """Check the cells of a fine grid."""
    n_cells = grid.left.size
    require(n_cells > 0, "a grid has no cells")
    require(all(is_vector(part, n_cells) for part in grid[:3]), "a grid's cells do not fit")
    require((grid.measure > 0).all(), "a grid has a cell without measure")


def check_bins(bins: Bins) -> None:
    """Check the bins of a numeric column."""
    n_cells = bins.bin_of_cell.size
    require(n_cells > 0 and is_vector(bins.bin_of_cell, n_cells, "i"), "bins have no cells")
    require(is_rising(bins.bin_of_cell, bins.n_bins), "bins are not in order")
    require(
        is_vector(bins.cell_probability, n_cells) and (bins.cell_probability > 0).all(),
        "bins do not have the probabilities of their cells",
    )
    require(bins.mass.ndim == 1, "bins do not have one mass each")


STORED = Stored(entries=(Entry(FineGrid, check_grid), Entry(Bins, check_bins)))
