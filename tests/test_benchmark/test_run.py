import json
import math

import numpy as np
import pandas as pd
import pytest

from skdpsynth._files import write_atomically
from skdpsynth.benchmark import _run, run

from .stand_ins import Constant, Copies, Failing, Shuffled, SometimesFailing

pytest.importorskip("matplotlib")

QUICK = {"scorers": "logistic", "isolate": False, "seeds": 2}
PUBLISHED = [
    {
        "table": "table",
        "method": "theirs",
        "epsilon": 3,
        "score": "auc",
        "value": 0.77,
        "source": "Somebody (2022)",
    },
    {"table": "other", "method": "not here", "epsilon": 3, "score": "auc", "value": 0.1},
]


@pytest.fixture(scope="module")
def result(rows, schema):
    methods = {"copies": Copies, "constant": Constant, "failing": Failing}
    return run(
        rows, schema=schema, methods=methods, epsilon=[0.5, math.inf], published=PUBLISHED, **QUICK
    )


def test_a_row_for_every_run(result):
    runs = result.runs
    assert len(runs) == 2 * (1 + 3 * 2)
    keys = [
        (m, None if math.isnan(e) else e, s)
        for m, e, s in zip(runs["method"], runs["epsilon"].astype(float), runs["seed"], strict=True)
    ]
    assert len(set(keys)) == len(keys)
    assert {("real", None, 1), ("constant", math.inf, 0), ("failing", 0.5, 1)} <= set(keys)
    by_method = runs.groupby("method")["status"].agg(set)
    assert by_method["failing"] == {"failed"}
    assert by_method["copies"] == by_method["constant"] == by_method["real"] == {"ok"}
    assert runs["settings"].nunique() == 1


def test_gaps_are_against_the_real_rows_of_the_same_split(result):
    runs = result.runs
    real = runs[runs["method"] == "real"].set_index("seed")["logistic_auc"]
    copies = runs[runs["method"] == "copies"]
    assert (copies["logistic_auc_gap"] == 0).all()
    constant = runs[runs["method"] == "constant"]
    np.testing.assert_array_equal(constant["logistic_auc_gap"], real[constant["seed"]] - 0.5)
    assert runs.loc[runs["method"] == "real", "logistic_auc_gap"].isna().all()


def test_summary_by_hand(result):
    summary = result.summary()
    assert list(summary["method"].unique()) == ["real", "copies", "constant", "failing"]
    copies = result.runs[(result.runs["method"] == "copies") & (result.runs["epsilon"] == 0.5)]
    row = summary[(summary["method"] == "copies") & (summary["epsilon"] == 0.5)].iloc[0]
    values = copies["logistic_auc"].to_numpy(dtype=float)
    assert row["logistic_auc_mean"] == pytest.approx(values.mean(), rel=1e-12)
    assert row["logistic_auc_sd"] == pytest.approx(values.std(ddof=1), rel=1e-12)
    failing = summary[summary["method"] == "failing"]
    assert failing["n_failed"].tolist() == failing["n_runs"].tolist() == [2, 2]


def test_markdown(result):
    text = result.to_markdown()
    lines = text.splitlines()
    assert lines[0] == "# table"
    assert (
        "400 rows, 4 columns, target “ill”; split 75%/25% by label: 300 training and 100 test"
        in (text)
    )
    header = next(line for line in lines if line.startswith("| method"))
    cells = {
        line.split("|")[1].strip() + line.split("|")[2].strip(): line.split("|")
        for line in lines[lines.index(header) + 2 :]
        if line.startswith("|")
    }
    assert next(iter(cells)) == "real"
    assert all(len(row) == len(header.split("|")) for row in cells.values())
    names = [name.strip() for name in header.split("|")]
    auc = names.index("logistic AUC")
    assert cells["constant∞"][auc].strip() == "0.5000 ± 0.0000"
    assert cells["constant∞"][names.index("runs")].strip() == "2"
    assert cells["failing0.5"][auc].strip() == "–"
    assert cells["failing0.5"][names.index("runs")].strip() == "0, 2 failed"
    assert cells["*theirs*3"][auc].strip() == "0.77"
    assert "not here" not in text
    assert "- theirs: Somebody (2022)" in text
    assert "- failing, ε = ∞, seed 1: fit: RuntimeError: no rows, no fit" in text
    assert "- constant, 4 runs: SyntheticDataWarning" in text


