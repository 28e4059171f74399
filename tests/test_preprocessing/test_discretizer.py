import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from skdpsynth.exceptions import PrivacyLeakWarning, SchemaError, TableMismatchError
from skdpsynth.preprocessing import BoundedDiscretizer
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "wage": Continuous(0, 10, nullable=True),
        "sex": Categorical(["F", "M"]),
    },
    target="sex",
)
FRAME = pd.DataFrame(
    {"age": [5, 99, 200], "wage": [np.nan, 2.5, 10.0], "sex": ["M", "F", "F"]}, index=[1, 2, 3]
)


def test_bins_of_a_frame():
    bins = BoundedDiscretizer(SCHEMA, n_bins={"age": 10, "wage": 4}).fit_transform(FRAME)
    expected = pd.DataFrame(
        {"age": [0, 9, 9], "wage": [np.nan, 1.0, 3.0], "sex": FRAME["sex"]}, index=FRAME.index
    )
    pd.testing.assert_frame_equal(bins, expected)


def test_inverse_restores_container_and_dtypes():
    discretizer = BoundedDiscretizer(SCHEMA, inverse="center").fit(FRAME)
    back = discretizer.inverse_transform(discretizer.transform(FRAME))
    expected = FRAME.assign(age=[4, 94, 94], wage=[np.nan, 2.5, 9.5])
    pd.testing.assert_frame_equal(back, expected)


@given(st.lists(st.floats(-5, 15), min_size=1, max_size=20), st.integers(0, 2**31))
def test_a_drawn_table_has_the_same_bins(values, seed):
    frame = pd.DataFrame({"wage": values, "age": np.arange(len(values))})
    schema = SCHEMA.select(["wage", "age"])
    discretizer = BoundedDiscretizer(schema, strategy="log", random_state=seed).fit(frame)
    bins = discretizer.transform(frame)
    pd.testing.assert_frame_equal(discretizer.transform(discretizer.inverse_transform(bins)), bins)


def test_output_schema_describes_the_bins():
    discretizer = BoundedDiscretizer(SCHEMA, n_bins=3).fit(FRAME)
    assert discretizer.output_schema_ == TableSchema(
        {
            "age": Ordinal([0, 1, 2]),
            "wage": Ordinal([0, 1, 2], nullable=True),
            "sex": Categorical(["F", "M"]),
        },
        target="sex",
    )


def test_arrays_in_arrays_out():
    schema = TableSchema({"a": Count(0, 9), "b": Continuous(0, 1)})
    array = np.array([[0, 0.05], [9, 0.95]])
    discretizer = BoundedDiscretizer(schema, inverse="center").fit(array)
    bins = discretizer.transform(array)
    assert_array_equal(bins, [[0, 0], [9, 9]])
    assert bins.dtype == np.int64
    assert discretizer.get_feature_names_out().tolist() == ["a", "b"]
    np.testing.assert_allclose(discretizer.inverse_transform(bins), array)


def test_pandas_output_of_an_array():
    discretizer = BoundedDiscretizer(bounds={"x1": (0, 1)}).set_output(transform="pandas")
    bins = discretizer.fit_transform(np.array([[7.0, 0.55], [8.0, np.nan]]))
    pd.testing.assert_frame_equal(bins, pd.DataFrame({"x0": [7.0, 8.0], "x1": [5, np.nan]}))


def test_bounds_without_a_schema_bin_only_those_columns():
    frame = FRAME.assign(age=[5, 6, 7])
    discretizer = BoundedDiscretizer(bounds={"age": (5, 7)}, inverse="center").fit(frame)
    bins = discretizer.transform(frame)
    assert bins["age"].tolist() == [0, 1, 2]
    pd.testing.assert_frame_equal(bins.drop(columns="age"), frame.drop(columns="age"))
    pd.testing.assert_frame_equal(discretizer.inverse_transform(bins), frame)
    assert not hasattr(discretizer, "output_schema_")


