import math
from itertools import product

import numpy as np
import pytest
from dp_accounting import NeighboringRelation
from dp_accounting.pld import common, privacy_loss_distribution
from scipy.optimize import brentq
from scipy.special import ndtr

from skdpsynth.privacy import (
    AccountingError,
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    compose_delta,
    compose_epsilon,
    gdp_delta,
    gdp_epsilon,
)
from skdpsynth.privacy._accountant import _composed_loss
from skdpsynth.privacy._accountant._closed_forms import selection_loss, summarise
from skdpsynth.privacy._accountant._composition import is_within
from skdpsynth.privacy._accountant._curves import gdp_delta_curve

SUBSAMPLED = SubsampledGaussianEvent(sampling_rate=0.05, noise_multiplier=1.5, steps=60)


def reference_loss(events, interval=1e-4, adjacency="add_remove"):
    """dp-accounting's pessimistic loss distribution of the composition."""
    total = None
    relation = {
        "add_remove": NeighboringRelation.ADD_OR_REMOVE_ONE,
        "replace_one": NeighboringRelation.REPLACE_ONE,
    }[adjacency]
    for event in events:
        if isinstance(event, GaussianEvent):
            loss = privacy_loss_distribution.from_gaussian_mechanism(
                1 / event.mu, value_discretization_interval=interval
            )
        elif isinstance(event, SelectionEvent):
            loss = privacy_loss_distribution.from_privacy_parameters(
                common.DifferentialPrivacyParameters(event.epsilon, 0.0),
                value_discretization_interval=interval,
            )
        else:
            loss = privacy_loss_distribution.from_gaussian_mechanism(
                event.noise_multiplier,
                sampling_prob=event.sampling_rate,
                value_discretization_interval=interval,
                neighboring_relation=relation,
            ).self_compose(event.steps)
        total = loss if total is None else total.compose(loss)
    return total


def brute_force_delta(mu, selections, epsilon):
    """Sum over every outcome of every randomised response."""
    total = 0.0
    for signs in product([1, -1], repeat=len(selections)):
        probability, shifted = 1.0, epsilon
        for sign, loss in zip(signs, selections, strict=True):
            probability /= 1 + math.exp(-sign * loss)
            shifted -= sign * loss
        hinge = max(-math.expm1(shifted), 0.0)
        total += probability * (float(gdp_delta_curve(shifted, mu)) if mu else hinge)
    return total


def test_gaussian_events_add_their_squares():
    events = [GaussianEvent(0.3), GaussianEvent(0.4), GaussianEvent(1.2)]
    assert summarise(events, "add_remove").mu == pytest.approx(1.3, rel=1e-15)
    assert compose_delta(events, 2.0) == pytest.approx(gdp_delta(2.0, 1.3), rel=1e-9)
    assert compose_epsilon(events, 1e-6) == pytest.approx(gdp_epsilon(1.3, 1e-6), rel=1e-9)
    assert compose_delta([], 1.0) == compose_epsilon([], 1e-6) == 0.0


@pytest.mark.parametrize("mu", [0.0, 0.2, 1.5])
@pytest.mark.parametrize("selections", [(), (0.3,), (0.3, 0.3, 0.3), (0.1, 0.5, 0.5, 2.0)])
@pytest.mark.parametrize("epsilon", [0.0, 0.7, 3.0])
def test_selections_against_every_outcome(mu, selections, epsilon):
    events = [GaussianEvent(mu), *map(SelectionEvent, selections)]
    expected = brute_force_delta(mu, selections, epsilon)
    for adjacency in ("add_remove", "replace_one"):
        got = compose_delta(events, epsilon, adjacency=adjacency)
        assert got == pytest.approx(expected, rel=1e-9, abs=1e-15)
        assert got >= expected * (1 - 1e-12)


def test_pure_events_reach_delta_zero_at_their_sum():
    events = [SelectionEvent(0.25)] * 4
    assert compose_delta(events, 1.0) == 0.0
    assert compose_epsilon(events, 1e-12) == pytest.approx(1.0, rel=1e-9)
    assert compose_epsilon(events, 0.05) < 0.9


