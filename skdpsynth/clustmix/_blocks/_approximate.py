"""Approximate: clusters of mixed records, found in noisy passes, none smaller than l_min.

Size-constrained EM: `assignment` is the hard E-step, a fixed function of one record;
`BlockPasses.measure` the sums of the M-step, with noise; `refine` the M-step; and
`surviving_clusters` the constraint on sizes, by noisy counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ..._product_mixture import (
    ComponentEstimates,
    NaturalParameters,
    NoisySums,
    Opening,
    add_by_class,
    average,
    consistent_totals,
    mixing_proportions,
    natural_parameters,
    one_per_class,
    power_of_two,
    refine,
    release_sums,
    start_components,
)
from ...privacy import Mechanisms
from .._sizes import MAX_CLUSTERS_PER_CLASS, share_out_clusters, surviving_clusters

__all__ = ["PROFILE_PASS", "BlockPasses", "Clusters", "approximate", "name_refinement"]

PROFILE_PASS = "counts of the classes, pass 0"

# log densities this many times as large: the nearest cluster has all of a record
SHARPNESS = 1e4


@dataclass
class BlockPasses:
    """Passes over the private rows, each releasing (count, Σx) of every cluster.

    Attributes
    ----------
    opening : Opening
        The records, and the bins that the grid gave.
    sensitivity : float
        Δ = √(1 + d) for the desk's adjacency: a record adds 1 to the count of its cluster and
        to one cell in each of d blocks.
    desk : Mechanisms
    """

    opening: Opening
    sensitivity: float
    desk: Mechanisms
    _measured: NoisySums | None = field(default=None, init=False)

    def measure(self, clusters: Clusters | None, mu: float, name: str) -> NoisySums:
        """Release the sums of all clusters, of all classes without any.

        A record goes to the cluster that its own values and earlier releases give, so that adding
        or removing it changes the sums by its own vector and no other record moves.
        """
        layout = self.opening.layout
        if clusters is None:
            owner = np.arange(layout.n_classes)
            model = one_per_class(layout, self.opening.n_padded_cells)
        else:
            owner = clusters.owner
            model = assignment(clusters, self.opening)
        sums = release_sums(
            self.opening.records,
            model,
            layout,
            len(owner),
            self.sensitivity,
            mu,
            name,
            self.desk,
            is_hard=True,
        )
        by_class = add_by_class(sums, owner, layout.n_classes)
        self.desk.progress()
        # every pass measures the classes anew: all of them together are the most precise
        self._measured = by_class if self._measured is None else average(self._measured, by_class)
        return sums

    @property
    def totals(self) -> NoisySums:
        """The classes' sums, averaged over all passes so far and consistent."""
        assert self._measured is not None
        return consistent_totals(self._measured, self.opening.layout, self.opening.known_count)


class Clusters(NamedTuple):
    """Clusters between two passes: public, since made of what was released.

    Attributes
    ----------
    estimates : ComponentEstimates of n_clusters
    weights : ndarray of shape (n_clusters,)
    owner : ndarray of shape (n_clusters,), int
        The class of each cluster.
    """

    estimates: ComponentEstimates
    weights: np.ndarray
    owner: np.ndarray


def assignment(clusters: Clusters, opening: Opening) -> NaturalParameters:
    """Return scores whose largest is the cluster that a record goes to: a fixed function of it."""
    shape = (opening.n_padded_cells, power_of_two(len(clusters.owner)))
    soft = natural_parameters(
        clusters.weights, clusters.owner, clusters.estimates, opening.layout, shape
    )
    return NaturalParameters(
        SHARPNESS * soft.bias, SHARPNESS * soft.log_cell, SHARPNESS * soft.weight, soft.owner
    )


def approximate(
    passes: BlockPasses,
    n_clusters: int | str,
    smallest: float,
    n_refinements: int,
    mu_profile: float,
    mu_refinement: float,
) -> Clusters:
    """Find clusters of each class that hold at least `smallest` records by their noisy counts.

    Pass 0 measures the classes. Their clusters then start from the class's profile, tilted at
    random, and each refinement measures them and drops those that are too small: their records go
    to the next cluster in the next pass.

    Parameters
    ----------
    passes : BlockPasses
    n_clusters : int or "auto"
        In total; "auto" gives a class as many as `smallest` allows, 32 at most.
    smallest : float
        l_min.
    n_refinements : int
        0 keeps one cluster per class and measures nothing.
    mu_profile, mu_refinement : float

    Raises
    ------
    ValueError
        If `n_clusters` are more than the noisy counts and `smallest` allow.

    Notes
    -----
    Classification EM (Celeux & Govaert 1992) of a mixture of products, with the sums of each
    M-step released and minimum sizes as in Jitta & Klami (2018), enforced by noisy counts.
    """
    opening = passes.opening
    layout, bins = opening.layout, opening.bins
    passes.measure(None, mu_profile, PROFILE_PASS)
    sizes = share_out_clusters(
        n_clusters, passes.totals.n_records, smallest, MAX_CLUSTERS_PER_CLASS
    )
    owner = np.repeat(np.arange(layout.n_classes), sizes)
    estimates = start_components(passes.totals, layout, bins, owner, passes.desk.generator())
    for step in range(1, n_refinements + 1):
        clusters = _weigh(estimates, owner, passes.totals)
        sums = passes.measure(clusters, mu_refinement, name_refinement(step))
        estimates = refine(sums, passes.totals, layout, bins, owner)
        # refined together with the small ones, whose records are part of the class totals
        kept = surviving_clusters(sums.n_records, owner, smallest)
        estimates, owner = estimates.take(kept), owner[kept]
    return _weigh(estimates, owner, passes.totals)


def name_refinement(step: int) -> str:
    """Return the name of a refinement in the ledger, counted from 1."""
    return f"counts of the clusters, pass {step}"


def _weigh(estimates: ComponentEstimates, owner: np.ndarray, totals: NoisySums) -> Clusters:
    weights = mixing_proportions(estimates.n_records, totals.n_records, owner)
    return Clusters(estimates, weights, owner)
