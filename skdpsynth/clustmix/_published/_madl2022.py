"""The mechanism as published, for comparison only: the sensitivity it claims does not hold.

`claimed_sensitivity` is the paper's √D/l (equation 7), `smallest_cluster` its l, `_cluster` its
size-constrained mixture (Algorithm 2) of the records as `embed_in_box` places them.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from ..._contracts import Progress
from ..._product_mixture import (
    ColumnModel,
    ComponentEstimates,
    Layout,
    MixtureModel,
    build_layout,
    encode_records,
    model_columns,
)
from ...exceptions import PrivacyLeakWarning
from ...privacy import Mechanisms, PlannedRelease
from ...schema import Numeric, Table, TableSchema
from .._sizes import SMALLEST_CLUSTER, share_out_clusters
from ._constrained_mixture import SizeConstrainedGaussianMixture

__all__ = [
    "CLAIM",
    "Madl2022Plan",
    "Madl2022Release",
    "box_columns",
    "claimed_sensitivity",
    "embed_in_box",
    "infer_madl2022",
    "smallest_cluster",
]

CLAIM = "Madl, Xu, Choudhury & Howard (2022)"

CENTROIDS = "centroids times least sizes, sensitivity as claimed"

# the constrained mixture's time grows with the square of the number of clusters
MOST_PER_CLASS = 100

N_STARTS = 1
RIDGE = 1e-4
TOLERANCE = 1e-4
MAX_ITERATIONS = 50


class Madl2022Release(NamedTuple):
    """What the published mechanism lets out; only the centroids carry noise.

    Attributes
    ----------
    columns : tuple of ColumnModel
    layout : Layout
        Where the columns lie in the unit box.
    centroids : ndarray of shape (n_clusters, n_dimensions)
        Noisy means of the clusters, some of them outside the box.
    noise_scale : ndarray of shape (n_clusters,)
        Standard deviation of the noise in each coordinate.
    counts : ndarray of shape (n_clusters,)
        Records of each cluster: exact, and charged to nobody.
    owner : ndarray of shape (n_clusters,), int
        The class of each cluster.
    spread : float
        Standard deviation of numeric values around their centroid: `sigma_max`.
    n_records : float
        The exact row count.
    """

    columns: tuple[ColumnModel, ...]
    layout: Layout
    centroids: np.ndarray
    noise_scale: np.ndarray
    counts: np.ndarray
    owner: np.ndarray
    spread: float
    n_records: float


def claimed_sensitivity(n_dimensions: int, min_size: int | np.ndarray) -> float | np.ndarray:
    """Return √D/l, which the published proof takes for the L2 sensitivity of the centroids.

    It is that of *one* mean of at least l points of the unit box whose members are fixed. The
    members are not: see the user guide for a table where one record moves the centroids by 1.0,
    and √D/l is 0.014.

    Examples
    --------
    >>> round(claimed_sensitivity(2, 100), 4)
    0.0141
    """
    return math.sqrt(n_dimensions) / min_size


def smallest_cluster(n_dimensions: int, mu: float, sigma_max: float) -> int:
    """Return l: with fewer records in a cluster the noise √D/(l μ) would exceed `sigma_max`.

    Examples
    --------
    >>> smallest_cluster(n_dimensions=2, mu=0.25, sigma_max=0.1)
    57
    """
    return max(math.ceil(math.sqrt(n_dimensions) / (mu * sigma_max)), SMALLEST_CLUSTER)


def embed_in_box(codes: np.ndarray, columns: tuple[ColumnModel, ...], layout: Layout) -> np.ndarray:
    """Return records as points of the unit box, of shape (n_rows, n_dimensions).

    A column of levels is a one-hot block. A numeric column is its position between its bounds, 0
    where missing; a further coordinate of nullable ones is 1 there.
    """
    records = encode_records(codes, columns, layout, {}, {})
    values, indicators = _places(layout)
    points = np.zeros((len(codes), _n_dimensions(layout)))
    points[np.arange(len(codes))[:, None], records.codes] = 1.0
    for scalar, value, indicator in zip(layout.scalars, values, indicators, strict=True):
        points[:, value] = records.features[:, scalar.start]
        if scalar.is_nullable:
            points[:, indicator] = records.features[:, scalar.start + scalar.n_moments]
    return points


def _n_dimensions(layout: Layout) -> int:
    return layout.n_cells + sum(1 + scalar.is_nullable for scalar in layout.scalars)


def _places(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return the coordinates of the numeric columns' values and, behind them, their indicators."""
    widths = np.array([1 + scalar.is_nullable for scalar in layout.scalars], dtype=int)
    values = layout.n_cells + np.cumsum(widths) - widths
    return values, values + widths - 1


