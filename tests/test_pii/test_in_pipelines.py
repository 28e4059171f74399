import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skdpsynth import (
    Categorical,
    Count,
    DPMixtureSynthesizer,
    TableSchema,
    make_synthesizer_pipeline,
)
from skdpsynth.exceptions import PrivacyLeakWarning
from skdpsynth.pii import PIIDetector, PIIMasker
from skdpsynth.preprocessing import TableEncoder

from .test_detector import as_container

SCHEMA = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, target="sick")
COLUMNS = {"name": "person_name", "email": "email", "phone": "phone"}
STRATEGY = {"name": "replace", "email": "redact", "phone": "drop"}
ORDER = ["name", "age", "email", "sick"]


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "name": ["Ann Smith", "Bob Jones"] * 100,
            "age": rng.integers(0, 99, 200),
            "email": [f"user{row}@example.org" for row in range(200)],
            "phone": [f"202-734-{row:04d}" for row in range(200)],
            "sick": rng.choice(["no", "yes"], 200),
        }
    )


def pipeline(masker, encode):
    synthesizer = DPMixtureSynthesizer(
        n_components=2, schema=None if encode else SCHEMA, random_state=0
    )
    steps = [TableEncoder(SCHEMA), synthesizer] if encode else [synthesizer]
    return make_synthesizer_pipeline(masker, *steps)


def masker(**parameters):
    return PIIMasker(COLUMNS, strategy=STRATEGY, **parameters)


@pytest.mark.parametrize("encode", [False, True])
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_columns_come_back(table, container, encode):
    X = as_container(table, container)
    model = pipeline(masker(), encode).fit(X)
    drawn = model.sample(20, random_state=1)
    assert type(drawn) is type(X)
    assert list(drawn.columns) == ORDER
    assert set(drawn["email"]) == {"[email]"}
    assert len(set(drawn["name"])) > 10
    assert not set(drawn["name"]) & set(table["name"])
    assert [model.sample(3, random_state=1)["name"][row] for row in range(3)] == list(
        drawn["name"]
    )[:3]
    features, target = model.sample_xy(5, random_state=1)
    assert list(features.columns) == [name for name in ORDER if name != "sick"]
    assert set(target) <= {"no", "yes"}
    assert list(next(model.sample_datasets(1, 4, random_state=0)).columns) == ORDER
    conditional = model.sample(5, conditions={"sick": "yes"}, random_state=0)
    assert set(conditional["sick"]) == {"yes"}
    assert np.isfinite(model.score(X))
    assert model.schema_ == SCHEMA
    assert model.leaking_steps_ == ()
    assert model.privacy_spent_.public_schema


@pytest.mark.parametrize("encode", [False, True])
def test_array(table, encode):
    columns = {"x0": "person_name", "x2": "email", "x3": "phone"}
    strategy = {"x0": "replace", "x3": "drop"}
    X = table.to_numpy(dtype=object)
    model = pipeline(PIIMasker(columns, strategy=strategy), encode).fit(X)
    drawn = model.sample(5, random_state=1)
    assert drawn.shape == (5, 4)
    assert drawn[:, 2].tolist() == ["[email]"] * 5
    assert set(drawn[:, 3]) <= {"no", "yes"}
    features, target = model.sample_xy(5, random_state=1)
    assert features.shape == (5, 3)
    assert target.tolist() == drawn[:, 3].tolist()


@pytest.mark.parametrize("encode", [False, True])
def test_target_apart(table, encode):
    model = pipeline(masker(), encode).fit(table.drop(columns="sick"), table["sick"])
    assert list(model.sample(3).columns) == ORDER[:-1]
    features, target = model.sample_xy(3)
    assert list(features.columns) == ORDER[:-1]
    assert target.name == "sick"
    assert list(next(model.sample_datasets(1, 4)).columns) == ORDER


def test_parameters_are_as_before(table):
    model = pipeline(masker(), True)
    copy = clone(model).fit(table)
    assert copy[0].get_params(deep=False) == model[0].get_params(deep=False)
    assert list(copy[0].transform(table).columns) == ["age", "sick"]


def test_a_decision_that_depends_on_the_rows_leaks(table):
    model = pipeline(PIIMasker(strategy="drop"), True)
    with pytest.warns(PrivacyLeakWarning, match="'piimasker'.*pass it the columns to mask"):
        model.fit(table)
    assert model.leaking_steps_ == ("piimasker",)
    assert not model.privacy_spent_.public_schema
    assert list(model.sample(2).columns) == ["age", "sick"]
    with pytest.warns(PrivacyLeakWarning, match="'piidetector'.*set read_values=False"):
        pipeline(PIIDetector(), False).fit(table[["age", "sick"]])


def test_names_are_public(table):
    by_name = PIIMasker(detector=PIIDetector(read_values=False))
    assert pipeline(by_name, True).fit(table).leaking_steps_ == ()
    detecting = pipeline(PIIDetector(read_values=False), False).fit(table[["age", "sick"]])
    assert detecting.leaking_steps_ == ()
    assert list(detecting.sample(2).columns) == ["age", "sick"]


def test_the_synthesizer_sees_the_same_as_without_the_columns(table):
    plain = DPMixtureSynthesizer(n_components=2, schema=SCHEMA, random_state=0)
    plain.fit(table[["age", "sick"]])
    masked = pipeline(masker(), False).fit(table)
    seed = 2
    drawn = masked.sample(50, random_state=seed)[["age", "sick"]]
    generator = np.random.default_rng(seed)
    expected = plain.sample(50, random_state=int(generator.integers(2**31)))
    pd.testing.assert_frame_equal(drawn, expected)


def test_maskers_come_first(table):
    synthesizer = DPMixtureSynthesizer(n_components=2)
    model = make_synthesizer_pipeline(TableEncoder(SCHEMA), masker(), synthesizer)
    with pytest.raises(TypeError, match=r"'piimasker'.*must come before all transformers"):
        model.fit(table)
