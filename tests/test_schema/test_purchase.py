import io
import math
import pickle
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    Ordinal,
    SchemaError,
    TableMismatchError,
    TableSchema,
)
from skdpsynth.privacy import NoiseSource
from skdpsynth.schema._purchase import EXPONENTS, FALSE_CELL_PROBABILITY, _count_cells, _edges

ADJACENCIES = ["add_remove", "replace_one"]
INF = math.inf


def make_table(n=4000, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "wage": rng.lognormal(3, 1, n),
            "change": rng.normal(0, 10, n),
            "visits": rng.poisson(2, n),
            "region": rng.choice(["north", "south", "west"], n, p=[0.6, 0.3, 0.1]),
            "code": rng.choice([3, 7, 11], n, p=[0.5, 0.3, 0.2]),
            "ill": rng.random(n) < 0.3,
        }
    )


@pytest.fixture(scope="module")
def table():
    return make_table()


def buy(frame, epsilon=1.0, delta=1e-6, kinds=None, random_state=0, **options):
    return TableSchema.from_private(
        frame, epsilon, delta, kinds, random_state=random_state, **options
    )


def column(values, **options):
    """Buy the kind of a single column without noise."""
    return buy(pd.DataFrame({"x": values}), INF, nullable=False, **options)["x"]


def test_schema_of_a_large_table():
    frame = make_table(200_000)
    frame["wage"] = frame["wage"].clip(1.5, 900)
    frame["visits"] = frame["visits"].clip(upper=9)
    schema = buy(frame, 5.0, kinds={"code": "categorical"}, target="ill")
    assert schema.target == "ill"
    assert schema.names == tuple(frame.columns)
    assert schema["wage"] == Continuous(1, 1024, nullable=True)
    assert schema["change"] == Continuous(-64, 64, nullable=True)
    assert schema["visits"] == Count(0, 15, nullable=True)
    regions = ["north", "south", "west", "(other)"]
    assert schema["region"] == Categorical(regions, other="(other)", nullable=True)
    assert schema["code"] == Categorical([3, 7, 11], other=3, nullable=True)
    assert schema["ill"] == Categorical([False, True], nullable=True)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize(("epsilon", "delta"), [(0.2, 1e-5), (1.0, 1e-6), (20.0, 1e-9)])
def test_the_budget_is_used_and_not_exceeded(table, adjacency, epsilon, delta):
    for frame in (table, table[["region"]], table[["wage"]]):
        spent = buy(frame, epsilon, delta, adjacency=adjacency).ledger.spent()
        assert 0.98 * epsilon < spent.epsilon <= epsilon
        assert (spent.delta, spent.adjacency) == (delta, adjacency)
        assert not spent.is_private  # the seed


def test_noise_from_the_system_is_private(table):
    assert TableSchema.from_private(table, 1.0, 1e-6).ledger.spent().is_private


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_noise_drawn_is_what_the_ledger_says(table, adjacency, monkeypatch):
    draws = []
    rounded_gaussian = NoiseSource.rounded_gaussian

    def spy(self, scale, size):
        draws.append((scale, int(np.prod(size))))
        return rounded_gaussian(self, scale, size)

    monkeypatch.setattr(NoiseSource, "rounded_gaussian", spy)
    ledger = buy(table, kinds={"code": "categorical"}, adjacency=adjacency).ledger
    failure, levels, cells = ledger.entries
    n_columns, factor = 5, 1 if adjacency == "add_remove" else 2
    mu = math.hypot(levels.event.mu, cells.event.mu)
    scale = math.sqrt(n_columns * factor) / mu
    assert levels.noise_scale == pytest.approx(scale, rel=1e-12)
    assert cells.noise_scale == pytest.approx(scale, rel=1e-12)
    assert draws == [
        (levels.noise_scale, 3),  # the levels that occur: private, and not in the ledger
        (levels.noise_scale, 3),
        (cells.noise_scale, cells.n_coordinates),
    ]
    assert cells.n_coordinates == 2 * 169 + 107
    assert levels.n_coordinates == 2 * factor
    assert 0 < failure.event.delta < 0.26e-6


def test_ledger_is_the_same_for_tables_of_equal_columns(table):
    other = table.assign(region=np.arange(len(table)).astype(str), wage=0.0, change=-1.0)
    other.loc[:2000, "region"] = "somewhere"
    assert buy(table).ledger == buy(other.iloc[:3000]).ledger


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_a_level_of_one_row_is_not_released(adjacency):
    """500 purchases at δ = 1e-6 release it with probability below 500 · 2.6e-7 = 1.3e-4."""
    frame = pd.DataFrame({"region": ["north"] * 400 + ["canary"], "code": [1] * 400 + [2**40]})
    for seed in range(500):
        schema = buy(frame, kinds={"code": "categorical"}, adjacency=adjacency, random_state=seed)
        assert schema["region"].levels == ("north", "(other)")
        assert schema["code"].levels == (1,)


