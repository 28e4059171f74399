import numpy as np
import pandas as pd
import pytest

from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "weight": Continuous(0, 1, nullable=True),
        "city": Categorical(["Oslo", "Rome", "NA"], nullable=True),
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Processes of their own count the same cores."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def schema():
    return SCHEMA


@pytest.fixture(scope="session")
def rows():
    rng = np.random.default_rng(0)
    n = 400
    age = rng.integers(0, 100, n)
    weight = rng.uniform(size=n)
    weight[rng.uniform(size=n) < 0.1] = np.nan
    city = rng.choice(np.array(["Oslo", "Rome", "NA", None], dtype=object), n)
    ill = np.where(age + rng.normal(0, 10, n) > 60, "yes", "no")
    return pd.DataFrame({"age": age, "weight": weight, "city": city, "ill": ill})


@pytest.fixture
def csv(tmp_path, rows):
    path = tmp_path / "patients.csv"
    rows.assign(id=range(len(rows)), city=rows["city"].fillna("?")).to_csv(path, index=False)
    return path


@pytest.fixture
def schema_json(tmp_path, schema):
    path = tmp_path / "schema.json"
    path.write_text(schema.to_json())
    return path
