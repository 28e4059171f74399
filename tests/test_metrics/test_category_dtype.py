import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skdpsynth.metrics import CategoryDtypeEncoder


@parametrize_with_checks([CategoryDtypeEncoder()])
def test_sklearn_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_text_becomes_codes_by_frequency(dtype):
    train = pd.DataFrame({"c": pd.Series(["b", "a", "b", None], dtype=dtype)})
    test = pd.DataFrame({"c": pd.Series(["a", "b", "new", None], dtype=dtype)})
    encoded = CategoryDtypeEncoder().fit(train).transform(test)["x0"]
    assert isinstance(encoded.dtype, pd.CategoricalDtype)
    assert encoded.cat.codes.tolist() == [1, 0, -1, -1]


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "bool", "boolean"])
def test_numbers_become_floats(dtype):
    table = pd.DataFrame({"n": pd.Series([0, 1, 1], dtype=dtype)})
    encoded = CategoryDtypeEncoder().fit_transform(table)["x0"]
    assert encoded.dtype == float
    assert encoded.tolist() == [0.0, 1.0, 1.0]


def test_missing_numbers_stay_missing():
    table = pd.DataFrame({"n": pd.Series([0, None, 1], dtype="Int64")})
    assert CategoryDtypeEncoder().fit_transform(table)["x0"].isna().tolist() == [False, True, False]


def test_numbers_read_as_categories_on_request():
    table = pd.DataFrame({"zip": [90210, 10001, 90210], "age": [1, 2, 3]})
    encoded = CategoryDtypeEncoder(categorical=["zip"]).fit(table).transform(table)
    assert encoded["x0"].cat.codes.tolist() == [0, 1, 0]
    assert encoded["x1"].tolist() == [1.0, 2.0, 3.0]


def test_rarest_levels_become_missing():
    table = pd.DataFrame({"c": list("aaabbc")})
    encoder = CategoryDtypeEncoder(max_levels=2).fit(table)
    assert encoder.transform(table)["x0"].cat.codes.tolist() == [0, 0, 0, 1, 1, -1]


def test_boosting_reads_more_levels_than_it_has_bins():
    rng = np.random.RandomState(0)
    levels = [f"level {i}" for i in rng.randint(0, 600, 1000)] + ["frequent"] * 1000
    table = pd.DataFrame({"c": levels, "empty": np.nan})
    table["none"] = pd.Series([None] * 2000, dtype=object)
    y = table["c"] == "frequent"
    boosting = HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    model = make_pipeline(CategoryDtypeEncoder(), boosting).fit(table, y)
    assert model.score(table, y) == 1.0
    assert len(model.predict(table.assign(c="unseen"))) == 2000


def test_arrays_of_mixed_objects():
    table = np.array([["a", 1.5], ["b", None]], dtype=object)
    encoded = CategoryDtypeEncoder().fit_transform(table)
    assert encoded["x0"].cat.codes.tolist() == [0, 1]
    np.testing.assert_array_equal(encoded["x1"], [1.5, np.nan])


def test_errors():
    train = pd.DataFrame({"c": ["1", "2"], "n": [1, 2]})
    encoder = CategoryDtypeEncoder().fit(train)
    with pytest.raises(ValueError, match="'c' holds values like 1 where"):
        encoder.transform(train.assign(c=[1, 2]))
    with pytest.raises(ValueError, match="'n' held numbers"):
        encoder.transform(train.assign(n=["one", "two"]))
    with pytest.raises(ValueError, match="max_levels=0"):
        CategoryDtypeEncoder(max_levels=0).fit(train)
    with pytest.raises(ValueError, match="no rows"):
        encoder.transform(train.iloc[:0])
