import copy
import math
import pickle
import random
from dataclasses import replace

import numpy as np
import pytest

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    FailureEvent,
    GaussianEvent,
    LedgerEntry,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    PrivacySpent,
    Purchase,
    SelectionEvent,
    SubsampledGaussianEvent,
    gdp_delta,
    gdp_mu,
)


@pytest.mark.parametrize("epsilon", [1e-3, 0.1, 1.0, 10.0, 50.0])
@pytest.mark.parametrize("delta", [1e-12, 1e-6, 0.5])
def test_mu_is_nearly_the_exact_one_and_never_more(epsilon, delta):
    ledger = PrivacyLedger(epsilon, delta)
    assert gdp_delta(epsilon, ledger.mu) < delta
    assert 0.999 * gdp_mu(epsilon, delta) < ledger.mu < gdp_mu(epsilon, delta)


@pytest.mark.parametrize("n_releases", [1, 3, 7, 1000])
def test_all_of_mu_can_be_spent(n_releases):
    ledger = PrivacyLedger(1.0, 1e-6)
    for index in range(n_releases):
        ledger.charge(GaussianEvent(ledger.mu * math.sqrt(1 / n_releases)), name=str(index))
    assert ledger.remaining_mu < 1e-6 * ledger.mu
    assert 0.9999 < ledger.spent().epsilon <= 1.0
    assert sum(ledger.shares()) == pytest.approx(1.0, rel=1e-12)


def test_more_by_a_hair_is_refused_and_changes_nothing():
    ledger = PrivacyLedger(1.0, 1e-6)
    refused = r"releasing 'x' would exceed .* mu would be .* Nothing was released$"
    with pytest.raises(BudgetExceededError, match=refused):
        ledger.charge(GaussianEvent(ledger.mu * (1 + 1e-8)), name="x")
    assert ledger == PrivacyLedger(1.0, 1e-6)
    ledger.charge(GaussianEvent(ledger.mu), name="x")
    before = copy.deepcopy(ledger)
    with pytest.raises(BudgetExceededError, match=r"those before it are spent$") as refusal:
        ledger.charge(GaussianEvent(1e-4), name="y")
    assert "Nothing was released" not in str(refusal.value)
    assert ledger == before


def test_mixed_events_share_the_budget():
    ledger = PrivacyLedger(1.0, 1e-6)
    mu = ledger.calibrate_gaussian(planned=[SelectionEvent(0.1)] * 3)
    assert mu < ledger.mu
    for index in range(3):
        ledger.charge(SelectionEvent(0.1), name=f"selection {index}")
    assert ledger.remaining_mu == mu
    for index in range(4):
        ledger.charge(GaussianEvent(mu / 2), name=f"marginal {index}")
    assert 0.999 < ledger.spent().epsilon <= 1.0
    with pytest.raises(BudgetExceededError, match="the composition of all releases"):
        ledger.charge(SelectionEvent(0.01), name="another")


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_subsampled_events_share_the_budget(adjacency):
    ledger = PrivacyLedger(1.0, 1e-5, adjacency)
    ledger.charge(GaussianEvent(0.1), name="count")
    multiplier = ledger.calibrate_subsampled_gaussian(0.05, 40)
    with pytest.raises(BudgetExceededError):
        ledger.charge(SubsampledGaussianEvent(0.05, multiplier * 0.95, 40), name="gradients")
    ledger.charge(SubsampledGaussianEvent(0.05, multiplier, 40), name="gradients")
    assert 0.95 < ledger.spent().epsilon <= 1.0
    assert "SubsampledGaussian(rate=0.05" in repr(ledger)


def test_failures_of_batches_have_a_reserve_of_their_own():
    ledger = PrivacyLedger(2.0, 1e-6)
    # fails with probability τ on either table: (1 + e^ε) τ of δ
    most = 1e-12 / (1 + math.exp(2.0))
    ledger.charge(GaussianEvent(0.1), name="a", failure=0.6 * most)
    with pytest.raises(BudgetExceededError, match="how rarely batches may fail when 'b'"):
        ledger.charge(GaussianEvent(0.1), name="b", failure=0.41 * most)
    assert [entry.name for entry in ledger.entries] == ["a"]
    ledger.charge(GaussianEvent(0.1), name="b", failure=0.39 * most)
    assert ledger.event_delta + (1 + math.exp(2.0)) * most <= 1e-6
    assert ledger.event_delta == pytest.approx(1e-6, rel=2e-6)


def test_what_earlier_versions_charged_for_their_sampler_still_counts():
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.charge(GaussianEvent(0.1), name="a")
    old = PrivacyLedger.from_state(ledger.state()._replace(sampler_loss=1e-5))
    assert old.spent().epsilon == pytest.approx(ledger.spent().epsilon + 2e-5, rel=1e-6)
    assert math.exp(1e-5) * old.event_delta <= 1e-6


