"""The tables that are fitted: small, seeded, and with columns of every kind."""

from __future__ import annotations

import numpy as np
import pandas as pd

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema

GRADES = ["low", "mid", "high"]
PEOPLE = TableSchema(
    {
        "age": Count(17, 90),
        "sex": Categorical(["F", "M"], nullable=True),
        "pay": Continuous(0, 100, nullable=True),
        "grade": Ordinal(GRADES),
        "insured": Categorical([False, True]),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)
FEATURES = PEOPLE.drop(["sick"])
DISCRETE = PEOPLE.select(["sex", "grade", "insured", "sick"])
HEIGHTS = TableSchema({"height": Continuous(-10, 10), "sick": Categorical(["no", "yes"])})
VECTORS = TableSchema(
    {"a": Continuous(0, 1), "b": Continuous(-2, 3), "c": Count(0, 9), "d": Continuous(0, 5)}
    | {"kind": Categorical(["x", "y", "z"])},
    target="kind",
)


def people(n_rows: int = 600) -> pd.DataFrame:
    """Return rows of text, numbers, ordered levels and booleans, some values missing."""
    rng = np.random.default_rng(1)
    sick = rng.random(n_rows) < 0.4
    sex = np.where(rng.random(n_rows) < 0.3 + 0.4 * sick, "F", "M").astype(object)
    sex[rng.random(n_rows) < 0.1] = None
    age = rng.integers(17, 60, n_rows) + 30 * sick
    pay = np.clip(age - 20 + 10 * rng.normal(size=n_rows), 0, 100)
    pay[rng.random(n_rows) < 0.2] = np.nan
    grade = rng.choice(GRADES, n_rows, p=[0.5, 0.3, 0.2])
    return pd.DataFrame(
        {
            "age": age,
            "sex": sex,
            "pay": pay,
            "grade": pd.Categorical(grade, GRADES, ordered=True),
            "insured": rng.random(n_rows) < 0.7,
            "sick": np.where(sick, "yes", "no"),
        }
    )


def vectors(n_rows: int = 500) -> pd.DataFrame:
    """Return rows of numbers, none missing, around a mean of each of three kinds."""
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 3, n_rows)
    b = np.clip(kind - 1 + rng.normal(0, 0.5, n_rows), -2, 3)
    return pd.DataFrame(
        {
            "a": np.clip(0.3 * kind + rng.normal(0, 0.1, n_rows), 0, 1),
            "b": b,
            "c": np.clip(3 * kind + rng.integers(0, 3, n_rows), 0, 9),
            "d": np.clip(2 + b + rng.normal(0, 0.3, n_rows), 0, 5),
            "kind": np.array(["x", "y", "z"])[kind],
        }
    )


def heights(n_rows: int = 400) -> pd.DataFrame:
    """Return rows of two columns, which a model of a few lines describes."""
    rng = np.random.default_rng(3)
    sick = rng.random(n_rows) < 0.3
    height = np.where(sick, 2.0, -1.0) + rng.normal(size=n_rows)
    return pd.DataFrame({"height": height, "sick": np.where(sick, "yes", "no")})


def unit_array(n_rows: int = 500) -> np.ndarray:
    """Return an array of 5 columns in [0, 1]."""
    rng = np.random.default_rng(4)
    center = rng.choice([0.25, 0.7], n_rows)
    return np.clip(center[:, None] + rng.normal(0, 0.1, (n_rows, 5)), 0, 1)


def unit_labels(n_rows: int = 500) -> np.ndarray:
    """Return the classes of the rows of `unit_array`."""
    return (unit_array(n_rows).mean(axis=1) > 0.5).astype(int)
