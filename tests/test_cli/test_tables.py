import gzip
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skdpsynth._cli._house import Problem
from skdpsynth._cli._table_options import Reading, TableFormat
from skdpsynth._cli._tables import (
    check_output,
    infer_types,
    read_raw,
    read_row_by_row,
    read_rows,
    write_table,
)
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

SCHEMA = TableSchema(
    {
        "n": Count(0, 99, nullable=True),
        "x": Continuous(0, 1),
        "code": Categorical([1, 2], nullable=True),
        "word": Categorical(["a", "b c"]),
    }
)
FRAME = pd.DataFrame(
    {"n": [1.0, np.nan], "x": [0.5, 0.25], "code": [2.0, np.nan], "word": ["a", "b c"]}
)


@pytest.mark.parametrize(
    ("name", "table_format", "text"),
    [
        ("t.csv", TableFormat(), "n,x,code,word\n1,0.5,2,a\n,0.25,,b c\n"),
        ("t.tsv", TableFormat(), "n\tx\tcode\tword\n1\t0.5\t2\ta\n\t0.25\t\tb c\n"),
        ("t.txt", TableFormat(";", ("?", "-")), "n;x;code;word\n1;0.5;2;a\n?;0.25;?;b c\n"),
    ],
    ids=["comma", "tab", "semicolon"],
)
def test_text_is_written_exactly_and_read_again(tmp_path, name, table_format, text):
    path = tmp_path / name
    write_table(FRAME, SCHEMA, path, table_format)
    assert path.read_text() == text
    pd.testing.assert_frame_equal(read_rows(path, SCHEMA, Reading(table_format)), FRAME)


def test_compressed_text(tmp_path):
    write_table(FRAME, SCHEMA, tmp_path / "t.csv.gz", TableFormat())
    assert gzip.decompress((tmp_path / "t.csv.gz").read_bytes()).startswith(b"n,x,code,word\n1,0.5")
    read = read_rows(tmp_path / "t.csv.gz", SCHEMA, Reading(TableFormat()))
    pd.testing.assert_frame_equal(read, FRAME)


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    write_table(FRAME, SCHEMA, tmp_path / "t.parquet", TableFormat())
    stored = pd.read_parquet(tmp_path / "t.parquet")
    assert stored["n"].tolist() == [1, pd.NA]
    read = read_rows(tmp_path / "t.parquet", SCHEMA, Reading(TableFormat()))
    pd.testing.assert_frame_equal(read, FRAME, check_dtype=False)


