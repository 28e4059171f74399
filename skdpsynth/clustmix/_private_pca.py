"""Noisy sums and second moments of clipped records, exact in any order of addition."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..privacy import NoiseSource, PrivacyLedger, gaussian_release, sampler_log_ratio

__all__ = [
    "Lattice",
    "NoisySums",
    "PrivateRows",
    "Standardisation",
    "choose_lattice",
    "clip_norm",
    "dither",
    "outer_sum",
    "read_units",
    "release_components",
    "release_profile",
    "release_second_moments",
    "release_sums",
    "second_moment_sensitivity",
    "sum_by_group",
    "sums_sensitivity",
]

# records are integer multiples of this step: sums of such numbers are exact below 2**53
STEP = 2.0**-10
LARGEST_UNITS = 2.0**13
CHUNK_ROWS = 1024
# a power of two, so that products stay on the grid
DIAGONAL_WEIGHT = 0.5
# share of epsilon that the sampler's error may take in one release, half of the reserve in all
SAMPLER_SHARE = {1: 2e-6, 2: 1.5e-5}
MAX_STEPS = 2.0**19


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


class NoisySums(NamedTuple):
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
    units = (values - standardisation.centre) / standardisation.scale
    units *= 1.0 / STEP
    np.rint(units, out=units)
    np.clip(units, -LARGEST_UNITS, LARGEST_UNITS, out=units)
    return clip_norm(units, standardisation.radius / STEP)


def clip_norm(units: np.ndarray, radius: float) -> np.ndarray:
    """Scale integer records to an L2 norm of at most `radius`, and truncate them to integers.

    Truncation towards zero never raises a norm; the factor is lowered by 2⁻⁴⁰, far more than its
    own rounding.

    Examples
    --------
    >>> clip_norm(np.array([[30.0, 40.0], [3.0, 4.0]]), 25.0)
    array([[14., 19.],
           [ 3.,  4.]])
    """
    norm = np.sqrt(np.einsum("ij,ij->i", units, units))
    factor = np.ones_like(norm)
    is_long = norm > radius
    factor[is_long] = radius / norm[is_long] * (1.0 - 2.0**-40)
    return np.trunc(units * factor[:, None])


def sum_by_group(units: np.ndarray, groups: np.ndarray, n_groups: int) -> np.ndarray:
    """Return the sum of the records of each group, of shape (n_groups, n_features), exactly."""
    indicator = np.zeros((n_groups, len(units)))
    indicator[groups, np.arange(len(units))] = 1.0
    return indicator @ units


def outer_sum(steps: np.ndarray) -> np.ndarray:
    """Return the sum of z zᵀ of integer records exactly, in float32 where that is enough."""
    largest = float(np.abs(steps).max(initial=0.0))
    if largest**2 * len(steps) < 2.0**24:
        steps = steps.astype(np.float32)
    return np.asarray(steps.T @ steps, dtype=np.float64)


class Lattice(NamedTuple):
    """Where records lie before sums are taken, and the ball that they are clipped to.

    Attributes
    ----------
    step : float
        Values are integer multiples of it, a power of two.
    radius : float
        Bound on the L2 norm.
    """

    step: float
    radius: float

    @property
    def error(self) -> float:
        """The variance of the rounding error of a value."""
        return 0.0 if self.step == STEP else self.step**2 / 4.0


def choose_lattice(
    radius: float, n_features: int, n_values: int, degree: int, mu: float, epsilon: float
) -> Lattice:
    """Return the lattice on which records are rounded before sums or second moments are released.

    The sampler's error grows with the number of values and with the noise counted in grid steps,
    and the ledger holds little of epsilon for it. Rounding lengthens records; the ball leaves room
    for the variance of the errors and twice the standard deviation of their product with a record.

    Parameters
    ----------
    radius : float
        Bound on the L2 norm of the records as they are.
    n_features : int
    n_values : int
        Values that are released.
    degree : {1, 2}
        Of these values in the records.
    mu : float
    epsilon : float
    """
    if mu == math.inf:
        return Lattice(STEP, radius)
    loss = 0.5 * sampler_log_ratio(1.0) * n_values
    most_steps = min(SAMPLER_SHARE[degree] * min(epsilon, 1e3) / loss, MAX_STEPS)
    step = (radius**degree / mu / most_steps) ** (1.0 / degree)
    step = max(2.0 ** math.ceil(math.log2(step)), STEP)
    if step == STEP:
        return Lattice(step, radius)
    room = n_features * step**2 / 4.0 + 2.0 * radius * step
    return Lattice(step, math.sqrt(radius**2 + room))


def dither(units: np.ndarray, lattice: Lattice, random: np.random.Generator) -> np.ndarray:
    """Round records to a coarser lattice at random: errors of mean 0 and variance step²/4.

    Parameters
    ----------
    units : ndarray of shape (n_rows, n_features)
        In integer multiples of 2⁻¹⁰.
    lattice : Lattice
    random : numpy.random.Generator

    Returns
    -------
    steps : ndarray of shape (n_rows, n_features), integers held as float64
        In multiples of the lattice's step, of L2 norm at most its radius.

    Notes
    -----
    The sum of two uniform variables is added before rounding, which makes the mean and variance
    of the error the same for all values (Wannamaker, Lipshitz, Vanderkooy & Wright 2000, A theory
    of nonsubtractive dither, section IV). The dither is independent of the records: the guarantee
    holds for every value of it.
    """
    if lattice.step > STEP:
        steps = units * (STEP / lattice.step)
        steps += random.random(units.shape, dtype=np.float32)
        steps += random.random(units.shape, dtype=np.float32)
        steps -= 1.0
        np.rint(steps, out=steps)
    else:
        steps = units
    return clip_norm(steps, lattice.radius / lattice.step)


def sums_sensitivity(radius: float, adjacency: str) -> float:
    """Return the L2 sensitivity of the groups' counts and sums of vectors of norm ≤ `radius`.

    Adding a record adds (1, z) to one group: √(1 + R²). Replacing it moves two groups by as much,
    √(2 + 2R²), or one group by (0, z − z'), at most 2R.
    """
    if adjacency == "add_remove":
        return math.sqrt(1.0 + radius**2)
    return max(math.sqrt(2.0 + 2.0 * radius**2), 2.0 * radius)


def second_moment_sensitivity(radius: float, adjacency: str) -> float:
    """Return the L2 sensitivity of `release_second_moments`.

    A record adds v = (zᵢzⱼ for i<j, ½zᵢ²): ‖v‖² = ½‖z‖⁴ − ¼Σzᵢ⁴ ≤ ½R⁴. For two records in the
    same group v·v' = ½(z·z')² − ¼Σzᵢ²zᵢ'², so that
    ‖v − v'‖² = ½‖z‖⁴ + ½‖z'‖⁴ − (z·z')² − ¼Σ(zᵢ² − zᵢ'²)² ≤ R⁴; in two groups v·v' = 0.
    """
    return radius**2 / math.sqrt(2.0) if adjacency == "add_remove" else radius**2


def release_sums(
    count: np.ndarray,
    total: np.ndarray,
    lattice: Lattice,
    mu: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisySums:
    """Release counts and sums of groups of records.

    Parameters
    ----------
    count : ndarray of shape (n_groups,)
    total : ndarray of shape (n_groups, n_features)
        In multiples of the lattice's step. Sensitivity: `sums_sensitivity`.
    lattice : Lattice
    mu, name, ledger, noise
        As for `gaussian_release`.
    """
    sensitivity = sums_sensitivity(lattice.radius, ledger.adjacency)
    grid = min(lattice.step, 1.0)
    released = gaussian_release(
        np.column_stack([count, total * lattice.step]),
        sensitivity=sensitivity,
        mu=mu,
        name=name,
        ledger=ledger,
        noise=noise,
        grid=grid,
    )
    return NoisySums(released[:, 0], released[:, 1:], sensitivity / mu)


def release_second_moments(
    moments: np.ndarray,
    count: np.ndarray,
    lattice: Lattice,
    mu: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> tuple[np.ndarray, float]:
    """Release groups' sums of z zᵀ, the off-diagonal once.

    Parameters
    ----------
    moments : ndarray of shape (n_groups, n_features, n_features)
        In multiples of the square of the lattice's step; a record counts in one group.
        Sensitivity: `second_moment_sensitivity`.
    count : ndarray of shape (n_groups,)
        Noisy counts, for the part of the rounding errors in the diagonal.
    lattice : Lattice
    mu, name, ledger, noise
        As for `gaussian_release`.

    Returns
    -------
    moments : ndarray of shape (n_groups, n_features, n_features)
    noise_scale : float
        Standard deviation of the noise off the diagonal; on it the noise is twice as large.
    """
    sensitivity = second_moment_sensitivity(lattice.radius, ledger.adjacency)
    n_features = moments.shape[1]
    upper, diagonal = np.triu_indices(n_features, 1), np.arange(n_features)
    statistic = np.concatenate(
        [moments[:, *upper], moments[:, diagonal, diagonal] * DIAGONAL_WEIGHT], axis=1
    )
    statistic *= lattice.step**2
    released = gaussian_release(
        statistic,
        sensitivity=sensitivity,
        mu=mu,
        name=name,
        ledger=ledger,
        noise=noise,
        grid=lattice.step**2 * DIAGONAL_WEIGHT,
    )
    noisy = np.zeros(moments.shape)
    noisy[:, *upper] = released[:, : len(upper[0])]
    noisy += noisy.transpose(0, 2, 1)
    errors = np.maximum(count, 0.0)[:, None] * lattice.error
    noisy[:, diagonal, diagonal] = released[:, len(upper[0]) :] / DIAGONAL_WEIGHT - errors
    return noisy, sensitivity / mu


def release_profile(
    rows: PrivateRows,
    standardisation: Standardisation,
    mu: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> NoisySums:
    """Release class counts and sums of the standardised records."""
    total = np.zeros((rows.n_classes, len(rows.numeric)))
    n_values = total.size + len(total)
    lattice = choose_lattice(
        standardisation.radius, total.shape[1], n_values, 1, mu, ledger.epsilon
    )
    random = noise.generator()
    for chunk, values in rows.chunks():
        steps = dither(read_units(values, standardisation), lattice, random)
        total += sum_by_group(steps, rows.labels[chunk], rows.n_classes)
    count = np.bincount(rows.labels, minlength=rows.n_classes)
    return release_sums(count, total, lattice, mu, name, ledger, noise)


def release_components(
    rows: PrivateRows,
    standardisation: Standardisation,
    n_records: float,
    mu: float,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> tuple[np.ndarray, float]:
    """Release the second moments of the standardised records."""
    n_features = len(rows.numeric)
    moments = np.zeros((n_features, n_features))
    lattice = choose_lattice(
        standardisation.radius, n_features, moments.size // 2, 2, mu, ledger.epsilon
    )
    random = noise.generator()
    for _, values in rows.chunks():
        moments += outer_sum(dither(read_units(values, standardisation), lattice, random))
    noisy, noise_scale = release_second_moments(
        moments[None], np.array([n_records]), lattice, mu, "second moments", ledger, noise
    )
    return noisy[0], noise_scale
