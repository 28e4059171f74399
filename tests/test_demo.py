import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from skdpsynth import __main__ as command_line
from skdpsynth import _demo
from skdpsynth.schema import Categorical, Count, TableSchema

pytest.importorskip("matplotlib")

SCHEMA = TableSchema({"age": Count(0, 99), "ill": Categorical(["no", "yes"])}, target="ill")


class Bootstrap:
    """Stands for a synthesizer: no privacy, no modelling."""

    schema_ = SCHEMA
    n_records_ = 160.4
    privacy_spent_ = SimpleNamespace(
        epsilon=0.99996, delta=1e-6, adjacency="add_remove", notes=("a stand-in, " * 9,)
    )

    def fit(self, X):
        self.rows_ = X
        return self

    def sample(self, n_samples=1, *, random_state=None):
        return self.rows_.sample(n_samples, replace=True, random_state=random_state)

    def sample_xy(self, n_samples=1, *, random_state=None):
        rows = self.sample(n_samples, random_state=random_state)
        return rows[["age"]], rows["ill"]


@pytest.fixture
def table():
    age = np.random.RandomState(0).randint(0, 100, 200)
    frame = pd.DataFrame({"age": age, "ill": np.where(age > 60, "yes", "no")})
    return Bunch(frame=frame, groups=np.arange(200) // 2, schema=SCHEMA)


def test_measures_and_files(tmp_path, table):
    synthesizer = Bootstrap()
    result = _demo.run_demo(tmp_path / "new" / "out", seed=0, synthesizer=synthesizer, table=table)
    assert (result.n_train + result.n_test, result.n_synthetic) == (200, 160)
    assert result.n_train == pytest.approx(150, abs=4)
    pairs = table.frame.groupby(table.groups).groups.values()
    assert all(pair.isin(synthesizer.rows_.index).mean() in (0, 1) for pair in pairs)
    share = synthesizer.rows_["ill"].value_counts(normalize=True)["yes"]
    assert share == pytest.approx((table.frame["ill"] == "yes").mean(), abs=0.02)
    assert result.synthetic_score == pytest.approx(1.0, abs=0.02)
    assert result.real_score == pytest.approx(1.0, abs=0.02)
    for order in (1, 2):
        assert 0 < result.synthetic_tvd[order] < 0.3
        assert 0 < result.bootstrap_tvd[order] < 0.3
    written = pd.read_csv(result.csv)
    assert list(written.columns) == ["age", "ill"]
    assert len(written) == 160
    assert result.png.read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in result.csv.parent.iterdir()} == {"synthetic.csv", "marginals.png"}


def test_seed_repeats_the_samples(tmp_path, table):
    results = [
        _demo.run_demo(tmp_path / str(i), seed=seed, synthesizer=Bootstrap(), table=table)
        for i, seed in enumerate([0, 0, 1])
    ]
    texts = [result.csv.read_text() for result in results]
    assert texts[0] == texts[1] != texts[2]


def test_report_says_what_was_done(tmp_path, table):
    result = _demo.run_demo(tmp_path, synthesizer=Bootstrap(), table=table)
    report = _demo.format_report(result)
    for fact in (
        f"{result.n_train} of 2 columns",
        "160 (as many",
        "epsilon = 1, delta = 1e-06",
        "add_remove",
        f"ROC AUC for ill on {result.n_test} real rows",
        f"{result.synthetic_tvd[2]:.3f}",
        str(tmp_path / "synthetic.csv"),
        "not covered by",
    ):
        assert fact in report
    paths = (str(result.csv), str(result.png))
    assert all(len(line) <= 80 or line.endswith(paths) for line in report.splitlines())


def test_command_line_passes_its_options(tmp_path, table, monkeypatch, capsys):
    made = []

    def make(epsilon, schema, seed):
        made.append((epsilon, schema, seed))
        return Bootstrap()

    monkeypatch.setattr(_demo, "_default_synthesizer", make)
    monkeypatch.setattr(_demo, "load_rand_hie", lambda: table)
    arguments = ["demo", "--output-dir", str(tmp_path), "--epsilon", "0.5", "--seed", "7"]
    assert command_line.main(arguments) == 0
    assert made == [(0.5, SCHEMA, 7)]
    assert "Bootstrap on the RAND Health Insurance Experiment" in capsys.readouterr().out
    assert (tmp_path / "synthetic.csv").exists()


def test_no_arguments_show_help(capsys):
    assert command_line.main([]) == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["dance"], ["demo", "--epsilon", "0"], ["demo", "--epsilon", "much"]]
)
def test_arguments_that_make_no_sense(arguments, capsys):
    assert command_line.main(arguments) == 2
    assert "Usage: python -m skdpsynth" in capsys.readouterr().err


def test_package_that_is_not_installed(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "statsmodels.datasets", None)
    assert command_line.main(["demo"]) == 1
    assert 'pip install -e ".[demo]"' in capsys.readouterr().err


def test_runs_as_a_module():
    run = subprocess.run(
        [sys.executable, "-m", "skdpsynth", "--version"], capture_output=True, text=True, check=True
    )
    from skdpsynth import __version__

    assert run.stdout.strip() == __version__
