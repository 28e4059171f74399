from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from skdpsynth.displays import PrivacyUtilityDisplay

Figure = pytest.importorskip("matplotlib.figure").Figure


@pytest.fixture
def runs():
    rows = [("real", np.nan, 0, 0.93, 0.01, "ok")]
    for method, start in (("mixture", 0.7), ("napsu", 0.75)):
        rows += [
            (method, epsilon, seed, start + 0.1 * place + 0.02 * seed, 0.1 - 0.02 * place, "ok")
            for place, epsilon in enumerate((0.3, 1.0, np.inf))
            for seed in (0, 1)
        ]
    names = ["method", "epsilon", "seed", "boosting_auc", "two_way_tvd", "status"]
    return pd.DataFrame(rows, columns=names)


def test_means_and_deviations(runs):
    display = PrivacyUtilityDisplay.from_results(runs, figure=Figure())
    assert display.measures == ("boosting_auc", "two_way_tvd")
    summary = display.summary.set_index(["method", "epsilon"])
    assert summary.loc[("mixture", 1.0), "boosting_auc_mean"] == pytest.approx(0.81)
    assert summary.loc[("mixture", 1.0), "boosting_auc_sd"] == pytest.approx(0.02 / np.sqrt(2))
    axes = display.axes_[0]
    display.figure_.canvas.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.3", "1", "∞"]
    drawn = {bars.get_label(): bars.lines[0].get_ydata() for bars in axes.containers}
    assert drawn["napsu"] == pytest.approx([0.76, 0.86, 0.96])
    texts = [text.get_text() for text in display.figure_.legends[0].get_texts()]
    assert texts == ["real rows", "mixture", "napsu"]


def test_benchmark_results_and_named_measures(runs):
    result = SimpleNamespace(runs=runs.assign(epsilon=runs["epsilon"].astype(object)))
    display = PrivacyUtilityDisplay.from_results(result, "boosting_auc", figure=Figure())
    assert display.measures == ("boosting_auc",)
    assert len(display.axes_) == 1


def test_failed_runs_are_left_out(runs):
    failed = pd.DataFrame(
        {"method": ["napsu"], "epsilon": [0.1], "seed": [0], "boosting_auc": [None]}
    )
    display = PrivacyUtilityDisplay.from_results(
        pd.concat([runs, failed.astype({"boosting_auc": float})]), "boosting_auc", figure=Figure()
    )
    display.figure_.canvas.draw()
    summary = display.summary.set_index(["method", "epsilon"])
    assert np.isnan(summary.loc[("napsu", 0.1), "boosting_auc_mean"])


def test_impossible_requests(runs):
    with pytest.raises(ValueError, match=r"lack the columns \['speed'\]"):
        PrivacyUtilityDisplay.from_results(runs, ["speed"])
    with pytest.raises(ValueError, match="No measure was recognised"):
        PrivacyUtilityDisplay.from_results(runs[["method", "epsilon"]])
    with pytest.raises(ValueError, match=r"lack the columns \['epsilon'\]"):
        PrivacyUtilityDisplay.from_results(runs.drop(columns="epsilon"))