def test_bounds_and_edges_go_before_the_schema():
    discretizer = BoundedDiscretizer(
        SCHEMA, bounds={"age": (0, 9)}, edges={"wage": [0, 1, 100]}, n_bins=2, inverse="center"
    ).fit(FRAME)
    assert_array_equal(discretizer.edges_["age"], [-0.5, 4.5, 9.5])
    assert_array_equal(discretizer.edges_["wage"], [0, 1, 100])
    back = discretizer.inverse_transform(pd.DataFrame([[0, 1.0, "F"]], columns=list(SCHEMA)))
    assert back["wage"].tolist() == [50.5]


def test_given_edges_of_a_count_include_the_last_one():
    discretizer = BoundedDiscretizer(
        TableSchema({"age": Count(0, 99)}), edges={"age": [0, 18, 65]}, random_state=0
    )
    frame = pd.DataFrame({"age": [0, 17, 18, 65, 90]})
    assert discretizer.fit_transform(frame)["age"].tolist() == [0, 0, 1, 1, 1]
    drawn = discretizer.inverse_transform(pd.DataFrame({"age": [0, 1] * 500}))["age"]
    assert (drawn[::2].min(), drawn[::2].max()) == (0, 17)
    assert (drawn[1::2].min(), drawn[1::2].max()) == (18, 65)


def test_without_bounds_only_the_numeric_columns_are_named():
    with pytest.warns(PrivacyLeakWarning, match=r"the bounds of the columns \['age', 'wage'\]"):
        discretizer = BoundedDiscretizer().fit(FRAME)
    assert discretizer.edges_["wage"][[0, -1]].tolist() == [2.5, 10]


@pytest.mark.parametrize(
    "random_state", [7, np.random.RandomState(7), np.random.default_rng(7), None]
)
def test_draws_leave_the_global_state_alone(random_state):
    discretizer = BoundedDiscretizer(SCHEMA, random_state=random_state).fit(FRAME)
    bins = discretizer.transform(FRAME)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draws = [discretizer.inverse_transform(bins)["wage"][2] for _ in range(2)]
    assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert (draws[0] == draws[1]) == (random_state == 7)


def test_categories_pass_through_and_come_back_with_the_schemas_levels():
    frame = FRAME.assign(sex=pd.Categorical(["M", "M", "M"]))
    discretizer = BoundedDiscretizer(SCHEMA).fit(frame)
    bins = discretizer.transform(frame)
    assert bins["sex"].cat.categories.tolist() == ["M"]
    back = discretizer.inverse_transform(bins)
    assert back["sex"].cat.categories.tolist() == ["F", "M"]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"strategy": "quantile"}, ValueError, r"strategy must be one of \['uniform', 'log'\]"),
        ({"inverse": "mean"}, ValueError, r"inverse must be one of"),
        ({"n_bins": 0}, ValueError, "n_bins must be a positive integer, got 0"),
        ({"n_bins": 2.5}, ValueError, "n_bins must be a positive integer, got 2.5"),
        ({"n_bins": {"age": 2}}, ValueError, "n_bins has no entry for column 'wage'"),
        ({"bounds": {"shoe": (0, 1)}}, SchemaError, r"name the columns \['shoe'\]"),
        ({"bounds": {"sex": (0, 1)}}, SchemaError, "'sex' is Categorical in the schema"),
        ({"bounds": {"age": 3}}, SchemaError, r"'age' must be a pair \(low, high\), got 3"),
        ({"bounds": {"age": (3, 1)}}, SchemaError, "Column 'age': Count: .*crossed"),
        ({"edges": {"age": [0, 0.5, 0.7]}}, SchemaError, "Column 'age'"),
        ({"edges": {"age": [0, 1.2, 1.7, 3]}}, SchemaError, "No integer lies between"),
        ({"edges": {"wage": [1, 0]}}, SchemaError, "'wage' must increase strictly"),
    ],
)
def test_bad_parameters_are_errors(parameters, error, message):
    with pytest.raises(error, match=message):
        BoundedDiscretizer(SCHEMA, **parameters).fit(FRAME)


def test_values_that_do_not_fit_are_errors():
    discretizer = BoundedDiscretizer(SCHEMA).fit(FRAME)
    with pytest.raises(TableMismatchError, match="'age' is numeric in its schema but holds 'old'"):
        discretizer.transform(FRAME.assign(age="old"))
    with pytest.raises(TableMismatchError, match="'age' holds a missing value"):
        discretizer.inverse_transform(FRAME.assign(age=np.nan))
