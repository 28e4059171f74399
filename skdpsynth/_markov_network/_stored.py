"""What must hold between the fields of a fitted model beside their types.

A file may have been made by anyone. What does not hold here would end in an obscure error, or in a
table of a size that the file does not suggest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .._histograms import Bins, FineGrid, fine_grid
from .._markov_network._binning import GroupedBins
from .._markov_network._domain import Domain
from .._markov_network._network import Network
from .._product_mixture._columns import ColumnModel, _fitting_families
from .._product_mixture._estimates import ComponentEstimates
from .._product_mixture._layout import build_layout
from .._product_mixture._model import MixtureModel
from ..mixture._dpvi._noisy_gradients import MeanFieldGuide
from ..mixture._own_model._fitted import CustomModel
from ..mixture._own_model._unconstrained import CustomLatents, FunctionGuide
from ..napsu._model import NapsuModel
from ..napsu._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior
from ..preprocessing import TableFormat
from ..schema import Continuous, Count
from ..schema._kinds import Discrete, Numeric

MAX_CELLS = 1 << 28


def require(condition: Any, what: str) -> None:
    """Raise unless a condition holds.

    Raises
    ------
    ValueError
        Saying what does not hold.
    """
    if not condition:
        raise ValueError(what)


def _is_vector(array: np.ndarray, length: int, kinds: str = "f") -> bool:
    is_right = array.shape == (length,) and array.dtype.kind in kinds
    return is_right and bool(np.isfinite(array).all())


def _is_rising(numbers: np.ndarray, n_numbers: int) -> bool:
    """Return whether 0, ..., n_numbers - 1 follow one another, each once or more."""
    steps = np.diff(numbers.astype(np.int64), prepend=0)
    return bool(((steps == 0) | (steps == 1)).all()) and numbers[-1] == n_numbers - 1


def check_grid(grid: FineGrid) -> None:
    """Check the cells of a fine grid."""
    n_cells = grid.left.size
    require(n_cells > 0, "a grid has no cells")
    require(all(_is_vector(part, n_cells) for part in grid[:3]), "a grid's cells do not fit")
    require((grid.measure > 0).all(), "a grid has a cell without measure")


def check_bins(bins: Bins) -> None:
    """Check the bins of a numeric column."""
    n_cells = bins.bin_of_cell.size
    require(n_cells > 0 and _is_vector(bins.bin_of_cell, n_cells, "i"), "bins have no cells")
    require(_is_rising(bins.bin_of_cell, bins.n_bins), "bins are not in order")
    require(
        _is_vector(bins.cell_probability, n_cells) and (bins.cell_probability > 0).all(),
        "bins do not have the probabilities of their cells",
    )
    require(bins.mass.ndim == 1, "bins do not have one mass each")


def check_grouped(grouped: GroupedBins) -> None:
    """Check grouped bins."""
    bins, group, place = grouped.bins, grouped.group, grouped.place
    require(len(bins.bin_of_cell) == len(grouped.grid.left), "bins do not fit their grid")
    require(
        _is_vector(group, bins.n_bins, "i") and _is_vector(place, bins.n_bins, "i"),
        "groups do not fit their bins",
    )
    require(_is_rising(group, grouped.n_groups), "groups of bins are not in order")
    require((place >= 0).all() and (place < grouped.n_places).all(), "places lie outside a group")


def check_column(column: ColumnModel) -> None:
    """Check that a family fits its kind."""
    require(isinstance(column.kind, Numeric | Discrete), f"column {column.name!r} has no kind")
    families = _fitting_families(column.kind)
    require(column.distribution in families, f"column {column.name!r} does not fit its family")


def check_estimates(estimates: ComponentEstimates) -> None:
    """Check that all parameters are there for as many components."""
    n_components, n_scalars = len(estimates.n_records), estimates.location.shape[-1]
    require(_is_vector(estimates.n_records, n_components), "components lack their records")
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
    require(is_owner, "the components' owner is no column")
    require(
        layout == build_layout(model.columns, model.bins, layout.owner),
        "the layout does not fit the columns",
    )
    require(_is_vector(model.weights, n_components), "weights are not finite")
    is_share = (model.weights >= 0).all() and abs(model.weights.sum() - 1.0) < 1e-6
    require(n_components and is_share, "weights are no shares")
    is_class = _is_vector(model.owner, n_components, "i") and (model.owner >= 0).all()
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


def check_latents(latents: CustomLatents) -> None:
    """Check that the units of z are positive numbers."""
    is_unit = all(math.isfinite(unit) and unit > 0 for unit in latents.scale)
    require(is_unit, "the latent variables' units are no positive numbers")


def check_custom(model: CustomModel) -> None:
    """Check a NumPyro model against the sites of the function that was passed."""
    latents, guide, schema = model.latents, model.guide, model.schema
    raw = CustomLatents.build_raw(latents.model, schema)
    for name in ("columns", "example", "latents", "observed"):
        require(
            getattr(latents, name) == getattr(raw, name),
            f"the model that was passed has other {name} than the one saved",
        )
    require(latents.n_latents == raw.n_latents, "the latent variables lack their units")
    if isinstance(guide, MeanFieldGuide):
        require(guide.n_latents == raw.n_latents, "the guide does not fit the model")
        n_parameters = 2 * raw.n_latents
    else:
        require(isinstance(guide, FunctionGuide), "the guide is none")
        require(guide.latents == latents, "the guide belongs to another model")  # type: ignore[attr-defined]
        n_parameters = sum(math.prod(part.shape) for part in guide.params)  # type: ignore[attr-defined]
    require(_is_vector(model.parameters, n_parameters), "the guide lacks its parameters")
    require(_is_vector(model.z, raw.n_latents), "the latent variables lack their values")


def _is_subset(variables: Sequence[int], n_variables: int) -> bool:
    """Return whether these are variables, rising."""
    is_rising = list(variables) == sorted(set(variables))
    is_known = all(0 <= variable < n_variables for variable in variables)
    return bool(variables) and is_rising and is_known


def check_network(network: Network) -> None:
    """Check a junction tree, and that every set of variables lies within one of its cliques."""
    n_variables = len(network.variables)
    require(all(v.n_levels >= 1 for v in network.variables), "a variable has no levels")
    cliques, parents = network.tree
    require(cliques and len(cliques) == len(parents), "the junction tree has no cliques")
    subsets = (*cliques, *network.subsets)
    require(all(_is_subset(s, n_variables) for s in subsets), "a clique holds what is no variable")
    require(len(set(network.subsets)) == len(network.subsets), "a set of variables repeats")
    require({v for c in cliques for v in c} == set(range(n_variables)), "a variable has no clique")
    require(parents[0] == -1, "the junction tree has no root")
    met = set(cliques[0])
    for position in range(1, len(cliques)):
        own = set(cliques[position])
        require(0 <= parents[position] < position, "the junction tree is none")
        require(own & met <= set(cliques[parents[position]]), "the junction tree is none")
        met |= own
    sets = [set(clique) for clique in cliques]
    for subset in network.subsets:
        require(any(own.issuperset(subset) for own in sets), "a set of variables has no clique")
    n_cells = sum(math.prod(network.clique_shape(clique)) for clique in cliques)
    require(n_cells <= MAX_CELLS, f"its cliques have {n_cells:,} cells")


def check_domain(domain: Domain) -> None:
    """Check that the bins belong to numeric columns, and that real numbers have some."""
    require(len(domain.names) == len(domain.kinds) > 0, "columns lack their kinds")
    for position, kind in enumerate(domain.kinds):
        require(isinstance(kind, Numeric | Discrete), "a column has no kind")
        require(position in domain.bins or not isinstance(kind, Continuous), "bins are missing")
    for position, grouped in domain.bins.items():
        require(0 <= position < len(domain.kinds), "bins belong to no column")
        kind = domain.kinds[position]
        require(isinstance(kind, Numeric), "bins belong to no number")
        require(grouped.grid.is_count == isinstance(kind, Count), "a grid does not fit its column")


def check_napsu(model: NapsuModel) -> None:
    """Check a Markov network: columns, parameters and posterior must fit the variables."""
    domain, network, posterior = model.domain, model.network, model.posterior
    require(domain.variables == network.variables, "the columns do not fit the network")
    cliques = network.tree.cliques
    for part in domain.parts:
        require(any(set(part) <= set(c) for c in cliques), "a column's variables are apart")
    n_variables = len(network.variables)
    require(all(_is_subset(q, n_variables) for q in model.queries), "a query has no variables")
    require(_is_vector(model.parameters, network.n_parameters), "parameters are missing")
    require(not model.given, "it was saved with conditions")
    if isinstance(posterior, SampledPosterior):
        shape = posterior.draws.shape
        is_right = len(shape) == 2 and shape[0] > 0 and shape[1] == network.n_parameters
        require(is_right and posterior.draws.dtype.kind == "f", "draws do not fit the network")
        require(np.isfinite(posterior.draws).all(), "draws are not finite")
    elif isinstance(posterior, LaplacePosterior | PerturbedPosterior):
        _check_refitting(posterior, network)
    else:
        require(posterior is None, "the posterior is none")


def _check_refitting(posterior: LaplacePosterior | PerturbedPosterior, network: Network) -> None:
    """Check a posterior whose draws are fitted to drawn statistics."""
    n_parameters, evidence = network.n_parameters, posterior.evidence
    require(posterior.network == network, "the posterior belongs to another network")
    cliques = [set(clique) for clique in network.tree.cliques]
    for query in posterior.queries:
        require(any(own.issuperset(query) for own in cliques), "a query has no clique")
    is_right = _is_vector(evidence.moments, n_parameters)
    require(is_right and _is_vector(evidence.variance, n_parameters), "statistics are missing")
    require((evidence.variance >= 0).all() and evidence.n_variance >= 0, "a variance is negative")
    require(math.isfinite(evidence.n_records + evidence.n_variance), "the row count is not finite")
    if isinstance(posterior, LaplacePosterior):
        is_square = posterior.root.shape == (n_parameters, n_parameters)
        require(is_square and np.isfinite(posterior.root).all(), "the covariance does not fit")
        return
    is_none = posterior.expected is None
    require(is_none or _is_vector(posterior.expected, n_parameters), "statistics are missing")  # type: ignore[arg-type]
    sizes = [math.prod(network.clique_shape(clique)) for clique in network.tree.cliques]
    require([table.size for table in posterior.tables] == sizes, "tables do not fit the cliques")


def check_format(table_format: TableFormat) -> None:
    """Check that every column has a dtype, and the container is known."""
    require(table_format.container in ("pandas", "polars", "numpy"), "its container is unknown")
    require(len(table_format.names) == len(table_format.dtypes), "columns lack their dtypes")
    for dtype in table_format.dtypes:
        is_category = isinstance(dtype, str) and dtype in ("category", "ordered category")
        is_dtype = isinstance(dtype, np.dtype | pd.api.extensions.ExtensionDtype)
        require(is_category or is_dtype, "a column has no dtype")
