"""The synthesizers on real tables: utility, fidelity, time and memory.

python benchmarks/utility.py adult|census|covid19
    [--method mixture|dpvi|napsu|star|tree|tan|clustmix|madl2022]
    [--epsilon 0.3 1 3 10 inf] [--seeds 3] [--output FILE]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
from _tables import LOADERS, split
from lightgbm import LGBMClassifier
from sklearn.pipeline import make_pipeline

from skdpsynth import ClustMixSynthesizer, DPMixtureSynthesizer, NapsuMQSynthesizer
from skdpsynth.datasets import fetch_adult
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd

METHODS = {
    "mixture": (DPMixtureSynthesizer, {}),
    "dpvi": (DPMixtureSynthesizer, {"inference": "dpvi"}),
    "napsu": (NapsuMQSynthesizer, {}),
    "star": (NapsuMQSynthesizer, {"queries": "star"}),
    "tree": (NapsuMQSynthesizer, {"queries": "tree"}),
    "tan": (NapsuMQSynthesizer, {"queries": "tan"}),
    "clustmix": (ClustMixSynthesizer, {}),
    # as published, not private; the default sigma_max leaves it few clusters
    "madl2022": (ClustMixSynthesizer, {"mechanism": "madl2022", "sigma_max": 0.1}),
}


def make_scorer(n_samples: int, seed: int, scoring: str = "roc_auc") -> TSTRScorer:
    """Return the scorer of the protocol: LightGBM with default parameters, category dtype."""
    model = make_pipeline(CategoryDtypeEncoder(), LGBMClassifier(verbose=-1, n_jobs=2))
    return TSTRScorer(model, scoring, n_samples=n_samples, random_state=seed)


def make_synthesizer(epsilon: float, n_rows: int, schema, method: str):
    """Return the synthesizer at its defaults."""
    synthesizer, setting = METHODS[method]
    return synthesizer(epsilon, 1 / n_rows, schema=schema, **setting)


def measure(table: str, epsilon: float, seed: int, method: str) -> dict[str, float]:
    """Fit once and return AUC, accuracy and distances between marginals."""
    train, test, schema = split(table, seed)
    synthesizer = make_synthesizer(epsilon, len(train), schema, method).fit(train)
    synthetic = synthesizer.sample(len(train), random_state=seed)
    edges = fetch_adult().edges if table == "adult" else None
    return {
        "auc": make_scorer(len(train), seed)(synthesizer, test),
        "accuracy": make_scorer(len(train), seed, "accuracy")(synthesizer, test),
        "one_way_tvd": marginal_tvd(train, synthetic, schema, 1, edges=edges),
        "two_way_tvd": marginal_tvd(train, synthetic, schema, 2, edges=edges),
        "log_density": synthesizer.score(test),
    }


def measure_real(table: str, seed: int, scoring: str) -> float:
    """Return the score of the model trained on real rows."""
    train, test, schema = split(table, seed)
    scorer = make_scorer(len(train), seed, scoring)
    target = schema.target
    parts = [part for rows in (train, test) for part in (rows.drop(columns=target), rows[target])]
    return scorer.score_real(*parts, schema=schema)


def time_one_fit(table: str, epsilon: float, method: str) -> dict[str, float]:
    """Return CPU seconds and memory of a fit, compilation included, and seconds of sampling."""
    train, _, schema = split(table, 0)
    before = time.process_time()
    synthesizer = make_synthesizer(epsilon, len(train), schema, method).fit(train)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = time.perf_counter()
    synthesizer.sample(1_000_000)
    return {"fit_cpu_s": cpu, "fit_peak_mb": peak, "sample_s": time.perf_counter() - before}


def main() -> None:
    """Print the table as markdown, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=LOADERS)
    parser.add_argument("--method", choices=METHODS, default="mixture")
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.3, 1, 3, 10, float("inf")])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--time", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    table, method = arguments.table, arguments.method
    if arguments.time is not None:
        print(json.dumps(time_one_fit(table, arguments.time, method)))
        return
    seeds = range(arguments.seeds)
    auc, accuracy = (
        sum(measure_real(table, seed, scoring) for seed in seeds) / len(seeds)
        for scoring in ("roc_auc", "accuracy")
    )
    lines = [
        f"{table}, {method}: mean ± standard deviation over {len(seeds)} splits; "
        f"trained on real rows the AUC is {auc:.4f}, the accuracy {accuracy:.4f}.",
        "",
        "| ε | AUC | accuracy | one-way TVD | two-way TVD | log density | fit CPU s | peak MB | "
        "10⁶ rows s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for epsilon in arguments.epsilon:
        runs = pd.DataFrame([measure(table, epsilon, seed, method) for seed in seeds])
        # a process of its own, so that compilation and memory are counted
        command = [sys.executable, __file__, table, "--method", method]
        command += ["--time", str(epsilon)]
        timed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        cells = [f"{runs[name].mean():.4f} ± {runs[name].std():.4f}" for name in runs]
        cells += [f"{timed['fit_cpu_s']:.1f}", f"{timed['fit_peak_mb']:.0f}"]
        lines.append(f"| {epsilon:g} | " + " | ".join([*cells, f"{timed['sample_s']:.1f}"]) + " |")
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
