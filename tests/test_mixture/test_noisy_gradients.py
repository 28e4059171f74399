"""DP-VI: gradients, noise, ledger, averages, and what it finds."""

import math
from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import ndtr

from skdpsynth._compat import enable_x64
from skdpsynth.mixture._dpvi import _noisy_gradients as _dpvi
from skdpsynth.mixture._dpvi._exact_sums import Steps, Words, add_noise, add_words, split_integers
from skdpsynth.mixture._dpvi._noisy_gradients import (
    COUNT_RESERVE,
    DPVIPlan,
    MeanFieldGuide,
    run_dpvi,
)
from skdpsynth.mixture._dpvi._settings import StepSettings, count_margin
from skdpsynth.privacy import (
    GaussianEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    RowCount,
    SubsampledGaussianEvent,
)
from skdpsynth.privacy._mechanisms import plan_steps


@dataclass(frozen=True)
class NormalMean:
    """x ~ N(z, I), z ~ N(0, 10² I): the posterior is known."""

    n_latents: int = 2

    def clipped_sum(self, z, batch, is_record, clipping_norm):
        gradient = batch - z
        norm = jnp.linalg.norm(gradient, axis=1, keepdims=True)
        clipped = gradient * jnp.minimum(1.0, clipping_norm / norm)
        return jnp.where(is_record[:, None], clipped, 0.0).sum(axis=0)

    def log_prior(self, z):
        return -0.5 * jnp.sum(z**2) / 100.0


def fit(epsilon, plan, n_rows=400, adjacency="add_remove", seed=0, model=None, start=None):
    rows = np.random.default_rng(1).normal([1.0, -2.0], 1.0, (n_rows, 2)).astype(np.float32)
    model = NormalMean() if model is None else model
    ledger = PrivacyLedger(epsilon, 1e-5, adjacency)
    start = np.concatenate([np.zeros(2), np.full(2, -2.0)]) if start is None else start
    guide = MeanFieldGuide(2)
    desk = Mechanisms(ledger, NoiseSource(seed))
    trace = run_dpvi(model, guide, start, rows, RowCount(n_rows, 0.0), plan, desk)
    return trace, ledger, rows


def test_without_noise_the_posterior_of_a_conjugate_model_is_found():
    for rate in (1.0, 0.5):
        plan = DPVIPlan(1500, rate, 50.0, 0.03)
        trace, ledger, rows = fit(math.inf, plan)
        precision = len(rows) + 0.01
        location, log_scale = MeanFieldGuide(2).split(trace.parameters)
        assert_allclose(location, rows.sum(axis=0) / precision, atol=0.02)
        assert_allclose(np.exp(log_scale), 1 / np.sqrt(precision), rtol=0.1)
        assert ledger.spent().epsilon == math.inf


def test_aligned_gradient_is_that_of_the_evidence_bound():
    """One full step of the data term, pulled back, against autodiff of the bound's estimate."""
    rows = jnp.asarray(np.random.default_rng(2).normal(size=(30, 2)), jnp.float32)
    model, guide, key = NormalMean(), MeanFieldGuide(2), jax.random.key(3)
    parameters = jnp.asarray([0.3, -0.2, -1.0, -0.5])

    def bound(p):
        z, entropy = guide.draw(p, key)
        return -0.5 * jnp.sum((rows - z) ** 2) + model.log_prior(z) + entropy

    z, pull_back = jax.vjp(lambda p: guide.draw(p, key)[0], parameters)
    total = model.clipped_sum(z, rows, jnp.ones(30, bool), 1e6)
    (data_gradient,) = pull_back(total)
    rest = jax.grad(lambda p: model.log_prior(guide.draw(p, key)[0]) + guide.draw(p, key)[1])
    assert_allclose(data_gradient + rest(parameters), jax.grad(bound)(parameters), rtol=1e-4)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("rate", [1.0, 0.2])
