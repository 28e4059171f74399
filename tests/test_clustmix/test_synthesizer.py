import math
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    PrivacyLeakWarning,
    TableMismatchError,
    TableSchema,
)

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "income": Continuous(0, 1e5, nullable=True),
        "colour": Categorical(["red", "green"]),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    n = 2000
    sick = rng.random(n) < 0.3
    income = rng.gamma(2.0, 1e4, n).clip(0, 1e5)
    income[rng.random(n) < 0.2] = np.nan
    return pd.DataFrame(
        {
            "age": np.where(sick, rng.integers(50, 99, n), rng.integers(0, 60, n)),
            "income": income,
            "colour": np.where(sick ^ (rng.random(n) < 0.1), "red", "green"),
            "sick": np.where(sick, "yes", "no"),
        }
    )


def test_samples_look_like_the_table(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA, random_state=0).fit(table)
    sample = synth.sample(4000, random_state=1)
    assert list(sample.columns) == list(table.columns)
    assert (sample.dtypes == table.dtypes).all()
    assert sample["age"].between(0, 99).all()
    # the sampling error alone has standard deviations of about 0.01
    assert abs((sample["sick"] == "yes").mean() - 0.3) < 0.08
    assert abs(sample["income"].isna().mean() - 0.2) < 0.08
    red = sample.groupby("sick")["colour"].apply(lambda colour: (colour == "red").mean())
    assert red["yes"] > 0.75
    assert red["no"] < 0.25
    X, y = synth.sample_xy(10, random_state=0)
    assert list(X.columns) == ["age", "income", "colour"]
    assert y.name == "sick"
    assert len(synth.weights_) == synth.n_clusters_ >= 2
    assert synth.weights_.sum() == pytest.approx(1.0)
    assert abs(synth.n_records_ - 2000) < 200


def test_the_ledger_tells_every_pass(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA).fit(table)
    names = [entry.name for entry in synth.ledger_.entries]
    assert names == [
        "row count and histograms by level",
        "counts of the classes, pass 0",
        "counts of the clusters, pass 1",
        "counts of the clusters, pass 2",
        "counts of the clusters, pass 3",
        "counts of the clusters, last pass",
    ]
    spent = synth.privacy_spent_
    assert spent.is_private
    assert 0.999 < spent.epsilon <= 1.0
    # the class counts for one, and so does each of the other three columns
    assert synth.ledger_.entries[-1].sensitivity == pytest.approx(2.0)


def test_conditions_are_exact(table):
    synth = ClustMixSynthesizer(math.inf, 1e-5, schema=SCHEMA, random_state=0).fit(table)
    given = synth.sample(500, conditions={"sick": "yes", "colour": "red"}, random_state=0)
    assert (given["sick"] == "yes").all()
    assert (given["colour"] == "red").all()
    assert (given["age"] >= 45).mean() > 0.95


def test_datasets_differ_from_each_other(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA, random_state=0).fit(table)
    first, second = synth.sample_datasets(2, 50, random_state=0)
    assert not first.equals(second)


def test_without_a_target_there_is_one_class(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA.with_target(None), n_clusters=3)
    synth.fit(table)
    assert synth.n_clusters_ <= 3
    assert synth.ledger_.entries[-1].sensitivity == pytest.approx(math.sqrt(5))


def test_a_seed_repeats_the_fit_and_survives_neither_pickle_nor_clone_state(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA, random_state=3)
    first, second = clone(synth).fit(table), clone(synth).fit(table)
    pd.testing.assert_frame_equal(
        first.sample(20, random_state=0), second.sample(20, random_state=0)
    )
    assert not first.privacy_spent_.is_private
    loaded = pickle.loads(pickle.dumps(first))
    assert loaded.random_state is None
    pd.testing.assert_frame_equal(
        first.sample(20, random_state=0), loaded.sample(20, random_state=0)
    )


def test_arrays_in_the_unit_box_need_no_schema():
    X = np.random.default_rng(0).random((500, 3))
    synth = ClustMixSynthesizer(1.0, 1e-5, bounds=(0, 1)).fit(X)
    assert synth.privacy_spent_.is_private
    sample = synth.sample(50)
    assert sample.shape == (50, 3)
    assert sample.min() >= 0.0
    assert sample.max() <= 1.0


