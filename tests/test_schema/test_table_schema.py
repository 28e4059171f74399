import json
import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.exceptions import SchemaError, TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema


@pytest.fixture
def schema():
    return TableSchema(
        {"age": Count(17, 90), "wage": Continuous(0, 100), "sex": Categorical(["F", "M"])},
        target="sex",
    )


def test_behaves_like_an_ordered_mapping(schema):
    assert schema.names == tuple(schema) == ("age", "wage", "sex")
    assert schema.feature_names == ("age", "wage")
    assert len(schema) == 3
    assert "age" in schema
    assert "shoe" not in schema
    assert schema["age"] == schema.columns["age"] == Count(17, 90)


def test_columns_are_read_only_and_copied(schema):
    with pytest.raises(TypeError):
        schema.columns["age"] = Count(0, 1)
    columns = {"age": Count(17, 90)}
    copied = TableSchema(columns)
    columns["sex"] = Categorical(["F"])
    assert len(copied) == 1


def test_names_may_be_integers_and_numpy_scalars():
    schema = TableSchema({np.int64(0): Count(0, 1), "0": Count(0, 1)}, target=np.int64(0))
    assert schema.names == (0, "0")
    assert type(schema.names[0]) is int
    assert type(schema.target) is int


def test_selecting_keeps_the_target_only_when_it_stays(schema):
    assert schema.select(["sex", "age"]).names == ("sex", "age")
    assert schema.select(["sex", "age"]).target == "sex"
    assert schema.drop(["sex"]).target is None
    assert schema.drop("age").names == ("wage", "sex")
    assert schema.select("age").names == ("age",)
    assert schema.with_target("age").target == "age"
    assert schema.with_target(None).target is None


def test_replacing_keeps_the_order_and_appends_new_columns(schema):
    replaced = schema.replace({"wage": Count(0, 9), "height": Continuous(1, 2)})
    assert replaced.names == ("age", "wage", "sex", "height")
    assert replaced["wage"] == Count(0, 9)
    assert replaced.target == "sex"


def test_equality_heeds_order_and_target(schema):
    assert schema == TableSchema(dict(schema.columns), target="sex")
    assert hash(schema) == hash(TableSchema(dict(schema.columns), target="sex"))
    assert schema != schema.with_target(None)
    assert schema.drop(["sex"]) != TableSchema({"wage": schema["wage"], "age": schema["age"]})
    assert schema != "age"


def test_survives_copies_and_pickles(schema):
    assert deepcopy(schema) == schema
    assert pickle.loads(pickle.dumps(schema)) == schema


def test_repr_of_a_wide_table_leaves_out_its_middle():
    lines = repr(TableSchema({f"c{i}": Count(0, 1) for i in range(100)})).splitlines()
    assert lines[0] == "TableSchema(100 columns)"
    assert len(lines) == 21
    assert lines[11] == "  ... 81 more ..."
    assert lines[-1] == "  'c99': Count(0, 1)"
    assert repr(TableSchema({"a": Count(0, 1)})).startswith("TableSchema(1 column)\n")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TableSchema({}), "at least one column"),
        (lambda: TableSchema([("a", Count(0, 1))]), "must map names to column kinds, got list"),
        (lambda: TableSchema({"a": "count"}), "Column 'a': expected Continuous"),
        (lambda: TableSchema({"a": Count}), "Column 'a': expected Continuous"),
        (lambda: TableSchema({None: Count(0, 1)}), "name must be a string or a number, got None"),
        (lambda: TableSchema({("a", "b"): Count(0, 1)}), "name must be a string or a number"),
        (lambda: TableSchema({"a": Count(0, 1)}, "b"), r"target 'b' is not a column.*\['a'\]"),
    ],
)
def test_contradictions_are_errors(make, message):
    with pytest.raises(SchemaError, match=message):
        make()


def test_unknown_names_are_errors(schema):
    for call in (lambda: schema["shoe"], lambda: schema.select(["shoe"]), lambda: schema.drop(9)):
        with pytest.raises((SchemaError, TypeError)):
            call()
    with pytest.raises(SchemaError, match=r"no column \['shoe'\]; it has \['age'"):
        schema.drop(["shoe"])


# --- JSON ---

levels = st.lists(
    st.text(max_size=3) | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
    max_size=5,
    unique=True,
)


