import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth._markov_network import clique_size, triangulate
from skdpsynth.napsu._queries import check_cliques, needs_bins, read_bins, read_queries

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "visits": Count(0, 19),
        "pay": Continuous(0, 100),
        "sex": Categorical(["F", "M"]),
        "size": Ordinal(["s", "m", "l"]),
    },
    "sex",
)


@pytest.mark.parametrize("strategy", ["auto", "star", "tree", "tan"])
def test_strategies_stay_strategies(strategy):
    assert read_queries(strategy, SCHEMA) == strategy


def test_neither_order_nor_duplicates_nor_containers_make_a_difference():
    expected = [(0,), (0, 3), (2, 3, 4)]
    for queries in (
        [("age",), ("age", "sex"), ("pay", "sex", "size")],
        [("size", "pay", "sex"), ["sex", "age"], ("age", "sex", "age"), ("age",)],
        {frozenset({"sex", "age"}), ("age",), ("pay", "size", "sex")},
        (np.array(["sex", "age"]), ("age",), ("pay", "size", "sex")),
    ):
        assert read_queries(queries, SCHEMA) == expected
    assert read_queries([], SCHEMA) == []


@pytest.mark.parametrize(
    ("queries", "error", "message"),
    [
        ("both", ValueError, "queries must be one of .*'auto'.* got 'both'"),
        ("age", ValueError, "got 'age'"),
        ([()], ValueError, "empty query"),
        ([("age", "sex"), []], ValueError, "empty query"),
        ([("age", "income")], ValueError, r"'income', which the table does not.*'age', 'visits'"),
        ([("age", None)], ValueError, "names the column None"),
        (["age", "sex"], TypeError, r"queries holds 'age', .* is \[\('age', 'visits'\)\]"),
        ([3], TypeError, "queries holds 3"),
        (3, TypeError, "list of tuples of column names, got int"),
        (None, TypeError, "got NoneType"),
        ({"age": "sex"}, TypeError, "got dict"),
        # it would be empty when it is read again
        (iter([("age", "sex")]), TypeError, "got list_iterator"),
    ],
)
def test_impossible_queries_are_named(queries, error, message):
    with pytest.raises(error, match=message):
        read_queries(queries, SCHEMA)


@pytest.mark.parametrize("strategy", ["star", "tan"])
def test_strategies_that_need_a_target_say_so(strategy):
    with pytest.raises(ValueError, match="needs a target: fit with y"):
        read_queries(strategy, SCHEMA.with_target(None))
    with pytest.raises(ValueError, match="needs a column besides the target"):
        read_queries(strategy, SCHEMA.select(["sex"]))


def test_few_integers_need_no_bins():
    assert [needs_bins(SCHEMA[name]) for name in SCHEMA] == [True, False, True, False, False]
    assert needs_bins(Count(0, 20))


def test_bins_are_read_by_position():
    assert read_bins("private", SCHEMA) == {0: None, 2: None}
    assert read_bins("public", SCHEMA) == {0: -1, 2: -1}
    plan = read_bins({"pay": [0, 1, 100], "visits": np.int64(4)}, SCHEMA)
    assert plan.pop(2).tolist() == [0.0, 1.0, 100.0]
    assert plan == {0: None, 1: 4}
    assert read_bins(None, SCHEMA.select(["visits", "sex"])) == {}


@pytest.mark.parametrize(
    ("bins", "error", "message"),
    [
        (None, ValueError, r"numeric columns \['age', 'pay'\] cannot be in a query without bins"),
        ("secret", ValueError, 'bins must be "private", "public"'),
        (7, TypeError, 'bins must be "private", "public", a mapping or None, got int'),
        ({"income": 3}, ValueError, "'income', which is not a numeric column"),
        ({"sex": 2}, ValueError, r"'sex', which is not a numeric column.*'age', 'visits', 'pay'"),
        ({"pay": 0}, ValueError, "column 'pay' must be at least 1, got 0"),
        ({"pay": True}, ValueError, "a number of bins or rising edges, got True"),
        ({"pay": 2.5}, ValueError, "a number of bins or rising edges, got 2.5"),
        ({"pay": "many"}, ValueError, "a number of bins or rising edges"),
        ({"pay": [0, 50, 50, 100]}, ValueError, "a number of bins or rising edges"),
        ({"pay": [100, 0]}, ValueError, "a number of bins or rising edges"),
        ({"pay": [[0, 100]]}, ValueError, "a number of bins or rising edges"),
        ({"pay": [0, np.nan, 100]}, ValueError, "a number of bins or rising edges"),
        ({"pay": [0, np.inf]}, ValueError, "a number of bins or rising edges"),
        ({"pay": [1, 100]}, ValueError, r"from 1 to 100 and must cover.*\[0.0, 100.0\]"),
        ({"age": [17, 80]}, ValueError, r"'age': the edges reach from 17 to 80"),
    ],
)
def test_impossible_bins_are_named(bins, error, message):
    with pytest.raises(error, match=message):
        read_bins(bins, SCHEMA)


def test_the_message_names_the_clique_its_size_and_the_query_to_drop():
    names, shape = ["a", "b", "c", "d"], [10, 10, 10, 2]
    queries = [(0,), (0, 1), (1, 2), (0, 2), (2, 3)]
    check_cliques(queries, shape, names, 1000)
    with pytest.raises(ValueError, match=re.escape("['a', 'b', 'c']")) as error:
        check_cliques(queries, shape, names, 999)
    assert "1,000 cells, more than max_clique_size=999" in str(error.value)
    assert "Drop the query ('a', 'b')" in str(error.value)
    with pytest.raises(ValueError, match=re.escape("Drop the query ('a', 'b', 'd')")):
        check_cliques([(0, 1, 3), (1, 2)], shape, names, 150)


@given(
    st.lists(st.integers(1, 4), min_size=4, max_size=5),
    st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), min_size=1),
    st.integers(1, 40),
)
def test_the_query_to_drop_is_the_one_that_helps_most(shape, queries, limit):
    names = [f"x{i}" for i in range(len(shape))]
    queries = sorted({tuple(sorted(set(query))) for query in queries})

    def largest(some):
        return max(clique_size(clique, shape) for clique in triangulate(shape, some))

    if largest(queries) <= limit:
        check_cliques(queries, shape, names, limit)
        return
    if max(shape) > limit:
        # a column that is too large by itself is no query's fault
        with pytest.raises(ValueError, match="merge its levels"):
            check_cliques(queries, shape, names, limit)
        return
    with pytest.raises(ValueError, match="Drop the query") as error:
        check_cliques(queries, shape, names, limit)
    dropped = re.search(r"query (\(.*?\)),", str(error.value))[1]
    (query,) = (q for q in queries if str(tuple(names[v] for v in q)) == dropped)
    clique = re.search(r"columns (\[.*?\]) into one", str(error.value))[1]
    joined = [names.index(name) for name in re.findall(r"x\d", clique)]
    assert clique_size(joined, shape) == largest(queries) > limit

    def without(query):
        return largest([other for other in queries if other != query])

    # among those that have two columns in the clique, if any
    inside = [query for query in queries if len(set(query) & set(joined)) > 1] or queries
    assert query in inside
    assert without(query) == min(map(without, inside))
