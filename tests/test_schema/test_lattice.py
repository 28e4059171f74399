import itertools
import json
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth.exceptions import SchemaError, TableMismatchError
from skdpsynth.preprocessing import BoundedDiscretizer, TableEncoder
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema
from skdpsynth.schema._bins import bin_codes, bin_values, in_steps, make_edges
from skdpsynth.schema._codes import encode_column
from skdpsynth.schema._formats import TableFormat
from skdpsynth.schema._frames import decode_table, encode_table

MONEY = Continuous(-5, 99.95, decimals=2)
NICKELS = Continuous(0, 99.95, step=0.05)
ODD = Count(1, 99, step=2)


def can_take(kind, values):
    """Whether each float is the one that a person would write."""
    decimals = kind.lattice.decimals
    steps = np.rint((values - kind.low) / kind.lattice.step)
    texts = {f"{kind.low + k * kind.lattice.step:.{decimals}f}" for k in steps}
    return {float(text) for text in texts} == set(np.asarray(values, float).tolist())


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        (MONEY, "Continuous(-5.0, 99.95, decimals=2)"),
        (NICKELS, "Continuous(0.0, 99.95, step=0.05)"),
        (Continuous(0, 3, decimals=0), "Continuous(0.0, 3.0, decimals=0)"),
        (
            Continuous(0, 1, decimals=2, step=0.25, nullable=True),
            "Continuous(0.0, 1.0, decimals=2, step=0.25, nullable=True)",
        ),
        (ODD, "Count(1, 99, step=2)"),
        (Count(1, 9, step=1), "Count(1, 9)"),
        (Count(0, 10, step=5.0), "Count(0, 10, step=5)"),
    ],
)
def test_fields_are_shown_pickled_and_written_to_json(kind, shown):
    assert repr(kind) == shown
    assert eval(shown) == kind
    assert pickle.loads(pickle.dumps(kind)) == kind
    schema = TableSchema({"x": kind})
    assert TableSchema.from_json(schema.to_json()) == schema


def test_kinds_with_other_steps_are_unequal():
    kinds = [Continuous(0, 1), Continuous(0, 1, decimals=2), Continuous(0, 1, step=0.01)]
    kinds += [Count(0, 10), Count(0, 10, step=5)]
    assert all(left != right for left, right in itertools.combinations(kinds, 2))


def test_a_schema_without_steps_is_written_as_before():
    column = json.loads(TableSchema({"x": Continuous(0, 1)}).to_json())["columns"][0]
    assert column == {"name": "x", "kind": "continuous", "nullable": False, "low": 0, "high": 1}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Continuous(0, 0.125, decimals=2), "high=0.125 has more than decimals=2"),
        (lambda: Continuous(0.001, 1, decimals=2), "low=0.001 has more than decimals=2"),
        (lambda: Continuous(0, 1, decimals=1, step=0.25), "step=0.25 has more than decimals=1"),
        (lambda: Continuous(0, 1, step=0.3), "not a whole number of steps.*0.9 or 1.2"),
        (lambda: Continuous(0, 1, step=2), "not a whole number of steps"),
        (lambda: Count(0, 10, step=3), "not a whole number of steps.*9 or 12"),
        (lambda: Count(0, 10, step=2.5), "step must be an integer"),
        (lambda: Count(0, 10, step=0.5), "step must be an integer"),
        (lambda: Continuous(0, 1, step=0), "step must be a positive number"),
        (lambda: Continuous(0, 1, step=-0.1), "step must be a positive number"),
        (lambda: Continuous(0, 1, step=np.inf), "step must be a positive number"),
        (lambda: Continuous(0, 1, step=True), "step must be a positive number"),
        (lambda: Continuous(0, 1, step="0.1"), "step must be a positive number"),
        (lambda: Continuous(0, 1, decimals=-2), "from 0 to 15.*use step"),
        (lambda: Continuous(0, 1, decimals=16), "from 0 to 15"),
        (lambda: Continuous(0, 1, decimals=True), "decimals must be a whole number"),
        (lambda: Continuous(0, 1, decimals=1.5), "decimals must be a whole number"),
        (lambda: Continuous(0, 1e9, decimals=15), "finer than a float can tell apart"),
        (lambda: Continuous(1e15, 1e15 + 1, step=0.1), "finer than a float can tell apart"),
    ],
)
def test_fields_that_contradict_the_bounds_are_errors(make, message):
    with pytest.raises(SchemaError, match=message):
        make()


