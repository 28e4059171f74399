import logging
import math
import os
import pickle
import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    NapsuMQSynthesizer,
    PrivacyLeakWarning,
    TableMismatchError,
    TableSchema,
)
from skdpsynth.napsu import _inference, _posterior
from skdpsynth.napsu._posterior import LaplacePosterior, PerturbedPosterior

from .tape import ClosedDesk, Tape

DESK = "skdpsynth._base.Mechanisms"

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "pay": Continuous(0, 100, nullable=True),
        "visits": Count(0, 3),
        "sex": Categorical(["F", "M"]),
        "colour": Categorical(["red", "green", "blue"], nullable=True),
        "sick": Categorical([False, True]),
    },
    "sick",
)
# fits of these compile one program, once
QUERIES = [("sick", "sex", "colour"), ("age", "sick"), ("sex", "visits")]
BINS = {"age": [17, 30, 50, 90], "pay": 4}


def make_table(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.35
    sex = np.where(rng.random(n_rows) < 0.3 + 0.4 * sick, "F", "M")
    colour = np.where(rng.random(n_rows) < 0.3 + 0.4 * (sex == "F"), "red", "blue").astype(object)
    colour[rng.random(n_rows) < 0.1] = None
    pay = np.where(rng.random(n_rows) < 0.2, 0.0, rng.uniform(0, 100, n_rows))
    return pd.DataFrame(
        {
            "age": np.clip(rng.normal(40 + 15 * sick, 12), 17, 90).round().astype(int),
            "pay": np.where(rng.random(n_rows) < 0.1, np.nan, pay),
            "visits": np.minimum(rng.poisson(0.5 + sick), 3),
            "sex": sex,
            "colour": colour,
            "sick": sick,
        }
    )


def make_synthesizer(**parameters):
    defaults = {"schema": SCHEMA, "queries": QUERIES, "bins": BINS, "random_state": 0}
    return NapsuMQSynthesizer(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def table():
    return make_table(600)


@pytest.fixture(scope="module")
def fitted(table):
    return make_synthesizer().fit(table)


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


def test_a_frame_comes_back_as_the_frame_it_was(fitted, table):
    synthetic = fitted.sample(500, random_state=1)
    pd.testing.assert_series_equal(synthetic.dtypes, table.dtypes)
    check_values(synthetic, SCHEMA)
    assert synthetic["colour"].isna().any()
    assert synthetic["pay"].isna().any()
    empty = fitted.sample(0)
    assert empty.shape == (0, 6)
    pd.testing.assert_series_equal(empty.dtypes, table.dtypes)
    X, y = fitted.sample_xy(20, random_state=1)
    assert X.columns.tolist() == ["age", "pay", "visits", "sex", "colour"]
    assert (y.name, y.dtype, len(y)) == ("sick", bool, 20)


def test_x_and_y_are_fitted_like_one_table(fitted, table):
    split = make_synthesizer().fit(table.drop(columns="sick"), table["sick"])
    assert_array_equal(split.model_.parameters, fitted.model_.parameters)
    assert split.sample(5).shape == (5, 5)
    X, y = table.drop(columns="sick")[:50], table["sick"][:50]
    assert_allclose(split.score_samples(X, y), fitted.score_samples(table[:50]))
    # without y: summed over its levels
    levels = [split.score_samples(X, pd.Series([level] * 50)) for level in (False, True)]
    assert_allclose(split.score_samples(X), np.logaddexp(*levels))
    (joint,) = split.sample_datasets(1, 7, random_state=1)
    assert joint.shape == (7, 6)
    pd.testing.assert_series_equal(joint.dtypes, table.dtypes)


def test_arrays_come_back_as_arrays():
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (80, 2)), rng.integers(0, 3, 80)
    model = NapsuMQSynthesizer(random_state=0)
    with pytest.warns(PrivacyLeakWarning):
        model.fit(X, y)
    assert model.schema_.target == "target"
    assert not hasattr(model, "feature_names_in_")
    synthetic, labels = model.sample_xy(30, random_state=0)
    assert (synthetic.shape, synthetic.dtype) == ((30, 2), X.dtype)
    assert set(labels) <= {0, 1, 2}
    assert model.sample(0).shape == (0, 2)
    assert np.isfinite(model.score(X, y))


# The budget


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("queries", ["auto", "star", "tree", "tan", QUERIES])
def test_the_budget_is_spent_and_not_exceeded(table, queries, adjacency):
    model = make_synthesizer(
        adjacency=adjacency, epsilon=0.5, queries=queries, bins="private", inference="map"
    )
    if queries == QUERIES:
        model.set_params(bins=BINS)
    spent = model.fit(table).privacy_spent_
    assert 0.99 * 0.5 < spent.epsilon <= 0.5
    assert (spent.delta, spent.adjacency) == (1e-6, adjacency)
    assert not spent.secure_noise
    check_values(model.sample(50, random_state=0), SCHEMA)
    assert np.isfinite(model.score(table))


def test_a_refit_spends_anew_and_the_noise_is_secure_without_a_seed(table):
    model = make_synthesizer().fit(table)
    first = model.ledger_
    assert model.fit(table).ledger_ == first
    assert model.ledger_ is not first
    secure = make_synthesizer(random_state=None).fit(table)
    assert secure.privacy_spent_.is_private


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_the_row_count_is_known_only_where_it_is_public(table, adjacency):
    models = [
        make_synthesizer(adjacency=adjacency, random_state=seed).fit(table) for seed in range(4)
    ]
    counts = {model.n_records_ for model in models}
    if adjacency == "replace_one":
        assert counts == {600}
        assert all("row count" not in entry.name for entry in models[0].ledger_.entries)
    else:
        assert len(counts) > 1
        assert all(isinstance(count, int) and count >= 1 for count in counts)
        assert models[0].ledger_.entries[0].name == "row count"


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("queries", ["auto", "tan", QUERIES])
def test_the_fitted_synthesizer_depends_on_the_rows_through_the_releases_alone(
    monkeypatch, queries, adjacency
):
    """Another table, whose releases are replaced by those of the first, gives the same bytes."""
    tape = Tape()
    monkeypatch.setattr(DESK, tape.desk)

    def fit(table):
        bins = BINS if queries is QUERIES else "private"
        model = make_synthesizer(queries=queries, bins=bins, adjacency=adjacency).fit(table)
        return pickle.dumps(model), repr(model.ledger_)

    table = make_table(500, seed=1)
    other = make_table(500 if adjacency == "replace_one" else 900, seed=2)
    other = other.assign(age=90.0, colour=None)
    first = fit(table)
    tape.replay()
    assert fit(other) == first
    assert len(tape.outputs) > 2


# Mistakes


MISTAKES = [
    ({"queries": [("age", "income")]}, ValueError, "'income', which the table does not have"),
    ({"queries": [()]}, ValueError, "empty query"),
    ({"queries": ["age", "sex"]}, TypeError, "queries holds 'age'"),
    ({"queries": "age"}, ValueError, "queries must be one of"),
    ({"bins": None}, ValueError, r"numeric columns \['age', 'pay'\] cannot be in a query"),
    ({"bins": {"sex": 2}}, ValueError, "'sex', which is not a numeric column"),
    ({"bins": {"age": [20, 90]}}, ValueError, "must cover the schema's bounds"),
    ({"bins": {"age": [17, 17, 90]}}, ValueError, "rising edges"),
    ({"queries": "star", "schema": SCHEMA.with_target(None)}, ValueError, "needs a target"),
    ({"queries": "tan", "schema": SCHEMA.with_target(None)}, ValueError, "needs a target"),
    (
        {"max_clique_size": 11},
        ValueError,
        r"\['sex', 'colour', 'sick'\] into one clique of 16 cells, more than max_clique_size=11.*"
        r"Drop the query \('sex', 'colour', 'sick'\)",
    ),
    ({"queries": "star", "max_clique_size": 7}, ValueError, "max_clique_size=7"),
    ({"inference": "vi"}, ValueError, "inference must be one of"),
    ({"n_bins": 1}, ValueError, 'n_bins must be "auto" or an integer of at least 2, got 1'),
    ({"n_bins": 8.0}, ValueError, "n_bins must be"),
    ({"max_clique_size": "auto"}, ValueError, "max_clique_size must be an integer"),
    ({"n_draws": True}, ValueError, "n_draws must be an integer of at least 10"),
    ({"prior_scale": 0}, ValueError, 'prior_scale must be "auto" or a positive number, got 0'),
    ({"prior_scale": math.inf}, ValueError, "prior_scale must be"),
    ({"epsilon": 0}, ValueError, "epsilon"),
    ({"adjacency": "swap"}, ValueError, "adjacency"),
]


@pytest.mark.parametrize(("parameters", "error", "message"), MISTAKES)
def test_mistakes_are_found_before_anything_is_spent(
    table, monkeypatch, parameters, error, message
):
    monkeypatch.setattr(DESK, ClosedDesk)
    with pytest.raises(error, match=message):
        make_synthesizer(**parameters).fit(table)
    # and without mistakes something is
    with pytest.raises(AssertionError, match="something was released"):
        make_synthesizer().fit(table)


def test_map_has_no_posterior(table):
    model = make_synthesizer(inference="map").fit(table)
    assert len(model.sample(10)) == 10
    with pytest.raises(ValueError, match='fit with inference="laplace" or "nuts"'):
        next(model.sample_datasets(2, 10))


def test_each_inference_has_its_posterior(table, fitted, monkeypatch):
    assert isinstance(fitted.model_.posterior, LaplacePosterior)
    assert make_synthesizer(inference="map").fit(table).model_.posterior is None
    # what is shrunk, or too large, is perturbed
    automatic = make_synthesizer(queries="auto").fit(table)
    assert isinstance(automatic.model_.posterior, PerturbedPosterior)
    for name in ("LARGEST_DENSE", "LARGEST_DENSE_CELLS"):
        with monkeypatch.context() as patch:
            patch.setattr(_inference, name, 20)
            large = make_synthesizer().fit(table)
        assert isinstance(large.model_.posterior, PerturbedPosterior)


@pytest.mark.parametrize("inference", ["map", "laplace"])
def test_a_mode_that_is_not_found_is_a_warning_with_a_way_out(table, monkeypatch, inference):
    monkeypatch.setattr(_posterior, "MAX_ITERATIONS", 1)
    with pytest.warns(ConvergenceWarning, match=r"not found in 1 steps.*smaller prior_scale"):
        model = make_synthesizer(inference=inference).fit(table)
    check_values(model.sample(20, random_state=0), SCHEMA)


def test_too_large_a_network_for_nuts_is_a_warning_with_a_way_out(table, monkeypatch):
    monkeypatch.setattr(_inference, "LARGEST_DENSE", 20)
    with pytest.warns(ConvergenceWarning, match="networks of at most 20 param.*fewer or smaller"):
        model = make_synthesizer(inference="nuts").fit(table)
    (synthetic,) = model.sample_datasets(1, 30, random_state=0)
    check_values(synthetic, SCHEMA)


# What the model finds


def joint_counts(frame, names):
    return (
        frame.assign(age=pd.cut(frame["age"], [16, 29, 49, 90], labels=False), n=1)
        .groupby(names, dropna=False, observed=False)["n"]
        .sum()
    )


@pytest.mark.parametrize("inference", ["map", "laplace"])
def test_without_noise_the_measured_marginals_come_back(table, inference):
    model = make_synthesizer(epsilon=math.inf, inference=inference).fit(table)
    assert not model.privacy_spent_.is_private
    assert model.n_records_ == 600
    synthetic = model.sample(100_000, random_state=0)
    for query in QUERIES:
        wanted = joint_counts(table, list(query)) / 600
        found = (joint_counts(synthetic, list(query)) / 100_000).reindex(wanted.index, fill_value=0)
        # a tenth of a record is added to each of at most 16 cells, the prior is wide; five sigma
        limit = 0.005 + 5 * np.sqrt(wanted / 100_000)
        assert (np.abs(found - wanted) < limit).all()


def test_conditions_are_honoured(fitted):
    rows = fitted.sample(300, conditions={"sex": "F", "age": 33, "colour": None}, random_state=0)
    assert (rows["sex"] == "F").all()
    assert (rows["age"] == 33).all()
    assert rows["colour"].isna().all()
    assert rows["visits"].nunique() > 1
    X, y = fitted.sample_xy(50, conditions={"sick": True}, random_state=0)
    assert y.all()
    assert "sick" not in X


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({"sex": "X"}, "'X'"),
        ({"sex": None}, "sex"),
        ({"age": 91}, r"outside the schema's bounds \[17"),
        ({"income": 3}, "the column 'income'"),
    ],
)
def test_conditions_outside_the_schema_are_errors(fitted, conditions, message):
    with pytest.raises(TableMismatchError, match=message):
        fitted.sample(3, conditions=conditions)


