import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skdpsynth.exceptions import PrivacyLeakWarning, SchemaError, TableMismatchError
from skdpsynth.preprocessing import MissingnessEncoder, TableEncoder
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "wage": Continuous(-1, 10, nullable=True),
        "sex": Categorical(["F", "M"], nullable=True),
    }
)
FRAME = pd.DataFrame(
    {"age": [20, 30, 40], "wage": [np.nan, 2.5, 3.0], "sex": ["M", "F", None]}, index=[1, 2, 3]
)


def test_values_and_indicators_of_a_frame():
    table = MissingnessEncoder(SCHEMA).fit_transform(FRAME)
    expected = FRAME.assign(
        wage=[-1, 2.5, 3.0],
        sex=["M", "F", "F"],
        wage_missing=[True, False, False],
        sex_missing=[False, False, True],
    )
    pd.testing.assert_frame_equal(table, expected)


def test_indicators_do_not_depend_on_the_holes():
    full = FRAME.assign(wage=1.0, sex="F")
    encoder = MissingnessEncoder(SCHEMA).fit(full)
    assert encoder.indicator_columns_ == ("wage", "sex")
    assert encoder.transform(full).columns.tolist() == encoder.transform(FRAME).columns.tolist()
    assert encoder.fill_ == MissingnessEncoder(SCHEMA).fit(FRAME).fill_


def test_output_schema_fits_the_output():
    encoder = MissingnessEncoder(SCHEMA).fit(FRAME)
    assert encoder.output_schema_ == TableSchema(
        {
            "age": Count(17, 90),
            "wage": Continuous(-1, 10),
            "sex": Categorical(["F", "M"]),
            "wage_missing": Categorical([False, True]),
            "sex_missing": Categorical([False, True]),
        }
    )
    table = encoder.transform(FRAME)
    codes = TableEncoder(encoder.output_schema_).fit_transform(table)
    assert not np.isnan(codes).any()


@given(
    st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=6),
    st.sampled_from(["float64", "Int64", "object", "category"]),
    st.booleans(),
)
def test_holes_come_back(values, dtype, as_array):
    column = pd.Series(values, dtype=object)
    column = column.where(column.notna(), np.nan)
    if dtype == "category":
        dtype = pd.CategoricalDtype(range(10))
    kind = Count(0, 9) if dtype in ("float64", "Int64") else Categorical(range(10))
    kind = type(kind)(*(([0, 9]) if isinstance(kind, Count) else [range(10)]), nullable=True)
    frame = pd.DataFrame({"x": column.astype(dtype)})
    encoder = MissingnessEncoder(TableSchema({"x": kind})).fit(frame)
    table = encoder.transform(frame)
    assert not table.isna().any(axis=None)
    if as_array:
        table = table.astype(float).to_numpy()
    expected = frame.astype("float64") if dtype == "object" else frame
    pd.testing.assert_frame_equal(encoder.inverse_transform(table), expected)


@pytest.mark.parametrize("dtype", ["int64", "bool", "boolean"])
def test_dtypes_of_what_comes_back_follow_from_the_schema(dtype):
    frame = pd.DataFrame({"x": [1, 0]}, dtype=dtype)
    encoder = MissingnessEncoder(TableSchema({"x": Count(0, 1, nullable=True)})).fit(frame)
    back = encoder.inverse_transform(pd.DataFrame({"x": [1, 0], "x_missing": [0.9, 0.1]}))
    assert back["x"].isna().tolist() == [True, False]
    assert back["x"][1] == 0
    assert back["x"].dtype == {"int64": "float64", "bool": "float64", "boolean": "Int64"}[dtype]


def test_arrays_in_arrays_out():
    schema = TableSchema({"a": Count(1, 9), "b": Continuous(0, 1, nullable=True)})
    array = np.array([[1, np.nan], [2, 0.5]])
    encoder = MissingnessEncoder(schema).fit(array)
    table = encoder.transform(array)
    assert table.dtype == np.float64
    assert_array_equal(table, [[1, 0, 1], [2, 0.5, 0]])
    assert_array_equal(encoder.inverse_transform(table), array)
    assert encoder.get_feature_names_out().tolist() == ["a", "b", "b_missing"]
    assert encoder.set_output(transform="pandas").transform(array).columns.tolist() == [
        "a",
        "b",
        "b_missing",
    ]