def test_many_different_selections_are_merged_upwards():
    rng = np.random.default_rng(0)
    losses = rng.uniform(0.01, 0.1, 40)
    values, probabilities = selection_loss(tuple((float(loss), 1) for loss in losses))
    assert values.size <= 2**13
    assert probabilities.sum() == pytest.approx(1.0, rel=1e-12)
    # the mean loss Σ ε·tanh(ε/2) is only rounded up, by at most a grid step per event
    mean = float(values @ probabilities)
    exact = float(np.sum(losses * np.tanh(losses / 2)))
    assert exact <= mean < exact * 1.1


def test_events_without_noise():
    for event in (GaussianEvent(math.inf), SelectionEvent(math.inf)):
        assert compose_delta([event, SUBSAMPLED], 1.0) == 1.0
        assert compose_epsilon([event], 1e-6) == math.inf
    assert compose_delta([SubsampledGaussianEvent(0.1, math.inf, 5)], 0.5) == 0.0
    with pytest.raises(TypeError, match="not a privacy event"):
        compose_delta([0.5], 1.0)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize(
    "others",
    [(), (GaussianEvent(0.15),), (GaussianEvent(0.15), SelectionEvent(0.1), SelectionEvent(0.2))],
    ids=["alone", "gaussian", "mixed"],
)
def test_subsampled_agrees_with_the_privacy_loss_distribution(others, adjacency):
    events = [SUBSAMPLED, *others]
    reference = reference_loss(events, adjacency=adjacency)
    for epsilon in (0.8, 2.0):
        exact = reference.get_delta_for_epsilon(epsilon)
        bound = compose_delta(events, epsilon, adjacency=adjacency)
        assert bound > exact * (1 - 1e-3)
        # the bound is that of an ε smaller by at most 1 %
        assert bound <= reference.get_delta_for_epsilon(0.99 * epsilon) * (1 + 1e-3)
    exact = reference.get_epsilon_for_delta(1e-5)
    bound = compose_epsilon(events, 1e-5, adjacency=adjacency)
    assert exact * (1 - 1e-4) < bound < exact * 1.0125


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_different_subsampled_events_and_their_order(adjacency):
    first = SubsampledGaussianEvent(0.05, 1.5, 20)
    second = SubsampledGaussianEvent(0.02, 1.0, 30)
    epsilon = compose_epsilon([first, second, first], 1e-5, adjacency=adjacency)
    assert epsilon == compose_epsilon([second, first, first], 1e-5, adjacency=adjacency)
    reference = reference_loss([first, second, first], adjacency=adjacency)
    exact = reference.get_epsilon_for_delta(1e-5)
    assert exact * (1 - 1e-4) < epsilon < exact * 1.0125


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("multiplier", [0.3, 1.0, 8.0])
@pytest.mark.parametrize("rate", [0.01, 0.2, 0.97])
def test_subsampling_rates_and_noise(rate, multiplier, adjacency):
    event = SubsampledGaussianEvent(rate, multiplier, 4)
    epsilon = compose_epsilon([event], 1e-6, adjacency=adjacency)
    reference = reference_loss([event], 1e-4 * max(epsilon, 1e-2), adjacency)
    exact = reference.get_epsilon_for_delta(1e-6)
    assert exact * (1 - 1e-3) < epsilon < exact * 1.0125 + 1e-6


def test_full_batches_are_gaussian():
    event = SubsampledGaussianEvent(1.0, 2.0, 9)
    assert compose_epsilon([event], 1e-6) == pytest.approx(gdp_epsilon(1.5, 1e-6), rel=1e-9)
    # replacing a row moves a full-batch sum by twice the clipping norm
    replaced = compose_epsilon([event], 1e-6, adjacency="replace_one")
    assert replaced == pytest.approx(gdp_epsilon(3.0, 1e-6), rel=1e-9)


@pytest.mark.parametrize(("epsilon", "share"), [(0.5, 0.7), (1.0, 0.4), (3.0, 1e-3)])
def test_replace_one_is_below_two_add_remove_steps(epsilon, share):
    two_steps = compose_delta([SUBSAMPLED], epsilon / 2) * (1 + math.exp(epsilon / 2))
    replaced = compose_delta([SUBSAMPLED], epsilon, adjacency="replace_one")
    assert compose_delta([SUBSAMPLED], epsilon) < replaced < share * two_steps


def test_replace_one_with_large_losses():
    event = SubsampledGaussianEvent(0.5, 1.0, 100)
    exact = reference_loss([event], 1e-3, "replace_one").get_epsilon_for_delta(1e-5)
    bound = compose_epsilon([event], 1e-5, adjacency="replace_one")
    assert 78 < exact * (1 - 1e-4) < bound < exact * 1.0125