# Order


def test_the_order_of_columns_in_a_query_makes_no_difference(fitted, table):
    changed = [["visits", "sex"], ("sick", "age"), ("colour", "sick", "sex"), ("age", "sick")]
    model = make_synthesizer(queries=changed).fit(table)
    assert model.queries_ == fitted.queries_
    assert model.queries_ == (
        ("age", "sick"),
        ("pay",),
        ("visits", "sex"),
        ("sex", "colour", "sick"),
    )
    pd.testing.assert_frame_equal(
        model.sample(50, random_state=1), fitted.sample(50, random_state=1)
    )
    for one, two in zip(
        model.sample_datasets(2, 20, random_state=2),
        fitted.sample_datasets(2, 20, random_state=2),
        strict=True,
    ):
        pd.testing.assert_frame_equal(one, two)


SCRIPT = """
import hashlib, numpy as np, pandas as pd
from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema
names = ["alpha", "beta", "gamma", "delta"]
levels = Categorical(["no", "perhaps", "yes"])
schema = TableSchema({name: levels for name in names}, "delta")
rows = np.random.default_rng(0).integers(0, 3, (400, 4))
frame = pd.DataFrame(np.array(levels.levels, dtype=object)[rows], columns=names)
for queries in ({("beta", "alpha"), ("gamma", "delta")}, "auto", "tan"):
    model = NapsuMQSynthesizer(
        3.0, schema=schema, queries=queries, inference="map", random_state=0
    ).fit(frame)
    text = model.sample(200, random_state=0).to_csv() + repr(model.model_.parameters.tolist())
    print(hashlib.sha256(text.encode()).hexdigest(), model.queries_)
"""