def test_ledger_is_charged_once_within_the_request(adjacency, rate):
    trace, ledger, _ = fit(1.0, DPVIPlan(40, rate, 2.0, 0.1), adjacency=adjacency)
    assert np.isfinite(trace.parameters).all()
    (entry,) = ledger.entries
    expected = GaussianEvent if rate == 1.0 else SubsampledGaussianEvent
    assert isinstance(entry.event, expected)
    assert 0.9 < ledger.spent().epsilon <= 1.0
    if rate == 1.0:
        factor = 1.0 if adjacency == "add_remove" else 2.0
        # and what rounding of two coordinates adds
        rounding = 2.0**-17 * math.sqrt(2)
        assert entry.sensitivity == (2.0 + rounding) * factor
        # T steps of noise σ and sensitivity Δ are one release with μ = √T Δ/σ
        assert math.sqrt(40) * entry.sensitivity / entry.noise_scale == pytest.approx(
            entry.event.mu
        )


def test_noise_is_that_of_the_ledger(monkeypatch):
    """Without rows' gradients, the sums are the noise alone; false alarms below 1e-6."""

    @dataclass(frozen=True)
    class Silent(NormalMean):
        def clipped_sum(self, z, batch, is_record, clipping_norm):
            return jnp.zeros(2)

    seen = []
    original = _dpvi._scan

    def spy(model, guide, state, rows, is_row, indices, noise, key, constants):
        seen.append((noise.high * 2.0**22 + noise.low) * constants["grid_step"])
        return original(model, guide, state, rows, is_row, indices, noise, key, constants)

    monkeypatch.setattr(_dpvi, "_scan", spy)
    _, ledger, _ = fit(1.0, DPVIPlan(1000, 0.2, 3.0, 0.01), model=Silent())
    noise = np.concatenate(seen)[:1000]
    scale = ledger.entries[0].noise_scale
    assert noise.std() == pytest.approx(scale, rel=5 / math.sqrt(2 * noise.size))
    assert abs(noise.mean()) < 5 * scale / math.sqrt(noise.size)
    assert (np.concatenate(seen)[1000:] == 0).all()


def test_a_fit_with_noise_comes_close():
    trace, _, rows = fit(5.0, DPVIPlan(200, 1.0, 3.0, 0.1), n_rows=4000)
    assert_allclose(trace.parameters[:2], rows.mean(axis=0), atol=0.15)


def test_average_and_variance_are_those_of_the_last_iterates():
    one, _, _ = fit(math.inf, DPVIPlan(10, 1.0, 5.0, 0.1, averaging=0.1))
    two, _, _ = fit(math.inf, DPVIPlan(10, 1.0, 5.0, 0.1, averaging=0.2))
    assert_allclose(one.variance, 0, atol=1e-6)
    assert (two.variance > 0).any()


def test_parameters_that_stop_being_finite_are_an_error():
    @dataclass(frozen=True)
    class Broken(NormalMean):
        def log_prior(self, z):
            return jnp.sqrt(-1.0 - z[0] ** 2)

    with pytest.raises(FloatingPointError, match="learning_rate"):
        fit(1.0, DPVIPlan(5, 1.0, 1.0, 0.1), model=Broken())


def test_a_second_fit_compiles_nothing():
    plan = DPVIPlan(70, 0.2, 2.0, 0.1)
    fit(1.0, plan, n_rows=400)
    compiled = _dpvi._scan._cache_size()
    fit(2.0, DPVIPlan(130, 0.2, 1.0, 0.2), n_rows=400, seed=1)
    assert _dpvi._scan._cache_size() == compiled


@dataclass(frozen=True)
class MeanInSteps:
    """The same, whose sum is in steps."""

    n_latents: int = 2

    def clipped_steps(self, z, batch, is_record, clipping_norm, step):
        total = NormalMean().clipped_sum(z, batch, is_record, clipping_norm)
        assert z.dtype == total.dtype == jnp.float32
        steps = jnp.rint(total / step).astype(jnp.int32)
        nothing = Words(jnp.zeros_like(steps), jnp.zeros_like(steps))
        return Steps(add_words(nothing, steps), total - steps * step)

    def log_prior(self, z):
        return NormalMean().log_prior(z)


