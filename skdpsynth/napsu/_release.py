"""The steps of a release: the private rows, what is measured of them first, and what then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .._histograms import NoisyGrid
from .._markov_network import (
    Domain,
    Evidence,
    Measurement,
    Network,
    build_network,
    clique_size,
    combine,
    count_marginals,
    release_marginals,
)
from ..privacy import Budget, Mechanisms
from ._candidates import expected_pair, list_candidates
from ._selection import choose_queries, l1_sensitivity, score_candidates, select_tree

__all__ = [
    "FirstLook",
    "NapsuRelease",
    "Rows",
    "combine_with_count",
    "first_queries",
    "given_queries",
    "look_first",
    "measure_missed",
    "measure_tree",
    "share_by_cells",
]

# noise in a candidate's distance, as a share of the rows, above which it tells nothing
LARGEST_SCORE_NOISE = 0.03


class NapsuRelease(NamedTuple):
    """Everything that inference may know; all of it is differentially private.

    Attributes
    ----------
    domain : Domain
    network : Network
    evidence : Evidence
    measurements : tuple of Measurement
    """

    domain: Domain
    network: Network
    evidence: Evidence
    measurements: tuple[Measurement, ...]

    @property
    def n_records(self) -> float:
        """Row count: noisy, or public."""
        return self.evidence.n_records


@dataclass(frozen=True)
class Rows:
    """The private rows at the desk: what every release of marginals needs."""

    domain: Domain
    levels: np.ndarray
    desk: Mechanisms

    @property
    def shape(self) -> tuple[int, ...]:
        """Levels of every variable."""
        return tuple(variable.n_levels for variable in self.domain.variables)

    def measure(self, queries: Sequence[tuple[int, ...]], mu: float) -> list[Measurement]:
        """Release marginals, which share μ² as `share_by_cells` says."""
        tables = count_marginals(self.levels, queries, self.shape)
        labels = [label_query(self.domain, query) for query in queries]
        weights = share_by_cells(queries, self.shape)
        released = release_marginals(tables, queries, weights, mu, labels, self.desk)
        self.desk.progress(len(queries))
        return released


def label_query(domain: Domain, query: Sequence[int]) -> str:
    """Return what a marginal is called in the ledger."""
    return " × ".join(domain.label(v) for v in query)


def share_by_cells(queries: Sequence[tuple[int, ...]], shape: Sequence[int]) -> list[float]:
    """Return shares of μ², relative to each other: the power 2/3 of the marginals' cells.

    That minimises Σ sᵢ σᵢ, the expected L1 error of all of them, under Σ 1/σᵢ² = μ².
    """
    return [clique_size(query, shape) ** (2 / 3) for query in queries]


def given_queries(queries: Sequence[tuple[int, ...]], domain: Domain) -> list[tuple[int, ...]]:
    """Return queries over columns as those over variables, and one of each column left out."""
    own = [tuple(v for j in query for v in domain.parts[j]) for query in queries]
    covered = {v for query in own for v in query}
    return own + [part for part in domain.parts if not covered.issuperset(part)]


def first_queries(domain: Domain, target: int | None) -> list[tuple[int, ...]]:
    """Return every column with the target's first variable, or alone."""
    if target is None:
        return list(domain.parts)
    label = domain.parts[target]
    queries = [
        tuple(sorted((label[0], *part))) for j, part in enumerate(domain.parts) if j != target
    ]
    return [*queries, label] if len(label) > 1 or not queries else queries


def combine_with_count(
    network: Network, measurements: Sequence[Measurement], grid: NoisyGrid
) -> Evidence:
    """Combine marginals with each other and with the row count of the first release."""
    if grid.is_count_public:
        return combine(network, measurements, public_count=grid.n_records)
    return combine(network, measurements, count=(grid.n_records, grid.count_scale**2))


class FirstLook(NamedTuple):
    """Every column with the target, or alone, and the simple model that this makes.

    Attributes
    ----------
    queries : list of tuple of int
    measurements : list of Measurement
    network : Network
    evidence : Evidence
    label : int or None
        The target's first variable.
    """

    queries: list[tuple[int, ...]]
    measurements: list[Measurement]
    network: Network
    evidence: Evidence
    label: int | None

    def measure_rest(
        self, rows: Rows, chosen: Sequence[tuple[int, ...]], mu: float
    ) -> list[Measurement]:
        """Measure what was chosen, and once more the queries that lie within none of it."""
        left = [q for q in self.queries if not any(set(q) <= set(other) for other in chosen)]
        return self.measurements + rows.measure([*left, *chosen], mu)


def look_first(rows: Rows, target: int | None, grid: NoisyGrid, mu: float) -> FirstLook:
    """Measure every column with the target, or alone."""
    queries = first_queries(rows.domain, target)
    measured = rows.measure(queries, mu)
    network = build_network(rows.domain.variables, queries)
    evidence = combine_with_count(network, measured, grid)
    label = None if target is None else rows.domain.parts[target][0]
    return FirstLook(queries, measured, network, evidence, label)


def measure_missed(
    rows: Rows, first: FirstLook, shares: Budget, mu: float, max_clique_size: int
) -> list[Measurement]:
    """Measure the pairs that the simple model is found to miss most.

    Parameters
    ----------
    rows : Rows
    first : FirstLook
    shares : Budget
        Of μ²; "selection" is that of the distances, "pairs" that of the marginals.
    mu : float
        Of all marginals together, the first ones included.
    max_clique_size : int
    """
    own = shares.mu("selection", mu)
    # m distances together have noise of √m/μ each, which must stay small against the rows
    sensitivity = l1_sensitivity(rows.desk.adjacency)
    most = (LARGEST_SCORE_NOISE * first.evidence.n_records * own / sensitivity) ** 2
    candidates = list_candidates(
        first.network, first.evidence, first.label, rows.domain.main, most, max_clique_size
    )
    if not candidates:
        # nothing could be told from noise: the share goes to a second look
        both = Budget(first=shares["first"], again=1.0 - shares["first"])
        return first.measure_rest(rows, [], both.mu("again", mu))
    scores = score_candidates(rows.levels, candidates, rows.shape, own, rows.desk)
    pairs = shares.mu("pairs", mu)
    chosen = choose_queries(candidates, scores, first.queries, rows.shape, pairs, max_clique_size)
    return first.measure_rest(rows, chosen, pairs)


def measure_tree(
    rows: Rows, first: FirstLook, epsilon: float, mu: float, max_clique_size: int, *, tan: bool
) -> list[Measurement]:
    """Measure the pairs of a private spanning tree.

    Parameters
    ----------
    rows : Rows
    first : FirstLook
    epsilon : float
        Of the choice of every edge.
    mu : float
        Of the marginals to come.
    max_clique_size : int
    tan : bool
        Whether the tree is one of pairs given the target, which is then no node of it.
    """
    nodes = [v for v in rows.domain.main if not (tan and v == first.label)]
    # the star is in the model either way, so that a pair's clique has the target in it
    joined = set() if first.label is None else {first.label}
    candidates = [
        expected_pair(pair, first.network, first.evidence, first.label if tan else None)
        for pair in combinations(nodes, 2)
        if clique_size(joined.union(pair), rows.shape) <= max_clique_size
    ]
    chosen = select_tree(rows.levels, candidates, nodes, rows.shape, epsilon, rows.desk)
    return first.measure_rest(rows, chosen, mu)