def test_the_seed_of_hashes_makes_no_difference():
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2")
    ]
    one, two = (run.communicate()[0] for run in runs)
    assert [run.returncode for run in runs] == [0, 0]
    assert one == two
    assert len(one.splitlines()) == 3


# Compilation


@pytest.fixture
def compiled(caplog):
    """Names of the programs compiled since the last call."""
    caplog.set_level(logging.WARNING)
    with jax.log_compiles():

        def names():
            messages = [record.getMessage() for record in caplog.records]
            caplog.clear()
            return [message for message in messages if message.startswith("Compiling")]

        yield names


def test_a_second_fit_of_the_same_queries_compiles_nothing(table, compiled):
    # a shape that no other test has
    schema = SCHEMA.replace({"sex": Categorical(["F", "M", "X", "Y", "Z"])})
    model = make_synthesizer(schema=schema)
    compiled()
    model.fit(table)
    assert compiled()
    model.set_params(random_state=1, epsilon=0.3, adjacency="replace_one").fit(table)
    model.fit(pd.concat([table] * 20))
    model.fit(table.iloc[:100])
    model.score(table)
    model.sample(100, conditions={"sex": "F"})
    list(model.sample_datasets(2, 10))
    assert compiled() == []
    # automatic queries compile nothing at all
    for queries in ("auto", "star", "tree"):
        model.set_params(queries=queries, bins="private").fit(table)
        list(model.sample_datasets(1, 10))
    assert compiled() == []


