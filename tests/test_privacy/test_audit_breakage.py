"""What breaks must not reveal: gradients that are no numbers, budgets at the extremes, kills."""

import math
import os
import signal
import subprocess
import sys
import textwrap
from functools import lru_cache

import dp_accounting
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest
from dp_accounting.pld import PLDAccountant

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._layout import Records, build_layout, encode_records
from skdpsynth.mixture._dpvi._batches import PoissonBatches, batch_capacity
from skdpsynth.mixture._dpvi._latents import MixtureLatents
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan
from skdpsynth.privacy import (
    AccountingError,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    RowCount,
    calibrate_gaussian,
    calibrate_subsampled_gaussian,
)

from .audit.kernel import CraftedGradients, GradientKernel

# Gradients that are no numbers


@lru_cache(maxsize=2)
def latents_of_one_column(family):
    """Return latent variables, and a compiled sum of the clipped gradients of one record."""
    kind = {"normal": Continuous(0, 1, nullable=True), "poisson": Count(0, 10)}[family]
    schema = TableSchema({"x": kind, "a": Categorical(["p", "q"])})
    columns = model_columns(schema, {"x": family})
    layout = build_layout(columns, {}, None)
    records = encode_records(np.array([[1.0, 0.0]]), columns, layout, {}, {})
    records = Records(
        jnp.asarray(records.codes),
        jnp.asarray(records.features, jnp.float32),
        jnp.asarray(records.classes),
    )
    latents = MixtureLatents.build(layout, np.zeros(2, int), (8, 2))
    return latents, jax.jit(
        lambda z, is_record: latents.clipped_sum(z, records, is_record, jnp.float32(1.0))
    )


def extreme_parameters(latents, family, value):
    """Return z with a first component near the record and a second one gone to an extreme."""
    parts = [np.array(part) for part in latents.unflatten(np.zeros(latents.n_latents, np.float32))]
    location, log_scale = parts[2], parts[3]
    if family == "normal":
        log_scale[0] = [-3.0, value]
    else:
        location[0] = [-3.0, value]
    return jnp.asarray(np.concatenate([part.ravel() for part in parts]), jnp.float32)


@pytest.mark.parametrize("value", [-90.0, -60.0, -40.0, -25.0, -23.0, -15.0, 0.0, 15.0, 50.0, 90.0])
@pytest.mark.parametrize("family", ["normal", "poisson"])
def test_no_record_adds_more_than_the_clipping_norm_however_far_parameters_have_gone(family, value):
    """A norm of 0 times infinity must not let a gradient through unclipped."""
    latents, clipped_sum = latents_of_one_column(family)
    z = extreme_parameters(latents, family, value)
    total, nothing = (
        np.asarray(clipped_sum(z, jnp.full(1, is_record))) for is_record in (True, False)
    )
    # whether a number comes out must not depend on the record either
    np.testing.assert_array_equal(np.isfinite(total), np.isfinite(nothing))
    assert np.linalg.norm(total[np.isfinite(total)]) <= 1 + 1e-4


class SpoiltGradients(CraftedGradients):
    """All gradients are no numbers."""

    def clipped_sum(self, z, batch, is_record, clipping_norm):
        return super().clipped_sum(z, batch, is_record, clipping_norm) * jnp.nan


def test_a_gradient_that_is_no_number_stops_the_fit():
    from skdpsynth.mixture._dpvi._noisy_gradients import MeanFieldGuide, run_dpvi

    rows, ledger = np.ones((30, 1), np.float32), PrivacyLedger(1.0, 1e-6)
    plan = DPVIPlan(5, 1.0, 1.0, 0.1)
    with pytest.raises(FloatingPointError, match="stopped being finite; lower learning_rate") as e:
        run_dpvi(
            SpoiltGradients(),
            MeanFieldGuide(1),
            np.zeros(2),
            rows,
            RowCount(30.0, 0.0),
            plan,
            Mechanisms(ledger, NoiseSource(0)),
        )
    assert "30" not in str(e.value)
    # its budget is spent
    assert len(ledger.entries) == 1


# The accountant at the extremes

DELTAS = (1e-12, 1e-6)


