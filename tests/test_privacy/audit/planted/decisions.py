"""Exact numbers decide what is released, and what is bought."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest import mock

import numpy as np

from skdpsynth._product_mixture import _measure
from skdpsynth.mixture import _moments
from skdpsynth.mixture._dpvi import _plan as dpvi
from skdpsynth.mixture._dpvi import _settings
from skdpsynth.mixture._own_model import _plan as own
from skdpsynth.napsu import _domain_plan, _release, _selection
from skdpsynth.napsu import _plan as napsu
from skdpsynth.pipeline import _pipeline
from skdpsynth.privacy import (
    Mechanisms,
    PrivacyLedger,
)
from skdpsynth.schema import _purchase

from ._planting import changed, planted


@contextmanager
def exact_row_counts(module: Any) -> Iterator[list[int]]:
    """Note the exact row counts of the tables that a module releases a grid of."""
    seen: list[int] = []

    def release(real: Any, codes: np.ndarray, *args: Any) -> Any:
        seen.append(len(codes))
        return real(codes, *args)

    with changed(module, "release_grid", release):
        yield seen


@planted("the exact row count chooses the bins of a mixture")
def _() -> Iterator[None]:
    with exact_row_counts(_measure) as seen:

        def choose(real: Any, n_bins: Any, n_records: float, *args: Any) -> Any:
            return real(n_bins, float(seen[-1]), *args)

        with changed(_measure, "_choose_bins", choose):
            yield


@planted("the exact row count chooses the bins of NAPSU")
def _() -> Iterator[None]:
    with exact_row_counts(napsu) as seen:

        def count(real: Any, plan: Any, n_records: float, scale: float) -> Any:
            return real(plan, float(seen[-1]) if seen else n_records, scale)

        real = _domain_plan.DomainPlan.count_bins
        with mock.patch.object(
            _domain_plan.DomainPlan, "count_bins", lambda *args: count(real, *args)
        ):
            yield


def _exact_count_of_steps(module: Any, plan_name: str) -> Any:
    """The sampling rate is that of the rows that there are."""
    plan = getattr(module, plan_name)
    seen: list[int] = []

    def release(real: Any, self: Any, table: Any, desk: Any) -> Any:
        seen.append(len(table.codes))
        return real(self, table, desk)

    def choose(real: Any, self: Any, n_records: float) -> float:
        return float(real(self, float(seen[-1])))

    release_, rate = plan.release, _settings.StepSettings.choose_rate
    return mock.patch.multiple(
        plan, release=lambda *args: release(release_, *args)
    ), mock.patch.object(_settings.StepSettings, "choose_rate", lambda *args: choose(rate, *args))


@planted("the exact row count chooses the sampling rate of DP-VI")
def _() -> Iterator[None]:
    first, second = _exact_count_of_steps(dpvi, "VariationalPlan")
    with first, second:
        yield


@planted("the exact row count chooses the sampling rate of own models")
def _() -> Iterator[None]:
    first, second = _exact_count_of_steps(own, "NumPyroPlan")
    with first, second:
        yield


@planted("the exact row count is the prior size of a fit")
def _() -> Iterator[None]:
    def read(real: Any, desk: Any, released: Any, n_rows: int, scale: float) -> Any:
        return real(desk, released, n_rows, scale)._replace(value=float(max(n_rows, 1)))

    real = Mechanisms.read_count
    with mock.patch.object(Mechanisms, "read_count", lambda *args: read(real, *args)):
        yield


@planted("pairs are selected by their exact distances")
def _() -> Iterator[None]:
    def score(real: Any, levels: Any, candidates: Any, shape: Any, mu: float, desk: Any) -> Any:
        scores = real(levels, candidates, shape, mu, desk)
        return scores._replace(values=_selection._distances(levels, candidates, shape))

    with changed(_release, "score_candidates", score):
        yield


@planted("passes end early where exact sums say so")
def _() -> Iterator[None]:
    last: list[Any] = []

    def release(real: Any, records: Any, *args: Any, **options: Any) -> Any:
        if last and len(records.classes) < 100:
            return last[-1]
        last.append(real(records, *args, **options))
        return last[-1]

    with changed(_moments, "release_sums", release):
        yield


@planted("the steps of DP-VI end early by the exact loss")
def _() -> Iterator[None]:
    def run(real: Any, *args: Any) -> Any:
        model, guide, start, rows, count, plan, desk = args
        loss = np.mean(np.asarray(rows)[:, 0]) if len(rows) else 0.0
        plan = replace(plan, n_steps=max(plan.n_steps // 2, 1) if loss < 0.45 else plan.n_steps)
        return real(model, guide, start, rows, count, plan, desk)

    # each time it is looked up anew, by what stands in its place then
    with mock.patch.object(own.NumPyroPlan, "release", _patched_release(run)):
        yield


def _patched_release(run: Callable[..., Any]) -> Callable[..., Any]:
    real = own.NumPyroPlan.release

    def release(self: Any, table: Any, desk: Any) -> Any:
        with changed(own, "run_dpvi", run):
            return real(self, table, desk)

    return release


@planted("a query is left out where its column is constant")
def _() -> Iterator[None]:
    real = _release.Rows.measure

    def measure(rows: Any, queries: Any, mu: float) -> Any:
        varied = [q for q in queries if all(len(np.unique(rows.levels[v])) > 1 for v in q)]
        return real(rows, varied or queries[:1], mu)

    with mock.patch.object(_release.Rows, "measure", measure):
        yield


@planted("the progress bar counts chunks of rows")
def _() -> Iterator[None]:
    def open_table(real: Any, codes: np.ndarray, *args: Any) -> Any:
        desk = next(value for value in args if isinstance(value, Mechanisms))
        desk.progress(1 + len(codes) // 8192)
        return real(codes, *args)

    with changed(_moments, "open_table", open_table):
        yield


@planted("bought bounds are tightened to the rows")
def _() -> Iterator[None]:
    ranges: list[tuple[float, float]] = []

    def count(real: Any, values: np.ndarray, exponents: range) -> np.ndarray:
        known = values[~np.isnan(values)]
        ranges.append((float(known.min()), float(known.max())) if len(known) else (0.0, 0.0))
        return real(values, exponents)

    def find(real: Any, is_occupied: np.ndarray, purchase: Any) -> Any:
        kind = real(is_occupied, purchase)
        _, high = ranges[-1]
        if kind is None or not kind.low < high <= kind.high:
            return kind
        return replace(kind, high=high)

    with changed(_purchase, "_count_cells", count), changed(_purchase, "_find_bounds", find):
        yield


@planted("bought bounds are those of exact counts")
def _() -> Iterator[None]:
    def release(real: Any, numeric: Any, mu: float, desk: Any) -> Any:
        _, threshold = real(numeric, mu, desk)
        return [purchase.counts >= threshold for purchase in numeric], threshold

    with changed(_purchase, "_release_cells", release):
        yield


@planted("a bought column is nullable where a value is missing")
def _() -> Iterator[None]:
    def count(real: Any, column: Any, name: Any, kind: Any, nullable: bool) -> Any:
        return real(column, name, kind, nullable)._replace(nullable=bool(column.isna().any()))

    with changed(_purchase, "_count", count):
        yield


@planted("what a schema was bought for is not told")
def _() -> Iterator[None]:
    with mock.patch.object(PrivacyLedger, "mark_bought_schema"):
        yield


@planted("a schema that was read from the rows is taken for public")
def _() -> Iterator[None]:
    with mock.patch.object(PrivacyLedger, "mark_drafted_schema"):
        yield


@planted("a step that learns from the rows is taken for public")
def _() -> Iterator[None]:
    # nor is it tried whether it treats the rows one by one, which finds it too
    with (
        mock.patch.object(_pipeline, "learns_from_rows", return_value=False),
        mock.patch.object(_pipeline, "try_steps", return_value=([], [])),
    ):
        yield
