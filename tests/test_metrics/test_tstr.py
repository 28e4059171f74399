import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import make_scorer, r2_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skdpsynth.exceptions import SyntheticDataWarning
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema


class Rows:
    """A synthesizer whose synthetic rows are given, for exact tests."""

    def __init__(self, X, y, schema=None):
        self.X, self.y, self.n_records_ = X, y, len(y)
        if schema is not None:
            self.schema_ = schema

    def sample_xy(self, n_samples, random_state=None):
        assert n_samples == len(self.y)
        return self.X, self.y


class Bootstrap(BaseEstimator):
    """A bootstrap of the training rows, target shuffled with the given probability."""

    def __init__(self, noise=0.0, schema=None):
        self.noise = noise
        self.schema = schema

    def fit(self, X, y=None):
        if y is None:
            X, y = X.drop(columns=self.schema.target), X[self.schema.target]
        self.X_, self.y_, self.n_records_ = X, y, len(X) + 0.4
        if self.schema is not None:
            self.schema_ = self.schema
        return self

    def sample_xy(self, n_samples, random_state=None):
        rng = np.random.RandomState(random_state)
        rows = rng.randint(0, len(self.X_), n_samples)
        X, y = np.asarray(self.X_)[rows], np.asarray(self.y_)[rows]
        swapped = rng.uniform(size=n_samples) < self.noise
        y[swapped] = rng.permutation(y[swapped])
        if isinstance(self.X_, pd.DataFrame):
            X = self.X_.iloc[rows].reset_index(drop=True)
            y = pd.Series(y, name=self.y_.name, dtype=self.y_.dtype)
        return X, y


def make_table(n=300, seed=0):
    rng = np.random.RandomState(seed)
    age = rng.randint(20, 80, n)
    job = rng.choice(["cook", "nurse", "pilot"], n)
    ill = age + 15 * (job == "cook") + rng.normal(0, 8, n) > 55
    X = pd.DataFrame({"age": age, "job": job, "height": rng.normal(170, 10, n)})
    X.loc[rng.uniform(size=n) < 0.1, "height"] = np.nan
    return X, pd.Series(np.where(ill, "yes", "no"), name="ill")


