"""The releases of a fit, from the private rows to noisy marginals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from .._histograms import NoisyGrid, fine_grid, release_grid
from .._markov_network._binning import GroupedBins, group_bins, public_bins
from .._markov_network._domain import Domain, count_levels
from .._markov_network._marginals import (
    Evidence,
    Measurement,
    combine,
    count_marginals,
    release_marginals,
)
from .._markov_network._network import Network, build_network
from .._markov_network._tree import clique_size
from ..privacy import (
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    nonnegative_sensitivity,
)
from ..schema import Table, TableSchema
from ._candidates import expected_pair, list_candidates
from ._prior import empirical_variance, expected_moments
from ._queries import check_cliques
from ._selection import choose_queries, l1_sensitivity, score_candidates, select_tree

__all__ = ["NapsuPlan", "NapsuRelease", "release_napsu"]

# shares of μ², fixed before the first release
COUNT_SHARE = 0.02
GRID_SHARE = 0.08
FIRST_SHARE = 0.4
SELECTION_SHARE = 0.1
# of the Gaussian ε that the rounds of a private tree use together
TREE_SHARE = 0.3

N_GROUPS = 8
RECORDS_PER_BIN = 25.0
LARGEST_N_BINS = 128
# noise in a candidate's distance, as a share of the rows, above which it tells nothing
LARGEST_SCORE_NOISE = 0.03
# cells of the cliques that automatic queries may grow
LARGEST_GROWN_CLIQUE = 20_000
# standard deviation of λ's prior where intervals are to be valid: the log probability of a cell of
# a three-way marginal then varies by 1.5 √7 a priori. Under a wider one a cell that noise has
# emptied has a long way to go, which chains are slow to travel
WIDE_PRIOR_SCALE = 1.5


@dataclass(frozen=True)
class NapsuPlan:
    """What a fit is to release; all of it public.

    Attributes
    ----------
    queries : list of tuple of int, or str
        Column positions, or a strategy.
    bins : dict of column position to None, int or ndarray
        As `read_bins` returns it.
    n_bins : int or "auto"
    target : int or None
        Column position.
    max_clique_size : int
    prior_scale : float or "auto"
        Standard deviation of λ's prior, or "auto".
    """

    queries: list[tuple[int, ...]] | str
    bins: dict[int, int | np.ndarray | None]
    n_bins: int | str
    target: int | None
    max_clique_size: int
    prior_scale: float | str

    @property
    def is_automatic(self) -> bool:
        """Whether a strategy chooses the queries."""
        return isinstance(self.queries, str)


class NapsuRelease(NamedTuple):
    """Everything that inference may know; all of it is differentially private.

    Attributes
    ----------
    domain : Domain
    network : Network
    evidence : Evidence
    prior_variance : ndarray of shape (n_parameters,)
    expected : ndarray of shape (n_parameters,) or None
        Statistics of a simpler model, where the prior's variance was estimated from how the noisy
        ones deviate from it.
    measurements : tuple of Measurement
    """

    domain: Domain
    network: Network
    evidence: Evidence
    prior_variance: np.ndarray
    expected: np.ndarray | None
    measurements: tuple[Measurement, ...]

    @property
    def n_records(self) -> float:
        """Row count: noisy, or public."""
        return self.evidence.n_records


@dataclass(frozen=True)
class _Rows:
    """The private rows, and what every release of them needs; never leaves this module."""

    domain: Domain
    levels: np.ndarray
    ledger: PrivacyLedger
    noise: NoiseSource
    progress: Callable[[], object]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(variable.n_levels for variable in self.domain.variables)

    def measure(self, queries: Sequence[tuple[int, ...]], mu: float) -> list[Measurement]:
        """Release marginals, their shares of μ² with the power 2/3 of their cells.

        That minimises Σ sᵢ σᵢ, the expected L1 error of all of them, under Σ 1/σᵢ² = μ².
        """
        tables = count_marginals(self.levels, queries, self.shape)
        labels = [" × ".join(self.domain.label(v) for v in query) for query in queries]
        weights = [clique_size(query, self.shape) ** (2 / 3) for query in queries]
        released = release_marginals(
            tables, queries, weights, mu, labels, Mechanisms(self.ledger, self.noise)
        )
        self.progress()
        return released


def release_napsu(
    table: Table,
    plan: NapsuPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    progress: Callable[[], object],
) -> NapsuRelease:
    """Make all releases of a fit.

    Parameters
    ----------
    table : Table
        The private table.
    plan : NapsuPlan
    ledger : PrivacyLedger
    noise : NoiseSource
    progress : callable
        Called after each release.
    """
    selection = _selection_events(plan, table, ledger)
    mu = ledger.mu if not selection else ledger.calibrate_gaussian(selection)
    grid, mu = _release_opening(table, plan, mu, ledger, noise)
    progress()
    domain = _build_domain(table, plan, grid, mu, ledger.adjacency)
    rows = _Rows(domain, domain.encode(table.codes), ledger, noise, progress)
    if not plan.is_automatic:
        measurements = rows.measure(_user_queries(plan, domain), mu)
    elif plan.queries == "star":
        measurements = rows.measure(_first_queries(plan, domain), mu)
    else:
        measurements = _measure_and_select(rows, plan, grid, mu, selection)
    network = build_network(domain.variables, [m.query for m in measurements])
    evidence = _combine(network, measurements, grid)
    prior_variance, expected = _prior(plan, domain, network, evidence)
    return NapsuRelease(domain, network, evidence, prior_variance, expected, tuple(measurements))


def _selection_events(plan: NapsuPlan, table: Table, ledger: PrivacyLedger) -> list[SelectionEvent]:
    """Return the rounds of a private tree, planned before anything is released."""
    if plan.queries not in ("tree", "tan"):
        return []
    n_rounds = len(table.schema) - 1 - (plan.queries == "tan")
    if n_rounds < 1:
        return []
    if not math.isfinite(ledger.mu):
        return [SelectionEvent(math.inf)] * n_rounds
    # k randomised responses with loss ±ε spread about as much as one Gaussian with μ = ε √k
    return [SelectionEvent(ledger.mu * math.sqrt(TREE_SHARE / n_rounds))] * n_rounds


def _release_opening(
    table: Table, plan: NapsuPlan, mu: float, ledger: PrivacyLedger, noise: NoiseSource
) -> tuple[NoisyGrid, float]:
    """Release the row count and fine histograms, and return them and the μ that is left."""
    kinds = [table.schema[name] for name in table.schema]
    grids = {j: fine_grid(kinds[j]) for j, bins in plan.bins.items() if bins is None}
    share = GRID_SHARE if grids else COUNT_SHARE
    if not grids and ledger.adjacency == "replace_one":
        share = 0.0
    own = mu * math.sqrt(share) if math.isfinite(mu) else mu
    grid = release_grid(table.codes, kinds, grids, own, Mechanisms(ledger, noise))
    return grid, mu * math.sqrt(1.0 - share)


def _build_domain(
    table: Table, plan: NapsuPlan, grid: NoisyGrid, mu: float, adjacency: str
) -> Domain:
    kinds = tuple(table.schema[name] for name in table.schema)
    sensitivity = nonnegative_sensitivity(1.0, adjacency)
    scale = sensitivity * math.sqrt(len(kinds) / FIRST_SHARE) / mu
    n_groups, n_places = count_bins(plan, grid.n_records, scale)
    bins: dict[int, GroupedBins] = {}
    for j, own in plan.bins.items():
        if own is None:
            bins[j] = group_bins(
                grid.counts[j], fine_grid(kinds[j]), grid.scale, n_groups, n_places
            )
        else:
            bins[j] = public_bins(
                kinds[j], n_groups * n_places if isinstance(own, int) and own < 0 else own
            )
    return Domain(tuple(table.schema.names), kinds, bins)


def count_bins(plan: NapsuPlan, n_records: float, scale: float) -> tuple[int, int]:
    """Return the groups, and the places in each, of a numeric column.

    Parameters
    ----------
    plan : NapsuPlan
    n_records : float
        Released row count.
    scale : float
        Standard deviation of the noise in a cell of the first marginals.
    """
    if plan.n_bins != "auto":
        wanted = int(plan.n_bins)
    elif not plan.is_automatic:
        wanted = 2 * N_GROUPS
    else:
        strength = min(n_records / max(scale, 1.0) / RECORDS_PER_BIN, LARGEST_N_BINS)
        power = 2.0 ** round(math.log2(max(strength, 1.0)))
        wanted = int(np.clip(power, 2 * N_GROUPS, LARGEST_N_BINS))
    if not plan.is_automatic or plan.queries == "star":
        return wanted, 1
    return min(wanted, N_GROUPS), math.ceil(wanted / N_GROUPS)


def _user_queries(plan: NapsuPlan, domain: Domain) -> list[tuple[int, ...]]:
    """Return the user's queries over variables, and one of each column that they leave out."""
    assert not isinstance(plan.queries, str)
    queries = [tuple(v for j in query for v in domain.parts[j]) for query in plan.queries]
    covered = {v for query in queries for v in query}
    return queries + [part for part in domain.parts if not covered.issuperset(part)]


