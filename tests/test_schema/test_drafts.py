"""Drafts: decimals, steps and few levels are kept, and what may not be meant is told."""

import datetime
import uuid
import warnings

import numpy as np
import pandas as pd
import pytest

from skdpsynth.exceptions import SchemaError, SchemaWarning, TableMismatchError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth.schema._codes import encode_column
from skdpsynth.schema._given import draft_privately
from skdpsynth.schema._identifiers import find_identifier

N = 600
RNG = np.random.default_rng(0)
DAYS = pd.Timestamp("2022-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), unit="D")


def draft(values, name="x", **others):
    """Return the kind that is drafted of a column, and what was told."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        schema = TableSchema.from_frame(pd.DataFrame({name: values, **others}))
    assert all(warning.category is SchemaWarning for warning in caught)
    assert all(warning.filename == __file__ for warning in caught)
    return schema.columns.get(name), [str(warning.message) for warning in caught]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (RNG.choice([-3.4, -0.1, 1.4], N), Ordinal([-3.4, -0.1, 1.4])),
        (RNG.choice([0.0, 2.5, np.nan], N), Ordinal([0.0, 2.5], nullable=True)),
        (RNG.choice([10.0, 20.0, 50.0], N), Ordinal([10.0, 20.0, 50.0])),
        (RNG.choice([1.0, 2.0, 3.0], N), Continuous(1, 3, decimals=0)),
        (RNG.choice([0.0, 1.0], N), Continuous(0, 1, decimals=0)),
        (
            np.r_[0.25, 12.5, 99.99, RNG.uniform(1, 99, N).round(2)],
            Continuous(0.25, 99.99, decimals=2),
        ),
        (np.r_[-5, 5, RNG.uniform(-5, 5, N).round(3)], Continuous(-5, 5, decimals=3)),
        (np.r_[0, 99.5, RNG.integers(0, 199, N) / 2], Continuous(0, 99.5, decimals=1, step=0.5)),
        (np.r_[0, 50, (RNG.integers(0, 999, N) * 0.05)], Continuous(0, 50, decimals=2, step=0.05)),
        (
            np.r_[0.3, 40, RNG.uniform(1, 40, N).round(1) + 0.1 - 0.1],
            Continuous(0.3, 40, decimals=1),
        ),
        (np.r_[0, 500, RNG.integers(0, 500, N)].astype(float), Continuous(0, 500, decimals=0)),
        (np.r_[0, 200, RNG.integers(0, 40, N) * 5], Count(0, 200, step=5)),
        (np.r_[1, 99, RNG.integers(0, 49, N) * 2 + 1], Count(1, 99, step=2)),
        (np.r_[0, 97, RNG.integers(0, 97, N)], Count(0, 97)),
        ([110, 180, 180, 110], Count(110, 180)),
        ([1.5, 2.0, 0.25, 1.5], Continuous(0.25, 2)),
        (np.r_[0, 1, np.arange(1, 900) / 900], Continuous(0, 1)),
    ],
)
def test_decimals_steps_and_few_levels_are_kept(values, kind):
    assert draft(values) == (kind, [])
    assert draft(values, "y", a=np.resize([1, 2, 5], len(values)))[0] == kind


def test_single_precision_has_the_decimals_that_were_written():
    prices = np.r_[0.5, 99.95, RNG.uniform(1, 99, N).round(2)].astype(np.float32)
    assert draft(prices)[0] == Continuous(0.5, 99.95, decimals=2)


def test_few_classes_of_a_target_are_levels():
    frame = pd.DataFrame({"a": RNG.integers(0, 90, N), "y": RNG.choice([1.0, 2.0, 3.0], N)})
    assert TableSchema.from_frame(frame, target="y")["y"] == Ordinal([1.0, 2.0, 3.0])


def test_few_values_on_no_lattice_are_told():
    values = np.r_[0.1, np.full(300, 0.6), np.full(300, 12.3)]
    kind, told = draft(values)
    assert kind == Continuous(0.1, 12.3, decimals=1)
    assert "only the 3 values [0.1, 0.6, 12.3]" in told[0]
    assert "schema.replace({'x': Ordinal([0.1, 0.6, 12.3])})" in told[0]


IDENTIFIERS = {
    "1, 2, 3": np.arange(1, N + 1),
    "whole floats": np.arange(1.0, N + 1),
    "downwards": np.arange(N, 0, -1),
    "shuffled": RNG.permutation(N),
    "growing": np.cumsum(RNG.integers(1, 60, N)),
    "sparse": RNG.choice(10**9, N, replace=False),
    "uuid": [str(uuid.UUID(int=int(RNG.integers(2**60)) << 64)) for _ in range(N)],
    "hash": [f"{RNG.integers(2**60):015x}a{RNG.integers(2**60):016x}" for _ in range(N)],
    "numbered": [f"P{row:05d}" for row in range(N)],
    "numbered visits": [f"P{row // 3:05d}" for row in range(N)],
    "tickets": [f"A/{number}" for number in RNG.choice(10**6, N, replace=False)],
    "almost": [f"{row % (N - 5)} Elm Street" for row in range(N)],
    "with missing": [None, *(f"K-{row:04d}" for row in range(N - 1))],
}


@pytest.mark.parametrize("spelled", IDENTIFIERS)
def test_identifiers_are_told_with_what_to_drop(spelled):
    _, told = draft(IDENTIFIERS[spelled])
    assert len(told) == 1
    assert "'x'" in told[0]
    assert "looks like an identifier" in told[0]
    assert "schema.drop(['x'])" in told[0]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Unnamed: 0", np.arange(30)),
        ("index", np.arange(10, 40)),
        ("patient_id", RNG.integers(0, 400, N)),
        ("PassengerId", RNG.integers(0, 400, N)),
        ("order no", RNG.integers(0, 400, N)),
        ("encounter-nbr", RNG.integers(0, 400, N)),
    ],
)
def test_names_of_identifiers_are_told(name, values):
    assert "looks like an identifier" in draft(values, name)[1][0]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("age", RNG.integers(18, 90, N)),
        ("income", RNG.lognormal(10, 0.5, N).astype(int)),
        ("acid", RNG.integers(0, 400, N)),
        ("n_children", RNG.integers(0, 9, N)),
        ("word", RNG.choice(["a", "b"], N)),
        ("icd", [f"E{code}" for code in RNG.integers(10, 99, N)]),
        ("weight", RNG.normal(70, 9, N)),
        ("year", RNG.integers(1950, 2024, N)),
        ("wide", RNG.uniform(0, 1e300, N)),
        ("few", np.arange(15)),
        ("flag", RNG.choice([True, False], N)),
    ],
)
def test_what_says_something_about_a_row_is_not_an_identifier(name, values):
    assert draft(values, name)[1] == []
    assert find_identifier(pd.Series(values), name) is None


def test_a_target_is_not_an_identifier():
    frame = pd.DataFrame({"a": [1, 2] * 20, "y": range(40)})
    assert TableSchema.from_frame(frame, target="y")["y"] == Count(0, 39)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (DAYS.strftime("%Y%m%d").astype(int), "dates written as 20240131"),
        (DAYS.strftime("%d%m%Y").astype(int), "dates written as 31012024"),
        (DAYS.strftime("%m%d%Y").astype(int), "dates written as 01312024"),
        (DAYS.strftime("%Y%m").astype(int), "months written as 202401"),
        (DAYS.strftime("%Y%m%d%H%M").astype(int), "times written as"),
        (DAYS.strftime("%Y%m%d").astype(float), "dates written as 20240131"),
        (DAYS.strftime("%Y%m%d"), "dates written as 20240131"),
        (np.where(RNG.random(N) < 0.1, np.nan, 20240101 + RNG.integers(0, 30, N)), "20240131"),
        (RNG.integers(16 * 10**8, 17 * 10**8, N), "look like seconds since 1970"),
        (RNG.integers(16 * 10**11, 17 * 10**11, N), "look like milliseconds since 1970"),
        (DAYS.strftime("%Y-%m-%d"), "are dates"),
        (DAYS.strftime("%d.%m.%Y"), "are dates"),
        (DAYS.strftime("%d %b %Y"), "are dates"),
        (DAYS.strftime("%Y-%m-%dT%H:%M:%S"), "are dates"),
        (DAYS.strftime("%Y-%m"), "are dates"),
        (
            [f"{hour:02d}:{minute:02d}" for hour in range(10) for minute in range(60)],
            "times of day",
        ),
    ],
)
def test_dates_in_disguise_are_told_with_the_way_out(values, what):
    _, told = draft(values)
    assert len(told) == 1
    assert what in told[0]
    assert "df['x']" in told[0]


def test_numbers_that_are_no_dates():
    for values in (RNG.integers(20_000_000, 21_000_000, N), RNG.integers(200_000, 210_000, N)):
        assert not any("written as" in text for text in draft(values)[1])


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ([f"${x:.2f}" for x in RNG.uniform(0, 900, N)], "with a currency"),
        ([f"{x}%" for x in RNG.integers(0, 101, N)], "with per cent signs"),
        ([f"{x:,}" for x in RNG.integers(0, 10**6, N)], "if decimals follow the comma"),
        ([f"{x:.1f}".replace(".", ",") for x in RNG.uniform(0, 90, N)], "decimal=','"),
        (np.where(RNG.random(N) < 0.2, "<1", RNG.integers(1, 90, N).astype(str)), "Ordinal([...])"),
        (RNG.choice(["0-17", "18-64", "65+"], N), "Ordinal([...])"),
        (RNG.choice(["02139", "00501", "94103"], N), "leading zeros"),
        ([str(x) for x in RNG.integers(0, 900, N)], "pd.to_numeric(df['x'])"),
    ],
)
def test_numbers_that_are_texts_are_told(values, needed):
    kind, told = draft(values)
    assert isinstance(kind, Categorical)
    assert "number" in told[0]
    assert needed in told[0]


def test_numbers_that_are_codes_by_their_name_are_told():
    kind, told = draft(RNG.integers(10_000, 99_999, N), "zip_code", a=RNG.integers(0, 9, N))
    assert isinstance(kind, Count)
    assert "codes by their name" in told[0]


def test_three_decimals_may_be_thousands():
    _, told = draft(np.r_[1.234, 999.999, RNG.uniform(1, 999, N).round(3)])
    assert "If the point separates thousands" in told[0]
    assert draft(np.r_[0.125, RNG.uniform(0, 4, N).round(3)])[1] == []


@pytest.mark.parametrize("value", [7, 2.5, "a"])
def test_a_constant_is_told(value):
    assert f"same value in 'x', {value!r}" in draft([value] * 30)[1][0]
    assert f"same value in 'x', {value!r}" in draft([value, None] * 30)[1][0]
    assert draft([value] * 3)[1] == []


def test_levels_that_differ_in_capitals_or_spaces_are_told():
    _, told = draft(["yes", "Yes", "no ", "no"] * 9)
    assert "['Yes', 'yes'] and ['no', 'no '] of 'x' differ in capitals or spaces only" in told[0]


def test_texts_for_missing_values_are_told():
    assert "na_values=['?']" in draft(["a", "?", "b"])[1][0]


def test_an_empty_column_is_left_out_and_told():
    kind, told = draft([None] * 30, a=[1, 2, 3] * 10)
    assert kind is None
    assert "The columns ['x'] have only missing values and are left out" in told[0]
    frame = pd.DataFrame({"x": [None] * 30, "y": [None] * 30, "a": [1, 2, 3] * 10})
    with pytest.warns(SchemaWarning, match=r"\['x', 'y'\]"):
        assert TableSchema.from_frame(frame) == TableSchema({"a": Count(1, 3)})
    with pytest.raises(TableMismatchError, match="'y' has only missing values"):
        TableSchema.from_frame(frame, target="y")
    # where a synthesizer must return all columns, none can be left out
    with pytest.raises(TableMismatchError, match=r"(?s)2 columns.*'x' has only.*'y' has only"):
        draft_privately(frame)


def test_all_problems_are_told_at_once():
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-01-01", periods=1_500),
            "name": [f"person {row}" for row in range(1_500)],
            "paid": [f"${row}.50" for row in range(1_500)],
            "big": [2**60 + row for row in range(1_500)],
            "a": [1, 2, 3] * 500,
        }
    )
    with pytest.raises(TableMismatchError) as caught:
        TableSchema.from_frame(frame)
    told = str(caught.value)
    assert "df.drop(columns=['when', 'name', 'paid', 'big'])" in told
    for part in (
        "'when' has dtype datetime64",
        "'name' has 1500 distinct",
        "An identifier or free",
    ):
        assert part in told
    assert "numbers with a currency, such as '$0.50'" in told
    assert "beyond 2**53" in told


def test_a_draft_for_a_fit_tells_nothing_and_is_the_same():
    frame = pd.DataFrame({"id": range(60), "rate": [0.1, 0.2, 0.5] * 20})
    with pytest.warns(SchemaWarning, match="identifier"):
        drafted = TableSchema.from_frame(frame)
    assert draft_privately(frame) == drafted


DATES = {
    "date": [datetime.date(2024, 1, 1)] * 3,
    "datetime": pd.Series([datetime.datetime(2024, 1, 1)] * 3, dtype=object),
    "timestamp": pd.Series([pd.Timestamp("2024-01-01")] * 3, dtype=object),
    "datetime64": pd.date_range("2024-01-01", periods=3),
    "zone": pd.date_range("2024-01-01", periods=3, tz="Europe/Helsinki"),
    "period": pd.period_range("2024-01", periods=3, freq="M"),
    "category": pd.Categorical(pd.date_range("2024-01-01", periods=3)),
    "mixed": [None, "unknown", datetime.date(2024, 1, 1)],
}


@pytest.mark.parametrize("spelled", DATES)
def test_every_date_has_a_way_out_that_works(spelled):
    df = pd.DataFrame({"x": DATES[spelled]})
    with pytest.raises(TableMismatchError, match="dates have no kind; make it the days") as caught:
        TableSchema.from_frame(df)
    if spelled == "mixed":
        return
    expression = str(caught.value).partition("such as ")[2].partition(", or ")[0]
    days = eval(expression, {"df": df, "pd": pd})
    assert days.iloc[0] == 8_766 - (spelled == "zone" and days.iloc[0] < 8_766)


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        (pd.to_timedelta([60, 90], unit="s"), 60),
        (pd.Series([datetime.timedelta(minutes=1)] * 2, dtype=object), 60),
    ],
)
def test_durations_become_seconds(values, seconds):
    df = pd.DataFrame({"x": values})
    with pytest.raises(TableMismatchError, match="durations have no kind") as caught:
        TableSchema.from_frame(df)
    expression = str(caught.value).partition("such as ")[2].rstrip(".")
    assert eval(expression, {"df": df, "pd": pd}).iloc[0] == seconds


def test_times_of_day_become_minutes():
    df = pd.DataFrame({"x": [datetime.time(1, 30)] * 3})
    with pytest.raises(TableMismatchError, match="times of day have no kind") as caught:
        TableSchema.from_frame(df)
    expression = str(caught.value).partition("minutes: ")[2].rstrip(".")
    assert eval(expression, {"df": df, "pd": pd}).tolist() == [90] * 3


@pytest.mark.parametrize("dtype", ["timestamp[ns][pyarrow]", "timestamp[ns, tz=UTC][pyarrow]"])
def test_dates_of_arrow(dtype):
    pytest.importorskip("pyarrow")
    days = pd.Series(pd.date_range("2024-01-01", periods=3, tz="UTC" if "tz" in dtype else None))
    df = pd.DataFrame({"x": days.astype(dtype)})
    with pytest.raises(TableMismatchError, match="dates have no kind") as caught:
        TableSchema.from_frame(df)
    expression = str(caught.value).partition("such as ")[2].partition(", or ")[0]
    assert eval(expression, {"df": df, "pd": pd}).iloc[0] == 8_766


@pytest.mark.parametrize("kind", [Count(0, 9), Categorical(["a"])])
def test_dates_under_a_schema_are_told_how_to_become_numbers(kind):
    column = pd.Series([datetime.date(2024, 1, 1)] * 3)
    with pytest.raises(TableMismatchError, match="dates have no kind; make it the days"):
        encode_column(column, kind, "x")


def test_columns_may_be_named_by_bools_and_numbers():
    frame = pd.DataFrame({True: range(20), 3: pd.date_range("2024-01-01", periods=20)})
    with pytest.raises(TableMismatchError, match="Column 3 has dtype datetime64"):
        TableSchema.from_frame(frame)
    assert draft_privately(frame.iloc[:, :1]) == TableSchema({True: Count(0, 19)})


def test_an_unknown_target_is_an_error_before_anything_is_told():
    with pytest.raises(SchemaError, match="target 'y' is not a column"):
        TableSchema.from_frame(pd.DataFrame({"a": range(60)}), target="y")
