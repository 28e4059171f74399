"""Seconds per step of DP-VI: this package's kernels against d3p's DPSVI, on the same mixture.

python benchmarks/dpvi_step.py [--rounds 3] [--output FILE]    (in the environment of make test-d3p)
"""

from __future__ import annotations

import argparse
import math
import os
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._product_mixture import (
    ComponentEstimates,
    Layout,
    model_columns,
    open_table,
    power_of_two,
)
from skdpsynth.mixture._d3p._engine import fit_d3p, require_d3p
from skdpsynth.mixture._dpvi._latents import MixtureLatents
from skdpsynth.mixture._dpvi._noisy_gradients import (
    STEPS_PER_SCAN,
    DPVIPlan,
    MeanFieldGuide,
    run_dpvi,
)
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger, RowCount

N_ROWS, BATCH_SIZE, N_COMPONENTS, N_BINS = 32_000, 320, 20, 20

# the first calls of every fit compile, so that their steps are not timed
UNTIMED_SCANS = 2

SCHEMA = TableSchema(
    {
        **{f"amount_{j}": Continuous(0.0, 1000.0, nullable=j == 0) for j in range(4)},
        **{f"size_{j}": Continuous(0.0, 10.0) for j in range(2)},
        "visits": Count(0, 30),
        "sex": Categorical(["F", "M"]),
        "smoker": Categorical(["no", "yes"], nullable=True),
        **{f"group_{j}": Categorical([str(k) for k in range(4 + 4 * j)]) for j in range(4)},
        "label": Categorical(["no", "yes"]),
    },
    "label",
)
FAMILIES = {"size_0": "normal", "size_1": "normal", "visits": "poisson"}


def make_codes(rng: np.random.Generator) -> np.ndarray:
    """Return encoded rows whose columns are independent: a step's time does not depend on them."""
    codes = np.empty((N_ROWS, len(SCHEMA)))
    for j, kind in enumerate(SCHEMA.columns.values()):
        if isinstance(kind, Categorical):
            codes[:, j] = rng.integers(len(kind.levels), size=N_ROWS)
        elif isinstance(kind, Count):
            codes[:, j] = rng.binomial(30, 0.2, N_ROWS) / 30
        else:
            codes[:, j] = rng.beta(2.0, 3.0, N_ROWS)
        if kind.nullable:
            codes[rng.random(N_ROWS) < 0.1, j] = np.nan
    return codes


def make_start(rng: np.random.Generator, layout: Layout) -> ComponentEstimates:
    """Return components to start from."""
    shape = (N_COMPONENTS, len(layout.scalars))
    is_normal = np.array([scalar.distribution == "normal" for scalar in layout.scalars])
    cell = [rng.dirichlet(np.full(b.n_cells, 5.0), N_COMPONENTS) for b in layout.blocks]
    ones = np.ones(shape)
    return ComponentEstimates(
        n_records=np.full(N_COMPONENTS, N_ROWS / N_COMPONENTS),
        cell=np.concatenate(cell, axis=1),
        cell_size=np.ones((N_COMPONENTS, len(layout.blocks))),
        location=np.where(is_normal, rng.uniform(-0.5, 0.5, shape), rng.uniform(3.0, 9.0, shape)),
        location_error=ones,
        log_scale=np.where(is_normal, -1.0, 0.0) * ones,
        log_scale_error=ones,
        missing=0.0 * ones,
        missing_size=ones,
    )


class Stopwatch:
    """Wall and CPU seconds per step between calls with a number of finished steps."""

    def __init__(self) -> None:
        self.readings: list[tuple[float, float]] = []
        self.last = time.perf_counter(), time.process_time()

    def __call__(self, n_steps: int) -> None:
        now = time.perf_counter(), time.process_time()
        self.readings.append(tuple((b - a) / n_steps for a, b in zip(self.last, now, strict=True)))
        self.last = time.perf_counter(), time.process_time()

    def timed(self) -> np.ndarray:
        """Return the readings after those that compile, of shape (n_scans, 2)."""
        return np.array(self.readings[UNTIMED_SCANS:])