def test_parquet_without_pyarrow(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and so on")
    with pytest.raises(Problem, match="pip install pyarrow"):
        read_raw(tmp_path / "t.parquet", TableFormat())
    with pytest.raises(Problem, match="pip install pyarrow"):
        check_output(tmp_path / "new.parquet", False, is_table=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"n;x\n1;2\n", "seem to be separated by ';': pass --delimiter ';'"),
        (b"n\tx\n1\t2\n", "separated by tab: pass --delimiter 'tab'"),
        (b"n,x\n1,2,3\n4,5,6\n", "line 2: the header has 2 fields, this row has 3"),
        (b"n,x\n1,2\n\n4\n", "line 4: the header has 2 fields, this row has 1"),
        (b'n,x\n1,"2\n4,5\n', "quotation mark not closed"),
        (b"n,x,n\n1,2,3\n", r"several columns named \['n'\]"),
        (b"n,x\n1,\xe9\n", "--encoding latin-1"),
        (b"PK\x03\x04 and so on", "export it as CSV"),
    ],
)
def test_files_that_are_no_table(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(Problem, match=message):
        read_raw(tmp_path / "t.csv", TableFormat())


def test_other_encodings_and_spaces_after_delimiters(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffname, n\nmüller, 1\n".encode())
    raw = read_raw(tmp_path / "t.csv", TableFormat())
    assert raw.to_dict("list") == {"name": ["müller"], "n": ["1"]}
    (tmp_path / "t.csv").write_bytes("name\nmüller\n".encode("latin-1"))
    assert read_raw(tmp_path / "t.csv", TableFormat(encoding="latin-1"))["name"][0] == "müller"


def test_columns_are_found_by_name(tmp_path, capsys):
    (tmp_path / "t.csv").write_text("id,x,n\n7,0.5,1\n")
    schema = SCHEMA.select(["n", "x"])
    assert read_rows(tmp_path / "t.csv", schema, Reading(TableFormat())).to_dict("list") == {
        "n": [1],
        "x": [0.5],
    }
    assert "left out: ['id']" in capsys.readouterr().err
    with pytest.raises(TableMismatchError, match=r"lacks the columns \['code', 'word'\]"):
        read_rows(tmp_path / "t.csv", SCHEMA, Reading(TableFormat()))


def test_types_follow_from_whole_columns():
    text = "whole,real,gap,code,word,flag,none\n1,1.5,3,007,a,True,?\n2,2,?,12,1,False,\n"
    raw = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    frame = infer_types(raw, TableFormat(missing=("?",)))
    assert frame["whole"].tolist() == [1, 2]
    assert frame["real"].tolist() == [1.5, 2.0]
    assert frame["gap"].iloc[0] == 3
    assert pd.isna(frame["gap"].iloc[1])
    assert frame["code"].tolist() == ["007", "12"]
    assert frame["word"].tolist() == ["a", "1"]
    assert frame["flag"].tolist() == ["True", "False"]
    assert frame["none"].isna().all()


def test_values_for_a_function_do_not_depend_on_other_rows(tmp_path):
    schema = TableSchema(
        {"n": Count(0, 9, nullable=True), "c": Categorical([1, 2]), "s": Categorical(["1", "x"])}
    )
    path, kinds = tmp_path / "t.csv", {"n": float, "c": int, "s": str, "zip": str}
    rows = ["1,1,1,0123", "2.0,2,x,7", "?,1,1,8"]
    path.write_text("\n".join(["n,c,s,zip", *rows]))
    frame = read_row_by_row(path, schema, TableFormat(missing=("?",)))
    assert frame["n"].fillna(-1).tolist() == [1.0, 2.0, -1.0]
    assert frame["c"].tolist() == [1, 2, 1]
    assert frame["s"].tolist() == ["1", "x", "1"]
    assert frame["zip"].tolist() == ["0123", "7", "8"]
    for name, kind in kinds.items():
        assert isinstance(frame[name].iloc[0], kind)
    for more in ["3,word,1,1.5", "3,2,,", "0.5,1,7,word"]:
        path.write_text("\n".join(["n,c,s,zip", *rows, more]))
        longer = read_row_by_row(path, schema, TableFormat(missing=("?",))).iloc[:3]
        pd.testing.assert_frame_equal(longer, frame)


def test_outputs_are_checked_first(tmp_path):
    (tmp_path / "old.csv").write_text("precious")
    (tmp_path / "file").write_text("no folder")
    check_output(Path("-"), False, is_table=True)
    check_output(tmp_path / "new.csv", False, is_table=True)
    check_output(tmp_path / "old.csv", True, is_table=True)
    with pytest.raises(Problem, match="--force replaces it"):
        check_output(tmp_path / "old.csv", False)
    with pytest.raises(Problem, match="is a folder"):
        check_output(tmp_path, True)
    for folder in ("nowhere", "file"):
        with pytest.raises(Problem, match="there is no folder"):
            check_output(tmp_path / folder / "new.csv", False)
    with pytest.raises(Exception, match=r"ends in \.csv"):
        check_output(tmp_path / "new.xlsx", False, is_table=True)


def test_folder_that_is_read_only(tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(Problem, match="read-only"):
        check_output(tmp_path / "new.csv", False)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_one_row_does_not_change_a_dtype_that_a_function_sees(tmp_path, suffix):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    schema = TableSchema(
        {"n": Count(0, 9, nullable=True), "c": Categorical([1, 2]), "s": Categorical(["a"])}
    )
    columns = {"n": [1, 2], "c": [1, 2], "s": ["a", "a"], "more": [5, 7], "flag": [True, False]}
    extra = {
        ".csv": [["word", 3, 0.5, "word", ""], ["", "", "", "", "maybe"]],
        ".parquet": [[None, 3, "b", None, None], [7, None, None, 8, None]],
    }
    types = {"n": "int64", "c": "int8", "s": "string", "more": "int64", "flag": "bool"}

    def read(rows):
        path = tmp_path / f"t{suffix}"
        if suffix == ".csv":
            pd.DataFrame(rows, columns=list(columns), dtype=object).to_csv(path, index=False)
        else:
            cells = dict(zip(columns, zip(*rows, strict=True), strict=True))
            arrays = {name: pyarrow.array(cells[name], types[name]) for name in columns}
            parquet.write_table(pyarrow.table(arrays), path)
        return read_row_by_row(path, schema, TableFormat())

    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    frame = read(rows)
    for row in extra[suffix]:
        longer = read([*rows, row])
        assert longer.dtypes.equals(frame.dtypes)
        pd.testing.assert_frame_equal(longer.iloc[:2], frame)


@pytest.mark.parametrize("levels", [["b", "a"], [3, 1], [True, False], [0.5, 1.5]])
@pytest.mark.parametrize("ordered", [False, True])
def test_dictionaries_of_parquet_come_back(tmp_path, levels, ordered):
    pytest.importorskip("pyarrow")
    schema = TableSchema({"x": Categorical(levels, nullable=True), "n": Count(0, 9)})
    column = pd.Categorical([*levels, None], levels, ordered=ordered)
    frame = pd.DataFrame({"x": column, "n": [1, 2, 3]})
    path = tmp_path / "t.parquet"
    write_table(frame, schema, path, TableFormat())
    back = read_rows(path, schema, Reading(TableFormat()))
    assert back["x"].tolist()[:2] == levels
    assert back["x"].isna().tolist() == [False, False, True]
    if isinstance(levels[0], str):
        # Parquet files have no dictionaries of anything else
        assert back["x"].dtype == column.dtype


def test_integers_of_parquet_are_exact_where_some_are_missing(tmp_path):
    pytest.importorskip("pyarrow")
    codes = [2**60 + 1, 2**60 + 3]
    schema = TableSchema({"code": Categorical(codes, nullable=True)})
    pd.DataFrame({"code": pd.array([*codes, None], dtype="Int64")}).to_parquet(tmp_path / "t.pq")
    read = read_rows(tmp_path / "t.pq", schema, Reading(TableFormat()))
    assert read["code"].tolist()[:2] == codes
    write_table(read, schema, tmp_path / "u.parquet", TableFormat())
    again = pd.read_parquet(tmp_path / "u.parquet", dtype_backend="numpy_nullable")
    assert again["code"].tolist()[:2] == codes
