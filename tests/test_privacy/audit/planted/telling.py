"""What is charged, told, fitted and saved."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from unittest import mock

import numpy as np

from skdpsynth import _base, _reading
from skdpsynth._saving import _document
from skdpsynth.clustmix._blocks import _plan as blocks
from skdpsynth.mixture._dpvi import _batches, _settings
from skdpsynth.privacy import (
    FailureEvent,
    Mechanisms,
    PrivacyLedger,
    _desk,
    _stable_histogram,
)

from ._planting import changed, planted


@planted("the ledger forgets the second pass")
def _() -> Iterator[None]:
    real = PrivacyLedger.charge

    def charge(ledger: Any, event: Any, *, name: str, **options: Any) -> None:
        if not name.endswith("pass 2"):
            real(ledger, event, name=name, **options)

    with mock.patch.object(PrivacyLedger, "charge", charge):
        yield


@planted("the ledger charges half of every μ²")
def _() -> Iterator[None]:
    real = _desk.gaussian_release

    def release(statistic: Any, *, mu: float, **options: Any) -> np.ndarray:
        event = "skdpsynth.privacy._mechanisms.GaussianEvent"
        with mock.patch(event, lambda mu: _desk.GaussianEvent(mu / math.sqrt(2))):
            return real(statistic, mu=mu, **options)

    with mock.patch.object(_desk, "gaussian_release", release):
        yield


def _other_steps(**change: Callable[[Any], Any]) -> Any:
    """Other steps are charged than are taken."""

    def buy(real: Any, **options: Any) -> Any:
        return real(**{**options, **{name: f(options[name]) for name, f in change.items()}})

    real = Mechanisms.subsampled_gaussian
    return mock.patch.object(
        Mechanisms,
        "subsampled_gaussian",
        lambda desk, **options: buy(partial(real, desk), **options),
    )


@planted("half of the steps are charged")
def _() -> Iterator[None]:
    with _other_steps(n_steps=lambda n_steps: n_steps // 2):
        yield


@planted("half of the sampling rate is charged")
def _() -> Iterator[None]:
    with _other_steps(sampling_rate=lambda rate: rate / 2):
        yield


@planted("batches that overflow are not charged to δ")
def _() -> Iterator[None]:
    with _other_steps(failure=lambda failure: 0.0):
        yield


@planted("the capacity of batches follows from the exact row count")
def _() -> Iterator[None]:
    real = _batches.PoissonBatches.__init__

    def start(self: Any, n_rows: int, rate: float, count: Any, *args: Any) -> None:
        real(self, n_rows, rate, count._replace(value=float(n_rows)), *args)

    with mock.patch.object(_batches.PoissonBatches, "__init__", start):
        yield


@planted("a failure is not charged to δ")
def _() -> Iterator[None]:
    real = PrivacyLedger.charge

    def charge(ledger: Any, event: Any, **options: Any) -> None:
        if not isinstance(event, FailureEvent):
            real(ledger, event, **options)

    with mock.patch.object(PrivacyLedger, "charge", charge):
        yield


@planted("a failure is charged twice")
def _() -> Iterator[None]:
    real = PrivacyLedger.charge

    def charge(ledger: Any, event: Any, **options: Any) -> None:
        if isinstance(event, FailureEvent):
            real(ledger, FailureEvent(event.delta / 2), **options)
            event = FailureEvent(event.delta / 2)
        real(ledger, event, **options)

    with mock.patch.object(PrivacyLedger, "charge", charge):
        yield


@planted("the threshold of rare levels is that of one histogram")
def _() -> Iterator[None]:
    def failure(real: Any, n_histograms: int, threshold: float, scale: float) -> float:
        return float(real(1, threshold, scale))

    with changed(_stable_histogram, "_failure", failure):
        yield


@planted("levels are suppressed by their exact counts")
def _() -> Iterator[None]:
    def suppress(real: Any, counts: np.ndarray, plan: Any, noise: Any) -> np.ndarray:
        noisy = real(counts, plan._replace(threshold=-math.inf), noise)
        return np.where(counts >= plan.threshold, noisy, np.nan)

    with changed(_stable_histogram, "_suppress", suppress):
        yield


@planted("the margin for the noise of a sampling rate is left out")
def _() -> Iterator[None]:
    with mock.patch.object(_settings, "count_margin", return_value=0.0):
        yield


@planted("the fitted object keeps a row")
def _() -> Iterator[None]:
    def read(real: Any, X: Any, y: Any, estimator: Any) -> Any:
        table, names = real(X, y, estimator)
        return table, {**names, "example_": table.codes[-1]}

    with changed(_base, "read_table", read):
        yield


@planted("a release keeps the number of its rows in a shape")
def _() -> Iterator[None]:
    real = blocks.BlocksPlan.release

    def release(plan: Any, table: Any, desk: Any) -> Any:
        released = real(plan, table, desk)
        return released._replace(sums=released.sums._replace(variance=np.ones(len(table.codes))))

    with mock.patch.object(blocks.BlocksPlan, "release", release):
        yield


@planted("published dtypes are those of the rows")
def _() -> Iterator[None]:
    with mock.patch.object(_reading, "public_format", lambda table_format, schema: table_format):
        yield


@planted("the seed is pickled")
def _() -> Iterator[None]:
    with mock.patch.object(_base.BaseSynthesizer, "__getstate__", lambda self: dict(vars(self))):
        yield


@planted("the seed is kept in saved files")
def _() -> Iterator[None]:
    def pack(real: Any, document: Any, arrays: Any) -> bytes:
        return bytes(real({**document, "random_state": SAVED_SEEDS[-1]}, arrays))

    def dump(real: Any, synthesizer: Any, *args: Any) -> Any:
        SAVED_SEEDS.append(synthesizer.random_state)
        return real(synthesizer, *args)

    with changed(_document, "pack", pack), changed(_base, "save", dump):
        yield


SAVED_SEEDS: list[int] = []
