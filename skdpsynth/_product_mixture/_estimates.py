"""From noisy sums to parameters: consistent counts, shrinkage to a parent, priors of Table 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from .._denoising import project_to_simplex, shrink_deviations
from .._histograms import Bins
from ._layout import Block, Layout

__all__ = [
    "ComponentEstimates",
    "NoisySums",
    "add_by_class",
    "average",
    "effective_size",
    "estimate_components",
    "estimate_pool",
    "make_consistent",
    "share_out",
]

# prior standard deviation of log σ around its parent's, and of the pool's around 0 (Table 1)
LOG_SCALE_SPREAD = 1.0
POOL_LOG_SCALE_SPREAD = 2.0
SMALLEST_SCALE = 1e-3
SMALLEST_RATE = 1e-3


class NoisySums(NamedTuple):
    """Released sums of r_k(x)·(1, one-hot cells, features) for every component k.

    Attributes
    ----------
    n_records : ndarray of shape (n_components,)
    cell : ndarray of shape (n_components, n_cells)
    feature : ndarray of shape (n_components, n_features)
    variance : ndarray of shape (n_components,)
        Variance of the noise in each coordinate.
    """

    n_records: np.ndarray
    cell: np.ndarray
    feature: np.ndarray
    variance: np.ndarray


class ComponentEstimates(NamedTuple):
    """Parameters of every component, and how uncertain they are.

    Attributes
    ----------
    n_records : ndarray of shape (n_components,)
        Estimated number of records, at least 1.
    cell : ndarray of shape (n_components, n_cells)
        Cell probabilities; each block sums to one.
    cell_size : ndarray of shape (n_components, n_blocks)
        Effective sample size behind a block: its posterior is Dirichlet(cell_size·cell).
    location : ndarray of shape (n_components, n_scalars)
        Mean of a normal column on [−1, 1], rate of a poisson column.
    location_error : ndarray of shape (n_components, n_scalars)
        Its posterior standard deviation.
    log_scale : ndarray of shape (n_components, n_scalars)
        log σ of a normal column; 0 for poisson columns.
    log_scale_error : ndarray of shape (n_components, n_scalars)
    missing : ndarray of shape (n_components, n_scalars)
        Probability of a missing value; 0 where the column is not nullable.
    missing_size : ndarray of shape (n_components, n_scalars)
        Effective sample size behind it.
    """

    n_records: np.ndarray
    cell: np.ndarray
    cell_size: np.ndarray
    location: np.ndarray
    location_error: np.ndarray
    log_scale: np.ndarray
    log_scale_error: np.ndarray
    missing: np.ndarray
    missing_size: np.ndarray

    def take(self, rows: np.ndarray) -> ComponentEstimates:
        """Return the components at these positions."""
        return ComponentEstimates(*(part[rows] for part in self))


def make_consistent(sums: NoisySums, layout: Layout) -> NoisySums:
    """Return generalised least squares estimates in which every block adds up to the count.

    The count and each block's total measure the same number with variances v and v·n_cells.
    """
    weights = np.array([1.0] + [1.0 / block.n_cells for block in layout.blocks])
    # inverse variances: a block's total has the noise of all of its cells
    totals = [sums.n_records] + [sums.cell[:, block.cells].sum(axis=1) for block in layout.blocks]
    count = np.average(totals, axis=0, weights=weights)
    cell = sums.cell.copy()
    for block, total in zip(layout.blocks, totals[1:], strict=True):
        cell[:, block.cells] += ((count - total) / block.n_cells)[:, None]
    return sums._replace(n_records=count, cell=cell)


def add_by_class(sums: NoisySums, owner: np.ndarray, n_classes: int) -> NoisySums:
    """Return the sums of all components of each class."""
    indicator = (owner == np.arange(n_classes)[:, None]).astype(np.float64)
    return NoisySums(*(indicator @ part for part in sums))


def average(first: NoisySums, second: NoisySums) -> NoisySums:
    """Return the inverse-variance average of two independent measurements of the same sums."""
    total = first.variance + second.variance
    # both are exact at ε = ∞
    share = np.where(total > 0, second.variance / np.where(total > 0, total, 1.0), 0.5)
    return NoisySums(
        share * first.n_records + (1 - share) * second.n_records,
        share[:, None] * first.cell + (1 - share)[:, None] * second.cell,
        share[:, None] * first.feature + (1 - share)[:, None] * second.feature,
        share * first.variance,
    )


def share_out(sums: NoisySums, totals: NoisySums, owner: np.ndarray) -> NoisySums:
    """Correct each class's components by equal amounts so that they add up to `totals`.

    The generalised least squares estimate when the components' noise is independent and equal,
    and `totals` already includes their sum.
    """
    own = add_by_class(sums, owner, len(totals.n_records))
    size = np.bincount(owner)[owner]

    def correct(part: np.ndarray, total: np.ndarray, own_total: np.ndarray) -> np.ndarray:
        return part + ((total - own_total)[owner].T / size).T

    return NoisySums(
        correct(sums.n_records, totals.n_records, own.n_records),
        correct(sums.cell, totals.cell, own.cell),
        correct(sums.feature, totals.feature, own.feature),
        sums.variance * (1 - 1 / size) + totals.variance[owner] / size**2,
    )


def estimate_pool(sums: NoisySums, layout: Layout, bins: Mapping[int, Bins]) -> ComponentEstimates:
    """Estimate a single component from consistent sums, under the priors of Table 1.

    A histogram is first shrunk to what the noisy grid says of it.

    Dirichlet(1) for cells, Beta(1, 1) for missingness, logit ~ N(0, 1) for Bernoulli columns,
    μ ~ N(0, 1), σ ~ LogNormal(0, 2) and λ ~ Exp(1).

    References
    ----------
    Jälkö, Lagerspetz, Haukka, Tarkoma, Honkela & Kaski (2021), Privacy-preserving data sharing
    via probabilistic modeling, Patterns 2(7). Table 1 is that of the twinify paper.
    """
    count = np.maximum(sums.n_records, 1.0)
    cell, cell_size = np.zeros_like(sums.cell), np.zeros((len(count), len(layout.blocks)))
    for j, block in enumerate(layout.blocks):
        counts, noise = sums.cell[:, block.cells], block.n_cells * sums.variance
        if block.column in bins:
            expected = count[:, None] * bins[block.column].mass
            deviations, noise = shrink_deviations(
                counts - expected, sums.variance, block.is_ordered, block.is_nullable
            )
            counts = expected + deviations
        observed = project_to_simplex(counts / count[:, None])
        cell[:, block.cells] = _smooth_pool(observed[0] * count[0], block)
        cell_size[:, j] = effective_size(cell[:, block.cells], count, noise)
    ones = np.ones((1, len(layout.scalars)))
    prior = ComponentEstimates(
        n_records=count,
        cell=cell,
        cell_size=cell_size,
        location=np.where([s.distribution == "normal" for s in layout.scalars], 0.0, 1.0) * ones,
        location_error=ones,
        log_scale=0.0 * ones,
        log_scale_error=POOL_LOG_SCALE_SPREAD * ones,
        missing=np.where([s.is_nullable for s in layout.scalars], 0.5, 0.0) * ones,
        missing_size=2.0 * ones,
    )
    return _estimate_scalars(sums, layout, prior, ones)


def estimate_components(
    sums: NoisySums, layout: Layout, parents: ComponentEstimates
) -> ComponentEstimates:
    """Estimate components from consistent sums, each shrunk to its parent (empirical Bayes).

    Parameters
    ----------
    sums : NoisySums of n_components
    layout : Layout
    parents : ComponentEstimates of n_components
        One parent each: the pool of all records for a class, the class for a component.
    """
    count = np.maximum(sums.n_records, 1.0)
    # a cell whose noisy count was projected to zero may still hold a few records
    prior_size = 1.0 + 0.1 * np.sqrt(sums.variance)
    cell, cell_size = np.zeros_like(sums.cell), np.zeros((len(count), len(layout.blocks)))
    for j, block in enumerate(layout.blocks):
        parent = parents.cell[:, block.cells]
        expected = count[:, None] * parent
        deviations, noise = shrink_deviations(
            sums.cell[:, block.cells] - expected,
            sums.variance,
            block.is_ordered,
            block.is_nullable,
        )
        observed = project_to_simplex((expected + deviations) / count[:, None])
        weight = (count / (count + prior_size))[:, None]
        cell[:, block.cells] = weight * observed + (1 - weight) * parent
        cell_size[:, j] = effective_size(cell[:, block.cells], count, noise)
    prior = parents._replace(
        n_records=count,
        cell=cell,
        cell_size=cell_size,
        log_scale_error=np.full_like(parents.log_scale, LOG_SCALE_SPREAD),
        missing_size=np.ones_like(parents.missing),
    )
    is_normal = np.array([s.distribution == "normal" for s in layout.scalars], dtype=bool)
    spread = np.where(is_normal, np.exp(parents.log_scale), parents.location)
    return _estimate_scalars(sums, layout, prior, spread)


def _smooth_pool(counts: np.ndarray, block: Block) -> np.ndarray:
    """Return the posterior mean (mode for Bernoulli) of one block's cells."""
    n_levels = block.n_cells - block.is_nullable
    present, total = counts[:n_levels], counts.sum()
    n_present = present.sum()
    if block.is_bernoulli:
        logit = brentq(lambda a: present[1] - n_present * expit(a) - a, -50.0, 50.0)
        levels = np.array([expit(-logit), expit(logit)])
    else:
        levels = (present + 1.0) / (n_present + n_levels)
    if not block.is_nullable:
        return levels
    missing = (counts[-1] + 1.0) / (total + 2.0)
    return np.append((1.0 - missing) * levels, missing)


