"""Every column by itself: location, spread and a coarse noisy histogram to map samples onto.

Released in this order, each with its sensitivity: `release_location` (count and means),
`release_spread`, `release_radius` (the norm that records are clipped to) and `release_cells`.
`smooth_cells` and `latent_map` are post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from ..._denoising import james_stein, project_to_simplex
from ...privacy import Mechanisms
from .._integer_sums import STEP
from ._private_pca import PrivateRows, Standardisation, read_units

__all__ = [
    "ColumnCells",
    "column_cells",
    "latent_map",
    "release_cells",
    "release_location",
    "release_radius",
    "release_spread",
    "smooth_cells",
]

N_OCTAVES = 12
LOCATION_STEP = 2.0**-20
RADII_PER_OCTAVE = 8
N_RADII = 80
RADIUS_QUANTILE = 0.6
# cell bounds in standard deviations from the mean
BOUNDS = np.array([0.0, 0.3, 0.6, 0.9, 1.2, 1.6, 2.0, 2.5, 3.5, 5.0, 8.0, 16.0, 64.0, 256.0])
MAP_POINTS = ndtri(np.linspace(0.0, 1.0, 66)[1:-1])


def release_location(
    rows: PrivateRows, mu: float, desk: Mechanisms
) -> tuple[float, np.ndarray, float]:
    """Release the row count and the mean of every column.

    Sensitivity: a record adds (1, x − ½) with x in the unit cube: √(1 + d/4), attained at a
    corner. Under replace-one the count is public and ‖x − x'‖ ≤ √d, attained at opposite corners.

    Returns
    -------
    n_records : float
        At least one.
    mean : ndarray of shape (n_features,)
        Within [0, 1].
    noise_scale : float
        Standard deviation of the noise in a sum.
    """
    n_features = len(rows.numeric)
    total = np.zeros(n_features)
    for _, values in rows.chunks():
        # integers; around ½ the norm of a record is half of what it is around 0
        total += (np.rint(values / LOCATION_STEP) - 0.5 / LOCATION_STEP).sum(axis=0)
    count = [] if desk.is_count_public else [len(rows.codes)]
    norm = math.sqrt(n_features / 4.0 + (not desk.is_count_public))
    sensitivity = desk.general_sensitivity(norm)
    released = desk.gaussian(
        np.concatenate([count, total * LOCATION_STEP]),
        sensitivity=sensitivity,
        mu=mu,
        name="row count and column means",
    )
    n_records = desk.read_count(released, len(rows.codes), sensitivity / mu).value
    mean = np.clip(0.5 + released[-n_features:] / n_records, 0.0, 1.0)
    return n_records, mean, sensitivity / mu


def release_spread(
    rows: PrivateRows,
    mean: np.ndarray,
    n_records: float,
    mu: float,
    desk: Mechanisms,
) -> np.ndarray:
    """Release every column's root mean square distance from its noisy mean.

    It is read off a histogram of the distances in octaves. Sensitivity: a record adds 1 to one
    cell of each column, √d, attained; the cells are non-negative.
    """
    n_features = len(mean)
    exact = np.zeros(n_features * N_OCTAVES, dtype=np.int64)
    offset = np.arange(n_features) * N_OCTAVES
    for _, values in rows.chunks():
        # the exponent of a float is exact: |x − mean| in [2⁻ᵏ⁻¹, 2⁻ᵏ)
        octave = np.clip(-np.frexp(np.abs(values - mean))[1], 0, N_OCTAVES - 1)
        octave[values == mean] = N_OCTAVES - 1
        exact += np.bincount((octave + offset).ravel(), minlength=len(exact))
    sensitivity = desk.nonnegative_sensitivity(math.sqrt(n_features))
    released = desk.gaussian(
        exact.reshape(n_features, N_OCTAVES),
        sensitivity=sensitivity,
        mu=mu,
        name="column spreads",
        grid=1.0,
    )
    share, scale = released / n_records, sensitivity / mu / n_records
    share = project_to_simplex(_shrink_to(share, share.mean(axis=0), scale))
    # a distance uniform on (h/2, h] has the mean square 7h²/12
    squared = 7.0 / 12.0 * 4.0 ** -np.arange(N_OCTAVES)
    return np.sqrt(share @ squared)


def _shrink_to(values: np.ndarray, centre: np.ndarray, noise_scale: float) -> np.ndarray:
    """Shrink rows to a centre as far as their distance may be noise (positive-part James-Stein)."""
    if noise_scale == 0.0:
        return values
    deviation = values - centre
    # rows of shares: their deviations sum to zero, which is one degree of freedom less
    energy = np.square(deviation).sum(axis=1, keepdims=True)
    noise = (values.shape[1] - 1) * noise_scale**2
    return centre + deviation * james_stein(energy, noise)


def release_radius(
    rows: PrivateRows,
    standardisation: Standardisation,
    n_records: float,
    mu: float,
    desk: Mechanisms,
) -> float:
    """Release the 0.6 quantile of the records' L2 norms, to clip them at.

    The norms are counted between public bounds, eight to the octave, below the largest norm that
    the unit cube allows. Sensitivity: a record adds 1 to one cell.
    """
    unclipped = standardisation._replace(radius=math.inf)
    corner = np.maximum(standardisation.centre, 1.0 - standardisation.centre)
    largest = float(np.linalg.norm(corner / standardisation.scale))
    bounds = largest * 2.0 ** (np.arange(1 - N_RADII, 1) / RADII_PER_OCTAVE)
    exact = np.zeros(N_RADII, dtype=np.int64)
    for _, values in rows.chunks():
        units = read_units(values, unclipped)
        norm = STEP * np.sqrt(np.einsum("ij,ij->i", units, units))
        cells = np.minimum(np.searchsorted(bounds, norm), N_RADII - 1)
        exact += np.bincount(cells, minlength=N_RADII)
    released = desk.gaussian(
        exact,
        sensitivity=desk.nonnegative_sensitivity(1.0),
        mu=mu,
        name="norms",
        grid=1.0,
    )
    reached = np.cumsum(project_to_simplex(released / n_records)) >= RADIUS_QUANTILE
    return float(bounds[np.argmax(reached)])


class ColumnCells(NamedTuple):
    """Cells of one column, in order, that partition the unit interval.

    Attributes
    ----------
    left, right : ndarray of shape (n_cells,)
        A cell is an interval, or one point where left = right: the bounds, and zero.
    """

    left: np.ndarray
    right: np.ndarray


def column_cells(kinds: Sequence[Any], mean: np.ndarray, spread: np.ndarray) -> list[ColumnCells]:
    """Return each column's cells, from its kind and noisy mean and spread.

    Parameters
    ----------
    kinds : sequence of Continuous or Count
    mean, spread : ndarray of shape (n_features,)
        In the unit interval.
    """
    offsets = np.concatenate([-BOUNDS[:0:-1], BOUNDS])
    cells = []
    for kind, centre, scale in zip(kinds, mean, spread, strict=True):
        zero = (0.0 - kind.low) / (kind.high - kind.low)
        points = np.unique(np.clip([0.0, zero, 1.0], 0.0, 1.0))
        inner = centre + max(scale, 1e-6) * offsets
        inner = inner[(inner > 0.0) & (inner < 1.0)]
        edges = np.unique(np.concatenate([inner, points]))
        left = np.concatenate([edges[:-1], points])
        right = np.concatenate([edges[1:], points])
        order = np.lexsort((right, left))
        cells.append(ColumnCells(left[order], right[order]))
    return cells


def _locate(cells: ColumnCells, values: np.ndarray) -> np.ndarray:
    """Return the cell of every value; a point takes its value from the intervals beside it."""
    is_point = cells.left == cells.right
    interval, point = np.flatnonzero(~is_point), np.flatnonzero(is_point)
    found = interval[np.searchsorted(cells.left[interval], values, side="right").clip(1) - 1]
    at = np.searchsorted(cells.left[point], values).clip(max=len(point) - 1)
    return np.where(cells.left[point][at] == values, point[at], found)


def release_cells(
    rows: PrivateRows,
    cells: Sequence[ColumnCells],
    mu: float,
    desk: Mechanisms,
) -> tuple[list[np.ndarray], float]:
    """Release every column's counts in its cells.

    Sensitivity: a record adds 1 to one cell of each column, √d, attained; all non-negative.

    Returns
    -------
    counts : list of ndarray of shape (n_cells,)
    noise_scale : float
    """
    exact = []
    for position, column in zip(rows.numeric, cells, strict=True):
        values = np.clip(rows.codes[:, position].astype(np.float64), 0.0, 1.0)
        exact.append(np.bincount(_locate(column, values), minlength=len(column.left)))
    sensitivity = desk.nonnegative_sensitivity(math.sqrt(len(cells)))
    released = desk.gaussian(
        np.concatenate(exact),
        sensitivity=sensitivity,
        mu=mu,
        name="column marginals",
        grid=1.0,
    )
    ends = np.cumsum([len(column.left) for column in cells])
    return np.split(released, ends[:-1]), sensitivity / mu


def _mixture_cdf(
    points: np.ndarray, weights: np.ndarray, means: np.ndarray, scales: np.ndarray
) -> np.ndarray:
    return np.asarray(ndtr((points[:, None] - means) / scales) @ weights)


def smooth_cells(
    counts: np.ndarray,
    cells: ColumnCells,
    noise_scale: float,
    n_records: float,
    weights: np.ndarray,
    means: np.ndarray,
    scales: np.ndarray,
) -> np.ndarray:
    """Return a column's cell probabilities: noisy counts, shrunk to those of the mixture.

    Parameters
    ----------
    counts : ndarray of shape (n_cells,)
    cells : ColumnCells
    noise_scale, n_records : float
    weights, means, scales : ndarray of shape (n_clusters,)
        The column's mixture of normals; its mass beyond the bounds counts as theirs.

    Notes
    -----
    The points other than the bounds have no mass under the mixture; shrinkage is towards
    the interval beside them then.
    """
    inside = _mixture_cdf(np.unique(cells.left), weights, means, scales)
    is_point = cells.left == cells.right
    centre = np.zeros(len(cells.left))
    intervals = np.flatnonzero(~is_point)
    centre[intervals] = np.diff(inside)
    centre[0], centre[-1] = inside[0], 1.0 - inside[-1]
    share = _shrink_to((counts / n_records)[None], centre, noise_scale / n_records)
    return np.asarray(project_to_simplex(share[0]))


def latent_map(
    probability: np.ndarray,
    cells: ColumnCells,
    weights: np.ndarray,
    means: np.ndarray,
    scales: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the tables that take a column of the mixture to its marginal.

    Returns
    -------
    latent, level : ndarray
        Points of the latent column and its distribution function there.
    cumulative, value : ndarray
        Levels and the quantile function of the marginal there; constant over a point's mass.
    """
    latent = np.unique(means[:, None] + scales[:, None] * MAP_POINTS)
    latent = np.quantile(latent, np.linspace(0.0, 1.0, 257))
    level = _mixture_cdf(latent, weights, means, scales)
    ends = np.cumsum(probability)
    starts = np.concatenate([[0.0], ends[:-1]])
    cumulative = np.column_stack([starts, ends]).ravel()
    return latent, level, cumulative, np.column_stack([cells.left, cells.right]).ravel()
