"""Components of the mixture between passes: how many, where they start, what they become."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .._denoising import project_to_simplex, rake
from .._histograms import Bins
from ._estimates import (
    ComponentEstimates,
    NoisySums,
    estimate_components,
    estimate_pool,
    make_consistent,
    share_out,
)
from ._layout import Layout

__all__ = [
    "borrow",
    "choose_components",
    "consistent_totals",
    "estimate_classes",
    "expect_components",
    "mixing_proportions",
    "refine",
    "start_components",
]

MAX_COMPONENTS_PER_CLASS = 32
RECORDS_PER_COMPONENT = 60.0

# standard deviation of the random log odds by which components start to differ
TILT = 1.0


def choose_components(
    n_components: int | str, class_counts: np.ndarray, scale: float, most: int | None = None
) -> np.ndarray:
    """Return the class of every component; each class has at least one.

    Parameters
    ----------
    n_components : int or "auto"
        Number in total, shared out by noisy class counts; "auto" gives a class one component per
        60 records and unit of noise, 32 at most.
    class_counts : ndarray of shape (n_classes,)
        Released.
    scale : float
        Standard deviation of the noise in a count of the last pass.
    most : int, default=None
        In total, where "auto" chooses; no fewer than the classes.

    Returns
    -------
    owner : ndarray of shape (n_components,), int

    Examples
    --------
    >>> choose_components(5, np.array([100.0, 40.0]), 1.0)
    array([0, 0, 0, 0, 1])
    """
    counts = np.maximum(class_counts, 0.0)
    if n_components == "auto":
        wanted = counts / (RECORDS_PER_COMPONENT * max(scale, 1.0))
        per_class = MAX_COMPONENTS_PER_CLASS
        if most is not None:
            per_class = min(per_class, max(most // len(counts), 1))
        sizes = np.clip(wanted.astype(int), 1, per_class)
        return np.repeat(np.arange(len(counts)), sizes)
    sizes = np.ones(len(counts), dtype=int)
    for _ in range(int(n_components) - len(counts)):
        sizes[np.argmax(counts / (sizes + 0.5))] += 1
    return np.repeat(np.arange(len(counts)), sizes)


def expect_components(
    n_components: int | str, n_classes: int, n_records: float, scale: float
) -> float:
    """Return about how many components `choose_components` is going to choose.

    Parameters
    ----------
    n_components : int or "auto"
    n_classes : int
    n_records : float
        The row count; where what follows must be public, a public one.
    scale : float
        Standard deviation of the noise in a count of the last pass.

    Examples
    --------
    >>> expect_components("auto", 2, 600.0, 2.0), expect_components(1, 2, 600.0, 2.0)
    (7.0, 2)
    """
    if n_components == "auto":
        most = MAX_COMPONENTS_PER_CLASS * n_classes
        return min(n_records / (RECORDS_PER_COMPONENT * max(scale, 1.0)) + n_classes, most)
    return max(int(n_components), n_classes)


def consistent_totals(sums: NoisySums, layout: Layout, known_count: float | None) -> NoisySums:
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
    one_owner = np.zeros(n_classes, dtype=int)
    classes = estimate_components(totals, layout, pool.take(one_owner))
    return _rake_blocks(classes, pool, one_owner, layout)


def _rake_blocks(
    components: ComponentEstimates,
    totals: ComponentEstimates,
    owner: np.ndarray,
    layout: Layout,
) -> ComponentEstimates:
    cell = components.cell.copy()
    for block in layout.blocks:
        cell[:, block.cells] = rake(
            cell[:, block.cells], components.n_records, owner, totals.cell[:, block.cells]
        )
    return components._replace(cell=cell)


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
    components = _rake_blocks(components, classes, owner, layout)
    chosen = [
        np.where(is_alone.reshape((-1,) + (1,) * (own.ndim - 1)), parent, own)
        for parent, own in zip(parents, components, strict=True)
    ]
    return ComponentEstimates(*chosen)


def borrow(
    estimates: ComponentEstimates,
    weights: np.ndarray,
    owner: np.ndarray,
    layout: Layout,
) -> tuple[ComponentEstimates, np.ndarray, np.ndarray]:
    """Give classes too small for components of their own the dependence of the largest class.

    A class of one component has independent columns; beside a class of several, that difference
    itself would tell the classes apart. It is replaced by the components of the class that has
    most, each shifted as the classes' profiles differ and raked back to the class's own profile.
    Post-processing: nothing more is released.

    Returns
    -------
    estimates, weights, owner
        Of the enlarged mixture.
    """
    sizes = np.bincount(owner, minlength=layout.n_classes)
    lender = int(np.argmax(sizes))
    borrowers = np.flatnonzero(sizes == 1)
    if sizes[lender] == 1 or len(borrowers) == 0:
        return estimates, weights, owner
    lent = np.flatnonzero(owner == lender)
    shares = weights[lent] / weights[lent].sum()
    kept = np.flatnonzero(sizes[owner] > 1)
    parts, new_weights, new_owner = [estimates.take(kept)], [weights[kept]], [owner[kept]]
    for borrower in borrowers:
        own = estimates.take(np.flatnonzero(owner == borrower))
        parts.append(_shift(estimates.take(lent), own, shares, layout))
        new_weights.append(weights[owner == borrower] * shares)
        new_owner.append(np.full(len(lent), borrower))
    merged = ComponentEstimates(*(np.concatenate(field) for field in zip(*parts, strict=True)))
    return merged, np.concatenate(new_weights), np.concatenate(new_owner)


def _shift(
    lent: ComponentEstimates, own: ComponentEstimates, shares: np.ndarray, layout: Layout
) -> ComponentEstimates:
    """Return the lent components with the profile of a class of one component."""
    cell = np.repeat(own.cell, len(shares), axis=0)
    one_class = np.zeros(len(shares), dtype=int)
    for block in layout.blocks:
        profile = shares @ lent.cell[:, block.cells]
        shifted = lent.cell[:, block.cells] * (own.cell[:, block.cells] / profile)
        shifted /= shifted.sum(axis=1, keepdims=True)
        cell[:, block.cells] = rake(shifted, shares, one_class, own.cell[:, block.cells])
    repeated = own.take(one_class)
    scale = np.exp(lent.log_scale)
    mean = shares @ lent.location
    spread = np.sqrt(np.maximum(shares @ (scale**2 + lent.location**2) - mean**2, 1e-12))
    is_normal = np.array([s.distribution == "normal" for s in layout.scalars], dtype=bool)
    stretch = np.exp(own.log_scale) / spread
    location = np.where(
        is_normal,
        own.location + stretch * (lent.location - mean),
        own.location * lent.location / np.where(mean > 0, mean, 1.0),
    )
    log_scale = np.where(is_normal, lent.log_scale + np.log(stretch), 0.0)
    return repeated._replace(
        n_records=own.n_records * shares, cell=cell, location=location, log_scale=log_scale
    )


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


def mixing_proportions(
    counts: np.ndarray, class_counts: np.ndarray, owner: np.ndarray
) -> np.ndarray:
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
