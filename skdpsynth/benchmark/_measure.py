"""One run: fit a method, sample, and measure the synthetic rows."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd

from ..metrics import marginal_tvd
from ..schema import TableSchema
from ._memory import peak_memory, reset_peak, resident_memory
from ._methods import REAL, make_synthesizer
from ._scorers import score
from ._table import BenchmarkTable, split_rows

__all__ = ["Run", "failure", "measure"]

ORDERS = {1: "one_way_tvd", 2: "two_way_tvd", 3: "three_way_tvd"}
_LONGEST_REASON = 300


@dataclass(frozen=True)
class Run:
    """What one run is to do.

    Attributes
    ----------
    name : str
        Of the method, or ``"real"``: real rows are scored, and a bootstrap of them measured.
    method : class, instance or None
    epsilon : float
        NaN for the real rows.
    seed : int
        Of the split and of the synthetic rows.
    delta : float or None
        One over the number of training rows where None.
    scorers : mapping of name to scorer
    test_size, max_train_rows, n_bins, edges, max_marginals, max_columns
        As :func:`skdpsynth.benchmark.run` has them.
    """

    name: str
    method: Any
    epsilon: float
    seed: int
    delta: float | None
    scorers: Mapping[str, Any]
    test_size: float
    max_train_rows: int | None
    n_bins: int
    edges: Any
    max_marginals: int
    max_columns: int

    @property
    def key(self) -> tuple[str, float | None, int]:
        """What tells it apart from the other runs of a benchmark."""
        return self.name, None if math.isnan(self.epsilon) else self.epsilon, self.seed


class _Stopped(Exception):
    """A stage failed on which the others depend."""


def measure(run: Run, table: BenchmarkTable) -> dict[str, Any]:
    """Carry out a run.

    Returns
    -------
    dict
        ``status`` ("ok" or "failed") and ``reason``; what could be measured; ``warnings``, the
        first of every kind. It contains no exception: a failure is a result.
    """
    row: dict[str, Any] = {"status": "ok", "reason": ""}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with suppress(_Stopped):
            _measure_stages(run, table, row)
    row["warnings"] = "; ".join(_summarise(caught))
    return row


def _measure_stages(run: Run, table: BenchmarkTable, row: dict[str, Any]) -> None:
    with _stage("split", row, needed=True):
        train, test = split_rows(table, run.seed, run.test_size, run.max_train_rows)
        row.update(n_train=len(train), n_test=len(test))
    if run.name == REAL:
        rng = np.random.RandomState(run.seed)
        learned = train
        compared = train.sample(len(train), replace=True, random_state=rng).reset_index(drop=True)
    else:
        learned = compared = _synthesize(run, train, table.schema, row)
    started = perf_counter()
    shown = table.edges if run.edges is None else run.edges
    schema = _choose_columns(table.schema, run.max_columns)
    edges = {name: bins for name, bins in (shown or {}).items() if name in schema}
    for order, name in ORDERS.items():
        if order > len(schema):
            continue
        with _stage(name, row):
            row[name] = marginal_tvd(
                train,
                compared,
                schema,
                order,
                n_bins=run.n_bins,
                edges=edges,
                max_marginals=run.max_marginals,
                random_state=0,
            )
    for name, scorer in run.scorers.items():
        with _stage(name, row):
            scores = score(scorer, learned, test, table.schema)
            row.update({f"{name}_{measure}": value for measure, value in scores.items()})
    row["measure_seconds"] = perf_counter() - started


def _synthesize(
    run: Run, train: pd.DataFrame, schema: TableSchema, row: dict[str, Any]
) -> pd.DataFrame:
    """Fit and sample on the clock; return as many synthetic rows as there are training rows."""
    delta = 1 / len(train) if run.delta is None else run.delta
    row["delta"] = delta
    with _stage("make", row, needed=True):
        synthesizer = make_synthesizer(run.method, epsilon=run.epsilon, delta=delta, schema=schema)
    row["memory_before_mb"] = resident_memory()
    reset_peak()
    with _stage("fit", row, needed=True):
        wall, cpu = perf_counter(), process_time()
        fitted = synthesizer.fit(train)
        row["fit_seconds"], row["fit_cpu_seconds"] = perf_counter() - wall, process_time() - cpu
        # what has no fluent interface returns nothing
        synthesizer = synthesizer if fitted is None else fitted
    with _stage("sample", row, needed=True):
        seed = {"random_state": run.seed} if _takes_seed(synthesizer.sample) else {}
        wall = perf_counter()
        rows = synthesizer.sample(len(train), **seed)
        row["sample_seconds"] = perf_counter() - wall
        row["peak_memory_mb"] = peak_memory()
        synthetic = _check_rows(rows, schema, len(train))
    spent = getattr(synthesizer, "privacy_spent_", None)
    for name in ("epsilon", "delta"):
        row[f"{name}_spent"] = getattr(spent, name, float("nan"))
    return synthetic


def _takes_seed(sample: Any) -> bool:
    return "random_state" in inspect.signature(sample).parameters


def _check_rows(rows: Any, schema: TableSchema, n_rows: int) -> pd.DataFrame:
    """Return synthetic rows as a frame in the order of the schema, or say what is wrong."""
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(np.asarray(rows))
    if not isinstance(rows, pd.DataFrame) and frame.shape[1] == len(schema):
        frame = frame.set_axis(list(schema.names), axis=1).infer_objects()
    absent = [name for name in schema.names if name not in frame.columns]
    if absent:
        raise ValueError(f"the synthetic rows lack the columns {absent[:5]}")
    if len(frame) != n_rows:
        raise ValueError(f"{n_rows} rows were asked for, {len(frame)} were drawn")
    return frame[list(schema.names)].reset_index(drop=True)


def _choose_columns(schema: TableSchema, max_columns: int) -> TableSchema:
    """Return a wide table's target and a fixed draw of its features, in the order of the schema."""
    if len(schema) <= max_columns:
        return schema
    rng = np.random.RandomState(0)
    drawn = rng.choice(len(schema.feature_names), max_columns - 1, replace=False)
    kept = {schema.feature_names[j] for j in drawn} | {schema.target}
    return schema.select([name for name in schema.names if name in kept])


@contextmanager
def _stage(name: str, row: dict[str, Any], needed: bool = False) -> Iterator[None]:
    """Turn an error into the status and the reason of the row; the first reason is kept."""
    try:
        yield
    except Exception as error:
        if row["status"] == "ok":
            row.update(failure(f"{name}: {type(error).__name__}: {error}"))
        if needed:
            raise _Stopped from None


def failure(reason: str) -> dict[str, str]:
    """Return status and reason of a run that failed, the reason in one line."""
    text = " ".join(reason.split())
    if len(text) > _LONGEST_REASON:
        text = text[: _LONGEST_REASON - 1] + "…"
    return {"status": "failed", "reason": text}


def _summarise(caught: list[warnings.WarningMessage]) -> list[str]:
    first: dict[str, str] = {}
    for warning in caught:
        name = warning.category.__name__
        first.setdefault(name, f"{name}: {' '.join(str(warning.message).split())[:120]}")
    return list(first.values())