@st.composite
def kinds(draw):
    nullable = draw(st.booleans())
    which = draw(st.sampled_from([Continuous, Count, Categorical, Ordinal]))
    if which in (Categorical, Ordinal):
        drawn = draw(levels | st.just([True, False]) | st.just([1, "1", 2.0]))
        return which(drawn, nullable=nullable, other=draw(st.sampled_from([None, *drawn])))
    low = draw(st.integers(-(2**40), 2**40))
    width = draw(st.integers(1, 2**40))
    if which is Count:
        return Count(low, low + width, nullable=nullable)
    return Continuous(low / 7, (low + width) / 7, nullable=nullable)


names = st.text(max_size=5) | st.integers(-5, 5)


@given(st.dictionaries(names, kinds(), min_size=1, max_size=5), st.data())
def test_json_round_trip_is_exact(columns, data):
    target = data.draw(st.none() | st.sampled_from(list(columns)))
    schema = TableSchema(columns, target)
    again = TableSchema.from_json(schema.to_json(indent=data.draw(st.none() | st.just(2))))
    assert again == schema
    assert [type(name) for name in again] == [type(name) for name in schema]


def test_json_is_versioned_and_readable(schema):
    document = json.loads(schema.to_json())
    assert document["format"] == "skdpsynth-schema"
    assert document["version"] == 1
    assert document["target"] == "sex"
    assert document["columns"][0] == {
        "name": "age",
        "kind": "count",
        "nullable": False,
        "low": 17,
        "high": 90,
    }


def test_json_file_round_trip(schema, tmp_path):
    path = tmp_path / "schema.json"
    schema.to_json(path)
    assert TableSchema.from_json(path) == TableSchema.from_json(str(path)) == schema


def edit(schema, **changes):
    return json.dumps({**json.loads(schema.to_json()), **changes})


AGE = {"name": "age", "kind": "count", "low": 0, "high": 9}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "other"}, 'expected an object with "format": "skdpsynth-schema"'),
        ({"version": 2}, "version 2, this release reads version 1.*newer release"),
        ({"columns": {}}, "'columns' must be a list"),
        ({"columns": ["age"]}, r"columns\[0\]: expected an object, got 'age'"),
        ({"columns": [{"kind": "count"}]}, r"columns\[0\]: the field 'name' must be a string"),
        ({"columns": [AGE | {"kind": "date"}]}, r"columns\[0\] \('age'\): unknown kind 'date'"),
        ({"columns": [AGE | {"kind": [1]}]}, r"columns\[0\] \('age'\): unknown kind"),
        ({"columns": [{"name": "a", "kind": "count"}]}, r"missing fields \['high', 'low'\]"),
        ({"columns": [AGE | {"levels": [1]}]}, r"unknown fields \['levels'\]"),
        ({"columns": [AGE | {"low": 10}]}, r"columns\[0\] \('age'\): Count: .*crossed"),
        ({"columns": [AGE, AGE]}, r"columns\[1\]: the name 'age' appears twice"),
        ({"columns": [AGE | {"name": [1]}]}, "'name' must be a string or a number"),
        ({"columns": [AGE]}, "target 'sex' is not a column"),
        ({"columns": [AGE], "target": {}}, "target"),
    ],
)
def test_json_that_is_not_a_schema_is_an_error_that_says_where(schema, changes, message):
    with pytest.raises(SchemaError, match=message):
        TableSchema.from_json(edit(schema, **changes))


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "Not JSON"), ("[1]", "Not a schema"), ("no/such/file", "neither a JSON object nor")],
)
def test_text_that_is_not_json_is_an_error(text, message):
    with pytest.raises(SchemaError, match=message):
        TableSchema.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("x" * 10_000, r"'x{77}\.\.\.' is neither a JSON object nor a file"),
        ("\0", "neither a JSON object nor a file"),
        ('{"version": ' + "1" * 5000, "Not JSON"),
    ],
)
def test_hostile_text_is_an_error_too(text, message):
    with pytest.raises(SchemaError, match=message):
        TableSchema.from_json(text)


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_in_another_encoding_is_an_error(tmp_path, encoding):
    path = tmp_path / "schema.json"
    schema = TableSchema({"é": Count(0, 1)})
    path.write_text(schema.to_json(), encoding=encoding)
    with pytest.raises(SchemaError, match=r"schema\.json' is not text in UTF-8"):
        TableSchema.from_json(path)
    # the mark that some programs put before UTF-8 is none
    path.write_text(schema.to_json(), encoding="utf-8-sig")
    assert TableSchema.from_json(path) == schema
    assert TableSchema.from_json("\ufeff" + schema.to_json()) == schema


