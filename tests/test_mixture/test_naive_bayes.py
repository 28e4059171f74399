"""The model that NumPyroSynthesizer fits where none is passed."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import trapezoid

import skdpsynth
from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    NumPyroSynthesizer,
    Ordinal,
    PrivacyLeakWarning,
    TableSchema,
)
from skdpsynth.mixture import check_model
from skdpsynth.mixture._own_model._naive_bayes import (
    NaiveBayes,
    _scale,
    _unscale,
    scaled_schema,
)

SCHEMA = TableSchema(
    {
        "age": Count(17, 116),
        "sick": Categorical(["no", "yes"], nullable=True),
        "children": Count(-1, 3, nullable=True),
        "pay": Continuous(-50, 150, nullable=True),
        "size": Ordinal(["S", "M", "L"]),
        "only": Categorical(["this"]),
    },
    target="sick",
)


def make_table(n_rows=3000, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.3
    age = np.clip(rng.normal(np.where(sick, 80, 40), 8), 17, 116).round().astype(int)
    table = pd.DataFrame(
        {
            "age": age,
            "sick": np.where(sick, "yes", "no"),
            "children": np.where(sick, 3.0, rng.choice([-1.0, 0.0, np.nan], n_rows)),
            "pay": np.where(rng.random(n_rows) < 0.4, np.nan, rng.uniform(-50, 150, n_rows)),
            "size": rng.choice(["S", "M", "L"], n_rows, p=[0.6, 0.3, 0.1]),
            "only": "this",
        }
    )
    return table.astype({"sick": object})


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def fitted(table):
    return NumPyroSynthesizer(epsilon=math.inf, schema=SCHEMA, random_state=0).fit(table)


def test_it_keeps_to_what_is_asked_of_models():
    # a constant column has nothing to learn, which a model of one's own would do without
    scaled = scaled_schema(SCHEMA.drop(["only"]))
    check_model(NaiveBayes(scaled), scaled)


def test_without_noise_the_columns_of_each_class_are_recovered(table, fitted):
    sample = fitted.sample(20_000, random_state=1)
    for rows in (table, sample):
        assert (rows["only"] == "this").all()
    for level in ("no", "yes"):
        real, drawn = (rows[rows["sick"] == level] for rows in (table, sample))
        # of 6,000 rows at least: five deviations, and what is left of the prior
        assert len(drawn) / 20_000 == pytest.approx(len(real) / 3000, abs=0.02)
        assert drawn["age"].mean() == pytest.approx(real["age"].mean(), abs=1.5)
        assert drawn["age"].std() == pytest.approx(real["age"].std(), abs=1.5)
        assert drawn["pay"].isna().mean() == pytest.approx(real["pay"].isna().mean(), abs=0.04)
        for column in ("children", "size"):
            real_shares, shares = (
                rows[column].value_counts(normalize=True, dropna=False) for rows in (real, drawn)
            )
            for value, share in real_shares.items():
                assert shares[value] == pytest.approx(share, abs=0.04)


def test_noise_leaves_a_useful_model(table):
    synth = NumPyroSynthesizer(epsilon=3.0, schema=SCHEMA, random_state=0).fit(table)
    assert 2.5 < synth.privacy_spent_.epsilon <= 3.0
    means = synth.sample(5000, random_state=0).groupby("sick")["age"].mean()
    assert means["yes"] - means["no"] > 20


def test_the_density_is_one_in_all(fitted):
    model, names = fitted.model_, SCHEMA.names
    sick, children, pay = map(names.index, ("sick", "children", "pay"))
    levels = [np.arange(100) / 99, [0.0, 1.0, np.nan], [*np.arange(5) / 4, np.nan]]
    rows = np.array(list(itertools.product(*levels, [np.nan], [0.0, 1.0, 2.0], [0.0])))
    # the sum over a hundred integers stands for an integral
    assert np.exp(model.log_density(rows, without=pay)).sum() == pytest.approx(1.0, abs=1e-3)
    row = rows[[200]]
    values = np.linspace(0, 1, 2001)
    present = np.repeat(row, 2001, axis=0)
    present[:, pay] = values
    density = np.exp(model.log_density(present))
    # in the units of the column, which is 200 wide
    found = 200 * trapezoid(density, values) + np.exp(model.log_density(row))[0]
    assert found == pytest.approx(np.exp(model.log_density(row, without=pay))[0], rel=1e-4)
    for column, possible in ((sick, levels[1]), (children, levels[2])):
        each = np.repeat(row, len(possible), axis=0)
        each[:, column] = possible
        expected = np.exp(model.log_density(each)).sum()
        found = np.exp(model.log_density(each, without=column))
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_scaling_is_undone():
    rng = np.random.default_rng(0)
    codes = np.column_stack(
        [rng.integers(0, 100, 500) / 99, rng.integers(0, 2, 500), rng.integers(0, 5, 500) / 4]
    )
    codes = np.column_stack([codes, rng.random(500), rng.integers(0, 3, 500), np.zeros(500)])
    codes[:50, 1:4] = np.nan
    scaled = _scale(codes, SCHEMA)
    np.testing.assert_allclose(_unscale(scaled, SCHEMA), codes, atol=1e-12)
    assert set(scaled[50:, 2]) == {0, 1, 2, 3, 4}
    # every integer is the middle of its cell, whose values all become it
    cells = np.rint(codes[:, 0] * 99)
    np.testing.assert_allclose(scaled[:, 0] * 100, cells + 0.5)
    scaled[:, 0] = (cells + rng.uniform(0.001, 0.999, 500)) / 100
    np.testing.assert_allclose(_unscale(scaled, SCHEMA)[:, 0], codes[:, 0], atol=1e-12)


def test_tables_of_the_same_kinds_share_what_is_compiled():
    other = TableSchema(
        {
            5: Continuous(0.1, 0.2),
            "ill": Categorical([True, False], nullable=True),
            "n": Count(0, 4, nullable=True),
            "x": Continuous(-1e9, 1e9, nullable=True),
            "y": Categorical([1, 5, 7]),
            "z": Ordinal(["one"]),
        },
        target="ill",
    )
    assert NaiveBayes(scaled_schema(other)) == NaiveBayes(scaled_schema(SCHEMA))


@pytest.mark.parametrize(
    "columns",
    [
        {"only": Categorical(["this"])},
        {"large": Continuous(1e15, 1e15 + 1)},
        {"wide": Continuous(-1e300, 1e300)},
        {"many": Categorical(range(40)), "x": Count(0, 1)},
    ],
    ids=list,
)
def test_any_bounds_and_levels_are_fitted(columns):
    schema = TableSchema(columns, target=next(iter(columns)))
    kinds = list(schema.columns.values())
    rows = {
        name: [kind.levels[0], kind.levels[-1]] * 20
        if hasattr(kind, "levels")
        else [kind.low, kind.high] * 20
        for name, kind in zip(columns, kinds, strict=True)
    }
    table = pd.DataFrame(rows)
    synth = NumPyroSynthesizer(schema=schema, n_steps=3, random_state=0).fit(table)
    assert len(synth.sample(50)) == 50
    assert np.isfinite(synth.score_samples(table)).all()


def test_a_numeric_target_is_a_column_like_any_other():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 2)), rng.normal(size=200)
    with pytest.warns(PrivacyLeakWarning):
        synth = NumPyroSynthesizer(n_steps=3, random_state=0).fit(X, y)
    codes = synth.model_.sample_codes(5, rng)
    joint, alone = (synth.model_.log_density(codes, without) for without in (None, 2))
    other = codes.copy()
    other[:, 2] = 0.9
    np.testing.assert_allclose(synth.model_.log_density(other, without=2), alone)
    assert (joint != alone).all()
    assert synth.score_samples(X).shape == (200,)


def test_it_is_in_its_file_and_needs_no_function(fitted, tmp_path):
    fitted.save(tmp_path / "synth")
    again = skdpsynth.load(tmp_path / "synth")
    pd.testing.assert_frame_equal(
        again.sample(20, random_state=0), fitted.sample(20, random_state=0)
    )
    (one,), (other,) = (s.sample_datasets(1, 9, random_state=0) for s in (again, fitted))
    pd.testing.assert_frame_equal(one, other)


def test_columns_that_are_given_are_named(fitted):
    with pytest.raises(ValueError, match=r"given values of \['age'\]"):
        fitted.sample(conditions={"age": 20})


def test_the_plan_tells_of_the_releases():
    names = [release.name for release in NumPyroSynthesizer(schema=SCHEMA).plan().releases]
    assert names == ["row count", "clipped gradients, 1000 steps"]
