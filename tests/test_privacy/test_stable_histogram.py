import math
from functools import reduce

import numpy as np
import pytest
from scipy import stats

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    FailureEvent,
    GaussianEvent,
    NoiseSource,
    PrivacyLedger,
    compose_delta,
    plan_stable_histogram,
)
from skdpsynth.privacy._stable_histogram import stable_histogram_release

ADJACENCIES = ["add_remove", "replace_one"]
PLAN = {"name": "levels", "noise": NoiseSource(0)}


def cell_law(count, plan, n_outcomes=40):
    """Probabilities of ⊥ and of every noisy count from the threshold on; the last takes the rest.

    A value that no row has is never released.
    """
    law = np.zeros(n_outcomes)
    if count == 0:
        law[0] = 1.0
        return law
    outcomes = plan.threshold + np.arange(n_outcomes - 1)
    law[1:] = stats.norm.sf(outcomes - 0.5, count, plan.noise_scale)
    law[1:-1] -= law[2:].copy()
    law[0] = stats.norm.cdf(plan.threshold - 0.5, count, plan.noise_scale)
    return law


def hockey_stick(first, second, epsilon, plan):
    """Divergence of order e^ε between the exact joint laws of all cells that differ."""
    differ = [(a, b) for a, b in zip(first, second, strict=True) if a != b]
    joint = [
        reduce(np.multiply.outer, [cell_law(pair[side], plan) for pair in differ]).ravel()
        for side in (0, 1)
    ]
    return float(np.maximum(joint[0] - math.exp(epsilon) * joint[1], 0).sum())


NEIGHBOURS = [
    # one histogram: counts of the values in either table
    ("add_remove", 1, (3, 0), (3, 1)),
    ("add_remove", 1, (3, 0), (4, 0)),
    ("add_remove", 1, (8,), (9,)),
    ("replace_one", 1, (5, 1, 0), (5, 0, 1)),
    ("replace_one", 1, (5, 1), (6, 0)),
    ("replace_one", 1, (8, 5), (7, 6)),
    # two: the values of the first, then those of the second
    ("add_remove", 2, (3, 0, 4, 0), (3, 1, 4, 1)),
    ("add_remove", 2, (3, 0, 4), (3, 1, 5)),
    ("replace_one", 2, (1, 0, 4, 6), (0, 1, 5, 5)),
]


@pytest.mark.parametrize(("adjacency", "n_histograms", "first", "second"), NEIGHBOURS)
@pytest.mark.parametrize(("mu", "failure"), [(0.8, 0.01), (0.5, 0.2), (3.0, 1e-4)])
def test_charge_covers_the_exact_divergence_of_neighbours(
    adjacency, n_histograms, first, second, mu, failure
):
    plan = plan_stable_histogram(n_histograms, mu=mu, failure=failure, adjacency=adjacency)
    events = [GaussianEvent(plan.mu), FailureEvent(plan.failure)]
    for epsilon in (0.0, 0.1, 0.5, 1.0, 2.0, 5.0):
        charged = compose_delta(events, epsilon, adjacency=adjacency)
        for one, other in ((first, second), (second, first)):
            assert hockey_stick(one, other, epsilon, plan) <= charged * (1 + 1e-9)


def test_charge_is_tight_where_a_row_brings_a_new_value():
    plan = plan_stable_histogram(2, mu=0.5, failure=1e-3, adjacency="add_remove")
    events = [GaussianEvent(plan.mu), FailureEvent(plan.failure)]
    exact = hockey_stick((1, 1), (0, 0), 50.0, plan)
    assert 0.999 < exact / compose_delta(events, 50.0) <= 1.0


def test_charge_of_the_failure_is_not_doubled_under_replace_one():
    plans = [plan_stable_histogram(3, mu=0.5, failure=1e-6, adjacency=a) for a in ADJACENCIES]
    assert plans[1].noise_scale == pytest.approx(math.sqrt(2) * plans[0].noise_scale, rel=1e-15)
    for plan in plans:
        single = stats.norm.sf((plan.threshold - 1.5) / plan.noise_scale)
        assert plan.failure == pytest.approx(3 * single, rel=1e-8)


