"""The audit of all releases: its arithmetic, its fast part, and the faults that it must catch."""

import math

import numpy as np
import pytest
from scipy import stats

from skdpsynth import Continuous, PrivacyLeakWarning, TableSchema
from skdpsynth.clustmix._published._madl2022 import Madl2022Plan, box_columns
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan
from skdpsynth.privacy import NoiseSource, PrivacyLedger
from skdpsynth.schema import Table

from .audit import faults
from .audit.attacks import attack_gaussian, distances, ledger_of_mu, trained_guesses
from .audit.bounds import (
    FAILURE,
    Guesses,
    clopper_pearson,
    delta_bound,
    epsilon_bound,
    least_detected_mu,
    mu_bound,
)
from .audit.cases import (
    LEAST_RATIO,
    N_TRIALS,
    SYNTHESIZERS,
    GaussianCase,
    all_cases,
    audit_case,
    choose_trials,
    expected_mu,
    record_case,
)
from .audit.checks import check_noise, largest_correlation, residuals
from .audit.kernel import GradientKernel
from .audit.mechanisms import MECHANISMS
from .audit.pairs import ADJACENCIES, neighbours
from .audit.tape import PublicDifference, charged_mu, record_pair

# what a fault multiplies μ by is at least √2: these trials show it, but once in 10⁶ audits
N_FAST = 8000

CASES = all_cases()
FAST_RECORDS = ("corner of the domain", "missing values", "only record of its class")


# Arithmetic


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.97])
def test_clopper_pearson_covers(rate):
    n_trials, failure = 60, 0.01
    bounds = np.array([clopper_pearson(k, n_trials, failure) for k in range(n_trials + 1)])
    weights = stats.binom.pmf(np.arange(n_trials + 1), n_trials, rate)
    assert weights[bounds[:, 0] > rate].sum() <= failure
    assert weights[bounds[:, 1] < rate].sum() <= failure
    assert clopper_pearson(0, n_trials, failure)[0] == 0.0
    assert clopper_pearson(n_trials, n_trials, failure)[1] == 1.0


def test_bounds_approach_the_truth_from_below():
    rates = stats.norm.cdf([0.5, -0.5])
    found = [mu_bound(Guesses(int(n * rates[0]), int(n * rates[1]), n)) for n in (10**4, 10**6)]
    assert found[0] < found[1] < 1.0
    assert found[1] > 0.98
    # randomised response with ε = 2 beside a failure of 0.01
    n, wrong = 10**7, 0.99 / (1 + math.exp(2.0))
    guesses = Guesses(int(n * (0.01 + wrong * math.exp(2.0))), int(n * wrong), n)
    assert 1.97 < epsilon_bound(guesses, 0.01) < 2.0
    assert 0.005 < delta_bound(guesses, 2.0) < 0.01
    assert epsilon_bound(Guesses(5, 5, 1000), 0.01) == -math.inf


def test_the_audit_has_the_power_that_it_claims():
    """A tight release of μ = 1 shows 0.9 of it, but once in 10⁶ audits."""
    assert least_detected_mu(1.0, N_TRIALS[0]) >= LEAST_RATIO
    assert least_detected_mu(math.sqrt(2.0), N_FAST) > 1.0
    # by its exact law: the miss rate is what it should be, and not far below
    n = 2000
    least = least_detected_mu(1.0, n, failure=0.1)
    right, wrong = np.arange(n + 1), np.arange(n + 1)
    weight_right = stats.binom.pmf(right, n, stats.norm.cdf(0.5))
    weight_wrong = stats.binom.pmf(wrong, n, stats.norm.cdf(-0.5))
    low = stats.norm.ppf(stats.beta.ppf(FAILURE / 2, np.maximum(right, 0.5), n - right + 1))
    high = stats.norm.ppf(stats.beta.isf(FAILURE / 2, wrong + 1, np.maximum(n - wrong, 0.5)))
    shown = low[:, None] - high[None, :]
    missed = (np.outer(weight_right, weight_wrong) * (shown < least)).sum()
    assert 0.001 < missed < 0.1


# Synthesizers


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.record in FAST_RECORDS],
    ids=lambda case: ", ".join(case),
)
def test_releases_are_as_far_apart_as_charged_and_no_further(case):
    """By the exact statistics of both tables, earlier outputs fixed; the noise is audited below."""
    pairs, ledger, charged = record_case(case)
    assert charged <= ledger.mu
    assert (distances(pairs) <= 1 + 1e-9).all()
    assert expected_mu(pairs) <= charged * (1 + 1e-9)
    for release, _ in pairs:
        assert release.ledger is ledger
    if case.is_tight:
        assert expected_mu(pairs) > 0.95 * charged
        assert least_detected_mu(expected_mu(pairs), choose_trials(expected_mu(pairs), charged)) > (
            LEAST_RATIO * charged
        )


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_noise_and_statistics_together_in_one_game(adjacency):
    case = GaussianCase("napsu, given queries", "corner of the domain", adjacency)
    measured = audit_case(case, NoiseSource(0))
    assert not measured.is_violated
    assert not measured.is_blind


# Mechanisms


@pytest.mark.parametrize(
    "name", ["gaussian signed 1.0 replace_one", "stable_levels add_remove", "distances replace_one"]
)
def test_fast_mechanisms(name):
    measured = MECHANISMS[name](NoiseSource(1))
    assert not measured.is_violated
    assert not measured.is_blind


