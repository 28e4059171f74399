"""Tables of the documentation that are read from ``benchmarks/results`` when it is built.

``.. benchmark:: adult`` shows the means of the runs in ``benchmark_adult.csv``,
``.. stored-table:: coverage.md`` the first table in that file, and
``.. stored-table:: ../RESULTS.md mnist`` the first below that heading. No figure is copied by hand.
"""

import re
from pathlib import Path

import pandas as pd
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from skdpsynth._catalogue import METHODS

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
MEASURES = {
    "lightgbm_auc": "LightGBM AUC",
    "logistic_auc": "logistic AUC",
    "logistic_accuracy": "logistic accuracy",
    "one_way_tvd": "one-way TVD",
    "two_way_tvd": "two-way TVD",
    "fit_cpu_seconds": "fit, CPU s",
    "peak_memory_mb": "peak MB",
}
ORDER = ["real", *METHODS]
DIGITS = {"fit_cpu_seconds": 1, "peak_memory_mb": 0}


def read_runs(name):
    """Give the runs of a benchmark that did not fail, in one order for all tables."""
    runs = pd.read_csv(RESULTS / f"benchmark_{name}.csv")
    places = runs["method"].map(ORDER.index)
    runs = runs.assign(place=places).sort_values(["epsilon", "place", "seed"], na_position="first")
    return runs[runs["status"] == "ok"].drop(columns="place")


def summarise(runs):
    """Give means and standard deviations over the seeds, as text, a row per method and ε."""
    measures = [name for name in MEASURES if name in runs and runs[name].notna().any()]
    if "lightgbm_auc" in measures and "logistic_accuracy" in measures:
        measures.remove("logistic_accuracy")  # two scores fill the width of a page
    rows = [["synthesizer", "ε", *(MEASURES[name] for name in measures)]]
    grouped = runs.groupby(["method", "epsilon"], sort=False, dropna=False)
    for (method, epsilon), group in grouped:
        cells = [format_mean(group[name], DIGITS.get(name, 3)) for name in measures]
        rows.append([method, "" if pd.isna(epsilon) else f"{epsilon:g}", *cells])
    return rows


def format_mean(values, n_digits):
    if values.isna().any():
        return "–"
    if n_digits < 3 or len(values) == 1:
        return f"{values.mean():.{n_digits}f}"
    return f"{values.mean():.{n_digits}f} ± {values.std():.{n_digits}f}"


def read_markdown(name, heading=None):
    """Give the first table of a markdown file, or below a heading of it, its header first."""
    text = (RESULTS / name).read_text(encoding="utf-8")
    if heading is not None:
        text = text.split(f"\n## {heading}\n", 1)[1]
    table = re.search(r"^\|(?:.*\n\|)*.*", text, re.MULTILINE)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table[0].splitlines()]
    return [rows[0], *rows[2:]]


class StoredTable(Directive):
    required_arguments = 1
    optional_arguments = 1
    read = staticmethod(read_markdown)

    def run(self):
        rows = self.read(*self.arguments)
        text = [".. list-table::", "   :header-rows: 1", "   :class: figures", ""]
        for row in rows:
            text += [f"   {'* -' if number == 0 else '  -'} {c}" for number, c in enumerate(row)]
        self.state_machine.insert_input(list(StringList(text)), str(RESULTS))
        return []


class Benchmark(StoredTable):
    @staticmethod
    def read(name):
        return summarise(read_runs(name))


def setup(app):
    """Register both directives."""
    app.add_directive("stored-table", StoredTable)
    app.add_directive("benchmark", Benchmark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