def exact_epsilon(multiplier, rate, steps, delta):
    """Return ε by another library, pessimistic."""
    accountant = PLDAccountant(value_discretization_interval=1e-4)
    gaussian = dp_accounting.GaussianDpEvent(multiplier)
    event = gaussian if rate == 1.0 else dp_accounting.PoissonSampledDpEvent(rate, gaussian)
    accountant.compose(event, steps)
    return accountant.get_epsilon(delta)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("steps", [1, 1000])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("epsilon", [1e-3, 1.0, 50.0])
def test_all_rows_in_every_step_is_the_gaussian_curve(epsilon, delta, steps, adjacency):
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, 1.0, steps, adjacency=adjacency)
    factor = 1.0 if adjacency == "add_remove" else 2.0
    mu = factor * math.sqrt(steps) / multiplier
    with mpmath.workdps(60):
        half, shift = mpmath.mpf(mu) / 2, mpmath.mpf(epsilon) / mpmath.mpf(mu)
        exact = mpmath.ncdf(half - shift) - mpmath.exp(epsilon) * mpmath.ncdf(-half - shift)
        assert 0.9999 * delta <= float(exact) <= delta * (1 + 1e-9)


@pytest.mark.parametrize(
    ("epsilon", "delta", "rate", "steps"),
    [
        (0.1, 1e-6, 0.5, 1),
        (1.0, 1e-12, 1e-3, 1),
        pytest.param(50.0, 1e-12, 0.5, 1, marks=pytest.mark.slow),
        pytest.param(50.0, 1e-6, 1e-3, 100, marks=pytest.mark.slow),
    ],
)
def test_subsampled_noise_at_the_extremes_is_enough_by_another_accountant(
    epsilon, delta, rate, steps
):
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, rate, steps)
    # its own discretisation adds up to 1e-4 per step
    assert exact_epsilon(multiplier, rate, steps, delta) <= epsilon + 1.5e-4 * steps


def exact_delta_of_one_step(epsilon, multiplier, rate):
    """Return δ by the closed form: amplification by subsampling of the Gaussian curve."""
    with mpmath.workdps(60):
        epsilon, mu, rate = map(mpmath.mpf, (epsilon, 1 / multiplier, rate))
        amplified = mpmath.log1p(mpmath.expm1(epsilon) / rate)
        half, shift = mu / 2, amplified / mu
        curve = mpmath.ncdf(half - shift) - mpmath.exp(amplified) * mpmath.ncdf(-half - shift)
        return float(rate * curve)


@pytest.mark.parametrize("rate", [1e-6, 1e-3, 0.5, 0.999])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("epsilon", [1e-3, 1.0, 50.0])
def test_one_subsampled_step_agrees_with_its_closed_form(epsilon, delta, rate):
    if delta >= rate:
        pytest.skip("a δ as large as the rate needs no noise at all: the grid is at its limit")
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, rate, 1)
    assert exact_delta_of_one_step(epsilon, multiplier, rate) <= delta
    if min(epsilon, 1.0) * rate >= 0.9e-3 or delta == 1e-6 < rate:
        # and no more noise than is worth 2 % of ε; else a finer grid would be needed
        assert exact_delta_of_one_step(0.98 * epsilon, multiplier, rate) > delta


@pytest.mark.parametrize("delta", DELTAS)
def test_many_small_losses_are_calibrated_in_seconds(delta):
    """Losses far below one need large Rényi orders to be bounded, or the grid is far too wide."""
    multiplier = calibrate_subsampled_gaussian(1e-3, delta, 0.5, 1000)
    full = calibrate_subsampled_gaussian(1e-3, delta, 1.0, 1000)
    # 1000 small steps are as good as Gaussian, of μ = q√T/σ
    assert 1.0 <= multiplier / (0.5 * full) < 1.02


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_more_steps_than_can_be_accounted_for_are_refused_at_once(adjacency):
    for epsilon in (1e-3, 1.0, 50.0):
        with pytest.raises(AccountingError, match="use fewer steps, a smaller sampling rate"):
            calibrate_subsampled_gaussian(epsilon, 1e-12, 0.5, 10**7, adjacency=adjacency)


def exact_delta_of_one_replaced_step(epsilon, multiplier, rate):
    """Return δ by the closed form: a row at +C against one at −C, cut where the loss is ε."""
    with mpmath.workdps(60):
        epsilon, shift, rate = map(mpmath.mpf, (epsilon, 1 / multiplier, rate))
        odds = mpmath.exp(shift**2 / 2) * (1 - rate) / rate
        cut = (epsilon / 2 + mpmath.asinh(odds * mpmath.sinh(epsilon / 2))) / shift
        first, second = (
            (1 - rate) * mpmath.ncdf(-cut) + rate * mpmath.ncdf(center - cut)
            for center in (shift, -shift)
        )
        return float(first - mpmath.exp(epsilon) * second)


