import math

import pytest
from dp_accounting import NeighboringRelation
from dp_accounting.pld import privacy_loss_distribution

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    AccountingError,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    calibrate_gaussian,
    calibrate_subsampled_gaussian,
    compose_delta,
    gdp_mu,
)


@pytest.mark.parametrize(
    ("epsilon", "delta", "rate", "steps"),
    [
        (1.0, 1e-6, 0.01, 200),
        (0.1, 1e-5, 0.05, 50),
        (10.0, 1e-6, 0.02, 100),
        (1.0, 1e-12, 0.01, 100),
        (0.001, 1e-6, 0.01, 5),
        (50.0, 1e-9, 0.1, 10),
    ],
)
def test_noise_multiplier_is_sufficient_and_hardly_more(epsilon, delta, rate, steps):
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, rate, steps)
    reference = privacy_loss_distribution.from_gaussian_mechanism(
        multiplier, sampling_prob=rate, value_discretization_interval=1e-4 * min(epsilon, 1.0)
    ).self_compose(steps)
    assert 0.985 * epsilon < reference.get_epsilon_for_delta(delta) < epsilon


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_noise_multiplier_beside_other_events(adjacency):
    others = (GaussianEvent(0.1), SelectionEvent(0.05))
    target = {"adjacency": adjacency, "other_events": others}
    multiplier = calibrate_subsampled_gaussian(1.0, 1e-5, 0.05, 40, **target)
    events = (*others, SubsampledGaussianEvent(0.05, multiplier, 40))
    assert compose_delta(events, 1.0, adjacency=adjacency) <= 1.001e-5
    alone = calibrate_subsampled_gaussian(1.0, 1e-5, 0.05, 40, adjacency=adjacency)
    assert alone < multiplier


@pytest.mark.parametrize(
    ("epsilon", "delta", "rate", "steps"),
    [(1.0, 1e-6, 0.01, 200), (0.1, 1e-5, 0.05, 50), (60.0, 1e-9, 0.1, 10)],
)
def test_replace_one_noise_is_sufficient_and_hardly_more(epsilon, delta, rate, steps):
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, rate, steps, adjacency="replace_one")
    reference = privacy_loss_distribution.from_gaussian_mechanism(
        multiplier,
        sampling_prob=rate,
        value_discretization_interval=1e-4 * min(epsilon, 1.0),
        neighboring_relation=NeighboringRelation.REPLACE_ONE,
    ).self_compose(steps)
    assert 0.985 * epsilon < reference.get_epsilon_for_delta(delta) < epsilon


@pytest.mark.parametrize(("adjacency", "factor"), [("add_remove", 1.0), ("replace_one", 2.0)])
def test_full_batches_are_exact(adjacency, factor):
    multiplier = calibrate_subsampled_gaussian(1.0, 1e-6, 1.0, 25, adjacency=adjacency)
    assert multiplier == pytest.approx(factor * 5.0 / gdp_mu(1.0, 1e-6), rel=1e-9)
    event = SubsampledGaussianEvent(1.0, multiplier, 25)
    assert compose_delta([event], 1.0, adjacency=adjacency) <= 1e-6


def test_gaussian_beside_selections_uses_up_delta():
    selections = [SelectionEvent(0.1)] * 3
    mu = calibrate_gaussian(1.0, 1e-6, other_events=selections)
    delta = compose_delta([GaussianEvent(mu), *selections], 1.0)
    assert 0.9999e-6 < delta <= 1e-6
    assert calibrate_gaussian(1.0, 1e-6) == gdp_mu(1.0, 1e-6)


def test_gaussian_beside_subsampled():
    others = [SubsampledGaussianEvent(0.02, 2.0, 50)]
    mu = calibrate_gaussian(1.0, 1e-6, other_events=others)
    assert 0.5 * gdp_mu(1.0, 1e-6) < mu < gdp_mu(1.0, 1e-6)


def test_non_private_baseline():
    assert calibrate_gaussian(math.inf, 1e-6) == math.inf
    assert calibrate_subsampled_gaussian(math.inf, 1e-6, 0.1, 10) == 0.0


def test_nothing_left():
    others = [GaussianEvent(1.0)]
    with pytest.raises(BudgetExceededError, match="the other releases already exceed epsilon=1"):
        calibrate_gaussian(1.0, 1e-6, other_events=others)
    with pytest.raises(BudgetExceededError, match="smaller share"):
        calibrate_subsampled_gaussian(1.0, 1e-6, 0.1, 10, other_events=others)


def test_all_of_it_used_by_others():
    others = [GaussianEvent(gdp_mu(1.0, 1e-6) * (1 - 1e-12))]
    with pytest.raises((AccountingError, BudgetExceededError)):
        calibrate_subsampled_gaussian(1.0, 1e-6, 0.1, 10, other_events=others)
