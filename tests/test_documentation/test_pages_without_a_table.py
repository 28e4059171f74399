"""Pages whose examples are for a table that they do not make run on one that is made here."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV

import skdpsynth
from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema

from .pages import run_page


@pytest.fixture
def names():
    """What the pages take for given: the package's names, a schema and rows that fit it."""
    schema = TableSchema(
        {
            "age": Count(0, 99),
            "weight": Continuous(0, 300, nullable=True),
            "visits": Count(0, 40),
            "sex": Categorical(["F", "M"]),
            "education": Categorical(["primary", "secondary"]),
            "region": Categorical(["north", "south"]),
            "smokes": Categorical([0, 1]),
            "sick": Categorical([0, 1]),
            "income": Categorical(["<=50K", ">50K"]),
        },
        target="income",
    )
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, 3_000)
    private = pd.DataFrame(
        {
            "age": age,
            "weight": np.where(rng.random(3_000) < 0.1, np.nan, rng.normal(75, 12, 3_000)),
            "visits": rng.poisson(3, 3_000),
            "sex": rng.choice(["F", "M"], 3_000),
            "education": rng.choice(["primary", "secondary"], 3_000),
            "region": rng.choice(["north", "south"], 3_000),
            "smokes": rng.integers(0, 2, 3_000),
            "sick": (rng.random(3_000) < age / 120).astype(int),
            "income": np.where(rng.logistic(size=3_000) < (age - 60) / 10, ">50K", "<=50K"),
        }
    )
    public_names = {name: getattr(skdpsynth, name) for name in skdpsynth.__all__}
    return {**public_names, "schema": schema, "private": private}


def test_schemas(tmp_path, names):
    private = names["private"]
    names["private"] = private[["age", "visits", "region"]].assign(
        ill=np.where(private["sick"] == 1, "yes", "no")
    )
    names = run_page("user_guide/schemas.rst", tmp_path, names)
    schema = names["schema"]
    assert schema.target == "ill"
    dates = pd.to_datetime(names["synthetic"]["admitted"], format="%Y-%m-%d")
    assert dates.between("2022-01-01", "2024-12-31").all()
    # cells of two days; 0.97 to 1.00 in 15 runs
    spring, winter = pd.Timestamp("2022-03-01"), pd.Timestamp("2023-12-24")
    near = [(dates - day).abs() <= pd.Timedelta(days=10) for day in (spring, winter)]
    assert (near[0] | near[1]).mean() > 0.8
    assert schema["age"] == Count(0, 120)
    assert schema.ledger.spent().epsilon <= 0.2


def test_mixture(tmp_path, names):
    run_page("user_guide/mixture.rst", tmp_path, names)


def test_napsu(tmp_path, names):
    names = run_page("user_guide/napsu.rst", tmp_path, names)
    assert list(names["table"]) == list(names["schema"])
    assert names["synthesizer"].privacy_spent_.is_private


def test_measuring(tmp_path, names):
    pytest.importorskip("lightgbm")
    private, schema = names["private"], names["schema"]
    X, y = private.drop(columns="income"), private["income"]
    names["synthesizer"] = DPMixtureSynthesizer(schema=schema, n_components=4).fit(private[:2_000])
    names.update(
        X_train=X[:2_000],
        y_train=y[:2_000],
        X_test=X[2_000:],
        y_test=y[2_000:],
        X_public=X[2_000:],
        y_public=y[2_000:],
        real=private[:2_000],
        synthetic=names["synthesizer"].sample(2_000),
        GridSearchCV=GridSearchCV,
    )
    run_page("user_guide/measuring.rst", tmp_path, names)
