import logging
import math

import jax
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "pay": Continuous(0, 100, nullable=True),
        "height": Continuous(1, 2.5),
        "visits": Count(0, 30),
        "sex": Categorical(["F", "M"]),
        "colour": Categorical(["red", "green", "blue", "grey"], nullable=True),
        "sick": Categorical(["no", "yes"]),
    },
    "sick",
)
FAMILIES = {"height": "normal", "visits": "poisson"}


def make_table(n_rows, seed=0):
    """Mixed columns, most of which depend on a simple label."""
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.35
    pay = np.clip(rng.lognormal(3 - 0.7 * sick, 0.7), 0, 100)
    pay[rng.random(n_rows) < 0.15] = 0.0
    colour = rng.choice(["red", "green", "blue", "grey"], n_rows, p=[0.4, 0.3, 0.2, 0.1])
    colour = np.where(rng.random(n_rows) < 0.1, None, colour.astype(object))
    return pd.DataFrame(
        {
            "age": np.clip(rng.normal(40 + 15 * sick, 12), 17, 90).round().astype(int),
            "pay": np.where(rng.random(n_rows) < 0.1, np.nan, pay),
            "height": np.clip(rng.normal(1.7, 0.1, n_rows), 1, 2.5),
            "visits": np.minimum(rng.poisson(2 + 3 * sick), 30),
            "sex": np.where(rng.random(n_rows) < 0.3 + 0.4 * sick, "F", "M"),
            "colour": colour,
            "sick": np.where(sick, "yes", "no"),
        }
    )