@pytest.mark.parametrize("epsilon", [500.0, 1000.0])
def test_a_large_epsilon_has_little_noise(epsilon):
    ledger = PrivacyLedger(epsilon, 1e-6)
    desk = Mechanisms(ledger, NoiseSource(0))
    (value,) = desk.gaussian([1.0], sensitivity=1.0, mu=ledger.mu, name="x")
    assert abs(value - 1.0) < 6 / ledger.mu
    assert epsilon * 0.999 < ledger.spent().epsilon <= epsilon


def test_failures_are_reserved_before_the_noise_is_calibrated():
    ledger = PrivacyLedger(1.0, 1e-6)
    mu = ledger.calibrate_gaussian([FailureEvent(2e-7)])
    assert mu == pytest.approx(gdp_mu(1.0, ledger.event_delta - 2e-7), rel=1e-6)
    ledger.charge(FailureEvent(2e-7), name="threshold")
    assert ledger.remaining_mu == mu
    ledger.charge(GaussianEvent(mu), name="counts")
    assert 0.9999 < ledger.spent().epsilon <= 1.0
    with pytest.raises(BudgetExceededError, match="'another' would exceed"):
        ledger.charge(FailureEvent(1e-10), name="another")
    assert "Failure(delta=2e-07)" in repr(ledger)
    with pytest.raises(BudgetExceededError):
        PrivacyLedger(1.0, 1e-6).charge(FailureEvent(1e-6), name="all of delta")


def buy(epsilon, delta, adjacency="add_remove", **known):
    """Return a new purchase of bounds and levels."""
    return Purchase.of(PrivacySpent(epsilon, delta, adjacency, **known))


def test_a_bought_schema_is_noted():
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.mark_bought_schema(buy(0.5, 1e-7))
    spent = ledger.spent()
    assert spent.is_private
    assert spent.epsilon == 0.0
    assert "bought for epsilon=0.5, delta=1e-07 (add_remove), which comes on top" in repr(
        ledger.spent()
    )
    assert ledger != PrivacyLedger(1.0, 1e-6)
    ledger.mark_bought_schema(buy(math.inf, 1e-7))
    assert not ledger.spent().is_private
    assert "that purchase was not private" in repr(ledger.spent())


def test_several_purchases_are_added_up():
    ledger = PrivacyLedger(1.0, 1e-6)
    first = buy(0.5, 1e-7, secure_noise=False)
    second = buy(0.25, 2e-7, "replace_one")
    for purchase in (first, first, second):
        ledger.mark_bought_schema(purchase)
    # the later one does not make good what the first one gave away
    assert not ledger.spent().is_private
    price = "bought for epsilon=0.75, delta=3e-07 (add_remove and replace_one)"
    assert price in repr(ledger.spent())


@pytest.mark.parametrize(
    ("fit", "bought", "expected"),
    [
        ("add_remove", "add_remove", (0.5, 1e-7)),
        ("add_remove", "replace_one", (0.5, 1e-7)),
        ("replace_one", "replace_one", (0.5, 1e-7)),
        ("replace_one", "add_remove", (1.0, (1 + math.exp(0.5)) * 1e-7)),
    ],
)
def test_a_purchase_is_part_of_the_total(fit, bought, expected):
    ledger = PrivacyLedger(1.0, 1e-6, fit)
    ledger.charge(GaussianEvent(ledger.mu), name="counts")
    assert ledger.spent().total == (ledger.spent().epsilon, 1e-6)
    ledger.mark_bought_schema(buy(0.5, 1e-7, bought))
    spent = ledger.spent()
    assert spent.purchase == pytest.approx(expected)
    assert spent.total == pytest.approx((spent.epsilon + expected[0], 1e-6 + expected[1]))


def test_purchases_of_equal_budgets_are_two():
    ledger = PrivacyLedger(1.0, 1e-6)
    one, other = buy(0.5, 1e-7), buy(0.5, 1e-7)
    assert one != other
    for purchase in (one, other, pickle.loads(pickle.dumps(one)), copy.deepcopy(other)):
        ledger.mark_bought_schema(purchase)
    assert ledger.purchases == (one, other)
    assert ledger.spent().purchase == pytest.approx((1.0, 2e-7))


def test_each_purchase_has_a_price_of_its_own():
    """Under replace-one a purchase under add/remove is two of them, the other one is not."""
    ledger = PrivacyLedger(1.0, 1e-6, "replace_one")
    ledger.mark_bought_schema(buy(0.5, 1e-7))
    ledger.mark_bought_schema(buy(0.25, 1e-8, "replace_one"))
    expected = (2 * 0.5 + 0.25, (1 + math.exp(0.5)) * 1e-7 + 1e-8)
    assert ledger.spent().purchase == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"identity": "ab"}, ValueError),
        ({"identity": 7}, ValueError),
        ({"identity": "G" * 32}, ValueError),
        ({"epsilon": -0.1}, ValueError),
        ({"epsilon": "0.5"}, TypeError),
        ({"delta": 1.5}, ValueError),
        ({"adjacency": "both"}, ValueError),
        ({"secure_noise": "yes"}, TypeError),
    ],
)
def test_a_purchase_is_checked(change, error):
    with pytest.raises(error):
        replace(buy(0.5, 1e-7), **change)


