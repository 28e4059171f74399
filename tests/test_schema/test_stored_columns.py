"""Columns of any dtype come back in the dtype that follows from their kind and who stores them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import skdpsynth
from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, Ordinal, TableSchema
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.preprocessing import decode_table, encode_table, public_format, read_frame

from .test_containers import dtypes

pyarrow = pytest.importorskip("pyarrow")
polars = pytest.importorskip("polars")


@pytest.mark.parametrize(
    ("column", "kind", "expected"),
    [
        (pyarrow.array([1, 2, None], "uint8"), Count(0, 9, nullable=True), "int64"),
        (pyarrow.array([1.5, 2], "float32"), Continuous(0, 9), "double"),
        (pyarrow.array([1.5, 2], "float64").cast("float16"), Continuous(0, 9), "double"),
        (pyarrow.array([Decimal("1.50"), None]), Continuous(0, 9, nullable=True), "double"),
        (pyarrow.array([Decimal("2"), Decimal("1")]), Count(0, 9), "int64"),
        (pyarrow.array([Decimal("2"), Decimal("1")]), Categorical([1, 2]), "int64"),
        (pyarrow.nulls(2), Count(0, 9, nullable=True), "int64"),
        (pyarrow.nulls(2), Categorical(["a"], nullable=True), "string"),
        (pyarrow.nulls(2), Categorical([False, True], nullable=True), "bool"),
        (pyarrow.array(["a", None], "large_string"), Categorical(["a"], nullable=True), "string"),
        (pyarrow.array(["a", "b"], "string_view"), Categorical(["a", "b"]), "string"),
        (pyarrow.array([True, False]), Categorical([False, True]), "bool"),
        (pyarrow.array([True, False]), Count(0, 1), "int64"),
        (
            pyarrow.array([7, None, 5]).dictionary_encode(),
            Categorical([5, 7], nullable=True),
            "dictionary<values=int64, indices=int32, ordered=0>",
        ),
        (
            pyarrow.array([0.5, 1.5]).dictionary_encode(),
            Categorical([0.5, 1.5]),
            "dictionary<values=double, indices=int32, ordered=0>",
        ),
        (
            pyarrow.array([True, False]).dictionary_encode(),
            Categorical([True, False]),
            "dictionary<values=bool, indices=int32, ordered=0>",
        ),
        (
            pyarrow.DictionaryArray.from_arrays([0, 1], ["lo", "hi"], ordered=True),
            Ordinal(["lo", "hi"]),
            "dictionary<values=string, indices=int32, ordered=1>",
        ),
        (pyarrow.array([4, 5]).dictionary_encode(), Count(0, 9), "int64"),
        (pyarrow.array([2**60 + 1, 3]), Categorical([3, 2**60 + 1]), "int64"),
        (
            pyarrow.array([2**60 + 1, None]),
            Categorical([3, 2**60 + 1], nullable=True),
            "int64",
        ),
        (pyarrow.array([2**64 - 1, 3], "uint64"), Categorical([3, 2**64 - 1]), "uint64"),
        (pyarrow.array([2**64 - 1, 3], "uint64"), Continuous(0, 2.0**64), "double"),
    ],
    ids=lambda value: str(getattr(value, "type", "")) or None,
)
@pytest.mark.parametrize("in_pandas", [False, True])
def test_columns_of_arrow(column, kind, expected, in_pandas):
    schema = TableSchema({"x": kind})
    table = pyarrow.table({"x": column})
    if in_pandas and str(column.type) == "string_view":
        pytest.skip("pandas has no such dtype")
    table = table.to_pandas(types_mapper=pd.ArrowDtype) if in_pandas else table
    frame, table_format = read_frame(table)
    back = decode_table(encode_table(frame, schema), schema, public_format(table_format, schema))
    assert dtypes(back) == [f"{expected}[pyarrow]" if in_pandas else expected]
    values = pyarrow.array(back["x"].array).to_pylist() if in_pandas else back["x"].to_pylist()
    assert values == pytest.approx(column.to_pylist(), nan_ok=True) or values == column.to_pylist()


@pytest.mark.parametrize(
    ("levels", "column", "expected"),
    [
        ([2**60 + 1, 2**60 + 2], pd.Series([2**60 + 1, 2**60 + 2]), "int64"),
        ([-(2**62) - 1, 5], pd.Series([5, -(2**62) - 1], dtype=object), "int64"),
        ([2**64 - 1, 0], pd.Series([0, 2**64 - 1], dtype="uint64"), "uint64"),
        ([2**60 + 1], pd.Series([None, 2**60 + 1], dtype="Int64"), "Int64"),
        ([2**60 + 1], pd.Series([None, 2**60 + 1], dtype=object), "Int64"),
        ([2**64 - 1], pd.Series([None, 2**64 - 1], dtype="UInt64"), "UInt64"),
        ([2**70, 1], pd.Series([1, 2**70], dtype=object), "object"),
    ],
)
@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.SchemaWarning")  # as it should
def test_large_levels_are_exact(levels, column, expected, tmp_path):
    kind = Categorical(levels, nullable=bool(column.isna().any()))
    schema = TableSchema({"code": kind, "y": Categorical(["no", "yes"])})
    table = pd.DataFrame({"code": column, "y": ["no", "yes"]})
    table = pd.concat([table] * 50, ignore_index=True)
    fitted = DPMixtureSynthesizer(schema=schema, n_components=2, random_state=0).fit(table)
    fitted.save(tmp_path / "model")
    drawn = skdpsynth.load(tmp_path / "model").sample(40, random_state=0)
    assert str(drawn["code"].dtype) == expected
    assert set(drawn["code"].dropna().tolist()) == set(levels)
    drafted = TableSchema.from_frame(table, target="code")
    assert sorted(drafted["code"].levels) == sorted(levels)


def test_large_levels_in_an_array():
    levels = Categorical([2**60 + 1, 7])
    array = np.array([[2**60 + 1, 7], [7, 2**60 + 1]] * 20)
    schema = TableSchema({"a": levels, "b": levels})
    frame, table_format = read_frame(array, schema)
    back = decode_table(encode_table(frame, schema), schema, public_format(table_format, schema))
    assert back.dtype == np.int64
    assert np.array_equal(back, array)
    # beside real numbers no dtype of numbers would do
    schema = TableSchema({"a": levels, "b": Continuous(0, 2.0**61)})
    frame, table_format = read_frame(array, schema)
    back = decode_table(encode_table(frame, schema), schema, public_format(table_format, schema))
    assert back.dtype == object
    assert back[:, 0].tolist() == array[:, 0].tolist()


def test_many_large_integers_are_no_codes():
    table = pd.DataFrame({"number": np.arange(2**60, 2**60 + 50)})
    with pytest.raises(TableMismatchError, match=r"'number' holds 50 integers.*declare its levels"):
        TableSchema.from_frame(table)
    large = TableSchema.from_frame(pd.DataFrame({"x": [1e20, None, 3e20]}))
    assert large["x"] == Continuous(1e20, 3e20, nullable=True)


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("levels", [[3, 1], [0.5, 2.0], [True, False], ["b", "a"]])
def test_categories_of_any_levels(levels, ordered):
    frame = pd.DataFrame({"x": pd.Categorical(levels * 5, levels, ordered=ordered)})
    schema = TableSchema.from_frame(frame)
    assert schema["x"] == (Ordinal if ordered else Categorical)(levels)
    read, table_format = read_frame(frame)
    back = decode_table(encode_table(read, schema), schema, public_format(table_format, schema))
    pd.testing.assert_frame_equal(back, frame)


@pytest.mark.parametrize("as_category", [False, True])
@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.SchemaWarning")  # as it should
def test_intervals_are_texts(as_category):
    cut = pd.cut(pd.Series([1, 5, 9, None]), [0, 4, 8, 12])
    column = cut if as_category else cut.dropna().astype(cut.cat.categories.dtype)
    frame = pd.DataFrame({"band": column})
    schema = TableSchema.from_frame(frame)
    assert list(schema["band"].levels) == ["(0, 4]", "(4, 8]", "(8, 12]"]
    assert isinstance(schema["band"], Ordinal) == as_category
    read, table_format = read_frame(frame)
    back = decode_table(encode_table(read, schema), schema, public_format(table_format, schema))
    assert back["band"].tolist()[:3] == ["(0, 4]", "(4, 8]", "(8, 12]"]
    assert isinstance(back["band"].dtype, pd.CategoricalDtype) == as_category


@pytest.mark.parametrize("dtype", ["float16", "float32", "int8", "uint64", "Float32", "boolean"])
def test_narrow_numbers_are_read(dtype):
    frame = pd.DataFrame({"x": pd.Series([0, 1, 1], dtype=dtype)})
    assert TableSchema.from_frame(frame)["x"].nullable is False
    schema = TableSchema({"x": Count(0, 1)})
    assert encode_table(read_frame(frame)[0], schema).ravel().tolist() == [0, 1, 1]


def test_nan_is_missing_in_any_dtype():
    schema = TableSchema({"x": Categorical([0, 1], nullable=True)})
    values = [0.0, float("nan"), 1.0]
    tables = [
        polars.DataFrame({"x": values}),
        pyarrow.table({"x": values}),
        pd.DataFrame({"x": pd.array(pyarrow.array(values), dtype="double[pyarrow]")}),
    ]
    for table in tables:
        codes = encode_table(read_frame(table)[0], schema).ravel()
        assert np.array_equal(codes, [0, np.nan, 1], equal_nan=True)
        assert TableSchema.from_frame(table)["x"].nullable


def test_categories_of_other_tables_of_polars_are_not_levels():
    other = polars.Series(["elsewhere"], dtype=polars.Categorical)
    table = polars.DataFrame({"x": polars.Series(["here", "here"], dtype=polars.Categorical)})
    assert TableSchema.from_frame(table)["x"].levels == ("here",)
    assert len(other) == 1


def test_texts_that_spell_levels_are_not_other_values():
    kind = Categorical([0, 1], other=1)
    assert encode_table(pd.DataFrame({"x": [0, 5]}), TableSchema({"x": kind})).tolist() == [
        [0],
        [1],
    ]
    # one word makes texts of all numbers that pandas reads
    with pytest.raises(TableMismatchError, match=r"'x' holds '0'.*the level is the int 0"):
        encode_table(pd.DataFrame({"x": ["0", "word"]}), TableSchema({"x": kind}))
