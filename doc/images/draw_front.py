"""Draw the picture of the front page: ``python doc/images/draw_front.py``.

The copy is of the RAND Health Insurance Experiment, which is public; the scores are those stored in
``benchmarks/results/benchmark_adult.csv``.
"""

from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from skdpsynth import DPMixtureSynthesizer
from skdpsynth._catalogue import METHODS
from skdpsynth.datasets import load_rand_hie

HERE = Path(__file__).parent
SCORES = HERE.parents[1] / "benchmarks" / "results" / "benchmark_adult.csv"
REAL, SYNTHETIC, INK = "#b4bbc6", "#c2410c", "#2b313b"


def draw_column(axes, real, synthetic):
    bins = np.arange(-1, 43, 2)
    for rows, style in (
        (real, {"color": REAL, "label": "real rows"}),
        (
            synthetic,
            {"color": SYNTHETIC, "histtype": "step", "linewidth": 1.8, "label": "synthetic"},
        ),
    ):
        weights = np.full(len(rows), 100 / len(rows))
        axes.hist(rows["disea"].clip(0, 41), bins, weights=weights, **style)
    axes.set(xlabel="index of chronic diseases", ylabel="% of rows")
    axes.legend(frameon=False)


def draw_dependence(axes, real, synthetic):
    edges = [0, 5, 10, 15, 20, 30, 101]
    for rows, shift, colour in ((real, -0.2, REAL), (synthetic, 0.2, SYNTHETIC)):
        poor = rows["fair_or_poor"] == "yes"
        share = 100 * poor.groupby(pd.cut(rows["disea"], edges, right=False), observed=False).mean()
        axes.bar(np.arange(len(share)) + shift, share, 0.4, color=colour)
    names = [f"{low}–{high}" for low, high in pairwise(edges[:-1])]
    axes.set_xticks(range(len(edges) - 1), [*names, f"{edges[-2]}+"])
    axes.set(xlabel="index of chronic diseases", ylabel="% in fair or poor health")


def draw_scores(axes):
    runs = pd.read_csv(SCORES)
    ceiling = runs.loc[runs["method"] == "real", "lightgbm_auc"].mean()
    axes.axhline(ceiling, color=INK, linestyle="--", linewidth=1.2)
    axes.text(0, ceiling - 0.001, "trained on real rows", va="top", fontsize=9, color=INK)
    means = runs.groupby(["method", "epsilon"])["lightgbm_auc"].mean()
    for name, method in METHODS.items():
        points = means[name]
        axes.plot(range(len(points)), points, marker=method.marker, color=method.colour, label=name)
    axes.set_xticks(range(len(points)), [f"ε = {epsilon:g}" for epsilon in points.index])
    axes.set(ylabel="area under the ROC curve", ylim=(0.86, 0.935))
    axes.legend(frameon=False, title="trained on synthetic rows", loc="lower right")


def main():
    table = load_rand_hie()
    # a seed fixes the noise: for a public table only
    synthesizer = DPMixtureSynthesizer(epsilon=1.0, schema=table.schema, random_state=0)
    synthetic = synthesizer.fit(table.frame).sample(len(table.frame), random_state=0)
    plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False})
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    draw_column(axes[0], table.frame, synthetic)
    draw_dependence(axes[1], table.frame, synthetic)
    draw_scores(axes[2])
    for panel, title in zip(
        axes,
        ("A column, ε = 1", "Two columns, ε = 1", "What models learn from it (Adult)"),
        strict=True,
    ):
        panel.set_title(title, loc="left", fontweight="bold", color=INK)
    figure.savefig(HERE / "front.png", dpi=90)


if __name__ == "__main__":
    main()
