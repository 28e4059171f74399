import math
from dataclasses import replace

import numpy as np
import pytest

from skdpsynth.benchmark._measure import Run, measure
from skdpsynth.benchmark._memory import peak_memory, reset_peak, resident_memory
from skdpsynth.benchmark._table import BenchmarkTable, split_rows
from skdpsynth.metrics import marginal_tvd

from .stand_ins import Constant, Copies, Failing, Narrow, Shuffled, TooFew


@pytest.fixture
def table(rows, schema):
    return BenchmarkTable("patients", rows, schema)


@pytest.fixture
def run():
    return Run(
        name="copies",
        method=Copies,
        epsilon=1.0,
        seed=0,
        delta=None,
        scorers={"logistic": "logistic"},
        test_size=0.25,
        max_train_rows=None,
        n_bins=20,
        edges=None,
        max_marginals=1000,
        max_columns=100,
    )


def test_copies_lose_nothing(run, table):
    row = measure(run, table)
    real = measure(replace(run, name="real", method=None, epsilon=math.nan), table)
    assert (row["status"], row["reason"], row["warnings"]) == ("ok", "", "")
    assert (row["n_train"], row["n_test"], row["delta"]) == (300, 100, 1 / 300)
    assert row["one_way_tvd"] == row["two_way_tvd"] == row["three_way_tvd"] == 0
    for score in ("logistic_auc", "logistic_accuracy"):
        assert row[score] == real[score]
    # the bootstrap is not the rows
    assert 0 < real["one_way_tvd"] < real["two_way_tvd"] < real["three_way_tvd"] < 1
    assert "fit_seconds" not in real


def test_constant_rows_lose_everything(run, table):
    row = measure(replace(run, method=Constant, delta=1e-4), table)
    assert row["status"] == "ok"
    assert row["logistic_auc"] == 0.5
    assert row["delta"] == 1e-4
    assert "SyntheticDataWarning: The training rows lack 1 of 2 classes" in row["warnings"]
    train, _ = split_rows(table, 0, 0.25, None)
    synthetic = train.iloc[[0] * 300].reset_index(drop=True)
    for order, name in ((1, "one_way_tvd"), (3, "three_way_tvd")):
        assert row[name] == marginal_tvd(train, synthetic, table.schema, order)


def test_costs_are_measured(run, table):
    row = measure(replace(run, method=Shuffled), table)
    assert row["warnings"] == "UserWarning: shuffled rows"
    for name in ("fit_seconds", "fit_cpu_seconds", "sample_seconds", "measure_seconds"):
        assert 0 <= row[name] < 60
    assert row["peak_memory_mb"] >= row["memory_before_mb"] * 0.99 > 10
    assert math.isnan(row["epsilon_spent"])
    assert row["one_way_tvd"] == 0 < row["two_way_tvd"]


def test_what_was_spent(run, table):
    class Spending(Copies):
        def fit(self, X):
            self.privacy_spent_ = type("Spent", (), {"epsilon": 0.9, "delta": 1e-5})
            return super().fit(X)

    row = measure(replace(run, method=Spending), table)
    assert (row["epsilon_spent"], row["delta_spent"]) == (0.9, 1e-5)


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (Failing, "fit: RuntimeError: no rows, no fit"),
        (TooFew, "sample: ValueError: 300 rows were asked for, 299 were drawn"),
        (Narrow, "sample: ValueError: the synthetic rows lack the columns ['city']"),
        (lambda schema: schema["nothing"], "make: SchemaError: The schema has no column"),
    ],
)
def test_failures_are_rows(run, table, method, reason):
    row = measure(replace(run, method=method), table)
    assert row["status"] == "failed"
    assert row["reason"].startswith(reason)
    assert row["n_train"] == 300
    assert "one_way_tvd" not in row


def test_long_reasons_are_cut(run, table):
    class Verbose(Copies):
        def fit(self, X):
            raise ValueError("many words " * 100)

    reason = measure(replace(run, method=Verbose), table)["reason"]
    assert len(reason) == 300
    assert reason.endswith("…")


def test_what_could_be_measured_is_kept(run, table):
    class Unknown(Copies):
        def sample(self, n_samples):
            return super().sample(n_samples).assign(city="Paris")

    row = measure(replace(run, method=Unknown), table)
    assert row["status"] == "failed"
    assert row["reason"].startswith("one_way_tvd: TableMismatchError: Column 'city'")
    assert row["fit_seconds"] >= 0
    assert "logistic_auc" not in row


def test_arrays_are_synthetic_rows_too(run, table):
    class Arrays(Copies):
        def sample(self, n_samples):
            return super().sample(n_samples).to_numpy(dtype=object)

    row = measure(replace(run, method=Arrays), table)
    assert (row["status"], row["two_way_tvd"]) == ("ok", 0)


def test_few_columns_of_wide_tables_and_few_marginals(run, table):
    row = measure(replace(run, method=Constant, max_columns=3), table)
    train, _ = split_rows(table, 0, 0.25, None)
    synthetic = train.iloc[[0] * 300].reset_index(drop=True)
    triples = [
        marginal_tvd(train, synthetic, table.schema.select([*pair, "ill"]), 3)
        for pair in (("age", "weight"), ("age", "city"), ("weight", "city"))
    ]
    assert row["three_way_tvd"] in triples
    assert (
        measure(replace(run, method=Constant, max_columns=3), table)["three_way_tvd"]
        == (row["three_way_tvd"])
    )
    one = measure(replace(run, method=Constant, max_marginals=1), table)
    assert one["two_way_tvd"] == marginal_tvd(
        train, synthetic, table.schema, 2, max_marginals=1, random_state=0
    )


def test_bins_and_edges(run, table):
    shift = lambda rows: rows.assign(age=(rows["age"] + 10) % 100)  # noqa: E731

    class Shifted(Copies):
        def sample(self, n_samples):
            return shift(super().sample(n_samples))

    shifted = replace(run, method=Shifted)
    assert measure(shifted, table)["one_way_tvd"] > 0
    assert measure(replace(shifted, edges={"age": [0, 100]}), table)["one_way_tvd"] == 0
    assert measure(shifted, replace(table, edges={"age": [0, 100]}))["one_way_tvd"] == 0
    assert measure(replace(shifted, n_bins=1), table)["one_way_tvd"] == 0


def test_two_columns_have_no_triples(run, table):
    narrow = replace(
        table, frame=table.frame[["age", "ill"]], schema=table.schema.select(["age", "ill"])
    )
    row = measure(run, narrow)
    assert row["status"] == "ok"
    assert "three_way_tvd" not in row


def test_peak_memory_is_that_since_the_reset():
    if math.isnan(resident_memory()):
        pytest.skip("this system does not say what a process has resident")
    reset_peak()
    before = peak_memory()
    block = np.ones(20_000_000)
    during = peak_memory()
    del block
    assert 150 < during - before < 250
    reset_peak()
    assert peak_memory() < during - 100