@pytest.mark.parametrize("failure", [1e-12, 1e-7, 0.1, 0.5])
@pytest.mark.parametrize("mu", [1e-3, 0.3, 30.0])
@pytest.mark.parametrize("n_histograms", [1, 20])
def test_threshold_is_the_least_that_the_failure_allows(n_histograms, mu, failure):
    plan = plan_stable_histogram(n_histograms, mu=mu, failure=failure, adjacency="add_remove")
    assert plan.failure <= failure
    lower = n_histograms * stats.norm.sf((plan.threshold - 2.5) / plan.noise_scale)
    assert lower * (1 + 1e-8) > failure
    assert plan.threshold == int(plan.threshold) >= 2


def test_a_value_of_one_row_is_released_as_often_as_charged():
    plan = plan_stable_histogram(1, mu=0.4, failure=0.01, adjacency="add_remove")
    ledger, n = PrivacyLedger(5.0, 0.1), 200_000
    counts = np.ones(n, dtype=np.int64)
    (noisy,) = stable_histogram_release(
        [counts], plan, name="levels", ledger=ledger, noise=NoiseSource(1)
    )
    # five standard errors: false-alarm rate 6e-7
    released = np.count_nonzero(~np.isnan(noisy))
    assert abs(released - n * plan.failure) < 5 * math.sqrt(n * plan.failure)
    assert np.nanmin(noisy) == plan.threshold


def test_ledger_says_nothing_of_the_number_of_values():
    ledgers = []
    for n_values in (0, 1, 1000):
        ledger = PrivacyLedger(1.0, 1e-6, "replace_one")
        mu = ledger.calibrate_gaussian([FailureEvent(1e-7)])
        plan = plan_stable_histogram(2, mu=mu, failure=1e-7, adjacency="replace_one")
        histograms = [np.full(n_values, 7), [500]]
        released = stable_histogram_release(histograms, plan, ledger=ledger, **PLAN)
        assert [len(noisy) for noisy in released] == [n_values, 1]
        ledgers.append(ledger)
    assert ledgers[0] == ledgers[1] == ledgers[2]
    assert [entry.n_coordinates for entry in ledgers[0].entries] == [1, 4]
    assert 0.99 < ledgers[0].spent().epsilon <= 1.0


def test_a_refused_charge_draws_no_noise(monkeypatch):
    def refuse(*_):
        raise AssertionError("noise was drawn")

    monkeypatch.setattr(NoiseSource, "rounded_gaussian", refuse)
    ledger = PrivacyLedger(1.0, 1e-6)
    plan = plan_stable_histogram(1, mu=ledger.mu, failure=1e-7, adjacency="add_remove")
    with pytest.raises(BudgetExceededError, match="releasing 'levels'"):
        stable_histogram_release([[5]], plan, ledger=ledger, **PLAN)


def test_without_noise_every_value_is_released():
    ledger = PrivacyLedger(math.inf, 1e-6)
    plan = plan_stable_histogram(1, mu=math.inf, failure=1e-7, adjacency="add_remove")
    (counts,) = stable_histogram_release([[1, 5]], plan, ledger=ledger, **PLAN)
    assert counts.tolist() == [1.0, 5.0]
    assert not ledger.spent().is_private
    with pytest.raises(BudgetExceededError):
        stable_histogram_release([[1]], plan, ledger=PrivacyLedger(1.0, 1e-6), **PLAN)


@pytest.mark.parametrize("counts", [[[0, 3]], [[1.5]], [[-1]]])
def test_counts_that_are_none_are_refused_without_being_quoted(counts):
    plan = plan_stable_histogram(1, mu=0.2, failure=1e-7, adjacency="add_remove")
    with pytest.raises(ValueError, match="the counts of 'levels' must be integers of at least one"):
        stable_histogram_release(counts, plan, ledger=PrivacyLedger(1.0, 1e-6), **PLAN)


def test_bad_plans():
    plan = plan_stable_histogram(1, mu=0.2, failure=1e-7, adjacency="add_remove")
    with pytest.raises(ValueError, match="2 histograms were passed, 1 are planned"):
        stable_histogram_release([[1], [1]], plan, ledger=PrivacyLedger(1.0, 1e-6), **PLAN)
    with pytest.raises(ValueError, match="say nothing; use a larger epsilon"):
        plan_stable_histogram(1, mu=1e-10, failure=1e-7, adjacency="add_remove")
    with pytest.raises(ValueError, match=r"failure=0\.0"):
        plan_stable_histogram(1, mu=0.1, failure=0.0, adjacency="add_remove")
    with pytest.raises(ValueError, match="adjacency='swap'"):
        plan_stable_histogram(1, mu=0.1, failure=0.1, adjacency="swap")
