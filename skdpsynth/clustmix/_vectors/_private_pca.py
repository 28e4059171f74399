"""Private PCA: noisy sums and second moments of clipped records, exact in any order of addition.

`read_units` rounds and clips a record z; `sum_by_group` and `outer_sum` are Σz and Σzzᵀ in
integers; `release_vector_sums` and `release_second_moments` add the noise. The principal components
are those of the noisy second moments: see `choose_subspace`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...privacy import Mechanisms
from .._integer_sums import (
    DIAGONAL_WEIGHT,
    STEP,
    clip_norm,
    exact_floats,
    second_moment_sensitivity,
    sums_sensitivity,
)

__all__ = [
    "NoisyVectorSums",
    "PrivateRows",
    "Standardisation",
    "outer_sum",
    "read_units",
    "release_components",
    "release_profile",
    "release_second_moments",
    "release_vector_sums",
    "sum_by_group",
]

LARGEST_UNITS = 2.0**13
CHUNK_ROWS = 1024


class PrivateRows(NamedTuple):
    """The rows, read a chunk at a time; never leaves the release.

    Attributes
    ----------
    codes : ndarray of shape (n_rows, n_columns)
    numeric : ndarray of shape (n_features,), int
        Positions of the modelled columns, in the unit interval.
    labels : ndarray of shape (n_rows,), int
    n_classes : int
    """

    codes: np.ndarray
    numeric: np.ndarray
    labels: np.ndarray
    n_classes: int

    def chunks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield row slices and their values, of shape (n_chunk, n_features), in [0, 1]."""
        for start in range(0, len(self.codes), CHUNK_ROWS):
            rows = slice(start, start + CHUNK_ROWS)
            values = self.codes[rows].take(self.numeric, axis=1).astype(np.float64, copy=False)
            yield rows, np.clip(values, 0.0, 1.0)


class Standardisation(NamedTuple):
    """How a record is centred, scaled and clipped; made from earlier releases.

    Attributes
    ----------
    centre, scale : ndarray of shape (n_features,)
    radius : float
        Bound on the L2 norm of (x − centre) / scale; inf leaves it as it is.
    """

    centre: np.ndarray
    scale: np.ndarray
    radius: float


class NoisyVectorSums(NamedTuple):
    """Noisy counts and sums of groups of records.

    Attributes
    ----------
    n_records, total : ndarray of shape (n_groups,) and (n_groups, n_features)
    noise_scale : float
        Standard deviation of the noise in a value.
    """

    n_records: np.ndarray
    total: np.ndarray
    noise_scale: float


def read_units(values: np.ndarray, standardisation: Standardisation) -> np.ndarray:
    """Return records in integer multiples of 2⁻¹⁰, their L2 norm clipped.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
    standardisation : Standardisation

    Returns
    -------
    units : ndarray of shape (n_rows, n_features), integers held as float64

    Notes
    -----
    Elementwise IEEE operations round a number in the same way wherever it stands, and everything
    after them is exact in integers: a record's units depend on that record alone.
    """
    # one rounding for each operation, and none of them across columns or rows
    units = (values - standardisation.centre) / standardisation.scale
    units *= 1.0 / STEP
    np.rint(units, out=units)
    np.clip(units, -LARGEST_UNITS, LARGEST_UNITS, out=units)
    return clip_norm(units, standardisation.radius / STEP)


