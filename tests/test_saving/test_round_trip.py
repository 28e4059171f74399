"""What comes back from a file is what was saved."""

import copy
import json
import math
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import skdpsynth
from skdpsynth import (
    Categorical,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
    TableSchema,
)
from skdpsynth._saving._container import pack, unpack
from skdpsynth._saving._document import from_bytes
from skdpsynth.napsu._posterior import LaplacePosterior, PerturbedPosterior, SampledPosterior
from skdpsynth.privacy import PrivacyLedger

from .fitted import HEIGHTS, SCHEMA, VARIANTS, fit, functions_of, make_heights, make_table, saved

FITTED = ["schema_", "format_", "has_y_", "n_records_", "ledger_", "privacy_spent_"]


@pytest.fixture(scope="module")
def pair_of(tmp_path_factory):
    """Return a fitted synthesizer and its copy that went through a file."""
    pairs = {}

    def get(variant):
        if variant not in pairs:
            path = tmp_path_factory.mktemp("saved") / "synth"
            fit(variant).save(path)
            pairs[variant] = fit(variant), skdpsynth.load(path, **functions_of(variant)), path
        return pairs[variant]

    return get


def table_of(synth):
    return make_heights() if synth.schema_ == HEIGHTS else make_table()[list(synth.schema_.names)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_samples_are_equal_bit_for_bit(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    frames = [s.sample(100, random_state=0) for s in (synth, loaded)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)
    if synth.schema_.target is not None:
        pairs = [s.sample_xy(20, random_state=1) for s in (synth, loaded)]
        pd.testing.assert_frame_equal(pairs[0][0], pairs[1][0], check_exact=True)
        pd.testing.assert_series_equal(pairs[0][1], pairs[1][1], check_exact=True)


@pytest.mark.parametrize("variant", [v for v in VARIANTS if v != "map"])
def test_posterior_draws_are_equal_bit_for_bit(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    draws = [list(s.sample_datasets(3, 50, random_state=0)) for s in (synth, loaded)]
    for before, after in zip(*draws, strict=True):
        pd.testing.assert_frame_equal(before, after, check_exact=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_scores_are_equal_bit_for_bit(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    table = table_of(synth).head(40)
    assert_array_equal(synth.score_samples(table), loaded.score_samples(table))


@pytest.mark.parametrize("variant", [v for v in VARIANTS if not functions_of(v)])
def test_conditions_give_the_same_rows(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    frames = [
        s.sample(30, conditions={"sex": "F", "sick": True}, random_state=0) for s in (synth, loaded)
    ]
    assert (frames[0]["sex"] == "F").all()
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_attributes_and_parameters_are_equal(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    assert type(loaded) is type(synth)
    assert set(vars(loaded)) == set(vars(synth))
    for name in FITTED:
        assert getattr(loaded, name) == getattr(synth, name), name
        assert repr(getattr(loaded, name)) == repr(getattr(synth, name))
    assert_array_equal(loaded.feature_names_in_, synth.feature_names_in_)
    assert loaded.feature_names_in_.dtype == synth.feature_names_in_.dtype
    assert loaded.n_features_in_ == synth.n_features_in_
    assert loaded.random_state is None
    parameters = synth.get_params()
    assert_equal(loaded.get_params(), {**parameters, "random_state": None})
    assert repr(loaded) == repr(copy.copy(synth).set_params(random_state=None))
    assert_equal(loaded.schema_.ledger, synth.schema_.ledger)


def assert_equal(one, other):
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for name in one:
            assert_equal(one[name], other[name])
    else:
        assert_array_equal(one, other)


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_second_save_is_the_same_file(variant, pair_of, tmp_path):
    synth, loaded, path = pair_of(variant)
    loaded.save(tmp_path / "second")
    synth.save(tmp_path / "third")
    content = path.read_bytes()
    assert (tmp_path / "second").read_bytes() == content
    assert (tmp_path / "third").read_bytes() == content


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_loaded_synthesizer_is_pickled_and_cloned(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    fresh = clone(loaded)
    with pytest.raises(NotFittedError):
        fresh.sample()
    if functions_of(variant):
        # a function that was made by another is no matter for pickle
        return
    again = pickle.loads(pickle.dumps(loaded))
    expected = synth.sample(20, random_state=0)
    pd.testing.assert_frame_equal(again.sample(20, random_state=0), expected)


@pytest.mark.parametrize("variant", ["moments", "laplace"])
def test_a_loaded_synthesizer_is_fitted_again_alike(variant, pair_of):
    synth, loaded, _ = pair_of(variant)
    again = clone(loaded).set_params(random_state=0).fit(table_of(synth))
    expected = synth.sample(20, random_state=0)
    pd.testing.assert_frame_equal(again.sample(20, random_state=0), expected)


def test_every_kind_of_posterior_is_among_the_variants():
    found = {type(fit(name).model_.posterior) for name in ("laplace", "map", "nuts", "auto")}
    assert found == {LaplacePosterior, type(None), PerturbedPosterior, SampledPosterior}


def test_after_a_fit_with_a_target_apart(tmp_path):
    table = make_table()
    synth = DPMixtureSynthesizer(schema=SCHEMA, n_passes=1, n_components=2)
    synth.fit(table.drop(columns="sick"), table["sick"]).save(tmp_path / "synth")
    loaded = skdpsynth.load(tmp_path / "synth")
    assert loaded.has_y_
    pd.testing.assert_frame_equal(
        loaded.sample(9, random_state=0), synth.sample(9, random_state=0), check_exact=True
    )
    rows = table.drop(columns="sick").head(9)
    assert_array_equal(loaded.score_samples(rows), synth.score_samples(rows))


@pytest.mark.parametrize("dtype", [float, "U", object])
def test_arrays_come_back_as_arrays(dtype, tmp_path):
    if dtype is float:
        table = np.random.default_rng(0).random((50, 2))
        schema = TableSchema.from_frame(table)
    else:
        table = np.array([["a", "b"], ["b", "a"]] * 25, dtype=dtype)
        schema = TableSchema({"x": Categorical(["a", "b"]), "y": Categorical(["a", "b"])})
    synth = NapsuMQSynthesizer(schema=schema).fit(table)
    synth.save(tmp_path / "synth")
    loaded = skdpsynth.load(tmp_path / "synth")
    samples = [s.sample(9, random_state=0) for s in (synth, loaded)]
    assert samples[0].dtype == samples[1].dtype
    assert_array_equal(*samples)
    assert not hasattr(loaded, "feature_names_in_")


@pytest.mark.parametrize("family", ["nullable", "arrow", "polars"])
def test_dtypes_of_extensions_come_back(family, tmp_path):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame(
        {
            "count": [1, 2, None] * 20,
            "real": [0.5, None, 0.25] * 20,
            "flag": [True, False, None] * 20,
            "text": ["a", "b", None] * 20,
        }
    )
    backend = "pyarrow" if family == "arrow" else "numpy_nullable"
    table = table.convert_dtypes(dtype_backend=backend)
    schema = TableSchema(
        {
            "count": Count(0, 5, nullable=True),
            "real": skdpsynth.Continuous(0, 1, nullable=True),
            "flag": Categorical([False, True], nullable=True),
            "text": Categorical(["a", "b"], nullable=True),
        }
    )
    if family == "polars":
        table = pytest.importorskip("polars").from_pandas(table)
    synth = DPMixtureSynthesizer(schema=schema, n_passes=1, n_components=1).fit(table)
    synth.save(tmp_path / "synth")
    samples = [s.sample(30, random_state=0) for s in (synth, skdpsynth.load(tmp_path / "synth"))]
    assert type(samples[0]) is type(samples[1])
    assert list(samples[0].dtypes) == list(samples[1].dtypes)
    assert samples[0].equals(samples[1])


def test_a_bought_schema_keeps_its_ledger(tmp_path):
    table = make_table()[["grade", "sick"]].astype({"grade": str})
    schema = TableSchema.from_private(table, epsilon=50.0, delta=1e-6, target="sick")
    synth = DPMixtureSynthesizer(schema=schema, n_passes=1, n_components=2).fit(table)
    synth.save(tmp_path / "synth")
    loaded = skdpsynth.load(tmp_path / "synth")
    assert loaded.schema_.ledger == schema.ledger
    assert loaded.schema_.ledger.spent() == schema.ledger.spent()
    assert loaded.privacy_spent_.notes == synth.privacy_spent_.notes != ()
    # the parameter and the attribute are one object before and after
    assert (loaded.schema is loaded.schema_) == (synth.schema is synth.schema_)


def test_nothing_of_a_ledger_is_forgotten():
    from skdpsynth.privacy._entry import LedgerState

    derived = {"mu_limit"}
    attributes = {name.removeprefix("_") for name in vars(PrivacyLedger(1.0, 1e-6))}
    assert attributes == {*LedgerState._fields, *derived}


def test_a_file_is_json_and_arrays_and_has_no_seed(tmp_path):
    seed = 987_654_321
    fit("moments", random_state=seed).save(tmp_path / "synth")
    content = (tmp_path / "synth").read_bytes()
    assert str(seed).encode() not in content
    assert seed.to_bytes(4, "little") not in content
    with zipfile.ZipFile(tmp_path / "synth") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
        assert all(np.load(archive.open(n)).dtype.kind in "biuf" for n in names[1:])
    assert manifest["version"] == 1
    assert manifest["package"] == skdpsynth.__version__
    assert "random_state" not in manifest["parameters"]


def test_no_canary_and_no_exact_count_is_in_a_file(tmp_path):
    # a value within the bounds that one row has, a level that no row has, and a count
    n_rows, canary = 1237, 73.18281828
    table = make_table(n_rows)
    table.loc[5, "pay"] = canary
    table["city"] = np.where(np.arange(n_rows) == 7, "Quillmere", "elsewhere")
    schema = SCHEMA.replace({"city": Categorical(["elsewhere", "here"], other="elsewhere")})
    texts = [repr(canary), "Quillmere", str(n_rows), repr(float(n_rows))]
    numbers = [canary, canary / 100, n_rows, int(table["sick"].sum()), int((~table["sick"]).sum())]
    for cls in (DPMixtureSynthesizer, NapsuMQSynthesizer):
        synth = cls(schema=schema, epsilon=0.5, random_state=3).fit(table)
        path = tmp_path / cls.__name__
        synth.save(path)
        with zipfile.ZipFile(path) as archive:
            manifest = archive.read("manifest.json").decode()
            arrays = [np.load(archive.open(name)) for name in archive.namelist()[1:]]
        assert synth.n_records_ != n_rows, "by chance; take another seed"
        for text in texts:
            assert text not in manifest
        for array in arrays:
            assert not np.isin(numbers, array).any()


def test_before_fit_there_is_nothing_to_save(tmp_path):
    with pytest.raises(NotFittedError):
        DPMixtureSynthesizer().save(tmp_path / "synth")
    assert list(tmp_path.iterdir()) == []


def test_a_class_of_ones_own_is_refused(tmp_path):
    class Mine(DPMixtureSynthesizer):
        pass

    synth = Mine(schema=SCHEMA, n_passes=1, n_components=2).fit(make_table())
    with pytest.raises(TypeError, match="Mine is not a synthesizer of this package"):
        synth.save(tmp_path / "synth")


def test_a_parameter_that_cannot_be_stored_is_named(tmp_path):
    synth = copy.copy(fit("laplace"))
    synth.queries = [("age", object())]
    with pytest.raises(TypeError, match=r"'queries' cannot be saved: a object cannot be saved"):
        synth.save(tmp_path / "synth")
    assert list(tmp_path.iterdir()) == []


def test_infinite_epsilon_comes_back(pair_of):
    _, loaded, _ = pair_of("infinite")
    assert loaded.epsilon == math.inf
    assert loaded.privacy_spent_.epsilon == math.inf


@pytest.mark.parametrize("variant", ["model", "guide"])
def test_a_model_that_was_saved_as_a_parameter_of_the_mixture_loads(variant):
    """Files of before there was a synthesizer for models of one's own."""
    manifest, arrays = unpack(saved(variant))
    others = {"n_components": "auto", "n_passes": "auto", "n_bins": 8, "distributions": None}
    others |= {"inference": "dpvi", "engine": "jax"}
    older = {"synthesizer": "DPMixtureSynthesizer"}
    older["parameters"] = {**manifest["parameters"], **others}
    loaded = from_bytes(pack({**manifest, **older}, arrays), functions_of(variant))
    assert type(loaded) is NumPyroSynthesizer
    expected = {**fit(variant).get_params(deep=False), "random_state": None}
    assert loaded.get_params(deep=False) == expected
    pd.testing.assert_frame_equal(
        loaded.sample(20, random_state=0), fit(variant).sample(20, random_state=0)
    )