def test_nothing_of_a_single_row_is_left(table):
    frame = table.copy()
    frame.loc[7, ["wage", "region", "code"]] = [123456.789, "canary", 424242]
    schema = buy(frame, kinds={"code": "categorical"}, nullable=["wage"])
    for text in (repr(schema), schema.to_json(), repr(schema.ledger), repr(vars(schema))):
        for canary in ("canary", "424242", "123456", "131072"):
            assert canary not in text
    assert b"canary" not in pickle.dumps(schema)
    # the exact numbers of rows, or of a level's rows, are nowhere
    counts = {len(frame), *frame["region"].value_counts(), *frame["code"].value_counts()}
    ledger = schema.ledger.to_frame().select_dtypes("number").to_numpy().ravel()
    assert {count for count in counts if count > 1}.isdisjoint(ledger)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_bounds_cover_what_is_frequent(adjacency):
    """Values in 8 cells of 1000 rows each: a cell is missed with probability below 1e-9."""
    values = np.repeat([-40.0, -20.0, -9.0, 0.0, 1.5, 3.0, 70.0, 150.0], 1000)
    frame = pd.DataFrame({"x": values, "y": -values, "z": np.round(values)})
    for seed in range(20):
        schema = buy(frame, kinds={"z": Count}, adjacency=adjacency, random_state=seed)
        scale = schema.ledger.entries[-1].noise_scale
        least = 1 + scale * stats.norm.isf(FALSE_CELL_PROBABILITY / (2 * 169 + 107))
        assert stats.norm.sf((1000 - least) / scale) < 1e-9
        # false-alarm rate of an empty cell that passes: 20 · 1e-4
        assert schema["x"] == Continuous(-64, 256, nullable=True)
        assert schema["y"] == Continuous(-256, 64, nullable=True)
        assert schema["z"] == Count(-63, 255, nullable=True)


@pytest.mark.parametrize("kind", [Continuous, Count])
def test_cells_agree_with_their_edges(kind):
    exponents = EXPONENTS[kind]
    n = len(exponents)
    rng = np.random.default_rng(1)
    magnitudes = 2.0 ** rng.uniform(exponents.start, exponents.stop, 2000)
    values = rng.choice([-1, 1], 2000) * magnitudes
    values = np.concatenate([values, [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 2.0**30, 2.0**30 - 1]])
    values = np.round(values) if kind is Count else values
    for value in values:
        (cell,) = np.flatnonzero(_count_cells(np.array([value]), exponents))
        low, high = _edges(int(cell), kind)
        assert low <= value <= high
    edges = [_edges(cell, kind) for cell in range(2 * n + 1)]
    gap = 1 if kind is Count else 0
    gaps = [low - high for (_, high), (low, _) in pairwise(edges)]
    assert gaps == [gap] * (2 * n)
    assert edges[n] == (0.0, 0.0)


def test_numbers_beyond_all_cells_are_in_the_outermost():
    assert column([1e-300, 5e-324, 1.0]) == Continuous(0, 2)
    assert column([-1e-300]) == Continuous(-(2.0**-31), 0)
    assert column([1e300, -1e300]) == Continuous(-(2.0**52), 2.0**52)
    assert column([2**62, -(2**62)]) == Count(-(2**53), 2**53)
    assert column([2**53 - 1, 1]) == Count(1, 2**53)


def test_a_single_value_gets_a_range():
    assert column([0.0, 0.0]) == Continuous(0, 1)
    assert column([0, 0]) == Count(0, 1)
    assert column([1, 1]) == Count(1, 2)
    assert column([-1, -1]) == Count(-1, 0)
    assert column([-3, -2]) == Count(-3, -2)
    assert column([4.5, 4.5]) == Continuous(4, 8)
    assert str(column([-0.25]).high) == "-0.25"
    assert str(column([-1e-12]).high) == "0.0"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2], Count),
        (pd.array([1, None], dtype="Int64"), Count),
        (np.array([1, 2], dtype=np.uint64), Count),
        ([1.0, 2.0], Continuous),
        (pd.array([1, None], dtype="Float32"), Continuous),
        (["a", "b"], Categorical),
        (pd.Categorical(["a", None]), Categorical),
        (pd.Categorical(["a"], ordered=True), Categorical),
        (np.array([1, 2], dtype=object), Categorical),
        ([True, True], Categorical),
    ],
)
def test_the_dtype_decides_unless_kinds_does(values, kind):
    frame = pd.DataFrame({"x": values})
    assert type(buy(frame, INF)["x"]) is kind


