"""What of Markov networks is stored in files."""

from __future__ import annotations

import math

from .._storing import Entry, Stored, is_rising, is_subset, is_vector, require
from ..schema import Discrete, Numeric
from ._binning import GroupedBins
from ._contrasts import Variable
from ._domain import Domain
from ._marginals import Evidence
from ._network import Network
from ._tree import JunctionTree

__all__ = ["STORED", "check_domain", "check_grouped", "check_network"]

MAX_CELLS = 1 << 28


def check_grouped(grouped: GroupedBins) -> None:
    """Check grouped bins."""
    bins, group, place = grouped.bins, grouped.group, grouped.place
    require(len(bins.bin_of_cell) == len(grouped.grid.left), "bins do not fit their grid")
    require(
        is_vector(group, bins.n_bins, "i") and is_vector(place, bins.n_bins, "i"),
        "groups do not fit their bins",
    )
    require(is_rising(group, grouped.n_groups), "groups of bins are not in order")
    require((place >= 0).all() and (place < grouped.n_places).all(), "places lie outside a group")


def check_domain(domain: Domain) -> None:
    """Check that the bins belong to numeric columns, and that real numbers have some."""
    require(len(domain.names) == len(domain.kinds) > 0, "columns lack their kinds")
    for position, kind in enumerate(domain.kinds):
        require(isinstance(kind, Numeric | Discrete), "a column has no kind")
        has_levels = isinstance(kind, Discrete) or kind.n_steps is not None
        require(position in domain.bins or has_levels, "bins are missing")
    for position, grouped in domain.bins.items():
        require(0 <= position < len(domain.kinds), "bins belong to no column")
        kind = domain.kinds[position]
        require(isinstance(kind, Numeric), "bins belong to no number")
        has_steps = kind.n_steps is not None
        require(grouped.grid.is_count == has_steps, "a grid does not fit its column")


def check_network(network: Network) -> None:
    """Check a junction tree, and that every set of variables lies within one of its cliques."""
    n_variables = len(network.variables)
    require(all(v.n_levels >= 1 for v in network.variables), "a variable has no levels")
    cliques, parents = network.tree
    require(cliques and len(cliques) == len(parents), "the junction tree has no cliques")
    subsets = (*cliques, *network.subsets)
    require(
        all(is_subset(s, n_variables) for s in subsets), "a clique holds what is not a variable"
    )
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


STORED = Stored(
    entries=(
        *map(Entry, (Variable, JunctionTree, Evidence)),
        Entry(GroupedBins, check_grouped),
        Entry(Domain, check_domain),
        Entry(Network, check_network),
    ),
    builds_on=("skdpsynth._histograms._stored",),
)