def test_json_with_impossible_fields_is_an_error_that_says_where():
    column = {"name": "n", "kind": "count", "low": 0, "high": 9}
    document = {"format": "skdpsynth-schema", "version": 1}
    for extra, message in (({"step": 4}, "whole number of steps"), ({"decimals": 1}, "unknown")):
        text = json.dumps({**document, "columns": [{**column, **extra}]})
        with pytest.raises(SchemaError, match=rf"columns\[0\] \('n'\).*{message}"):
            TableSchema.from_json(text)
    real = {**column, "kind": "continuous", "decimals": None, "step": None}
    assert TableSchema.from_json(json.dumps({**document, "columns": [real]}))["n"] == Continuous(
        0, 9
    )


@pytest.mark.parametrize("kind", [MONEY, NICKELS, Continuous(-0.3, 0.3, decimals=1), ODD])
def test_snapped_values_are_what_a_person_would_write(kind):
    values = np.random.default_rng(0).uniform(kind.low, kind.high, 5_000)
    snapped = kind.snap(values)
    assert can_take(kind, snapped)
    assert np.abs(snapped - values).max() <= 0.5 * kind.lattice.step * (1 + 1e-9)
    assert snapped.min() >= kind.low
    assert snapped.max() <= kind.high
    assert not (np.signbit(snapped) & (snapped == 0)).any()
    assert_array_equal(kind.snap(snapped), snapped)
    assert_array_equal(
        kind.snap(np.array([kind.low, kind.high, np.nan]))[:2], [kind.low, kind.high]
    )


def test_a_step_without_a_finite_decimal_reaches_its_bounds():
    kind = Continuous(0, 1, step=1 / 3)
    assert kind.n_steps == 3
    assert_allclose(kind.snap(np.array([0.3, 0.7, 0.99])), [1 / 3, 2 / 3, 1])


def test_values_between_are_moved_as_values_beyond_the_bounds_are():
    column = pd.Series([0.1, 0.13, 120.0, -4.0])
    codes = encode_column(column, NICKELS, "x")
    assert_allclose(codes * 99.95, [0.1, 0.15, 99.95, 0], atol=1e-12)
    assert_allclose(encode_column(pd.Series([2, 98]), ODD, "n") * 98, [0, 96], atol=1e-12)


@pytest.mark.parametrize("dtype", ["float64", "Float64", "object"])
def test_tables_come_back_with_their_decimals(dtype):
    schema = TableSchema({"bill": MONEY, "n": ODD})
    frame = pd.DataFrame({"bill": pd.Series([0.1, 12.34, 99.95]).astype(dtype), "n": [1, 51, 99]})
    encoder = TableEncoder(schema).fit(frame)
    back = encoder.inverse_transform(encoder.transform(frame))
    assert back["n"].tolist() == [1, 51, 99]
    assert can_take(MONEY, back["bill"].to_numpy(float))
    assert back["bill"].tolist() == [0.1, 12.34, 99.95]


