"""A benchmark as markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ._measure import ORDERS
from ._methods import REAL

__all__ = ["format_report", "published_measure", "score_names"]

_TITLES = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "r2": "R²",
    "one_way_tvd": "one-way TVD",
    "two_way_tvd": "two-way TVD",
    "three_way_tvd": "three-way TVD",
    "fit_seconds": "fit s",
    "fit_cpu_seconds": "fit CPU s",
    "sample_seconds": "sample s",
    "peak_memory_mb": "peak MB",
}
_COSTS = ("fit_seconds", "fit_cpu_seconds", "sample_seconds", "peak_memory_mb")


def score_names(settings: Mapping[str, Any]) -> list[str]:
    """Return the scores that a benchmark has, such as ``"lightgbm_auc"``."""
    scores = ("auc", "accuracy") if settings["n_classes"] else ("r2",)
    return [f"{scorer}_{score}" for scorer in settings["scorers"] for score in scores]


def published_measure(entry: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the column that a published figure belongs to; the first scorer's if it names none."""
    scorer = entry.get("scorer", next(iter(settings["scorers"])))
    own = f"{scorer}_{entry['score']}"
    return own if own in score_names(settings) else str(entry["score"])


def title(name: str) -> str:
    """Return how a measure is called in a report."""
    if name in _TITLES:
        return _TITLES[name]
    if name.endswith("_gap"):
        return f"{title(name.removesuffix('_gap'))} gap"
    scorer, _, score = name.rpartition("_")
    if (scorer, score) == ("logistic", "r2"):
        # of a numeric target the linear model is a ridge regression
        scorer = "ridge"
    return f"{scorer} {_TITLES.get(score, score)}"


def format_report(
    runs: pd.DataFrame,
    summary: pd.DataFrame,
    settings: Mapping[str, Any],
    published: Sequence[Mapping[str, Any]],
) -> str:
    """Return the report of a benchmark.

    Parameters
    ----------
    runs : DataFrame
        One row per run.
    summary : DataFrame
        Their means and standard deviations.
    settings : mapping
        What the runs depend on.
    published : sequence of mapping
        Figures of others.
    """
    parts = [f"# {settings['table']}\n", *_protocol(runs, settings), ""]
    measures = _measures(summary, settings)
    parts += _format_table(summary, measures, settings, published)
    parts += _format_sources(published)
    parts += _format_reasons(runs)
    return "\n".join(parts).rstrip() + "\n"


def _measures(summary: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    names: list[str] = []
    for score in score_names(settings):
        names += [score] if score.endswith("_accuracy") else [score, f"{score}_gap"]
    names += [*ORDERS.values(), *_COSTS]
    return [n for n in names if f"{n}_mean" in summary and summary[f"{n}_mean"].notna().any()]


def _protocol(runs: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    rows = " and ".join(
        f"{runs[name].dropna().iloc[0]:,.0f} {label}"
        for name, label in (("n_train", "training"), ("n_test", "test"))
        if name in runs and runs[name].notna().any()
    )
    delta = settings["delta"]
    seeds = runs["seed"].nunique()
    split = "the publisher's split"
    if settings["split"] == "stratified":
        split = f"split {1 - settings['test_size']:.0%}/{settings['test_size']:.0%}"
        split += " by label" if settings["n_classes"] else " at random"
    lines = [
        f"{settings['n_rows']:,} rows, {settings['n_columns']} columns, target "
        f"“{settings['target']}”; {split}: {rows or 'no'} rows. "
        f"δ = {'one over the training rows' if delta is None else f'{delta:g}'}. "
        f"Mean ± standard deviation over {seeds} seed{'s' if seeds != 1 else ''}; as many "
        "synthetic rows as training rows.",
        "",
        "A score is that of a model trained on synthetic rows and tested on real ones; the gap is "
        "that of the same model trained on the real rows, less it. TVD is the mean total-variation "
        "distance of marginals to the training rows; in the row “real” it is that of a bootstrap. "
        "Fits are in a process of their own, compilation included; peak memory is all that it has "
        "resident. Scores and distances depend on real rows and are not private.",
    ]
    if settings["n_columns"] > settings["max_columns"]:
        lines += ["", f"Distances are of {settings['max_columns']} columns drawn once."]
    return lines


def _format_table(
    summary: pd.DataFrame,
    measures: Sequence[str],
    settings: Mapping[str, Any],
    published: Sequence[Mapping[str, Any]],
) -> list[str]:
    header = ["method", "ε", *(title(name) for name in measures), "runs"]
    lines = [_line(header), "|" + "---|" * len(header)]
    real_first = summary.sort_values("method", key=lambda m: m != REAL, kind="stable")
    for row in real_first.to_dict("records"):
        cells = [str(row["method"]), _format_epsilon(row["epsilon"])]
        cells += [_format_cell(name, row) for name in measures]
        good = int(row["n_runs"] - row["n_failed"])
        failed = f", {int(row['n_failed'])} failed" if row["n_failed"] else ""
        lines.append(_line([*cells, f"{good}{failed}"]))
    for entry in published:
        own = published_measure(entry, settings)
        cells = [f"{entry['value']:.4g}" if name == own else "" for name in measures]
        lines.append(_line([f"*{entry['method']}*", f"{entry['epsilon']:g}", *cells, "published"]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _format_epsilon(value: float) -> str:
    return "" if math.isnan(value) else f"{value:g}".replace("inf", "∞")


def _format_cell(name: str, row: Mapping[Any, Any]) -> str:
    mean, sd = row[f"{name}_mean"], row[f"{name}_sd"]
    if math.isnan(mean):
        return "–"
    digits = {"peak_memory_mb": 0, "fit_seconds": 1, "fit_cpu_seconds": 1, "sample_seconds": 2}
    places = digits.get(name, 4)
    spread = "" if math.isnan(sd) or name in _COSTS else f" ± {sd:.{places}f}"
    return f"{mean:.{places}f}{spread}"


def _format_sources(published: Sequence[Mapping[str, Any]]) -> list[str]:
    sources = dict.fromkeys(
        f"{entry['method']}: {entry['source']}" for entry in published if entry.get("source")
    )
    if not sources:
        return []
    return ["", "Published figures, in italics:", "", *(f"- {source}" for source in sources)]


def _format_reasons(runs: pd.DataFrame) -> list[str]:
    lines: list[str] = []
    failed = runs[runs["status"] != "ok"]
    if len(failed):
        lines += ["", "## Failures", ""]
        lines += [f"- {_name_run(row)}: {row['reason']}" for row in failed.to_dict("records")]
    warned = runs[runs["warnings"].fillna("") != ""] if "warnings" in runs else runs.iloc[:0]
    if len(warned):
        counts = warned.groupby(["method", "warnings"], sort=False).size()
        lines += ["", "## Warnings", ""]
        pairs: list[Any] = list(counts.items())
        lines += [f"- {method}, {n} runs: {text}" for (method, text), n in pairs]
    return lines


def _name_run(row: Mapping[Any, Any]) -> str:
    epsilon = row["epsilon"]
    shown = "" if epsilon is None or math.isnan(epsilon) else f", ε = {_format_epsilon(epsilon)}"
    return f"{row['method']}{shown}, seed {row['seed']}"
