import numpy as np
import pandas as pd
import pytest

from skdpsynth.displays import MomentDisplay
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

Figure = pytest.importorskip("matplotlib.figure").Figure
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "income": Continuous(0, 1e6, nullable=True),
        "sex": Categorical(["F", "M"]),
    }
)


def table(**columns):
    return pd.DataFrame({"age": [10, 30], "income": [1e3, np.nan], "sex": ["F", "M"], **columns})


def test_moments():
    display = MomentDisplay.from_tables(
        table(), table(age=[20, 20], income=[5.0, 7.0]), SCHEMA, figure=Figure()
    )
    assert display.moments.loc["age"].tolist() == [20, 10, 20, 0]
    assert display.moments.loc["income"].tolist() == [1000, 0, 6, 1]
    means, deviations = display.axes_
    assert means.get_xscale() == means.get_yscale() == "log"
    # a standard deviation of zero has no logarithm
    assert deviations.get_xscale() == "symlog"
    drawn = means.lines[1].get_xydata()
    assert drawn.tolist() == [[20, 20], [1000, 6]]
    assert [text.get_text() for text in means.texts] == ["age", "income"]
    assert means.get_xlim() == means.get_ylim()


def test_negative_means():
    schema = TableSchema({"a": Continuous(-9, 9), "b": Continuous(-9, 9)})
    real = pd.DataFrame({"a": [-4.0, -2.0], "b": [0.0, 0.0]})
    display = MomentDisplay.from_tables(real, real, schema, figure=Figure())
    display.figure_.canvas.draw()
    low, high = display.axes_[0].get_xlim()
    assert low < -3 < 0 < high


def test_no_numeric_column():
    with pytest.raises(ValueError, match="no Continuous or Count column"):
        MomentDisplay.from_tables(table(), table(), SCHEMA.select(["sex"]))
