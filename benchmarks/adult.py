"""DPMixtureSynthesizer on UCI Adult: utility, fidelity, time and memory.

python benchmarks/adult.py [--epsilon 0.3 1 3 10 inf] [--seeds 3] [--output FILE]
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
from _tables import adult_edges, load_adult
from lightgbm import LGBMClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skdpsynth import DPMixtureSynthesizer
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd


def split(seed: int):
    """Return training and test rows and the schema."""
    frame, schema = load_adult()
    train, test = train_test_split(
        frame, test_size=0.25, random_state=seed, stratify=frame["income"]
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), schema


def make_scorer(n_samples: int, seed: int) -> TSTRScorer:
    """Return the scorer of the protocol: LightGBM with default parameters, category dtype."""
    model = make_pipeline(CategoryDtypeEncoder(), LGBMClassifier(verbose=-1, n_jobs=2))
    return TSTRScorer(model, n_samples=n_samples, random_state=seed)


def measure(epsilon: float, seed: int) -> dict[str, float]:
    """Fit once and return AUC and distances between marginals."""
    train, test, schema = split(seed)
    synthesizer = DPMixtureSynthesizer(epsilon, 1 / len(train), schema=schema).fit(train)
    synthetic = synthesizer.sample(len(train), random_state=seed)
    edges = adult_edges()
    return {
        "auc": make_scorer(len(train), seed)(synthesizer, test),
        "one_way_tvd": marginal_tvd(train, synthetic, schema, 1, edges=edges),
        "two_way_tvd": marginal_tvd(train, synthetic, schema, 2, edges=edges),
        "log_density": synthesizer.score(test),
    }


def measure_real(seed: int) -> float:
    """Return the AUC of the model trained on real rows."""
    train, test, schema = split(seed)
    scorer = make_scorer(len(train), seed)
    features = train.drop(columns="income"), train["income"]
    return scorer.score_real(*features, test.drop(columns="income"), test["income"], schema=schema)


def time_one_fit(epsilon: float) -> dict[str, float]:
    """Return CPU seconds and memory of a fit, compilation included, and seconds of sampling."""
    train, _, schema = split(0)
    before = time.process_time()
    synthesizer = DPMixtureSynthesizer(epsilon, 1 / len(train), schema=schema).fit(train)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    before = time.perf_counter()
    synthesizer.sample(1_000_000)
    return {"fit_cpu_s": cpu, "fit_peak_mb": peak, "sample_s": time.perf_counter() - before}


def main() -> None:
    """Print the table as markdown, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epsilon", type=float, nargs="+", default=[0.3, 1, 3, 10, float("inf")])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--time", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.time is not None:
        print(json.dumps(time_one_fit(arguments.time)))
        return
    real = [measure_real(seed) for seed in range(arguments.seeds)]
    lines = [
        f"Mean ± standard deviation over {arguments.seeds} splits; trained on real rows the AUC is "
        f"{sum(real) / len(real):.4f}.",
        "",
        "| ε | AUC | one-way TVD | two-way TVD | log density | fit CPU s | peak MB | 10⁶ rows s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for epsilon in arguments.epsilon:
        runs = pd.DataFrame([measure(epsilon, seed) for seed in range(arguments.seeds)])
        # a process of its own, so that compilation and memory are counted
        command = [sys.executable, __file__, "--time", str(epsilon)]
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
