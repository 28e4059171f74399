"""What every synthesizer inherits, tested on the mixture with few components and passes."""

import io
import pickle
import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted
from test_privacy.audit.tape import TapedDesk

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    Ordinal,
    PrivacyLeakWarning,
    SchemaError,
    TableMismatchError,
    TableSchema,
    _base,
)
from skdpsynth._product_mixture import _measure

# Each statistical test would fail for one seed in a million if the law is right.
FALSE_ALARM = 1e-6

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "sex": Categorical(["F", "M"], nullable=True),
        "pay": Continuous(0, 100, nullable=True),
        "grade": Ordinal(["low", "mid", "high"]),
        "sick": Categorical([False, True]),
    },
    target="sick",
)


def make_table(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.4
    sex = np.where(rng.random(n_rows) < 0.3 + 0.4 * sick, "F", "M").astype(object)
    sex[rng.random(n_rows) < 0.1] = None
    grade = rng.choice(["low", "mid", "high"], n_rows)
    return pd.DataFrame(
        {
            "age": rng.integers(17, 60, n_rows) + 30 * sick,
            "sex": sex,
            "pay": np.where(rng.random(n_rows) < 0.2, np.nan, rng.uniform(0, 100, n_rows)),
            "grade": pd.Categorical(grade, ["low", "mid", "high"], ordered=True),
            "sick": sick,
        }
    )


def make_synthesizer(**parameters):
    defaults = {"schema": SCHEMA, "n_components": 4, "n_passes": 3, "n_bins": 8, "random_state": 0}
    return DPMixtureSynthesizer(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def whole(table):
    """Fitted on one frame that holds the target."""
    return make_synthesizer().fit(table)


@pytest.fixture(scope="module")
def split(table):
    """Fitted on X and y."""
    return make_synthesizer().fit(table.drop(columns="sick"), table["sick"])


def check_values(frame, schema):
    for name, kind in schema.columns.items():
        values = frame[name].dropna()
        assert kind.nullable or len(values) == len(frame)
        if hasattr(kind, "levels"):
            assert set(values) <= set(kind.levels)
        else:
            assert values.between(kind.low, kind.high).all()
            if isinstance(kind, Count):
                assert (values == values.round()).all()


# Containers


def test_a_frame_comes_back_as_the_frame_it_was(whole, table):
    synthetic = whole.sample(500, random_state=1)
    assert synthetic.shape == (500, 5)
    pd.testing.assert_series_equal(synthetic.dtypes, table.dtypes)
    check_values(synthetic, SCHEMA)
    assert synthetic["sex"].isna().any()
    assert synthetic["pay"].isna().any()
    assert {type(value) for value in synthetic["sex"].dropna()} == {str}


def test_x_and_y_come_back_apart(whole, split, table):
    synthetic = split.sample(50, random_state=1)
    assert synthetic.columns.tolist() == ["age", "sex", "pay", "grade"]
    for model in (whole, split):
        X, y = model.sample_xy(50, random_state=1)
        pd.testing.assert_series_equal(X.dtypes, table.drop(columns="sick").dtypes)
        assert (y.name, y.dtype, len(y)) == ("sick", bool, 50)
    pd.testing.assert_frame_equal(X, synthetic)
    (joint,) = split.sample_datasets(1, 20, random_state=1)
    pd.testing.assert_series_equal(joint.dtypes, table.dtypes)


def test_the_split_keeps_the_other_columns_in_order(table):
    schema = SCHEMA.with_target("sex")
    model = make_synthesizer(schema=schema).fit(table)
    X, y = model.sample_xy(30, random_state=1)
    whole = model.sample(30, random_state=1)
    pd.testing.assert_frame_equal(X, whole.drop(columns="sex"))
    pd.testing.assert_series_equal(y, whole["sex"])


@pytest.mark.parametrize("dtype", [np.int64, np.float32, object])
def test_arrays_come_back_as_arrays(dtype):
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 5, (100, 2)).astype(dtype), rng.integers(0, 2, 100)
    schema = TableSchema({"a": Count(0, 4), "b": Count(0, 4), "y": Categorical([0, 1])}, "y")
    model = make_synthesizer(schema=schema).fit(X, y)
    assert not hasattr(model, "feature_names_in_")
    assert model.n_features_in_ == 2
    synthetic = model.sample(40, random_state=0)
    # what the schema says: a float or an object array may be one because of a single row
    assert (synthetic.shape, synthetic.dtype) == ((40, 2), np.int64)
    synthetic, labels = model.sample_xy(40, random_state=0)
    assert synthetic.shape == (40, 2)
    assert labels.shape == (40,)
    assert set(labels) <= {0, 1}
    joint = make_synthesizer(schema=schema).fit(np.column_stack([X, y]))
    assert joint.sample(7).shape == (7, 3)
    assert joint.sample_xy(7)[0].shape == (7, 2)


def test_polars_frames_come_back_as_polars_frames(table):
    polars = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    model = make_synthesizer().fit(polars.from_pandas(table))
    assert isinstance(model.sample(5), polars.DataFrame)
    assert model.sample(5).columns == list(SCHEMA.names)


def test_no_rows_give_an_empty_table_like_it(whole, split, table):
    pd.testing.assert_frame_equal(whole.sample(0), table.iloc[:0])
    X, y = split.sample_xy(0)
    pd.testing.assert_frame_equal(X, table.iloc[:0, :-1])
    assert len(y) == 0
    assert whole.sample(0, conditions={"sex": "F"}).shape == (0, 5)
    assert len(whole.sample()) == 1


def test_a_target_without_a_name_takes_the_schemas_or_is_called_target(table):
    X, y = table.drop(columns="sick"), table["sick"].to_numpy()
    assert make_synthesizer().fit(X, y).sample_xy(1)[1].name == "sick"
    schema = SCHEMA.drop("sick").replace({"target": Categorical([False, True])})
    model = make_synthesizer(schema=schema).fit(X, y)
    assert model.schema_.target == "target"
    assert model.sample_xy(1)[1].name == "target"


# Random states


def global_state():
    return np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002


def test_a_seed_fixes_the_rows_and_global_state_is_left_alone(whole, table):
    before = global_state()
    rows = whole.sample(30, random_state=5)
    pd.testing.assert_frame_equal(rows, whole.sample(30, random_state=5))
    generator = np.random.default_rng(5)
    pd.testing.assert_frame_equal(rows, whole.sample(30, random_state=generator))
    assert not rows.equals(whole.sample(30, random_state=generator))
    assert not rows.equals(whole.sample(30, random_state=6))
    assert not whole.sample(30).equals(whole.sample(30))
    legacy = [whole.sample(30, random_state=np.random.RandomState(1)) for _ in range(2)]
    pd.testing.assert_frame_equal(*legacy)
    make_synthesizer(random_state=None).fit(table)
    assert_array_equal(before, global_state())


def test_a_seed_fixes_the_fit_and_none_does_not(table):
    def weights(random_state):
        return make_synthesizer(random_state=random_state).fit(table).weights_

    assert_array_equal(weights(3), weights(3))
    assert_array_equal(weights(np.random.RandomState(3)), weights(np.random.RandomState(3)))
    assert not np.array_equal(weights(3), weights(4))
    assert not np.array_equal(weights(None), weights(None))


# Conditions


def given_by_rejection(model, n_rows, **conditions):
    rows = model.sample(n_rows, random_state=11)
    for name, value in conditions.items():
        rows = rows[rows[name].isna() if value is None else rows[name] == value]
    return rows


@pytest.mark.parametrize(
    "conditions",
    [{"sex": "F"}, {"sex": None}, {"sick": True}, {"grade": "mid", "sick": False}, {"age": 40}],
    ids=str,
)
def test_conditional_rows_are_distributed_as_rejection_leaves_them(whole, conditions):
    kept = given_by_rejection(whole, 60_000, **conditions)
    drawn = whole.sample(20_000, conditions=conditions, random_state=12)
    for name, value in conditions.items():
        assert (drawn[name].isna() if value is None else drawn[name] == value).all()
    assert len(kept) > 300
    keys = {
        "age": lambda t: pd.cut(t["age"], [16, 30, 45, 60, 90]),
        "sex": lambda t: t["sex"].fillna("missing"),
        "pay": lambda t: pd.cut(t["pay"].fillna(-1), [-2, -0.5, 30, 60, 100.1]),
        "sick": lambda t: t["sick"],
    }
    for name, key in keys.items():
        if name not in conditions:
            counts = pd.concat(
                [key(t).value_counts(sort=False) for t in (kept, drawn)], axis=1
            ).fillna(0)
            counts = counts[counts.sum(axis=1) > 0].to_numpy()
            assert stats.chi2_contingency(counts).pvalue > FALSE_ALARM


def test_a_real_value_can_be_a_condition_and_stays_exact(whole):
    rows = whole.sample(10, conditions={"pay": 33.25}, random_state=0)
    assert_allclose(rows["pay"], 33.25, rtol=1e-12)


def test_no_condition_is_a_condition_too(whole):
    rows = whole.sample(10, conditions={}, random_state=0)
    pd.testing.assert_frame_equal(rows, whole.sample(10, random_state=0))


def test_conditions_apply_to_the_split_too(split):
    X, y = split.sample_xy(20, conditions={"sick": True, "sex": "M"}, random_state=0)
    assert y.all()
    assert (X["sex"] == "M").all()
    assert len(split.sample(5, conditions={"sick": False})) == 5


@pytest.mark.parametrize(
    ("conditions", "error", "message"),
    [
        ({"weight": 3}, TableMismatchError, "names the column 'weight', which the table does not"),
        ({"sex": "X"}, TableMismatchError, r"'sex': 'X', which is not one of its .*'M'\]\.$"),
        ({"grade": None}, TableMismatchError, "'grade' holds a missing value"),
        ({"age": 30.5}, TableMismatchError, "'age' holds 30.5, which is not an integer"),
        ({"age": "old"}, TableMismatchError, "'age' is numeric in its schema but holds 'old'"),
        ({"sex": ["F"]}, TableMismatchError, r"'sex' holds \['F'\], a list"),
        ({"pay": np.inf}, TableMismatchError, "'pay' holds an infinite value"),
        ("sex", TypeError, "conditions must be a mapping .* got str"),
        ([("sex", "F")], TypeError, "conditions must be a mapping .* got list"),
        ([], TypeError, "conditions must be a mapping .* got list"),
    ],
)
def test_bad_conditions_are_named(whole, conditions, error, message):
    with pytest.raises(error, match=message):
        whole.sample(5, conditions=conditions)


# Posterior draws


def test_data_sets_are_posterior_draws_around_the_point_estimate(table):
    model = make_synthesizer(epsilon=3.0).fit(table)
    frames = list(model.sample_datasets(60, 400, random_state=0))
    assert [len(frame) for frame in frames] == [400] * 60
    pd.testing.assert_series_equal(frames[0].dtypes, table.dtypes)
    check_values(frames[1], SCHEMA)
    shares = np.array([frame["sick"].mean() for frame in frames])
    point = model.sample(50_000, random_state=1)["sick"].mean()
    # wider than sampling alone, and centred: five standard errors
    assert abs(shares.mean() - point) < 5 * shares.std(ddof=1) / np.sqrt(60)
    assert shares.var(ddof=1) > point * (1 - point) / 400
    again = model.sample_datasets(60, 400, random_state=0)
    pd.testing.assert_frame_equal(next(again), frames[0])
    assert not frames[0].equals(frames[1])


def test_data_sets_have_the_released_number_of_rows_by_default(whole):
    (frame,) = whole.sample_datasets(1)
    assert len(frame) == whole.n_records_
    assert list(whole.sample_datasets(0)) == []


# Scores


def test_the_score_is_the_mean_log_density(whole, split, table):
    assert whole.score(table) == pytest.approx(whole.score_samples(table).mean())
    X, y = table.drop(columns="sick"), table["sick"]
    assert_allclose(whole.score_samples(table), split.score_samples(X, y))


def test_without_y_the_score_is_that_of_the_margin(split, table):
    X = table.drop(columns="sick")
    joint = [np.exp(split.score_samples(X, np.full(len(X), label))) for label in (False, True)]
    assert_allclose(np.exp(split.score_samples(X)), sum(joint), rtol=1e-9)


def test_columns_of_arrays_are_matched_by_position(whole, split, table):
    array, names = table.to_numpy(dtype=object), "X does not have valid feature names"
    with pytest.warns(UserWarning, match=names):
        assert whole.score(array) == whole.score(table)
    with pytest.warns(UserWarning, match=names):
        joint = split.score(array[:, :4], array[:, 4])
    assert joint == pytest.approx(whole.score(table))
    fitted = make_synthesizer().fit(array)
    with pytest.warns(UserWarning, match="X has feature names, but"):
        assert fitted.score(table) == fitted.score(array)
    with pytest.raises(ValueError, match=r"X has 3 features, but .* expecting 5 features"):
        fitted.score(array[:, :3])


# Bad input


def cell(name, value):
    def change(table):
        table = table.astype({name: object})
        table.loc[3, name] = value
        return table

    return change


BAD_TABLES = {
    "no rows": (lambda t: t.iloc[:0], ValueError, r"0 sample\(s\)"),
    "one row": (lambda t: t.iloc[:1], ValueError, r"1 sample\(s\).* minimum of 2"),
    "infinite": (cell("pay", np.inf), TableMismatchError, "'pay' holds an infinite value"),
    "missing": (cell("age", None), TableMismatchError, "'age' holds a missing value"),
    "level": (cell("sex", "X"), TableMismatchError, "'sex' holds 'X', which is not one of its"),
    "fraction": (cell("age", 30.5), TableMismatchError, "'age' holds 30.5, which is not an int"),
    "text": (cell("age", "old"), TableMismatchError, "'age' is numeric .* holds 'old'"),
    "lacks": (lambda t: t.drop(columns="age"), TableMismatchError, r"lacks the columns \['age'\]"),
    "extra": (lambda t: t.assign(z=1), TableMismatchError, r"has the unknown columns \['z'\]"),
    "order": (lambda t: t[t.columns[::-1]], TableMismatchError, "are in another order"),
    "no target": (
        lambda t: t.drop(columns="sick"),
        TableMismatchError,
        "lacks the schema's target 'sick'; .* pass it as y",
    ),
    "one-dimensional": (lambda t: t["age"], ValueError, "Expected 2D array, got 1D"),
    "wide array": (lambda t: np.ones((9, 7)), TableMismatchError, "by position, but it has 7"),
}
BAD_PARAMETERS = {
    "zero epsilon": ({"epsilon": 0.0}, ValueError, "epsilon"),
    "negative epsilon": ({"epsilon": -1}, ValueError, "epsilon"),
    "text epsilon": ({"epsilon": "1"}, TypeError, "epsilon"),
    "nan epsilon": ({"epsilon": np.nan}, ValueError, "epsilon"),
    "zero delta": ({"delta": 0.0}, ValueError, "delta"),
    "delta of one": ({"delta": 1.0}, ValueError, "delta"),
    "adjacency": ({"adjacency": "swap"}, ValueError, "'swap' is not a neighbouring relation"),
    "schema": ({"schema": {"age": Count(0, 1)}}, SchemaError, "schema must be a TableSchema"),
    "file": ({"schema": "s.json"}, SchemaError, r"read it with TableSchema\.from_json\("),
    "no components": ({"n_components": 0}, ValueError, "n_components must be .* got 0"),
    "half a component": ({"n_components": 2.5}, ValueError, "n_components must be .* got 2.5"),
    "text components": ({"n_components": "all"}, ValueError, "n_components must be .* 'all'"),
    "boolean components": ({"n_components": True}, ValueError, "n_components must .* True"),
    "no passes": ({"n_passes": 0}, ValueError, "n_passes must be .* at least 1, got 0"),
    "one bin": ({"n_bins": 1}, ValueError, "n_bins must be .* at least 2, got 1"),
    "inference": ({"inference": "magic"}, ValueError, "inference must be .* 'magic'"),
    "family": ({"distributions": {"age": "gamma"}}, ValueError, "'age' .* 'gamma' cannot"),
    "column": ({"distributions": {"z": "normal"}}, ValueError, "names the column 'z'"),
    "random state": ({"random_state": "seed"}, TypeError, "random_state must be None"),
    "negative seed": ({"random_state": -1}, ValueError, "random_state must be a non-negative"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_table_that_does_not_fit_leaves_the_synthesizer_as_it_was(table, case):
    change, error, message = BAD_TABLES[case]
    fresh = make_synthesizer()
    with pytest.raises(error, match=message):
        fresh.fit(change(table))
    assert vars(fresh).keys() == fresh.get_params().keys()
    with pytest.raises(NotFittedError):
        check_is_fitted(fresh)
    fitted = make_synthesizer().fit(table)
    before = dict(vars(fitted))
    with pytest.raises(error, match=message):
        fitted.fit(change(table))
    assert all(vars(fitted)[name] is value for name, value in before.items())
    assert vars(fitted).keys() == before.keys()


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_a_bad_parameter_is_named_and_leaves_the_synthesizer_as_it_was(table, case):
    parameters, error, message = BAD_PARAMETERS[case]
    fresh = make_synthesizer(**parameters)
    with pytest.raises(error, match=message):
        fresh.fit(table)
    with pytest.raises(NotFittedError):
        fresh.sample()
    fitted = make_synthesizer().fit(table)
    rows = fitted.sample(5, random_state=0)
    with pytest.raises(error, match=message):
        fitted.set_params(**parameters).fit(table)
    pd.testing.assert_frame_equal(fitted.sample(5, random_state=0), rows)


@pytest.mark.parametrize("name", [None, "sick"])
def test_y_beside_a_target_in_x_is_an_error(table, name):
    y = pd.Series(table["sick"].to_numpy(), name=name)
    with pytest.raises(TableMismatchError, match="X already has the target column 'sick'"):
        make_synthesizer().fit(table, y)


def test_a_target_that_the_schema_lacks_is_an_error(table):
    X, y = table.drop(columns="sick"), table["sick"].rename("ill")
    with pytest.raises(TableMismatchError, match="no column for y, which is named 'ill'"):
        make_synthesizer().fit(X, y)
    with pytest.raises(ValueError, match="differ in length: 300 and 299"):
        make_synthesizer().fit(X, table["sick"][:-1])
    with pytest.raises(TableMismatchError, match="'sick' holds a missing value"):
        make_synthesizer().fit(X, [None] * 300)


def test_an_all_missing_column_needs_a_schema():
    table = pd.DataFrame({"a": [np.nan] * 20, "b": [0, 1] * 10})
    for family in ("histogram", "normal"):
        schema = TableSchema({"a": Continuous(0, 1, nullable=True), "b": Categorical([0, 1])})
        model = make_synthesizer(
            schema=schema, epsilon=float("inf"), distributions={"a": family}
        ).fit(table)
        assert model.sample(200, random_state=0)["a"].isna().mean() > 0.7
        assert model.sample(5, conditions={"a": 0.5}, random_state=0)["a"].tolist() == [0.5] * 5
    with pytest.raises(TableMismatchError, match="'a' has only missing values"):
        make_synthesizer(schema=None).fit(table)


def test_without_a_schema_a_warning_names_the_columns(table):
    with pytest.warns(PrivacyLeakWarning, match=r"read the bounds, .* \['age', .*\] from the data"):
        model = make_synthesizer(schema=None).fit(table)
    assert model.schema_.names == SCHEMA.names
    check_values(model.sample(50, random_state=0), model.schema_)


def test_a_fit_without_a_schema_is_not_called_private(table):
    with pytest.warns(PrivacyLeakWarning):
        drafted = make_synthesizer(schema=None, random_state=None).fit(table)
    for model in (drafted, pickle.loads(pickle.dumps(drafted))):
        assert not model.privacy_spent_.is_private
        assert "bounds and levels were read from the data" in repr(model.privacy_spent_)
        assert "note: bounds and levels were read from the data" in repr(model.ledger_)
        assert model.ledger_.spent() == model.privacy_spent_
    given = make_synthesizer(schema=drafted.schema_, random_state=None).fit(table)
    assert given.privacy_spent_.is_private
    assert given.privacy_spent_.notes == ()
    assert given.ledger_ != drafted.ledger_


@pytest.mark.parametrize(
    ("n_samples", "error", "message"),
    [
        (-1, ValueError, "n_samples must not be negative, got -1"),
        (2.0, TypeError, "n_samples must be an integer, got 2.0"),
        ("3", TypeError, "n_samples must be an integer, got '3'"),
        (True, TypeError, "n_samples must be an integer, got True"),
        (None, TypeError, "n_samples must be an integer, got None"),
    ],
)
def test_bad_numbers_of_rows(whole, n_samples, error, message):
    for draw in (whole.sample, whole.sample_xy):
        with pytest.raises(error, match=message):
            draw(n_samples)
    if n_samples is not None:
        with pytest.raises(error, match=message):
            whole.sample_datasets(2, n_samples)
    with pytest.raises(error, match=message.replace("n_samples", "m")):
        whole.sample_datasets(n_samples)
    assert len(whole.sample(np.int64(3))) == 3


@pytest.mark.parametrize("random_state", ["seed", 1.5, [1]])
def test_bad_random_states(whole, random_state):
    message = re.escape(f"random_state must be None, an integer, .* got {random_state!r}")
    message = message.replace(r"\.\*", ".*")
    with pytest.raises(ValueError, match=message):
        whole.sample(3, random_state=random_state)


def test_scoring_another_table_is_an_error(whole, split, table):
    X = table.drop(columns="sick")
    with pytest.raises(ValueError, match="Feature names must be in the same order"):
        whole.score(table[table.columns[::-1]])
    with pytest.raises(ValueError, match="feature names should match"):
        whole.score(table.rename(columns={"age": "years"}))
    with pytest.raises(ValueError, match="feature names should match"):
        whole.score(X)
    with pytest.raises(ValueError, match="feature names should match"):
        split.score(table)
    with pytest.raises(TableMismatchError, match="y was passed, but the model was fitted without"):
        whole.score(table, table["sick"])
    with pytest.raises(TableMismatchError, match="pass the whole table as X, its target among"):
        whole.score(X, table["sick"])
    with pytest.raises(TableMismatchError, match="'sex' holds 'X', which is not one of its"):
        split.score(cell("sex", "X")(X))
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        whole.score(table.iloc[:0])


def test_nothing_works_before_fit(table):
    fresh = make_synthesizer()
    with pytest.raises(NotFittedError):
        fresh.sample(1)
    with pytest.raises(NotFittedError):
        fresh.sample_xy(1)
    with pytest.raises(NotFittedError):
        fresh.sample_datasets(1)
    with pytest.raises(NotFittedError):
        fresh.score(table)


def test_splitting_needs_a_target(table):
    model = make_synthesizer(schema=SCHEMA.with_target(None)).fit(table)
    assert model.sample(2).shape == (2, 5)
    with pytest.raises(ValueError, match="sample_xy needs a target: fit with y"):
        model.sample_xy(2)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_an_interrupted_fit_leaves_a_fitted_synthesizer_as_it_was(table, monkeypatch, interruption):
    fitted = make_synthesizer().fit(table)
    before = dict(vars(fitted))
    calls = []

    def interrupt(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise interruption
        return sum_statistics(*arguments)

    sum_statistics = _measure.sum_statistics
    monkeypatch.setattr(_measure, "sum_statistics", interrupt)
    with pytest.raises(interruption):
        fitted.fit(table.drop(columns="sick"), table["sick"])
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is value for name, value in before.items())


def test_a_fit_on_arrays_forgets_the_names_of_an_earlier_frame(table):
    model = make_synthesizer().fit(table)
    assert_array_equal(model.feature_names_in_, SCHEMA.names)
    model.fit(table.to_numpy(dtype=object))
    assert not hasattr(model, "feature_names_in_")
    assert model.sample(3).shape == (3, 5)


# The release boundary

N_CANARY = 1237
CANARY = 61.803398874989


def reachable(root):
    """Every object that can be reached from a fitted synthesizer, with the way to it."""
    stack, seen = [("", root)], set()
    while stack:
        path, value = stack.pop()
        if id(value) in seen or isinstance(value, type) or callable(value):
            continue
        seen.add(id(value))
        yield path, value
        if isinstance(value, dict):
            stack += [(f"{path}[{key!r}]", item) for key, item in value.items()]
        elif isinstance(value, (tuple, list, set, frozenset)):
            stack += [(f"{path}[{position}]", item) for position, item in enumerate(value)]
        elif isinstance(value, np.ndarray) and value.dtype == object:
            stack += [(f"{path}[{position}]", item) for position, item in enumerate(value.flat)]
        if hasattr(value, "__dict__"):
            stack += [(f"{path}.{name}", item) for name, item in vars(value).items()]
        for name in getattr(type(value), "__slots__", ()):
            if hasattr(value, name):
                stack.append((f"{path}.{name}", getattr(value, name)))


@pytest.fixture(scope="module", params=["add_remove", "replace_one"])
def canary(request):
    """A synthesizer fitted on a table in which half of the pay is one distinctive number."""
    table = make_table(N_CANARY, seed=3)
    table.loc[::2, "pay"] = CANARY
    X, y = table.drop(columns="sick"), table["sick"]
    return make_synthesizer(adjacency=request.param).fit(X, y)


def test_no_row_and_no_exact_count_is_reachable(canary):
    allowed = {"add_remove": set(), "replace_one": {N_CANARY}}[canary.adjacency]
    paths = []
    for path, value in reachable(canary):
        paths.append(path)
        assert not isinstance(value, (pd.DataFrame, pd.Series, pd.Index)), path
        if isinstance(value, np.ndarray) and value.dtype != object:
            assert N_CANARY not in value.shape, path
            assert value.size < N_CANARY, path
            if value.dtype.kind in "if":
                numbers = value.astype(float)
                assert not np.isclose(numbers, CANARY, rtol=1e-9).any(), path
                assert not np.isclose(numbers, CANARY / 100, rtol=1e-9).any(), path
                if not allowed:
                    assert not (numbers == N_CANARY).any(), path
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            assert value != pytest.approx(CANARY, rel=1e-9), path
            if value not in allowed:
                assert value != N_CANARY, path
    # the walk has been everywhere it should
    assert {".model_.estimates[1]", ".ledger_._entries[0].event.mu", ".model_.weights"} <= set(
        paths
    )


ODD_SCHEMA = TableSchema(
    {
        "age": Count(0, 99, nullable=True),
        "visits": Count(0, 300),
        "pay": Continuous(0, 100),
        "vip": Categorical([False, True], nullable=True),
        "group": Categorical([1, 2, 3], nullable=True),
        "code": Ordinal([0, 1, 7], other=7),
        "score": Ordinal([0.5, 1.0]),
        "town": Categorical(["a", "b"], nullable=True),
    }
)
PLAIN_RECORDS = [(30, 3, 7, True, 1, 0, 1, "a"), (40, 200, 9, False, 2, 1, 1, "b")]
ODD_RECORD = (None, 10**19, 7.5, None, None, 0.25, 0.5, None)


def as_records(records):
    return pd.DataFrame(records, columns=list(ODD_SCHEMA.names))


def as_csv(records, **options):
    return pd.read_csv(io.StringIO(as_records(records).to_csv(index=False)), **options)


def as_nullable_csv(records):
    return as_csv(records, dtype_backend="numpy_nullable")


def as_polars(records):
    pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars")
    columns = zip(ODD_SCHEMA.names, zip(*records, strict=True), strict=True)
    return polars.DataFrame({name: list(values) for name, values in columns}, strict=False)


def list_rows(records):
    return [list(record) for record in records]


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("read", [as_records, as_csv, as_nullable_csv, as_polars, list_rows])
def test_neighbouring_tables_give_synthetic_tables_of_one_format(adjacency, read):
    """One record with a hole, a fraction or a large value changes the dtypes of the input."""
    records = PLAIN_RECORDS * 50
    odd = ODD_RECORD if read is not as_polars else (None, 255, *ODD_RECORD[2:])
    neighbour = [*(records if adjacency == "add_remove" else records[1:]), odd]
    tables = [read(records), read(neighbour)]
    if read is not list_rows:
        assert [*tables[0].dtypes] != [*tables[1].dtypes]
    formats, dtypes = [], []
    for table in tables:
        model = make_synthesizer(schema=ODD_SCHEMA, adjacency=adjacency, n_passes=1).fit(table)
        formats.append(pickle.dumps(model.format_))
        for n_samples in (0, 1, 200):
            synthetic = model.sample(n_samples, random_state=0)
            dtypes.append([*getattr(synthetic, "dtypes", [getattr(synthetic, "dtype", None)])])
    assert formats[0] == formats[1]
    assert dtypes == [dtypes[0]] * len(dtypes)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_the_fitted_synthesizer_depends_on_the_rows_through_the_releases_alone(
    monkeypatch, adjacency
):
    """Another table, whose releases are replaced by those of the first, gives the same bytes."""

    def fit(table, first=None):
        desks = []

        def taped(ledger, noise, _):
            desks.append(TapedDesk(ledger, noise, first))
            return desks[0]

        monkeypatch.setattr(_base, "Mechanisms", taped)
        model = make_synthesizer(adjacency=adjacency).fit(table)
        return (pickle.dumps(model), repr(model.ledger_), desks[0].public), desks[0]

    table = make_table(700, seed=1)
    other = make_table(700 if adjacency == "replace_one" else 1900, seed=2)
    other = other.assign(age=90.0, sex=None, pay=[1] * len(other), sick=other["sick"].astype(int))
    assert [*other.dtypes] != [*table.dtypes]
    fitted, desk = fit(table)
    assert fitted == fit(other, desk)[0]
    assert len(desk.gaussians) > 2


def test_no_canary_is_in_the_text_or_the_pickle(canary):
    saved = pickle.dumps(canary)
    assert np.float64(CANARY).tobytes() not in saved
    assert np.float64(CANARY / 100).tobytes() not in saved
    assert np.float64(CANARY).tobytes()[::-1] not in saved
    texts = [repr(canary), repr(canary.privacy_spent_), repr(canary.ledger_), str(vars(canary))]
    assert not any("61.80339" in text for text in texts)
    if canary.adjacency == "add_remove":
        assert not any(re.search(rf"(?<![\d.]){N_CANARY}(?!\d)", text) for text in texts)


def test_a_pickled_synthesizer_samples_the_same(canary):
    back = pickle.loads(pickle.dumps(canary))
    pd.testing.assert_frame_equal(
        back.sample(20, random_state=0), canary.sample(20, random_state=0)
    )
    assert back.privacy_spent_ == canary.privacy_spent_
    assert back.ledger_ == canary.ledger_


def test_a_seed_that_fixed_the_noise_is_not_saved(table):
    """Whoever knows it can subtract the noise."""
    fitted = make_synthesizer(random_state=918_273).fit(table)
    back = pickle.loads(pickle.dumps(fitted))
    assert back.random_state is None
    assert fitted.random_state == 918_273
    pd.testing.assert_frame_equal(
        back.sample(20, random_state=0), fitted.sample(20, random_state=0)
    )
    # before fit it is a parameter like any other: worker processes need it
    assert pickle.loads(pickle.dumps(clone(fitted))).random_state == 918_273


def test_a_condition_that_no_float_holds_is_out_of_bounds(whole):
    with pytest.raises(TableMismatchError, match="outside the schema's bounds"):
        whole.sample(1, conditions={"age": 10**400})