def test_figure(result, tmp_path):
    figure = result.plot()
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["table: logistic AUC", "table: two-way TVD"]
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.5", "3", "∞"]
    labels = axes.get_legend_handles_labels()[1]
    assert set(labels) == {"real rows", "theirs, published", "copies", "constant", "failing"}
    real = next(line for line in axes.lines if line.get_label() == "real rows")
    mean = result.runs.loc[result.runs["method"] == "real", "logistic_auc"].mean()
    assert real.get_ydata()[0] == pytest.approx(mean)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 10_000


def test_files(rows, schema, tmp_path):
    out = tmp_path / "new" / "out"
    result = run(rows, schema=schema, methods=[Copies, Failing], output=out, **QUICK)
    assert {p.name for p in out.iterdir()} == {
        "results.csv",
        "settings.json",
        "report.md",
        "figure.png",
    }
    written = pd.read_csv(out / "results.csv")
    assert list(written.columns[:5]) == ["method", "epsilon", "seed", "status", "reason"]
    assert list(written.columns[-1:]) == ["settings"]
    assert len(written) == len(result.runs) == 6
    np.testing.assert_allclose(written["logistic_auc"], result.runs["logistic_auc"], rtol=1e-12)
    assert (out / "report.md").read_text() == result.to_markdown()
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    settings = json.loads((out / "settings.json").read_text())
    assert settings["settings"]["scorers"] == {"logistic": "logistic"}
    assert list(settings["methods"]) == ["Copies", "Failing"]


def count_runs(monkeypatch, stop_after=None):
    """Counts the runs that are carried out, and interrupts after some."""
    done, original = [], _run.measure

    def measure(run, table):
        if len(done) == stop_after:
            raise KeyboardInterrupt
        done.append(run.key)
        return original(run, table)

    monkeypatch.setattr(_run, "measure", measure)
    return done


def test_interrupted_runs_go_on(rows, schema, tmp_path, monkeypatch):
    arguments = {
        "schema": schema,
        "methods": [Copies, Shuffled],
        "epsilon": [0.1, math.inf],
        "output": tmp_path,
        **QUICK,
    }
    with monkeypatch.context() as patch:
        first = count_runs(patch, stop_after=4)
        with pytest.raises(KeyboardInterrupt):
            run(rows, **arguments)
    assert len(pd.read_csv(tmp_path / "results.csv")) == 4
    with monkeypatch.context() as patch:
        second = count_runs(patch)
        resumed = run(rows, **arguments)
    assert not set(first) & set(second)
    assert len(first) + len(second) == len(resumed.runs) == 10
    with monkeypatch.context() as patch:
        assert run(rows, **arguments).runs.shape == resumed.runs.shape
        assert count_runs(patch) == []
    whole = run(rows, **{**arguments, "output": None})
    measures = [
        "method",
        "epsilon",
        "seed",
        "status",
        "logistic_auc",
        "logistic_auc_gap",
        "two_way_tvd",
    ]
    pd.testing.assert_frame_equal(
        resumed.runs[measures].astype({"epsilon": float}),
        whole.runs[measures].astype({"epsilon": float}),
    )


def test_more_methods_budgets_and_seeds_may_follow(rows, schema, tmp_path, monkeypatch):
    arguments = {**QUICK, "schema": schema, "output": tmp_path}
    run(rows, methods=[Copies], **{**arguments, "seeds": 1})
    done = count_runs(monkeypatch)
    result = run(rows, methods=[Constant, Copies], epsilon=[1, 2], **arguments)
    assert len(result.runs) == 2 * (1 + 2 * 2)
    assert ("Copies", 1.0, 0) not in done
    assert len(done) == len(result.runs) - 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"delta": 1e-3}, "delta was None and is now 0.001"),
        ({"scorers": {"other": "logistic"}}, "scorers was"),
        ({"n_bins": 5}, "n_bins was 20 and is now 5"),
        ({"max_train_rows": 9}, "max_train_rows was None"),
        ({"methods": {"Copies": Shuffled}}, "the method 'Copies' was"),
    ],
)
def test_other_settings_in_the_same_place(rows, schema, tmp_path, change, message):
    arguments = {"schema": schema, "methods": [Copies], "output": tmp_path, **QUICK, "seeds": 1}
    run(rows, **arguments)
    before = (tmp_path / "results.csv").read_text()
    with pytest.raises(ValueError, match=message):
        run(rows, **{**arguments, **change})
    assert (tmp_path / "results.csv").read_text() == before


def test_other_rows_in_the_same_place(rows, schema, tmp_path):
    arguments = {"schema": schema, "methods": [Copies], "output": tmp_path, **QUICK, "seeds": 1}
    run(rows, **arguments)
    with pytest.raises(ValueError, match="rows was"):
        run(rows.iloc[1:], **arguments)