def test_the_levels_of_y_are_the_only_thing_read_from_an_array():
    rng = np.random.default_rng(0)
    X, y = rng.random((500, 2)), rng.integers(0, 3, 500)
    with pytest.warns(PrivacyLeakWarning, match=r"the levels of the columns \['target'\]"):
        synth = ClustMixSynthesizer(1.0, 1e-5, bounds=(0, 1)).fit(X, y)
    assert not synth.privacy_spent_.is_private
    assert set(np.unique(synth.sample_xy(200)[1])) <= {0, 1, 2}


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan])
def test_arrays_outside_the_box_are_refused(value):
    X = np.random.default_rng(0).random((50, 3))
    X[7, 1] = value
    with pytest.raises(TableMismatchError, match=rf"'x1'.*{value!r}.*\[0, 1\].*schema.*bounds"):
        ClustMixSynthesizer(bounds=(0, 1)).fit(X)


def test_strings_in_an_array_are_named_as_they_are():
    with pytest.raises(TableMismatchError, match=r"'x1'.*has the value 'red'.*must be numbers"):
        ClustMixSynthesizer(bounds=(0, 1)).fit(
            np.array([[0.5, "red"], [0.2, "blue"]], dtype=object)
        )


def test_continuous_mode_needs_a_column_beside_the_target():
    schema = TableSchema({"sick": Categorical(["no", "yes"])}, "sick")
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=schema, mode="continuous")
    with pytest.raises(ValueError, match="numeric columns beside the target, and there are none"):
        synth.fit(pd.DataFrame({"sick": ["no", "yes", "no"]}))


def test_bounds_are_public_bounds_of_all_columns():
    X = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    sample = ClustMixSynthesizer(1.0, 1e-5, bounds=(-1.0, 1.0)).fit(X).sample(300)
    assert sample.min() < -0.5
    with pytest.warns(PrivacyLeakWarning, match="bounds"):
        synth = ClustMixSynthesizer(1.0, 1e-5).fit(X)
    assert not synth.privacy_spent_.is_private


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"sigma_max": 0.0}, "sigma_max must be a positive number, got 0.0"),
        ({"sigma_max": -1}, "sigma_max"),
        ({"sigma_max": math.inf}, "sigma_max"),
        ({"sigma_max": "auto"}, "sigma_max"),
        ({"alpha": -0.1}, r"alpha must be a number in \[0, 1\], got -0.1"),
        ({"alpha": 1.5}, "alpha"),
        ({"alpha": True}, "alpha"),
        ({"adapt_share": 1.0}, r"adapt_share must be a number in \[0, 1\), got 1.0"),
        ({"n_clusters": 0}, 'n_clusters must be "auto" or an integer of at least 1, got 0'),
        ({"n_clusters": 2.5}, "n_clusters"),
        ({"n_bins": 1}, "n_bins"),
        ({"mechanism": "laplace"}, "mechanism must be one of .*'madl2022'.*'laplace'"),
        ({"mode": "wide"}, "mode must be one of"),
        ({"bounds": (1.0, 0.0)}, "bounds"),
        ({"bounds": 1.0}, "bounds"),
        ({"bounds": (0.0, math.inf)}, "bounds"),
        ({"epsilon": 0.0}, "epsilon"),
        ({"delta": 2.0}, "delta"),
        ({"adjacency": "swap"}, "adjacency"),
    ],
)
def test_bad_parameters_are_refused_before_anything_is_spent(table, parameters, message):
    synth = ClustMixSynthesizer(**{"schema": SCHEMA, "delta": 1e-5, **parameters})
    with pytest.raises(ValueError, match=message):
        synth.fit(table)
    assert not hasattr(synth, "model_")


def test_more_clusters_than_possible_are_refused(table):
    synth = ClustMixSynthesizer(1.0, 1e-5, schema=SCHEMA, n_clusters=500)
    with pytest.raises(
        ValueError, match=r"n_clusters=500, but by the counts that the fit may use only \d+"
    ):
        synth.fit(table)
    assert not hasattr(synth, "model_")


def test_the_published_mechanism_warns_and_claims_nothing(table):
    table = table.head(400)
    synth = ClustMixSynthesizer(
        1.0, 1e-5, schema=SCHEMA, mechanism="madl2022", n_clusters=2, random_state=0
    )
    with pytest.warns(PrivacyLeakWarning, match="not differentially private") as caught:
        synth.fit(table)
    # at the line of whoever calls fit
    assert [warning.filename for warning in caught] == [__file__]
    assert not synth.privacy_spent_.is_private
    assert "not a guarantee" in repr(synth.privacy_spent_)
    assert synth.sample(30, random_state=0).shape == (30, 4)


