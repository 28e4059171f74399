"""What the stages may spend and how large clusters must be: public, fixed before any release."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...privacy import PrivacyLedger

__all__ = ["SMALLEST_CLUSTER", "ClusterPlan"]

GRID_SHARE = 0.05
COUNT_SHARE = 0.01
PROFILE_SHARE = 0.10
REFINEMENT_SHARE = 0.05
N_REFINEMENTS = 3

# without noise, refinements cost only time
N_REFINEMENTS_WITHOUT_NOISE = 20

# a cluster of fewer records than this says more about each of them than about the table
SMALLEST_CLUSTER = 20.0


@dataclass(frozen=True)
class ClusterPlan:
    """The budget of every stage, and the size that clusters must have.

    Attributes
    ----------
    n_clusters : int or "auto"
    sigma_max : float
        Largest standard deviation that the noise may have in a coordinate of a cluster's mean.
    n_bins : int or "auto"
        Bins a numeric column aims at.
    adapt_share : float
        Share of μ² of the normal equations of the Adapt stage.
    """

    n_clusters: int | str
    sigma_max: float
    n_bins: int | str
    adapt_share: float

    @property
    def has_one_cluster(self) -> bool:
        """Whether every class is one cluster, so that there is nothing to refine."""
        return self.n_clusters == 1

    def n_refinements(self, is_noisy: bool) -> int:
        """Return how many times clusters are refined between the profile and the release."""
        if self.has_one_cluster:
            return 0
        return N_REFINEMENTS if is_noisy else N_REFINEMENTS_WITHOUT_NOISE

    def mus(self, ledger: PrivacyLedger, has_histograms: bool) -> dict[str, float]:
        """Return μ of the grid, the profile, every refinement, the release and the adaptation.

        Their squares, the refinement's taken three times, sum to that of the ledger. Without a
        numeric column the grid is the row count alone, which under replace-one is public.
        """
        count_share = COUNT_SHARE if ledger.adjacency == "add_remove" else 0.0
        shares = {"grid": GRID_SHARE if has_histograms else count_share}
        shares |= {"profile": 0.0, "refinement": 0.0}
        if not self.has_one_cluster:
            shares |= {"profile": PROFILE_SHARE, "refinement": REFINEMENT_SHARE}
        spent = shares["grid"] + shares["profile"] + N_REFINEMENTS * shares["refinement"]
        shares["release"] = 1.0 - spent
        shares = {name: (1.0 - self.adapt_share) * share for name, share in shares.items()}
        shares["adapt"] = self.adapt_share
        return {name: ledger.mu * math.sqrt(s) if s else 0.0 for name, s in shares.items()}

    def smallest_cluster(self, scale: float) -> float:
        """Return l_min: the noise in a mean over fewer records would exceed `sigma_max`.

        Parameters
        ----------
        scale : float
            Standard deviation of the noise in a sum of the release.
        """
        return max(scale / self.sigma_max, SMALLEST_CLUSTER)
