"""Dependence between features outlives a target and a wide table."""

import numpy as np
import pandas as pd
import pytest

from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema


def twins(n_rows, n_beside, target, seed=0):
    """Two columns that are all but one, columns beside them, and a target of two of these."""
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n_rows)
    beside = rng.normal(size=(n_rows, n_beside))
    columns = {
        "length": np.clip(50 + 10 * size, 0, 100),
        "width": np.clip(np.rint(400 + 100 * size + 20 * rng.normal(size=n_rows)), 0, 800),
    }
    columns |= {f"c{j}": np.clip(beside[:, j], -4, 4) for j in range(n_beside)}
    kinds = {"length": Continuous(0, 100), "width": Count(0, 800)}
    kinds |= {f"c{j}": Continuous(-4, 4) for j in range(n_beside)}
    signal = beside[:, :2].sum(axis=1) + rng.normal(size=n_rows)
    if target == "number":
        columns["y"], kinds["y"] = np.clip(signal, -9, 9), Continuous(-9, 9)
    elif target == "count":
        columns["y"], kinds["y"] = np.clip(np.rint(9 + 3 * signal), 0, 30), Count(0, 30)
    elif target == "levels":
        columns["y"], kinds["y"] = np.where(signal > 1, "a", "b"), Categorical(["a", "b"])
    schema = TableSchema(kinds, target="y" if target else None)
    return pd.DataFrame(columns), schema


@pytest.mark.parametrize(
    ("n_rows", "n_beside", "target", "least"),
    [
        (20_000, 4, "number", 0.6),
        (20_000, 4, "count", 0.6),
        (8_000, 2, "number", 0.5),
        (20_000, 40, "number", 0.3),
        (20_000, 40, "levels", 0.3),
        (20_000, 40, None, 0.4),
    ],
)
def test_two_columns_that_are_all_but_one_stay_together(n_rows, n_beside, target, least):
    table, schema = twins(n_rows, n_beside, target)
    fitted = DPMixtureSynthesizer(schema=schema, random_state=1).fit(table)
    sample = fitted.sample(n_rows, random_state=2)
    assert sample["length"].corr(sample["width"], "spearman") > least


def test_a_numeric_target_stays_predictable():
    table, schema = twins(20_000, 4, "number")
    sample = (
        DPMixtureSynthesizer(schema=schema, random_state=1)
        .fit(table)
        .sample(20_000, random_state=2)
    )
    real, made = (t["c0"].corr(t["y"], "spearman") for t in (table, sample))
    assert made == pytest.approx(real, abs=0.15)


def test_one_plan_says_all_releases():
    table, schema = twins(3_000, 3, "number")
    fitted = DPMixtureSynthesizer(schema=schema, random_state=1).fit(table)
    planned = [line.name for line in fitted.plan().releases]
    assert planned == [entry.name for entry in fitted.ledger_.entries]
    assert planned[2] == "second moments of scores"
    assert fitted.ledger_.shares() == pytest.approx([line.share for line in fitted.plan().releases])
