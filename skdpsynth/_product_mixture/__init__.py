"""Mixtures of products of one-column distributions: shared by the synthesizers.

The model is p(x) = Σ_k π_k Π_j p(x_j | θ_kj). Which family p(x_j | θ_kj) is, is chosen in
`_columns`; where its statistics lie in arrays, in `_layout`. The private rows are read in
`_measure`, through the kernels of `_kernels`, which have the model in its natural parameters.
`_directions` measures in which directions they differ,
`_estimates` turns noisy sums into θ_kj and how uncertain they are, `_components` into how many
components there are and their π_k. `_release` is what leaves the rows, `_model` what is fitted.
"""

from ._columns import ColumnModel, model_columns
from ._components import (
    choose_components,
    consistent_totals,
    expect_components,
    mixing_proportions,
    refine,
    start_components,
)
from ._directions import (
    DIRECTIONS,
    Directions,
    count_scored,
    kept_dependence,
    moments_sensitivity,
    release_directions,
    start_along,
)
from ._estimates import ComponentEstimates, NoisySums, add_by_class, average, effective_size
from ._kernels import (
    ANY_CLASS,
    Array,
    NaturalParameters,
    component_log_densities,
    fold,
    power_of_two,
)
from ._layout import Block, Layout, Records, Scalar, build_layout, encode_records
from ._measure import (
    BinRule,
    Opening,
    demand_of,
    expect_classes,
    most_components,
    one_per_class,
    open_table,
    pass_sensitivity,
    release_sums,
)
from ._model import MixtureModel, natural_parameters
from ._release import MixtureRelease, infer_mixture

__all__ = [
    "ANY_CLASS",
    "DIRECTIONS",
    "Array",
    "BinRule",
    "Block",
    "ColumnModel",
    "ComponentEstimates",
    "Directions",
    "Layout",
    "MixtureModel",
    "MixtureRelease",
    "NaturalParameters",
    "NoisySums",
    "Opening",
    "Records",
    "Scalar",
    "add_by_class",
    "average",
    "build_layout",
    "choose_components",
    "component_log_densities",
    "consistent_totals",
    "count_scored",
    "demand_of",
    "effective_size",
    "encode_records",
    "expect_classes",
    "expect_components",
    "fold",
    "infer_mixture",
    "kept_dependence",
    "mixing_proportions",
    "model_columns",
    "moments_sensitivity",
    "most_components",
    "natural_parameters",
    "one_per_class",
    "open_table",
    "pass_sensitivity",
    "power_of_two",
    "refine",
    "release_directions",
    "release_sums",
    "start_along",
    "start_components",
]