def test_kinds_are_names_classes_or_whole_kinds():
    frame = pd.DataFrame({"a": [1, 2], "b": [1, 2], "c": [1, 2], "d": [1.0, None], "e": ["2", "1"]})
    public = Ordinal(["2", "1", "0"])
    kinds = {"a": "ordinal", "b": Continuous, "c": Count(0, 120), "d": "count", "e": public}
    schema = buy(frame, INF, kinds=kinds)
    assert schema["a"] == Ordinal([1, 2], other=1, nullable=True)
    assert schema["b"] == Continuous(1, 4, nullable=True)
    assert schema["c"] == Count(0, 120)
    assert schema["d"] == Count(1, 2, nullable=True)
    assert schema["e"] is public


def test_declared_and_boolean_columns_cost_nothing(table):
    schema = buy(table[["ill"]], kinds={"ill": "ordinal"})
    assert schema["ill"] == Ordinal([False, True], nullable=True)
    assert schema.ledger.entries == ()
    assert schema.ledger.spent().epsilon == 0.0
    # and the noise of the others is that of one column
    alone, beside = (buy(frame).ledger for frame in (table[["wage"]], table[["wage", "ill"]]))
    assert alone == beside


def test_levels_that_are_equal_are_one_level_by_frequency():
    """Which of 1, 1.0 and True stands first in the table is a matter of one row."""
    values = [True, 1.0, *[1] * 10, *[0.0] * 5, -0.0, *["1"] * 3]
    for order in (values, values[::-1]):
        kind = column(np.array(order, dtype=object))
        assert kind.levels == (0.0, 1, "1", "(other)")
        assert [type(level) for level in kind.levels[:2]] == [float, int]
        assert str(kind.levels[0]) == "0.0"


def test_levels_are_python_objects_of_their_own():
    class Text(str):
        __slots__ = ()

    kind = column(np.array([Text("a"), np.str_("b"), np.int64(2), np.float32(0.5)], dtype=object))
    assert [type(level) for level in kind.levels] == [float, int, str, str, str]


def test_strings_get_a_level_for_the_rest_and_numbers_the_most_frequent():
    assert column(["b", "a"]).levels == ("a", "b", "(other)")
    taken = column(["(other)", "a"])
    assert taken.levels == ("(other)", "a", "(other 2)")
    assert taken.other == "(other 2)"
    assert column([5, 9, 9, 7], kinds={"x": "categorical"}).other == 9
    assert column(np.array([True, True], dtype=object)) == Categorical([False, True], other=True)
    assert column([0.5, 2.0, 2.0], kinds={"x": "ordinal"}) == Ordinal([0.5, 2.0], other=2.0)


def test_nullability(table):
    frame = table.assign(wage=table["wage"].where(table["wage"] > 10))
    kinds = {"visits": Count(0, 9)}
    schema = buy(frame, kinds=kinds)
    assert [kind.nullable for kind in schema.columns.values()] == [True, True, False, *[True] * 3]
    schema = buy(frame, kinds=kinds, nullable=["wage"])
    assert [kind.nullable for kind in schema.columns.values()] == [True, *[False] * 5]
    with pytest.raises(TableMismatchError, match=r"'wage' holds a missing value.*nullable=True"):
        buy(frame, nullable=False)


def test_missing_values_are_in_no_cell():
    frame = pd.DataFrame({"x": [3.0, None, None], "y": ["a", None, "b"]})
    schema = buy(frame, INF)
    assert schema["x"] == Continuous(2, 4, nullable=True)
    assert schema["y"].levels == ("a", "b", "(other)")


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_a_seed_fixes_the_schema_whatever_the_order_of_rows(table, adjacency):
    kinds = {"code": "categorical"}
    schema = buy(table, 0.3, kinds=kinds, adjacency=adjacency, random_state=3)
    again = buy(table.iloc[::-1], 0.3, kinds=kinds, adjacency=adjacency, random_state=3)
    assert schema == again


def test_without_noise_everything_that_occurs_is_kept():
    frame = pd.DataFrame({"x": [0.1, 5e4], "y": ["a", "b"]})
    schema = buy(frame, INF, random_state=None)
    assert schema["x"] == Continuous(0.0625, 65536, nullable=True)
    assert schema["y"].levels == ("a", "b", "(other)")
    assert not schema.ledger.spent().is_private


def test_containers():
    rng = np.random.default_rng(2)
    array = buy(rng.normal(size=(5000, 2)), 5.0)
    assert array.names == ("x0", "x1")
    text = pd.read_csv(io.StringIO("s\n" + "a\n" * 9), dtype_backend="numpy_nullable")
    assert buy(text, INF)["s"].levels == ("a", "(other)")
    category = pd.DataFrame({"s": pd.Categorical(["a"] * 9, categories=["b", "a", "unused"])})
    assert buy(category, INF)["s"].levels == ("a", "(other)")


