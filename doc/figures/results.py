"""Pictures that are drawn from ``benchmarks/results`` when the documentation is built."""

import matplotlib.pyplot as plt
import pandas as pd
from stored_results import read_markdown, read_runs

from skdpsynth._catalogue import METHODS
from skdpsynth.displays import PrivacyUtilityDisplay

INK = "#2b313b"


def at_epsilon_1():
    """Draw the scores at ε = 1 on every table, beside those of real rows."""
    tables = {
        "adult": "lightgbm_auc",
        "census": "lightgbm_auc",
        "covid19": "lightgbm_auc",
        "isolet": "logistic_auc",
        "mnist": "logistic_auc",
    }
    figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    for place, (table, measure) in enumerate(tables.items()):
        runs = read_runs(table)
        real = runs.loc[runs["method"] == "real", measure].mean()
        axes.plot([real, real], [place - 0.3, place + 0.3], color=INK, label="real rows")
        for number, (name, method) in enumerate(METHODS.items()):
            scores = runs.loc[(runs["method"] == name) & (runs["epsilon"] == 1), measure]
            if len(scores):
                axes.errorbar(
                    scores.mean(),
                    place + 0.15 * (number - (len(METHODS) - 1) / 2),
                    xerr=scores.std(),
                    fmt=method.marker,
                    color=method.colour,
                    capsize=2,
                    label=name,
                )
    axes.set_yticks(range(len(tables)), tables)
    axes.invert_yaxis()
    axes.set_xlabel("area under the ROC curve of models trained on synthetic rows")
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    by_name = dict(zip(labels, handles, strict=True))
    figure.legend(by_name.values(), by_name, loc="outside upper center", ncols=4, frameon=False)


def adult():
    """Draw two scores and the two-way distance on Adult against ε."""
    PrivacyUtilityDisplay.from_results(
        read_runs("adult"), ["lightgbm_auc", "logistic_auc", "two_way_tvd"]
    )


def covid19():
    """Draw the same on the smaller and harder table."""
    PrivacyUtilityDisplay.from_results(
        read_runs("covid19"), ["lightgbm_auc", "logistic_auc", "two_way_tvd"]
    )


def census():
    """Draw the score and distances on ten times the rows."""
    PrivacyUtilityDisplay.from_results(
        read_runs("census"), ["lightgbm_auc", "one_way_tvd", "two_way_tvd"]
    )


def isolet():
    """Draw the scores on 617 numeric columns."""
    PrivacyUtilityDisplay.from_results(read_runs("isolet"), ["logistic_auc", "logistic_accuracy"])


def mnist():
    """Draw the scores on 784 pixels."""
    PrivacyUtilityDisplay.from_results(read_runs("mnist"), ["logistic_auc", "logistic_accuracy"])


def coverage():
    """Draw how often intervals of nominally 95 % cover the truth."""
    header, *rows = read_markdown("napsu_coverage_logistic.md")
    table = pd.DataFrame(rows, columns=header)
    table[["share", "error"]] = table["95 %"].str.split(" ± ", expand=True).astype(float)
    table["place"] = table["ε"].map({"0.1": 0, "0.3": 1, "1": 2})
    figure, axes = plt.subplots(figsize=(6, 2.8), layout="constrained")
    axes.axhline(95, color=INK, linestyle="--", linewidth=1, label="nominal")
    coefficients = table["coefficient"].unique()
    colours = ("#c2410c", "#1d4ed8", "#15803d")
    for number, (coefficient, colour) in enumerate(zip(coefficients, colours, strict=True)):
        points = table[table["coefficient"] == coefficient]
        axes.errorbar(
            points["place"] + 0.12 * (number - 1),
            100 * points["share"],
            100 * points["error"],
            fmt="o",
            color=colour,
            capsize=3,
            label=coefficient,
        )
    axes.set_xticks([0, 1, 2], ["ε = 0.1", "ε = 0.3", "ε = 1"])
    axes.set(ylim=(90, 100), ylabel="intervals that cover, per cent")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=9)