@pytest.mark.parametrize("other", [GaussianEvent(0.3), SelectionEvent(0.3)])
def test_replace_one_mixtures_lie_between_their_parts_and_basic_composition(other):
    delta = 1e-5
    mixed = compose_epsilon([SUBSAMPLED, other], delta, adjacency="replace_one")
    alone = compose_epsilon([SUBSAMPLED], delta, adjacency="replace_one")
    basic = compose_epsilon([SUBSAMPLED], delta / 2, adjacency="replace_one")
    basic += compose_epsilon([other], delta / 2)
    assert alone < mixed < basic


@pytest.mark.parametrize("rate", [0.01, 0.3, 0.95])
@pytest.mark.parametrize("multiplier", [0.5, 1.2, 6.0])
@pytest.mark.parametrize("mu", [0.0, 0.4])
def test_replace_one_bound_is_tight_for_the_worst_pair(rate, multiplier, mu):
    """One step: a row at +C replaced by one at −C, in units of the noise."""
    shift = 1 / multiplier
    grid = np.linspace(-12.0, 12.0 + shift, 120_001)

    def density(center):
        normal = np.exp(-((grid - center) ** 2) / 2) / math.sqrt(2 * math.pi)
        return (1 - rate) * np.exp(-(grid**2) / 2) / math.sqrt(2 * math.pi) + rate * normal

    first, second = density(shift), density(-shift)
    losses, width = np.log(first / second), grid[1] - grid[0]

    def exact(epsilon):
        if mu == 0:
            return float(np.maximum(first - math.exp(epsilon) * second, 0.0).sum() * width)
        return float(np.sum(first * gdp_delta_curve(epsilon - losses, mu)) * width)

    events = [SubsampledGaussianEvent(rate, multiplier, 1), GaussianEvent(mu)]
    for delta in (1e-2 * rate, 1e-5 * rate):
        epsilon = float(brentq(lambda eps, delta=delta: exact(eps) - delta, 0.0, 20.0))
        bound = compose_delta(events, epsilon, adjacency="replace_one")
        assert delta * (1 - 1e-4) < bound < exact(0.99 * epsilon) * (1 + 1e-4) + 1e-11


@pytest.mark.parametrize("seed", range(20))
def test_replace_one_pairs_of_any_two_rows_are_below_the_worst(seed):
    """Rows anywhere in the disk of radius C, any order of the divergence: the proof, tried."""
    rng = np.random.default_rng(seed)
    rate, shift = rng.choice([0.01, 0.3, 0.9]), rng.choice([0.2, 1.0, 2.0])
    axis = np.linspace(-8.5, 8.5, 801)
    x, y = np.meshgrid(axis, axis)

    def mixture(row):
        own = np.exp(-((x - row[0]) ** 2 + (y - row[1]) ** 2) / 2)
        return ((1 - rate) * np.exp(-(x**2 + y**2) / 2) + rate * own) / (2 * math.pi)

    angles, radii = rng.uniform(0, 2 * math.pi, 2), rng.choice([1.0, rng.uniform()], 2)
    rows = (shift * radii * np.array([np.cos(angles), np.sin(angles)])).T
    first, second = mixture(rows[0]), mixture(rows[1])
    for order in np.exp(rng.uniform(-4.0, 4.0, 3) * rate * shift):
        found = np.maximum(first - order * second, 0.0).sum() * (axis[1] - axis[0]) ** 2
        cut = np.linspace(-10.0, 10.0, 20_001)
        upper = (1 - rate) * ndtr(-cut) + rate * ndtr(shift - cut)
        lower = (1 - rate) * ndtr(-cut) + rate * ndtr(-shift - cut)
        assert found < np.max(upper - order * lower) + 1e-5


def test_within_is_what_the_bound_says():
    epsilon = compose_epsilon([SUBSAMPLED], 1e-5)
    assert is_within([SUBSAMPLED], epsilon * 1.02, 1e-5, "add_remove")
    assert not is_within([SUBSAMPLED], epsilon * 0.98, 1e-5, "add_remove")


