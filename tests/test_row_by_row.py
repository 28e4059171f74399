"""Steps of a pipeline treat rows one by one, or are marked."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    PrivacyLeakWarning,
    TableSchema,
    make_synthesizer_pipeline,
)
from skdpsynth.pipeline import find_mixing
from skdpsynth.preprocessing import BoundedDiscretizer, TableEncoder

SCHEMA = TableSchema(
    {
        "age": Count(0, 120),
        "pay": Continuous(0, 1e6, nullable=True),
        "sex": Categorical(["F", "M"]),
        "flag": Categorical([False, True]),
    }
)


def make_table(n_rows=300, seed=0, holes=True):
    rng = np.random.default_rng(seed)
    pay = rng.lognormal(10, 1, n_rows)
    if holes:
        pay[rng.random(n_rows) < 0.05] = np.nan
    return pd.DataFrame(
        {
            "age": rng.integers(18, 90, n_rows),
            "pay": pay,
            "sex": rng.choice(["F", "M"], n_rows),
            "flag": rng.random(n_rows) < 0.3,
        }
    )


def find(function, table=None, **keywords):
    table = make_table() if table is None else table
    return find_mixing(lambda rows, _: function(rows), table, **keywords)


NUMBERS = ["age", "pay"]


def on_pay(function):
    return lambda d: d.assign(pay=function(d["pay"]))


def keep_length(function):
    """Return the function with rows cut off, or the last one repeated, so that N stays."""

    def same_length(d):
        made = function(d)
        return made.iloc[np.minimum(np.arange(len(d)), len(made) - 1)]

    return same_length


OF_THE_WHOLE_TABLE = {
    # values of other rows
    "fill with the mean": lambda d: d.fillna({"pay": d["pay"].mean()}),
    "fill with the median": on_pay(lambda pay: pay.fillna(pay.median())),
    "fill with the most frequent": lambda d: d.fillna({"pay": d["pay"].round(-4).mode()[0]}),
    "fill forward": lambda d: d.ffill(),
    "fill backward": lambda d: d.bfill(),
    "interpolate": on_pay(lambda pay: pay.interpolate()),
    "centre": on_pay(lambda pay: pay - pay.mean()),
    "scale to the greatest": on_pay(lambda pay: pay / pay.max()),
    "clip at quantiles": on_pay(lambda pay: pay.clip(pay.quantile(0.01), pay.quantile(0.99))),
    "winsorise": on_pay(lambda pay: pay.clip(upper=pay.nlargest(2).iloc[-1])),
    "drop values beyond three deviations": on_pay(
        lambda pay: pay.where((pay - pay.mean()).abs() < 3 * pay.std())
    ),
    "ranks": on_pay(lambda pay: pay.rank()),
    "quantile bins": on_pay(lambda pay: pd.qcut(pay, 4, labels=False, duplicates="drop")),
    "equal bins of what occurs": on_pay(lambda pay: pd.cut(pay, 4, labels=False)),
    "codes in order of appearance": lambda d: d.assign(sex=pd.factorize(d["sex"])[0]),
    "codes of levels that occur": lambda d: d.assign(sex=d["sex"].astype("category").cat.codes),
    "cumulative sum": on_pay(lambda pay: pay.cumsum()),
    "difference to the row before": on_pay(lambda pay: pay.diff()),
    "difference to the first row": on_pay(lambda pay: pay - pay.iloc[0]),
    "rolling mean": on_pay(lambda pay: pay.rolling(3).mean()),
    "mean of a group": lambda d: d.assign(pay=d.groupby("sex")["pay"].transform("mean")),
    "count of a level": lambda d: d.assign(n=d["sex"].map(d["sex"].value_counts())),
    "rare levels together": lambda d: d.assign(
        age=d["age"].where(d["age"].map(d["age"].value_counts()) > 2, 0)
    ),
    "row number": lambda d: d.assign(pay=np.arange(len(d))),
    "number of rows": lambda d: d.assign(n=len(d)),
    "the oldest is known": lambda d: d.assign(oldest=d["age"] == d["age"].max()),
    # places
    "sort": lambda d: d.sort_values("pay"),
    "sort the index back": lambda d: d.sort_values("age").reset_index(drop=True),
    "reverse": lambda d: d.iloc[::-1],
    "shuffle": lambda d: d.sample(frac=1, random_state=0),
    "shift": lambda d: d.assign(age=d["age"].shift(fill_value=0)),
    # numbers of rows
    "drop incomplete": lambda d: d.dropna(),
    "drop the young": lambda d: d[d["age"] >= 30],
    "drop duplicates": lambda d: d.drop_duplicates(["age", "sex"]),
    "ten times those with a flag": lambda d: d.loc[
        d.index.repeat(np.where(d["flag"], 10, 1))
    ].reset_index(drop=True),
    "every row twice": lambda d: pd.concat([d, d]),
    "a total at the end": lambda d: pd.concat([d, d.iloc[:1]]),
    "some of them": lambda d: d.sample(frac=0.5, random_state=0),
    "one twice, another never": keep_length(lambda d: d[d["age"] != d["age"].min()]),
    "some repeated, the rest cut off": keep_length(
        lambda d: d.loc[d.index.repeat(np.where(d["age"] > 87, 2, 1))]
    ),
    "incomplete ones replaced by the last": keep_length(lambda d: d.dropna()),
    # dtypes and columns
    "categories that occur": lambda d: d.assign(age=d["age"].astype("category")),
    "narrow integers": lambda d: d.assign(age=pd.to_numeric(d["age"] + 60, downcast="integer")),
    "dtypes by guess": lambda d: d.assign(pay=d["age"] + (d["age"] > 85) / 2).convert_dtypes(),
    "a float if somebody is old": lambda d: d.assign(
        age=d["age"].astype(float if (d["age"] > 85).any() else int)
    ),
    "columns without holes": lambda d: d.dropna(axis="columns"),
    "columns of levels that occur": lambda d: pd.get_dummies(d, columns=["age"]),
    "constant columns": lambda d: d.loc[:, d.nunique() > 1],
}


@pytest.mark.parametrize("name", OF_THE_WHOLE_TABLE)
def test_a_function_of_the_whole_table_is_found(name):
    assert find(OF_THE_WHOLE_TABLE[name]) is not None


SEEN_ON_MADE_UP_ROWS = {
    "fill with the mean": (lambda d: d.fillna({"pay": d["pay"].mean()}), {}),
    "fill forward": (lambda d: d.ffill(), {}),
    "drop incomplete": (lambda d: d.dropna(), {}),
    "drop duplicates": (lambda d: d.drop_duplicates(), {}),
    "clip where anybody is old": (
        lambda d: d.assign(age=d["age"].clip(upper=40) if (d["age"] > 110).any() else d["age"]),
        {"schemas": [SCHEMA]},
    ),
    "scale where anybody is far out": (
        lambda d: d.assign(age=d["age"] // 2 if (d["age"] > 150).any() else d["age"]),
        {},
    ),
    "drop the oldest possible": (lambda d: d[d["age"] < 120], {"schemas": [SCHEMA]}),
}


@pytest.mark.parametrize("name", SEEN_ON_MADE_UP_ROWS)
def test_what_these_rows_do_not_show_is_seen_on_made_up_ones(name):
    """The table at hand has no hole, no two equal rows, and nobody older than 90."""
    function, keywords = SEEN_ON_MADE_UP_ROWS[name]
    table = make_table(holes=False)
    pd.testing.assert_frame_equal(function(table), table)
    assert find(function, table, **keywords) is not None


BANDS = [0, 30, 60, 120]

ROW_BY_ROW = {
    "nothing": lambda d: d,
    "logarithm": on_pay(np.log1p),
    "logarithm of zeros": on_pay(lambda pay: np.log(pay - pay)),
    "public bounds": on_pay(lambda pay: pay.clip(1000, 50_000)),
    "public bounds with a fraction": lambda d: d.assign(age=d["age"].clip(20.5, 80.5)),
    "public scale": on_pay(lambda pay: (pay - 20_000) / 10_000),
    "public bins": lambda d: d.assign(age=pd.cut(d["age"], BANDS, labels=False)),
    "public categories": lambda d: d.assign(sex=pd.Categorical(d["sex"], ["F", "M", "X"])),
    "public fill": lambda d: d.fillna({"pay": 0.0}),
    "out of range is missing": on_pay(lambda pay: pay.where(pay < 30_000)),
    "whole numbers that become missing": lambda d: d.assign(age=d["age"].where(d["age"] < 60)),
    "a code that becomes missing": lambda d: d.assign(age=d["age"].replace({40: np.nan})),
    "names of levels": lambda d: d.assign(sex=d["sex"].map({"F": "female", "M": "male"})),
    "codes of levels, one unknown": lambda d: d.assign(sex=d["sex"].map({"F": 0})),
    "texts of numbers": lambda d: d.assign(age=d["age"].astype(str)),
    "numbers of texts": lambda d: d.assign(age=pd.to_numeric(d["age"].astype(str))),
    "words among numbers": lambda d: d.assign(age=d["age"].astype(object).where(~d["flag"], "?")),
    "levels by condition": lambda d: d.assign(band=np.where(d["age"] < 40, "young", "elderly")),
    "a sum over columns": lambda d: d.assign(total=d[NUMBERS].sum(axis=1)),
    "the mean over columns": lambda d: d.assign(mean=d[NUMBERS].mean(axis=1)),
    "row by row in Python": lambda d: d.apply(
        lambda row: row.where(row.notna(), -1) if row["flag"] else row, axis=1
    ),
    "rotated": lambda d: pd.DataFrame(
        d[NUMBERS].to_numpy() @ np.array([[0.6, -0.8], [0.8, 0.6]]), columns=["u", "v"]
    ),
    "other columns": lambda d: d[["sex", "age"]].rename(columns={"age": "years"}),
    "a new index": lambda d: d.reset_index(drop=True),
    "dates": lambda d: d.assign(born=pd.Timestamp("2024-01-01") - pd.to_timedelta(d["age"], "D")),
    "array": lambda d: d[NUMBERS].to_numpy(),
    "pieces of text": lambda d: d.assign(sex=d["sex"].str.lower().str[:1]),
    "no holes allowed": lambda d: d.assign(pay=d["pay"].fillna(0).astype(int)),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ROW_BY_ROW)
def test_a_function_of_each_row_is_not_found(name, seed):
    table = make_table(n_rows=[300, 7, 2][seed], seed=seed)
    assert find(ROW_BY_ROW[name], table, schemas=[SCHEMA]) is None


@pytest.mark.parametrize("container", ["array", "list", "polars", "objects"])
@pytest.mark.parametrize("is_mixing", [False, True])
def test_other_containers(container, is_mixing):
    table = make_table()
    if container == "objects":
        rows = table.to_numpy(dtype=object)
    elif container == "polars":
        polars = pytest.importorskip("polars")
        rows = polars.from_pandas(table)
    else:
        rows = table[NUMBERS].fillna(0).to_numpy()
    rows = rows.tolist() if container == "list" else rows

    def reverse(given):
        return given[::-1]

    def identity(given):
        return given

    found = find(reverse if is_mixing else identity, rows)
    assert (found is not None) is is_mixing


def test_the_target_is_taken_along():
    table, y = make_table(), np.arange(300) % 2

    def with_mean_of_class(rows, target):
        return rows.assign(pay=np.where(target == 1, target.mean(), 0.0))

    def with_class(rows, target):
        return rows.assign(pay=1.0 * np.asarray(target))

    for labels in (y, pd.Series(y, index=table.index), y.tolist()):
        assert find_mixing(with_class, table, labels) is None
    assert find_mixing(with_mean_of_class, table, y) is not None


def test_what_is_said_holds_no_value_and_no_count():
    texts = {find(function) for function in OF_THE_WHOLE_TABLE.values()}
    assert None not in texts
    assert len(texts) == 3
    assert not any(character.isdigit() for text in texts for character in text)


def test_the_rows_stay_as_they_are():
    def in_place(d):
        d["pay"] = 0.0
        return d

    table = make_table()
    assert find(in_place, table) is None
    pd.testing.assert_frame_equal(table, make_table())


@pytest.mark.parametrize("n_rows", [100, 10_000])
def test_the_cost_is_bounded(n_rows):
    calls = []

    def count(d):
        calls.append(len(d))
        return d

    assert find(count, make_table(n_rows)) is None
    assert sum(calls) < 4 * n_rows + 1000
    assert len(calls) < 200


def test_wide_tables_of_numbers():
    rng = np.random.default_rng(0)
    # columns of very different scales: each is compared at its own
    wide = pd.DataFrame(rng.normal(size=(200, 300)) * 10.0 ** rng.integers(-9, 9, 300))
    assert find(lambda d: d * 2, wide) is None
    assert find(lambda d: d @ np.eye(300), wide) is None
    for number in np.argsort(wide.std())[[0, 150, 299]]:
        assert find(lambda d, j=number: d.clip(d[j].mean(), axis=1), wide[[number]]) is not None
        assert find(lambda d, j=number: d - d.mean().where(d.columns == j, 0.0), wide) is not None


def test_no_rows():
    assert find(lambda d: d, make_table(0)) is None
    assert find(lambda d: d, pd.DataFrame()) is None


# In pipelines


def same(d):
    return d


def make_pipeline_of(*functions, schema=SCHEMA, **parameters):
    steps = [
        f if isinstance(f, BaseEstimator) else FunctionTransformer(f, same, check_inverse=False)
        for f in functions
    ]
    settings = {"schema": schema, "n_components": 1, "n_passes": 1, "n_bins": 8}
    return make_synthesizer_pipeline(*steps, DPMixtureSynthesizer(**settings, **parameters))


def fit_and_catch(model, *table):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*table)
    return [str(w.message) for w in caught if w.category is PrivacyLeakWarning]


def oversample(d):
    return d.loc[d.index.repeat(np.where(d["flag"], 10, 1))].reset_index(drop=True)


def drop_old(d):
    return d[d["age"] < 80]


def keep_young(d):
    return d.assign(age=d["age"].clip(upper=50))


def fill_with_mean(d):
    return d.fillna({"pay": d["pay"].mean()})


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("function", [oversample, drop_old, fill_with_mean])
def test_a_step_that_does_not_is_marked(function, adjacency):
    model = make_pipeline_of(keep_young, function, adjacency=adjacency)
    table = make_table()
    table.loc[0, "age"] = 49
    (message,) = fit_and_catch(make_pipeline_of(function, adjacency=adjacency), table)
    assert message.startswith("Step 'functiontransformer' (FunctionTransformer)")
    assert "does not treat rows one by one" in message
    if function is drop_old:
        # behind the other step nobody is old: made-up rows show it all the same
        model = make_pipeline_of(function, keep_young, adjacency=adjacency)
    fit_and_catch(model, table)
    (leaking,), (claimed,) = model.leaking_steps_, model.claimed_steps_
    assert {leaking, claimed} == {"functiontransformer-1", "functiontransformer-2"}
    for spent in (model.privacy_spent_, model[-1].privacy_spent_):
        assert not spent.is_private
        assert any(repr(claimed) in note and "your claim" in note for note in spent.notes)
    assert any(repr(leaking) in note for note in model.privacy_spent_.notes)


def test_a_step_that_passes_is_a_claim():
    model = make_pipeline_of(keep_young)
    assert fit_and_catch(model, make_table()) == []
    assert model.leaking_steps_ == ()
    assert model.claimed_steps_ == ("functiontransformer",)
    assert model.privacy_spent_.is_private
    claim = "step 'functiontransformer' is taken to treat rows one by one: that is your claim"
    assert claim in model.privacy_spent_.notes
    assert model.privacy_spent_.notes.count(claim) == 1
    # of the synthesizer alone, and of its file, too
    assert claim in model[-1].privacy_spent_.notes


def test_what_is_known_is_no_claim():
    for step in (TableEncoder(SCHEMA), BoundedDiscretizer(SCHEMA), FunctionTransformer()):
        schema = SCHEMA if isinstance(step, FunctionTransformer) else None
        model = make_pipeline_of(step, schema=schema).fit(make_table())
        assert model.claimed_steps_ == ()
        assert not any("claim" in note for note in model.privacy_spent_.notes)


class MyEncoder(TableEncoder):
    """Derived from a known transformer, which says nothing of what it does."""

    def transform(self, X):
        codes = super().transform(X)
        return codes - codes.mean(axis=0)


def test_a_derived_transformer_is_tried():
    schema = TableSchema({"age": Count(0, 120), "pay": Continuous(0, 1e6)})
    wide = TableSchema({name: Continuous(-1, 1) for name in NUMBERS})
    model = make_pipeline_of(MyEncoder(schema), schema=wide)
    fit_and_catch(model, make_table(holes=False)[NUMBERS])
    assert model.leaking_steps_ == ("myencoder",)


class Stateless(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Its tags say that it learns nothing."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.mean_ = X["pay"].mean()
        return self

    def inverse_transform(self, X):
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.input_tags.allow_nan = True
        return tags


class Centre(Stateless):
    """It keeps a mean of the rows it was fitted to."""

    def transform(self, X):
        return X.assign(pay=(X["pay"] - self.mean_).abs())


class Resample(Stateless):
    """Only while it is fitted does it repeat rows."""

    def transform(self, X):
        return X

    def fit_transform(self, X, y=None):
        return oversample(self.fit(X).transform(X))


class MeanOfClass(Stateless):
    """Only while it is fitted does it use the target."""

    def transform(self, X):
        return X.assign(pay=0.0)

    def fit_transform(self, X, y=None):
        return X.assign(pay=pd.Series(y).groupby(y).transform("size").to_numpy())


@pytest.mark.parametrize("step", [Centre, Resample, MeanOfClass])
def test_what_a_step_does_while_it_is_fitted_counts(step):
    schema = TableSchema({**SCHEMA.columns, "ill": Categorical([0, 1])}, target="ill")
    target = (np.arange(300) % 3 == 0).astype(int)
    table, y = make_table(), pd.Series(target, name="ill")
    model = make_pipeline_of(step(), schema=schema if step is MeanOfClass else SCHEMA)
    fit_and_catch(model, table, *([y] if step is MeanOfClass else []))
    assert model.leaking_steps_ == (step.__name__.lower(),)
    assert not model.privacy_spent_.is_private


def test_nested_steps_are_tried():
    inner = make_pipeline(
        FunctionTransformer(keep_young, same, check_inverse=False),
        FunctionTransformer(fill_with_mean, same, check_inverse=False),
    )
    model = make_synthesizer_pipeline(
        inner, DPMixtureSynthesizer(schema=SCHEMA, n_components=1, n_passes=1, n_bins=8)
    )
    fit_and_catch(model, make_table())
    assert model.leaking_steps_ == ("pipeline__functiontransformer-2",)
    assert model.claimed_steps_ == ("pipeline__functiontransformer-1",)


def test_an_error_on_some_rows_names_the_step():
    def refuse(d):
        if len(d) < 3:
            raise ValueError("too few")
        return d

    with pytest.raises(ValueError, match="too few") as caught:
        make_pipeline_of(refuse).fit(make_table())
    assert "Step 'functiontransformer' was tried on some of the rows" in caught.value.__notes__[0]


# Purchases of the steps


def buy(columns, epsilon=0.5):
    table = make_table(4000, holes=False)[columns]
    return TableSchema.from_private(table, epsilon, 1e-7, nullable=False)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (lambda one, other: [TableEncoder(one)], 0.5),
        (lambda one, other: [BoundedDiscretizer(one), TableEncoder()], 0.5),
        (lambda one, other: [BoundedDiscretizer(one), TableEncoder(other)], 1.0),
        (lambda one, other: [make_pipeline(TableEncoder(one))], 0.5),
        (lambda one, other: [make_pipeline(BoundedDiscretizer(one), TableEncoder(other))], 1.0),
        (
            lambda one, other: [
                FunctionTransformer(same, same, kw_args={"schema": one}, check_inverse=False)
            ],
            0.5,
        ),
    ],
)
def test_purchases_of_all_steps_count_once_each(steps, expected):
    def take(d, schema=None):
        return d

    one = buy(NUMBERS)
    other = buy(NUMBERS)
    made = steps(one, other)
    for step in made:
        if isinstance(step, FunctionTransformer):
            step.set_params(func=take)
    if any(isinstance(step, TableEncoder) and step.schema is other for step in made):
        made[0] = BoundedDiscretizer(one, n_bins={"age": 3, "pay": 3})
        binned = made[0].fit(make_table(holes=False)[NUMBERS]).output_schema_
        made[1] = TableEncoder(binned.replace(other).replace(dict(binned.columns)))
    wide = TableSchema({name: Continuous(-1e6, 1e6) for name in NUMBERS})
    model = make_pipeline_of(*made, schema=wide)
    if expected == 1.0 and len(made) == 1:
        inner = made[0]
        binned = inner[0].fit(make_table(holes=False)[NUMBERS]).output_schema_
        inner[1].set_params(schema=binned.replace(other).replace(dict(binned.columns)))
    fit_and_catch(model, make_table(300, holes=False)[NUMBERS])
    assert model.privacy_spent_.purchase[0] == pytest.approx(expected, abs=1e-3)
    assert model.privacy_spent_.total[0] < math.inf
