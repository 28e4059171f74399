"""Tables that are sound but odd: rows at the bounds, other containers, numbers that are texts."""

from __future__ import annotations

import datetime
import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    Ordinal,
    TableSchema,
)
from skdpsynth.exceptions import SchemaWarning
from skdpsynth.pii import PIIDetector
from skdpsynth.schema import Numeric

from .outcomes import Case
from .tables import SCHEMA, make_table, malformed_table, polars

try:
    import pyarrow
except ImportError:  # with numpy 1.26 there is none
    pyarrow = None  # type: ignore[assignment]

N_ROWS = 24
# few shapes, so that little is compiled
SYNTHESIZERS: tuple[Callable[[], Any], ...] = (
    lambda: DPMixtureSynthesizer(n_components=2, n_passes=2, n_bins=4),
    lambda: NapsuMQSynthesizer(queries="tree", inference="map", n_bins=4),
    lambda: NapsuMQSynthesizer(queries="tree", inference="map", bins="public", n_bins=5),
    lambda: NapsuMQSynthesizer(queries=[("a", "b")], inference="map", bins="public", n_bins=4),
    lambda: ClustMixSynthesizer(),
)


def _numeric(rng: random.Random) -> Numeric:
    nullable = rng.random() < 0.3
    low = rng.choice([0, 0, 0, 1, -7, 10**6, -(2**53) + 64])
    span = rng.choice([1, 2, 3, 4, 5, 8, 31, 32, 33, 64, 100, 1000])
    kind = rng.randrange(6)
    if kind < 3:
        step = rng.choice([None, None, 2, 5])
        high = low + span * (step or 1)
        return Count(low, high, nullable=nullable, step=step)
    if kind == 3:
        decimals = rng.choice([0, 1, 2, 4])
        low = rng.choice([0, -3, 12])
        return Continuous(low, low + span, decimals=decimals, nullable=nullable)
    if kind == 4:
        return Continuous(0.5, 0.5 + 0.25 * span, step=0.25, nullable=nullable)
    low = rng.choice([0.0, -1.0, 1.0, 1e12, -1e300, 0.1])
    high = rng.choice([low + 1e-300, low + 1e-9, low + 1.0, low + 100.0, 1e300])
    return Continuous(low, high if high > low else 2e300, nullable=nullable)


def _at_the_bounds(kind: Numeric, rng: random.Random) -> list[Any]:
    """Return values at, beside and between the bounds, beyond them, and missing ones."""
    low, high = float(kind.low), float(kind.high)
    middle = low / 2 + high / 2
    pool = [low, high, low, high, middle, math.nextafter(low, high), math.nextafter(high, low)]
    pool += [math.nextafter(low, -math.inf), math.nextafter(high, math.inf), high + abs(high) / 8]
    if kind.nullable:
        pool.append(math.nan)
    usual = rng.sample(pool, rng.choice([1, 2, 4]))
    values = [rng.choice(usual) for _ in range(N_ROWS)]
    if isinstance(kind, Count):
        return [value if math.isnan(value) else float(round(value)) for value in values]
    return values


def bounds_case(rng: random.Random) -> Case:
    """A synthesizer and rows at the edges of all bounds: every row has to come out possible."""
    columns: dict[str, Any] = {"a": _numeric(rng), "b": _numeric(rng)}
    frame = pd.DataFrame({name: _at_the_bounds(kind, rng) for name, kind in columns.items()})
    columns["label"] = rng.choice([Categorical(["no", "yes"]), Ordinal([0, 1, 2])])
    levels = columns["label"].levels
    frame["label"] = [rng.choice(levels[: rng.choice([1, len(levels)])]) for _ in range(N_ROWS)]
    schema = TableSchema(columns, rng.choice(["label", "label", "a", None]))
    synth = rng.choice(SYNTHESIZERS)()
    synth.set_params(
        schema=schema,
        epsilon=rng.choice([0.1, 1.0, 100.0]),
        adjacency=rng.choice(["add_remove", "replace_one"]),
    )

    def call() -> None:
        try:
            rows = synth.fit(frame).sample(20, random_state=0)
        except Exception as error:
            raise AssertionError("a sound table is refused") from error
        for name, kind in synth.schema_.columns.items():
            if isinstance(kind, Numeric):
                values = rows[name].dropna().to_numpy(dtype=float)
                assert kind.nullable or len(values) == len(rows), name
                assert ((values >= kind.low) & (values <= kind.high)).all(), (name, values)
                assert np.array_equal(kind.snap(values), values), (name, values)
        assert np.isfinite(synth.score_samples(rows)).all()

    return Case(f"{synth!r}.fit({frame.to_dict('list')})", call, synth)


def _with_categories(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{n: table[n].astype("category") for n in table if n in ("sex", "sick")})


