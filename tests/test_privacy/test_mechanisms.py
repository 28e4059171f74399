import math

import numpy as np
import pytest
from scipy import stats

from skdpsynth.exceptions import BudgetExceededError
from skdpsynth.privacy import (
    GaussianEvent,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    general_sensitivity,
    nonnegative_sensitivity,
)
from skdpsynth.privacy._mechanisms import exponential_mechanism, gaussian_release, plan_grid
from skdpsynth.privacy._rounded_gaussian import MAX_SCALE

FALSE_ALARM = 1e-3  # of every statistical test, over the choice of its fixed seed


class CountingNoise(NoiseSource):
    """Counts the words that are drawn."""

    def __init__(self, random_state=0):
        super().__init__(random_state)
        self.drawn = 0

    def words(self, size):
        values = super().words(size)
        self.drawn += values.size
        return values


@pytest.fixture
def ledger():
    return PrivacyLedger(1.0, 1e-6)


def release(statistic, ledger, noise=None, mu=None, **options):
    options = {"sensitivity": 1.0, "name": "counts", **options}
    mu = ledger.mu if mu is None else mu
    noise = NoiseSource(0) if noise is None else noise
    return gaussian_release(statistic, mu=mu, ledger=ledger, noise=noise, **options)


@pytest.mark.parametrize("grid", [None, 1.0])
def test_noise_has_the_right_law(ledger, grid):
    truth = np.arange(20_000.0)
    noisy = release(truth, ledger, grid=grid, sensitivity=2.0, noise=NoiseSource(1))
    (entry,) = ledger.entries
    _, noise_scale, _ = plan_grid(2.0, ledger.mu, truth.size, grid)
    assert entry.noise_scale == noise_scale
    if grid is None:
        assert stats.kstest((noisy - truth) / noise_scale, "norm").pvalue > FALSE_ALARM
    else:
        assert noise_scale == 2.0 / ledger.mu
        reach = round(3 * noise_scale)
        edges = np.r_[-np.inf, np.arange(-reach, reach + 1) - 0.5, np.inf]
        expected = truth.size * np.diff(stats.norm.cdf(edges, scale=noise_scale))
        observed = np.histogram(noisy - truth, edges)[0]
        assert stats.chisquare(observed, expected).pvalue > FALSE_ALARM


@pytest.mark.parametrize("grid", [1.0, 2.0**-8, 2.0**3])
def test_what_is_released_lies_on_the_grid(ledger, grid):
    truth = grid * np.array([[0.0, 3.0], [-5.0, 2.0**20]])
    noisy = release(truth, ledger, grid=grid)
    assert noisy.shape == truth.shape
    assert noisy.dtype == np.float64
    np.testing.assert_array_equal(noisy / grid, np.rint(noisy / grid))


def test_low_bits_of_the_statistic_do_not_survive(ledger):
    step, _, _ = plan_grid(1.0, ledger.mu, 4, None)
    truth = np.array([0.1, 1 / 3, -2.7, 1e3 + 1e-9])
    noisy = release(truth, ledger)
    np.testing.assert_array_equal(noisy / step, np.rint(noisy / step))
    nudged = truth + np.array([1e-12, -1e-12, 1e-12, 1e-12])
    np.testing.assert_array_equal(noisy, release(nudged, PrivacyLedger(1.0, 1e-6)))


@pytest.mark.parametrize("size", [1, 100, 10_000, 10**8])
@pytest.mark.parametrize("mu", [1e-6, 1e-3, 0.1, 5.0])
@pytest.mark.parametrize("sensitivity", [1e-6, 1.0, 3e5])
def test_grid_covers_its_rounding(size, mu, sensitivity):
    if math.sqrt(size) / mu > 2**30:
        with pytest.raises(ValueError, match="would need a grid too fine"):
            plan_grid(sensitivity, mu, size, None)
        return
    step, noise_scale, must_fit = plan_grid(sensitivity, mu, size, None)
    assert not must_fit
    assert math.frexp(step)[0] == 0.5
    assert step <= noise_scale / 2**10
    assert noise_scale / step <= MAX_SCALE
    # Δ and two roundings of at most step/2 in each of the values
    assert noise_scale * mu >= (sensitivity + step * math.sqrt(size)) * (1 - 1e-15)
    if math.sqrt(size) / mu <= 2**10:
        assert noise_scale * mu <= 1.004 * sensitivity


def test_a_grid_too_fine_for_the_noise_is_coarsened(ledger):
    noisy = release([1.0, 2.0], ledger, grid=2.0**-40)
    step, _, must_fit = plan_grid(1.0, ledger.mu, 2, 2.0**-40)
    assert step > 2.0**-40
    assert not must_fit
    np.testing.assert_array_equal(noisy / step, np.rint(noisy / step))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.uint64, bool, np.float32])
def test_dtypes(dtype):
    truth = np.array([0, 1, 1], dtype=dtype)
    expected = release([0.0, 1.0, 1.0], PrivacyLedger(1.0, 1e-6), grid=1.0)
    got = release(truth, PrivacyLedger(1.0, 1e-6), grid=1.0)
    np.testing.assert_array_equal(got, expected)


def test_huge_and_empty_statistics(ledger):
    assert np.isfinite(release([1e300, -1e300], ledger, mu=0.1 * ledger.mu)).all()
    assert release(np.int64(2**62), ledger, mu=0.1 * ledger.mu, grid=1.0).shape == ()
    assert release(np.empty((0, 3)), ledger, mu=0.1 * ledger.mu).shape == (0, 3)


