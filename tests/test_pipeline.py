"""Pipelines that end in a synthesizer: there, back, and what the steps do to the guarantee."""

import pickle
import struct
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    Ordinal,
    PrivacyLeakWarning,
    SynthesizerPipeline,
    TableMismatchError,
    TableSchema,
    make_synthesizer_pipeline,
)
from skdpsynth.metrics import TSTRScorer
from skdpsynth.preprocessing import BoundedDiscretizer, MissingnessEncoder, TableEncoder

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


def make_table(n_rows=150, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.4
    sex = rng.choice(["F", "M"], n_rows).astype(object)
    sex[rng.random(n_rows) < 0.1] = None
    return pd.DataFrame(
        {
            "age": rng.integers(17, 60, n_rows) + 30 * sick,
            "sex": sex,
            "pay": np.where(rng.random(n_rows) < 0.2, np.nan, rng.uniform(0, 100, n_rows)),
            "grade": pd.Categorical(
                rng.choice(["low", "mid", "high"], n_rows), ["low", "mid", "high"], ordered=True
            ),
            "sick": sick,
        }
    )


def make_mixture(**parameters):
    settings = {"n_components": 2, "n_passes": 2, "n_bins": 8, "random_state": 0}
    return DPMixtureSynthesizer(**{**settings, **parameters})


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(0)
    a = rng.normal(50, 10, 150)
    return pd.DataFrame({"a": a, "b": a + rng.normal(size=150), "n": rng.integers(0, 9, 150)})


@pytest.fixture(scope="module")
def levels():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"u": rng.choice(list("xyz"), 150), "v": rng.choice(list("pq"), 150)})


@pytest.fixture(scope="module")
def encoded(table):
    return make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture()).fit(table)


# There and back

STEPS = {
    "codes": [TableEncoder(SCHEMA)],
    "bins": [BoundedDiscretizer(SCHEMA, n_bins=6)],
    "indicators": [MissingnessEncoder(SCHEMA)],
    "all three": [MissingnessEncoder(SCHEMA), BoundedDiscretizer(n_bins=6), TableEncoder()],
    "nothing": ["passthrough", None],
    "between nothing": ["passthrough", TableEncoder(SCHEMA), None],
}


def make_all(name, **parameters):
    schema = SCHEMA if name == "nothing" else None
    return make_synthesizer_pipeline(
        *[step if isinstance(step, str) else clone(step, safe=False) for step in STEPS[name]],
        make_mixture(schema=schema, **parameters),
    )


@pytest.mark.parametrize("name", STEPS)
def test_columns_order_and_dtypes_come_back(name, table):
    model = make_all(name).fit(table)
    synthetic = model.sample(40, random_state=0)
    pd.testing.assert_series_equal(synthetic.dtypes, table.dtypes)
    assert synthetic["grade"].isin(["low", "mid", "high"]).all()
    assert synthetic["age"].between(17, 90).all()
    X, y = model.sample_xy(40, random_state=0)
    pd.testing.assert_frame_equal(X, synthetic.drop(columns="sick"))
    pd.testing.assert_series_equal(y, synthetic["sick"])
    (drawn,) = model.sample_datasets(1, 9, random_state=0)
    pd.testing.assert_series_equal(drawn.dtypes, table.dtypes)
    assert len(drawn) == 9
    assert model.schema_ == SCHEMA


@pytest.mark.parametrize("name", STEPS)
def test_y_goes_round_the_transformers(name, table):
    X, y = table.drop(columns="sick"), table["sick"]
    model = make_all(name).fit(X, y)
    pd.testing.assert_series_equal(model.sample(9, random_state=0).dtypes, X.dtypes)
    X_drawn, y_drawn = model.sample_xy(9, random_state=0)
    pd.testing.assert_series_equal(X_drawn.dtypes, X.dtypes)
    assert (y_drawn.name, y_drawn.dtype, len(y_drawn)) == ("sick", bool, 9)
    first, second = model.sample_datasets(2, 9, random_state=0)
    pd.testing.assert_series_equal(first.dtypes, table.dtypes)
    assert not first.equals(second)
    assert model.schema_ == SCHEMA
    assert model.n_records_ == model[-1].n_records_


