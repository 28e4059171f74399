"""The loaders on small files and on a stand-in for OpenML; the real tables where they are."""

import os
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
from sklearn.utils import Bunch

from skdpsynth import datasets
from skdpsynth.datasets import _adult, _census, _covid19, _credit_card, _isolet, _mnist, _sources
from skdpsynth.preprocessing import encode_table
from skdpsynth.schema import Categorical, TableSchema

MODULES = [_adult, _census, _covid19, _credit_card, _isolet, _mnist]
FETCHES = {
    "adult": datasets.fetch_adult,
    "census": datasets.fetch_census,
    "credit_card": datasets.fetch_credit_card_fraud,
    "isolet": datasets.fetch_isolet,
    "mnist": datasets.fetch_mnist,
}
REAL_FOLDER = os.environ.get(_sources.LOCAL_FOLDER_VARIABLE, "")


@pytest.fixture(autouse=True)
def without_variable(monkeypatch):
    monkeypatch.delenv(_sources.LOCAL_FOLDER_VARIABLE, raising=False)


def draw_text(schema, n_rows, seed=0):
    """Rows of text that keep to a schema; missing values of levels are question marks."""
    rng = np.random.default_rng(seed)
    columns = {}
    for name, kind in schema.columns.items():
        if isinstance(kind, Categorical):
            texts = [str(level) for level in kind.levels] + ["?"] * kind.nullable
        else:
            texts = [str(x) for x in np.linspace(kind.low, kind.high, 3).astype(int)]
        columns[name] = rng.choice(np.array(texts, dtype=object), n_rows)
    return pd.DataFrame(columns)


class OpenML:
    """Serves one table and remembers what was asked for."""

    def __init__(self, frame):
        self.frame, self.asked = frame, {}

    def __call__(self, **asked):
        self.asked = asked
        return Bunch(frame=self.frame)


def serve(monkeypatch, module, frame, **constants):
    source = OpenML(frame)
    monkeypatch.setattr(_sources, "fetch_openml", source)
    for name, value in {"N_ROWS": len(frame), **constants}.items():
        monkeypatch.setattr(module, name, value)
    return source


@pytest.fixture
def adult_folder(tmp_path):
    for part, n_rows, seed in (("train", 8, 0), ("test", 4, 1)):
        rows = draw_text(_adult._make_schema(), n_rows, seed)
        rows["income"] += "." if part == "test" else ""
        rows.to_csv(tmp_path / f"adult_{part}.csv.gz", index=False)
    return tmp_path


def test_adult_from_a_folder(adult_folder, monkeypatch):
    train = datasets.fetch_adult(local_folder=adult_folder)
    test = datasets.fetch_adult(subset="test", local_folder=str(adult_folder))
    monkeypatch.setenv(_sources.LOCAL_FOLDER_VARIABLE, str(adult_folder))
    both = datasets.fetch_adult(subset="all")
    assert (len(train.frame), len(test.frame)) == (8, 4)
    pd.testing.assert_frame_equal(
        pd.concat([train.frame, test.frame], ignore_index=True), both.frame
    )
    assert set(both.target) == {"<=50K", ">50K"}
    assert tuple(both.data) == both.schema.feature_names
    assert both.frame["workclass"].isna().any()
    assert both.licence == "CC BY 4.0"
    assert encode_table(both.frame, both.schema).shape == (12, 15)


def test_adult_needs_only_the_files_of_its_subset(adult_folder):
    (adult_folder / "adult_test.csv.gz").unlink()
    assert len(datasets.fetch_adult(local_folder=adult_folder).frame) == 8


def test_adult_from_openml(tmp_path, monkeypatch):
    rows = draw_text(_adult._make_schema(), 10).replace("?", np.nan)
    rows = rows.astype(dict.fromkeys(_adult.LEVELS, "category"))
    rows = rows.rename(columns={"income": "class"})
    source = serve(monkeypatch, _adult, rows, N_TEST=4)
    train = datasets.fetch_adult(data_home=tmp_path)
    assert source.asked == {"data_id": 1590, "data_home": tmp_path, "as_frame": True}
    assert train.target.tolist() == rows["class"].astype(str).tolist()[4:]
    test = datasets.fetch_adult(subset="test")
    assert test.target.tolist() == rows["class"].astype(str).tolist()[:4]
    assert test.frame["age"].dtype == np.int64


def test_edges_cover_the_bounds_of_adult(adult_folder):
    adult = datasets.fetch_adult(local_folder=adult_folder)
    numeric = [n for n in adult.schema if not isinstance(adult.schema[n], Categorical)]
    assert list(adult.edges) == numeric
    for name, edges in adult.edges.items():
        kind = adult.schema[name]
        assert edges[0] <= kind.low
        assert edges[-1] >= kind.high
        assert (np.diff(edges) > 0).all()


