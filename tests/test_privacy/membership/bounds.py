"""How much better than chance an attacker may be, and how much better one has been."""

from __future__ import annotations

from scipy import stats

# what (ε, δ) allows, as reports tell it
from skdpsynth._report import advantage_bound as largest_advantage

from ..audit.bounds import FAILURE, Guesses, clopper_pearson

__all__ = ["advantage_bound", "gaussian_advantage", "largest_advantage"]


def gaussian_advantage(mu: float) -> float:
    """Return the largest TPR − FPR that μ-GDP allows: that between N(0, 1) and N(μ, 1)."""
    return float(2.0 * stats.norm.cdf(mu / 2.0) - 1.0)


def advantage_bound(guesses: Guesses, failure: float = FAILURE) -> float:
    """Return a lower bound on TPR − FPR, wrong with probability `failure`.

    TPR − FPR is twice the mean rate of right guesses on the two sides, less one. The number of
    right guesses is a sum of independent trials, half of them with another rate than the others;
    beyond its mean it is no more spread than a binomial number with their mean rate (Hoeffding
    1956, On the distribution of the number of successes in independent trials), so that the bound
    of Clopper and Pearson on the mean rate holds.
    """
    n_right = guesses.n_right + guesses.n_trials - guesses.n_wrong
    low, _ = clopper_pearson(n_right, 2 * guesses.n_trials, failure)
    return 2.0 * low - 1.0
