import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from skdpsynth.displays import TSTRDisplay
from skdpsynth.metrics import TSTRScorer
from skdpsynth.schema import Categorical, Continuous, TableSchema

Figure = pytest.importorskip("matplotlib.figure").Figure
SCHEMA = TableSchema(
    {"x": Continuous(-9, 9), "ill": Categorical(["yes", "no"])},
    target="ill",
)


def make_table(n, seed, levels=("yes", "no"), noise=1.0):
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, len(levels), n)
    return pd.DataFrame(
        {"x": 2 * codes + noise * rng.normal(size=n), "ill": np.array(levels)[codes]}
    )


class Sampler:
    schema_, n_records_ = SCHEMA, 300.4

    def sample_xy(self, n_samples, random_state=None):
        table = make_table(n_samples, 7)
        return table[["x"]], table["ill"]


def test_areas_are_scikit_learns():
    y = np.array([0, 1, 1, 0, 1, 0, 0, 1])
    scores = {"synthetic": np.linspace(0, 1, 8), "real": y + 0.1}
    display = TSTRDisplay.from_scores(y, scores, figure=Figure())
    for label, values in scores.items():
        assert display.curves[label].area == roc_auc_score(y, values)
        x, height = display.curves[label][:2]
        assert auc(x, height) == pytest.approx(display.curves[label].area)
    display = TSTRDisplay.from_scores(y, scores, curve="precision_recall", figure=Figure())
    assert display.curves["real"].area == average_precision_score(y, scores["real"])
    assert display.chance == 0.5
    texts = [text.get_text() for text in display.axes_[0].get_legend().get_texts()]
    assert texts[0] == "trained on real rows (AP 1.000)"
    assert texts[-1] == "chance"


def test_positive_label():
    y, scores = ["a", "b", "b"], {"synthetic": [0.9, 0.1, 0.2]}
    areas = [
        TSTRDisplay.from_scores(y, scores, positive=label, figure=Figure()).curves["synthetic"].area
        for label in ("a", "b", None)
    ]
    assert areas == [1, 0, 0]


def test_several_classes_are_averaged():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], 20)
    scores = rng.uniform(size=(60, 3))
    display = TSTRDisplay.from_scores(y, {"synthetic": scores}, figure=Figure())
    indicators = y[:, None] == np.array(["a", "b", "c"])
    expected = roc_auc_score(indicators, scores, average="micro")
    assert display.curves["synthetic"].area == pytest.approx(expected)


def test_tables():
    training = {"synthetic": make_table(200, 0, noise=4.0), "real": make_table(200, 1)}
    test = make_table(200, 2)
    display = TSTRDisplay.from_tables(
        training, test, SCHEMA, estimator=LogisticRegression(), figure=Figure()
    )
    for label, table in training.items():
        model = LogisticRegression().fit(table[["x"]], table["ill"])
        # the second class of the schema is the positive one
        score = model.predict_proba(test[["x"]])[:, list(model.classes_).index("no")]
        assert display.curves[label].area == pytest.approx(
            roc_auc_score(test["ill"] == "no", score)
        )


def test_default_model_is_the_scorers():
    real, test = make_table(200, 1), make_table(200, 2)
    display = TSTRDisplay.from_tables({"real": real}, test, SCHEMA, random_state=0, figure=Figure())
    expected = TSTRScorer(random_state=0).score_real(
        real[["x"]], real["ill"], test[["x"]], test["ill"], SCHEMA
    )
    assert display.curves["real"].area == expected


def test_estimator():
    display = TSTRDisplay.from_estimator(
        Sampler(),
        make_table(100, 2),
        real=make_table(100, 3),
        estimator=LogisticRegression(),
        figure=Figure(),
    )
    assert set(display.curves) == {"synthetic", "real"}
    assert display.curves["synthetic"].area > 0.8
    guess = TSTRDisplay.from_estimator(
        Sampler(), make_table(100, 2), estimator=DummyClassifier(), n_samples=50, figure=Figure()
    )
    assert guess.curves["synthetic"].area == 0.5


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (SCHEMA.with_target(None), "target"),
        (SCHEMA.with_target("x"), "categorical or ordinal target"),
    ],
)
def test_no_curve(schema, message):
    with pytest.raises(ValueError, match=message):
        TSTRDisplay.from_tables({"real": make_table(9, 0)}, make_table(9, 1), schema)


def test_impossible_requests():
    with pytest.raises(ValueError, match="single class"):
        TSTRDisplay.from_scores([1, 1], {"real": [0.1, 0.2]})
    with pytest.raises(ValueError, match="curve must be one of"):
        TSTRDisplay.from_scores([0, 1], {"real": [0.1, 0.2]}, curve="lift")