def test_sums_in_double_precision_or_in_steps_give_the_same_fit():
    plan = DPVIPlan(50, 0.2, 2.0, 0.1)
    for epsilon in (math.inf, 5.0):
        expected, _, _ = fit(epsilon, plan)
        got, _, _ = fit(epsilon, plan, model=MeanInSteps())
        # what differs is rounding, and the guide's draws in double precision
        assert_allclose(got.parameters[:2], expected.parameters[:2], atol=0.1)


integers = st.lists(st.integers(-(2**45), 2**45), min_size=3, max_size=3)


@given(integers, integers, st.integers(-20, 20), st.floats(-0.4, 0.4))
def test_a_noisy_sum_is_that_of_integers(values, noise, exponent, rest):
    values, noise = np.array(values), np.array(noise)
    words, step = split_integers(values), np.float32(2.0**exponent)
    total = Steps(words, np.full(3, rest, np.float32) * step)
    noisy = add_noise(total, split_integers(noise), step, True)
    assert noisy.dtype == np.float32
    exact = (values + noise).astype(np.float64) * step
    # two float32 numbers are added: what is rounded is the sum
    assert_allclose(noisy, exact, rtol=2**-22, atol=0.25 * step)
    with enable_x64(True):
        total = (values + rest) * 2.0**exponent
        noisy = add_noise(total, split_integers(noise), 2.0**exponent, True)
    assert_array_equal(noisy, exact)


@given(integers, st.integers(-(2**31), 2**31 - 1))
def test_words_add_up(values, more):
    words = add_words(split_integers(np.array(values)), np.int32(more))
    assert_array_equal(words.high.astype(np.int64) * 2**22 + words.low, np.array(values) + more)


@given(st.lists(st.floats(-4, 4), min_size=4, max_size=4), st.integers(0, 2**31))
def test_rounding_to_steps_is_within_what_the_noise_is_drawn_for(moved, seed):
    """Sums that differ by one record's vector of norm C at most, on the grid."""
    step, norm = plan_steps(1.0, 3.0, 4)
    total = np.random.default_rng(seed).uniform(-100, 100, 4)
    vector = np.array(moved) / max(np.linalg.norm(moved), 1.0)
    silence = Words(np.zeros(4, np.int32), np.zeros(4, np.int32))
    with enable_x64(True):
        apart = add_noise(total + vector, silence, step, True) - add_noise(
            total, silence, step, True
        )
    assert np.linalg.norm(apart) <= norm


def test_noise_suffices_for_every_rate_that_a_noisy_count_may_give():
    settings = StepSettings(300, "auto", "auto", 0.1)
    desk, scale = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0)), 40.0
    half = count_margin(scale, desk) / 2
    # beyond that with a probability of which (1 + e^ε) times is a part of δ
    assert 2 * ndtr(-(half - 2.0) / scale) * (1 + math.e) <= COUNT_RESERVE * 1e-6
    for n_rows in [500, 8100, 8192, 8300, 8900, 9300, 24_000, 10**6]:
        noisy = n_rows + np.linspace(-half, half, 101)
        rates = [settings.choose_rate(count) for count in noisy]
        counts = [RowCount(count, scale) for count in noisy]
        accounted = [settings.choose_accounted_rate(count, desk) for count in counts]
        assert min(accounted) >= max(rates)
        assert max(accounted) == 1.0 or max(accounted) < 1.3 * min(rates)


def test_a_rate_that_is_public_is_accounted_for_as_it_is():
    auto = StepSettings(300, "auto", "auto", 0.1)
    given = replace(auto, sampling_rate=0.1)
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    assert auto.choose_accounted_rate(RowCount(24_000.0, 0.0), desk) is None
    assert given.choose_accounted_rate(RowCount(24_000.0, 40.0), desk) is None


@pytest.mark.parametrize(("rate", "accounted"), [(0.1, 0.12), (0.45, 1.0)])
def test_charged_is_the_accounted_rate(rate, accounted):
    plan = DPVIPlan(20, rate, 2.0, 0.1, accounted_rate=accounted)
    _, ledger, _ = fit(1.0, plan)
    _, other, _ = fit(1.0, DPVIPlan(20, accounted, 2.0, 0.1))
    (entry,), (least,) = ledger.entries, other.entries
    assert entry.event == least.event
    assert entry.noise_scale == least.noise_scale
    assert ledger._sampler_tail > 0
