import io
import json
import re
import subprocess
import sys

import pandas as pd
import pytest

from skdpsynth.__main__ import main

from . import stand_ins

pytest.importorskip("matplotlib")

METHOD = f"{stand_ins.__name__}:Copies"


@pytest.fixture
def arguments(tmp_path, csv, schema_json):
    return [
        "benchmark",
        "--data",
        str(csv),
        "--schema",
        str(schema_json),
        "--methods",
        METHOD,
        "--scorers",
        "logistic",
        "--seeds",
        "1",
        "--no-isolation",
        "--output",
        str(tmp_path / "out"),
    ]


def test_command_in_a_process_of_its_own(tmp_path, csv, schema_json):
    (tmp_path / "mine.py").write_text(
        "class Mine:\n"
        "    def fit(self, X):\n"
        "        self.rows = X\n"
        "    def sample(self, n_samples):\n"
        "        return self.rows\n"
    )
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "skdpsynth",
        "benchmark",
        "--data",
        csv.name,
        "--target",
        "ill",
        "--schema",
        schema_json.name,
        "--method",
        "mine:Mine",
        "--epsilon",
        "1,inf",
        "--seeds",
        "1",
        "--scorers",
        "logistic",
        "--output",
        "out",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| Mine | ∞ |" in done.stdout
    runs = pd.read_csv(tmp_path / "out" / "results.csv")
    assert runs["status"].tolist() == ["ok"] * 3
    assert (tmp_path / "out" / "figure.png").stat().st_size > 10_000
    assert (tmp_path / "out" / "report.md").read_text() in done.stdout


def test_options_reach_the_benchmark(arguments, tmp_path, capsys):
    (tmp_path / "edges.json").write_text('{"age": [0, 50, 100]}')
    (tmp_path / "theirs.json").write_text(
        '[{"method": "theirs", "epsilon": 1, "score": "auc", "value": 0.7}]'
    )
    more = ["--edges", str(tmp_path / "edges.json"), "--published", str(tmp_path / "theirs.json")]
    more += [
        "--delta",
        "1e-5",
        "--max-train-rows",
        "100",
        "--bins",
        "7",
        "--max-marginals",
        "2",
        "--max-columns",
        "3",
    ]
    more += ["--test-size", "0.5", "--missing", "?", "--missing", "-", "--epsilon", "0.3,3"]
    assert main([*arguments, *more]) == 0
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())["settings"]
    expected = {
        "edges": {"age": [0.0, 50.0, 100.0]},
        "delta": 1e-5,
        "max_train_rows": 100,
        "n_bins": 7,
        "max_marginals": 2,
        "max_columns": 3,
        "test_size": 0.5,
        "table": "patients",
        "target": "ill",
        "left_out": ["id"],
    }
    assert {name: settings[name] for name in expected} == expected
    assert "*theirs*" in capsys.readouterr().out
    assert len(pd.read_csv(tmp_path / "out" / "results.csv")) == 3


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--data", "nowhere.csv"], "neither a file nor one of the tables"),
        (["--schema", "nowhere.json"], "no schema at"),
        (["--target", "sex"], "target 'sex' is not a column"),
        (["--methods", "mixtur"], "'mixtur' is unknown"),
        (["--methods", "mixture,"], "is not a list such as a,b"),
        (["--methods", "nowhere:Name"], "cannot be imported"),
        (["--scorers", "forest"], "'forest' is unknown"),
        (["--epsilon", "0"], "0 is not above 0"),
        (["--epsilon", "1;3"], "'1;3' is not a number"),
        (["--seeds", "0"], "'0' is not a positive whole number"),
        (["--seeds", "some"], "'some' is not a positive whole number"),
        (["--delta", "2"], "2 is not below 1"),
        (["--test-size", "1"], "1 is not below 1"),
        (["--split", "half"], "'half' is not one of"),
        (["--split", "official"], "for named tables"),
        (["--edges", "nowhere.json"], "not an object of bin edges"),
        (["--published", "nowhere.json"], "cannot be read"),
        (["--timeout", "-1"], "-1 is not above 0"),
    ],
)
def test_arguments_that_make_no_sense(arguments, more, message, capsys):
    assert main([*arguments, *more]) == 2
    error = capsys.readouterr().err
    assert "Usage: python -m skdpsynth benchmark" in error
    assert message in error


def test_data_is_needed(capsys):
    assert main(["benchmark"]) == 2
    assert "--data" in capsys.readouterr().err


def test_table_that_is_nowhere(monkeypatch, arguments, capsys):
    monkeypatch.delenv("SKDPSYNTH_DATA", raising=False)
    command = ["benchmark", "--data", "covid19", "--methods", METHOD, "--scorers", "logistic"]
    assert main(command) == 2
    assert "put covid19_einstein.csv.gz into one" in capsys.readouterr().err


def test_results_of_other_settings(arguments, capsys):
    assert main(arguments) == 0
    assert main([*arguments, "--delta", "0.1"]) == 2
    assert "delta was None and is now 0.1" in capsys.readouterr().err


def test_nothing_that_succeeds(arguments):
    failing = f"{stand_ins.__name__}:Failing"
    assert main([*arguments, "--methods", failing]) == 1
    assert main([*arguments, "--methods", f"{failing},{METHOD}"]) == 0


def test_package_that_is_not_installed(arguments, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert main([*arguments, "--scorers", "lightgbm"]) == 1
    assert 'pip install -e ".[benchmark]"' in capsys.readouterr().err


def test_default_models_are_those_that_are_installed(arguments, monkeypatch, tmp_path, capsys):
    at = arguments.index("--scorers")
    without = [*arguments[:at], *arguments[at + 2 :]]
    monkeypatch.setattr("skdpsynth._cli._benchmark.find_spec", lambda name: None)
    assert main(without) == 0
    assert "LightGBM is not installed: models are logistic or ridge" in capsys.readouterr().err
    settings = json.loads((tmp_path / "out" / "settings.json").read_text())["settings"]
    assert list(settings["scorers"]) == ["logistic"]


def test_matplotlib_is_looked_for_before_the_runs(arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(arguments) == 1
    assert 'pip install -e ".[benchmark]"' in capsys.readouterr().err
    assert not (tmp_path / "out" / "results.csv").exists()


def test_interruption(arguments, monkeypatch, capsys):
    def interrupt(run, table):
        raise KeyboardInterrupt

    monkeypatch.setattr("skdpsynth.benchmark._run.measure", interrupt)
    assert main(arguments) == 130
    assert "the same command goes on from there" in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "pipe"])
def test_bar_with_remaining_time_on_a_terminal_only(arguments, monkeypatch, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    assert main(arguments) == 0
    shown = stream.getvalue()
    if not stream.isatty():
        assert shown == ""
        return
    assert "2/2 [" in shown
    assert "Copies ε=1 seed 0" in shown
    assert re.search(r"1/2 \[00:\d\d<00:\d\d", shown)