def test_the_number_of_a_purchase_is_not_that_of_a_generator():
    """A seed that is set by whoever runs the fit would make purchases equal."""
    drawn = set()
    for _ in range(50):
        np.random.seed(0)  # noqa: NPY002
        random.seed(0)
        drawn.add(buy(0.5, 1e-7).identity)
    assert len(drawn) == 50


def test_spent_of_an_empty_ledger():
    spent = PrivacyLedger(1.0, 1e-6, "replace_one").spent()
    assert spent == PrivacySpent(epsilon=0.0, delta=1e-6, adjacency="replace_one")
    assert spent.is_private
    assert repr(spent) == "PrivacySpent(epsilon=0, delta=1e-06, adjacency='replace_one')"


def test_notes_say_what_is_not_private():
    baseline = PrivacyLedger(math.inf, 1e-6)
    assert baseline.mu == baseline.remaining_mu == math.inf
    assert baseline.calibrate_subsampled_gaussian(0.1, 10) == 0.0
    baseline.charge(GaussianEvent(math.inf), name="x")
    assert baseline.spent().epsilon == math.inf
    assert not baseline.spent().is_private
    assert "non-private baseline" in repr(baseline.spent())
    seeded = PrivacyLedger(1.0, 1e-6)
    seeded.mark_insecure_noise()
    assert not seeded.spent().is_private
    assert "random_state" in repr(seeded.spent())


def test_table_and_frame():
    ledger = PrivacyLedger(1.0, 1e-6)
    assert repr(ledger) == "PrivacyLedger(epsilon=1, delta=1e-06, adjacency='add_remove')"
    ledger.charge(
        GaussianEvent(ledger.mu), name="counts", sensitivity=1.0, noise_scale=4.2, n_coordinates=7
    )
    lines = repr(ledger).splitlines()
    assert lines[1].split() == ["release", "mechanism", "sensitivity", "noise", "sd", "share"]
    assert lines[2].split()[-3:] == ["1", "4.2", "100.0%"]
    assert len({len(line) for line in lines[1:]}) == 1
    frame = ledger.to_frame()
    assert frame.loc[0, "release"] == "counts"
    assert frame.loc[0, "n_coordinates"] == 7
    assert frame.loc[0, "share"] == pytest.approx(1.0)
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.charge(SelectionEvent(0.5), name="pair")
    assert ledger.to_frame()["share"].isna().all()
    assert "Selection(epsilon=0.5)" in repr(ledger)


def test_entries_are_immutable():
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.charge(SelectionEvent(0.5), name="pair")
    assert ledger.entries == (LedgerEntry("pair", SelectionEvent(0.5)),)
    with pytest.raises(AttributeError):
        ledger.entries[0].name = "other"


def test_pickle_and_equality():
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.charge(GaussianEvent(0.1), name="x")
    restored = pickle.loads(pickle.dumps(ledger))
    assert restored == ledger
    ledger.spent()
    assert restored == ledger
    restored.charge(GaussianEvent(0.1), name="y")
    assert restored != ledger
    assert ledger != PrivacyLedger(1.0, 1e-6)
    assert ledger != "ledger"


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ((0.0, 1e-6), ValueError, r"epsilon=0.0 is outside the allowed range \(0, inf\]"),
        ((-1.0, 1e-6), ValueError, "epsilon=-1.0"),
        ((math.nan, 1e-6), ValueError, "epsilon=nan"),
        (("1", 1e-6), TypeError, "epsilon must be a real number, got str"),
        ((1.0, 0.0), ValueError, r"delta=0.0 is outside the allowed range \(0, 1\)"),
        ((1.0, 1.0), ValueError, "delta=1.0"),
        ((1.0, None), TypeError, "delta must be a real number, got NoneType"),
        ((1.0, 1e-6, "swap"), ValueError, "adjacency='swap'"),
    ],
)
def test_bad_requests(arguments, error, match):
    with pytest.raises(error, match=match):
        PrivacyLedger(*arguments)


def test_a_claim_without_proof_is_no_guarantee():
    ledger = PrivacyLedger(1.0, 1e-6)
    ledger.charge(GaussianEvent(ledger.mu), name="centroids")
    guarantee = ledger.spent()
    assert guarantee.is_private
    assert guarantee.claim is None
    ledger.mark_unproven("Doe (2020)")
    spent = ledger.spent()
    assert not spent.is_private
    assert spent.claim == "Doe (2020)"
    assert spent.epsilon == guarantee.epsilon
    note = "not private: epsilon and delta are the claim of Doe (2020), not a guarantee"
    for text in (repr(spent), str(spent), repr(ledger)):
        assert note in text
    assert pickle.loads(pickle.dumps(spent)) == spent


def test_the_claim_is_part_of_what_a_ledger_is():
    marked, plain = PrivacyLedger(1.0, 1e-6), PrivacyLedger(1.0, 1e-6)
    marked.mark_unproven("Doe (2020)")
    assert marked != plain
    assert pickle.loads(pickle.dumps(marked)) == marked
