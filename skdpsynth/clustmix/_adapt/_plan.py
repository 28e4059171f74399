"""The Adapt stage: a plan around one that makes clusters, which it measures for and moves.

Clusters of blocks and of vectors differ in two ways only: how a record is embedded, and how the
clusters are moved; see `AdaptedBlocks` and `AdaptedVectors`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from ..._contracts import Progress
from ..._product_mixture import MixtureModel, MixtureRelease
from ...privacy import Budget, Mechanisms, PlannedRelease
from ...schema import Table
from .._blocks import BlocksPlan
from .._vectors import ContinuousModel, ContinuousPlan, ContinuousRelease
from ._inducing_points import adapt_cells, adapt_means
from ._normal_equations import (
    N_FEATURES,
    NORMAL_EQUATIONS,
    NormalEquations,
    Points,
    embed_box,
    embed_cells,
    release_normal_equations,
)
from ._ntk import RandomFeatures, draw_features

__all__ = ["AdaptableRelease", "AdaptedBlocks", "AdaptedVectors"]

R = TypeVar("R", MixtureRelease, ContinuousRelease)
M = TypeVar("M", MixtureModel, ContinuousModel)


class AdaptableRelease(NamedTuple, Generic[R]):
    """Clusters, and the normal equations that they can be adapted to.

    Attributes
    ----------
    clusters : MixtureRelease or ContinuousRelease
    equations : NormalEquations
    features : RandomFeatures
        Public.
    """

    clusters: R
    equations: NormalEquations
    features: RandomFeatures

    @property
    def n_records(self) -> float:
        """Row count: noisy under add/remove, exact under replace-one."""
        return self.clusters.n_records


class EmbeddedRecords(NamedTuple):
    """The private records, embedded with norm at most 1; they stay within the release.

    Attributes
    ----------
    points : function of (start, stop)
        Returns those of some rows, of shape (n_rows, n_inputs).
    classes : ndarray of shape (n_rows,), int
    n_classes, n_inputs : int
    """

    points: Points
    classes: np.ndarray
    n_classes: int
    n_inputs: int


@dataclass(frozen=True)
class _AdaptedPlan(ABC, Generic[R, M]):
    """Release clusters and normal equations, and move the clusters by them.

    Attributes
    ----------
    clusters : Plan
        Which has the rest of μ².
    adapt_share : float in (0, 1)
        Share of μ² of the normal equations.
    alpha : float in [0, 1]
        Weight of staying at the released clusters.
    """

    clusters: Any
    adapt_share: float
    alpha: float

    @property
    def budget(self) -> Budget:
        """Shares of the clusters and of the normal equations."""
        return Budget(clusters=self.clusters.share, adapt=self.adapt_share)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        return (
            *self.clusters.releases,
            PlannedRelease(NORMAL_EQUATIONS, self.budget["adapt"]),
        )

    @property
    def progress(self) -> Progress:
        """Passes of the clusters, and one more."""
        unit, total = self.clusters.progress
        return Progress(unit, None if total is None else total + 1)

    def release(self, table: Table, desk: Mechanisms) -> AdaptableRelease[R]:
        """Return the clusters, and the normal equations of the records as these embed them."""
        clusters, records = self._measure(table, desk)
        mu = self.budget.mu("adapt", desk.mu)
        features = draw_features(records.n_inputs, N_FEATURES)
        n_records = max(clusters.n_records, 1.0)
        equations = release_normal_equations(
            records.points, records.classes, records.n_classes, features, n_records, mu, desk
        )
        desk.progress()
        return AdaptableRelease(clusters, equations, features)

    def infer(self, release: AdaptableRelease[R], rng: np.random.Generator) -> M:
        """Return the model with its clusters moved towards what the normal equations ask for."""
        return self._move(self.clusters.infer(release.clusters, rng), release)

    @abstractmethod
    def _measure(self, table: Table, desk: Mechanisms) -> tuple[R, EmbeddedRecords]:
        """Return the clusters' release, and the records as it embeds them."""

    @abstractmethod
    def _move(self, model: M, release: AdaptableRelease[R]) -> M:
        """Return the model with its clusters adapted."""


@dataclass(frozen=True)
class AdaptedBlocks(_AdaptedPlan[MixtureRelease, MixtureModel]):
    """Clusters of mixed records: one-hot blocks of norm 1, whose probabilities are moved."""

    clusters: BlocksPlan

    def _measure(self, table: Table, desk: Mechanisms) -> tuple[MixtureRelease, EmbeddedRecords]:
        release, records = self.clusters.measure(table, desk)
        n_cells = release.layout.n_cells

        def points(start: int, stop: int) -> np.ndarray:
            return embed_cells(records.codes[start:stop], n_cells)

        return release, EmbeddedRecords(points, records.classes, release.layout.n_classes, n_cells)

    def _move(self, model: MixtureModel, release: AdaptableRelease[MixtureRelease]) -> MixtureModel:
        layout, estimates = model.layout, model.estimates
        cell = adapt_cells(
            estimates.cell,
            model.owner,
            layout.n_classes,
            [block.n_cells for block in layout.blocks],
            release.equations,
            release.features,
            self.alpha,
        )
        return replace(model, estimates=estimates._replace(cell=cell))


@dataclass(frozen=True)
class AdaptedVectors(_AdaptedPlan[ContinuousRelease, ContinuousModel]):
    """Clusters of vectors: the clipped and standardised records, whose means are moved."""

    clusters: ContinuousPlan

    def _measure(self, table: Table, desk: Mechanisms) -> tuple[ContinuousRelease, EmbeddedRecords]:
        release, owner = self.clusters.release(table, desk), self._owner
        centre, radius = _box(release)
        numeric = np.delete(np.arange(len(release.kinds)), owner)

        def points(start: int, stop: int) -> np.ndarray:
            return embed_box(table.codes[start:stop, numeric], centre, radius)

        classes = table.codes[:, owner].astype(np.int64)
        return release, EmbeddedRecords(points, classes, self._n_classes, len(centre))

    def _move(
        self, model: ContinuousModel, release: AdaptableRelease[ContinuousRelease]
    ) -> ContinuousModel:
        centre, radius = _box(release.clusters)
        means = adapt_means(
            model.means,
            model.labels,
            self._n_classes,
            centre,
            radius,
            release.equations,
            release.features,
            self.alpha,
        )
        return replace(model, means=means)

    @property
    def _owner(self) -> int:
        # there is nothing to adapt to without a target, and no such plan is made
        assert self.clusters.owner is not None
        return self.clusters.owner

    @property
    def _n_classes(self) -> int:
        return len(self.clusters.kinds[self._owner].levels)


def _box(release: ContinuousRelease) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre and the half-widths that records are embedded with."""
    standardisation = release.standardisation
    return standardisation.centre, standardisation.scale * standardisation.radius
