"""Histograms of single columns from few rows: one flat release, or one level by level.

Constants of `skdpsynth/_denoising/_halving.py` and `_histograms/_levels.py` were chosen by the
first part, on simulated columns (the odds of empty halves, and the shares of μ², with an eye on the
second part and on a simulated table of 900 rows, too):

    python benchmarks/margins.py columns --output benchmarks/results/margins.md

The second part is a check on Adult, with whatever the library does:

    python benchmarks/margins.py tables --rows 1000 3000 0 --seeds 4
"""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from skdpsynth import Continuous, Count
from skdpsynth._denoising import project_to_simplex
from skdpsynth._histograms import FineGrid, fine_grid, locate
from skdpsynth._histograms import _levels as levels

# Rows, and the signal of a column: rows over the noise of one histogram that had its whole share of
# the release. At ε = 1 and δ = 10⁻⁶, 15 % of μ² are 80 for 900 rows of one numeric column, 48 for
# three of them, 160 for 3,000 rows of three, 900 for 24,420 of six
SETTINGS = (
    (900, 20.0),
    (900, 50.0),
    (900, 80.0),
    (3_000, 160.0),
    (24_420, 900.0),
    (200_000, 7_500.0),
)
DECAYS = (0.6, 0.8, 0.9, 1.0)


def simulate(n: int, rng: np.random.Generator) -> dict[str, tuple[Continuous | Count, np.ndarray]]:
    """Return columns of many shapes with public bounds, some of them far too wide."""
    is_spike, is_heap, other = (rng.random(n) for _ in range(3))
    columns = {
        "normal": (Continuous(-10, 10), rng.normal(0, 1.5, n)),
        "normal, wide bounds": (Continuous(0, 1_000), rng.normal(170, 10, n)),
        "lognormal": (Continuous(0, 1_000), rng.lognormal(2.9, 1, n)),
        "lognormal, wide bounds": (Continuous(0, 1e6), rng.lognormal(9, 1, n)),
        "uniform": (Continuous(0, 1), rng.random(n)),
        "bimodal": (
            Continuous(0, 100),
            np.where(is_spike < 0.4, rng.normal(20, 4, n), rng.normal(70, 6, n)),
        ),
        "spike and tail": (
            Continuous(0, 100_000),
            np.where(is_spike < 0.9, 0.0, rng.lognormal(8, 1.2, n)),
        ),
        "exponential": (Continuous(0, 100), rng.exponential(6, n)),
        "Pareto": (Continuous(0, 10_000), 20 * (1 + rng.pareto(2.5, n))),
        "integers, one common": (Count(0, 99), np.where(is_heap < 0.47, 40, rng.normal(40, 13, n))),
        "capped": (
            Continuous(0, 500_000),
            np.where(is_heap < 0.05, 500_000, rng.lognormal(12, 0.5, n).clip(0, 499_000)),
        ),
        "few integers": (Count(0, 10), rng.choice(6, n, p=[0.68, 0.235, 0.03, 0.02, 0.02, 0.015])),
        "age": (Count(0, 110), 5 + rng.gamma(6, 6.5, n)),
        "two heaps of 11 %": (
            Continuous(0, 10_000),
            np.where(
                is_heap < 0.11, 1_500, np.where(other < 0.11, 3_000, rng.lognormal(7.5, 0.5, n))
            ),
        ),
        "integers, wide bounds": (Count(0, 5_000), rng.lognormal(4, 1, n)),
    }
    drawn = {}
    for name, (kind, values) in columns.items():
        clipped = np.clip(values, kind.low, kind.high)
        drawn[name] = (kind, np.rint(clipped) if isinstance(kind, Count) else clipped)
    return drawn