CONTAINERS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda table: table,
    "categories": _with_categories,
    "nullable": lambda table: table.convert_dtypes(dtype_backend="numpy_nullable"),
    "arrow dtypes": lambda table: table.convert_dtypes(dtype_backend="pyarrow"),
    "arrow table": lambda table: pyarrow.Table.from_pandas(table, preserve_index=False),
    "arrow dictionaries": lambda table: pyarrow.Table.from_pandas(
        _with_categories(table), preserve_index=False
    ),
    "arrow batch": lambda table: pyarrow.RecordBatch.from_pandas(table, preserve_index=False),
    "polars": lambda table: polars.from_pandas(table),
    "polars categories": lambda table: polars.from_pandas(_with_categories(table)),
}


def containers_case(rng: random.Random) -> Case:
    """A table in some container, sound or not: what goes in as a container comes out as it."""
    name = rng.choice(list(CONTAINERS))
    table = make_table() if rng.random() < 0.4 else malformed_table(rng)
    try:
        X = CONTAINERS[name](table)
    except Exception:  # the library of the container cannot make it either
        name, X = "pandas", table
    synth = rng.choice([SYNTHESIZERS[0], SYNTHESIZERS[1], SYNTHESIZERS[-1]])()
    synth.set_params(schema=SCHEMA)
    draws = rng.random() < 0.3

    def call() -> None:
        if draws:
            rows = synth.fit(X).sample(3)
            assert type(rows) is (np.ndarray if isinstance(X, list) else type(X)), type(X)
            return
        with warnings.catch_warnings():
            # a draft is of public rows, and quotes them
            warnings.simplefilter("ignore", SchemaWarning)
            TableSchema.from_frame(X)

    return Case(f"{name}: {X!r} draws={draws}", call, synth if draws else None)


SPELLINGS: dict[str, Callable[[float], Any]] = {
    "plain": lambda x: f"{x:.3f}",
    "whole float": lambda x: float(round(x)),
    "dollars": lambda x: f"${x:,.2f}",
    "euros": lambda x: f"{x:.2f} €".replace(".", ","),
    "thousands": lambda x: f"{round(1e4 * x):,}",
    "points": lambda x: f"{round(1e4 * x):,}".replace(",", "."),
    "spaces": lambda x: f"{round(1e4 * x):,}".replace(",", "\u202f"),
    "apostrophes": lambda x: f"{round(1e4 * x):,}".replace(",", "'"),
    "lakhs": lambda x: f"12,34,{round(x):03d}",
    "brackets": lambda x: f"({x:.2f})",
    "minus": lambda x: f"\u2212{x:.1f}",
    "per cent": lambda x: f"{x:.1f} %",
    "censored": lambda x: "<1" if x < 20 else f"{x:.1f}",
    "topped": lambda x: "90+" if x > 90 else str(round(x)),
    "range": lambda x: f"{10 * int(x / 10)}-{10 * int(x / 10) + 9}",
    "units": lambda x: f"{x:.1f} kg",
    "science": lambda x: f"{x:.3e}",
    "padded": lambda x: f"{round(x):05d}",
    "day": lambda x: f"2024-01-{1 + round(x) % 28:02d}",
    "number of a day": lambda x: 20240100 + 1 + round(x) % 28,
    "date": lambda x: datetime.date(2024, 1, 1 + round(x) % 28),
    "time": lambda x: f"{round(x) % 24:02d}:{round(x) % 60:02d}",
    "identifier": lambda x: f"P{round(1e6 * x):08d}",
    "hash": lambda x: f"{round(1e12 * x):016x}",
    "yes or no": lambda x: "Yes" if x > 50 else "no",
    "huge": lambda x: 2**60 + round(x),
    "sum of cents": lambda x: 0.1 * round(x) + 0.2,
    "few": lambda x: round(x) % 4 / 4,
}
MARKS: tuple[Any, ...] = ("", "NA", "n/a", "?", "-", "null", None, math.nan, "unknown", " ", "-999")


def spellings_case(rng: random.Random) -> Case:
    """A draft of columns whose numbers, dates and identifiers are spelled in some way."""
    n_rows = rng.choice([1, 3, 40, 200])
    columns = {}
    for name in rng.sample(["id", "when", "pay", "x", "patient_no", "Unnamed: 0", "zip"], 2):
        spell = rng.sample(list(SPELLINGS), rng.choice([1, 1, 1, 2]))
        values = [SPELLINGS[rng.choice(spell)](rng.uniform(0, 100)) for _ in range(n_rows)]
        for _ in range(rng.choice([0, 0, 1, 5, n_rows])):
            values[rng.randrange(n_rows)] = rng.choice(MARKS)
        columns[name] = pd.Series(values, dtype=object).infer_objects()
    frame = pd.DataFrame(columns)

    def call() -> None:
        PIIDetector().fit(frame)
        schema = TableSchema.from_frame(frame)
        assert TableSchema.from_json(schema.to_json()) == schema

    return Case(f"from_frame({frame.head(4).to_dict('list')})", call)