def _first_queries(plan: NapsuPlan, domain: Domain) -> list[tuple[int, ...]]:
    """Return every column with the target's first variable, or alone."""
    if plan.target is None:
        return list(domain.parts)
    label = domain.parts[plan.target]
    queries = [
        tuple(sorted((label[0], *part))) for j, part in enumerate(domain.parts) if j != plan.target
    ]
    return [*queries, label] if len(label) > 1 or not queries else queries


def _measure_and_select(
    rows: _Rows,
    plan: NapsuPlan,
    grid: NoisyGrid,
    mu: float,
    selection: Sequence[SelectionEvent],
) -> list[Measurement]:
    """Measure every column with the target, then what the pairs with it miss."""
    first = _first_queries(plan, rows.domain)
    measured = rows.measure(first, mu * math.sqrt(FIRST_SHARE))
    model = build_network(rows.domain.variables, first)
    evidence = _combine(model, measured, grid)
    label = None if plan.target is None else rows.domain.parts[plan.target][0]
    if plan.queries == "auto":
        own, rest = mu * math.sqrt(SELECTION_SHARE), 1.0 - FIRST_SHARE - SELECTION_SHARE
        limit = min(plan.max_clique_size, LARGEST_GROWN_CLIQUE)
        # m distances together have noise of √m/μ each, which must stay small against the rows
        sensitivity = l1_sensitivity(rows.ledger.adjacency)
        most = (LARGEST_SCORE_NOISE * evidence.n_records * own / sensitivity) ** 2
        candidates = list_candidates(model, evidence, label, rows.domain.main, most, limit)
        if not candidates:
            # nothing could be told from noise: the share goes to a second look
            return measured + rows.measure(first, mu * math.sqrt(1.0 - FIRST_SHARE))
        scores = score_candidates(rows.levels, candidates, rows.shape, own, rows.ledger, rows.noise)
        rows.progress()
        chosen = choose_queries(candidates, scores, first, rows.shape, mu * math.sqrt(rest), limit)
    else:
        rest = 1.0 - FIRST_SHARE
        nodes = [v for v in rows.domain.main if v != label or plan.queries == "tree"]
        # the star is in the model either way, so that a pair's clique has the target in it
        joined = set() if label is None else {label}
        label = label if plan.queries == "tan" else None
        candidates = [
            expected_pair(pair, model, evidence, label)
            for pair in combinations(nodes, 2)
            if clique_size(joined.union(pair), rows.shape) <= plan.max_clique_size
        ]
        chosen = []
        if selection:
            chosen = select_tree(
                rows.levels,
                candidates,
                nodes,
                rows.shape,
                selection[0].epsilon,
                rows.ledger,
                rows.noise,
            )
    left = [query for query in first if not any(set(query) <= set(other) for other in chosen)]
    return measured + rows.measure([*left, *chosen], mu * math.sqrt(rest))


