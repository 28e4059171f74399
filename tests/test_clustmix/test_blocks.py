import math

import numpy as np
import pytest
from desks import ReplayDesk, desk_of, noiseless
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from test_product_mixture.counting import CountingSource
from test_product_mixture.reference import mixed_schema, random_codes

from skdpsynth import Categorical, Count, TableSchema
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth.clustmix._blocks import BlocksPlan
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.schema import Table

ADJACENCIES = ["add_remove", "replace_one"]
SCHEMAS = {
    "mixed": mixed_schema(True, "label"),
    "no target": mixed_schema(False, None),
    "numeric target": mixed_schema(True, "wealth"),
    "levels only": TableSchema({"a": Categorical(["x", "y"]), "b": Categorical([1, 2, 3])}),
    "one column": TableSchema({"a": Categorical(["x", "y"])}, "a"),
    "numbers only": TableSchema({"a": Count(0, 9), "b": Count(0, 5000)}),
}


def release(codes, schema, n_clusters=4, desk=None):
    owner = None if schema.target is None else schema.names.index(schema.target)
    desk = desk or Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0))
    # clusters of any size, so that small tables go through all stages
    plan = BlocksPlan(
        model_columns(schema), owner, n_clusters, 1e6, 4, desk.adjacency, desk.is_noisy
    )
    return plan.release(Table(codes, schema, None, False), desk)


@pytest.mark.parametrize("n_clusters", [1, "auto"])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_draw_is_charged_and_the_budget_is_spent_once(name, adjacency, n_clusters):
    schema = SCHEMAS[name]
    codes = random_codes(np.random.default_rng(0), schema, 50)
    ledger = PrivacyLedger(0.7, 1e-6, adjacency)
    release(codes, schema, n_clusters, Mechanisms(ledger, CountingSource(ledger)))
    assert math.fsum(ledger.shares()) == pytest.approx(1.0, abs=1e-9)
    assert 0.699 < ledger.spent().epsilon <= 0.7
    for entry in ledger.entries:
        assert entry.noise_scale == pytest.approx(entry.sensitivity / entry.event.mu)


def replay(codes, schema, adjacency, answers=None):
    """What each release sees when the outputs of all earlier ones are fixed."""
    seen = ReplayDesk(adjacency, answers)
    release(codes, schema, "auto", seen)
    return seen


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(SCHEMAS)),
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(2, 40),
    data=st.data(),
)
def test_removing_a_record_moves_every_release_by_exactly_its_sensitivity(name, seed, n_rows, data):
    """The bound is attained by every record: a row of one-hot blocks goes to one cluster."""
    schema = SCHEMAS[name]
    codes = random_codes(np.random.default_rng(seed), schema, n_rows)
    row = data.draw(st.integers(0, n_rows - 1))
    first = replay(codes, schema, "add_remove")
    other = replay(np.delete(codes, row, axis=0), schema, "add_remove", first.answers)
    assert len(first.statistics) >= 6
    np.testing.assert_allclose(first.distances(other), 1.0, rtol=1e-12)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(sorted(SCHEMAS)),
    seed=st.integers(0, 2**32 - 1),
    n_rows=st.integers(2, 40),
    data=st.data(),
)
def test_replacing_a_record_moves_no_release_by_more_than_its_sensitivity(name, seed, n_rows, data):
    schema = SCHEMAS[name]
    rng = np.random.default_rng(seed)
    codes = random_codes(rng, schema, n_rows)
    neighbour = codes.copy()
    neighbour[data.draw(st.integers(0, n_rows - 1))] = random_codes(rng, schema, 1)[0]
    first = replay(codes, schema, "replace_one")
    other = replay(neighbour, schema, "replace_one", first.answers)
    assert (first.distances(other) <= 1.0 + 1e-12).all()


def test_records_that_differ_in_every_column_attain_the_bound_of_replacing_one():
    schema = SCHEMAS["levels only"]
    codes = np.repeat([[0.0, 0.0], [1.0, 2.0]], 60, axis=0)
    neighbour = codes.copy()
    neighbour[2] = [1.0, 2.0]
    first = replay(codes, schema, "replace_one")
    distances = first.distances(replay(neighbour, schema, "replace_one", first.answers))
    # pass 0 has one class, whose count does not change: √(2d) of √(2(1 + d))
    assert distances[0] == pytest.approx(math.sqrt(2 / 3))
    assert distances[-1] == pytest.approx(1.0)


def test_permuted_rows_release_the_same_bits():
    schema = SCHEMAS["mixed"]
    codes = random_codes(np.random.default_rng(2), schema, 200)
    order = np.random.default_rng(3).permutation(200)
    first, second = release(codes, schema), release(codes[order], schema)
    for one, two in zip((*first.sums, *first.totals), (*second.sums, *second.totals), strict=True):
        assert_array_equal(one, two)


def test_sums_without_noise_are_tables_of_counts():
    schema = SCHEMAS["mixed"]
    codes = random_codes(np.random.default_rng(4), schema, 300)
    released = release(codes, schema, 7, noiseless())
    assert released.n_records == pytest.approx(300)
    assert released.sums.n_records.sum() == 300
    assert_array_equal(released.sums.cell, np.rint(released.sums.cell))
    for block in released.layout.blocks:
        total = released.sums.cell[:, block.cells].sum(axis=1)
        assert_array_equal(total, released.sums.n_records)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_the_row_count_is_exact_only_where_it_is_public(adjacency):
    schema = SCHEMAS["mixed"]
    codes = random_codes(np.random.default_rng(5), schema, 1237)
    released = release(codes, schema, 3, desk_of(1.0, adjacency)[0])
    assert (released.n_records == 1237) == (adjacency == "replace_one")