SCHEMA = TableSchema(
    {
        "age": Count(0, 120),
        "job": Categorical(["cook", "nurse", "pilot"]),
        "height": Continuous(100, 250, nullable=True),
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)
TREE = make_pipeline(CategoryDtypeEncoder(), DecisionTreeClassifier(max_depth=3, random_state=0))


def one_column(*labels):
    return pd.DataFrame({"x": np.arange(len(labels), dtype=float)}), pd.Series(labels)


def test_equals_training_by_hand():
    X, y = make_table(seed=0)
    X_test, y_test = make_table(seed=1)
    train, test = X[["age"]], X_test[["age"]]
    model = LogisticRegression().fit(train, y)
    expected = roc_auc_score(y_test == "yes", model.predict_proba(test)[:, 1])
    scorer = TSTRScorer(LogisticRegression())
    assert scorer(Rows(train, y), test, y_test) == pytest.approx(expected)
    assert scorer.score_real(train, y, test, y_test) == pytest.approx(expected)
    accuracy = TSTRScorer(LogisticRegression(), scoring="accuracy")
    assert accuracy(Rows(train, y), test, y_test) == model.score(test, y_test)


def test_default_estimator_learns_a_mixed_table():
    X, y = make_table(600, seed=0)
    X_test, y_test = make_table(600, seed=1)
    score = TSTRScorer(random_state=0)(Bootstrap(schema=SCHEMA).fit(X, y), X_test, y_test)
    assert 0.8 < score < 1
    assert 0.8 < TSTRScorer(random_state=0).score_real(X, y, X_test, y_test, SCHEMA) < 1


@pytest.mark.parametrize("order", [["no", "yes"], ["yes", "no"]])
def test_positive_class_is_the_second_of_the_schema(order):
    # A score that ranks the synthetic rows perfectly is above one half whichever way round.
    X, y = one_column("no", "no", "yes", "yes")
    schema = TableSchema({"x": Continuous(0, 9), "y": Categorical(order)}, target="y")
    for estimator in (LogisticRegression(), LinearSVC()):
        assert TSTRScorer(estimator)(Rows(X, y, schema), X, y) == 1.0
        assert TSTRScorer(estimator)(Rows(X, y[::-1].to_numpy(), schema), X, y) == 0.0


def test_more_classes_are_averaged_one_versus_one():
    rng = np.random.RandomState(0)
    X, y = pd.DataFrame({"x": rng.normal(size=90)}), rng.choice(["a", "b", "c"], 90)
    model = LogisticRegression().fit(X, y)
    expected = roc_auc_score(y, model.predict_proba(X), multi_class="ovo")
    schema = TableSchema({"x": Continuous(-9, 9), "y": Ordinal(["c", "a", "b"])}, target="y")
    assert TSTRScorer(LogisticRegression())(Rows(X, y), X, y) == pytest.approx(expected)
    assert TSTRScorer(LogisticRegression())(Rows(X, y, schema), X, y) == pytest.approx(expected)


def test_class_that_the_synthetic_rows_lack():
    X, y = one_column("a", "a", "b", "b")
    X_test, y_test = one_column("a", "a", "b", "b", "c", "c")
    model = LogisticRegression().fit(X, y)
    padded = np.column_stack([model.predict_proba(X_test), np.zeros(6)])
    expected = roc_auc_score(y_test, padded, multi_class="ovo")
    with pytest.warns(SyntheticDataWarning, match=r"lack 1 of 3 classes .*\['c'\]"):
        score = TSTRScorer(LogisticRegression())(Rows(X, y), X_test, y_test)
    assert score == pytest.approx(expected)
    with pytest.warns(SyntheticDataWarning, match="lack 1 of 3"):
        score = TSTRScorer(LogisticRegression(), "roc_auc_ovo")(Rows(X, y), X_test, y_test)
    assert score == pytest.approx(expected)
    with (
        pytest.warns(SyntheticDataWarning, match="lack 1 of 3"),
        pytest.raises(ValueError, match=r"LinearSVC.* has no predict_proba"),
    ):
        TSTRScorer(LinearSVC())(Rows(X, y), X_test, y_test)


def test_class_that_the_test_rows_lack_is_left_out():
    X, y = one_column("a", "a", "b", "b", "c", "c")
    X_test, y_test = X.iloc[2:], y.iloc[2:]
    probabilities = LogisticRegression().fit(X, y).predict_proba(X_test)
    expected = roc_auc_score(y_test == "c", probabilities[:, 2] / probabilities[:, 1:].sum(axis=1))
    assert TSTRScorer(LogisticRegression())(Rows(X, y), X_test, y_test) == pytest.approx(expected)


@pytest.mark.parametrize("test_labels", [("a", "b"), ("a", "b", "c", "c"), ("b", "c")])
@pytest.mark.parametrize("estimator", [None, LogisticRegression()])
def test_single_synthetic_class_scores_one_half(test_labels, estimator):
    X, y = one_column("a", "a", "a")
    X_test, y_test = one_column(*test_labels)
    with pytest.warns(SyntheticDataWarning, match="lack"):
        assert TSTRScorer(estimator)(Rows(X, y), X_test, y_test) == 0.5


def test_single_test_class_is_an_error():
    X, y = one_column("a", "b")
    with pytest.raises(ValueError, match="single class, 'b'"):
        TSTRScorer()(Rows(X, y), X.iloc[1:], y.iloc[1:])


def test_labels_of_different_types_are_an_error():
    X, y = one_column(0, 1, 0, 1)
    with pytest.raises(ValueError, match=r"training target holds text \(such as '0'\), the test"):
        TSTRScorer()(Rows(X, y.astype(str)), X, y)
    with pytest.raises(ValueError, match="mixes text with numbers"):
        TSTRScorer()(Rows(X, pd.Series([0, 1, "0", "1"], dtype=object)), X, y)


@pytest.mark.parametrize("train", ["int64", "float64", "bool", "Int64", "category"])
@pytest.mark.parametrize("test", ["int64", "float64", "bool"])
def test_equal_labels_of_different_dtypes(train, test):
    X, y = one_column(0, 0, 1, 1)
    synthesizer = Rows(X, y.astype(train))
    assert TSTRScorer(LogisticRegression())(synthesizer, X, y.astype(test)) == 1.0


def test_regression():
    rng = np.random.RandomState(0)
    X = pd.DataFrame({"x": rng.uniform(size=80)})
    y = pd.Series(3 * X["x"] + rng.normal(0, 0.3, 80), name="y")
    model = LinearRegression().fit(X, y)
    expected = r2_score(y, model.predict(X))
    assert TSTRScorer(LinearRegression())(Rows(X, y), X, y) == pytest.approx(expected)
    assert 0.5 < TSTRScorer(random_state=0)(Rows(X, y), X, y) < 1
    error = TSTRScorer(LinearRegression(), scoring="neg_mean_squared_error")
    assert error(Rows(X, y), X, y) == pytest.approx(-np.mean((y - model.predict(X)) ** 2))
    with pytest.raises(ValueError, match="same value in every row"):
        TSTRScorer()(Rows(X, y), X, y * 0.0 + 0.5)


def test_task_follows_the_schema():
    # integers look like classes; a Count target is regressed
    X = pd.DataFrame({"x": np.arange(12.0)})
    y = pd.Series(np.arange(12) // 3, name="visits")
    for kind, expected in (
        (Count(0, 9), LinearRegression),
        (Ordinal(range(4)), LogisticRegression),
    ):
        schema = TableSchema({"x": Continuous(0, 20), "visits": kind}, target="visits")
        score = TSTRScorer(expected(), scoring=lambda model, X, y: float(len(model.coef_.shape)))
        assert score(Rows(X, y, schema), X, y) == np.ndim(expected().fit(X, y).coef_)
    count = TableSchema({"x": Continuous(0, 20), "visits": Count(0, 9)}, target="visits")
    assert TSTRScorer(LinearRegression())(Rows(X, y, count), X, y) == pytest.approx(
        LinearRegression().fit(X, y).score(X, y)
    )


def test_custom_scorers():
    X, y = make_table()
    for scoring in (
        "balanced_accuracy",
        make_scorer(roc_auc_score, response_method="predict_proba"),
    ):
        assert 0.7 < TSTRScorer(TREE, scoring)(Bootstrap().fit(X, y), X, y) <= 1
    for bad in (lambda *_: np.nan, lambda *_: {"a": 1.0}):
        with pytest.raises(ValueError, match="not a finite number"):
            TSTRScorer(TREE, bad)(Bootstrap().fit(X, y), X, y)


def test_cross_validation_and_grid_search():
    X, y = make_table(200)
    scorer = TSTRScorer(TREE, random_state=0)
    scores = cross_val_score(Bootstrap(), X, y, cv=3, scoring=scorer, error_score="raise")
    assert scores.shape == (3,)
    assert (scores > 0.7).all()
    search = GridSearchCV(Bootstrap(), {"noise": [1.0, 0.0]}, cv=3, scoring=scorer).fit(X, y)
    assert search.best_params_ == {"noise": 0.0}
    assert clone(search).scoring.random_state == 0


def test_target_inside_the_table():
    X, y = make_table(200)
    table = X.assign(ill=y)
    scorer = TSTRScorer(TREE, random_state=0)
    inside = scorer(Bootstrap(schema=SCHEMA).fit(table), table)
    assert inside == scorer(Bootstrap(schema=SCHEMA).fit(X, y), X, y)
    scores = cross_val_score(Bootstrap(schema=SCHEMA), table, cv=3, scoring=scorer)
    assert (scores > 0.7).all()
    with pytest.raises(ValueError, match=r"No test target: .*\('ill'\)"):
        scorer(Bootstrap(schema=SCHEMA).fit(table), X)
    with pytest.raises(ValueError, match="No test target"):
        scorer(Bootstrap().fit(X, y), X)


def test_default_number_of_rows_is_the_noisy_count():
    X, y = make_table(50)
    sizes = []

    class Watched(Bootstrap):
        def sample_xy(self, n_samples, random_state=None):
            sizes.append(n_samples)
            return super().sample_xy(n_samples, random_state)

    synthesizer = Watched().fit(X, y)
    TSTRScorer(TREE)(synthesizer, X, y)
    TSTRScorer(TREE, n_samples=30)(synthesizer, X, y)
    assert sizes == [50, 30]
    del synthesizer.n_records_
    with pytest.raises(ValueError, match="Watched has no n_records_"):
        TSTRScorer(TREE)(synthesizer, X, y)


def test_random_state():
    X, y = make_table(200)
    synthesizer = Bootstrap(noise=0.5).fit(X, y)
    scores = [TSTRScorer(TREE, random_state=seed)(synthesizer, X, y) for seed in (0, 0, 1)]
    assert scores[0] == scores[1] != scores[2]
    rng = np.random.RandomState(0)
    moving = TSTRScorer(TREE, random_state=rng)
    assert moving(synthesizer, X, y) != moving(synthesizer, X, y)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    TSTRScorer()(Rows(X, y), X, y)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_arrays():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(200, 2))
    y = (X[:, 0] > 0).astype(int)
    for scorer in (TSTRScorer(random_state=0), TSTRScorer(LogisticRegression(), random_state=0)):
        assert scorer(Bootstrap().fit(X, y), X, y) > 0.95
        assert scorer(Bootstrap().fit(X, y), pd.DataFrame(X), y) > 0.95
        frame = pd.DataFrame(X, columns=["a", "b"])
        assert scorer(Bootstrap().fit(frame, pd.Series(y)), X, y) > 0.95
    with pytest.raises(ValueError, match="do not have the same columns"):
        TSTRScorer()(Bootstrap().fit(X, y), X[:, :1], y)


def test_columns_are_matched_by_name():
    X, y = make_table(200)
    synthesizer = Bootstrap().fit(X, y)
    scorer = TSTRScorer(TREE, random_state=0)
    assert scorer(synthesizer, X[X.columns[::-1]].assign(more=1), y) == scorer(synthesizer, X, y)
    with pytest.raises(ValueError, match=r"test table lacks the columns \['age'\]"):
        scorer(synthesizer, X.drop(columns="age"), y)


def test_missing_targets():
    X, y = one_column("a", "a", "b", "b")
    holes = y.where(y.index != 0)
    with pytest.warns(SyntheticDataWarning, match="1 of 4 training rows have no target"):
        assert TSTRScorer(LogisticRegression())(Rows(X, holes), X, y) == 1.0
    with pytest.raises(ValueError, match="test target is missing in 1 of 4 rows"):
        TSTRScorer()(Rows(X, y), X, holes)
    with pytest.raises(ValueError, match="test table has 3 rows and its target 4"):
        TSTRScorer()(Rows(X, y), X.iloc[1:], y)


def test_unseen_levels_and_many_levels():
    rng = np.random.RandomState(0)
    y = rng.choice(["no", "yes"], 400)
    X = pd.DataFrame({"code": [f"c{i}" for i in rng.permutation(400)], "flag": y == "yes"})
    assert TSTRScorer(random_state=0)(Rows(X, y), X.assign(code="unseen"), y) == 1.0


def test_is_an_estimator_like_object():
    scorer = TSTRScorer(DummyClassifier(), scoring="accuracy", n_samples=10)
    assert repr(TSTRScorer(n_samples=10)) == "TSTRScorer(n_samples=10)"
    copies = clone(scorer), pickle.loads(pickle.dumps(scorer))
    for copy in copies:
        assert copy.get_params()["n_samples"] == 10
        assert isinstance(copy.estimator, DummyClassifier)
