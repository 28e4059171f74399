import pandas as pd
import pytest

from skdpsynth._cli._decimals import read_decimals, round_to_digits, with_points
from skdpsynth._cli._table_options import Reading, TableFormat
from skdpsynth._cli._tables import read_rows, write_table
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

SCHEMA = TableSchema({"x": Continuous(-9, 9, nullable=True), "word": Categorical(["a,5", "b"])})


def test_commas_of_numeric_columns_become_points():
    texts = ["0,5", "-1,25e-2", ",5", " 3 ", "7", "", "?", "1,2,3", "01.02.2023"]
    raw = pd.DataFrame({"x": texts, "word": texts})
    read = read_decimals(raw, ["x"], ",")
    expected = ["0.5", "-1.25e-2", ".5", " 3 ", "7", "", "?", "1,2,3", "01.02.2023"]
    assert read["x"].tolist() == expected
    assert read["word"].tolist() == texts
    assert read_decimals(raw, ["x"], ".") is raw


@pytest.mark.parametrize("text", ["1.234", "0.5", "1.234,5", "-12.345.678", ".5e3"])
def test_a_point_is_not_guessed_about(text):
    with pytest.raises(TableMismatchError, match=f"'x' holds '{text}', but --decimal"):
        read_decimals(pd.DataFrame({"x": [text]}), ["x"], ",")
    numbers = pd.to_numeric(with_points(pd.Series([text]), ","), errors="coerce")
    assert numbers.isna().all()


def test_numbers_of_parquet_stay_as_they_are():
    raw = pd.DataFrame({"x": [0.5, 1.234]})
    assert read_decimals(raw, ["x"], ",")["x"].tolist() == [0.5, 1.234]


@pytest.mark.parametrize("delimiter", [";", ","])
def test_what_is_written_is_read_again(tmp_path, delimiter):
    frame = pd.DataFrame({"x": [0.5, None, -1e-07], "word": ["a,5", "b", "b"]})
    table_format = TableFormat(delimiter, decimal=",")
    write_table(frame, SCHEMA, tmp_path / "t.csv", table_format)
    assert "0,5" in (tmp_path / "t.csv").read_text()
    pd.testing.assert_frame_equal(
        read_rows(tmp_path / "t.csv", SCHEMA, Reading(table_format)), frame
    )


def test_digits_are_for_real_numbers_and_keep_bounds():
    schema = TableSchema(
        {"x": Continuous(0, 9.987, nullable=True), 5: Count(0, 9999, nullable=True)}
    )
    frame = pd.DataFrame({"x": [0.012345, None, 9.986, 1.0], 5: [1234.0, None, 1.0, 2.0]})
    rounded = round_to_digits(frame, schema, 2)
    expected = pd.DataFrame({"x": [0.012, None, 9.987, 1.0], 5: [1234.0, None, 1.0, 2.0]})
    pd.testing.assert_frame_equal(rounded, expected)
    assert round_to_digits(frame, schema, None) is frame


def test_digits_of_synthetic_rows(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    schema = TableSchema({"x": Continuous(0, 1), "n": Count(0, 9999)})
    schema.to_json(tmp_path / "s.json")
    pd.DataFrame({"x": [0.5, 0.25] * 50, "n": [1234, 5678] * 50}).to_csv("d.csv", index=False)
    fit = ["d.csv", "--schema", "s.json"]
    _, out, _ = run("synthesize", *fit, "-n", "20", "--digits", "3", "-o", "-")
    assert run("fit", *fit, "-o", "m.skdp")[0] == 0
    for text in (out, run("sample", "m.skdp", "-n", "20", "--digits", "3")[1]):
        rows = [line.split(",") for line in text.splitlines()[1:]]
        assert len(rows) == 20
        assert all(len(x.lstrip("0.").split("e")[0].replace(".", "")) <= 3 for x, _ in rows)
        assert any(len(n) == 4 and not n.endswith("0") for _, n in rows)
