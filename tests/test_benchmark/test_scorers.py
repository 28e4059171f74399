import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from skdpsynth.benchmark._scorers import design_matrix, read_scorers, score
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema


def test_design_matrix_by_hand():
    schema = TableSchema(
        {
            "age": Count(0, 100),
            "weight": Continuous(0, 2, nullable=True),
            "city": Categorical(["a", "b"], nullable=True),
            "rank": Ordinal([1, 2, 3]),
        }
    )
    frame = pd.DataFrame(
        {
            "rank": [3, 1, 2],
            "age": [0, 50, 200],
            "weight": [1.0, None, 2.0],
            "city": ["b", None, "a"],
        }
    )
    matrix = design_matrix(frame, schema)
    expected = [
        [0.0, 0.5, 0, 0, 1, 0, 0, 1],
        [0.5, 0.0, 1, 0, 0, 1, 0, 0],
        [1.0, 1.0, 0, 1, 0, 0, 1, 0],
    ]
    np.testing.assert_array_equal(matrix.toarray(), expected)
    numeric = design_matrix(frame, schema.select(["age"]))
    np.testing.assert_array_equal(numeric, [[0.0], [0.5], [1.0]])
    assert numeric.dtype == matrix.dtype == np.float32


def test_scores_are_those_of_the_model(rows, schema):
    train, test = rows[:300], rows[300:]
    values = score("logistic", train, test, schema)
    features = schema.drop(["ill"])
    model = LogisticRegression(max_iter=300, tol=1e-3)
    model.fit(design_matrix(train, features), train["ill"])
    chance = model.predict_proba(design_matrix(test, features))[:, 1]
    assert values["auc"] == pytest.approx(roc_auc_score(test["ill"] == "yes", chance), abs=1e-12)
    right = model.predict(design_matrix(test, features)) == test["ill"]
    assert values["accuracy"] == pytest.approx(right.mean(), abs=1e-12)


def test_more_than_two_classes(rows):
    frame = rows[["age"]].assign(third=(rows["age"] // 34).astype(int))
    schema = TableSchema({"age": Count(0, 99), "third": Categorical([0, 1, 2])}, target="third")
    values = score("logistic", frame[:300], frame[300:], schema)
    assert set(values) == {"auc", "accuracy"}
    assert values["auc"] > 0.95
    assert values["auc"] != values["accuracy"]


def test_numeric_target_has_r_squared(rows, schema):
    frame = rows.assign(age=np.where(rows["ill"] == "yes", 80, 20))
    values = score("logistic", frame[:300], frame[300:], schema.with_target("age"))
    assert values == {"r2": pytest.approx(1.0, abs=1e-3)}


def test_lightgbm(rows, schema):
    pytest.importorskip("lightgbm")
    assert score("lightgbm", rows[:300], rows[300:], schema)["auc"] > 0.85
    assert score("lightgbm", rows[:300], rows[300:], schema.with_target("age"))["r2"] > 0.3


def test_lightgbm_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[benchmark\]"'):
        read_scorers("logistic,lightgbm")


def test_estimators_of_others(rows):
    name = "sklearn.ensemble:HistGradientBoostingClassifier"
    scorers = read_scorers([name, "logistic"])
    assert list(scorers) == ["HistGradientBoostingClassifier", "logistic"]
    schema = TableSchema({"age": Count(0, 99), "ill": Categorical(["no", "yes"])}, target="ill")
    frame = rows[["age", "ill"]]
    model = HistGradientBoostingClassifier(max_iter=10)
    assert score(model, frame[:300], frame[300:], schema)["auc"] > 0.9
    assert not hasattr(model, "classes_")


@pytest.mark.parametrize(
    ("scorers", "message"),
    [("forest", "'forest' is unknown"), ("nowhere:Name", "cannot be imported"), ([], "at least")],
)
def test_scorers_that_make_no_sense(scorers, message):
    with pytest.raises(ValueError, match=message):
        read_scorers(scorers)
