"""The README's commands run, its picture is there, and its figures are the stored ones."""

import re

import numpy as np
import pandas as pd

from skdpsynth import Categorical, Count, TableSchema

from .pages import DOC, commands, run_command

ROOT = DOC.parent
TEXT = (ROOT / "README.rst").read_text(encoding="utf-8")
NAMES = {
    "``NapsuMQSynthesizer``": "napsu",
    "``DPMixtureSynthesizer``": "mixture",
    "``ClustMixSynthesizer``": "clustmix",
}


def test_commands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"age": rng.integers(18, 90, 500), "ill": rng.choice(["no", "yes"], 500)})
    table.to_csv("private.csv", index=False)
    schema = TableSchema({"age": Count(18, 100), "ill": Categorical(["no", "yes"])}, target="ill")
    schema.to_json("schema.json")
    block = re.search(r"^\.\. code-block:: console\n\n((?:   .*\n)+)", TEXT, re.MULTILINE)[1]
    lines = [line.strip() for line in block.splitlines()]
    for command, expected in commands("\n".join(lines)):
        assert expected == ""
        run_command(command)
    assert list(pd.read_csv("twin.csv")) == ["age", "ill"]
    assert "<html" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_table_of_scores():
    runs = pd.read_csv(ROOT / "benchmarks" / "results" / "benchmark_adult.csv")
    mean = runs.groupby(["method", "epsilon"], dropna=False)["lightgbm_auc"].mean()
    rows = re.findall(r"^(``\w+``) +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+)$", TEXT, re.MULTILINE)
    assert [name for name, *_ in rows] == list(NAMES)
    for name, *shown in rows:
        stored = [mean[NAMES[name], epsilon] for epsilon in (0.3, 1.0, 3.0)]
        stored.append(runs.loc[runs["method"] == "real", "lightgbm_auc"].mean())
        assert shown == [f"{score:.3f}" for score in stored]


def test_picture_and_the_script_that_draws_it():
    for name in re.findall(r"doc/images/[\w.]+", TEXT):
        assert (ROOT / name).is_file()
