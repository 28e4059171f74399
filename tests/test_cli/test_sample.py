import io

import numpy as np
import pandas as pd
import pytest

import skdpsynth
from skdpsynth import ClustMixSynthesizer
from skdpsynth._cli._sample import draw_rows
from skdpsynth.schema import Categorical, Count, TableSchema


def read(text):
    return pd.read_csv(io.StringIO(text))


def test_rows_are_those_of_the_library(model_file, run):
    code, out, err = run("sample", model_file, "-n", "30", "--seed", "5")
    assert (code, err) == (0, "")
    expected = skdpsynth.load(model_file).sample(30, random_state=5)
    pd.testing.assert_frame_equal(read(out), expected)


def test_as_many_rows_as_were_counted(model_file, run):
    code, out, _ = run("sample", model_file)
    assert code == 0
    assert len(read(out)) == skdpsynth.load(model_file).n_records_
    assert run("sample", model_file, "-n", "0")[1] == "age,visits,ill\n"


def test_files_and_formats(model_file, run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sample = ["sample", model_file, "-n", "40", "--seed", "5"]
    assert run(*sample, "-o", "t.csv") == (0, "", "Wrote t.csv.\n")
    assert run(*sample, "-o", "s.csv", "--delimiter", ";", "--missing", "NA")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv("t.csv"), pd.read_csv("s.csv", sep=";"))
    assert ";NA;" in (tmp_path / "s.csv").read_text()
    code, _, err = run(*sample, "-o", "t.csv")
    assert code == 1
    assert "--force" in err
    code, _, err = run(*sample, "-o", "t.xlsx")
    assert code == 2
    assert "ends in .csv" in err


def test_conditions(model_file, run):
    sample = ["sample", model_file, "-n", "20"]
    code, out, _ = run(*sample, "--condition", "ill=yes", "--condition", "visits=3")
    assert code == 0
    rows = read(out)
    assert set(rows["ill"]) == {"yes"}
    assert set(rows["visits"]) == {3}
    code, out, _ = run(*sample, "--condition", "visits=")
    assert code == 0
    assert read(out)["visits"].isna().all()


@pytest.mark.parametrize(
    ("condition", "code", "message"),
    [
        ("sex=F", 2, "expected COLUMN=VALUE, where COLUMN is one of ['age', 'visits', 'ill']"),
        ("ill", 2, "expected COLUMN=VALUE"),
        ("ill=maybe", 2, "the levels are ['no', 'yes']"),
        ("age=old", 2, "'old' is not a number"),
        ("age=200", 1, "outside the schema's bounds"),
        ("age=", 1, "not nullable"),
    ],
)
def test_conditions_that_make_no_sense(model_file, run, condition, code, message):
    result, out, err = run("sample", model_file, "--condition", condition)
    assert (result, out) == (code, "")
    assert message in err


def test_files_that_are_no_model(folder, run):
    for name, message in [
        ("nowhere.skdp", "There is no model at 'nowhere.skdp'; skdpsynth fit writes one."),
        ("data.csv", "data.csv is not a model: skdpsynth fit writes one."),
    ]:
        code, _, err = run("sample", name)
        assert (code, err) == (1, f"Error: {message}\n")


SCHEMA = TableSchema({"a": Count(0, 9), "b": Count(0, 9), "y": Categorical(["n", "p"])}, "y")


@pytest.mark.parametrize("container", ["frame", "array", "polars"])
@pytest.mark.parametrize("has_y", [False, True])
def test_models_fitted_in_python(container, has_y):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.integers(0, 10, 60) for name in "ab"})
    y = pd.Series(np.where(frame["a"] > 4, "p", "n"), name="y")
    X = frame if has_y else frame.assign(y=y)
    if container == "polars":
        X = pytest.importorskip("polars").from_pandas(X)
    elif container == "array":
        X = X.to_numpy()
    synthesizer = ClustMixSynthesizer(schema=SCHEMA, n_clusters=2, random_state=0)
    synthesizer.fit(X, y if has_y else None)
    rows = draw_rows(synthesizer, 7, {"y": "p"}, 0)
    assert isinstance(rows, pd.DataFrame)
    assert rows.columns.tolist() == ["a", "b", "y"]
    assert rows["y"].tolist() == ["p"] * 7
    assert pd.api.types.is_integer_dtype(rows["a"])