@pytest.mark.parametrize("name", ["results.csv", "settings.json"])
def test_files_of_something_else(rows, schema, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(ValueError, match="not of a benchmark"):
        run(rows, schema=schema, methods=[Copies], output=tmp_path, **QUICK)
    assert (tmp_path / name).read_text() == "mine"


def test_results_that_do_not_belong_to_the_settings(rows, schema, tmp_path):
    arguments = {"schema": schema, "methods": [Copies], "output": tmp_path, **QUICK, "seeds": 1}
    run(rows, **arguments)
    results = pd.read_csv(tmp_path / "results.csv").assign(settings="0")
    results.to_csv(tmp_path / "results.csv", index=False)
    with pytest.raises(ValueError, match="does not belong to"):
        run(rows, **arguments)


def test_failed_runs_are_repeated_on_demand(rows, schema, tmp_path, monkeypatch):
    arguments = {
        "schema": schema,
        "methods": [SometimesFailing],
        "epsilon": [0.5, 1],
        "output": tmp_path,
        **QUICK,
        "seeds": 1,
    }
    run(rows, **arguments)
    done = count_runs(monkeypatch)
    assert run(rows, **arguments).runs["status"].tolist() == ["ok", "failed", "ok"]
    assert done == []
    monkeypatch.setattr(SometimesFailing, "fit", Copies.fit)
    result = run(rows, retry_failed=True, **arguments)
    assert done == [("SometimesFailing", 0.5, 0)]
    assert result.runs["status"].tolist() == ["ok", "ok", "ok"]


def test_writing_leaves_the_old_file_or_the_new_one(tmp_path, monkeypatch):
    path = tmp_path / "results.csv"
    write_atomically(path, b"old")

    def fail(source, target):
        raise OSError("no space")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_text() == "old"


def test_numeric_target(rows, schema):
    result = run(rows, target="age", schema=schema, methods=[Copies], **QUICK)
    assert (result.runs["logistic_r2_gap"].dropna() == 0).all()
    assert "ridge R²" in result.to_markdown()
    assert result.plot().axes[0].get_title(loc="left") == "table: ridge R²"


def test_more_than_two_classes_show_accuracy_too(rows, schema):
    frame = rows.dropna(subset="city").drop(columns="ill")
    result = run(frame, schema=schema.drop(["ill"]).with_target("city"), methods=[Copies], **QUICK)
    titles = [axes.get_title(loc="left") for axes in result.plot().axes]
    assert "table: logistic accuracy" in titles


def test_runs_are_isolated_unless_told_otherwise(rows, schema, monkeypatch):
    folders = []

    def measure_apart(run, folder, timeout):
        assert (folder / "table.pickle").is_file()
        folders.append((folder, timeout))
        return {"status": "ok", "reason": "", "warnings": "", "logistic_auc": 0.5}

    monkeypatch.setattr(_run, "measure_apart", measure_apart)
    arguments = {**QUICK, "isolate": True, "timeout": 9.0, "seeds": 1}
    result = run(rows, schema=schema, methods=[Copies], **arguments)
    assert result.runs["logistic_auc"].tolist() == [0.5, 0.5]
    assert len(set(folders)) == 1
    assert folders[0][1] == 9.0
    assert not folders[0][0].exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": 0}, "epsilon=0: name at least one budget"),
        ({"epsilon": []}, "at least one budget"),
        ({"epsilon": math.nan}, "all of them above 0"),
        ({"seeds": 0}, "seeds=0: at least one seed"),
        ({"seeds": [-1]}, "none of them below 0"),
        ({"delta": 1}, "delta=1 is not between"),
        ({"test_size": 0}, "test_size=0 is not between"),
        ({"max_train_rows": 0}, "max_train_rows=0 is not above 0"),
        ({"max_columns": 2}, "max_columns=2 is below 3"),
        ({"timeout": -1}, "timeout=-1 is not above 0"),
        ({"published": "nowhere.json"}, "cannot be read"),
        ({"published": {"a": 1}}, "must be a list"),
        ({"published": [{"method": "theirs"}]}, r"lacks \['epsilon', 'score', 'value'\]"),
    ],
)
def test_arguments_that_make_no_sense(rows, schema, change, message):
    with pytest.raises(ValueError, match=message):
        run(rows, **{"schema": schema, "methods": [Copies], **QUICK, **change})


def test_nothing_is_written_without_a_directory(result):
    with pytest.raises(ValueError, match="without an output directory"):
        result.write()
