"""Markov networks p(x | λ) ∝ exp(λ·a(x)) on junction trees, for whatever method measures marginals.

=================  =================================================================================
module             what it holds
=================  =================================================================================
``_binning.py``    bins of numeric columns, and groups of neighbouring bins
``_domain.py``     columns of a table as variables with finitely many levels, and back
``_contrasts.py``  a(x): orthonormal contrasts of every set of variables
``_marginals.py``  counting marginals, releasing them, and estimates of Σ a(x) from all of them
``_tree.py``       the junction tree of some queries: triangulation, cliques, a spanning tree
``_network.py``    parameters, cliques and cells of a network, and which cells exchange messages
``_messages.py``   marginals of all cliques by messages along the tree, the reference in numpy
``_kernels.py``    the same in jax, with derivatives: A(λ), its gradient and its Hessian
``_fitting.py``    λ of largest entropy for given marginals: iterative proportional fitting
``_sampling.py``   rows drawn from calibrated cliques, and their log probability
=================  =================================================================================

What is named here is for the wings that build on it.
"""

from ._binning import GroupedBins, group_bins, public_bins
from ._contrasts import Variable, analyse, axis_basis, closure, contrast_rows, synthesise
from ._domain import Domain, count_levels
from ._fitting import Target, fit_scaling
from ._kernels import mean, mean_and_covariance, moments
from ._marginals import (
    Evidence,
    Measurement,
    combine,
    count_marginals,
    divide_constants,
    estimate_marginal,
    release_marginals,
)
from ._messages import calibrate, clique_potentials
from ._network import MessagePlan, Network, build_network, coefficient_cells
from ._sampling import SamplingStep, log_probability, plan_sampling, sample_levels
from ._tree import JunctionTree, clique_size, triangulate

__all__ = [
    "Domain",
    "Evidence",
    "GroupedBins",
    "JunctionTree",
    "Measurement",
    "MessagePlan",
    "Network",
    "SamplingStep",
    "Target",
    "Variable",
    "analyse",
    "axis_basis",
    "build_network",
    "calibrate",
    "clique_potentials",
    "clique_size",
    "closure",
    "coefficient_cells",
    "combine",
    "contrast_rows",
    "count_levels",
    "count_marginals",
    "divide_constants",
    "estimate_marginal",
    "fit_scaling",
    "group_bins",
    "log_probability",
    "mean",
    "mean_and_covariance",
    "moments",
    "plan_sampling",
    "public_bins",
    "release_marginals",
    "sample_levels",
    "synthesise",
    "triangulate",
]