def test_it_is_the_steps_one_after_the_other(table):
    encoder, mixture = TableEncoder(SCHEMA), make_mixture()
    model = SynthesizerPipeline([("encode", encoder), ("synthesize", mixture)]).fit(table)
    alone = make_mixture(schema=encoder.output_schema_).fit(encoder.transform(table))
    assert_array_equal(mixture.sample(20, random_state=3), alone.sample(20, random_state=3))
    assert_allclose(model.score_samples(table), alone.score_samples(encoder.transform(table)))
    assert_allclose(model.score(table), alone.score(encoder.transform(table)))
    seed = int(np.random.default_rng(5).integers(2**31))
    pd.testing.assert_frame_equal(
        model.sample(20, random_state=5),
        encoder.inverse_transform(mixture.sample(20, random_state=seed)),
    )
    assert model.ledger_ is mixture.ledger_
    assert model.privacy_spent_ == alone.privacy_spent_


def test_no_rows_are_an_empty_table(encoded, table):
    empty = encoded.sample(0)
    assert empty.shape == (0, 5)
    pd.testing.assert_series_equal(empty.dtypes, table.dtypes)
    X, y = encoded.sample_xy(0)
    assert (len(X), len(y)) == (0, 0)
    with pytest.raises(ValueError, match="n_samples must not be negative"):
        encoded.sample(-1)


def test_a_random_inverse_follows_the_seed(table):
    model = make_synthesizer_pipeline(BoundedDiscretizer(SCHEMA), make_mixture()).fit(table)
    first = model.sample(30, random_state=1)
    pd.testing.assert_frame_equal(model.sample(30, random_state=1), first)
    assert not model.sample(30, random_state=2)["pay"].equals(first["pay"])
    assert not model.sample(30)["pay"].equals(model.sample(30)["pay"])
    assert model[0].random_state is None
    assert model[0].get_params() == BoundedDiscretizer(SCHEMA).get_params()


def test_sample_xy_needs_a_target(levels):
    schema = TableSchema({"u": Categorical(list("xyz")), "v": Categorical(list("pq"))})
    model = make_synthesizer_pipeline(TableEncoder(schema), make_mixture()).fit(levels)
    with pytest.raises(ValueError, match="sample_xy needs a target"):
        model.sample_xy(3)


def test_an_array_with_its_target_is_split(table):
    array = table.to_numpy(dtype=object)
    model = make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture()).fit(array)
    X, y = model.sample_xy(5, random_state=0)
    joint = pd.DataFrame(np.column_stack([X, y]))
    pd.testing.assert_frame_equal(joint, pd.DataFrame(model.sample(5, random_state=0)))


def test_lists_of_mixed_values(table):
    rows = table.to_numpy(dtype=object).tolist()
    model = make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture()).fit(rows)
    assert isinstance(model.sample(3), np.ndarray)


def test_not_fitted():
    model = make_all("codes")
    for use in (model.sample, model.sample_xy, lambda: model.sample_datasets(1)):
        with pytest.raises(NotFittedError):
            use()


# Conditions


@pytest.mark.parametrize("name", ["codes", "indicators", "nothing"])
def test_conditions_hold_exactly(name, table):
    model = make_all(name).fit(table.drop(columns="sick"), table["sick"])
    given = {"age": 40, "sex": "F", "pay": None, "sick": True}
    X, y = model.sample_xy(20, conditions=given, random_state=0)
    assert (X["age"] == 40).all()
    assert (X["sex"] == "F").all()
    assert X["pay"].isna().all()
    assert y.all()
    assert (model.sample(20, conditions={"pay": 12.5})["pay"] == 12.5).all()


def test_a_condition_that_does_not_survive_is_refused(table):
    model = make_all("bins").fit(table)
    assert (model.sample(5, conditions={"sex": "M"})["sex"] == "M").all()
    with pytest.raises(TableMismatchError, match=r"'age': 40 does not survive.* not binned"):
        model.sample(5, conditions={"age": 40})
    model = make_all("codes").fit(table)
    with pytest.raises(TableMismatchError, match=r"'age': 400 does not survive.* comes back as 90"):
        model.sample(5, conditions={"age": 400})
    with pytest.raises(TableMismatchError, match="column 'wage', which the table does not have"):
        model.sample(5, conditions={"wage": 1})
    with pytest.raises(TypeError, match="conditions must be a mapping"):
        model.sample(5, conditions=["age"])


