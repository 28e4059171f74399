from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skdpsynth.benchmark import _table
from skdpsynth.benchmark._table import BenchmarkTable, hash_rows, read_table, split_rows
from skdpsynth.schema import Categorical, Count, TableSchema


def test_file_is_read_by_its_schema(csv, schema_json, rows, schema):
    table = read_table(str(csv), schema=schema_json)
    pd.testing.assert_frame_equal(table.frame, rows, check_dtype=False)
    assert table.frame["age"].dtype == np.int64
    assert (table.name, table.schema, table.left_out) == ("patients", schema, ("id",))
    assert (table.is_classification, table.n_classes) == (True, 2)


def test_other_texts_for_missing_values(csv, schema, rows):
    text = pd.read_csv(csv, dtype=str, keep_default_na=False).replace("?", "none")
    text.to_csv(csv, index=False)
    table = read_table(csv, schema=schema, missing=("none",))
    assert table.frame["city"].isna().equals(rows["city"].isna())


def test_target_of_the_schema_or_another(rows, schema):
    assert read_table(rows, "age", schema).n_classes == 0
    with pytest.raises(ValueError, match="Name the target"):
        read_table(rows, schema=schema.with_target(None))
    with pytest.raises(ValueError, match="target 'sex' is not a column"):
        read_table(rows, "sex", schema)
    with pytest.raises(ValueError, match="target 'city' has missing values"):
        read_table(rows, "city", schema)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": __file__, "schema": "x"}, "no schema at 'x'"),
        ({"data": __file__}, "A schema is needed"),
        ({"data": "nowhere.csv"}, "neither a file nor one of the tables"),
        ({"data": "adult", "split": "half"}, "split='half' is not one of"),
        ({"data": "nowhere.csv", "split": "official"}, "for named tables"),
        ({"data": "covid19", "split": "official"}, "states no split"),
    ],
)
def test_what_cannot_be_read(arguments, message):
    with pytest.raises(ValueError, match=message):
        read_table(**arguments)


def test_named_tables(monkeypatch, rows, schema):
    def load(subset="all"):
        part = {"all": rows, "train": rows[:300], "test": rows[300:]}[subset]
        return {"frame": part, "schema": schema, "edges": {"age": [0, 50, 100]}}

    class Loaded(SimpleNamespace):
        def get(self, name):
            return getattr(self, name, None)

    entry = _table._Named(lambda **k: Loaded(**load(**k)), {}, _table._PARTS)
    monkeypatch.setitem(_table.NAMED_TABLES, "patients", entry)
    table = read_table("patients")
    assert (len(table.frame), table.test, table.edges) == (400, None, {"age": [0, 50, 100]})
    official = read_table("patients", split="official")
    train, test = split_rows(official, 0, 0.25, None)
    pd.testing.assert_frame_equal(train, rows[:300])
    assert len(test) == 100
    with pytest.raises(ValueError, match="has a schema of its own"):
        read_table("patients", schema=schema)


def test_split_is_stratified_and_repeatable(rows, schema):
    table = BenchmarkTable("patients", rows, schema)
    train, test = split_rows(table, 3, 0.25, None)
    again, _ = split_rows(table, 3, 0.25, None)
    other, _ = split_rows(table, 4, 0.25, None)
    assert (len(train), len(test)) == (300, 100)
    assert train.equals(again)
    assert not train.equals(other)
    share = (rows["ill"] == "yes").mean()
    assert (test["ill"] == "yes").mean() == pytest.approx(share, abs=0.01)
    assert sorted(pd.concat([train, test])["age"]) == sorted(rows["age"])


def test_cut_training_rows_leave_the_test_rows(rows, schema):
    table = BenchmarkTable("patients", rows, schema)
    train, test = split_rows(table, 0, 0.25, None)
    fewer, same = split_rows(table, 0, 0.25, 50)
    assert len(fewer) == 50
    assert same.equals(test)
    merged = fewer.merge(train.drop_duplicates(), how="left", indicator=True)
    assert (merged["_merge"] == "both").all()


def test_groups_are_not_split(rows, schema):
    groups = pd.Series(np.arange(400) // 4)
    frame = rows.assign(age=groups % 100)
    table = BenchmarkTable("patients", frame, schema, groups=groups)
    train, test = split_rows(table, 0, 0.25, None)
    assert len(train) + len(test) == 400
    assert not set(train["age"]) & set(test["age"])


def test_numeric_target_is_split_at_random(rows, schema):
    table = BenchmarkTable("patients", rows, schema.with_target("age"))
    assert [len(part) for part in split_rows(table, 0, 0.25, None)] == [300, 100]


def test_fingerprint_sees_values_and_schema(rows, schema):
    table = BenchmarkTable("patients", rows, schema)
    other = rows.copy()
    other.loc[7, "age"] += 1
    wider = TableSchema({**schema.columns, "age": Count(0, 120)}, target="ill")
    values = [
        hash_rows(t)
        for t in (
            table,
            BenchmarkTable("patients", rows.copy(), schema),
            BenchmarkTable("patients", other, schema),
            BenchmarkTable("patients", rows, wider),
            BenchmarkTable("patients", rows, schema, test=rows),
        )
    ]
    assert values[0] == values[1]
    assert len(set(values)) == 4


def test_levels_of_numbers(tmp_path):
    path = tmp_path / "digits.csv"
    pd.DataFrame({"digit": [0, 1, 1, 0], "x": [1, 2, 3, 4]}).to_csv(path, index=False)
    schema = TableSchema({"x": Count(0, 9), "digit": Categorical([0, 1])}, target="digit")
    assert read_table(path, schema=schema).frame["digit"].tolist() == [0, 1, 1, 0]
