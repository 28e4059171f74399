"""Anonymize: the release of mixed tables, from the grid to the clusters rows are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..._product_mixture._columns import ColumnModel
from ..._product_mixture._measure import open_table, pass_sensitivity
from ..._product_mixture._release import MixtureRelease
from ...privacy import Mechanisms, NoiseSource, PrivacyLedger
from ._approximate import BlockPasses, approximate
from ._stages import ClusterPlan

__all__ = ["release_blocks"]


def release_blocks(
    codes: np.ndarray,
    columns: tuple[ColumnModel, ...],
    owner: int | None,
    plan: ClusterPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_pass: Callable[[], object] = lambda: None,
) -> MixtureRelease:
    """Release a mixed table as clusters: grid, Approximate, and one last pass over the clusters.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        The encoded private table.
    columns : tuple of ColumnModel
        All tabulated.
    owner : int or None
        Position of the column whose cells are the classes.
    plan : ClusterPlan
    ledger : PrivacyLedger
    noise : NoiseSource
    after_pass : callable, optional
        Called after every pass, for a progress bar.

    Notes
    -----
    Every release is a sum over records of a function of one record and of earlier releases:

    1. grid: the row count and a fine histogram of each numeric column, Δ = √(1 + their number);
    2. pass 0, the refinements and the last pass: (count, Σx) of every class, then cluster, where x
       are the one-hot blocks of the record, Δ = √(1 + d); see `release_sums`.

    With the earlier releases fixed, each is Gaussian with its own μ_t, fixed before the first.
    Adaptive composition: μ² = Σ μ_t² (Dong, Roth & Su 2022, Corollary 3.3).

    References
    ----------
    Madl, Xu, Choudhury & Howard (2022), Approximate, Adapt, Anonymize (3A): the three stages. Its
    memberships depend on all rows at once, and its proof does not hold; here they do not.
    """
    mus = plan.mus(ledger, any(column.distribution == "histogram" for column in columns))
    sensitivity = pass_sensitivity(columns, owner, ledger.adjacency)
    scale = sensitivity / mus["release"]
    opening = open_table(
        codes, columns, owner, plan.n_bins, mus["grid"], scale, Mechanisms(ledger, noise)
    )
    passes = BlockPasses(opening, sensitivity, ledger, noise, after_pass)
    clusters = None
    if not plan.has_one_cluster:
        clusters = approximate(
            passes,
            plan.n_clusters,
            plan.smallest_cluster(scale),
            plan.n_refinements(math.isfinite(ledger.mu)),
            mus["profile"],
            mus["refinement"],
        )
    sums = passes.measure(clusters, mus["release"], "counts of the clusters, last pass")
    totals = passes.totals
    layout = opening.layout
    known_count = opening.known_count
    n_records = float(totals.n_records.sum()) if known_count is None else known_count
    final_owner = np.arange(layout.n_classes) if clusters is None else clusters.owner
    return MixtureRelease(columns, layout, opening.bins, final_owner, totals, sums, n_records)