@pytest.mark.slow
@pytest.mark.parametrize("name", MECHANISMS)
def test_mechanisms(name):
    measured = MECHANISMS[name](NoiseSource())
    assert not measured.is_violated, measured
    assert not measured.is_blind, measured


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: ", ".join(case))
def test_synthesizers(case):
    measured = audit_case(case, NoiseSource())
    assert not measured.is_violated, measured
    assert not measured.is_blind, measured


# Planted faults: each is caught, and only where it is planted


def shown(synthesizer, record="corner of the domain", adjacency="add_remove", fault=None):
    return audit_case(GaussianCase(synthesizer, record, adjacency), NoiseSource(2), N_FAST, fault)


@pytest.mark.parametrize("synthesizer", ["mixture, moments", "napsu, star", "clustmix, blocks"])
def test_noise_for_half_the_sensitivity_is_caught(synthesizer):
    assert not shown(synthesizer).is_violated
    measured = shown(synthesizer, fault=faults.HalfTheSensitivity)
    assert measured.is_violated
    assert 1.6 < measured.ratio < 2.0


@pytest.mark.parametrize("synthesizer", ["mixture, moments", "napsu, star", "clustmix, blocks"])
def test_replacing_accounted_for_as_removing_is_caught(synthesizer):
    fault = faults.ReplacedAsRemoved
    assert not shown(synthesizer, fault=fault).is_violated
    measured = shown(synthesizer, adjacency="replace_one", fault=fault)
    assert measured.is_violated
    assert 1.1 < measured.ratio < math.sqrt(2)


def test_a_budget_spent_twice_is_caught():
    assert not shown("napsu, auto", "duplicate of many rows").is_violated
    fault = faults.SelectionForFree
    measured = shown("napsu, auto", "duplicate of many rows", fault=fault)
    case = GaussianCase("napsu, auto", "duplicate of many rows", "add_remove")
    pairs, ledger, _ = record_case(case, fault)
    assert measured.is_violated
    # and without any noise: a release that the ledger of the fit has not seen
    assert not all(release.ledger is ledger for release, _ in pairs)


def game(run, tables, adjacency="add_remove"):
    """Return the μ shown between two tables whose releases are charged for μ = 1."""
    pairs, ledger = record_pair(run, tables, lambda: ledger_of_mu(1.0, adjacency))
    assert charged_mu(ledger) <= 1.0 + 1e-9
    return mu_bound(attack_gaussian(pairs, N_FAST, NoiseSource(3)))


def test_bounds_from_the_data_are_caught():
    """The row that sets a maximum moves the cells of all others."""
    tables = [codes.copy() for codes in neighbours("corner of the domain", "add_remove")]
    for codes in tables:
        codes[:360, 1] *= 0.5
    run = SYNTHESIZERS["mixture, moments"].release
    assert game(run, tables) <= 1.0
    with faults.bounds_from_the_data():
        assert game(run, tables) > 2.0


def test_an_exact_row_count_is_caught():
    case = GaussianCase("mixture, moments", "corner of the domain", "add_remove")
    with pytest.raises(PublicDifference):
        record_case(case, faults.ExactRowCount)
    # where it is public it may be kept
    record_case(case._replace(adjacency="replace_one"), faults.ExactRowCount)


# a model of one's own has one noisy number beside its gradients
NOISY = [name for name in SYNTHESIZERS if not name.startswith("a model of one's own")]


@pytest.mark.parametrize("synthesizer", NOISY)
def test_the_noise_of_all_releases_and_fits_is_independent(synthesizer):
    """Within releases, between them, and between fits; as wide as charged; no word drawn twice."""
    check_noise(synthesizer)
    # such a source starts again and again
    reused = residuals(synthesizer, faults.RepeatingSource())
    assert largest_correlation(reused) > 10.0


def gradients(model=None):
    """Thirty equal gradients, and one the other way, whose batch is a quarter of the rows."""
    rows = np.full(30, 1e6)
    ledger = PrivacyLedger(2.0, 0.01)
    tables = (rows, np.append(rows, -1e6))
    return GradientKernel(DPVIPlan(4, 0.25, 2.0, 0.1), ledger, tables, 30.0, NoiseSource(6), model)


@pytest.mark.parametrize("is_faulty", [False, True])
def test_a_batch_divided_by_its_realised_size_is_caught(is_faulty):
    kernel = gradients(faults.RealisedBatchSize() if is_faulty else None)
    draw = kernel.scores(faults.flip_ratio(0.25, kernel.multiplier, 2.0))
    guesses = trained_guesses(draw, 4000, 0.01)
    assert (epsilon_bound(guesses, 0.01) > 2.0) == is_faulty


def test_a_sensitivity_that_depends_on_memberships_is_caught():
    """The mechanism of Madl et al. as published, which the package labels as not private."""
    corners = np.repeat([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], 50, axis=0)
    tables = [np.append(corners, [odd], axis=0) for odd in ([0.0, 0.5], [0.5, 0.0])]
    schema = TableSchema({"x": Continuous(0, 1), "y": Continuous(0, 1)})

    plan = Madl2022Plan(*box_columns(schema), n_clusters=2, sigma_max=0.0142)

    def shown(start):
        def run(codes, desk):
            for _ in range(start):
                desk.seed_bits()
            with pytest.warns(PrivacyLeakWarning, match="not differentially private"):
                plan.release(Table(codes, schema, None, False), desk)
            assert desk._ledger.spent().claim is not None

        return game(run, tables, "replace_one")

    # by where the clusters start, the odd row decides how the corners are paired, or does not
    assert max(shown(start) for start in range(8)) > 3.0