def test_object_arrays():
    array = FRAME.to_numpy(dtype=object)
    encoder = MissingnessEncoder(SCHEMA).fit(array)
    table = encoder.transform(array)
    assert table[:, 3].tolist() == [True, False, False]
    back = encoder.inverse_transform(table)
    array[2, 2] = np.nan
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(array))


def test_chosen_columns_need_no_schema():
    encoder = MissingnessEncoder(columns=["wage"], indicator_suffix=" is NA").fit(FRAME)
    table = encoder.transform(FRAME)
    assert table.columns.tolist() == ["age", "wage", "sex", "wage is NA"]
    assert table["wage"].tolist() == [0, 2.5, 3]
    # a column that was not chosen keeps its hole
    assert table["sex"].isna().tolist() == [False, False, True]
    pd.testing.assert_frame_equal(encoder.inverse_transform(table), FRAME)


@pytest.mark.parametrize(
    ("values", "fill"),
    [
        (pd.array([1, None], dtype="Int64"), 0),
        (pd.array([True, None], dtype="boolean"), False),
        (pd.array(["a", None], dtype="string"), ""),
        ([1.5, np.nan], 0),
    ],
)
def test_default_fill_without_a_schema(values, fill):
    frame = pd.DataFrame({"x": values})
    table = MissingnessEncoder(columns="x").fit_transform(frame)
    assert table["x"][1] == fill
    assert table["x"].dtype == frame["x"].dtype


def test_given_fill():
    encoder = MissingnessEncoder(SCHEMA, fill={"wage": 5, "sex": "M"})
    table = encoder.fit_transform(FRAME)
    assert (table["wage"][1], table["sex"][3]) == (5, "M")
    category = pd.DataFrame({"x": pd.Categorical(["a", None])})
    table = MissingnessEncoder(columns=["x"], fill="none").fit_transform(category)
    assert table["x"].tolist() == ["a", "none"]


def test_without_schema_and_columns_the_columns_with_holes_are_named():
    with pytest.warns(PrivacyLeakWarning, match=r"missing values .* \['wage', 'sex'\]"):
        encoder = MissingnessEncoder().fit(FRAME)
    assert encoder.fill_ == {"wage": 2.5, "sex": "F"}
    with pytest.raises(TableMismatchError, match="'age' holds a missing value"):
        encoder.transform(FRAME.assign(age=np.nan))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"columns": ["shoe"]}, r"columns names \['shoe'\], which the table lacks"),
        ({"fill": {"age": 3}}, r"fill names the columns \['age'\], which have no indicator"),
        ({"fill": {"wage": 11}}, "fill=11 is not a number between the bounds of column 'wage'"),
        ({"fill": "none"}, "fill='none' is not a number between"),
        ({"columns": ["sex"], "fill": "none"}, "fill='none' is not a level of column 'sex'"),
        ({"schema": None, "columns": ["c"]}, r"'c' .*no default fill.*fill=\{'c': value\}"),
    ],
)
def test_bad_parameters_are_errors(parameters, message):
    frame = FRAME
    if "schema" in parameters:
        frame = FRAME.assign(c=pd.Categorical(["a", "b", "a"]))
    with pytest.raises(SchemaError, match=message):
        MissingnessEncoder(**{"schema": SCHEMA, **parameters}).fit(frame)


def test_an_indicator_must_not_take_the_name_of_a_column():
    schema = SCHEMA.replace({"wage_missing": Count(0, 1)})
    frame = FRAME.assign(wage_missing=0)
    with pytest.raises(SchemaError, match=r"\['wage_missing'\]; choose another indicator_suffix"):
        MissingnessEncoder(schema).fit(frame)


def test_a_hole_where_the_schema_has_none_is_an_error():
    encoder = MissingnessEncoder(SCHEMA).fit(FRAME)
    with pytest.raises(TableMismatchError, match=r"'age' holds a missing value.*nullable=True"):
        encoder.transform(FRAME.assign(age=np.nan))