def test_a_column_without_frequent_values_is_named_with_the_way_out(table):
    frame = table.assign(
        id=[f"person {i}" for i in range(len(table))], far=2.0 ** (table.index % 50)
    )
    with pytest.raises(
        SchemaError, match=r"Nothing in \['id', 'far'\] is frequent enough"
    ) as error:
        buy(frame, 0.1)
    message = str(error.value)
    assert "Drop an identifier" in message
    assert "The budget of this attempt is spent" in message
    assert "person" not in message
    assert str(len(table)) not in message
    assert error.value.__context__ is None
    # the message is the same for another table of these columns
    other = frame.assign(id=[f"other {i}" for i in range(len(table))]).iloc[:-100]
    with pytest.raises(SchemaError) as again:
        buy(other, 0.1)
    assert str(again.value) == message


def test_a_budget_too_small_for_counts(table):
    with pytest.raises(ValueError, match="use a larger epsilon"):
        buy(table[["region"]], 1e-11, 1e-12)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        (
            {"kinds": {"shoe": "count"}},
            SchemaError,
            r"kinds names \['shoe'\], which are not columns",
        ),
        (
            {"kinds": {"wage": "number"}},
            SchemaError,
            "kinds has 'number' for column 'wage'; use one",
        ),
        ({"kinds": {"wage": 3}}, SchemaError, "kinds has 3"),
        ({"kinds": ["wage"]}, SchemaError, "kinds must map column names"),
        ({"kinds": {"region": "count"}}, TableMismatchError, "'region' is numeric in its schema"),
        ({"kinds": {"wage": "count"}}, TableMismatchError, "which is not an integer"),
        ({"nullable": ["shoe"]}, SchemaError, r"nullable names \['shoe'\]"),
        ({"nullable": "wage"}, SchemaError, "nullable must be True, False or a list"),
        ({"target": "shoe"}, SchemaError, "The target 'shoe' is not a column"),
        ({"epsilon": 0.0}, ValueError, "epsilon=0.0"),
        ({"delta": 0.0}, ValueError, "delta=0.0"),
        ({"adjacency": "swap"}, ValueError, "adjacency='swap'"),
        ({"random_state": -1}, ValueError, "random_state"),
    ],
)
def test_bad_arguments_spend_nothing(table, options, error, match, monkeypatch):
    monkeypatch.setattr(NoiseSource, "rounded_gaussian", None)
    with pytest.raises(error, match=match):
        buy(table, **options)


@pytest.mark.parametrize(
    ("values", "match"),
    [
        (pd.to_datetime(["2020-01-01"]), r"'x' has dtype datetime64.*dt.year"),
        (["a", (1, 2)], r"holds \(1, 2\) \(tuple\), but a level must be a string"),
        (np.array(["a", INF], dtype=object), r"holds inf \(float\), but a level"),
        ([1.0, INF], "holds an infinite value"),
        (np.array([1 + 2j]), "Complex data"),
    ],
)
def test_values_of_no_kind(values, match):
    with pytest.raises(TableMismatchError, match=match):
        buy(pd.DataFrame({"x": values}))


def test_the_ledger_is_not_part_of_the_schemas_value(table):
    schema = buy(table, kinds={"code": "categorical"})
    plain = TableSchema({name: eval(repr(kind)) for name, kind in schema.columns.items()})
    assert plain.ledger is None
    assert plain.bought_with == ()
    assert schema == plain
    assert hash(schema) == hash(plain)
    assert repr(schema) == repr(plain)
    assert TableSchema.from_json(schema.to_json()).ledger is None


def test_what_is_made_from_a_bought_schema_keeps_its_ledger(table):
    schema = buy(table)
    derived = [
        schema.select(["wage", "code"]),
        schema.drop("wage"),
        schema.with_target("ill"),
        schema.replace({"visits": Count(0, 50)}),
        deepcopy(schema),
        pickle.loads(pickle.dumps(schema)),
    ]
    assert all(one.ledger == schema.ledger for one in derived)


def test_a_fit_says_that_its_schema_was_bought(table):
    schema = TableSchema.from_private(table, 1.0, 1e-6, {"code": "categorical"}, target="ill")
    synthesizer = DPMixtureSynthesizer(schema=schema, n_components=2).fit(table)
    spent = synthesizer.privacy_spent_
    assert spent.is_private
    assert any("were bought for epsilon=0.99" in note for note in spent.notes)
    sample = synthesizer.sample(50, random_state=0)
    assert list(sample) == list(table)
    baseline = buy(table, INF, kinds={"code": "categorical"}, target="ill")
    assert not DPMixtureSynthesizer(schema=baseline).fit(table).privacy_spent_.is_private