def census_rows(n_rows):
    rows = draw_text(_census._make_schema(), n_rows)
    rows.insert(24, "instance weight", "1700.09")
    return rows


def test_census_from_a_folder(tmp_path, monkeypatch):
    rows = census_rows(12)
    rows.to_csv(tmp_path / "census.csv.gz", index=False)
    monkeypatch.setattr(_census, "N_TRAIN", 8)
    census = datasets.fetch_census(local_folder=tmp_path)
    assert census.frame.shape == (12, 41)
    assert "instance weight" not in census.frame
    test = datasets.fetch_census(subset="test", local_folder=tmp_path)
    assert test.target.tolist() == rows["label"].tolist()[8:]


def test_census_from_openml(monkeypatch):
    rows = census_rows(12)
    copy = rows.set_axis([f"V{i}" for i in range(1, 43)], axis=1).replace("?", np.nan)
    # numbers where the publisher has codes, and the labels as ARFF spells them
    copy = copy.astype({"V3": float, "V4": int, "V1": int})
    copy["V42"] = (" " + copy["V42"]).astype("category")
    source = serve(monkeypatch, _census, copy, N_TRAIN=8)
    census = datasets.fetch_census(subset="train")
    assert source.asked["data_id"] == 4535
    assert census.target.tolist() == rows["label"].tolist()[:8]
    industry = "detailed industry recode"
    assert census.frame[industry].tolist() == rows[industry].tolist()[:8]
    monkeypatch.setattr(_sources, "fetch_openml", OpenML(copy.iloc[:, 1:]))
    with pytest.raises(ValueError, match="has 41 columns instead of 42"):
        datasets.fetch_census()


def credit_rows(n_rows, label):
    rows = draw_text(_credit_card._make_schema(), n_rows)
    rows["Class"] = [label.format(value) for value in rows["Class"]]
    rows.insert(0, "Time", range(n_rows))
    return rows


@pytest.mark.parametrize("label", ["{}", "'{}'"])
def test_credit_card_fraud(tmp_path, monkeypatch, label):
    rows = credit_rows(9, label)
    rows.to_csv(tmp_path / "creditcard.csv", index=False)
    local = datasets.fetch_credit_card_fraud(local_folder=tmp_path)
    numbers = rows.drop(columns=["Time", "Class"]).astype(float)
    serve(monkeypatch, _credit_card, numbers.assign(Class=rows["Class"].astype("category")))
    fetched = datasets.fetch_credit_card_fraud()
    pd.testing.assert_frame_equal(local.frame, fetched.frame)
    assert local.frame.shape == (9, 30)
    assert set(local.target) <= {0, 1}
    assert local.target.dtype == np.int64


def test_isolet(tmp_path, monkeypatch):
    rows = draw_text(_isolet._make_schema(), 6)
    rows.to_csv(tmp_path / "isolet.csv.gz", index=False)
    monkeypatch.setattr(_isolet, "N_TRAIN", 4)
    local = datasets.fetch_isolet(subset="train", local_folder=tmp_path)
    columns = {name: rows[name].astype(float) for name in rows if name != "class"}
    serve(monkeypatch, _isolet, pd.DataFrame({**columns, "class": "'" + rows["class"] + "'"}))
    fetched = datasets.fetch_isolet(subset="train")
    pd.testing.assert_frame_equal(local.frame, fetched.frame)
    assert local.frame.shape == (4, 618)
    assert local.target.tolist() == [int(label) for label in rows["class"][:4]]


@pytest.fixture
def digits():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (5, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 5, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (2, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 2, dtype=np.uint8),
    }


def test_mnist_from_a_folder(tmp_path, digits):
    np.savez(tmp_path / "mnist.npz", **digits)
    test = datasets.fetch_mnist(subset="test", local_folder=tmp_path)
    assert test.frame is None
    assert test.data.dtype == np.float32
    np.testing.assert_array_equal(np.round(test.data * 255), digits["x_test"].reshape(2, 784))
    np.testing.assert_array_equal(test.target, digits["y_test"])
    every = datasets.fetch_mnist(subset="all", as_frame=True, local_folder=tmp_path)
    assert every.frame.shape == (7, 785)
    assert set(every.data.dtypes) == {np.dtype(np.float32)}
    np.testing.assert_array_equal(every.data[5:], test.data)
    assert tuple(every.frame) == every.schema.names
    assert encode_table(every.frame, every.schema)[:, :-1].max() <= 1
    with pytest.raises(ValueError, match="subset='half'"):
        datasets.fetch_mnist(subset="half", local_folder=tmp_path)


