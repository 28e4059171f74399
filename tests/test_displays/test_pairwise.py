from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats.contingency import association

from skdpsynth.displays import PairwiseDisplay
from skdpsynth.displays._pairwise import cramers_v, distance_from_independence
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

Figure = pytest.importorskip("matplotlib.figure").Figure
COUNTS = arrays(
    np.int64, st.tuples(st.integers(2, 4), st.integers(2, 4)), elements=st.integers(1, 30)
)
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "group": Categorical(["a", "b", "c"], nullable=True),
        "share": Continuous(0, 1),
    }
)


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n)
    return pd.DataFrame(
        {
            "age": np.where(group == "a", 20, 70) + rng.integers(0, 10, n),
            "group": np.where(rng.uniform(size=n) < 0.1, None, group),
            "share": rng.uniform(size=n),
        }
    )


@given(COUNTS)
def test_cramers_v_is_scipys(counts):
    expected = association(counts, method="cramer", correction=False)
    assert cramers_v(counts) == pytest.approx(expected, abs=1e-7)


@given(COUNTS)
def test_distance_by_sums(counts):
    n = counts.sum()
    total = 0.0
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            total += abs(counts[i, j] / n - counts[i].sum() / n * counts[:, j].sum() / n)
    assert distance_from_independence(counts) == pytest.approx(total / 2)


@pytest.mark.parametrize("measure", [cramers_v, distance_from_independence])
@given(counts=COUNTS)
def test_bounds_and_symmetry(measure, counts):
    value = measure(counts)
    assert 0 <= value <= 1
    assert measure(counts.T) == pytest.approx(value)
    assert measure(3 * counts) == pytest.approx(value)
    assert measure(np.pad(counts, 1)) == pytest.approx(value)


def test_extremes():
    for size in (2, 3, 5):
        for order in list(permutations(range(size)))[:4]:
            diagonal = 7 * np.eye(size, dtype=int)[list(order)]
            assert cramers_v(diagonal) == pytest.approx(1)
            assert distance_from_independence(diagonal) == pytest.approx(1 - 1 / size)
        product = np.outer(np.arange(1, size + 1), [2, 5, 1])
        assert cramers_v(product) == pytest.approx(0, abs=1e-7)
        assert distance_from_independence(product) == pytest.approx(0)
    assert cramers_v(np.array([[3, 4]])) == 0


def test_matrices():
    real, synthetic = make_table(500, 0), make_table(400, 1).assign(group="a")
    display = PairwiseDisplay.from_tables(real, synthetic, SCHEMA, figure=Figure())
    assert list(display.real.columns) == list(display.real.index) == list(SCHEMA.names)
    assert np.isnan(np.diag(display.real)).all()
    assert display.real.equals(display.real.T)
    # missing values are a level
    levels = real["group"].astype(object).where(real["group"].notna(), "missing")
    counts = pd.crosstab(pd.cut(real["age"], np.linspace(0, 99, 21), right=False), levels)
    expected = distance_from_independence(counts.to_numpy())
    assert display.real.loc["age", "group"] == pytest.approx(expected)
    assert display.synthetic.loc["age", "group"] == 0
    assert display.difference.loc["age", "group"] == pytest.approx(-expected)


@pytest.mark.parametrize("measure", ["total_variation", "cramers_v"])
def test_drawing(measure):
    real, synthetic = make_table(300, 0), make_table(300, 1)
    display = PairwiseDisplay.from_tables(
        real, synthetic, SCHEMA, measure=measure, edges={"age": [0, 50, 100]}, figure=Figure()
    )
    display.figure_.canvas.draw()
    shown = display.axes_[0].images[0].get_array()
    # lower triangle: age and group, age and share, group and share
    assert shown[0, 0] == display.real.loc["age", "group"]
    assert np.isnan(np.ma.filled(shown, np.nan)[0, 1])
    titles = [axes.get_title(loc="left") for axes in display.axes_]
    assert titles == ["Real", "Synthetic", "Synthetic − real"]
    limits = [axes.images[0].norm.vmax for axes in display.axes_[:2]]
    assert limits[0] == limits[1]
    norm = display.axes_[2].images[0].norm
    assert norm.vmin == -norm.vmax
    assert float(norm(0.0)) == pytest.approx(0.5)
    names = [label.get_text() for label in display.axes_[0].get_yticklabels()]
    assert names == ["group", "share"]


def test_equal_tables_and_constant_columns():
    schema = TableSchema({name: Categorical(["x", "y"]) for name in "ab"})
    table = pd.DataFrame({"a": ["x"] * 4, "b": ["x", "y"] * 2})
    display = PairwiseDisplay.from_tables(table, table, schema, figure=Figure())
    display.figure_.canvas.draw()
    assert display.difference.loc["a", "b"] == 0


@pytest.mark.parametrize(
    ("schema", "measure", "message"),
    [
        (SCHEMA, "pearson", "measure must be one of"),
        (SCHEMA.select(["age"]), "cramers_v", "single"),
    ],
)
def test_impossible_requests(schema, measure, message):
    with pytest.raises(ValueError, match=message):
        PairwiseDisplay.from_tables(make_table(9, 0), make_table(9, 0), schema, measure=measure)