def test_the_ledger_is_charged_before_noise_is_drawn(ledger):
    noise = CountingNoise()
    release([1.0], ledger, noise=noise)
    before = noise.drawn
    assert before > 0
    entries = ledger.entries
    with pytest.raises(BudgetExceededError, match="releasing 'more' would exceed epsilon=1"):
        release([1.0], ledger, noise=noise, mu=1e-3, name="more")
    assert noise.drawn == before
    assert ledger.entries == entries


def test_event_and_entry(ledger):
    release(np.zeros((2, 3)), ledger, grid=1.0)
    (entry,) = ledger.entries
    assert entry.event == GaussianEvent(ledger.mu)
    assert (entry.name, entry.sensitivity, entry.n_coordinates) == ("counts", 1.0, 6)
    assert not ledger.spent().secure_noise


def test_infinite_mu_needs_the_non_private_baseline(ledger):
    truth = np.array([0.1, 0.2])
    baseline = PrivacyLedger(math.inf, 1e-6)
    np.testing.assert_array_equal(release(truth, baseline, mu=math.inf), truth)
    with pytest.raises(BudgetExceededError):
        release(truth, ledger, mu=math.inf)


@pytest.mark.parametrize(
    ("statistic", "options", "error", "match"),
    [
        ([0.5], {"grid": 1.0}, ValueError, "not multiples of grid=1.0; leave grid=None"),
        ([1.0], {"grid": 3.0}, ValueError, "grid=3.0 must be a power of two"),
        ([1.0], {"grid": 0.0}, ValueError, "grid=0.0"),
        ([math.nan], {}, ValueError, "'counts' has values that are not finite"),
        (["a"], {}, TypeError, "must be numeric, got dtype"),
        ([1.0], {"sensitivity": 0.0}, ValueError, "sensitivity=0.0"),
        ([1.0], {"sensitivity": math.inf}, ValueError, "sensitivity=inf"),
        ([1.0], {"mu": 0.0}, ValueError, "mu=0.0"),
    ],
)
def test_bad_arguments(ledger, statistic, options, error, match):
    with pytest.raises(error, match=match):
        release(statistic, ledger, **options)
    assert ledger.entries == ()


def test_errors_do_not_quote_the_statistic(ledger):
    for statistic, grid in (([123.4567], 1.0), ([123.4567, math.inf], None)):
        with pytest.raises(ValueError, match="counts") as caught:
            release(statistic, ledger, grid=grid)
        assert "123" not in str(caught.value)


def test_sensitivities():
    assert nonnegative_sensitivity(2.0, "add_remove") == 2.0
    assert nonnegative_sensitivity(2.0, "replace_one") == 2.0 * math.sqrt(2)
    assert general_sensitivity(2.0, "add_remove") == 2.0
    assert general_sensitivity(2.0, "replace_one") == 4.0
    for sensitivity in (nonnegative_sensitivity, general_sensitivity):
        with pytest.raises(ValueError, match="norm"):
            sensitivity(0.0, "add_remove")
        with pytest.raises(ValueError, match="adjacency"):
            sensitivity(1.0, "swap")


def select(scores, ledger, noise, epsilon=0.5, sensitivity=1.0):
    return exponential_mechanism(
        scores, sensitivity=sensitivity, epsilon=epsilon, name="pair", ledger=ledger, noise=noise
    )


def test_selection_frequencies_are_the_softmax():
    scores = np.array([0.0, 3.0, 5.0, -1e9, 4.0])
    ledger, noise = PrivacyLedger(math.inf, 1e-6), NoiseSource(21)
    draws = [select(scores, ledger, noise, sensitivity=2.0, epsilon=3.0) for _ in range(4000)]
    weights = np.exp(3.0 * (scores - 5.0) / 4.0)
    observed = np.bincount(draws, minlength=5)
    assert observed[3] == 0
    expected = 4000 * weights / weights.sum()
    kept = [0, 1, 2, 4]
    assert stats.chisquare(observed[kept], expected[kept]).pvalue > FALSE_ALARM


def test_selection_is_charged_first(ledger):
    noise = CountingNoise()
    select([0.0, 1.0], ledger, noise, epsilon=0.9)
    assert ledger.entries[0].event == SelectionEvent(0.9)
    before = noise.drawn
    with pytest.raises(BudgetExceededError, match="'pair'"):
        select([0.0, 1.0], ledger, noise, epsilon=0.9)
    assert noise.drawn == before


def test_selection_shifts_and_extreme_scores(ledger):
    first = select([1e300, -1e300, 0.0], ledger, NoiseSource(0), epsilon=0.1)
    assert first == 0
    noise = NoiseSource(5), NoiseSource(5)
    scores = np.array([1.0, 2.0, 3.0, 4.0])
    baseline = PrivacyLedger(math.inf, 1e-6)
    assert select(scores, baseline, noise[0]) == select(scores + 1024.0, baseline, noise[1])
    assert select(scores, baseline, noise[0], epsilon=math.inf) == 3


@pytest.mark.parametrize(
    ("scores", "match"),
    [([], "non-empty"), ([[1.0]], "one-dimensional"), ([1.0, math.nan], "not all finite")],
)
def test_bad_scores(ledger, scores, match):
    with pytest.raises(ValueError, match=match):
        select(scores, ledger, NoiseSource(0))
    assert ledger.entries == ()
