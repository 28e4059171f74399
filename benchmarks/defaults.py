"""Regret of the automatic settings: how far from the best setting of each table they are.

python benchmarks/defaults.py [--method mixture|clustmix] [--epsilon 1] [--seeds 2] [--output FILE]

A score is that of LightGBM trained on synthetic rows and tested on real ones (ROC AUC, or R² for a
numeric target), a distance the mean total-variation distance over pairs of columns.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from _simulated import SHAPES, simulate
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skdpsynth import ClustMixSynthesizer, DPMixtureSynthesizer
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd

MOST_ROWS = 50_000
MIXTURE_SETTINGS = {
    "automatic": {},
    "1 component per class": {"n_components": 1},
    "8 components": {"n_components": 8},
    "30 components": {"n_components": 30},
    "3 passes": {"n_passes": 3},
    "16 passes": {"n_passes": 16},
    "16 bins": {"n_bins": 16},
    "64 bins": {"n_bins": 64},
    "256 bins": {"n_bins": 256},
    "dpvi": {"inference": "dpvi"},
}
CLUSTMIX_SETTINGS = {
    "automatic": {},
    "1 cluster per class": {"n_clusters": 1},
    "sigma_max 0.005": {"sigma_max": 0.005},
    "sigma_max 0.01": {"sigma_max": 0.01},
    "sigma_max 0.05": {"sigma_max": 0.05},
    "sigma_max 0.1": {"sigma_max": 0.1},
    "16 bins": {"n_bins": 16},
    "64 bins": {"n_bins": 64},
    "256 bins": {"n_bins": 256},
}
METHODS = {
    "mixture": (DPMixtureSynthesizer, MIXTURE_SETTINGS),
    "clustmix": (ClustMixSynthesizer, CLUSTMIX_SETTINGS),
}


def measure(shape, method: str, epsilon: float, seed: int) -> pd.DataFrame:
    """Return score and distance of every setting on one table."""
    frame, schema = simulate(shape, seed)
    train, test = train_test_split(frame, test_size=0.25, random_state=seed)
    train, test = train.reset_index(drop=True), test.iloc[:MOST_ROWS].reset_index(drop=True)
    n_samples = min(len(train), MOST_ROWS)
    learner = LGBMRegressor if shape.label == "number" else LGBMClassifier
    scorer = TSTRScorer(
        make_pipeline(CategoryDtypeEncoder(), learner(verbose=-1, n_jobs=2)),
        n_samples=n_samples,
        random_state=seed,
    )
    rows = {}
    estimator, settings = METHODS[method]
    for name, setting in settings.items():
        synthesizer = estimator(epsilon, 1 / len(train), schema=schema, **setting)
        synthesizer.fit(train)
        synthetic = synthesizer.sample(n_samples, random_state=seed)
        distance = marginal_tvd(
            train.iloc[:MOST_ROWS], synthetic, schema, 2, max_marginals=100, random_state=0
        )
        rows[name] = {"score": scorer(synthesizer, test), "distance": distance}
    return pd.DataFrame(rows).T


def main() -> None:
    """Print a markdown table: automatic, best and which, for every table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", choices=METHODS, default="mixture")
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines = [
        f"{arguments.method}: ε = {arguments.epsilon:g}, δ = 1/N, "
        f"mean over {arguments.seeds} simulated tables each.",
        "",
        "| table | score | best score | regret | distance | best distance | regret |",
        "|---|---|---|---|---|---|---|",
    ]
    regrets = []
    for shape in SHAPES:
        runs = [
            measure(shape, arguments.method, arguments.epsilon, seed)
            for seed in range(arguments.seeds)
        ]
        mean = sum(runs) / len(runs)
        print(shape.name, mean.round(4).to_string(), sep="\n", file=sys.stderr, flush=True)
        score, distance = mean.loc["automatic"]
        best, nearest = mean["score"].max(), mean["distance"].min()
        regrets.append((best - score, distance - nearest))
        lines.append(
            f"| {shape.name} | {score:.3f} | {best:.3f} ({mean['score'].idxmax()}) | "
            f"{best - score:.3f} | {distance:.3f} | {nearest:.3f} ({mean['distance'].idxmin()}) | "
            f"{distance - nearest:.3f} |"
        )
    score_regret, distance_regret = np.mean(regrets, axis=0)
    lines.append(f"| mean | | | {score_regret:.3f} | | | {distance_regret:.3f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