def make_synthesizer(**parameters):
    defaults = {
        "schema": SCHEMA,
        "distributions": FAMILIES,
        "n_components": 6,
        "n_bins": 16,
        "n_passes": 4,
        "random_state": 0,
    }
    return DPMixtureSynthesizer(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def small():
    return make_table(400)


@pytest.fixture(scope="module")
def large():
    return make_table(5000)


# The budget


@pytest.mark.parametrize("n_passes", [1, 2, 3, 8, "auto"])
@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_the_budget_is_spent_and_not_exceeded(small, adjacency, n_passes):
    model = make_synthesizer(adjacency=adjacency, n_passes=n_passes, epsilon=0.5).fit(small)
    spent = model.privacy_spent_
    assert 0.4995 < spent.epsilon <= 0.5
    assert (spent.delta, spent.adjacency) == (1e-6, adjacency)
    assert math.fsum(model.ledger_.shares()) == pytest.approx(1)
    n_passes = 4 if n_passes == "auto" else n_passes
    # beside the passes the histograms, and between passes the second moments of the columns
    assert len(model.ledger_.entries) == 1 + n_passes + (n_passes > 1)
    assert not spent.secure_noise
    assert "fixed by random_state" in repr(spent)


def test_a_refit_spends_anew_and_the_ledger_is_of_one_fit(small):
    model = make_synthesizer().fit(small)
    first = model.ledger_
    assert model.fit(small).ledger_ == first
    assert model.ledger_ is not first


def test_without_a_seed_the_noise_is_secure_and_without_noise_nothing_is_private(small):
    model = make_synthesizer(random_state=None).fit(small)
    assert model.privacy_spent_.is_private
    baseline = make_synthesizer(epsilon=math.inf).fit(small)
    assert not baseline.privacy_spent_.is_private
    assert baseline.privacy_spent_.epsilon == math.inf
    assert "not private: epsilon=inf" in repr(baseline.privacy_spent_)
    assert baseline.n_records_ == 400
    assert len(make_synthesizer(epsilon=math.inf, n_passes="auto").fit(small).ledger_.entries) == 32


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_the_row_count_is_known_only_where_it_is_public(small, adjacency):
    counts = {
        make_synthesizer(adjacency=adjacency, random_state=seed).fit(small).n_records_
        for seed in range(5)
    }
    if adjacency == "replace_one":
        assert counts == {400}
    else:
        assert len(counts) > 1
        assert all(isinstance(count, int) and count >= 1 for count in counts)


def test_noise_that_drowns_the_rows_still_gives_a_table(small):
    model = make_synthesizer(epsilon=0.05, n_passes=8).fit(small)
    frame = model.sample(100, random_state=0)
    assert frame["age"].between(17, 90).all()
    assert np.isfinite(model.score(small))
    assert len(next(model.sample_datasets(1, 50, random_state=0))) == 50


# Progress


def test_progress_is_shown_only_when_asked_for_and_tells_no_row_count(small, capsys):
    table = pd.concat([small] * 4).iloc[:1237]
    make_synthesizer().fit(table)
    assert capsys.readouterr() == ("", "")
    make_synthesizer(verbose=1).fit(table)
    out, err = capsys.readouterr()
    assert out == ""
    assert "passes" in err
    assert "4/4" in err
    assert "1237" not in err


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


def test_a_second_fit_of_the_same_shape_compiles_nothing(small, compiled):
    schema = SCHEMA.replace({"age": Count(17, 91)})  # a shape that no other test has compiled
    # an odd number of levels, for the same reason
    levels = Categorical([f"level {i}" for i in range(37)])
    schema = schema.replace({"rare": levels})
    table = small.assign(rare="level 3")
    model = make_synthesizer(schema=schema, n_components=5)
    compiled()
    model.fit(table)
    assert compiled()
    model.set_params(random_state=1, epsilon=0.3).fit(table)
    assert compiled() == []
    rows = pd.concat([table] * 25)
    assert len(rows) > 8192
    model.fit(rows)
    model.set_params(adjacency="replace_one").fit(rows.iloc[:123])
    assert compiled() == []
    model.score(table)
    assert compiled()
    model.score(rows)
    model.score_samples(table.iloc[:7])
    model.sample(1000)
    model.sample(10, conditions={"sex": "F"})
    list(model.sample_datasets(2, 10))
    assert compiled() == []


def test_bins_of_a_numeric_target_change_no_shape(large, compiled):
    schema = SCHEMA.with_target("age")
    model = make_synthesizer(schema=schema, n_components=60, n_bins=32, epsilon=60.0)
    model.fit(large[:1500])
    n_classes = {model.model_.layout.n_classes}
    compiled()
    for n_rows in (2000, 2800):
        model.fit(large[:n_rows])
        n_classes.add(model.model_.layout.n_classes)
    assert len(n_classes) > 1
    assert all(4 < number <= 8 for number in n_classes)
    assert compiled() == []


# What the model finds


def two_groups(n_rows, seed):
    rng = np.random.default_rng(seed)
    group = rng.random(n_rows) < 0.3
    return pd.DataFrame(
        {
            "x": np.clip(rng.normal(np.where(group, 6.0, 2.0), np.where(group, 0.8, 0.4)), 0, 10),
            "n": np.minimum(rng.poisson(np.where(group, 12.0, 3.0)), 40),
            "c": np.where(rng.random(n_rows) < np.where(group, 0.9, 0.2), "a", "b"),
        }
    )


GROUPS = TableSchema({"x": Continuous(0, 10), "n": Count(0, 40), "c": Categorical(["a", "b"])})


def fit_groups(n_passes, seed=0, n_rows=4000):
    return DPMixtureSynthesizer(
        epsilon=math.inf,
        schema=GROUPS,
        distributions={"x": "normal", "n": "poisson"},
        n_components=2,
        n_passes=n_passes,
        random_state=seed,
    ).fit(two_groups(n_rows, seed=1))


def test_without_noise_passes_raise_the_likelihood():
    table = two_groups(4000, seed=1)
    scores = [fit_groups(n_passes).score(table) for n_passes in (1, 2, 3, 4, 6, 10, 20)]
    # up to the rounding of responsibilities to 1/4096
    assert np.diff(scores).min() > -1e-3
    assert scores[-1] > scores[0] + 0.5


def test_without_noise_two_known_groups_are_recovered():
    model = fit_groups(20)
    first, second = np.argsort(model.model_.estimates.location[:, 0])
    n = 4000 * np.array([0.7, 0.3])
    estimates, order = model.model_.estimates, [first, second]
    # five standard errors of a sample in which the groups are known
    assert_allclose(model.weights_[order], [0.7, 0.3], atol=5 * np.sqrt(0.21 / 4000))
    location = (estimates.location[order, 0] + 1) * 5
    assert (np.abs(location - [2, 6]) < 5 * np.array([0.4, 0.8]) / np.sqrt(n)).all()
    scale = np.exp(estimates.log_scale[order, 0]) * 5
    assert (np.abs(scale / [0.4, 0.8] - 1) < 5 / np.sqrt(2 * n)).all()
    rate = estimates.location[order, 1]
    assert (np.abs(rate - [3, 12]) < 5 * np.sqrt(np.array([3, 12]) / n)).all()
    share = estimates.cell[order, 0]
    assert (np.abs(share - [0.2, 0.9]) < 5 * np.sqrt(np.array([0.16, 0.09]) / n)).all()


def distance(one, two, name):
    """Total variation between two marginals, numbers in ten bins of their bounds."""
    kind = SCHEMA[name]

    def shares(table):
        values = table[name]
        if not hasattr(kind, "levels"):
            values = pd.cut(values, np.linspace(kind.low, kind.high, 11), include_lowest=True)
        return values.value_counts(normalize=True, dropna=False, sort=False)

    first, second = shares(one), shares(two)
    return 0.5 * first.sub(second, fill_value=0).abs().sum()


@pytest.mark.parametrize("epsilon", [math.inf, 3.0])
def test_synthetic_rows_look_like_the_table_and_predict_its_label(large, epsilon):
    model = DPMixtureSynthesizer(
        epsilon=epsilon, schema=SCHEMA, distributions=FAMILIES, random_state=0
    ).fit(large)
    synthetic = model.sample(5000, random_state=0)
    distances = {name: distance(large, synthetic, name) for name in SCHEMA.names}
    # one number carries all of the noise in the width of a normal column
    limits = dict.fromkeys(SCHEMA.names, 0.08) | {"height": 0.08 if epsilon == math.inf else 0.25}
    assert all(distances[name] < limits[name] for name in limits), distances
    zeros = (synthetic["pay"] == 0).mean()
    assert zeros == pytest.approx((large["pay"] == 0).mean(), abs=0.05)
    test = make_table(3000, seed=9)

    def features(table):
        return np.column_stack(
            [
                table["age"] / 50,
                table["visits"] / 5,
                table["sex"] == "F",
                table["pay"].fillna(0) / 50,
            ]
        )

    classifier = LogisticRegression().fit(features(synthetic), synthetic["sick"])
    area = roc_auc_score(test["sick"] == "yes", classifier.predict_proba(features(test))[:, 1])
    assert area > 0.85


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (-1000.0, 1000.0),
        (-923.9, 898.54),
    ],
)
def test_spikes_at_zero_come_back_as_zero(low, high):
    schema = TableSchema({"x": Continuous(low, high)})
    rng = np.random.default_rng(0)
    values = np.where(rng.random(500) < 0.5, 0.0, rng.uniform(-900, 890, 500))
    model = make_synthesizer(schema=schema, distributions=None, epsilon=math.inf)
    synthetic = model.fit(pd.DataFrame({"x": values})).sample(500, random_state=0)
    assert (synthetic["x"] == 0).mean() > 0.3