def _combine(network: Network, measurements: Sequence[Measurement], grid: NoisyGrid) -> Evidence:
    if grid.is_count_public:
        return combine(network, measurements, public_count=grid.n_records)
    return combine(network, measurements, count=(grid.n_records, grid.scale**2))


def _prior(
    plan: NapsuPlan, domain: Domain, network: Network, evidence: Evidence
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the prior variance of every parameter, and the simpler model that set it."""
    scale = WIDE_PRIOR_SCALE if plan.prior_scale == "auto" else float(plan.prior_scale)
    wide = np.full(network.n_parameters, scale**2)
    if not plan.is_automatic or plan.prior_scale != "auto":
        return wide, None
    label = None if plan.target is None else domain.parts[plan.target][0]
    places = frozenset(v for part in domain.parts for v in part[1:])
    expected = expected_moments(network, evidence, label, places)
    return empirical_variance(network, evidence, expected, scale**2), expected


def check_plan(plan: NapsuPlan, schema: TableSchema) -> None:
    """Raise where some clique would be too large; nothing has been released yet.

    The sizes are those of the most bins that a fit may choose.

    Raises
    ------
    ValueError
        Naming the clique, its size, and the query to drop.
    """
    shape = [_largest_size(plan, j, schema[name]) for j, name in enumerate(schema)]
    queries: list[tuple[int, ...]] = [(j,) for j in range(len(shape))]
    if not isinstance(plan.queries, str):
        queries += plan.queries
    elif plan.target is not None:
        queries += [(j, plan.target) for j in range(len(shape)) if j != plan.target]
    check_cliques(queries, shape, schema.names, plan.max_clique_size)


def _largest_size(plan: NapsuPlan, position: int, kind: Any) -> int:
    """Return the most cells that one column can have in a query."""
    if position not in plan.bins:
        return count_levels(kind) + kind.nullable
    own = plan.bins[position]
    if isinstance(own, np.ndarray):
        return len(own) - 1 + kind.nullable
    if own is not None and own > 0:
        return own + kind.nullable
    # as many as there would be without noise, at most
    n_groups, n_places = count_bins(plan, math.inf, 1.0)
    return (n_groups + kind.nullable) * n_places