def sum_by_group(units: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the sum of the records of each group, of shape (n_groups, n_features), exactly."""
    # a product of integers in float64 is exact as long as every sum is below 2⁵³
    indicator = np.zeros((n_groups, len(units)))
    indicator[groups, np.arange(len(units))] = 1.0
    return indicator @ units


def outer_sum(steps: np.ndarray) -> np.ndarray:
    """Return the sum of z zᵀ of a chunk of integer records exactly, as integers."""
    largest = float(np.abs(steps).max(initial=0.0))
    if largest**2 * len(steps) < 2.0**24:
        # faster, and exact: no sum reaches 2²⁴
        steps = steps.astype(np.float32)
    return np.asarray(steps.T @ steps).astype(np.int64)


def release_vector_sums(
    count: np.ndarray,
    total: np.ndarray,
    radius: float,
    mu: float,
    name: str,
    desk: Mechanisms,
) -> NoisyVectorSums:
    """Release counts and sums of groups of records.

    Parameters
    ----------
    count : ndarray of shape (n_groups,)
    total : ndarray of shape (n_groups, n_features)
        In multiples of 2⁻¹⁰. Sensitivity: `sums_sensitivity`.
    radius : float
        Bound on the L2 norm of a record.
    mu, name
        As for `Mechanisms.gaussian`.
    desk : Mechanisms
    """
    sensitivity = sums_sensitivity(radius, desk.adjacency)
    released = desk.gaussian(
        np.column_stack([count, total * STEP]),
        sensitivity=sensitivity,
        mu=mu,
        name=name,
        grid=STEP,
    )
    return NoisyVectorSums(released[:, 0], released[:, 1:], sensitivity / mu)


def release_second_moments(
    moments: np.ndarray,
    radius: float,
    mu: float,
    name: str,
    desk: Mechanisms,
) -> tuple[np.ndarray, float]:
    """Release groups' sums of z zᵀ, the off-diagonal once.

    Parameters
    ----------
    moments : ndarray of shape (n_groups, n_features, n_features), int
        In multiples of 2⁻²⁰; a record counts in one group. Sensitivity:
        `second_moment_sensitivity`.
    radius : float
        Bound on the L2 norm of a record.
    mu, name
        As for `Mechanisms.gaussian`.
    desk : Mechanisms

    Returns
    -------
    moments : ndarray of shape (n_groups, n_features, n_features)
    noise_scale : float
        Standard deviation of the noise off the diagonal; on it the noise is twice as large.
    """
    sensitivity = second_moment_sensitivity(radius, desk.adjacency)
    n_features = moments.shape[1]
    # each product once, and the diagonal at half weight: see `second_moment_sensitivity`
    upper, diagonal = np.triu_indices(n_features, 1), np.arange(n_features)
    exact = exact_floats(moments)
    statistic = np.concatenate(
        [exact[:, *upper], exact[:, diagonal, diagonal] * DIAGONAL_WEIGHT], axis=1
    )
    statistic *= STEP**2
    released = desk.gaussian(
        statistic,
        sensitivity=sensitivity,
        mu=mu,
        name=name,
        grid=STEP**2 * DIAGONAL_WEIGHT,
    )
    noisy = np.zeros(moments.shape)
    noisy[:, *upper] = released[:, : len(upper[0])]
    noisy += noisy.transpose(0, 2, 1)
    noisy[:, diagonal, diagonal] = released[:, len(upper[0]) :] / DIAGONAL_WEIGHT
    return noisy, sensitivity / mu


def release_profile(
    rows: PrivateRows,
    standardisation: Standardisation,
    mu: float,
    name: str,
    desk: Mechanisms,
) -> NoisyVectorSums:
    """Release class counts and sums of the standardised records."""
    total = np.zeros((rows.n_classes, len(rows.numeric)))
    for chunk, values in rows.chunks():
        units = read_units(values, standardisation)
        total += sum_by_group(units, rows.labels[chunk], rows.n_classes)
    count = np.bincount(rows.labels, minlength=rows.n_classes)
    return release_vector_sums(count, total, standardisation.radius, mu, name, desk)


def release_components(
    rows: PrivateRows,
    standardisation: Standardisation,
    mu: float,
    desk: Mechanisms,
) -> tuple[np.ndarray, float]:
    """Release the second moments of the standardised records."""
    n_features = len(rows.numeric)
    moments = np.zeros((n_features, n_features), dtype=np.int64)
    for _, values in rows.chunks():
        moments += outer_sum(read_units(values, standardisation))
    noisy, noise_scale = release_second_moments(
        moments[None], standardisation.radius, mu, "second moments", desk
    )
    return noisy[0], noise_scale
