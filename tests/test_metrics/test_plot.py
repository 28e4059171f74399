import sys

import numpy as np
import pandas as pd
import pytest

from skdpsynth.metrics import marginal_tvd, plot_marginals
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

Figure = pytest.importorskip("matplotlib.figure").Figure
LEVELS = [f"level {i}" for i in range(15)]
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "score": Continuous(0, 1, nullable=True),
        "sex": Categorical(["F", "M"], nullable=True),
        "code": Categorical(LEVELS),
        "empty": Continuous(-1, 1, nullable=True),
    }
)


def make_table(n, seed):
    rng = np.random.RandomState(seed)
    table = pd.DataFrame(
        {
            "age": rng.randint(18, 40, n),
            "score": rng.uniform(size=n),
            "sex": rng.choice(["F", "M"], n),
            "code": rng.choice(LEVELS, n),
            "empty": np.nan,
        }
    )
    table.loc[: n // 10, ["score", "sex"]] = None
    return table


@pytest.fixture(scope="module")
def tables():
    return make_table(200, 0), make_table(300, 1)


@pytest.fixture(scope="module")
def panels(tables):
    figure = plot_marginals(*tables, SCHEMA, figure=Figure())
    figure.canvas.draw()
    return {axes.get_title(loc="left"): axes for axes in figure.axes}


def test_a_panel_per_column_with_its_distance(tables, panels):
    assert list(panels) == list(SCHEMA.names)
    for name, axes in panels.items():
        distance = marginal_tvd(*tables, SCHEMA.select([name]), 1)
        assert axes.get_title(loc="right") == f"TVD {distance:.3f}"


def test_bars_are_shares_of_all_rows(tables, panels):
    for name in ("sex", "code"):
        drawn = [sum(bar.get_height() for bar in bars) for bars in panels[name].containers]
        assert drawn == pytest.approx([100, 100])
    shares = [patch.get_data().values.sum() for patch in panels["score"].patches]
    assert shares == pytest.approx([100 * table["score"].notna().mean() for table in tables])
    real = tables[0]["sex"].value_counts()
    assert panels["sex"].containers[0][0].get_height() == pytest.approx(real["F"] / 2)


def test_rare_levels_share_a_bar_and_missing_has_its_own(panels):
    def ticks(name):
        return [label.get_text() for label in panels[name].get_xticklabels()]

    assert ticks("sex") == ["F", "M", "missing"]
    assert len(ticks("code")) == 11
    assert ticks("code")[-1] == "others"
    assert panels["score"].get_xlabel().startswith("missing: 10.5 % real")


def test_count_bars_hold_whole_numbers(panels):
    edges = panels["age"].patches[0].get_data().edges
    assert set(np.diff(edges)) == {2.0}
    assert edges[0] == 17.5


def test_default_figure_is_pyplots(tables):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = plot_marginals(*tables, SCHEMA, n_columns=2)
    assert pyplot.fignum_exists(figure.number)
    pyplot.close(figure)


def test_without_matplotlib(tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "skdpsynth\[plot\]"'):
        plot_marginals(*tables, SCHEMA)
