"""Spreads and tails that are wrong are named in words, and others are not."""

import numpy as np
import pandas as pd
import pytest

from skdpsynth._report._shapes import describe_shapes
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

N = 20_000
SCHEMA = TableSchema(
    {
        "pay": Count(0, 10**7),
        "x": Continuous(-50, 50, nullable=True),
        "sex": Categorical(["F", "M"]),
    }
)


def make_table(seed):
    rng = np.random.default_rng(seed)
    pay = rng.lognormal(7, 1, N).round()
    return pd.DataFrame({"pay": pay, "x": rng.normal(size=N), "sex": rng.choice(["F", "M"], N)})


def describe(**columns):
    return describe_shapes(make_table(0), make_table(1).assign(**columns), SCHEMA)


@pytest.mark.parametrize("seed", range(5))
def test_two_samples_of_one_population_are_alike(seed):
    assert describe_shapes(make_table(seed), make_table(seed + 10), SCHEMA) == []
    assert describe_shapes(make_table(seed), make_table(seed)[:50], SCHEMA) == []


def test_few_rows_far_out():
    pay = make_table(1)["pay"].to_numpy(copy=True)
    pay[:300] = 10**6
    spread, tail = describe(pay=pay)
    assert spread.startswith("The standard deviation of pay is ")
    assert spread.endswith(" times the real one.")
    assert tail.startswith("The upper tail of pay is too heavy: 2.5 % of the synthetic values lie")


def test_too_small_a_spread():
    found = describe(x=make_table(1)["x"] / 4)
    assert found[0] == "The standard deviation of x is 0.25 times the real one."
    assert "upper tail of x is too light" in " ".join(found)
    assert "lower tail of x is too light" in " ".join(found)


def test_a_tail_without_a_wrong_spread():
    x = make_table(1)["x"].to_numpy(copy=True)
    x[x < -2] = -2.0
    (found,) = describe(x=x)
    assert found.startswith("The lower tail of x is too light: 0 % of the synthetic values")


def test_constants_and_columns_without_values():
    assert describe(x=3.0)[0] == "The spread of x is wrong: all synthetic values are equal."
    real = make_table(0).assign(x=0.5)
    found = describe_shapes(real, make_table(1), SCHEMA)
    assert found[0] == "The spread of x is wrong: all real values are equal, and here not."
    assert describe(x=np.nan) == []
    assert describe_shapes(real, real, SCHEMA) == []
    assert describe_shapes(real[:1], real[:1], SCHEMA) == []


def test_the_worst_come_first_and_the_others_are_counted():
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(9)]
    schema = TableSchema({name: Continuous(-99, 99) for name in names})
    real = pd.DataFrame({name: rng.normal(size=500) for name in names})
    synthetic = pd.DataFrame({name: real[name] * (2 + i) for i, name in enumerate(names)})
    found = describe_shapes(real, synthetic, schema)
    assert found[0].startswith("The standard deviation of c8 is 10 times")
    assert found[6] == "3 more standard deviations are off as well."
