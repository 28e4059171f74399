import numpy as np
import pandas as pd
import pytest

from skdpsynth.datasets._reading import apply_schema, choose_rows
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "weight": Continuous(0, 200, nullable=True),
        "visits": Count(0, 9, nullable=True),
        "ward": Categorical([1, 2]),
        "city": Categorical(["NA", "Rome"], nullable=True),
        "rank": Ordinal(["low", "high", "other"], other="other"),
        "well": Categorical([True, False]),
    },
    target="well",
)
TEXT = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "well": ["True", "False", "True"],
        "age": ["17", "0", " 99"],
        "weight": ["70.5", "", "?"],
        "visits": ["3", "?", "0"],
        "ward": ["1", "2", " 2 "],
        "city": ["NA", "?", "Rome"],
        "rank": ["low", "high", "odd"],
    }
)


def test_text_becomes_what_the_schema_says():
    frame = apply_schema(TEXT, SCHEMA, missing=("?",))
    expected = pd.DataFrame(
        {
            "age": [17, 0, 99],
            "weight": [70.5, np.nan, np.nan],
            "visits": [3.0, np.nan, 0.0],
            "ward": [1, 2, 2],
            "city": ["NA", None, "Rome"],
            "rank": ["low", "high", "other"],
            "well": [True, False, True],
        }
    )
    pd.testing.assert_frame_equal(frame, expected)


def test_rows_that_have_their_types_already_stay_as_they_are():
    frame = apply_schema(TEXT, SCHEMA, missing=("?",))
    pd.testing.assert_frame_equal(apply_schema(frame, SCHEMA), frame)
    categories = frame.astype({"city": "category", "ward": "float64"})
    pd.testing.assert_frame_equal(apply_schema(categories, SCHEMA), frame)


def test_no_rows():
    assert apply_schema(TEXT.iloc[:0], SCHEMA).shape == (0, 7)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("age", "old", "'age' holds 'old', which is not a number"),
        ("age", "", "'age' has missing values but is not nullable"),
        (
            "ward",
            "3",
            r"'ward' holds '3', which is not among its 2 levels \['1', '2'\]\. Add .* leave the",
        ),
        ("ward", "", r"'ward' has missing values \(an empty field\) but is not nullable"),
        ("ward", " ", r"'ward' has missing values \(an empty field\) but is not nullable"),
        (
            "ward",
            "?",
            r"'ward' has missing values \('\?'\) but is not nullable",
        ),
        ("city", "Paris", "'city' holds 'Paris'"),
    ],
)
def test_values_that_do_not_fit(column, value, message):
    raw = TEXT.assign(**{column: [TEXT[column][0], TEXT[column][1], value]})
    with pytest.raises(TableMismatchError, match=message):
        apply_schema(raw, SCHEMA, missing=("?",))


def test_missing_level_that_may_not_be():
    raw = TEXT.assign(ward=[1.0, 2.0, np.nan])
    with pytest.raises(TableMismatchError, match="'ward' has missing values"):
        apply_schema(raw, SCHEMA, missing=("?",))


def test_column_that_is_absent():
    with pytest.raises(TableMismatchError, match=r"lacks the columns \['city'\]"):
        apply_schema(TEXT.drop(columns="city"), SCHEMA)


def test_subsets():
    train = np.array([True, False, True])
    parts = [choose_rows(TEXT, subset, train)["id"].tolist() for subset in ("all", "train", "test")]
    assert parts == [["a", "b", "c"], ["a", "c"], ["b"]]
    with pytest.raises(ValueError, match="subset='half' is not one of"):
        choose_rows(TEXT, "half", train)