@dataclass(frozen=True)
class Madl2022Plan:
    """Release noisy centroids of clusters that all have at least l records; *not* private.

    Attributes
    ----------
    columns : tuple of ColumnModel
        From `box_columns`.
    owner : int or None
        Position of a target with levels, every one of which is a class; clusters have records of
        one class only.
    n_clusters : int or "auto"
    sigma_max : float
        Largest standard deviation of the noise in a coordinate, where classes are large enough.

    Notes
    -----
    Of the paper are the size-constrained mixture of each class (Algorithm 2, after Jitta & Klami
    2018), the least size l, and Gaussian noise on the centroids for the sensitivity √D/l (eq. 7),
    D being the number of coordinates; here the noise has the standard deviation √D/(l μ) of
    Gaussian differential privacy. The ledger shows the equivalent release of l times the
    centroids, at the claimed sensitivity √D. A class of fewer than l records is one cluster, with
    the noise that its own size asks for.

    Our reading, where the paper leaves it open or we could not check it: components with one
    variance each, the one-hot blocks, `sigma_max` as what sets l, and one noisy centroid per
    cluster. The row count, the sizes of classes and clusters and the number of clusters are as
    exact as the paper uses them.

    References
    ----------
    Madl, Xu, Choudhury & Howard (2022), Approximate, Adapt, Anonymize (3A): a framework for privacy
    preserving training data release for machine learning, arXiv:2307.01875, Algorithm 2 and eq. 7.
    """

    columns: tuple[ColumnModel, ...]
    owner: int | None
    n_clusters: int | str
    sigma_max: float

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """The one release, of all that the budget has."""
        return (PlannedRelease(CENTROIDS, 1.0),)

    @property
    def progress(self) -> Progress:
        """One release."""
        return Progress("releases", 1)

    def release(self, table: Table, desk: Mechanisms) -> Madl2022Release:
        """Return noisy centroids, and exact sizes; warn of it.

        All of the desk's μ goes to the centroids, and its ledger is marked as a claim.

        Raises
        ------
        ValueError
            If `n_clusters` are more than the classes and l allow.
        """
        warnings.warn(
            'mechanism="madl2022" is not differentially private: its proof takes clusters for '
            "fixed that move with every record. Use it on public data, for comparison.",
            PrivacyLeakWarning,
            # whoever calls fit
            stacklevel=3,
        )
        # before anything else can fail: whatever this ledger reports is a claim
        desk.mark_unproven(CLAIM)
        layout = build_layout(self.columns, {}, self.owner)
        points = embed_in_box(table.codes, self.columns, layout)
        classes = encode_records(table.codes, self.columns, layout, {}, {}).classes
        means, counts, least, owner = self._cluster_classes(points, classes, layout, desk)
        n_dimensions = points.shape[1]
        # one noise scale for all: l times a mean, whose claimed sensitivity does not depend on l
        released = desk.gaussian(
            means * least[:, None], sensitivity=math.sqrt(n_dimensions), mu=desk.mu, name=CENTROIDS
        )
        desk.progress()
        return Madl2022Release(
            self.columns,
            layout,
            released / least[:, None],
            np.asarray(claimed_sensitivity(n_dimensions, least)) / desk.mu,
            counts,
            owner,
            float(self.sigma_max),
            float(len(points)),
        )

    def _cluster_classes(
        self, points: np.ndarray, classes: np.ndarray, layout: Layout, desk: Mechanisms
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return means, counts, least sizes and classes of all clusters: exact."""
        class_counts = np.bincount(classes, minlength=layout.n_classes)
        min_size = smallest_cluster(points.shape[1], desk.mu, self.sigma_max)
        # a class with records is one cluster in any case, and one without has none
        shares = share_out_clusters(
            self.n_clusters, class_counts, min_size, MOST_PER_CLASS, np.minimum(class_counts, 1)
        )
        rng = check_random_state(int(desk.generator().integers(2**32)))
        means, counts, sizes = [], [], []
        for label in np.flatnonzero(shares):
            size = min(min_size, int(class_counts[label]))
            mean, count = _cluster(points[classes == label], int(shares[label]), size, rng)
            means.append(mean)
            counts.append(count)
            sizes.append(np.full(len(mean), float(size)))
        owner = np.repeat(np.arange(len(shares)), shares)
        return np.concatenate(means), np.concatenate(counts), np.concatenate(sizes), owner

    def infer(self, release: Madl2022Release, rng: np.random.Generator) -> MixtureModel:
        """Return the mixture of the noisy centroids."""
        return infer_madl2022(release)


def box_columns(schema: TableSchema) -> tuple[tuple[ColumnModel, ...], int | None]:
    """Return normal numeric columns and tables of levels, and the position of the classes."""
    names = [name for name, kind in schema.columns.items() if isinstance(kind, Numeric)]
    columns = model_columns(schema, dict.fromkeys(names, "normal"))
    if schema.target is None or schema.target in names:
        return columns, None
    return columns, schema.names.index(schema.target)


def _cluster(
    points: np.ndarray, n_clusters: int, min_size: int, rng: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and sizes of one class's clusters."""
    mixture = SizeConstrainedGaussianMixture(
        n_clusters,
        min_size=min_size,
        covariance_type="spherical",
        reg_covar=RIDGE,
        tol=TOLERANCE,
        max_iter=MAX_ITERATIONS,
        n_init=N_STARTS,
        random_state=rng,
    )
    with warnings.catch_warnings():
        # whether it converged depends on the rows; a mixture short of it serves as well
        warnings.simplefilter("ignore", ConvergenceWarning)
        labels = mixture.fit_predict(points)
    return mixture.means_, np.bincount(labels, minlength=n_clusters).astype(np.float64)


def infer_madl2022(release: Madl2022Release) -> MixtureModel:
    """Return the mixture of the clusters that rows are drawn from, by post-processing.

    Parameters
    ----------
    release : Madl2022Release

    Notes
    -----
    Noisy centroids are clipped to the box. A one-hot block of a centroid, its sum brought to one,
    are the probabilities of the levels; arg-max would give all rows of a cluster the same level.
    Numeric values are normal around the centroid, truncated to their bounds, with standard
    deviation `sigma_max`. That rows scatter around the centroids at all is our reading: the
    centroids alone would be a few rows, without a density.

    `draw_posterior` of the model moves a centroid about as the noise did.
    """
    layout = release.layout
    points = np.clip(release.centroids, 0.0, 1.0)
    values, indicators = _places(layout)
    nullable = np.array([scalar.is_nullable for scalar in layout.scalars], dtype=bool)
    missing = np.where(nullable, points[:, indicators], 0.0)
    # the mean over all records, of which those with a missing value add 0
    location = np.minimum(points[:, values] / np.maximum(1.0 - missing, 1e-9), 1.0)
    with np.errstate(divide="ignore"):
        size = np.minimum(release.counts, 0.25 / release.noise_scale**2)[:, None]
    shape = location.shape
    estimates = ComponentEstimates(
        n_records=release.counts,
        cell=_level_probabilities(points, layout),
        cell_size=np.repeat(size, len(layout.blocks), axis=1),
        location=2.0 * location - 1.0,
        location_error=np.broadcast_to(2.0 * release.noise_scale[:, None], shape),
        log_scale=np.full(shape, math.log(2.0 * release.spread)),
        log_scale_error=np.zeros(shape),
        missing=missing,
        missing_size=np.broadcast_to(size, shape),
    )
    weights = release.counts / release.n_records
    return MixtureModel(
        release.columns, layout, {}, weights, release.n_records, release.owner, estimates
    )


def _level_probabilities(points: np.ndarray, layout: Layout) -> np.ndarray:
    """Return each block's share of its sum; equal shares where all of it was clipped to 0."""
    cell = points[:, : layout.n_cells].copy()
    for block in layout.blocks:
        part = cell[:, block.cells]
        total = part.sum(axis=1, keepdims=True)
        shares = part / np.where(total > 0, total, 1.0)
        cell[:, block.cells] = np.where(total > 0, shares, 1.0 / block.n_cells)
    return cell
