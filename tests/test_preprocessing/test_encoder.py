import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from skdpsynth.exceptions import PrivacyLeakWarning, SchemaError, TableMismatchError
from skdpsynth.preprocessing import (
    BoundedDiscretizer,
    MissingnessEncoder,
    TableEncoder,
    public_format,
    read_frame,
)
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 100),
        "wage": Continuous(0, 10, nullable=True),
        "sex": Categorical(["F", "M"]),
        "y": Categorical([0, 1]),
    },
    target="y",
)
FRAME = pd.DataFrame(
    {"age": [25, 50], "wage": [np.nan, 2.5], "sex": ["M", "F"], "y": [0, 1]}, index=[4, 7]
)


@st.composite
def columns(draw, n_rows):
    """A column kind, and a series that fits it in one of the dtypes it may come in."""
    nullable = draw(st.booleans())
    holes = draw(st.lists(st.booleans(), min_size=n_rows, max_size=n_rows)) if nullable else []
    which, dtypes = draw(
        st.sampled_from(
            [
                (["b", "a", "ccc"], ["object", "string", "category", "str"]),
                ([5, 3], ["object", "int64", "Int64", "category", "float64", "int8"]),
                ([0.5, -2.0], ["object", "float64", "Float64", "category"]),
                ([False, True], ["object", "bool", "boolean", "category"]),
                (Count, ["object", "int64", "Int64", "float64", "Int8"]),
                (Continuous, ["object", "float64", "Float64"]),
            ]
        )
    )
    dtype = draw(st.sampled_from(dtypes))
    if isinstance(which, list):
        kind = draw(st.sampled_from([Categorical, Ordinal]))(which, nullable=nullable)
        value = st.sampled_from(which)
    elif which is Count:
        kind, value = Count(-50, 100, nullable=nullable), st.integers(-50, 100)
    else:
        kind, value = Continuous(-1, 1e6, nullable=nullable), st.floats(-1, 1e6)
    values = draw(st.lists(value, min_size=n_rows, max_size=n_rows))
    column = pd.Series(values, dtype=object)
    if any(holes):
        column = column.where(~np.array(holes), np.nan)
        # as pandas: integers with holes are floats, booleans objects
        dtype = {"int64": "float64", "int8": "float64", "bool": "object"}.get(dtype, dtype)
    if dtype == "category":
        dtype = pd.CategoricalDtype(which, ordered=draw(st.booleans()))
    elif dtype == "str" and any(holes):
        dtype = "object"
    return kind, column.astype(dtype)


@given(st.data())
def test_decoding_codes_restores_the_table(data):
    n_rows = data.draw(st.integers(1, 5))
    drawn = data.draw(st.lists(columns(n_rows), min_size=1, max_size=4))
    schema = TableSchema({f"c{i}": kind for i, (kind, _) in enumerate(drawn)})
    frame = pd.DataFrame({f"c{i}": column for i, (_, column) in enumerate(drawn)})
    encoder = TableEncoder(schema).fit(frame)
    codes = encoder.transform(frame)
    assert np.array_equal(np.isnan(codes), frame.isna().to_numpy())
    back = encoder.inverse_transform(codes)
    # a rounding of the range 1e6 is 1e-10
    # dtypes follow the schema, and with them the mark of a missing value
    left, right = (table.astype(object).where(table.notna(), None) for table in (back, frame))
    pd.testing.assert_frame_equal(left, right, rtol=1e-12, atol=1e-9)
    published = public_format(read_frame(frame)[1], schema)
    assert read_frame(back)[1] == published


def test_fit_keeps_nothing_of_the_values():
    other = FRAME.assign(age=[1, 2], wage=[0.0, np.nan], sex=["F", "F"])
    states = [TableEncoder(SCHEMA).fit(frame).__dict__ for frame in (FRAME, other)]
    assert states[0].keys() == states[1].keys()
    assert pickle.dumps(states[0]) == pickle.dumps(states[1])


def test_restored_categories_are_the_schemas():
    schema = TableSchema({"x": Ordinal(["lo", "mid", "hi"])})
    frame = pd.DataFrame({"x": pd.Categorical(["hi", "lo"], ordered=True)})
    back = TableEncoder(schema).fit(frame).inverse_transform([[2.0], [0.0]])
    assert back["x"].cat.categories.tolist() == ["lo", "mid", "hi"]
    assert back["x"].cat.ordered


def test_the_target_may_be_absent():
    encoder = TableEncoder(SCHEMA)
    assert encoder.fit(FRAME).schema_ == SCHEMA
    features = FRAME.drop(columns="y")
    assert encoder.fit(features).schema_ == SCHEMA.drop("y")
    assert encoder.transform(features).shape == (2, 3)
    assert encoder.fit(features.to_numpy()).schema_ == SCHEMA.drop("y")


