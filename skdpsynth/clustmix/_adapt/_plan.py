"""The Adapt stage of both modes: what is measured for it, and the clusters moved by it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..._histograms import fine_grid
from ..._product_mixture._layout import encode_records
from ..._product_mixture._model import MixtureModel
from ..._product_mixture._release import MixtureRelease
from ...privacy import NoiseSource, PrivacyLedger
from .._vectors._continuous_model import ContinuousModel
from .._vectors._plan import ContinuousRelease
from ._inducing_points import adapt_cells, adapt_means
from ._normal_equations import (
    RESERVE_SHARE,
    NormalEquations,
    choose_n_features,
    embed_box,
    embed_cells,
    release_normal_equations,
)
from ._ntk import RandomFeatures, draw_features

__all__ = ["AdaptableRelease", "adapt_clusters", "measure_adaptation"]


class AdaptableRelease(NamedTuple):
    """Clusters, and the normal equations that they can be adapted to.

    Attributes
    ----------
    clusters : MixtureRelease or ContinuousRelease
    equations : NormalEquations
    features : RandomFeatures
        Public.
    """

    clusters: MixtureRelease | ContinuousRelease
    equations: NormalEquations
    features: RandomFeatures

    @property
    def n_records(self) -> float:
        """Row count: noisy under add/remove, exact under replace-one."""
        return self.clusters.n_records


def measure_adaptation(
    codes: np.ndarray,
    clusters: MixtureRelease | ContinuousRelease,
    adapt_share: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> AdaptableRelease:
    """Release the normal equations of the records as the clusters' release describes them.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table.
    clusters : MixtureRelease or ContinuousRelease
        Earlier releases, which fix how a record is embedded.
    adapt_share : float in (0, 1)
        Share of μ².
    ledger : PrivacyLedger
    noise : NoiseSource
    """
    points: Any
    if isinstance(clusters, MixtureRelease):
        columns, layout, bins = clusters.columns, clusters.layout, clusters.bins
        grids = {position: fine_grid(columns[position].kind) for position in bins}
        records = encode_records(codes, columns, layout, grids, bins)
        classes, n_classes, n_inputs = records.classes, layout.n_classes, layout.n_cells

        def points(start: int, stop: int) -> np.ndarray:
            return embed_cells(records.codes[start:stop], n_inputs)
    else:
        assert clusters.owner is not None
        centre, radius = _box(clusters)
        n_classes, n_inputs = len(clusters.kinds[clusters.owner].levels), len(centre)
        classes = codes[:, clusters.owner].astype(np.int64)
        numeric = np.delete(np.arange(len(clusters.kinds)), clusters.owner)

        def points(start: int, stop: int) -> np.ndarray:
            return embed_box(codes[start:stop, numeric], centre, radius)

    mu = ledger.mu * math.sqrt(adapt_share)
    # the clusters' releases may have left less than half of the sampler's reserve
    reserve = min(ledger.epsilon, ledger.sampler_room / RESERVE_SHARE)
    n_features = choose_n_features(n_classes, reserve, mu, ledger.adjacency)
    features = draw_features(n_inputs, n_features)
    n_records = max(clusters.n_records, 1.0)
    equations = release_normal_equations(
        points, classes, n_classes, features, n_records, mu, ledger, noise
    )
    return AdaptableRelease(clusters, equations, features)


def _box(clusters: ContinuousRelease) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre and the half-widths that records are embedded with."""
    standardisation = clusters.standardisation
    return standardisation.centre, standardisation.scale * standardisation.radius


def adapt_clusters(
    model: MixtureModel | ContinuousModel, release: AdaptableRelease, alpha: float
) -> MixtureModel | ContinuousModel:
    """Return the model with its clusters moved towards what the normal equations ask for."""
    equations, features = release.equations, release.features
    if isinstance(model, MixtureModel):
        layout, estimates = model.layout, model.estimates
        sizes = [block.n_cells for block in layout.blocks]
        cell = adapt_cells(
            estimates.cell, model.owner, layout.n_classes, sizes, equations, features, alpha
        )
        return replace(model, estimates=estimates._replace(cell=cell))
    assert isinstance(release.clusters, ContinuousRelease)
    assert model.owner is not None
    centre, radius = _box(release.clusters)
    n_classes = len(model.kinds[model.owner].levels)
    means = adapt_means(
        model.means, model.labels, n_classes, centre, radius, equations, features, alpha
    )
    return replace(model, means=means)
