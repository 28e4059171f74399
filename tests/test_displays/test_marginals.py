import sys

import numpy as np
import pandas as pd
import pytest

from skdpsynth.displays import MarginalDisplay
from skdpsynth.exceptions import TableMismatchError
from skdpsynth.metrics import marginal_tvd
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
def display(tables):
    display = MarginalDisplay.from_tables(*tables, SCHEMA, figure=Figure())
    display.figure_.canvas.draw()
    return display


@pytest.fixture(scope="module")
def panels(display):
    return {axes.get_title(loc="left"): axes for axes in display.axes_}


def test_a_panel_per_column_with_its_distance(tables, display, panels):
    assert list(panels) == list(SCHEMA.names)
    for marginal in display.marginals:
        distance = marginal_tvd(*tables, SCHEMA.select([marginal.name]), 1)
        assert marginal.tvd == distance
        assert panels[marginal.name].get_title(loc="right") == f"TVD {distance:.3f}"


def test_bars_are_shares_of_all_rows(tables, panels):
    for name in ("sex", "code"):
        drawn = [sum(bar.get_width() for bar in bars) for bars in panels[name].containers]
        assert drawn == pytest.approx([100, 100])
    shares = [patch.get_data().values.sum() for patch in panels["score"].patches]
    assert shares == pytest.approx([100 * table["score"].notna().mean() for table in tables])
    real = tables[0]["sex"].value_counts()
    assert panels["sex"].containers[0][0].get_width() == pytest.approx(real["F"] / 2)


def test_rare_levels_share_a_bar_and_missing_has_its_own(panels):
    def ticks(name):
        return [label.get_text() for label in panels[name].get_yticklabels()]

    assert ticks("sex") == ["F", "M", "missing"]
    assert len(ticks("code")) == 11
    assert ticks("code")[-1] == "others"
    assert panels["score"].get_xlabel().startswith("missing: 10.5 % real")


def test_count_bars_hold_whole_numbers(panels):
    edges = panels["age"].patches[0].get_data().edges
    assert set(np.diff(edges)) == {2.0}
    assert edges[0] == 17.5


def test_values_outside_the_levels_count_as_other():
    schema = TableSchema({"a": Categorical(["x", "rest"], other="rest")})
    real = pd.DataFrame({"a": ["x", "y", "z", "rest"]})
    display = MarginalDisplay.from_tables(real, real, schema, figure=Figure())
    assert display.marginals[0].real.tolist() == [25, 75]


def test_cumulative_sums(tables):
    display = MarginalDisplay.from_tables(*tables, SCHEMA, cumulative=True, figure=Figure())
    panels = {axes.get_title(loc="left"): axes for axes in display.axes_}
    drawn = panels["age"].patches[0].get_data()
    ages = np.sort(tables[0]["age"])
    # one step per year of age
    expected = [100 * (ages <= edge).mean() for edge in drawn.edges[1:]]
    # the largest half per cent is in the last step
    assert drawn.values[:-1] == pytest.approx(expected[:-1])
    assert drawn.values[-1] == pytest.approx(100)
    assert panels["score"].patches[0].get_data().values[-1] == pytest.approx(89.5)
    assert panels["sex"].lines[0].get_ydata()[-1] == pytest.approx(100)
    shares = [np.cumsum(getattr(display.marginals[2], part)) for part in ("real", "synthetic")]
    gap = np.abs(shares[0] - shares[1]).max()
    assert panels["sex"].get_title(loc="right") == f"gap {gap:.1f} %"


def test_many_levels_and_large_numbers():
    schema = TableSchema(
        {"place": Categorical([f"place {i}" for i in range(60)]), "income": Count(0, 900_000)}
    )
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "place": [f"place {i}" for i in rng.integers(0, 60, 500)],
            "income": rng.integers(0, 900_000, 500),
        }
    )
    display = MarginalDisplay.from_tables(table, table, schema, cumulative=True, figure=Figure())
    place, income = display.axes_
    assert len(place.get_xticks()) == 0
    assert "60 levels" in place.get_xlabel()
    display.figure_.canvas.draw()
    labels = [label.get_text() for label in income.get_xticklabels()]
    assert "600k" in labels
    assert len(labels) <= 8


def test_table_that_lacks_a_column(tables):
    with pytest.raises(TableMismatchError, match="synthetic table lacks"):
        MarginalDisplay.from_tables(tables[0], tables[1].drop(columns="age"), SCHEMA)


def test_default_figure_is_pyplots(tables):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    display = MarginalDisplay.from_tables(*tables, SCHEMA, n_columns=2)
    assert pyplot.fignum_exists(display.figure_.number)
    pyplot.close(display.figure_)


def test_without_matplotlib(tables, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[plot\]"'):
        MarginalDisplay.from_tables(*tables, SCHEMA)
