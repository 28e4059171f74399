"""`fit` says where noise hides the table, in words that follow from released numbers."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    SyntheticDataWarning,
    TableSchema,
)

METHODS = [DPMixtureSynthesizer, NapsuMQSynthesizer, ClustMixSynthesizer]
HIDES = "The noise hides much of this table"


def make_table(n_rows, n_numbers, n_levels=(), seed=0):
    rng = np.random.default_rng(seed)
    columns = {f"m{j}": rng.normal(50, 5, n_rows) for j in range(n_numbers)}
    kinds = {name: Continuous(0, 100) for name in columns}
    for j, size in enumerate(n_levels):
        columns[f"k{j}"] = rng.integers(0, size, n_rows)
        kinds[f"k{j}"] = Categorical(list(range(size)))
    return pd.DataFrame(columns), TableSchema(kinds)


def messages(method, table, schema, **parameters):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        method(schema=schema, random_state=0, **parameters).fit(table)
    return [str(w.message) for w in caught if issubclass(w.category, SyntheticDataWarning)]


@pytest.mark.parametrize("method", METHODS)
def test_few_rows_of_many_columns_are_told_once(method):
    table, schema = make_table(176, 20, [4] * 30)
    told = messages(method, table, schema)
    assert [text.startswith(HIDES) for text in told] == [True]
    for word in ("50 columns", "epsilon=1", "fewer columns", "larger epsilon", "coarser"):
        assert word in told[0]
    assert "176" not in told[0]


@pytest.mark.parametrize("method", METHODS)
def test_tables_of_enough_rows_are_not(method):
    table, schema = make_table(2000, 3, [2, 5])
    assert messages(method, table, schema) == []


def test_more_budget_is_enough_and_without_noise_there_is_none():
    table, schema = make_table(200, 20, [4] * 20)
    assert messages(DPMixtureSynthesizer, table, schema)
    assert messages(DPMixtureSynthesizer, table, schema, epsilon=20.0) == []
    assert messages(DPMixtureSynthesizer, table, schema, epsilon=float("inf")) == []


@pytest.mark.parametrize("method", METHODS)
def test_levels_of_few_rows_are_told_by_the_column(method):
    table, schema = make_table(3000, 1, [2, 1500])
    told = messages(method, table, schema)
    assert len(told) == 1
    assert "'k1'" in told[0]
    assert "'k0'" not in told[0]
    assert "coarser" in told[0]


def test_the_words_do_not_depend_on_the_rows_beyond_the_noisy_count():
    first, schema = make_table(150, 30, seed=1)
    second = first * 0 + 17.0
    told = [messages(NapsuMQSynthesizer, table, schema) for table in (first, second)]
    assert told[0] == told[1]


def test_dependence_that_a_mixture_cannot_keep_is_told():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(20_000, 18))
    values = np.hstack([shared, shared + 0.5 * rng.normal(size=shared.shape)])
    table = pd.DataFrame(np.clip(values, -5, 5), columns=[f"c{j}" for j in range(36)])
    schema = TableSchema({name: Continuous(-5, 5) for name in table})
    (told,) = messages(DPMixtureSynthesizer, table, schema)
    assert told.startswith("The mixture keeps about")
    assert "NapsuMQSynthesizer" in told
    few = schema.select(["c0", "c1", "c18"])
    assert messages(DPMixtureSynthesizer, table[list(few.names)], few) == []
