"""What a fit is going to release, and the way through it: the plan of `NapsuMQSynthesizer`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .._contracts import Demand, Progress, check_demand
from .._histograms import NoisyGrid, name_opening, release_grid
from .._markov_network import Domain, Measurement, build_network
from .._parameters import is_auto
from ..privacy import Budget, Mechanisms, PlannedRelease, SelectionEvent
from ..schema import Table, TableSchema
from ._domain_plan import DomainPlan
from ._inference import infer_network
from ._model import NapsuModel
from ._prior import expected_moments
from ._queries import check_cliques
from ._release import (
    NapsuRelease,
    Rows,
    combine_with_count,
    first_queries,
    given_queries,
    label_query,
    look_first,
    measure_missed,
    measure_tree,
    share_by_cells,
)

__all__ = ["NapsuPlan"]

# shares of μ² of the row count, alone or with histograms, fixed before the first release
COUNT_SHARE = 0.02
GRID_SHARE = 0.15
# and of what is left then, that of the marginals of single columns and of their selection
FIRST_SHARE = 0.4
SELECTION_SHARE = 0.1
SELECTING = Budget(
    first=FIRST_SHARE, selection=SELECTION_SHARE, pairs=1.0 - FIRST_SHARE - SELECTION_SHARE
)
TWO_LOOKS = Budget(first=FIRST_SHARE, pairs=1.0 - FIRST_SHARE)
ONE_LOOK = Budget(first=1.0)
SHARES = {"auto": SELECTING, "star": ONE_LOOK, "tree": TWO_LOOKS, "tan": TWO_LOOKS}
# of the Gaussian μ² that the rounds of a private tree are worth together. What is left beside them
# is calibrated, because they are not Gaussian
TREE_SHARE = 0.3
TREE = Budget(edges=TREE_SHARE, marginals=1.0 - TREE_SHARE)

# cells of the cliques that automatic queries may grow
LARGEST_GROWN_CLIQUE = 20_000
# standard deviation of λ's prior where intervals are to be valid: the log probability of a cell of
# a three-way marginal then varies by 1.5 √7 a priori. Under a wider one a cell that noise has
# emptied has a long way to go, which chains are slow to travel
WIDE_PRIOR_SCALE = 1.5


@dataclass(frozen=True)
class NapsuPlan:
    """What a fit is to release and to infer; all of it public.

    Attributes
    ----------
    schema : TableSchema
    adjacency : {"add_remove", "replace_one"}
    queries : list of tuple of int, or str
        Column positions, or a strategy.
    bins : mapping of column position to None, int or ndarray
        As `read_bins` returns it.
    n_bins : int or "auto"
    max_clique_size : int
    prior_scale : float or "auto"
        Standard deviation of λ's prior, or "auto".
    inference : {"map", "laplace", "nuts"}
    n_draws : int
        Of NUTS.
    """

    schema: TableSchema
    adjacency: str
    queries: list[tuple[int, ...]] | str
    bins: Mapping[int, int | np.ndarray | None]
    n_bins: int | str
    max_clique_size: int
    prior_scale: float | str
    inference: str
    n_draws: int

    @property
    def strategy(self) -> str | None:
        """What chooses the queries; None if they are given."""
        return self.queries if isinstance(self.queries, str) else None

    @cached_property
    def columns(self) -> DomainPlan:
        """How the columns become variables."""
        return DomainPlan(self.schema, self.bins, self.n_bins, self.strategy)

    @cached_property
    def target(self) -> int | None:
        """Position of the target."""
        target = self.schema.target
        return None if target is None else self.schema.names.index(target)

    @property
    def opening(self) -> Budget:
        """Shares of the row count and histograms, and of all marginals with their selection.

        A public row count is not released.
        """
        share = GRID_SHARE if self.columns.grids else COUNT_SHARE
        if not self.columns.grids and self.adjacency == "replace_one":
            share = 0.0
        return Budget(opening=share, marginals=1.0 - share)

    @property
    def shares(self) -> Budget:
        """Shares of what is left after the opening."""
        return ONE_LOOK if self.strategy is None else SHARES[self.strategy]

    @property
    def n_edges(self) -> int:
        """Edges of a private tree."""
        if self.strategy not in ("tree", "tan"):
            return 0
        return max(len(self.schema) - 1 - (self.strategy == "tan"), 0)

    def check_cliques(self) -> None:
        """Raise where some clique would be too large; nothing has been released yet.

        The sizes are those of the most bins that a fit may choose.

        Raises
        ------
        ValueError
            Naming the clique, its size, and the query to drop.
        """
        shape = self.columns.largest_shape()
        queries: list[tuple[int, ...]] = [(j,) for j in range(len(shape))]
        check_cliques(
            queries + self._largest_queries(shape), shape, self.schema.names, self.max_clique_size
        )

    def _largest_queries(self, shape: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the queries that are known beforehand, over columns."""
        if not isinstance(self.queries, str):
            return self.queries
        if self.target is None or len(shape) == 1:
            return [(j,) for j in range(len(shape))]
        return [(j, self.target) for j in range(len(shape)) if j != self.target]

    def check_memory(self) -> None:
        """Refuse tables of too many cells in all queries, as `check_demand` does."""
        shape = self.columns.largest_shape()
        sizes = [math.prod(shape[j] for j in query) for query in self._largest_queries(shape)]
        n_cells = dict(zip(self.schema.names, shape, strict=True))
        check_demand(Demand(n_cells, sum(sizes)))

    # what is to come

    @cached_property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order.

        Marginals stand in one line where their sizes depend on the noisy row count. Automatic
        queries for which no pair could be told from noise measure the first marginals again with
        the share of the distances, too.
        """
        lines = []
        opening, left = self.opening["opening"], self.opening["marginals"]
        if opening:
            lines.append(PlannedRelease(name_opening(bool(self.columns.grids)), opening))
        domain = self.columns.foresee()
        queries = self._first_queries(domain)
        lines += self._first_lines(domain, queries, left * self.shares["first"])
        lines += self._later_lines(domain, len(queries), left)
        return tuple(lines)

    def _first_lines(
        self, domain: Domain, queries: Sequence[tuple[int, ...]], share: float
    ) -> list[PlannedRelease]:
        if not self.columns.is_size_known:
            beside = "" if self.target is None else f" × {self.schema.target}"
            return [PlannedRelease(f"every column{beside}", share, n_releases=len(queries))]
        weights = share_by_cells(queries, [variable.n_levels for variable in domain.variables])
        total = math.fsum(weights)
        return [
            PlannedRelease(label_query(domain, query), share * weight / total)
            for query, weight in zip(queries, weights, strict=True)
        ]

    def _later_lines(self, domain: Domain, n_first: int, left: float) -> list[PlannedRelease]:
        """Return what follows the first marginals."""
        if self.shares is ONE_LOOK:
            return []
        rest = left * (1.0 - FIRST_SHARE)
        again = PlannedRelease("the same marginals again", rest, n_releases=n_first)
        chosen = "the selected marginals, and the first ones beside them"
        if self.n_edges:
            edges = PlannedRelease("edges of the tree", math.nan, "Selection", self.n_edges)
            return [edges, PlannedRelease(chosen, rest, n_releases=None)]
        # a column of one level depends on nothing
        several = [j for j, v in enumerate(domain.main) if domain.variables[v].n_levels > 1]
        if self.strategy != "auto" or len([j for j in several if j != self.target]) < 2:
            return [again]
        distances = "distances of marginals from a simple model"
        return [
            PlannedRelease(distances, left * SELECTING["selection"]),
            PlannedRelease(chosen, left * SELECTING["pairs"], n_releases=None),
        ]

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        numbers = [planned.n_releases for planned in self.releases]
        return Progress("releases", None if None in numbers else sum(n for n in numbers if n))

    # the way of a fit

    def release(self, table: Table, desk: Mechanisms) -> NapsuRelease:
        """Make all releases of a fit.

        Parameters
        ----------
        table : Table
            The private table.
        desk : Mechanisms
        """
        edges = self._edges(desk.mu)
        # the rounds of a private tree are planned before anything is released
        mu = desk.calibrate_gaussian(edges) if edges else desk.mu
        grid = release_grid(
            table.codes,
            self.columns.kinds,
            self.columns.grids,
            self.opening.mu("opening", mu),
            desk,
        )
        if self.opening["opening"]:
            desk.progress()
        mu = self.opening.mu("marginals", mu)
        # the noise that the first marginals would have if each column had one of equal share
        noise = desk.nonnegative_sensitivity(1.0)
        scale = noise * math.sqrt(len(self.schema) / FIRST_SHARE) / mu
        domain = self.columns.build(grid, scale)
        rows = Rows(domain, domain.encode(table.codes), desk)
        measurements = self._measure(rows, grid, mu, edges)
        network = build_network(domain.variables, [m.query for m in measurements])
        evidence = combine_with_count(network, measurements, grid)
        return NapsuRelease(domain, network, evidence, tuple(measurements))

    def _edges(self, mu: float) -> list[SelectionEvent]:
        """Return the rounds of a private tree."""
        if not self.n_edges:
            return []
        # k randomised responses with loss ±ε spread about as much as one Gaussian with μ = ε √k
        return [SelectionEvent(TREE.mu("edges", mu, self.n_edges))] * self.n_edges

    def _measure(
        self, rows: Rows, grid: NoisyGrid, mu: float, edges: Sequence[SelectionEvent]
    ) -> list[Measurement]:
        shares = self.shares
        if shares is ONE_LOOK:
            return rows.measure(self._first_queries(rows.domain), mu)
        first = look_first(rows, self.target, grid, shares.mu("first", mu))
        if self.strategy == "auto":
            limit = min(self.max_clique_size, LARGEST_GROWN_CLIQUE)
            return measure_missed(rows, first, shares, mu, limit)
        rest = shares.mu("pairs", mu)
        if not edges:
            return first.measure_rest(rows, [], rest)
        limit, tan = self.max_clique_size, self.strategy == "tan"
        return measure_tree(rows, first, edges[0].epsilon, rest, limit, tan=tan)

    def _first_queries(self, domain: Domain) -> list[tuple[int, ...]]:
        if not isinstance(self.queries, str):
            return given_queries(self.queries, domain)
        return first_queries(domain, self.target)

    def infer(self, release: NapsuRelease, rng: np.random.Generator) -> NapsuModel:
        """Return the fitted network: post-processing.

        Warns
        -----
        ConvergenceWarning
            As `infer_network` does.
        """
        scale = WIDE_PRIOR_SCALE if is_auto(self.prior_scale) else float(self.prior_scale)
        expected = self.simple_moments(release)
        return infer_network(release, expected, scale, self.inference, self.n_draws, rng)

    def simple_moments(self, release: NapsuRelease) -> np.ndarray | None:
        """Return the statistics of a simpler model to shrink to, or None for a wide prior."""
        if self.strategy is None or not is_auto(self.prior_scale):
            return None
        parts = release.domain.parts
        label = None if self.target is None else parts[self.target][0]
        places = frozenset(v for part in parts for v in part[1:])
        return expected_moments(release.network, release.evidence, label, places)
