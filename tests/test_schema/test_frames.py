from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from scipy import sparse

from skdpsynth.exceptions import TableMismatchError
from skdpsynth.preprocessing import (
    decode_table,
    encode_table,
    fit_schema_to_names,
    join_target,
    read_frame,
)
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

SCHEMA = TableSchema({"age": Count(0, 100), "sex": Categorical(["F", "M"])}, target="sex")
FRAME = pd.DataFrame({"age": [25, 130], "sex": ["M", "F"]})


def test_a_pandas_frame_is_read_as_it_is():
    frame, table_format = read_frame(FRAME)
    assert frame is FRAME
    assert table_format.container == "pandas"
    assert table_format.names == ("age", "sex")
    assert table_format.dtypes == tuple(FRAME.dtypes)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int8", "bool", "object", "U5"])
def test_arrays_come_back_as_the_array_they_were(dtype):
    array = np.array([[1, 0], [0, 1], [1, 1]]).astype(dtype)
    frame, table_format = read_frame(array)
    schema = TableSchema.from_frame(frame)
    back = decode_table(encode_table(frame, schema), schema, table_format)
    assert isinstance(back, np.ndarray)
    assert back.dtype.kind == array.dtype.kind
    assert_array_equal(back, array)


def test_an_array_of_integers_with_missing_values_becomes_float():
    schema = TableSchema({"a": Count(0, 2, nullable=True), "b": Count(0, 2)})
    _, table_format = read_frame(np.array([[0, 1]]))
    back = decode_table(np.array([[np.nan, 0.5]]), schema, table_format)
    assert back.dtype == np.float64
    assert_array_equal(back, [[np.nan, 1]])


def test_mixed_lists_keep_their_types():
    frame, table_format = read_frame([[1, "a"], [2, "b"]])
    assert frame.iloc[0].tolist() == [1, "a"]
    assert table_format.dtypes == (np.dtype(object),) * 2


def test_names_of_an_array():
    assert read_frame(np.ones((1, 2)))[1].names == ("x0", "x1")
    assert read_frame(np.ones((1, 2)), SCHEMA)[1].names == ("age", "sex")
    assert read_frame(np.ones((1, 1)), SCHEMA)[1].names == ("age",)
    with pytest.raises(
        TableMismatchError, match=r"by position, but it has 3 .* 2 or, without .* 1"
    ):
        read_frame(np.ones((1, 3)), SCHEMA)
    with pytest.raises(TableMismatchError, match="it has 1 and the schema 2; pass a frame"):
        read_frame(np.ones((1, 1)), SCHEMA.with_target(None))


def test_other_frames_are_read_through_pandas():
    class Frame:
        columns = FRAME.columns

        def to_pandas(self):
            return FRAME

    assert read_frame(Frame())[0] is FRAME


def test_polars_frames_come_back_as_polars_frames():
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    table = polars.DataFrame({"age": [25, 90], "sex": ["M", None]})
    schema = SCHEMA.replace({"sex": Categorical(["F", "M"], nullable=True)})
    frame, table_format = read_frame(table)
    back = decode_table(encode_table(frame, schema), schema, table_format)
    assert back.equals(table)


def test_a_lazy_frame_is_to_be_collected():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"X\.collect\(\)"):
        read_frame(polars.DataFrame({"age": [25]}).lazy())


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (sparse.csr_matrix(np.eye(2)), TypeError, r"Sparse data was passed.*toarray\(\)"),
        (np.ones(3), ValueError, "Expected 2D array, got 1D array instead.*Reshape your data"),
        (FRAME["age"], ValueError, r"Expected 2D array, got 1D array instead.*X\.to_frame\(\)"),
        (3, ValueError, "Expected 2D array, got 0D array instead"),
        ("rows.csv", ValueError, r"Read the file first, .*pd\.read_csv\('rows\.csv'\)"),
        (Path("rows.csv"), ValueError, r"pd\.read_csv\('rows\.csv'\)"),
        (np.ones((2, 2, 2)), ValueError, "Expected 2D array, got 3D"),
        (np.array([[1j]]), ValueError, "Complex data not supported"),
        (np.ones((0, 3)), ValueError, r"0 sample\(s\) \(shape=\(0, 3\)\) while a minimum of 1"),
        (FRAME.iloc[:0], ValueError, r"Found array with 0 sample\(s\)"),
        (np.ones((3, 0)), ValueError, r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1"),
        (np.array([[b"a"]]), TableMismatchError, r"'x0' has dtype .*decode its bytes"),
        (
            pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])),
            TableMismatchError,
            "several levels; flatten",
        ),
    ],
)
def test_what_is_not_a_table_is_an_error(table, error, message):
    with pytest.raises(error, match=message):
        read_frame(table)