def test_one_bin_per_integer_keeps_conditions(table):
    schema = SCHEMA.select(["age", "sick"])
    discretizer = BoundedDiscretizer(schema, n_bins=74)
    model = make_synthesizer_pipeline(discretizer, make_mixture()).fit(table[["age", "sick"]])
    assert (model.sample(9, conditions={"age": 40})["age"] == 40).all()


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
def test_a_condition_on_mixed_columns_is_refused(numbers):
    model = make_synthesizer_pipeline(PCA(), make_mixture()).fit(numbers)
    with pytest.raises(TableMismatchError, match=r"'a' cannot be carried through step 'pca' \(PCA"):
        model.sample(5, conditions={"a": 50.0})


# What the steps do to the guarantee


class Rescale(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """A transformer that its tags call stateless."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return X * 2.0

    def inverse_transform(self, X):
        return X / 2.0

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        return tags


class Untagged:
    """A transformer of nobody knows what kind."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X

    def inverse_transform(self, X):
        return X

    def set_output(self, transform=None):
        return self


def centre(X):
    return X - X.mean(axis=0)


def identity(X):
    return X


def cube_root(X):
    return np.cbrt(X)


def cube(X):
    return X**3


def check_leaks(model, X, expected):
    """Fit, and check which steps are warned of, by name, and marked."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X)
    messages = [str(w.message) for w in caught if w.category is PrivacyLeakWarning]
    warned = [message.split("'")[1] for message in messages if message.startswith("Step ")]
    assert warned == expected
    assert model.leaking_steps_ == tuple(expected)
    for name in expected:
        assert any(repr(name) in note for note in model.privacy_spent_.notes)
    return model.privacy_spent_


@pytest.mark.parametrize(
    "step",
    [
        StandardScaler(),
        MinMaxScaler(),
        MaxAbsScaler(),
        PCA(),
        KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"),
        SimpleImputer(add_indicator=True),
        Untagged(),
        TableEncoder(),
        BoundedDiscretizer(),
        MissingnessEncoder(),
    ],
    ids=lambda step: type(step).__name__,
)
def test_a_step_that_learns_from_the_rows_is_named(step, numbers):
    model = SynthesizerPipeline([("prepare", step), ("synthesize", make_mixture())])
    spent = check_leaks(model, numbers, ["prepare"])
    assert not spent.is_private
    assert not spent.public_schema
    assert not model[-1].privacy_spent_.public_schema
    pd.testing.assert_series_equal(model.sample(9).dtypes, numbers.dtypes)


@pytest.mark.parametrize(
    "step",
    [
        OrdinalEncoder(),
        OrdinalEncoder(categories=[list("xyz"), list("pq")], max_categories=2),
        OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
    ],
)
def test_an_encoder_that_finds_or_counts_categories_is_named(step, levels):
    model = SynthesizerPipeline([("prepare", step), ("synthesize", make_mixture())])
    assert not check_leaks(model, levels, ["prepare"]).public_schema


BOUNDS = TableSchema({"a": Continuous(0, 100), "b": Continuous(0, 100), "n": Count(0, 9)})


@pytest.mark.parametrize(
    "step",
    [
        "passthrough",
        None,
        FunctionTransformer(),
        FunctionTransformer(cube_root, cube),
        Rescale(),
        BoundedDiscretizer(bounds={"a": (0, 100)}),
        MissingnessEncoder(columns=["a"]),
    ],
    ids=["passthrough", "none", "identity", "cube root", "scaler", "bins", "missingness"],
)
def test_a_step_that_does_not_learn_is_not_named(step, numbers):
    schema = TableSchema({"a": Continuous(-9, 200), "b": Continuous(-9, 200), "n": Count(0, 9)})
    if isinstance(step, Rescale | FunctionTransformer):
        schema = schema.replace({"n": Continuous(0, 20)})
    if isinstance(step, MissingnessEncoder):
        schema = schema.replace({"a_missing": Categorical([False, True])})
    if isinstance(step, BoundedDiscretizer):
        schema = schema.replace({"a": Ordinal(range(10))})
    mixture = make_mixture(schema=schema, random_state=None)
    model = SynthesizerPipeline([("prepare", step), ("synthesize", mixture)])
    spent = check_leaks(model, numbers, [])
    assert spent.is_private
    if step not in ("passthrough", None):
        # of a function nothing is known but that it passed the test
        is_claim = isinstance(step, Rescale) or getattr(step, "func", None) is not None
        claim = ("step 'prepare' is taken to treat rows one by one: that is your claim",)
        dtypes = ("no schema of X: its dtypes are repeated as they were",)
        assert spent.notes == (claim if is_claim else ()) + dtypes
    pd.testing.assert_series_equal(model.sample(9).dtypes, numbers.dtypes)


@pytest.mark.parametrize(
    "step",
    [
        OrdinalEncoder(categories=[list("xyz"), list("pq")]),
        OneHotEncoder(categories=[list("xyz"), list("pq")], sparse_output=False, drop="first"),
    ],
)
def test_an_encoder_with_all_categories_is_not_named(step, levels):
    schema = TableSchema({"u": Categorical([0, 1, 2]), "v": Categorical([0, 1])})
    if isinstance(step, OneHotEncoder):
        schema = TableSchema({name: Categorical([0, 1]) for name in ("y", "z", "q")})
    mixture = make_mixture(schema=schema, random_state=None)
    model = SynthesizerPipeline([("prepare", step), ("synthesize", mixture)])
    assert check_leaks(model, levels, []).is_private
    synthetic = model.sample(30)
    pd.testing.assert_series_equal(synthetic.dtypes, levels.dtypes)
    assert set(synthetic["u"]) <= set("xyz")


def test_steps_of_nested_pipelines_are_named(numbers):
    inner = make_pipeline(StandardScaler(), FunctionTransformer(), MinMaxScaler())
    model = SynthesizerPipeline([("inner", inner), ("synthesize", make_mixture())])
    check_leaks(model, numbers, ["inner__standardscaler", "inner__minmaxscaler"])


def test_a_function_of_other_rows_is_named(numbers):
    step = FunctionTransformer(centre, identity, check_inverse=False)
    schema = TableSchema({name: Continuous(-100, 100) for name in numbers})
    mixture = make_mixture(schema=schema)
    model = SynthesizerPipeline([("centre", step), ("synthesize", mixture)])
    assert not check_leaks(model, numbers, ["centre"]).public_schema


def refuse_single_rows(X):
    if len(X) < 2:
        raise ValueError("a single row")
    return X


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
def test_a_leak_stays_marked_if_the_fit_fails_after_it(numbers):
    """The steps are fitted by then, and could be used on their own."""
    step = FunctionTransformer(refuse_single_rows, identity, check_inverse=False)
    schema = TableSchema({name: Continuous(-9, 9) for name in numbers})
    mixture = make_mixture(schema=schema, random_state=None)
    model = make_synthesizer_pipeline(StandardScaler(), step, mixture)
    with pytest.raises(ValueError, match="a single row"):
        model.fit(numbers)
    assert not model[-1].privacy_spent_.is_private
    assert model.leaking_steps_ == ("standardscaler",)


def test_a_leak_is_warned_of_before_anything_is_spent(numbers):
    model = make_synthesizer_pipeline(StandardScaler(), make_mixture())
    with pytest.raises(PrivacyLeakWarning, match=r"TableEncoder scales between the public bounds"):
        model.fit(numbers)
    assert not hasattr(model[-1], "ledger_")
    assert not hasattr(model[0], "mean_")


# Schemas on their way


def test_the_schema_is_passed_on_and_parameters_stay(table):
    model = make_all("all three")
    before = {name: value for name, value in model.get_params().items() if "schema" in name}
    model.set_params(dpmixturesynthesizer__random_state=None).fit(table)
    assert {n: v for n, v in model.get_params().items() if "schema" in n} == before
    assert model.privacy_spent_.is_private
    names = ["age", "sex", "pay", "grade", "sick", "sex_missing", "pay_missing"]
    assert list(model[-1].schema_) == names
    assert model[-1].schema_ == model[2].output_schema_
    # six bins of a column without holes, coded
    assert model[-1].schema_["age"] == Ordinal(range(6))
    assert model[-1].schema_["pay_missing"] == Categorical([0, 1])


def test_the_schema_of_codes():
    encoder = TableEncoder(SCHEMA).fit(make_table())
    assert encoder.output_schema_ == TableSchema(
        {
            "age": Continuous(0, 1),
            "sex": Categorical([0, 1], nullable=True),
            "pay": Continuous(0, 1, nullable=True),
            "grade": Ordinal([0, 1, 2]),
            "sick": Categorical([0, 1]),
        },
        target="sick",
    )


def test_a_bought_schema_says_so(table):
    frame = table[["age", "sick"]]
    schema = TableSchema.from_private(
        frame, 5.0, 1e-6, {"sick": SCHEMA["sick"]}, target="sick", random_state=0
    )
    model = make_synthesizer_pipeline(TableEncoder(schema), make_mixture()).fit(frame)
    assert any("were bought for epsilon=" in note for note in model.privacy_spent_.notes)
    # the synthesizer's own was written by hand, but the bins follow from what was bought
    by_hand = TableSchema(dict(model[-1].schema_.columns), "sick")
    model = make_synthesizer_pipeline(TableEncoder(schema), make_mixture(schema=by_hand))
    assert any("were bought for" in note for note in model.fit(frame).privacy_spent_.notes)


def test_a_purchase_without_privacy_is_not_forgotten_behind_another_one(table):
    frame = table[["age", "sick"]]
    kinds = {"sick": SCHEMA["sick"]}
    private = TableSchema.from_private(frame, 5.0, 1e-6, kinds, target="sick")
    exact = TableSchema.from_private(frame, float("inf"), 1e-6, kinds, target="sick")
    model = make_synthesizer_pipeline(TableEncoder(private), make_mixture(random_state=None))
    assert model.fit(frame).privacy_spent_.is_private
    own = TableEncoder(exact).fit(frame).output_schema_.replace({"age": Continuous(0, 1)})
    assert own.ledger is not None
    model[-1].set_params(schema=own)
    assert not model.fit(frame).privacy_spent_.is_private


def test_a_schema_of_its_own_is_the_synthesizers(table):
    wide = TableEncoder(SCHEMA).fit(table).output_schema_.replace({"age": Continuous(-1, 2)})
    model = make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture(schema=wide)).fit(table)
    assert model[-1].schema_ == wide
    assert model.schema_ == SCHEMA


def test_a_fit_that_fails_gives_the_schema_back(table):
    model = make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture(n_passes=0))
    with pytest.raises(ValueError, match="n_passes"):
        model.fit(table)
    assert model[-1].schema is None


def test_y_must_be_in_the_schema(table):
    schema = SCHEMA.drop(["sick"])
    model = make_synthesizer_pipeline(TableEncoder(schema), make_mixture())
    with pytest.raises(TableMismatchError, match="The schema has no column for y"):
        model.fit(table.drop(columns="sick"), table["sick"])


def test_dtypes_tell_nothing_of_the_rows(table):
    """What is kept is the same whichever dtypes the rows at hand happened to need."""
    schema = SCHEMA.replace({"age": Count(17, 90, nullable=True)})
    with_hole = table.assign(age=table["age"].astype(float))
    with_hole.loc[0, "age"] = np.nan
    for name in ("codes", "bins", "indicators"):
        kept = []
        for frame in (table, with_hole, table.astype({"age": np.int8, "pay": np.float32})):
            steps = [clone(step).set_params(schema=schema) for step in STEPS[name]]
            model = make_synthesizer_pipeline(*steps, make_mixture()).fit(frame)
            kept.append((model[0].format_, model.sample(5).dtypes.tolist()))
        assert kept[0] == kept[1] == kept[2]


def test_no_value_of_the_rows_is_kept(table):
    secret = 12.345678912345678
    table = table.copy()
    table.loc[3, "pay"] = secret
    for name in STEPS:
        stored = pickle.dumps(make_all(name).fit(table))
        assert struct.pack("<d", secret) not in stored
        assert struct.pack(">d", secret) not in stored
        assert struct.pack("<d", secret / 100) not in stored
        assert struct.pack(">d", secret / 100) not in stored


# Steps that cannot be


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Normalizer(), "has no inverse_transform; leave it out"),
        (Binarizer(), "has no inverse_transform"),
        (ColumnTransformer([("scale", StandardScaler(), ["a"])]), "has no inverse_transform"),
        (FeatureUnion([("scale", StandardScaler())]), "has no inverse_transform"),
        (FunctionTransformer(np.log1p), "has func but no inverse_func"),
        (SimpleImputer(), "use MissingnessEncoder"),
        (OneHotEncoder(), "use OrdinalEncoder"),
        (make_pipeline(StandardScaler(), Normalizer()), r"'prepare__normalizer' \(Normalizer\)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_step_without_a_way_back_is_an_error(step, message, numbers):
    model = SynthesizerPipeline([("prepare", step), ("synthesize", make_mixture())])
    with pytest.raises(TypeError, match=message) as caught:
        model.fit(numbers)
    assert "'prepare" in str(caught.value)


def test_the_last_step_must_be_a_synthesizer(numbers):
    for last in (PCA(), "passthrough"):
        with pytest.raises(TypeError, match="The last step of a SynthesizerPipeline must be"):
            make_synthesizer_pipeline(StandardScaler(), last).fit(numbers)
    with pytest.raises(ValueError, match="The pipeline is empty"):
        SynthesizerPipeline([]).fit(numbers)


class Halve(Rescale):
    """Its inverse forgets a column."""

    def inverse_transform(self, X):
        return X.iloc[:, 1:]


def test_an_inverse_that_is_none_is_an_error(numbers):
    schema = TableSchema({name: Continuous(0, 200) for name in numbers})
    model = make_synthesizer_pipeline(Halve(), make_mixture(schema=schema)).fit(numbers)
    with pytest.raises(TableMismatchError, match="3 columns into others and those back into 2"):
        model.sample(2)


# Like a pipeline of scikit-learn


def test_parts_and_parameters(table):
    model = make_all("codes")
    assert list(model.named_steps) == ["tableencoder", "dpmixturesynthesizer"]
    assert type(model[:1]) is Pipeline
    assert type(model[:-1]) is Pipeline
    assert type(model[0:]) is SynthesizerPipeline
    assert model["tableencoder"] is model[0]
    model.set_params(dpmixturesynthesizer__epsilon=3.0, tableencoder="passthrough")
    model.set_params(dpmixturesynthesizer__schema=SCHEMA)
    copy = clone(model)
    assert copy.get_params()["dpmixturesynthesizer__epsilon"] == 3.0
    assert 2.9 < copy.fit(table).privacy_spent_.epsilon <= 3.0
    pd.testing.assert_frame_equal(model[:-1].fit_transform(table), table)


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_set_output(container, table):
    if container == "polars":
        pytest.importorskip("polars")
    model = make_all("codes").set_output(transform=container).fit(table)
    assert hasattr(model[-1], "feature_names_in_") == (container != "default")
    pd.testing.assert_series_equal(model.sample(9).dtypes, table.dtypes)


def test_memory(tmp_path, table):
    model = SynthesizerPipeline(
        [("code", TableEncoder(SCHEMA)), ("synthesize", make_mixture())], memory=str(tmp_path)
    )
    expected = make_all("codes").fit(table).sample(9, random_state=0)
    for _ in range(2):
        pd.testing.assert_frame_equal(model.fit(table).sample(9, random_state=0), expected)
    assert model.get_params()["code__schema"] == SCHEMA
    assert model.get_params()["synthesize__schema"] is None


def test_other_density_estimators_can_be_last(numbers):
    model = make_synthesizer_pipeline(FunctionTransformer(), KernelDensity()).fit(numbers)
    synthetic = model.sample(9, random_state=0)
    pd.testing.assert_series_equal(synthetic.dtypes, numbers.dtypes)
    assert_allclose(model.score_samples(numbers), model[-1].score_samples(numbers))
    assert not hasattr(model, "privacy_spent_")


def to_days(frame):
    return frame.assign(day=(frame["day"] - pd.Timestamp("2020-01-01")).dt.days)


def to_dates(frame):
    days = pd.to_timedelta(frame["day"], unit="D")
    return frame.assign(day=pd.Timestamp("2020-01-01") + days)


def test_dates_go_through_a_function(table):
    dates = pd.date_range("2020-01-01", periods=len(table))
    X = pd.DataFrame({"day": dates, "age": table["age"]})
    schema = TableSchema(
        {"day": Count(0, 365), "age": Count(17, 90), "sick": Categorical([False, True])}, "sick"
    )
    step = FunctionTransformer(to_days, to_dates, check_inverse=False)
    model = make_synthesizer_pipeline(step, make_mixture(schema=schema)).fit(X, table["sick"])
    synthetic, y = model.sample_xy(9, random_state=0)
    assert synthetic["day"].dt.year.eq(2020).all()
    assert y.name == "sick"
    (joint,) = model.sample_datasets(1, 9)
    assert joint.columns.tolist() == ["day", "age", "sick"]


def test_the_scorer_finds_the_schema(encoded, table):
    scorer = TSTRScorer(random_state=0)
    score = scorer(encoded, table.drop(columns="sick"), table["sick"])
    assert scorer(encoded, table) == score
    assert 0 <= score <= 1


@pytest.mark.parametrize("steps", [{"a": 1}, 3, np.float32(1), [("a", 1, 2)], [3], "ab"])
def test_steps_that_are_no_pairs_are_refused(steps, table):
    with pytest.raises(TypeError, match="steps must be a list of pairs"):
        SynthesizerPipeline(steps).fit(table)
