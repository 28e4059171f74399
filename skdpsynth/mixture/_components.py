"""Components of the mixture between passes: how many, where they start, what they become."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ._bins import Bins
from ._estimates import (
    ComponentEstimates,
    NoisySums,
    estimate_components,
    estimate_pool,
    make_consistent,
    share_out,
)
from ._layout import Layout
from ._shrinkage import project_to_simplex

__all__ = ["choose_components", "mix", "refine", "settle", "start_components"]

MAX_COMPONENTS_PER_CLASS = 32
RECORDS_PER_COMPONENT = 80.0

# standard deviation of the random log odds by which components start to differ
TILT = 1.0


def choose_components(
    n_components: int | str, class_counts: np.ndarray, scale: float
) -> np.ndarray:
    """Return the class of every component; each class has at least one.

    Parameters
    ----------
    n_components : int or "auto"
        Number in total, shared out by noisy class counts; "auto" gives a class one component per
        80 records and unit of noise, 32 at most.
    class_counts : ndarray of shape (n_classes,)
        Released.
    scale : float
        Standard deviation of the noise in a count of the last pass.

    Returns
    -------
    owner : ndarray of shape (n_components,), int

    Examples
    --------
    >>> choose_components(5, np.array([100.0, 40.0]), 1.0)
    array([0, 0, 0, 1, 1])
    """
    counts = np.maximum(class_counts, 0.0)
    if n_components == "auto":
        wanted = counts / (RECORDS_PER_COMPONENT * max(scale, 1.0))
        sizes = np.clip(wanted.astype(int), 1, MAX_COMPONENTS_PER_CLASS)
        return np.repeat(np.arange(len(counts)), sizes)
    sizes = np.ones(len(counts), dtype=int)
    for _ in range(int(n_components) - len(counts)):
        sizes[np.argmax(counts / (sizes + 0.5))] += 1
    return np.repeat(np.arange(len(counts)), sizes)


def settle(sums: NoisySums, layout: Layout, known_count: float | None) -> NoisySums:
    """Return class sums whose blocks add up to the counts, and the counts to a known total."""
    consistent = make_consistent(sums, layout)
    if known_count is None:
        return consistent
    excess = (consistent.n_records.sum() - known_count) / len(consistent.n_records)
    cell = consistent.cell.copy()
    for block in layout.blocks:
        cell[:, block.cells] -= excess / block.n_cells
    return consistent._replace(n_records=consistent.n_records - excess, cell=cell)


def estimate_classes(
    totals: NoisySums, layout: Layout, bins: Mapping[int, Bins]
) -> ComponentEstimates:
    """Estimate one component per class, shrunk to the pool of all records."""
    pool_sums = NoisySums(*(part.sum(axis=0, keepdims=True) for part in totals))
    pool = estimate_pool(pool_sums, layout, bins)
    n_classes = len(totals.n_records)
    if n_classes == 1:
        return pool
    return estimate_components(totals, layout, pool.take(np.zeros(n_classes, dtype=int)))


def refine(
    sums: NoisySums,
    totals: NoisySums,
    layout: Layout,
    bins: Mapping[int, Bins],
    owner: np.ndarray,
) -> ComponentEstimates:
    """Estimate all components from one pass and the class totals of all passes.

    Parameters
    ----------
    sums : NoisySums of n_components
        As released.
    totals : NoisySums of n_classes
        Consistent, `sums` included.
    """
    classes = estimate_classes(totals, layout, bins)
    parents = classes.take(owner)
    is_alone = np.bincount(owner, minlength=layout.n_classes)[owner] == 1
    if is_alone.all():
        return parents
    corrected = make_consistent(share_out(sums, totals, owner), layout)
    components = estimate_components(corrected, layout, parents)
    chosen = [
        np.where(is_alone.reshape((-1,) + (1,) * (own.ndim - 1)), parent, own)
        for parent, own in zip(parents, components, strict=True)
    ]
    return ComponentEstimates(*chosen)


def start_components(
    totals: NoisySums,
    layout: Layout,
    bins: Mapping[int, Bins],
    owner: np.ndarray,
    rng: np.random.Generator,
) -> ComponentEstimates:
    """Return each class's estimate, tilted at random so that its components differ.

    An ordered block is tilted along its order, any other cell by cell; a scalar column is shifted.
    """
    classes = estimate_classes(totals, layout, bins)
    start = classes.take(owner)
    size = np.bincount(owner, minlength=layout.n_classes)[owner]
    strength = np.where(size > 1, TILT, 0.0)[:, None]
    cell = start.cell.copy()
    for block in layout.blocks:
        if block.is_ordered:
            direction = np.sqrt(3.0) * np.linspace(-1.0, 1.0, block.n_cells)
            odds = rng.standard_normal((len(owner), 1)) * direction
        else:
            odds = rng.standard_normal((len(owner), block.n_cells))
        tilted = cell[:, block.cells] * np.exp(strength * odds)
        cell[:, block.cells] = tilted / tilted.sum(axis=1, keepdims=True)
    location = start.location.copy()
    for j, scalar in enumerate(layout.scalars):
        shift = strength[:, 0] * rng.standard_normal(len(owner))
        if scalar.distribution == "normal":
            location[:, j] += shift * np.exp(start.log_scale[:, j])
        else:
            location[:, j] *= np.exp(0.5 * shift)
    return start._replace(cell=cell, location=location, n_records=start.n_records / size)


def mix(counts: np.ndarray, class_counts: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Return the mixing proportions, with one pseudo-record per class and component.

    Parameters
    ----------
    counts : ndarray of shape (n_components,)
    class_counts : ndarray of shape (n_classes,)
    owner : ndarray of shape (n_components,), int
    """
    n_records = max(class_counts.sum(), 1.0)
    classes = n_records * project_to_simplex(class_counts / n_records) + 1.0
    indicator = owner == np.arange(len(class_counts))[:, None]
    within = np.where(indicator, np.maximum(counts, 0.0) + 1.0, 0.0)
    within /= within.sum(axis=1, keepdims=True)
    return classes / classes.sum() @ within