@pytest.mark.parametrize("rate", [1e-6, 1e-3, 0.5, 0.999])
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("epsilon", [1e-3, 1.0, 20.0, 50.0])
def test_one_replaced_step_agrees_with_its_closed_form(epsilon, delta, rate):
    if delta >= rate:
        pytest.skip("a δ as large as the rate needs no noise at all: the grid is at its limit")
    multiplier = calibrate_subsampled_gaussian(epsilon, delta, rate, 1, adjacency="replace_one")
    assert exact_delta_of_one_replaced_step(epsilon, multiplier, rate) <= delta
    if min(epsilon, 1.0) * rate >= 0.9e-3 or delta == 1e-6 < rate:
        # and no more noise than is worth 2 % of ε; else a finer grid would be needed
        assert exact_delta_of_one_replaced_step(0.98 * epsilon, multiplier, rate) > delta


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("epsilon", [1e-3, 1.0, 50.0])
def test_dpvi_charges_what_it_adds(epsilon, delta):
    for rate, steps in ((1.0, 1), (1.0, 10**6)):
        ledger = PrivacyLedger(epsilon, delta)
        plan = DPVIPlan(steps, rate, 1.0, 0.1)
        kernel = GradientKernel(plan, ledger, (np.zeros(1),) * 2, 10.0, NoiseSource(0))
        assert 0.99 * epsilon < ledger.spent().epsilon <= epsilon
        assert math.sqrt(steps) / kernel.multiplier <= calibrate_gaussian(epsilon, delta)


@pytest.mark.parametrize(
    ("epsilon", "delta"),
    [(0.0, 1e-6), (-1.0, 1e-6), (math.nan, 1e-6), (1.0, 0.0), (1.0, 1.0), (1.0, math.nan)],
)
def test_impossible_budgets_are_refused(epsilon, delta):
    with pytest.raises(ValueError, match="outside the allowed range"):
        PrivacyLedger(epsilon, delta)


@pytest.mark.parametrize("n_rows", [10, 10**4, 10**8])
@pytest.mark.parametrize("rate", [1e-4, 0.01, 0.5])
@pytest.mark.parametrize("overflow", [1e-9, 1e-20])
def test_batches_fit_their_capacity_whatever_the_number_of_rows(n_rows, rate, overflow):
    from scipy import stats

    capacity = batch_capacity(n_rows, rate, overflow)
    assert stats.binom.sf(capacity, n_rows, rate) <= overflow
    # and no more than they need: static shapes cost memory
    assert capacity <= rate * n_rows + 20 * math.sqrt(rate * n_rows + 50) + 50


def test_a_batch_that_overflows_leaves_rows_out_and_none_is_taken_twice():
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    batches = PoissonBatches(1000, 0.9, RowCount(10.0, 0.0), 1e-9, desk)
    (drawn,) = batches.draw(1, 1)
    assert len(drawn) == batches.capacity < 900
    assert len(np.unique(drawn)) == batches.capacity
    assert drawn.min() >= 0


# Kills

KILLED = """
    import os, signal
    import numpy as np, pandas as pd
    from skdpsynth import Continuous, NapsuMQSynthesizer, TableSchema, _base
    from skdpsynth.privacy import Mechanisms

    calls = []

    class Killed(Mechanisms):
        def gaussian(self, *args, **options):
            calls.append(1)
            if len(calls) == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().gaussian(*args, **options)

    _base.Mechanisms = Killed
    table = pd.DataFrame({"a": [61.803398874989] * 200, "b": np.arange(200.0)})
    schema = TableSchema({"a": Continuous(0, 100), "b": Continuous(0, 200)})
    NapsuMQSynthesizer(schema=schema).fit(table)
"""


def test_a_fit_that_is_killed_leaves_nothing_on_the_disk(tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    code = textwrap.dedent(KILLED)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert b"61.80" not in done.stdout + done.stderr
    canary = np.float64(61.803398874989).tobytes()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert canary not in content
            assert b"61.80" not in content
