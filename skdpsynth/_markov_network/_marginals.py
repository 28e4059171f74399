"""Counting marginals, releasing them with noise, and combining what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from ..privacy import Mechanisms
from ._contrasts import Variable, analyse, closure, n_contrasts, synthesise
from ._network import Network, coefficient_cells

__all__ = [
    "Evidence",
    "Measurement",
    "combine",
    "count_marginals",
    "divide_constants",
    "estimate_marginal",
    "release_marginals",
]

BLOCK_SIZE = 1 << 16


class Measurement(NamedTuple):
    """One released marginal.

    Attributes
    ----------
    query : tuple of int
        Its variables, rising.
    table : ndarray of shape (K_1, ..., K_r)
        Noisy counts.
    variance : float
        Variance of the noise in a cell.
    """

    query: tuple[int, ...]
    table: np.ndarray
    variance: float


class Evidence(NamedTuple):
    """What all measurements together say of a network: estimates with independent errors.

    Attributes
    ----------
    n_records : float
        Row count.
    n_variance : float
        Variance of its noise, 0 where the count is public.
    moments : ndarray of shape (n_parameters,)
        Estimates of Σ_rows a(x), the noise of which is independent across coordinates.
    variance : ndarray of shape (n_parameters,)
        Variance of the noise.
    """

    n_records: float
    n_variance: float
    moments: np.ndarray
    variance: np.ndarray


def count_marginals(
    chunks: np.ndarray | Iterable[np.ndarray],
    queries: Sequence[Sequence[int]],
    shape: Sequence[int],
) -> list[np.ndarray]:
    """Return the exact counts of many marginals, of a table or of its chunks.

    Parameters
    ----------
    chunks : ndarray of shape (n_variables, n_rows), or iterable of such
        Counts are additive: how the rows are divided makes no difference.
    queries : sequence of tuple of int
    shape : sequence of int
        Levels of every variable of the table.

    Returns
    -------
    tables : list of ndarray of shape (K_1, ..., K_r), int64

    Examples
    --------
    >>> levels = np.array([[0, 1, 1], [0, 0, 1]])
    >>> count_marginals(levels, [(0, 1)], (2, 2))
    [array([[1, 0],
           [1, 1]])]
    """
    if isinstance(chunks, np.ndarray):
        chunks = [chunks]
    tables = [np.zeros(math.prod(shape[v] for v in query), dtype=np.int64) for query in queries]
    for levels in chunks:
        # block by block, which stays in the cache while all queries pass over it
        for start in range(0, levels.shape[1], BLOCK_SIZE):
            block = levels[:, start : start + BLOCK_SIZE].astype(np.int64)
            for table, query in zip(tables, queries, strict=True):
                index = block[query[0]]
                for v in query[1:]:
                    index = index * shape[v] + block[v]
                table += np.bincount(index, minlength=len(table))
    return [
        table.reshape([shape[v] for v in query])
        for table, query in zip(tables, queries, strict=True)
    ]


def release_marginals(
    tables: Sequence[np.ndarray],
    queries: Sequence[tuple[int, ...]],
    weights: Sequence[float],
    mu: float,
    labels: Sequence[str],
    desk: Mechanisms,
) -> list[Measurement]:
    """Release all cells of every marginal with Gaussian noise.

    Sensitivity: a record is in one cell of each marginal, so that adding one changes a table by 1
    in L2 norm and replacing one by √2. The marginals' μᵢ² add up to μ².

    Parameters
    ----------
    tables : sequence of ndarray
        Exact counts.
    queries : sequence of tuple of int
    weights : sequence of float
        Share of μ² of each marginal, relative to the others.
    mu : float
        Of all marginals together.
    labels : sequence of str
        What each is called in the ledger.
    desk : Mechanisms

    Returns
    -------
    measurements : list of Measurement
    """
    sensitivity = desk.nonnegative_sensitivity(1.0)
    shares = np.asarray(weights, dtype=float) / math.fsum(weights)
    measurements = []
    for table, query, share, label in zip(tables, queries, shares, labels, strict=True):
        own = mu * math.sqrt(share)
        released = desk.gaussian(table, sensitivity=sensitivity, mu=own, name=label, grid=1.0)
        measurements.append(Measurement(query, released, (sensitivity / own) ** 2))
    return measurements


def combine(
    network: Network,
    measurements: Sequence[Measurement],
    count: tuple[float, float] | None = None,
    public_count: float | None = None,
) -> Evidence:
    """Return the generalised least squares estimates of the network's statistics.

    In the basis of contrasts the noise of every table is independent and, within one set of
    variables, of one variance, so that the estimate of a statistic is the inverse-variance mean
    over the tables that contain its set (the residual basis of Xiao, He, Zhang & Kifer 2023,
    An optimal and scalable matrix mechanism for noisy marginals under convex loss functions).

    Parameters
    ----------
    network : Network
        Every set of it is within a measured query.
    measurements : sequence of Measurement
    count : (float, float), default=None
        Another measurement of the row count, and its variance.
    public_count : float, default=None
        The row count where it is public.
    """
    position_of = {subset: i for i, subset in enumerate(network.subsets)}
    precision = np.zeros(len(network.subsets))
    moments = np.zeros(network.n_parameters)
    totals = [] if count is None else [count]
    for query, table, variance in measurements:
        variables = network.clique_variables(query)
        coefficients = analyse(table, variables).ravel()
        totals.append((float(coefficients[0]), variance * table.size))
        for subset in closure([query]):
            if n_contrasts(subset, network.variables) == 0:
                continue
            cells = coefficient_cells(query, subset, network.variables)
            position = position_of[subset]
            weight = 1.0 / _coefficient_variance(variance, query, subset, network.variables)
            moments[network.block(position)] += weight * coefficients[cells]
            precision[position] += weight
    each = np.repeat(precision, np.diff(network.offsets))
    n_records, n_variance = _combine_totals(totals)
    if public_count is not None:
        n_records, n_variance = public_count, 0.0
    return Evidence(max(n_records, 1.0), n_variance, moments / each, 1.0 / each)


def estimate_marginal(network: Network, evidence: Evidence, query: tuple[int, ...]) -> np.ndarray:
    """Return the estimated counts of a marginal, negative ones included.

    Parameters
    ----------
    network : Network
        All non-empty sets within `query` have parameters in it.
    evidence : Evidence
    query : tuple of int
        Rising.
    """
    shape = network.clique_shape(query)
    coefficients = np.zeros(math.prod(shape))
    coefficients[0] = evidence.n_records
    position_of = {subset: i for i, subset in enumerate(network.subsets)}
    for subset in closure([query]):
        if subset in position_of:
            cells = coefficient_cells(query, subset, network.variables)
            coefficients[cells] = evidence.moments[network.block(position_of[subset])]
    table = divide_constants(coefficients.reshape(shape))
    return synthesise(table, network.clique_variables(query))


def divide_constants(coefficients: np.ndarray) -> np.ndarray:
    """Return what `synthesise` turns into the table that `analyse` gives these coefficients for.

    The constant along an axis is not of unit norm.
    """
    divided = coefficients.copy()
    for axis, size in enumerate(divided.shape):
        np.moveaxis(divided, axis, 0)[0] /= size
    return divided


# the variance of a release without noise: not zero, so that it can be a weight
SMALLEST_VARIANCE = 1e-6


def _coefficient_variance(
    variance: float, query: Sequence[int], subset: Sequence[int], variables: Sequence[Variable]
) -> float:
    """Return the noise variance of a contrast: cells that are summed out add theirs up."""
    summed = math.prod(variables[v].n_levels for v in query if v not in subset)
    return max(variance, SMALLEST_VARIANCE) * summed


def _combine_totals(totals: Sequence[tuple[float, float]]) -> tuple[float, float]:
    values = np.array([value for value, _ in totals])
    weights = 1.0 / np.maximum([variance for _, variance in totals], SMALLEST_VARIANCE)
    return float(np.average(values, weights=weights)), float(1.0 / weights.sum())