# Unusual tables


def fit_and_look(frame, schema, **parameters):
    model = NapsuMQSynthesizer(schema=schema, random_state=0, **parameters).fit(frame)
    synthetic = model.sample(200, random_state=0)
    check_values(synthetic, schema)
    (drawn,) = model.sample_datasets(1, 50, random_state=0)
    check_values(drawn, schema)
    assert np.isfinite(model.score(frame))
    return model


@pytest.mark.parametrize("queries", ["auto", "tree", []])
@pytest.mark.parametrize(
    "kind", [Categorical(["a", "b"]), Count(0, 200, nullable=True), Categorical(["a"])]
)
def test_one_column(kind, queries):
    values = [0, 100] * 20 if isinstance(kind, Count) else [kind.levels[0]] * 40
    fit_and_look(pd.DataFrame({"only": values}), TableSchema({"only": kind}), queries=queries)


@pytest.mark.parametrize("queries", ["auto", "star", "tree", "tan", [("one", "sick")]])
@pytest.mark.parametrize("target", ["one", "sick", "age"])
def test_a_constant_column(table, queries, target):
    schema = TableSchema(
        {
            "age": SCHEMA["age"],
            "one": Categorical(["only"]),
            "sick": SCHEMA["sick"],
            "visits": SCHEMA["visits"],
        },
        target,
    )
    frame = table.assign(one="only")[list(schema)]
    model = fit_and_look(frame, schema, queries=queries, n_bins=4)
    assert (model.sample(10)["one"] == "only").all()


