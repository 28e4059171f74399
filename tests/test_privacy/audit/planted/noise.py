"""Too little noise, the same noise twice, and noise from a public generator."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Iterator
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import ndtri

from skdpsynth.clustmix._vectors import _column_marginals as marginals
from skdpsynth.mixture import _moments
from skdpsynth.mixture._dpvi import _batches
from skdpsynth.mixture._dpvi._exact_sums import Words
from skdpsynth.mixture._own_model import _unconstrained
from skdpsynth.napsu import _selection
from skdpsynth.privacy import (
    GradientNoise,
    Mechanisms,
    NoiseSource,
    _desk,
    _noise,
)

from ._planting import changed, planted


@planted("the row count of own models gets noise for half its sensitivity")
def _() -> Iterator[None]:
    def row_count(desk: Any, n_rows: int, *, mu: float, name: str = "row count") -> Any:
        if desk.is_count_public:
            return _desk.RowCount(float(n_rows), 0.0)
        noisy = desk.gaussian([n_rows], sensitivity=0.5, mu=mu, name=name, grid=1.0)
        return desk.read_count(noisy, n_rows, 0.5 / mu)

    with mock.patch.object(Mechanisms, "row_count", row_count):
        yield


@planted("a replaced row is taken for a removed one")
def _() -> Iterator[None]:
    real = Mechanisms.nonnegative_sensitivity
    with mock.patch.object(
        Mechanisms, "nonnegative_sensitivity", lambda desk, norm: real(desk, norm / math.sqrt(2))
    ):
        yield


@planted("a replaced row moves a score by one")
def _() -> Iterator[None]:
    with mock.patch.object(_selection, "l1_sensitivity", return_value=1.0):
        yield


@planted("the profile of a mixture has the sensitivity of the other histograms")
def _() -> Iterator[None]:
    def sensitivity(real: Any, columns: Any, owner: Any, desk: Any) -> float:
        return float(desk.nonnegative_sensitivity(math.sqrt(len(columns) - 1)))

    with changed(_moments, "pass_sensitivity", sensitivity):
        yield


@planted("noise is scaled by the largest norm among the rows")
def _() -> Iterator[None]:
    def release(real: Any, rows: Any, mu: float, desk: Any) -> Any:
        values = np.concatenate([chunk for _, chunk in rows.chunks()] or [np.zeros((1, 1))])
        largest = float(np.linalg.norm(values, axis=1).max())
        with mock.patch.object(type(desk), "general_sensitivity", return_value=max(largest, 0.5)):
            return real(rows, mu, desk)

    from skdpsynth.clustmix._vectors import _plan as vectors

    assert marginals.release_location is vectors.release_location
    with changed(vectors, "release_location", release):
        yield


@planted("the second half of a release repeats the noise of the first")
def _() -> Iterator[None]:
    real = NoiseSource.rounded_gaussian

    def draw(source: Any, scale: float, size: Any) -> np.ndarray:
        n = int(np.prod(size, dtype=np.int64))
        half = real(source, scale, n - n // 2)
        return np.concatenate([half, half])[:n].reshape(size)

    with mock.patch.object(NoiseSource, "rounded_gaussian", draw):
        yield


@planted("every release starts the noise anew")
def _() -> Iterator[None]:
    real = NoiseSource.words
    with mock.patch.object(NoiseSource, "words", lambda source, size: real(NoiseSource(7), size)):
        yield


@planted("all values of a release have the same noise")
def _() -> Iterator[None]:
    real = NoiseSource.rounded_gaussian

    def draw(source: Any, scale: float, size: Any) -> np.ndarray:
        return np.full(size, real(source, scale, 1)[0])

    with mock.patch.object(NoiseSource, "rounded_gaussian", draw):
        yield


@planted("the noise is a fifth too narrow")
def _() -> Iterator[None]:
    real = NoiseSource.rounded_gaussian
    with mock.patch.object(
        NoiseSource,
        "rounded_gaussian",
        lambda source, scale, size: real(source, 0.8 * scale, size),
    ):
        yield


@planted("the noise is a floating-point number")
def _() -> Iterator[None]:
    def release(statistic: Any, **options: Any) -> np.ndarray:
        exact = np.asarray(statistic, dtype=float)
        scale = options["sensitivity"] / options["mu"]
        return exact + scale * ndtri(options["noise"].uniform(exact.shape))

    with mock.patch.object(_desk, "gaussian_release", release):
        yield


@planted("the best candidate is always selected")
def _() -> Iterator[None]:
    with mock.patch.object(NoiseSource, "gumbel", lambda source, size: np.zeros(size)):
        yield


@planted("candidates are selected with twice the ε charged")
def _() -> Iterator[None]:
    real = NoiseSource.gumbel
    with mock.patch.object(NoiseSource, "gumbel", lambda source, size: real(source, size) / 2):
        yield


@planted("gradients are clipped after they are added up")
def _() -> Iterator[None]:
    real = _unconstrained.CustomLatents.clipped_steps

    def clipped_steps(
        latents: Any, z: Any, batch: Any, is_record: Any, clipping_norm: Any, step: Any
    ) -> Any:
        steps = real(latents, z, batch, is_record, 1e6, 4.0)
        total = (steps.whole.high * 2.0**22 + steps.whole.low) * 4.0 + steps.rest
        factor = jnp.minimum(1.0, clipping_norm / jnp.linalg.norm(total))
        return steps._replace(whole=Words(0.0, 0.0), rest=factor * total)

    with mock.patch.object(_unconstrained.CustomLatents, "clipped_steps", clipped_steps):
        yield


@planted("gradients are clipped coordinate by coordinate")
def _() -> Iterator[None]:
    real = _unconstrained._norms
    with mock.patch.object(
        _unconstrained, "_norms", lambda gradients: real(gradients) / gradients.shape[1] ** 0.5
    ):
        yield


@planted("Poisson batches come from numpy's generator")
def _() -> Iterator[None]:
    real = _batches.PoissonBatches.draw

    def draw(batches: Any, *args: Any) -> Any:
        with mock.patch.object(
            type(batches.desk), "uniform", lambda _, size: np.random.default_rng(0).random(size)
        ):
            return real(batches, *args)

    with mock.patch.object(_batches.PoissonBatches, "draw", draw):
        yield


@planted("gradient noise comes from jax's generator")
def _() -> Iterator[None]:
    def draw(noise: Any, n_steps: int, n_coordinates: int) -> np.ndarray:
        key = jax.random.key(0)
        uniform = np.asarray(jax.random.uniform(key, (n_steps, n_coordinates)))
        scale = math.sqrt(12) * noise.scale / noise.step
        return np.rint(scale * (uniform - 0.5)).astype(np.int64)

    with mock.patch.object(GradientNoise, "draw", draw):
        yield


@planted("noise comes from numpy's global generator")
def _() -> Iterator[None]:
    def words(source: Any, size: Any) -> np.ndarray:
        drawn = np.random.randint(0, 2**63, size=size)  # noqa: NPY002
        return np.asarray(drawn, dtype=np.uint64)

    with mock.patch.object(NoiseSource, "words", words):
        yield


@planted("all steps have the same gradient noise")
def _() -> Iterator[None]:
    real = GradientNoise.draw

    def draw(noise: Any, n_steps: int, n_coordinates: int) -> np.ndarray:
        return np.tile(real(noise, 1, n_coordinates), (n_steps, 1))

    with mock.patch.object(GradientNoise, "draw", draw):
        yield


@planted("the first steps alone have gradient noise")
def _() -> Iterator[None]:
    real = GradientNoise.draw

    def draw(noise: Any, n_steps: int, n_coordinates: int) -> np.ndarray:
        drawn = real(noise, n_steps, n_coordinates)
        drawn[n_steps // 2 :] = 0
        return drawn

    with mock.patch.object(GradientNoise, "draw", draw):
        yield


@planted("noise comes from the generator of the standard library")
def _() -> Iterator[None]:
    def words(source: Any, size: Any) -> np.ndarray:
        n_words = int(np.prod(size, dtype=np.int64))
        drawn = [random.getrandbits(64) for _ in range(n_words)]
        return np.array(drawn, dtype=np.uint64).reshape(size)

    with mock.patch.object(NoiseSource, "words", words):
        yield


@planted("the system's random bytes are drawn once and stretched")
def _() -> Iterator[None]:
    def words(bits: Any, count: int) -> np.ndarray:
        start = np.frombuffer(os.urandom(8), dtype=np.uint64)
        with np.errstate(over="ignore"):
            return start * np.arange(1, 2 * count, 2, dtype=np.uint64)

    with mock.patch.object(_noise._SystemBits, "words", words):
        yield
