"""Clusters of wide numeric tables: private location, spread, principal components, clusters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._contracts import Progress
from ...privacy import Budget, Mechanisms, PlannedRelease
from ...schema import Table
from ._column_marginals import (
    column_cells,
    release_cells,
    release_location,
    release_radius,
    release_spread,
)
from ._continuous_estimates import infer_continuous
from ._continuous_model import ContinuousModel
from ._private_pca import PrivateRows, Standardisation, release_profile
from ._release import ContinuousRelease
from ._shape import REFINEMENTS, ShapePasses

__all__ = ["ContinuousPlan"]

REFINEMENT_SHARE = 0.02
BUDGET = Budget(
    location=0.04,
    spread=0.05,
    norms=0.01,
    profile=0.15,
    components=0.30,
    marginals=0.15,
    **dict.fromkeys(REFINEMENTS, REFINEMENT_SHARE),
    clusters=0.12,
    covariances=0.14,
)
# what the passes after the marginals divide, whichever they are
SHAPE = ("components", *REFINEMENTS, "clusters", "covariances")
SMALLEST_SCALE = 2.0**-8
# half way between the covariance, for columns in the same units, and the correlation matrix
SCALE_POWER = 0.5


@dataclass(frozen=True)
class ContinuousPlan:
    """Release what determines a Gaussian mixture with low-rank class covariances.

    Attributes
    ----------
    kinds : tuple of column kinds
    owner : int or None
        Position of a target with levels, each of which owns clusters.
    n_clusters : int or "auto"
        In total; 1 means one per class.
    sigma_max : float
        Largest standard deviation that the noise may have in a coordinate of a cluster's mean,
        coordinates lying in [0, 1], in root mean square over the columns.
    share : float, default=1.0
        Of μ², for all of these releases.

    Notes
    -----
    Every pass is a sum over records of a function of one record and of earlier outputs, and its
    sensitivity is proved where it is released; passes with μ_t compose to μ² = Σ μ_t² (Dong, Roth
    & Su 2022, Corollary 3.3). Which passes follow the marginals depends on outputs, but whichever
    they are their squares sum to the same; see `ShapePasses`. Records are rounded to integers
    elementwise, after which all sums, norms, projections and distances are exact.
    """

    kinds: tuple[Any, ...]
    owner: int | None
    n_clusters: int | str
    sigma_max: float
    share: float = 1.0

    @property
    def budget(self) -> Budget:
        """Shares of every release; what is beyond the share of all of them is `rest`."""
        shares = dict(BUDGET)
        if self.n_clusters == 1:
            # one cluster per class is not refined
            shares |= dict.fromkeys(REFINEMENTS, 0.0)
            shares["covariances"] += len(REFINEMENTS) * REFINEMENT_SHARE
        return Budget(**shares).within(self.share, rest=1.0 - self.share)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order; the last line is what earlier outputs decide on."""
        budget = self.budget
        return (
            PlannedRelease("row count and column means", budget["location"]),
            PlannedRelease("column spreads", budget["spread"]),
            PlannedRelease("norms", budget["norms"]),
            PlannedRelease("class profiles", budget["profile"]),
            PlannedRelease("column marginals", budget["marginals"]),
            PlannedRelease(
                "second moments, clusters and class second moments, or class profiles again",
                math.fsum(budget[name] for name in SHAPE),
                n_releases=None,
            ),
        )

    @property
    def progress(self) -> Progress:
        """Passes over the rows; how many follows from the first ones."""
        return Progress("passes")

    def release(self, table: Table, desk: Mechanisms) -> ContinuousRelease:
        """Return noisy sums, moments and histograms of the records as vectors."""
        mu = {name: self.budget.mu(name, desk.mu) for name in BUDGET}
        rows = self._read_rows(table.codes)
        n_records, mean, _ = release_location(rows, mu["location"], desk)
        desk.progress()
        spread = release_spread(rows, mean, n_records, mu["spread"], desk)
        desk.progress()
        scale = np.maximum(spread, SMALLEST_SCALE) ** SCALE_POWER
        standardisation = Standardisation(mean, scale, math.inf)
        radius = release_radius(rows, standardisation, n_records, mu["norms"], desk)
        standardisation = standardisation._replace(radius=radius)
        desk.progress()
        profile = release_profile(rows, standardisation, mu["profile"], "class profiles", desk)
        desk.progress()
        cells = column_cells([self.kinds[j] for j in rows.numeric], mean, spread)
        cell_counts, cell_noise = release_cells(rows, cells, mu["marginals"], desk)
        desk.progress()
        shape = ShapePasses(
            rows, standardisation, profile, n_records, self.n_clusters, self.sigma_max,
            self.budget, desk,
        ).release()  # fmt: skip
        return ContinuousRelease(
            self.kinds, self.owner, n_records, standardisation, spread, shape, cells, cell_counts,
            cell_noise,
        )  # fmt: skip

    def infer(self, release: ContinuousRelease, rng: np.random.Generator) -> ContinuousModel:
        """Return the mixture of Gaussians by post-processing."""
        return infer_continuous(release)

    def _read_rows(self, codes: np.ndarray) -> PrivateRows:
        owner = self.owner
        numeric = np.array([j for j in range(len(self.kinds)) if j != owner])
        if owner is None:
            return PrivateRows(codes, numeric, np.zeros(len(codes), dtype=np.int64), 1)
        n_classes = len(self.kinds[owner].levels)
        return PrivateRows(codes, numeric, codes[:, owner].astype(np.int64), n_classes)