def test_any_code_decodes_to_a_possible_value():
    schema = TableSchema({"bill": MONEY, "price": NICKELS, "n": ODD})
    codes = np.random.default_rng(0).uniform(-0.01, 1.01, (2_000, 3))
    table_format = TableFormat("pandas", schema.names, tuple(map(np.dtype, ("f8", "f8", "i8"))))
    table = decode_table(codes, schema, table_format)
    for name, kind in schema.columns.items():
        assert can_take(kind, table[name].to_numpy(float)), name
        assert table[name].between(kind.low, kind.high).all()
    again = encode_table(table, schema)
    assert decode_table(again, schema, table_format).equals(table)


@pytest.mark.parametrize("kind", [MONEY, NICKELS, ODD, Continuous(0.5, 5, step=0.5)])
@pytest.mark.parametrize("strategy", ["uniform", "log"])
@pytest.mark.parametrize("n_bins", [1, 7, 40])
def test_bins_never_split_a_value(kind, strategy, n_bins):
    edges = make_edges(kind, n_bins, strategy)
    assert (np.diff(edges) > 0).all()
    assert len(edges) - 1 <= min(n_bins, kind.n_steps + 1)
    possible = kind.snap(kind.low + np.arange(kind.n_steps + 1) * kind.lattice.step)
    codes = bin_codes(possible, edges)
    assert set(codes) == set(range(len(edges) - 1))
    for generator in (None, np.random.default_rng(0)):
        values = kind.snap(bin_values(codes, edges, kind, "x", generator))
        assert can_take(kind, values)
        assert_array_equal(bin_codes(values, edges), codes)
    assert_array_equal(in_steps(possible, kind), np.arange(kind.n_steps + 1))


def test_edges_between_which_no_value_lies_are_errors():
    schema = TableSchema({"x": Continuous(0, 1, step=0.25)})
    frame = pd.DataFrame({"x": [0.0, 1.0]})
    with pytest.raises(SchemaError, match=r"No possible value lies between the edges 0.3 and 0.4"):
        BoundedDiscretizer(schema, edges={"x": [0, 0.3, 0.4, 1]}).fit(frame)


def test_a_discretizer_gives_possible_values_back():
    schema = TableSchema({"x": MONEY})
    frame = pd.DataFrame({"x": MONEY.snap(np.random.default_rng(0).uniform(-5, 99.95, 200))})
    discretizer = BoundedDiscretizer(schema, n_bins=6, random_state=0).fit(frame)
    bins = discretizer.transform(frame)
    back = discretizer.inverse_transform(bins)
    assert can_take(MONEY, back["x"].to_numpy())
    assert discretizer.transform(back).equals(bins)
    narrow = BoundedDiscretizer(schema, bounds={"x": (0, 50)}, random_state=0).fit(frame)
    assert can_take(Continuous(0, 50, decimals=2), narrow.inverse_transform(bins)["x"].to_numpy())
    with pytest.raises(SchemaError, match=r"Column 'x'.*more than decimals=2"):
        BoundedDiscretizer(schema, bounds={"x": (0, 50.001)}).fit(frame)


def test_bought_schemas_declare_decimals_and_buy_none():
    frame = pd.DataFrame({"bill": np.full(500, 1.25), "n": np.full(500, 5)})
    schema = TableSchema.from_private(
        frame, epsilon=50, delta=1e-5, kinds={"bill": MONEY}, random_state=0
    )
    assert schema["bill"] == MONEY
    assert schema["n"].step is None
    bought = TableSchema.from_private(frame, epsilon=50, delta=1e-5, random_state=0)
    assert bought["bill"].n_steps is None


def test_a_condition_between_two_values_is_an_error():
    from skdpsynth._reading import encode_conditions

    schema = TableSchema({"x": NICKELS, "n": ODD, "y": Categorical(["a", "b"])})
    assert_allclose(encode_conditions({"x": 0.15, "n": 3}, schema)[0], 0.15 / 99.95)
    for name, value, nearest in (("x", 0.17, "0.15"), ("n", 4, "5")):
        with pytest.raises(TableMismatchError, match=rf"'{name}'.*nearest value is {nearest}"):
            encode_conditions({name: value}, schema)
