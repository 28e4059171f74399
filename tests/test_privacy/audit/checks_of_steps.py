"""What the noisy gradients of DP-VI are held to; as `checks`."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest import mock

import jax
import numpy as np
from scipy import stats

from skdpsynth.mixture._dpvi._batches import PoissonBatches
from skdpsynth.mixture._dpvi._exact_sums import WORD_BITS
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan, buy_noise
from skdpsynth.mixture._dpvi._settings import StepSettings, count_margin
from skdpsynth.mixture._own_model._records import to_records
from skdpsynth.mixture._own_model._unconstrained import CustomLatents
from skdpsynth.privacy import (
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    RowCount,
    SubsampledGaussianEvent,
)

from .any_two import VECTORS, own_model
from .checks import FALSE_ALARM, LAGS
from .faults import correlation_z
from .kernel import GradientKernel
from .pairs import NUMBERS, NUMERIC_RECORDS

__all__ = [
    "check_batches",
    "check_clipping",
    "check_rates_are_covered",
    "check_steps",
]


def check_clipping() -> None:
    """Check that one record moves the sum of gradients of a model by the clipping norm at most."""
    latents = CustomLatents.build(own_model, NUMBERS)
    corners = np.array([NUMERIC_RECORDS["corner of the domain"], np.zeros(5)])
    z, norm, step = np.full(latents.n_latents, 0.5, np.float32), np.float32(0.01), 2.0**-24
    # few rows that pull in opposite directions show most; many, what rounding adds
    for rows in (corners, np.vstack([VECTORS[:40], corners])):
        batch, everyone = to_records(rows, NUMBERS), np.ones(len(rows), dtype=bool)

        # compiled here, and so with whatever stands in its place now
        options = {"clipping_norm": norm, "step": np.float32(step)}
        clipped = jax.jit(partial(latents.clipped_steps, z, batch, **options))

        def total(is_record: np.ndarray, clipped: Any = clipped) -> np.ndarray:
            whole, rest = jax.tree.map(
                partial(np.asarray, dtype=float), clipped(is_record=is_record)
            )
            return (whole.high * 2.0**WORD_BITS + whole.low) * step + rest

        for left_out in (0, 1, -2, -1):
            rest = np.arange(len(rows)) != left_out % len(rows)
            moved = float(np.linalg.norm(total(everyone) - total(rest)))
            assert 0.0 < moved <= norm * (1 + 1e-5), f"a record moves the sum by {moved}"
        assert not total(~everyone).any()


def check_steps() -> None:
    """Check that every step of DP-VI is noisy as charged, and charged as it is taken."""
    plan, taken = DPVIPlan(150, 0.25, 2.0, 0.1), []
    ledger = PrivacyLedger(2.0, 1e-4)
    real = PoissonBatches.draw

    def draw(batches: PoissonBatches, n_steps: int, n_rows_out: int) -> Any:
        taken.append((n_steps, batches.sampling_rate))
        return real(batches, n_steps, n_rows_out)

    nothing = np.zeros(40)
    kernel = GradientKernel(plan, ledger, (nothing, nothing), 40.0, NoiseSource(0))
    with mock.patch.object(PoissonBatches, "draw", draw):
        noisy = kernel.transcripts(0, 12)
    (event,) = ledger.events
    assert isinstance(event, SubsampledGaussianEvent)
    assert event.steps == plan.n_steps, f"{event.steps} steps are charged"
    assert event.sampling_rate >= max(rate for _, rate in taken), "a lower rate is charged"
    assert noisy.size <= sum(n_steps for n_steps, _ in taken)
    # the batches' overflow is part of δ, at most once for each step and for either table
    overflow = buy_noise(plan, 1, Mechanisms(PrivacyLedger(2.0, 1e-4), NoiseSource(0)))[1]
    assert ledger.state().sampler_tail >= plan.n_steps * overflow > 0.0, "overflow is not charged"
    values = noisy.ravel() / kernel.multiplier
    assert np.ptp(values[:16]) > 0, "all steps have the same noise"
    low, high = stats.chi2.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], len(values)) / len(values)
    assert low < np.mean(values**2) < high, f"the noise has variance {np.mean(values**2):.3f}"
    # a scan has 64 steps
    z = max(abs(correlation_z(values[:-lag], values[lag:])) for lag in (*LAGS, 16, 32, 64, 128))
    assert z < stats.norm.isf(FALSE_ALARM / 20), f"steps are correlated: {z:.1f}"


def check_batches() -> None:
    """Check that the shapes of batches follow from the released row count alone."""
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    count = RowCount(10_000.0, 50.0)
    sizes = {PoissonBatches(n, 0.3, count, 1e-9, desk).capacity for n in (7, 9_000, 70_000)}
    assert len(sizes) == 1, f"batches of {sizes} rows"


def check_rates_are_covered() -> None:
    """Check that noise is calibrated for all rates that noise can make of a row count."""
    desk = Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    settings, scale = StepSettings(10, "auto", "auto", 0.1), 100.0
    reach = count_margin(scale, desk) / 2.0
    # 4.9 and more standard deviations to either side
    assert desk.delta / 2 > stats.norm.sf(4.9)
    for n_rows in (9_000.0, 20_000.0, 200_000.0):
        noisy = n_rows + np.linspace(-4.9, 4.9, 41) * scale
        accounted = [settings.choose_accounted_rate(RowCount(n, scale), desk) for n in noisy]
        used = [settings.choose_rate(n) for n in noisy]
        assert min(a or 0.0 for a in accounted) >= max(used), (n_rows, reach)