def test_too_fine_a_grid_is_refused_with_a_way_out():
    event = SubsampledGaussianEvent(0.01, 1.0, 10_000_000)
    with pytest.raises(AccountingError, match=r"10000000 steps with sampling_rate=0.01.*fewer"):
        compose_delta([event], 0.1)


def test_tiny_losses_fall_back_to_a_valid_bound(monkeypatch):
    monkeypatch.setattr(_composed_loss, "MAX_GRID", 2**14)
    event = SubsampledGaussianEvent(1e-3, 5.0, 10)
    exact = reference_loss([event], interval=1e-6).get_epsilon_for_delta(1e-6)
    assert exact < compose_epsilon([event], 1e-6) < 0.1


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: compose_delta([SUBSAMPLED], 0.0), "epsilon must be positive"),
        (lambda: compose_delta([], -1.0), "epsilon=-1.0"),
        (lambda: compose_epsilon([], 0.0), "delta=0.0"),
        (lambda: compose_delta([], 1.0, adjacency="both"), "adjacency='both'"),
    ],
)
def test_bad_arguments(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def hockey_stick(first, second, epsilon):
    return float(np.maximum(first - math.exp(epsilon) * second, 0).sum())


@pytest.mark.parametrize("failures", [[0.01], [0.001, 0.02], [1e-7] * 3])
@pytest.mark.parametrize("selections", [[], [0.5], [0.2, 0.9]])
def test_failures_agree_with_a_sum_over_all_outcomes(failures, selections):
    """Outcomes: the name of either table or nothing, times either answer of every selection."""
    first, second = np.ones(1), np.ones(1)
    for failure in failures:
        first = np.multiply.outer(first, [failure, 1 - failure, 0.0]).ravel()
        second = np.multiply.outer(second, [0.0, 1 - failure, failure]).ravel()
    for loss in selections:
        law = np.exp([loss, 0.0]) / (1 + math.exp(loss))
        first = np.multiply.outer(first, law).ravel()
        second = np.multiply.outer(second, law[::-1]).ravel()
    events = [*map(FailureEvent, failures), *map(SelectionEvent, selections)]
    rest = [SelectionEvent(loss) for loss in selections]
    for epsilon in (0.0, 0.3, 1.0, 2.0):
        bound = compose_delta(events, epsilon)
        exact = hockey_stick(first, second, epsilon)
        assert exact <= bound * (1 + 1e-9)
        # what the sum gives away are products of probabilities
        delta = compose_delta(rest, epsilon)
        assert bound - exact <= sum(failures) * (delta + sum(failures)) + 1e-9 * bound


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize(
    "others",
    [[], [GaussianEvent(0.5)], [GaussianEvent(0.2), SelectionEvent(0.1)], [SUBSAMPLED]],
)
def test_failures_add_to_delta(others, adjacency):
    failures = [FailureEvent(2e-6), FailureEvent(0.0), FailureEvent(1e-6)]
    alone = compose_delta(others, 1.0, adjacency=adjacency)
    together = compose_delta([*failures, *others], 1.0, adjacency=adjacency)
    assert together == pytest.approx(alone + 3e-6, rel=1e-12)
    budget = together - 3e-6
    without = compose_epsilon(others, budget, adjacency=adjacency) if budget > 0 else 0.0
    epsilon = compose_epsilon([*failures, *others], together, adjacency=adjacency)
    assert epsilon == pytest.approx(without, rel=1e-3)


def test_failures_agree_with_dp_accounting():
    parameters = common.DifferentialPrivacyParameters(0.0, 1e-5)
    loss = privacy_loss_distribution.from_privacy_parameters(parameters).compose(
        reference_loss([GaussianEvent(0.3)])
    )
    reference = loss.get_delta_for_epsilon(1.0)
    ours = compose_delta([FailureEvent(1e-5), GaussianEvent(0.3)], 1.0)
    assert ours == pytest.approx(reference, rel=1e-3)


def test_a_failure_as_probable_as_delta_leaves_no_epsilon():
    assert compose_epsilon([FailureEvent(1e-5), SUBSAMPLED], 1e-6) == math.inf
    assert compose_epsilon([FailureEvent(1e-6)], 1e-6) == 0.0
    assert compose_delta([FailureEvent(1e-6)], math.inf) == 1e-6
    assert compose_delta([FailureEvent(0.7), FailureEvent(0.7)], 1.0) == 1.0
    assert compose_epsilon([FailureEvent(1.0)], 0.5) == math.inf
