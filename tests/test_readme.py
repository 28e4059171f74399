"""The examples of the README run as they are printed."""

import numpy as np
import pandas as pd
import pytest
from test_documentation.pages import read_blocks

README = "../README.rst"


@pytest.fixture
def df():
    rng = np.random.RandomState(0)
    age = rng.randint(17, 91, 2000)
    hours = rng.randint(0, 100, 2000).astype(float)
    hours[rng.uniform(size=2000) < 0.1] = np.nan
    return pd.DataFrame(
        {
            "age": age,
            "hours": hours,
            "sex": rng.choice(["F", "M"], 2000),
            "income": np.where(age + rng.normal(0, 20, 2000) > 60, ">50K", "<=50K"),
        }
    )


def test_examples(df, capsys):
    names = {"df": df}
    for block in read_blocks(README):
        if block.language != "python":
            continue
        exec(compile(block.text, README, "exec"), names)
        assert capsys.readouterr().out.strip()
    synthetic, X, y = names["synthetic"], names["X"], names["y"]
    assert synthetic.shape == (1000, 4)
    assert list(synthetic.columns) == list(df.columns)
    assert (synthetic.dtypes == df.dtypes).all()
    assert set(synthetic["income"]) == {"<=50K", ">50K"}
    assert list(X.columns) == ["age", "hours", "sex"]
    assert y.name == "income"
    low, high = names["share"].interval(0.95)
    assert 0 < low < names["share"].estimate < high < 1
