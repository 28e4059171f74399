"""Every estimator of the package against the conventions of scikit-learn, and of this package."""

import io
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from estimators import all_estimators
from own_models import IndependentColumns
from sklearn import config_context
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NumPyroSynthesizer,
    PrivacyLeakWarning,
    SynthesizerPipeline,
    TableSchema,
    make_synthesizer_pipeline,
)
from skdpsynth._base import BaseSynthesizer
from skdpsynth._catalogue import METHODS
from skdpsynth.metrics import TSTRScorer
from skdpsynth.preprocessing import BoundedDiscretizer, TableEncoder

pytestmark = pytest.mark.usefixtures("quick_compilation")

# the smallest settings that still go through all of the code
SETTINGS = {"n_components": 2, "n_passes": 2, "n_bins": 8, "random_state": 0}

# scikit-learn's own pipeline fails these: it fits its steps in place, and does so by intention
FITS_IN_PLACE = {
    "check_estimators_overwrite_params": "a pipeline's steps are its parameters and its fit",
    "check_dont_overwrite_parameters": "a pipeline's steps are its parameters and its fit",
}

SYNTHESIZERS = [cls for _, cls in all_estimators() if issubclass(cls, BaseSynthesizer)]

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "pay": Continuous(0, 100, nullable=True),
        "sex": Categorical(["F", "M"]),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)


def make_small(cls, **parameters):
    if cls is SynthesizerPipeline:
        # a meta-estimator has no default instance
        return make_synthesizer_pipeline(TableEncoder(), make_small(DPMixtureSynthesizer))
    names = cls().get_params()
    settings = {name: value for name, value in SETTINGS.items() if name in names}
    if cls is NumPyroSynthesizer:
        settings |= {"n_steps": 3, "sampling_rate": 1.0}
        if "schema" in parameters:
            settings["model"] = IndependentColumns.of(parameters["schema"])
    return cls(**{**settings, **parameters})


def estimators():
    """One of everything that has a fit, with its default parameters."""
    classes = [cls for _, cls in all_estimators() if hasattr(cls, "fit")]
    return [make_small(cls) if cls is SynthesizerPipeline else cls() for cls in classes]


def expected_failures(estimator):
    return FITS_IN_PLACE if isinstance(estimator, SynthesizerPipeline) else {}


def test_nothing_escapes():
    names = [name for name, _ in all_estimators()]
    assert {
        "BoundedDiscretizer",
        "DPMixtureSynthesizer",
        "NapsuMQSynthesizer",
        "NumPyroSynthesizer",
        "SynthesizerPipeline",
        "TSTRScorer",
        "TableEncoder",
    } <= set(names)
    assert "BaseSynthesizer" not in names
    assert {method.load() for method in METHODS.values()} <= set(SYNTHESIZERS)
    assert names == sorted(set(names))
    # a scorer is configured like an estimator but fits nothing
    assert [name for name, cls in all_estimators() if not hasattr(cls, "fit")] == ["TSTRScorer"]


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@parametrize_with_checks(estimators(), expected_failed_checks=expected_failures)
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)


# Tables in, the same kind out


