"""What of mixtures of products is stored in files."""

from __future__ import annotations

import math

import numpy as np

from .._histograms import fine_grid
from .._storing import Entry, Stored, is_vector, require
from ..schema import Discrete, Numeric
from ._columns import ColumnModel, _fitting_families
from ._estimates import ComponentEstimates
from ._layout import Block, Layout, Scalar, build_layout
from ._model import MixtureModel

__all__ = ["STORED", "check_column", "check_estimates", "check_mixture"]


def check_column(column: ColumnModel) -> None:
    """Check that a family fits its kind."""
    require(isinstance(column.kind, Numeric | Discrete), f"column {column.name!r} has no kind")
    families = _fitting_families(column.kind)
    require(column.distribution in families, f"column {column.name!r} does not fit its family")


def check_estimates(estimates: ComponentEstimates) -> None:
    """Check that all parameters are there for as many components."""
    n_components, n_scalars = len(estimates.n_records), estimates.location.shape[-1]
    require(is_vector(estimates.n_records, n_components), "components lack their records")
    for name, part in zip(estimates._fields[1:], estimates[1:], strict=True):
        require(part.ndim == 2 and len(part) == n_components, f"components lack their {name}")
        require(part.dtype.kind == "f" and np.isfinite(part).all(), f"{name} is not finite")
        is_scalar = not name.startswith("cell")
        require(not is_scalar or part.shape[1] == n_scalars, f"{name} does not fit its columns")
        is_signed = name in ("location", "log_scale")
        require(is_signed or (part >= 0).all(), f"{name} is negative")
    require((estimates.cell_size > 0).all(), "cells have no effective size")
    require((estimates.missing <= 1).all(), "a probability exceeds one")


def check_mixture(model: MixtureModel) -> None:
    """Check a mixture: bins, layout, weights and parameters must fit the columns."""
    for position, column in enumerate(model.columns):
        has_bins = column.distribution == "histogram"
        require((position in model.bins) == has_bins, f"column {column.name!r} lacks its bins")
    for position, bins in model.bins.items():
        n_cells = len(fine_grid(model.columns[position].kind).left)
        require(len(bins.bin_of_cell) == n_cells, "bins do not fit their column")
    layout, estimates, n_components = model.layout, model.estimates, len(model.weights)
    is_owner = layout.owner is None or (
        0 <= layout.owner < len(model.columns) and model.columns[layout.owner].is_tabulated
    )
    require(is_owner, "the components' owner is not a column")
    require(
        layout == build_layout(model.columns, model.bins, layout.owner),
        "the layout does not fit the columns",
    )
    require(is_vector(model.weights, n_components), "weights are not finite")
    is_share = (model.weights >= 0).all() and abs(model.weights.sum() - 1.0) < 1e-6
    require(n_components and is_share, "weights are not shares")
    is_class = is_vector(model.owner, n_components, "i") and (model.owner >= 0).all()
    require(is_class and (model.owner < layout.n_classes).all(), "components lack their class")
    require(math.isfinite(model.weight_size), "the weights' size is not finite")
    require(len(estimates.n_records) == n_components, "weights do not fit the parameters")
    shapes = {
        "cell": layout.n_cells,
        "cell_size": len(layout.blocks),
        "location": len(layout.scalars),
    }
    for name, n_columns in shapes.items():
        require(getattr(estimates, name).shape[1] == n_columns, f"{name} does not fit the columns")
    for j, scalar in enumerate(layout.scalars):
        is_rate = scalar.distribution != "poisson" or (estimates.location[:, j] > 0).all()
        require(is_rate, "a rate is not positive")
    for block in layout.blocks:
        totals = estimates.cell[:, block.cells].sum(axis=1)
        require((abs(totals - 1.0) < 1e-3).all(), "a column's probabilities do not sum to one")


STORED = Stored(
    entries=(
        *map(Entry, (Block, Scalar, Layout)),
        Entry(ColumnModel, check_column),
        Entry(ComponentEstimates, check_estimates),
        Entry(
            MixtureModel,
            check_mixture,
            columns=lambda model: [(column.name, column.kind) for column in model.columns],
        ),
    ),
    builds_on=("skdpsynth._histograms._stored",),
)