def test_the_published_mechanism_has_no_adapt_budget(table):
    synth = ClustMixSynthesizer(schema=SCHEMA, mechanism="madl2022", adapt_share=0.1)
    with pytest.raises(ValueError, match="adapt_share"):
        synth.fit(table)


def test_continuous_mode_names_the_columns_it_cannot_describe(table):
    synth = ClustMixSynthesizer(schema=SCHEMA, mode="continuous")
    with pytest.raises(ValueError, match=r"columns \['income', 'colour'\]"):
        synth.fit(table)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_the_adapt_stage_is_part_of_the_budget_and_moves_the_clusters(table, adjacency):
    settings = {"schema": SCHEMA, "adapt_share": 0.3, "random_state": 0}
    kept = ClustMixSynthesizer(1.0, 1e-5, adjacency, alpha=1.0, **settings).fit(table)
    moved = ClustMixSynthesizer(1.0, 1e-5, adjacency, alpha=0.5, **settings).fit(table)
    assert math.fsum(moved.ledger_.shares()) == pytest.approx(1.0, abs=1e-6)
    assert moved.ledger_.shares()[-1] == pytest.approx(0.3, abs=1e-6)
    assert 0.99 < moved.privacy_spent_.epsilon <= 1.0
    # the same noise, so that only the adaptation differs
    np.testing.assert_allclose(kept.weights_, moved.weights_)
    cells = kept.model_.estimates.cell, moved.model_.estimates.cell
    assert np.abs(cells[0] - cells[1]).max() > 1e-3
    np.testing.assert_allclose(cells[1].sum(axis=1), cells[0].sum(axis=1), rtol=1e-9)
    assert moved.sample(20, random_state=0).shape == (20, 4)


def test_there_is_nothing_to_adapt_to_without_a_target(table):
    synth = ClustMixSynthesizer(schema=SCHEMA.with_target(None), adapt_share=0.1)
    with pytest.raises(ValueError, match="adapt_share spends on predicting the target"):
        synth.fit(table)


@pytest.mark.parametrize("mode", ["auto", "blocks", "continuous"])
def test_nothing_beside_the_target_to_adapt_by_is_refused_before_anything_is_spent(mode):
    schema = TableSchema({"sick": SCHEMA["sick"]}, target="sick")
    synth = ClustMixSynthesizer(schema=schema, adapt_share=0.1, mode=mode)
    with pytest.raises(ValueError, match="beside"):
        synth.plan()


def wide_table(n_rows=3000, n_columns=70):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n_rows)
    shift = np.linspace(0.0, 0.2, n_columns)
    X = np.clip(0.4 + np.outer(y, shift) + 0.1 * rng.normal(size=(n_rows, n_columns)), 0.0, 1.0)
    return X, y


def test_wide_arrays_are_vectors():
    X, y = wide_table()
    with pytest.warns(PrivacyLeakWarning, match="levels"):
        synth = ClustMixSynthesizer(3.0, 1e-5, bounds=(0, 1), random_state=0).fit(X, y)
    assert "second moments" in " ".join(entry.name for entry in synth.ledger_.entries)
    assert math.fsum(synth.ledger_.shares()) == pytest.approx(1.0, abs=1e-6)
    sample, label = synth.sample_xy(4000, random_state=0)
    assert sample.min() >= 0.0
    assert sample.max() <= 1.0
    difference = sample[label == 1].mean(axis=0) - sample[label == 0].mean(axis=0)
    assert np.corrcoef(difference, np.linspace(0, 0.2, 70))[0, 1] > 0.9
    blocks = ClustMixSynthesizer(3.0, 1e-5, mode="blocks", bounds=(0, 1), n_bins=4, random_state=0)
    with pytest.warns(PrivacyLeakWarning, match="levels"):
        assert blocks.fit(X, y).sample(5).shape == (5, 70)


def test_clusters_of_vectors_can_be_adapted():
    X, y = wide_table()
    synth = ClustMixSynthesizer(
        3.0, 1e-5, adapt_share=0.2, alpha=0.5, bounds=(0, 1), random_state=0
    )
    with pytest.warns(PrivacyLeakWarning, match="levels"):
        synth.fit(X, y)
    assert synth.ledger_.shares()[-1] == pytest.approx(0.2, abs=1e-6)
    assert synth.sample(10).shape == (10, 70)