def effective_size(cell: np.ndarray, count: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return α such that Dirichlet(α·cell) has the variance of sampling plus that of the noise.

    Summed over the cells these are (1 − Σp²)/n and noise/n²; a Dirichlet has (1 − Σp²)/(α + 1).
    """
    # a certain cell has no spread, which would leave 0/0
    spread = np.maximum(1.0 - np.square(cell).sum(axis=1), 1.0 / (count + 1.0))
    return np.maximum(spread / (spread / count + noise / count**2) - 1.0, 1.0)


def _estimate_scalars(
    sums: NoisySums, layout: Layout, prior: ComponentEstimates, spread: np.ndarray
) -> ComponentEstimates:
    """Fill in location, scale and missingness of every scalar column.

    `spread`, of shape (n_components, n_scalars), is the prior standard deviation of the location.
    """
    result = ComponentEstimates(*(np.array(part) for part in prior))
    for j, scalar in enumerate(layout.scalars):
        moments = sums.feature[:, scalar.start : scalar.start + scalar.n_features]
        count = result.n_records
        if scalar.is_nullable:
            n_missing = np.clip(moments[:, -1], 0.0, count)
            result.missing[:, j], result.missing_size[:, j] = _missing_posterior(
                n_missing, count, sums.variance, prior.missing[:, j], prior.missing_size[:, j]
            )
            count = np.maximum(count - n_missing, 1.0)
        if scalar.distribution == "normal":
            result.location[:, j], result.location_error[:, j] = _mean_posterior(
                moments, count, sums.variance, prior.location[:, j], spread[:, j]
            )
            result.log_scale[:, j], result.log_scale_error[:, j] = _log_scale_posterior(
                moments, count, sums.variance, prior.log_scale[:, j], prior.log_scale_error[:, j]
            )
        else:
            result.location[:, j], result.location_error[:, j] = _rate_posterior(
                scalar.span * moments[:, 0] / count,
                scalar.span**2 * sums.variance / count**2,
                count,
                prior.location[:, j],
                spread[:, j],
            )
    return result


def _combine(
    prior: np.ndarray, prior_variance: np.ndarray, observed: np.ndarray, variance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the normal posterior of a normal mean."""
    weight = prior_variance / (prior_variance + variance)
    return prior + weight * (observed - prior), np.sqrt(weight * variance)


def _missing_posterior(
    n_missing: np.ndarray,
    count: np.ndarray,
    variance: np.ndarray,
    prior: np.ndarray,
    prior_size: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    rate = (n_missing + prior_size * prior) / (count + prior_size)
    # as `effective_size`, of the two cells missing and present
    size = rate * (1 - rate) / (rate * (1 - rate) / count + variance / count**2) - 1.0
    return rate, np.maximum(size, 1.0)


def _unit_moments(moments: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of u in [0, 1], kept possible."""
    mean = np.clip(moments[:, 0] / count, 0.0, 1.0)
    # of u in [0, 1]: Eu² lies between (Eu)² and Eu, wherever noise has put it
    square = np.clip(moments[:, 1] / count, mean**2, mean)
    return mean, np.maximum(np.sqrt(square - mean**2), SMALLEST_SCALE / 2)


def _mean_posterior(
    moments: np.ndarray,
    count: np.ndarray,
    variance: np.ndarray,
    prior: np.ndarray,
    spread: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the posterior of the mean of x = 2u − 1."""
    mean, scale = _unit_moments(moments, count)
    error = 4.0 * (variance / count**2 + scale**2 / count)
    return _combine(prior, spread**2, 2.0 * mean - 1.0, error)


def _log_scale_posterior(
    moments: np.ndarray,
    count: np.ndarray,
    variance: np.ndarray,
    prior: np.ndarray,
    prior_error: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the posterior of log σ of x = 2u − 1.

    By the delta method var(log σ) = var(σ²)/(4σ⁴); the noise of Σu² and Σu enters the variance of
    u as (1 + 4ū²)v/n², sampling as 2σ⁴/n.
    """
    mean, scale = _unit_moments(moments, count)
    error = (1 + 4 * mean**2) * variance / (4 * scale**4 * count**2) + 0.5 / count
    return _combine(prior, prior_error**2, np.log(2.0 * scale), error)


def _rate_posterior(
    observed: np.ndarray,
    noise: np.ndarray,
    count: np.ndarray,
    prior: np.ndarray,
    spread: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    observed = np.maximum(observed, SMALLEST_RATE)
    rate, error = _combine(prior, spread**2, observed, noise + observed / count)
    return np.maximum(rate, SMALLEST_RATE), error
