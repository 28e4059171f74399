"""What the passes over the private rows leave behind, and the mixture made of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .._histograms import Bins
from ._columns import ColumnModel
from ._components import borrow, mixing_proportions, refine
from ._directions import Directions
from ._estimates import NoisySums, effective_size
from ._layout import Layout
from ._model import MixtureModel

__all__ = ["MixtureRelease", "infer_mixture"]


class MixtureRelease(NamedTuple):
    """All that leaves the rows: released quantities and functions of them.

    Attributes
    ----------
    columns : tuple of ColumnModel
    layout : Layout
    bins : dict of column position to Bins
    owner : ndarray of shape (n_components,), int
        The class of each component.
    totals : NoisySums of n_classes
        Inverse-variance average over all passes, consistent.
    sums : NoisySums of n_components
        The last pass.
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    directions : Directions or None
        Second moments of the columns, where they were released.
    """

    columns: tuple[ColumnModel, ...]
    layout: Layout
    bins: dict[int, Bins]
    owner: np.ndarray
    totals: NoisySums
    sums: NoisySums
    n_records: float
    directions: Directions | None = None


def infer_mixture(release: MixtureRelease) -> MixtureModel:
    """Return the mixture by post-processing: consistent counts, shrinkage, simplex projection."""
    totals, layout = release.totals, release.layout
    estimates = refine(release.sums, totals, layout, release.bins, release.owner)
    weights = mixing_proportions(estimates.n_records, totals.n_records, release.owner)
    estimates, weights, owner = borrow(estimates, weights, release.owner, layout)
    size = effective_size(weights[None], np.array([release.n_records]), totals.variance.sum())
    return MixtureModel(
        release.columns, layout, release.bins, weights, float(size[0]), owner, estimates
    )