# --- from_frame ---


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([3, 1, 2], Count(1, 3)),
        ([0, 1, 1], Categorical([0, 1])),
        ([0, 0, 0], Count(0, 1)),
        ([-7, -7, -7], Count(-7, 0)),
        ([1.5, 2.0, 0.0], Continuous(0, 2)),
        ([1.0, 2.0, 0.0], Continuous(0, 2)),
        ([1.0, 3.0, None], Count(1, 3, nullable=True)),
        ([1.0, 0.0, None], Categorical([0, 1], nullable=True)),
        ([1.5, 2.0, None], Continuous(1.5, 2, nullable=True)),
        ([2.5, 2.5, 2.5], Continuous(2.5, 5)),
        ([True, True, True], Categorical([False, True])),
        (["b", "a", "b"], Categorical(["a", "b"])),
        (["b", None, "b"], Categorical(["b"], nullable=True)),
        (pd.array([1, 5, None], dtype="Int64"), Count(1, 5, nullable=True)),
        (pd.array([True, False, None], dtype="boolean"), Categorical([False, True], nullable=True)),
        (pd.array(["a", None, "c"], dtype="string"), Categorical(["a", "c"], nullable=True)),
        (pd.Series([1, 5, None], dtype=object), Count(1, 5, nullable=True)),
        (pd.Series([1.5, 5, None], dtype=object), Continuous(1.5, 5, nullable=True)),
        (pd.Series([True, None, None], dtype=object), Categorical([False, True], nullable=True)),
        ([0.0, 5e-324, 1e-310], Continuous(0, 1)),
        (pd.Series([1, "a", 2], dtype=object), Categorical([1, "a", 2])),
        (pd.Categorical(["b", "a", "b"], categories=["b", "a", "c"]), Categorical(["b", "a", "c"])),
        (
            pd.Categorical(["b", None, "b"], categories=["b", "a"], ordered=True),
            Ordinal(["b", "a"], nullable=True),
        ),
    ],
)
def test_drafted_kinds(values, kind):
    assert TableSchema.from_frame(pd.DataFrame({"x": values}))["x"] == kind


def test_an_integer_target_with_few_values_is_categorical():
    frame = pd.DataFrame({"a": [1, 2, 3], "y": [3, 1, 3]})
    assert TableSchema.from_frame(frame, target="y")["y"] == Categorical([1, 3])
    assert TableSchema.from_frame(frame)["y"] == Count(1, 3)
    many = pd.DataFrame({"y": range(30)})
    assert TableSchema.from_frame(many, target="y")["y"] == Count(0, 29)
    assert TableSchema.from_frame(frame.astype(float), target="y")["y"] == Continuous(1, 3)


def test_arrays_are_drafted_with_generated_names():
    assert TableSchema.from_frame(np.array([[0.5, 1], [2, 3]])).names == ("x0", "x1")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.to_datetime(["2020-01-01", "2021-01-01"]), r"'x' has dtype datetime64.*dt\.year"),
        (pd.to_timedelta([1, 2], unit="D"), r"'x' has dtype timedelta64.*total_seconds"),
        (pd.period_range("2020", periods=2, freq="D"), r"'x' has dtype period.*astype\(str\)"),
        ([1 + 2j, 2j], "Complex data not supported: column 'x'"),
        (pd.array([1, 0], dtype="Sparse[int]"), r"sparse\.to_dense"),
        ([[1], [2]], r"'x' cannot be levels.*astype\(str\)"),
        ([("a",), ("b",)], r"'x' cannot be levels.*astype\(str\)"),
        ([None, None], "'x' has only missing values.*drop it, or declare it"),
        ([1.0, np.inf], "'x' holds an infinite value"),
        (range(2**60, 2**60 + 30), r"'x' holds 30 integers, some beyond 2\*\*53.*identifier"),
        (pd.Categorical(pd.to_datetime(["2020", "2021"])), "categories of column 'x' cannot"),
    ],
)
def test_columns_without_a_kind_are_errors(values, message):
    with pytest.raises(TableMismatchError, match=message):
        TableSchema.from_frame(pd.DataFrame({"x": values}))


def test_identifiers_and_duplicate_names_are_errors():
    frame = pd.DataFrame({"id": [f"person {i}" for i in range(30)]})
    with pytest.raises(TableMismatchError, match=r"'id' has 30 distinct values.*max_levels=20"):
        TableSchema.from_frame(frame, max_levels=20)
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(TableMismatchError, match=r"several columns named \['a'\]"):
        TableSchema.from_frame(twice)


def test_an_unknown_target_is_an_error():
    with pytest.raises(SchemaError, match="target 'y' is not a column"):
        TableSchema.from_frame(pd.DataFrame({"a": [1, 2]}), target="y")