def test_codes_are_levels_and_positions_in_the_range():
    assert_array_equal(encode_table(FRAME, SCHEMA), [[0.25, 1], [1, 0]])


def test_decoding_no_rows_gives_an_empty_table_like_it():
    for table in (FRAME, FRAME.to_numpy(dtype=object)):
        table_format = read_frame(table, SCHEMA)[1]
        empty = decode_table(np.empty((0, 2)), SCHEMA, table_format)
        assert empty.shape == (0, 2)
        assert type(empty) is type(table)
        if table is FRAME:
            pd.testing.assert_frame_equal(empty, FRAME.iloc[:0])


def test_integer_column_names_come_back():
    table = pd.DataFrame(np.arange(4).reshape(2, 2))
    schema = TableSchema({0: Count(0, 3), 1: Count(0, 3)})
    frame, table_format = read_frame(table)
    back = decode_table(encode_table(frame, schema), schema, table_format)
    pd.testing.assert_frame_equal(back, table, check_column_type=False)


def test_the_index_of_a_frame_is_not_kept_but_can_be_given():
    frame, table_format = read_frame(FRAME.set_axis(["r", "s"]))
    codes = encode_table(frame, SCHEMA)
    assert decode_table(codes, SCHEMA, table_format).index.tolist() == [0, 1]
    assert decode_table(codes, SCHEMA, table_format, frame.index).index.tolist() == ["r", "s"]


def test_a_format_can_be_narrowed_to_some_columns():
    _, table_format = read_frame(FRAME)
    narrowed = table_format.select(["sex"])
    assert narrowed.names == ("sex",)
    assert narrowed.dtypes == (FRAME["sex"].dtype,)


def test_the_schema_may_describe_the_absent_target():
    assert fit_schema_to_names(SCHEMA, ["age"]) == SCHEMA.drop("sex")
    assert fit_schema_to_names(SCHEMA, ["age", "sex"]) == SCHEMA


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["sex", "age"], r"in another order, \['sex', 'age'\].*df\[list\(schema.names\)\]"),
        (["sex"], r"lacks the columns \['age'\]\. Pass"),
        (["age", "sex", "id"], r"has the unknown columns \['id'\].*schema\.replace"),
        (["age", "gender"], r"lacks the columns \['sex'\] and has the unknown .*\['gender'\]"),
    ],
)
def test_other_columns_than_the_schemas_are_errors(names, message):
    table = pd.DataFrame([[0] * len(names)], columns=names)
    with pytest.raises(TableMismatchError, match=message):
        fit_schema_to_names(SCHEMA, names)
    with pytest.raises(TableMismatchError, match=message):
        encode_table(table, SCHEMA)


@pytest.mark.parametrize(
    ("y", "name"),
    [
        ([0, 1], "target"),
        (np.array([[0], [1]]), "target"),
        (pd.Series([0, 1]), "target"),
        (pd.Series([0, 1], name="label", index=[7, 9]), "label"),
        (pd.DataFrame({"label": [0, 1]}), "label"),
        (pd.Series([0, 1], name=0), 0),
    ],
)
def test_the_target_becomes_the_last_column(y, name):
    frame, table_format = join_target(*read_frame(FRAME), y)
    assert table_format.names == ("age", "sex", name)
    assert frame[name].tolist() == [0, 1]
    assert frame.index.equals(FRAME.index)
    assert len(FRAME.columns) == 2


def test_the_target_may_be_named_and_hold_strings():
    frame, table_format = join_target(*read_frame(FRAME), np.array(["no", "yes"]), "label")
    assert table_format.names == ("age", "sex", "label")
    assert encode_table(frame, SCHEMA.replace({"label": Categorical(["yes", "no"])}))[0, 2] == 1


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        ([1, 2, 3], ValueError, "differ in length: 2 and 3 rows"),
        (np.ones((2, 2)), ValueError, r"one column, got shape \(2, 2\)"),
        (pd.Series([1, 2], name="age"), TableMismatchError, "already has the target column 'age'"),
        (pd.to_datetime(["2020", "2021"]).to_series(name="when"), TableMismatchError, "'when'"),
    ],
)
def test_a_target_that_does_not_fit_is_an_error(y, error, message):
    with pytest.raises(error, match=message):
        join_target(*read_frame(FRAME), y)


def test_a_wide_array_is_stacked_in_one_dtype():
    schema = TableSchema({"a": Continuous(0, 1), "b": Categorical(["u", "v"])})
    array = np.array([[0.5, "u"], [1.0, "v"]], dtype=object)
    frame, table_format = read_frame(array, schema)
    back = decode_table(encode_table(frame, schema), schema, table_format)
    assert back.dtype == object
    assert_array_equal(back, array)
