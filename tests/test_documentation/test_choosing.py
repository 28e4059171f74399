"""The page on choosing a synthesizer runs, and quotes the stored results as they are."""

import re
from pathlib import Path

from skdpsynth import DPMixtureSynthesizer

from .pages import DOC, run_page

PAGE = "user_guide/choosing.rst"
RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
STORED = {
    "``napsu``": "adult_napsu.md",
    "``mixture``": "adult.md",
    "``mixture``, dpvi": "adult_dpvi.md",
}


def test_example(tmp_path):
    comparison = run_page(PAGE, tmp_path)["comparison"].set_index("synthesizer")
    assert len(comparison) == 3
    assert DPMixtureSynthesizer.__name__ in comparison.index
    # trained on real rows it is about 0.92; without the dependence on age it would be 0.5
    assert (comparison["ROC AUC"] > 0.75).all()
    assert (comparison["two-way TVD"] < 0.4).all()


def stored_rows(file):
    """Give AUC, two-way TVD and CPU seconds by ε, as a file of results has them."""
    lines = (RESULTS / file).read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "|" in line]
    header = cells[0]
    columns = [header.index(name) for name in ("AUC", "two-way TVD", "fit CPU s")]
    mean = [[row[0], *(row[j].split(" ± ")[0] for j in columns)] for row in cells[2:]]
    return {epsilon: values for epsilon, *values in mean}


def test_quoted_results():
    text = (DOC / PAGE).read_text(encoding="utf-8")
    row = re.compile(r"^(\.\.|``.+?)  +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", re.MULTILINE)
    name, n_quoted = None, 0
    for first, epsilon, *quoted in row.findall(text):
        name = name if first == ".." else first
        if name in STORED:
            auc, distance, seconds = stored_rows(STORED[name])[epsilon]
            assert quoted[2] == seconds
            for shown, exact in zip(quoted, (auc, distance), strict=False):
                # halves were rounded either way
                assert abs(float(shown) - float(exact)) <= 0.000501, (name, epsilon)
            n_quoted += 1
    assert n_quoted == 9