def make_engines(rng: np.random.Generator) -> dict[str, Callable[[int, Stopwatch], object]]:
    """Return a function of the number of steps and a stopwatch for every engine."""
    columns = model_columns(SCHEMA, FAMILIES)
    owner = SCHEMA.names.index(SCHEMA.target)
    noise = NoiseSource()
    public = Mechanisms(PrivacyLedger(math.inf, 1e-6, "replace_one"), noise)
    opening = open_table(make_codes(rng), columns, owner, N_BINS, math.inf, 0.0, public)
    records, layout = opening.records, opening.layout
    component_owner = np.arange(N_COMPONENTS) % layout.n_classes
    start, weights = make_start(rng, layout), np.full(N_COMPONENTS, 1 / N_COMPONENTS)
    shape = opening.n_padded_cells, power_of_two(N_COMPONENTS)
    latents = MixtureLatents.build(layout, component_owner, shape)
    location = latents.from_estimates(weights, start)
    parameters = np.concatenate([location, np.full(len(location), -3.0)])
    single = records._replace(features=records.features.astype(np.float32))

    def plan(n_steps: int) -> DPVIPlan:
        return DPVIPlan(n_steps, BATCH_SIZE / N_ROWS, clipping_norm=2.0, learning_rate=1e-3)

    def desk(watch: Stopwatch) -> Mechanisms:
        return Mechanisms(PrivacyLedger(1.0, 1e-6, "replace_one"), noise, watch)

    def jax_engine(n_steps: int, watch: Stopwatch) -> object:
        guide = MeanFieldGuide(latents.n_latents)
        count = RowCount(N_ROWS, 0.0)
        return run_dpvi(latents, guide, parameters, single, count, plan(n_steps), desk(watch))

    def d3p_engine(n_steps: int, watch: Stopwatch) -> object:
        steps = plan(n_steps)
        return fit_d3p(records, layout, component_owner, start, weights, steps, desk(watch))

    print(f"{len(SCHEMA)} columns, {layout.n_cells} cells, {layout.n_features} features")
    return {"jax": jax_engine, "d3p": d3p_engine}


def measure(rounds: int) -> dict[str, np.ndarray]:
    """Alternate the engines; return wall and CPU seconds per step, one row per scan."""
    engines = make_engines(np.random.default_rng(0))
    # as many seconds for either, roughly
    n_scans = {"jax": UNTIMED_SCANS + 20, "d3p": UNTIMED_SCANS + 4}
    seconds: dict[str, list[np.ndarray]] = {name: [] for name in engines}
    for _ in range(rounds):
        for name, engine in engines.items():
            watch = Stopwatch()
            engine(n_scans[name] * STEPS_PER_SCAN, watch)
            seconds[name].append(watch.timed())
            print(name, *(f"{1e3 * value:.2f} ms" for value in np.median(watch.timed(), axis=0)))
    return {name: np.concatenate(parts) for name, parts in seconds.items()}


def report(seconds: dict[str, np.ndarray]) -> str:
    """Return the results as Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("jax", "numpyro", "d3p"))
    median = {name: np.median(part, axis=0) for name, part in seconds.items()}
    wall, cpu = median["d3p"] / median["jax"]
    lines = [
        f"One step of DP-VI: {N_ROWS:,} rows, {len(SCHEMA)} mixed columns, {N_COMPONENTS} "
        f"components, batches of {BATCH_SIZE} (expected size for jax, fixed size for d3p).",
        "",
        "| engine | wall ms, median (quartiles) | CPU ms, median (quartiles) | scans |",
        "|---|---|---|---|",
    ]
    for name, part in seconds.items():
        cells = [
            "{1:.3g} ({0:.3g}–{2:.3g})".format(*np.quantile(1e3 * column, [0.25, 0.5, 0.75]))
            for column in part.T
        ]
        lines.append(f"| {name} | {cells[0]} | {cells[1]} | {len(part)} |")
    lines += [
        "",
        f"Ratio of medians, d3p / jax: **{wall:.1f}** in wall time, **{cpu:.1f}** in CPU time.",
        "",
        f"Each value is the mean over a scan of {STEPS_PER_SCAN} steps, drawing noise and batches "
        f"included. The engines take turns in one process; the first {UNTIMED_SCANS} scans of "
        "every fit, which compile, and the accounting are left out on both sides.",
        "",
        f"{os.cpu_count()} cores, {versions}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    require_d3p()
    text = report(measure(arguments.rounds))
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
