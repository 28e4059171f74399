"""The page on results shows the stored results: all of them, and as they are."""

import re
import sys

import pandas as pd
import pytest

from .pages import DOC

PAGES = [DOC / "user_guide" / name for name in ("results.rst", "inference.rst")]
TEXT = "".join(page.read_text(encoding="utf-8") for page in PAGES)


@pytest.fixture
def stored_results(monkeypatch):
    pytest.importorskip("docutils")
    monkeypatch.syspath_prepend(DOC / "extensions")
    import stored_results

    yield stored_results
    del sys.modules["stored_results"]


def test_every_benchmark_is_shown(stored_results):
    stored = {path.stem for path in stored_results.RESULTS.glob("benchmark_*.csv")}
    shown = re.findall(r"^\.\. benchmark:: (\w+)$", TEXT, re.MULTILINE)
    assert {f"benchmark_{name}" for name in shown} == stored


def test_summary(stored_results):
    runs = pd.DataFrame(
        {
            "method": ["real", "napsu", "napsu"],
            "epsilon": [None, 0.3, 0.3],
            "lightgbm_auc": [0.9, 0.8, 0.7],
            "logistic_auc": [None] * 3,
            "fit_cpu_seconds": [None, 1.0, 2.0],
        }
    )
    assert stored_results.summarise(runs) == [
        ["synthesizer", "ε", "LightGBM AUC", "fit, CPU s"],
        ["real", "", "0.900", "–"],
        ["napsu", "0.3", "0.750 ± 0.071", "1.5"],
    ]


def test_tables_of_the_page(stored_results):
    named = re.findall(r"^\.\. stored-table:: (.+)$", TEXT, re.MULTILINE)
    assert len(named) > 3
    for name in named:
        header, *rows = stored_results.read_markdown(*name.split())
        assert rows, name
        assert {len(row) for row in rows} == {len(header)}, name
