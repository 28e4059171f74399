import math
import sys

import dp_accounting
import pytest
from dp_accounting.rdp import RdpAccountant

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    AccountingError,
    GaussianEvent,
    PrivacyLedger,
    SelectionEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
    calibrate_without_replacement,
    compose_delta,
    compose_epsilon,
    gdp_mu,
)
from skdpsynth.privacy._accountant import _without_replacement as module

EVENT = WithoutReplacementGaussianEvent(1000, 50, 3.0, 40)


def reference(event, *others):
    """The same composition in the terms of dp-accounting."""
    accountant = RdpAccountant(neighboring_relation=dp_accounting.NeighboringRelation.REPLACE_ONE)
    gaussian = dp_accounting.GaussianDpEvent(event.noise_multiplier / 2)
    batch = dp_accounting.SampledWithoutReplacementDpEvent(event.n_rows, event.batch_size, gaussian)
    accountant.compose(dp_accounting.SelfComposedDpEvent(batch, event.steps))
    for other in others:
        accountant.compose(other)
    return accountant


def test_composition_is_that_of_dp_accounting():
    others = (dp_accounting.GaussianDpEvent(1 / 0.1), dp_accounting.ZCDpEvent(0.2**2 / 2))
    events = [EVENT, GaussianEvent(0.06), GaussianEvent(0.08), SelectionEvent(0.2)]
    expected = reference(EVENT, *others)
    found = compose_delta(events, 1.0, adjacency="replace_one")
    assert found == pytest.approx(expected.get_delta(1.0), rel=1e-9)
    epsilon = compose_epsilon(events, 1e-6, adjacency="replace_one")
    assert epsilon == pytest.approx(expected.get_epsilon(1e-6), rel=1e-6)


def test_steps_of_equal_batches_add_up():
    half = WithoutReplacementGaussianEvent(1000, 50, 3.0, 20)
    found = compose_delta([half, half], 1.0, adjacency="replace_one")
    assert found == compose_delta([EVENT], 1.0, adjacency="replace_one")


@pytest.mark.parametrize(
    ("epsilon", "delta", "n_rows", "batch_size", "steps"),
    [(1.0, 1e-6, 32_000, 320, 1000), (0.1, 1e-5, 500, 25, 50), (8.0, 1e-6, 1000, 100, 100)],
)
def test_noise_multiplier_is_sufficient_and_hardly_more(epsilon, delta, n_rows, batch_size, steps):
    multiplier = calibrate_without_replacement(
        epsilon, delta, n_rows, batch_size, steps, other_events=[GaussianEvent(0.02 * epsilon)]
    )
    event = WithoutReplacementGaussianEvent(n_rows, batch_size, multiplier, steps)
    accountant = reference(event, dp_accounting.GaussianDpEvent(1 / (0.02 * epsilon)))
    assert accountant.get_delta(epsilon) <= delta
    assert 0.99 * epsilon < accountant.get_epsilon(delta) <= epsilon


def test_full_batches_are_exact():
    multiplier = calibrate_without_replacement(1.0, 1e-6, 70, 70, 25)
    assert multiplier == pytest.approx(2.0 * 5.0 / gdp_mu(1.0, 1e-6), rel=1e-9)
    event = WithoutReplacementGaussianEvent(70, 70, multiplier, 25)
    assert compose_delta([event], 1.0, adjacency="replace_one") <= 1e-6


def test_ledger_accepts_what_was_calibrated_and_no_more():
    ledger = PrivacyLedger(1.0, 1e-6, "replace_one")
    ledger.charge(GaussianEvent(0.05), name="profile")
    multiplier = calibrate_without_replacement(
        ledger.epsilon, ledger.event_delta, 1000, 50, 40, other_events=ledger.events
    )
    with pytest.raises(BudgetExceededError, match="'gradients' would exceed epsilon=1"):
        ledger.charge(
            WithoutReplacementGaussianEvent(1000, 50, 0.98 * multiplier, 40), name="gradients"
        )
    ledger.charge(WithoutReplacementGaussianEvent(1000, 50, multiplier, 40), name="gradients")
    assert 0.99 < ledger.spent().epsilon <= 1.0
    assert any("d3p" in note and "not audited" in note for note in ledger.spent().notes)
    assert "WithoutReplacementGaussian(batch_size=50 of 1000, noise_mult" in repr(ledger)


def test_adding_a_row_is_not_accounted_for():
    with pytest.raises(ValueError, match="adjacency='replace_one' only"):
        compose_delta([EVENT], 1.0)


def test_two_kinds_of_batches_are_not_accounted_for_together():
    with pytest.raises(AccountingError, match="one kind of batch in a fit"):
        compose_delta([EVENT, SubsampledGaussianEvent(0.1, 2.0, 5)], 1.0, adjacency="replace_one")


def test_noise_of_none_and_of_infinite_size():
    silent = WithoutReplacementGaussianEvent(1000, 50, math.inf, 40)
    assert compose_delta([silent], 1.0, adjacency="replace_one") == 0.0
    public = WithoutReplacementGaussianEvent(1000, 50, 0.0, 40)
    assert compose_delta([public], 1.0, adjacency="replace_one") == 1.0
    assert calibrate_without_replacement(math.inf, 1e-6, 1000, 50, 40) == 0.0


def test_nothing_left():
    with pytest.raises(BudgetExceededError, match="smaller share"):
        calibrate_without_replacement(1.0, 1e-6, 1000, 50, 40, other_events=[GaussianEvent(1.0)])


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((10, 11, 1.0, 5), ValueError, "batch_size=11 must be at most n_rows=10"),
        ((10, 0, 1.0, 5), ValueError, "batch_size=0 must be at least 1"),
        ((10.0, 5, 1.0, 5), TypeError, "n_rows must be an integer, got float"),
        ((10, 5, -1.0, 5), ValueError, "noise_multiplier=-1.0"),
        ((10, 5, 1.0, 0), ValueError, "steps=0 must be at least 1"),
    ],
)
def test_event_refuses_bad_numbers(arguments, error, match):
    with pytest.raises(error, match=match):
        WithoutReplacementGaussianEvent(*arguments)


def test_missing_dp_accounting_says_how_to_get_it(monkeypatch):
    module._accountant.cache_clear()
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[d3p\]"'):
        compose_delta([EVENT], 1.0, adjacency="replace_one")