@pytest.mark.parametrize("queries", ["auto", "tree", QUERIES])
@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_two_rows(table, queries, adjacency):
    bins = BINS if queries is QUERIES else "private"
    model = fit_and_look(table.iloc[:2], SCHEMA, queries=queries, bins=bins, adjacency=adjacency)
    assert model.n_records_ >= 1


@pytest.mark.parametrize("queries", ["auto", "tan", QUERIES])
@pytest.mark.parametrize("epsilon", [0.01, 0.1])
def test_noise_that_drowns_the_rows_still_gives_a_table(table, queries, epsilon):
    bins = BINS if queries is QUERIES else "private"
    fit_and_look(table, SCHEMA, queries=queries, bins=bins, epsilon=epsilon)


@pytest.mark.parametrize("target", ["age", "pay", "colour", "visits"])
def test_the_target_may_be_numeric_nullable_or_of_several_classes(table, target):
    for queries in ("auto", "tan"):
        model = fit_and_look(table, SCHEMA.with_target(target), queries=queries, epsilon=5.0)
        X, y = model.sample_xy(30, random_state=0)
        assert target not in X
        assert y.name == target


def test_many_classes():
    rng = np.random.default_rng(0)
    schema = TableSchema(
        {"a": Categorical(["p", "q"]), "b": Count(0, 9), "y": Categorical(list(range(40)))}, "y"
    )
    y = rng.integers(0, 40, 3000)
    frame = pd.DataFrame(
        {
            "a": np.where(y % 2, "p", "q"),
            "b": np.minimum(y // 4 + rng.integers(0, 2, 3000), 9),
            "y": y,
        }
    )
    model = fit_and_look(frame, schema, epsilon=5.0)
    rows = model.sample(2000, random_state=0)
    # a tells even classes from odd ones
    assert ((rows["a"] == "p") == (rows["y"] % 2 == 1)).mean() > 0.8


# Conventions of scikit-learn


def test_parameters_are_only_assigned_and_clones_are_equal(fitted):
    queries = [["age", "sick"]]
    model = make_synthesizer(queries=queries)
    assert model.queries is queries
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "model_")


def test_a_pickle_has_no_seed_and_samples_alike(fitted, table):
    text = pickle.dumps(fitted)
    restored = pickle.loads(text)
    assert restored.random_state is None
    assert fitted.random_state == 0
    pd.testing.assert_frame_equal(
        restored.sample(20, random_state=3), fitted.sample(20, random_state=3)
    )
    one, two = (next(m.sample_datasets(1, 20, random_state=3)) for m in (restored, fitted))
    pd.testing.assert_frame_equal(one, two)
    assert restored.ledger_ == fitted.ledger_
    assert_array_equal(restored.score_samples(table[:9]), fitted.score_samples(table[:9]))
    assert restored.queries_ == fitted.queries_


def test_a_fit_that_fails_changes_nothing(fitted, table):
    model = pickle.loads(pickle.dumps(fitted))
    before = model.model_.parameters.copy()
    with pytest.raises(ValueError, match="empty query"):
        model.set_params(queries=[()]).fit(table)
    assert_array_equal(model.model_.parameters, before)


def test_progress_is_shown_only_when_asked_for(table, capsys):
    make_synthesizer(inference="map").fit(table)
    assert capsys.readouterr() == ("", "")
    make_synthesizer(inference="map", verbose=1).fit(table)
    out, err = capsys.readouterr()
    assert out == ""
    assert "releases" in err
    assert "600" not in err
