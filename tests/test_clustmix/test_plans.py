import math

import pytest

from skdpsynth.clustmix._blocks._stages import N_REFINEMENTS, ClusterPlan
from skdpsynth.privacy import PrivacyLedger


@pytest.mark.parametrize("has_histograms", [True, False])
@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("adapt_share", [0.0, 0.3])
@pytest.mark.parametrize("n_clusters", [1, 7, "auto"])
def test_squared_mus_sum_to_that_of_the_ledger(n_clusters, adapt_share, adjacency, has_histograms):
    plan = ClusterPlan(n_clusters, 0.02, "auto", adapt_share)
    ledger = PrivacyLedger(0.7, 1e-6, adjacency)
    mus = plan.mus(ledger, has_histograms)
    spent = mus["grid"] ** 2 + mus["profile"] ** 2 + mus["release"] ** 2 + mus["adapt"] ** 2
    spent += plan.n_refinements(is_noisy=True) * mus["refinement"] ** 2
    assert spent == pytest.approx(ledger.mu**2, rel=1e-12)
    assert mus["adapt"] ** 2 == pytest.approx(adapt_share * ledger.mu**2)


def test_one_cluster_per_class_needs_no_refinement():
    plan = ClusterPlan(1, 0.02, "auto", 0.0)
    mus = plan.mus(PrivacyLedger(1.0, 1e-6), True)
    assert plan.n_refinements(is_noisy=True) == plan.n_refinements(is_noisy=False) == 0
    assert mus["profile"] == mus["refinement"] == 0.0


def test_without_noise_there_are_more_refinements():
    plan = ClusterPlan("auto", 0.02, "auto", 0.0)
    assert plan.n_refinements(is_noisy=False) > plan.n_refinements(is_noisy=True) == N_REFINEMENTS
    assert set(plan.mus(PrivacyLedger(math.inf, 1e-6), True).values()) == {0.0, math.inf}


def test_the_smallest_cluster_keeps_the_noise_in_its_mean_below_sigma_max():
    plan = ClusterPlan("auto", 0.02, "auto", 0.0)
    assert 30.0 / plan.smallest_cluster(30.0) == pytest.approx(0.02)
    assert plan.smallest_cluster(0.0) == 20.0
