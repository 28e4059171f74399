"""The page on choosing ε and δ: its code runs, and its numbers are those of the code."""

import re

import numpy as np
import pandas as pd
import pytest

from skdpsynth._report._words import advantage_bound

from .pages import DOC, read_blocks, run_page

PAGE = "user_guide/epsilon.rst"


def test_examples(tmp_path, capsys):
    names = run_page(PAGE, tmp_path)
    printed = capsys.readouterr().out
    shown = [block.text.strip() for block in read_blocks(PAGE) if block.language == "text"]
    assert shown == [printed.splitlines()[-1]]
    assert names["together"] == pytest.approx(1.10, abs=0.005)
    assert names["first"].privacy_spent_.is_private
    # a group of three rows has what was wanted for a person
    epsilon, delta = names["epsilon"], names["delta"]
    np.testing.assert_allclose([epsilon, delta], [0.333, 2.3e-7], rtol=0.01)
    np.testing.assert_allclose(delta * sum(np.exp(j * epsilon) for j in range(3)), 1e-6)


def test_table_of_advantages():
    text = (DOC / PAGE).read_text(encoding="utf-8")
    rows = re.findall(r"^([\d.]+) +([\d.]+) % +([\d.]+) %$", text, re.MULTILINE)
    assert len(rows) == 8
    for epsilon, advantage, right in rows:
        bound = advantage_bound(float(epsilon), 1e-6)
        assert advantage == f"{100 * bound:.2f}"
        assert right == f"{50 + 50 * bound:.2f}"


def test_the_function_of_the_page_is_that_of_the_report(tmp_path, capsys):
    names = {}
    exec(read_blocks(PAGE)[0].text, names)
    for epsilon in (0.01, 1.0, 20.0):
        assert names["advantage"](epsilon) == pytest.approx(advantage_bound(epsilon, 1e-6))


def test_scores_that_it_quotes():
    text = " ".join((DOC / PAGE).read_text(encoding="utf-8").split())
    runs = pd.read_csv(DOC.parent / "benchmarks" / "results" / "benchmark_adult.csv")
    mean = runs.groupby(["method", "epsilon"])["lightgbm_auc"].mean()["mixture"]
    real = runs.loc[runs["method"] == "real", "lightgbm_auc"].mean()
    quoted = f"{mean[0.3]:.3f} at ε = 0.3, of {mean[1.0]:.3f} at 1 and of {mean[3.0]:.3f} at 3"
    assert quoted in text
    assert f"real rows give {real:.3f}" in text
