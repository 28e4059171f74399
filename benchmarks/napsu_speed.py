"""NapsuMQSynthesizer: CPU seconds and memory of fits, compilation included, and of sampling.

python benchmarks/napsu_speed.py [--cases NAME ...] [--output FILE]

Every case runs in a process of its own. Its clock starts after the imports and the reading of the
table, and counts all threads; ε = 1 and δ = 1/N² throughout. Peak memory is the most the process
ever had resident, less what it had after the imports.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napsu_coverage import COARSE_QUERIES, coarse_adult, simulated_study

from skdpsynth import NapsuMQSynthesizer, TableSchema
from skdpsynth.datasets import fetch_adult

N_SAMPLED = 1_000_000
N_LARGE, N_SMALL = 1_000_000, 30_000


def peak_bytes() -> int:
    """Return the most memory this process ever had resident."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure_fit(table: pd.DataFrame, schema: TableSchema, **parameters: Any) -> dict[str, float]:
    """Return the cost of a fit, of one table from the posterior, and of many rows."""
    synthesizer = NapsuMQSynthesizer(1.0, len(table) ** -2.0, schema=schema, **parameters)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        before = time.process_time()
        synthesizer.fit(table)
        fitted = time.process_time()
    peak = peak_bytes()
    next(synthesizer.sample_datasets(1))
    drawn = time.process_time()
    synthesizer.sample(N_SAMPLED)
    return {
        "fit": fitted - before,
        "draw": drawn - fitted,
        "rows": time.process_time() - drawn,
        "parameters": synthesizer.model_.network.n_parameters,
        "peak": peak,
        "warned": len(caught),
    }


def three_columns(inference: str) -> dict[str, float]:
    """Fit 2,000 rows of three binary columns, with one query of all three."""
    study = simulated_study()
    table = study.draw_table(np.random.default_rng(0))
    return measure_fit(table, study.schema, queries=study.queries, inference=inference)


def label_pairs() -> dict[str, float]:
    """Fit Adult without its sampling weights, each of 13 columns in a pair with the label."""
    adult = fetch_adult()
    table, schema = adult.frame.drop(columns="fnlwgt"), adult.schema.drop(["fnlwgt"])
    queries = [(name, "income") for name in table if name != "income"]
    return measure_fit(table, schema, queries=queries)


def coarse(inference: str) -> dict[str, float]:
    """Fit the ten coarse columns of Adult, with a query of four columns and six pairs."""
    table, schema = coarse_adult()
    parameters = {"queries": COARSE_QUERIES, "inference": inference}
    return measure_fit(table, schema, **parameters)


def resampled(n_rows: int) -> dict[str, float]:
    """Fit all of Adult's columns with automatic queries, its rows drawn with replacement."""
    adult = fetch_adult()
    rows = np.random.default_rng(0).integers(0, len(adult.frame), n_rows)
    table = adult.frame.iloc[rows].reset_index(drop=True)
    measured = measure_fit(table, adult.schema)
    return {**measured, "table": float(table.memory_usage(deep=True).sum())}


CASES: dict[str, tuple[str, Callable[[], dict[str, float]]]] = {
    "binary": ("3 binary columns, one query of 3, Laplace", lambda: three_columns("laplace")),
    "binary-nuts": ("3 binary columns, one query of 3, NUTS", lambda: three_columns("nuts")),
    "pairs": ("Adult, 14 columns, 13 pairs with the label, Laplace", label_pairs),
    "coarse": ("Adult, 10 coarse columns, Laplace", lambda: coarse("laplace")),
    "coarse-nuts": ("Adult, 10 coarse columns, NUTS", lambda: coarse("nuts")),
    "auto-small": (
        f"Adult, {N_SMALL:,} rows, 15 columns, automatic",
        lambda: resampled(N_SMALL),
    ),
    "auto-large": (
        f"Adult, {N_LARGE:,} rows, 15 columns, automatic",
        lambda: resampled(N_LARGE),
    ),
}


def run_case(name: str) -> dict[str, float]:
    """Run a case in a fresh process, so that compilation and memory are counted."""
    command = [sys.executable, __file__, "--run", name]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main() -> None:
    """Print the table as markdown, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--output", type=Path)
    parser.add_argument("--run", choices=CASES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run is not None:
        imported = peak_bytes()
        measured = CASES[arguments.run][1]()
        print(json.dumps({**measured, "above_import": measured["peak"] - imported}))
        return
    lines = [
        "CPU seconds of a fit, compilation included, of one table of `sample_datasets` and of "
        f"{N_SAMPLED:,} rows of `sample`; memory above that after the imports. Warned: NUTS did "
        'not mix, and inference="laplace" took its place.',
        "",
        "| fit | parameters | fit s | one table s | 10⁶ rows s | peak MB | warned |",
        "|---|---|---|---|---|---|---|",
    ]
    results = {}
    for name in arguments.cases:
        results[name] = result = run_case(name)
        lines.append(
            f"| {CASES[name][0]} | {result['parameters']:,} | {result['fit']:.2f} | "
            f"{result['draw']:.2f} | {result['rows']:.2f} | {result['above_import'] / 1e6:.0f} | "
            f"{'yes' if result['warned'] else 'no'} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    if {"auto-small", "auto-large"} <= set(results):
        small, large = results["auto-small"], results["auto-large"]
        lines += [
            "",
            f"From {N_SMALL:,} to {N_LARGE:,} rows the fit takes {large['fit'] / small['fit']:.1f} "
            f"times as long. The larger table has {large['table'] / 1e6:.0f} MB; the peak, the "
            f"table included, is {large['above_import'] / large['table']:.1f} times that.",
        ]
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
