"""A small synthesizer, complete: every column on its own, from noisy one-way marginals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from skdpsynth._base import BaseSynthesizer
from skdpsynth._contracts import Progress
from skdpsynth._denoising import project_to_simplex
from skdpsynth._parameters import Integer
from skdpsynth._storing import Entry, Stored, StoredSynthesizer, require
from skdpsynth.privacy import Budget, Mechanisms, PlannedRelease
from skdpsynth.schema import Discrete, Table, TableSchema, bin_codes, make_edges


def edges_of(kind: Any, n_bins: int) -> np.ndarray:
    """Return the edges of a column's cells in the units of its codes, all of them public."""
    if isinstance(kind, Discrete):
        return np.arange(len(kind.levels) + 1) - 0.5
    return (make_edges(kind, n_bins, "uniform") - kind.low) / (kind.high - kind.low)


def find_cells(codes: np.ndarray, kind: Any, n_bins: int) -> np.ndarray:
    """Return the cell of every code; missing values have the last."""
    edges = edges_of(kind, n_bins)
    return np.nan_to_num(bin_codes(codes, edges), nan=len(edges) - 1).astype(np.intp)


class OneWayRelease(NamedTuple):
    """The noisy row count and the noisy counts of every column's cells."""

    n_records: float
    counts: list[np.ndarray]


@dataclass(frozen=True)
class OneWayModel:
    """Independent columns; a numeric one is uniform within each of its cells."""

    kinds: tuple[Any, ...]
    n_bins: int
    n_records: float
    probability: tuple[np.ndarray, ...]

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Return rows, an array of codes of shape (n_samples, n_columns)."""
        columns = []
        for kind, probability in zip(self.kinds, self.probability, strict=True):
            edges = np.append(edges_of(kind, self.n_bins), np.nan)
            cells = rng.choice(len(probability), n_samples, p=probability)
            within = 0.5 if isinstance(kind, Discrete) else rng.random(n_samples)
            columns.append(edges[cells] + within * (edges[cells + 1] - edges[cells]))
            columns[-1][cells == len(edges) - 2] = np.nan
        return np.column_stack(columns)

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of rows; with one column summed out if it is named."""
        total = np.zeros(len(codes))
        for j, kind in enumerate(self.kinds):
            if j != without:
                size = 1.0 if isinstance(kind, Discrete) else kind.high - kind.low
                # a missing value is counted, and not spread over an interval
                measure = np.append(size * np.diff(edges_of(kind, self.n_bins)), 1.0)
                cells = find_cells(codes[:, j], kind, self.n_bins)
                total += np.log(self.probability[j][cells] / measure[cells])
        return total

    def condition(self, given: Mapping[int, float]) -> OneWayModel:
        """Return the model given the codes of some columns: they say nothing of the others."""
        return self

    def draw_posterior(self, rng: np.random.Generator) -> OneWayModel:
        """Return a model with probabilities drawn as if the counts were exact."""
        drawn = [rng.dirichlet(self.n_records * p + 1.0) for p in self.probability]
        return replace(self, probability=tuple(drawn))


@dataclass(frozen=True)
class OneWayPlan:
    """The row count, and then the one-way marginals."""

    schema: TableSchema
    n_bins: int
    budget: Budget

    progress = Progress("releases", 1)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        return tuple(PlannedRelease(name, share) for name, share in self.budget.items() if share)

    def release(self, table: Table, desk: Mechanisms) -> OneWayRelease:
        """Release the counts of all cells at once.

        A row adds one to a cell of each of d columns: a vector of norm √d without negative entries.
        """
        count = desk.row_count(len(table.codes), mu=self.budget.mu("row count", desk.mu))
        counts = []
        for codes, kind in zip(table.codes.T, table.schema.columns.values(), strict=True):
            n_cells = len(edges_of(kind, self.n_bins)) - 1 + kind.nullable
            cells = find_cells(codes, kind, self.n_bins)
            counts.append(np.bincount(cells, minlength=n_cells))
        noisy = desk.gaussian(
            np.concatenate(counts),
            sensitivity=desk.nonnegative_sensitivity(np.sqrt(len(counts))),
            mu=self.budget.mu("one-way marginals", desk.mu),
            name="one-way marginals",
            grid=1.0,  # counts are integers: nothing to round
        )
        desk.progress()
        ends = np.cumsum([len(part) for part in counts])
        return OneWayRelease(count.value, np.split(noisy, ends[:-1]))

    def infer(self, release: OneWayRelease, rng: np.random.Generator) -> OneWayModel:
        """Return the nearest probabilities, with one more row spread over all cells."""
        n = release.n_records
        nearest = [project_to_simplex(counts / n) for counts in release.counts]
        probability = tuple((n * p + 1.0 / len(p)) / (n + 1.0) for p in nearest)
        return OneWayModel(tuple(self.schema.columns.values()), self.n_bins, n, probability)


class OneWaySynthesizer(BaseSynthesizer):
    """Independent columns with noisy one-way marginals.

    Parameters
    ----------
    epsilon, delta, adjacency, schema, random_state, verbose
        As every synthesizer has them.
    n_bins : int, default=16
        Cells of a numeric column.
    """

    _constraints: ClassVar = {"n_bins": Integer(1)}

    def __init__(
        self,
        epsilon: float = 1.0,
        delta: float = 1e-6,
        adjacency: str = "add_remove",
        *,
        schema: TableSchema | None = None,
        n_bins: int = 16,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.epsilon = epsilon
        self.delta = delta
        self.adjacency = adjacency
        self.schema = schema
        self.n_bins = n_bins
        self.random_state = random_state
        self.verbose = verbose

    def _plan(self, schema: TableSchema) -> OneWayPlan:
        # where a row is replaced by another, everybody may know how many there are
        count = 0.1 if self.adjacency == "add_remove" else 0.0
        budget = Budget(**{"row count": count, "one-way marginals": 1.0 - count})
        return OneWayPlan(schema, self.n_bins, budget)


def check_model(model: OneWayModel) -> None:
    """Raise unless there is a probability for every cell: a file may say anything."""
    require(model.n_bins >= 1 and model.n_records > 0, "there are no bins, or no rows")
    require(len(model.kinds) == len(model.probability), "a column lacks its probabilities")
    for kind, p in zip(model.kinds, model.probability, strict=True):
        n_cells = len(edges_of(kind, model.n_bins)) - 1 + kind.nullable
        require(p.shape == (n_cells,) and (p > 0).all(), "a cell lacks its probability")
        require(abs(p.sum() - 1.0) < 1e-9, "the probabilities of a column do not sum to one")


STORED = Stored(
    entries=(Entry(OneWayModel, check_model),),
    synthesizers=(StoredSynthesizer(OneWaySynthesizer, (OneWayModel,)),),
)
