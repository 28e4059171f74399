"""The noisy gradient sums of DP-VI, as they leave the step kernel, with crafted gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np

from skdpsynth.mixture._dpvi import _noisy_gradients as _dpvi
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan, buy_noise, run_dpvi
from skdpsynth.privacy import GradientNoise, Mechanisms, NoiseSource, PrivacyLedger, RowCount

__all__ = ["CraftedGradients", "GradientKernel", "log_likelihood_ratio"]

STEPS_PER_RUN = 1024


@dataclass(frozen=True)
class CraftedGradients:
    """One latent variable; a record's gradient is the number in it, clipped."""

    n_latents: int = 1

    def clipped_sum(self, z: Any, batch: Any, is_record: Any, clipping_norm: Any) -> jax.Array:
        """Return the sum that the kernel adds noise to."""
        clipped = jnp.clip(batch[:, 0], -clipping_norm, clipping_norm)
        return jnp.where(is_record, clipped, 0.0).sum(keepdims=True)

    def log_prior(self, z: Any) -> jax.Array:
        """Return a constant: the gradient is the data's alone."""
        return 0.0 * z.sum()


@dataclass(frozen=True)
class _FirstParameter:
    """z is the first parameter; the others make room for one recorded number per step."""

    tag: str

    def draw(self, parameters: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        return parameters[:1], 0.0 * parameters[0]


def _record(state: Any, gradient: jax.Array, constants: dict[str, Any]) -> Any:
    """Stand in for Adam: note the noisy sum of each step, and stay where it is."""
    noisy = gradient[0] * constants["batch_size"]
    return state._replace(
        total=state.total.at[state.step].set(noisy, mode="drop"), step=state.step + 1
    )


class _ChargedOnce(Mechanisms):
    """Charges for one fit, and hands out the noise of that fit whenever it is asked again."""

    _charged: GradientNoise | None = None

    def subsampled_gaussian(self, **options: Any) -> GradientNoise:
        if self._charged is None:
            self._charged = super().subsampled_gaussian(**options)
        return self._charged


class GradientKernel:
    """Runs the real step kernel many times with the noise that one fit is charged for.

    Parameters
    ----------
    plan : DPVIPlan
        Of the audited fit.
    ledger : PrivacyLedger
        Charged for it, once, by the real code.
    tables : pair of ndarray of shape (n_rows,)
        Crafted gradients of D and D'.
    n_records : float
        Released row count, the same for both.
    model : LatentModel, optional
        What turns a batch into a sum.
    """

    def __init__(
        self,
        plan: DPVIPlan,
        ledger: PrivacyLedger,
        tables: tuple[np.ndarray, np.ndarray],
        n_records: float,
        noise: NoiseSource,
        model: Any = None,
    ) -> None:
        self.plan, self.tables, self.n_records = plan, tables, n_records
        self.model = CraftedGradients() if model is None else model
        self.desk = _ChargedOnce(ledger, noise)
        self.multiplier = buy_noise(plan, self.model.n_latents, self.desk)[0].multiplier

    def transcripts(self, side: int, n_transcripts: int) -> np.ndarray:
        """Return noisy sums in units of the clipping norm, of shape (n_transcripts, n_steps)."""
        n_steps = n_transcripts * self.plan.n_steps
        rows = self.tables[side].astype(np.float32)[:, None]
        long = DPVIPlan(
            STEPS_PER_RUN, self.plan.sampling_rate, self.plan.clipping_norm, 0.01, averaging=1.0
        )
        sums: list[np.ndarray] = []
        with mock.patch.object(_dpvi, "_adam", _record):
            while len(sums) * STEPS_PER_RUN < n_steps:
                trace = run_dpvi(
                    self.model,
                    _FirstParameter("recorder"),
                    np.zeros(STEPS_PER_RUN),
                    rows,
                    RowCount(self.n_records, 0.0),
                    long,
                    self.desk,
                )
                # the mean that a trace holds is the sum over the number of averaged steps
                sums.append(trace.parameters * STEPS_PER_RUN)
        noisy = np.concatenate(sums)[:n_steps] / self.plan.clipping_norm
        return noisy.reshape(n_transcripts, self.plan.n_steps)

    def scores(
        self, log_ratio: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> Callable[[int, int], np.ndarray]:
        """Return what draws scores: by default the log likelihood ratio of a row of gradient C."""
        own = self.tables[0].sum() / self.plan.clipping_norm

        def draw(side: int, n_transcripts: int) -> np.ndarray:
            noisy = self.transcripts(side, n_transcripts)
            if log_ratio is not None:
                return log_ratio(noisy)
            return log_likelihood_ratio(noisy - own, self.plan.sampling_rate, self.multiplier)

        return draw


def log_likelihood_ratio(noisy: np.ndarray, rate: float, multiplier: float) -> np.ndarray:
    """Return the log odds of a row of gradient C, in the batch at the sampling rate.

    Parameters
    ----------
    noisy : ndarray of shape (n_transcripts, n_steps)
        In units of C.
    """
    single = np.log1p(rate * np.expm1(noisy / multiplier**2 - 0.5 / multiplier**2))
    return np.asarray(single.sum(axis=1))