def make_table(n_rows=200, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.5
    pay = np.where(rng.random(n_rows) < 0.2, np.nan, rng.uniform(0, 100, n_rows))
    return pd.DataFrame(
        {
            "age": rng.integers(17, 60, n_rows) + 30 * sick,
            "pay": pay,
            "sex": rng.choice(["F", "M"], n_rows),
            "sick": np.where(sick, "yes", "no"),
        }
    )


def as_polars(table):
    return pytest.importorskip("polars").from_pandas(table)


CONTAINERS = {
    "pandas": lambda table: table,
    "nullable pandas": lambda table: table.convert_dtypes(),
    "polars": as_polars,
    "numpy": lambda table: table.to_numpy(dtype=object),
}


def get_dtypes(table):
    return [table.dtype] if isinstance(table, np.ndarray) else list(table.dtypes)


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("cls", [*SYNTHESIZERS, BoundedDiscretizer])
def test_the_container_that_goes_in_comes_out(cls, container):
    table = CONTAINERS[container](make_table())
    if cls is BoundedDiscretizer:
        last = make_small(DPMixtureSynthesizer)
        model = make_synthesizer_pipeline(BoundedDiscretizer(SCHEMA), last).fit(table)
    else:
        model = make_small(cls, schema=SCHEMA).fit(table)
    synthetic = model.sample(20, random_state=0)
    assert type(synthetic) is type(table)
    assert get_dtypes(synthetic) == get_dtypes(table)
    assert synthetic.shape == (20, 4)
    if container != "numpy":
        assert list(synthetic.columns) == list(table.columns)
    X, y = model.sample_xy(5, random_state=0)
    assert type(X) is type(table)
    assert y.shape == (5,)
    assert set(y) <= {"no", "yes"}
    (drawn,) = model.sample_datasets(1, 5, random_state=0)
    assert type(drawn) is type(table)


@pytest.mark.parametrize("container", ["pandas", "numpy"])
@pytest.mark.parametrize("cls", SYNTHESIZERS)
def test_a_table_without_a_schema_works_with_a_warning(cls, container):
    table = make_table().drop(columns=["sex", "sick"])
    table = table if container == "pandas" else table.to_numpy()
    with pytest.warns(PrivacyLeakWarning, match=f"{cls.__name__} read the bounds"):
        model = make_small(cls).fit(table)
    assert type(model.sample(3)) is type(table)
    assert not model.privacy_spent_.public_schema


# What scikit-learn does with estimators


def make_models(**parameters):
    """Every synthesizer, and every one behind a transformer."""
    alone = [make_small(cls, schema=SCHEMA, **parameters) for cls in SYNTHESIZERS]
    behind = [
        SynthesizerPipeline(
            [("encode", TableEncoder(SCHEMA)), ("synthesize", make_small(cls, **parameters))]
        )
        for cls in SYNTHESIZERS
    ]
    return [*alone, *behind]


def name_model(model):
    if isinstance(model, SynthesizerPipeline):
        return f"TableEncoder-{type(model[-1]).__name__}"
    return type(model).__name__


@pytest.fixture(scope="module")
def split():
    table = make_table()
    return table.drop(columns="sick"), table["sick"]


def set_epsilon(model, epsilon):
    name = "synthesize__epsilon" if isinstance(model, SynthesizerPipeline) else "epsilon"
    return model.set_params(**{name: epsilon})


@pytest.mark.parametrize("model", make_models(), ids=name_model)
def test_clones_and_copies_sample_the_same(model, split):
    X, y = split
    model = set_epsilon(clone(model), 2.0).fit(X, y)
    again = clone(model).fit(X, y)
    expected = model.sample(10, random_state=1)
    pd.testing.assert_frame_equal(again.sample(10, random_state=1), expected)
    file = io.BytesIO()
    joblib.dump(model, file)
    for copy in (pickle.loads(pickle.dumps(model)), joblib.load(io.BytesIO(file.getvalue()))):
        pd.testing.assert_frame_equal(copy.sample(10, random_state=1), expected)
        assert copy.privacy_spent_ == model.privacy_spent_
        assert copy.ledger_ == model.ledger_
    assert 1.9 < model.privacy_spent_.epsilon < 2


@pytest.mark.parametrize("model", make_models(), ids=name_model)
def test_cross_validation(model, split):
    scores = cross_val_score(model, *split, cv=2)
    assert scores.shape == (2,)
    assert np.isfinite(scores).all()
    scores = cross_val_score(model, *split, cv=2, scoring=TSTRScorer(random_state=0))
    assert ((scores >= 0) & (scores <= 1)).all()


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.SyntheticDataWarning")
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
@pytest.mark.parametrize("model", make_models(epsilon=100.0), ids=name_model)
def test_searches(model, search, split):
    name = "synthesize__epsilon" if isinstance(model, SynthesizerPipeline) else "epsilon"
    keywords = {"n_iter": 2, "random_state": 0} if search is RandomizedSearchCV else {}
    found = search(
        model, {name: [0.1, 100.0]}, cv=2, scoring=TSTRScorer(random_state=0), **keywords
    )
    found.fit(*split)
    X, y = found.best_estimator_.sample_xy(10)
    last = model[-1] if isinstance(model, SynthesizerPipeline) else model
    if not isinstance(last, NumPyroSynthesizer):
        # independent columns teach nothing of the target, nor do three steps, whatever the budget
        assert found.best_params_ == {name: 100.0}
    pd.testing.assert_series_equal(X.dtypes, split[0].dtypes)
    assert y.dtype == split[1].dtype


def test_searches_run_in_parallel(split):
    grid = {"synthesize__epsilon": [1.0, 10.0]}
    parallel, serial = (
        GridSearchCV(make_models()[-1], grid, cv=2, n_jobs=n_jobs).fit(*split)
        for n_jobs in (2, None)
    )
    np.testing.assert_allclose(
        parallel.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"], rtol=1e-6
    )


@pytest.mark.parametrize("model", make_models(), ids=name_model)
def test_the_html_tells_nothing_of_the_rows(model):
    # the page shows fitted attributes: released numbers, such as the noisy row count
    table = make_table(n_rows=217)
    table.loc[0, "pay"] = 12.345678
    fitted = clone(model).fit(table)
    html = fitted._repr_html_()
    assert type(fitted).__name__ in html
    assert f"<td>{fitted.n_records_}</td>" in html
    assert "<td>217</td>" not in html
    assert "12.345" not in html
    assert repr(fitted) == repr(model)


@pytest.mark.parametrize("model", make_models(), ids=name_model)
def test_metadata_routing_is_left_in_peace(model, split):
    with config_context(enable_metadata_routing=True), warnings.catch_warnings():
        fitted = clone(model).fit(*split)
        assert fitted.get_metadata_routing() is not None
        assert np.isfinite(cross_val_score(fitted, *split, cv=2)).all()
        search = GridSearchCV(fitted, {}, cv=2, scoring=TSTRScorer(random_state=0)).fit(*split)
        assert len(search.best_estimator_.sample(2)) == 2
