from collections import Counter
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from skdpsynth.exceptions import SchemaError, TableMismatchError
from skdpsynth.metrics import marginal_tvd, marginal_tvds
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "score": Continuous(-1, 1, nullable=True),
        "sex": Categorical(["F", "M"]),
        "grade": Ordinal([1, 2, 3], nullable=True),
    }
)
EDGES = {"age": [10, 20, 50, 60]}


def make_table(n, seed, shift=0.0):
    rng = np.random.RandomState(seed)
    score = np.clip(rng.normal(shift, 0.5, n), -1, 1)
    score[rng.uniform(size=n) < 0.2] = np.nan
    grade = rng.choice([1.0, 2.0, 3.0, np.nan], n)
    return pd.DataFrame(
        {
            "age": rng.randint(0, 100, n),
            "score": score,
            "sex": rng.choice(["F", "M"], n),
            "grade": grade,
        }
    )


def cell(name, value):
    """The cell of one value, in the plainest way."""
    if pd.isna(value):
        return "missing"
    if name == "score":
        return min(int((value + 1) * 5 // 2), 4)  # five bins on [-1, 1]
    if name == "age":
        return 0 if value < 20 else 1 if value < 50 else 2
    return value


def brute_force_tvd(real, synthetic, names):
    def frequencies(table):
        rows = table[list(names)].itertuples(index=False)
        counts = Counter(
            tuple(cell(*pair) for pair in zip(names, row, strict=True)) for row in rows
        )
        return {key: count / len(table) for key, count in counts.items()}

    p, q = frequencies(real), frequencies(synthetic)
    return 0.5 * sum(abs(p.get(key, 0) - q.get(key, 0)) for key in set(p) | set(q))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_brute_force(order):
    real, synthetic = make_table(120, 0), make_table(75, 1, shift=0.3)
    expected = {
        names: brute_force_tvd(real, synthetic, names)
        for names in combinations(SCHEMA.names, order)
    }
    result = marginal_tvds(real, synthetic, SCHEMA, order, n_bins=5, edges=EDGES)
    columns = [f"column_{i + 1}" for i in range(order)]
    assert list(result.columns) == [*columns, "tvd"]
    assert [tuple(row) for row in result[columns].to_numpy()] == list(expected)
    np.testing.assert_allclose(result["tvd"], list(expected.values()), atol=1e-12)
    mean = marginal_tvd(real, synthetic, SCHEMA, order, n_bins=5, edges=EDGES)
    assert mean == pytest.approx(np.mean(list(expected.values())), abs=1e-12)


def test_sparse_cells_give_the_same_distances():
    # 100 bins each: a million cells for 60 rows, so that only occupied cells are counted
    schema = TableSchema({name: Continuous(0, 1) for name in "abc"})
    rng = np.random.RandomState(0)
    real, synthetic = (pd.DataFrame(rng.uniform(size=(30, 3)), columns=list("abc")) for _ in "rs")
    bins = [(np.floor(table * 100)).astype(int) for table in (real, synthetic)]
    p, q = (Counter(map(tuple, table.to_numpy())) for table in bins)
    expected = sum(abs(p[key] - q[key]) for key in set(p) | set(q)) / 60
    assert marginal_tvd(real, synthetic, schema, 3, n_bins=100) == pytest.approx(expected)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_invariances(order):
    real, synthetic = make_table(90, 0), make_table(60, 1)
    distance = marginal_tvd(real, synthetic, SCHEMA, order)
    assert 0 < distance < 1
    assert marginal_tvd(real, real, SCHEMA, order) == 0.0
    assert marginal_tvd(synthetic, real, SCHEMA, order) == pytest.approx(distance, abs=1e-12)
    shuffled = real.sample(frac=1, random_state=0)
    assert marginal_tvd(shuffled, synthetic, SCHEMA, order) == pytest.approx(distance, abs=1e-12)
    twice = pd.concat([real, real])
    assert marginal_tvd(twice, synthetic, SCHEMA, order) == pytest.approx(distance, abs=1e-12)


def test_disjoint_tables():
    schema = TableSchema({"x": Continuous(0, 1), "c": Categorical(["a", "b"])})
    real = pd.DataFrame({"x": [0.0, 0.01], "c": ["a", "a"]})
    synthetic = pd.DataFrame({"x": [0.99, 1.0], "c": ["b", "b"]})
    assert marginal_tvd(real, synthetic, schema, 1) == 1.0
    assert marginal_tvd(real, synthetic, schema, 2) == 1.0


def test_bins_are_left_closed_and_outliers_join_the_ends():
    schema = TableSchema({"x": Continuous(0, 10)})
    edges = {"x": [2, 4, 6]}

    def tvd(a, b):
        return marginal_tvd(pd.DataFrame({"x": a}), pd.DataFrame({"x": b}), schema, 1, edges=edges)

    assert tvd([4.0], [5.9]) == 0.0
    assert tvd([4.0], [3.9]) == 1.0
    assert tvd([-100.0, 0.0], [2.0, 3.0]) == 0.0
    assert tvd([6.0, 1e9], [5.0, 5.0]) == 0.0


def test_missing_values_have_a_cell_of_their_own():
    schema = TableSchema({"x": Continuous(0, 1, nullable=True)})
    missing, low = pd.DataFrame({"x": [np.nan, np.nan]}), pd.DataFrame({"x": [0.0, np.nan]})
    assert marginal_tvd(missing, low, schema, 1) == 0.5
    assert marginal_tvd(missing, missing, schema, 1) == 0.0


@pytest.mark.parametrize("dtype", ["object", "str", "category"])
def test_dtypes_of_levels(dtype):
    schema = TableSchema({"c": Categorical(["a", "b"], nullable=True)})
    real = pd.DataFrame({"c": pd.Series(["a", "b", None, "b"], dtype=dtype)})
    synthetic = pd.DataFrame({"c": ["a", "b", "b", "b"]})
    assert marginal_tvd(real, synthetic, schema, 1) == 0.25


@pytest.mark.parametrize("dtype", ["int64", "float64", "Int64", "bool"])
def test_dtypes_of_numbers(dtype):
    schema = TableSchema({"n": Count(0, 1), "c": Categorical([0, 1])})
    real = pd.DataFrame({"n": [0, 1, 1, 1], "c": [0, 1, 1, 1]}).astype(dtype)
    synthetic = pd.DataFrame({"n": [0, 0, 1, 1], "c": [0, 0, 1, 1]})
    assert marginal_tvd(real, synthetic, schema, 1) == 0.25
    assert marginal_tvd(real, synthetic, schema, 2) == 0.25


def test_levels_outside_go_to_other_or_raise():
    real = pd.DataFrame({"c": ["a", "b", "zebra"]})
    schema = TableSchema({"c": Categorical(["a", "b"], other="b")})
    assert marginal_tvd(real, real.replace("zebra", "b"), schema, 1) == 0.0
    with pytest.raises(TableMismatchError, match="'c' of the synthetic table holds 'zebra'"):
        marginal_tvd(real.iloc[:2], real, TableSchema({"c": Categorical(["a", "b"])}), 1)


def test_random_subset_of_marginals():
    real, synthetic = make_table(90, 0), make_table(60, 1)
    everything = marginal_tvds(real, synthetic, SCHEMA, 2)
    some = [
        marginal_tvds(real, synthetic, SCHEMA, 2, max_marginals=3, random_state=seed)
        for seed in (0, 0, 1, 2, 3)
    ]
    pd.testing.assert_frame_equal(some[0], some[1])
    assert len({tuple(map(tuple, frame.iloc[:, :2].to_numpy())) for frame in some}) > 1
    for frame in some:
        assert len(frame) == len(frame.drop_duplicates()) == 3
        assert len(frame.merge(everything)) == 3
    assert len(marginal_tvds(real, synthetic, SCHEMA, 2, max_marginals=4)) == 4
    assert len(marginal_tvds(real, synthetic, SCHEMA, 2, max_marginals=99)) == 6


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    real = make_table(20, 0)
    marginal_tvd(real, real, SCHEMA, 2, max_marginals=2)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"order": 0}, ValueError, "order=0 is not between 1 and 4"),
        ({"order": 5}, ValueError, "order=5 is not between 1 and 4"),
        ({"n_bins": 0}, ValueError, "n_bins=0"),
        ({"max_marginals": 0}, ValueError, "max_marginals=0"),
        ({"edges": {"salary": [0, 1]}}, SchemaError, "salary"),
        ({"edges": {"sex": [0, 1]}}, SchemaError, "'sex' is compared by its levels"),
        ({"edges": {"age": [1, 1, 2]}}, SchemaError, "'age' are not an increasing"),
    ],
)
def test_bad_requests(arguments, error, message):
    real = make_table(20, 0)
    with pytest.raises(error, match=message):
        marginal_tvd(real, real, SCHEMA, **arguments)


def test_bad_tables():
    real = make_table(20, 0)
    with pytest.raises(TableMismatchError, match=r"synthetic table lacks the columns \['sex'\]"):
        marginal_tvd(real, real.drop(columns="sex"), SCHEMA)
    with pytest.raises(TableMismatchError, match="real table has no rows"):
        marginal_tvd(real.iloc[:0], real, SCHEMA)
    with pytest.raises(TableMismatchError, match=r"'age' of the synthetic table .* not numbers"):
        marginal_tvd(real, real.assign(age="old"), SCHEMA)
    with pytest.raises(TypeError, match="real table is a ndarray"):
        marginal_tvd(real.to_numpy(), real, SCHEMA)