def estimate_flat(counts: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Return noisy counts of all cells, projected on the simplex: what was done before."""
    total = counts.sum()
    return total * project_to_simplex((counts + rng.normal(0, scale, len(counts))) / total)


def estimate_by_level(
    counts: np.ndarray, grid: FineGrid, scale: float, rng: np.random.Generator
) -> np.ndarray:
    """Return what the library makes of noisy counts of all levels, of the same sensitivity."""
    tree = levels.CellTree(len(counts), False)
    scale *= math.sqrt(tree.squared_norm)
    exact = tree.measure_levels(counts)
    noisy = exact + rng.normal(0, scale, len(exact))
    return tree.combine(noisy, scale).divide(float(counts.sum()), grid)


def compare(estimate: np.ndarray, counts: np.ndarray, grid: FineGrid, kind: Continuous | Count):
    """Return ratio of standard deviations, bias and Wasserstein distance in sd, and TVD."""
    width = 1.0 if grid.is_count else kind.high - kind.low
    middle, inside = width * (grid.left + grid.right) / 2, width * (grid.right - grid.left)
    found, true = estimate / estimate.sum(), counts / counts.sum()

    def moments(share: np.ndarray) -> tuple[float, float]:
        mean = share @ middle
        return mean, math.sqrt(share @ (np.square(middle - mean) + inside**2 / 12))

    (mean, sd), (true_mean, true_sd) = moments(found), moments(true)
    distance = np.abs(np.cumsum(found - true)) @ np.diff(middle, append=middle[-1])
    # 32 bins of equal true mass: what a model is made of
    bins = np.minimum((np.cumsum(true) - true / 2) * 32, 31).astype(int)
    moved = np.bincount(bins, found, 32) - np.bincount(bins, true, 32)
    return {
        "sd ratio": sd / true_sd,
        "bias": abs(mean - true_mean) / true_sd,
        "Wasserstein": distance / true_sd,
        "TVD, 32 bins": 0.5 * np.abs(moved).sum(),
        "TVD, cells": 0.5 * np.abs(found - true).sum(),
    }


def measure_columns(n: int, signal: float, decay: float | None, seeds: int) -> pd.DataFrame:
    """Return the medians over seeds for every column; without a decay, of the flat release."""
    rows = []
    if decay is not None:
        levels.LEVEL_DECAY = decay
    for seed in range(seeds):
        rng = np.random.default_rng([seed, n])
        for name, (kind, values) in simulate(n, rng).items():
            grid = fine_grid(kind)
            cells = locate(grid, kind, (values - kind.low) / (kind.high - kind.low))
            counts = np.bincount(cells, minlength=len(grid.left)).astype(float)
            if decay is None:
                estimate = estimate_flat(counts, n / signal, rng)
            else:
                estimate = estimate_by_level(counts, grid, n / signal, rng)
            rows.append({"column": name, **compare(estimate, counts, grid, kind)})
    return pd.DataFrame(rows).groupby("column", sort=False).median()


def summarise(table: pd.DataFrame) -> list[float]:
    """Return the figures of a line: median, largest and smallest ratio, and means of the others."""
    ratio = table["sd ratio"]
    means = table.drop(columns="sd ratio").mean()
    return [ratio.median(), ratio.max(), ratio.min(), *means]


def report_columns(seeds: int) -> str:
    """Return the markdown of the first part."""
    heads = ["rows", "signal", "release", "sd median", "max", "min"]
    heads += ["bias", "Wasserstein", "TVD, 32 bins", "TVD, cells"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    chosen = levels.LEVEL_DECAY
    for n, signal in SETTINGS:
        for decay in (None, *DECAYS):
            figures = summarise(measure_columns(n, signal, decay, seeds))
            name = "flat" if decay is None else f"by level, {decay:g}"
            name = f"**{name}**" if decay == chosen else name
            lines.append(
                f"| {n:,} | {signal:g} | {name} | " + " | ".join(f"{x:.3f}" for x in figures) + " |"
            )
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def measure_table(method: str, n_rows: int, seed: int) -> dict[str, float]:
    """Return the figures of one fit on Adult, ε = 1, of `n_rows` training rows or all."""
    # late: the first part needs none of them
    from _tables import split
    from lightgbm import LGBMClassifier
    from sklearn.pipeline import make_pipeline

    from skdpsynth import ClustMixSynthesizer, DPMixtureSynthesizer, NapsuMQSynthesizer
    from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd

    estimators = {
        "napsu": NapsuMQSynthesizer,
        "mixture": DPMixtureSynthesizer,
        "clustmix": ClustMixSynthesizer,
    }
    train, test, schema = split("adult", seed)
    if n_rows:
        train = train.sample(n_rows, random_state=seed).reset_index(drop=True)
    n_samples = len(train)
    synthesizer = estimators[method](1.0, 1e-6, schema=schema, random_state=seed).fit(train)
    synthetic = synthesizer.sample(n_samples, random_state=seed)
    numeric = [name for name in schema if isinstance(schema[name], Continuous | Count)]
    ratio = synthetic[numeric].std() / train[numeric].std()
    grid = (np.arange(2_000) + 0.5) / 2_000
    moved = train[numeric].quantile(grid) - synthetic[numeric].quantile(grid)
    learner = make_pipeline(CategoryDtypeEncoder(), LGBMClassifier(verbose=-1, n_jobs=1))
    scorer = TSTRScorer(learner, n_samples=n_samples, random_state=seed)
    return {
        "sd median": ratio.median(),
        "max": ratio.max(),
        "min": ratio.min(),
        "bias": ((synthetic[numeric].mean() - train[numeric].mean()) / train[numeric].std())
        .abs()
        .mean(),
        "Wasserstein": (moved.abs().mean() / train[numeric].std()).mean(),
        "TVD": marginal_tvd(train, synthetic, schema, 1),
        "TVD, pairs": marginal_tvd(train, synthetic, schema, 2, max_marginals=150, random_state=0),
        "AUC": scorer(synthesizer, test),
    }


def report_tables(rows: list[int], seeds: int) -> str:
    """Return the markdown of the second part."""
    lines: list[str] = []
    for n_rows in rows:
        for method in ("napsu", "mixture", "clustmix"):
            runs = pd.DataFrame([measure_table(method, n_rows, seed) for seed in range(seeds)])
            if not lines:
                heads = ["rows", "method", *runs.columns]
                lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
            figures = " | ".join(f"{value:.3f}" for value in runs.mean())
            lines.append(f"| {n_rows or 24_420:,} | {method} | {figures} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print one part as markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["columns", "tables"])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 3_000, 0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    if arguments.part == "columns":
        text = report_columns(arguments.seeds)
    else:
        text = report_tables(arguments.rows, arguments.seeds)
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