def test_mnist_from_openml(monkeypatch, digits):
    images = np.concatenate([digits["x_train"], digits["x_test"]]).reshape(7, 784)
    labels = np.concatenate([digits["y_train"], digits["y_test"]])
    frame = pd.DataFrame(images).assign(**{"class": [str(label) for label in labels]})
    serve(monkeypatch, _mnist, frame, N_TRAIN=5)
    train = datasets.fetch_mnist()
    np.testing.assert_array_equal(np.round(train.data * 255), images[:5])
    np.testing.assert_array_equal(train.target, labels[:5])
    np.testing.assert_array_equal(datasets.fetch_mnist(subset="test").target, labels[5:])


def test_covid19(tmp_path):
    rows = draw_text(_covid19._make_schema(), 20).replace("?", "").assign(**{"Patient ID": "x"})
    rows.to_csv(tmp_path / "covid19_einstein.csv.gz", index=False)
    covid = datasets.fetch_covid19(local_folder=tmp_path)
    assert covid.frame.shape == (20, 45)
    assert covid.frame["Influenza A"].isna().any()
    assert covid.frame["Patient age quantile"].dtype == np.int64


@pytest.mark.parametrize("folder", ["none", "empty"])
def test_covid19_is_fetched_from_nowhere(tmp_path, folder):
    local_folder = tmp_path if folder == "empty" else None
    with pytest.raises(FileNotFoundError, match=r"covid19_einstein\.csv\.gz .* \$SKDPSYNTH_DATA"):
        datasets.fetch_covid19(local_folder=local_folder)


@pytest.mark.parametrize("name", FETCHES)
def test_neither_folder_nor_network(tmp_path, monkeypatch, name):
    def refuse(**asked):
        raise URLError("no network")

    monkeypatch.setattr(_sources, "fetch_openml", refuse)
    with pytest.raises(OSError, match=r"no network.*or \$SKDPSYNTH_DATA"):
        FETCHES[name](local_folder=tmp_path)


@pytest.mark.parametrize("name", FETCHES)
def test_copies_with_another_number_of_rows_are_refused(monkeypatch, name):
    monkeypatch.setattr(_sources, "fetch_openml", OpenML(pd.DataFrame({"x": [1]})))
    with pytest.raises(ValueError, match="has 1 rows"):
        FETCHES[name]()


def test_folder_that_is_none(tmp_path, monkeypatch):
    with pytest.raises(NotADirectoryError, match="local_folder names"):
        datasets.fetch_adult(local_folder=tmp_path / "none")
    monkeypatch.setenv(_sources.LOCAL_FOLDER_VARIABLE, str(tmp_path / "none"))
    with pytest.raises(NotADirectoryError, match=r"\$SKDPSYNTH_DATA names"):
        datasets.fetch_adult()


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_schemas_are_written_without_rows(module):
    schema = module._make_schema()
    assert schema.target == module.TARGET
    assert TableSchema.from_json(schema.to_json()) == schema
    assert module.DESCRIPTION.splitlines()[1].startswith("===")
    assert f'"{module.TARGET}"' in module.DESCRIPTION or module.TARGET in ("Class", _covid19.TARGET)


# class counts and missing cells as the publishers state them
REAL_TABLES = {
    "adult": (lambda f: datasets.fetch_adult(subset="all", local_folder=f), 48_842, 11_687),
    "census": (lambda f: datasets.fetch_census(local_folder=f), 299_285, 18_568),
    "covid19": (lambda f: datasets.fetch_covid19(local_folder=f), 5_644, 558),
    "isolet": (lambda f: datasets.fetch_isolet(local_folder=f), 7_797, 300),
    "mnist": (lambda f: datasets.fetch_mnist(as_frame=True, local_folder=f), 60_000, 5_949),
}


@pytest.mark.slow
@pytest.mark.skipif(not REAL_FOLDER, reason="SKDPSYNTH_DATA names no folder of public tables")
@pytest.mark.parametrize("name", REAL_TABLES)
def test_real_tables_keep_to_their_schemas(name):
    fetch, n_rows, n_last = REAL_TABLES[name]
    table = fetch(REAL_FOLDER)
    assert len(table.frame) == n_rows
    last = table.schema[table.schema.target].levels[-1]
    assert (table.target == last).sum() == n_last
    assert encode_table(table.frame, table.schema).shape == table.frame.shape
    for column, kind in table.schema.columns.items():
        if not isinstance(kind, Categorical) and name != "covid19":
            assert table.frame[column].between(kind.low, kind.high).all()