def test_the_target_may_be_normal_or_numeric(small):
    for target, families in [("height", FAMILIES), ("pay", FAMILIES), ("age", None)]:
        model = make_synthesizer(schema=SCHEMA.with_target(target), distributions=families)
        X, y = model.fit(small).sample_xy(40, random_state=0)
        assert X.columns.tolist() == [name for name in SCHEMA.names if name != target]
        kind = SCHEMA[target]
        assert y.dropna().between(kind.low, kind.high).all()


def test_a_class_that_no_row_has_can_be_asked_for(small):
    schema = SCHEMA.replace({"sick": Categorical(["no", "yes", "unknown"])})
    model = make_synthesizer(schema=schema).fit(small)
    rows = model.sample(20, conditions={"sick": "unknown"}, random_state=0)
    assert (rows["sick"] == "unknown").all()
    assert (model.sample(4000, random_state=0)["sick"] == "unknown").mean() < 0.2


def test_more_components_than_asked_for_only_where_classes_need_them(small):
    assert make_synthesizer(n_components=1).fit(small).n_components_ == 2
    assert make_synthesizer(n_components=7).fit(small).n_components_ == 7
    single = make_synthesizer(schema=SCHEMA.with_target(None), n_components=1).fit(small)
    assert single.n_components_ == 1
    assert single.weights_.tolist() == [1.0]