def test_works_in_a_pipeline_before_a_model():
    pipeline = make_pipeline(TableEncoder(SCHEMA), DecisionTreeClassifier())
    features = FRAME.drop(columns="y")
    assert pipeline.fit(features, FRAME["y"]).predict(features).tolist() == [0, 1]


def test_pandas_output_keeps_names_and_index():
    encoder = TableEncoder(SCHEMA).set_output(transform="pandas")
    codes = encoder.fit_transform(FRAME)
    assert codes.columns.tolist() == list(SCHEMA.names)
    assert codes.index.tolist() == [4, 7]
    pd.testing.assert_frame_equal(encoder.inverse_transform(codes), FRAME)


def test_names_of_an_arrays_columns_are_the_schemas():
    array = FRAME.to_numpy(dtype=object)
    encoder = TableEncoder(SCHEMA).set_output(transform="pandas")
    assert encoder.fit_transform(array).columns.tolist() == list(SCHEMA.names)
    back = encoder.inverse_transform(encoder.transform(array))
    pd.testing.assert_frame_equal(pd.DataFrame(back), pd.DataFrame(array))


def test_without_a_schema_the_columns_that_leak_are_named():
    with pytest.warns(
        PrivacyLeakWarning, match=r"TableEncoder read .*\['age', 'wage', 'sex', 'y'\]"
    ):
        encoder = TableEncoder().fit(FRAME)
    assert encoder.schema_ == TableSchema.from_frame(FRAME)


def test_clones_and_pickles_behave_alike():
    encoder = TableEncoder(SCHEMA).fit(FRAME)
    again = pickle.loads(pickle.dumps(encoder))
    pd.testing.assert_frame_equal(
        again.inverse_transform(encoder.transform(FRAME)), FRAME.set_axis([0, 1])
    )
    assert clone(encoder).schema == SCHEMA


def test_bad_input_is_an_error():
    encoder = TableEncoder(SCHEMA)
    with pytest.raises(NotFittedError):
        encoder.transform(FRAME)
    with pytest.raises(NotFittedError):
        encoder.inverse_transform([[0.0]])
    with pytest.raises(SchemaError, match="must be a TableSchema or None, got dict"):
        TableEncoder({"age": Count(0, 1)}).fit(FRAME)
    with pytest.raises(TableMismatchError, match=r"lacks the columns \['wage'\]"):
        encoder.fit(FRAME.drop(columns="wage"))
    encoder.fit(FRAME)
    with pytest.raises(ValueError, match="feature names should match"):
        encoder.transform(FRAME[["wage", "age", "sex", "y"]])
    with pytest.raises(TableMismatchError, match="expects the 4 columns that transform returns"):
        encoder.inverse_transform([[0.0]])
    with pytest.raises(TableMismatchError, match="Column 'age' holds a missing value"):
        encoder.inverse_transform([[np.nan, 0, 0, 0]])
    with pytest.raises(TableMismatchError, match="Column 'sex' holds 'X'"):
        encoder.transform(FRAME.assign(sex="X"))


@pytest.mark.parametrize(
    "transformer",
    [TableEncoder(SCHEMA), BoundedDiscretizer(SCHEMA), MissingnessEncoder(SCHEMA)],
    ids=lambda transformer: type(transformer).__name__,
)
def test_a_fit_that_fails_changes_nothing(transformer):
    transformer = clone(transformer)
    unfit, before = FRAME.rename(columns={"age": "AGE"}), dict(vars(transformer))
    with pytest.raises(TableMismatchError):
        transformer.fit(unfit)
    assert vars(transformer) == before
    fitted = dict(vars(transformer.fit(FRAME)))
    with pytest.raises(TableMismatchError):
        transformer.fit(unfit)
    assert vars(transformer).keys() == fitted.keys()
    assert all(vars(transformer)[name] is value for name, value in fitted.items())
    # names that are no strings are compared, too
    with pytest.warns(UserWarning, match="feature names"), pytest.raises(TableMismatchError):
        transformer.transform(FRAME.set_axis(range(FRAME.shape[1]), axis=1))


def test_an_integer_that_no_float_holds_is_an_error():
    huge = FRAME.assign(age=pd.Series([10**400] * len(FRAME), index=FRAME.index, dtype=object))
    with pytest.raises(TableMismatchError, match="'age' holds an integer that is too large"):
        TableEncoder(SCHEMA).fit(FRAME).transform(huge)
