import math

import numpy as np
import pytest
from desks import ReplayDesk
from numpy.testing import assert_allclose, assert_array_equal
from test_product_mixture.counting import CountingSource
from test_product_mixture.reference import FAMILIES, mixed_schema, random_codes

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._histograms import fine_grid
from skdpsynth._histograms._levels import CellTree
from skdpsynth._product_mixture import model_columns, natural_parameters
from skdpsynth.mixture import _moments
from skdpsynth.mixture._moments import MomentsPlan
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.schema import Table

ADJACENCIES = ["add_remove", "replace_one"]
SCHEMAS = {
    "mixed": mixed_schema(True, "label"),
    "no target": mixed_schema(False, None),
    "numeric target": mixed_schema(True, "wealth"),
    "levels only": TableSchema({"a": Categorical(["x", "y"]), "b": Categorical([1, 2, 3])}),
    "one column": TableSchema({"a": Categorical(["x", "y"])}, "a"),
    "scalars only": TableSchema({"height": Continuous(0, 1), "visits": Count(0, 5)}),
}


def columns_of(schema):
    columns = model_columns(schema, {n: f for n, f in FAMILIES.items() if n in schema})
    owner = None if schema.target is None else schema.names.index(schema.target)
    return columns, owner


def plan_of(schema, adjacency, n_components=4, n_bins=4, n_passes=3):
    return MomentsPlan(*columns_of(schema), adjacency, n_components, n_bins, n_passes)


def release(codes, schema, desk, *size):
    plan = plan_of(schema, desk.adjacency, *size)
    return plan.release(Table(codes, schema, None, False), desk)


def desk_of(ledger, seed=0):
    return Mechanisms(ledger, NoiseSource(seed))


@pytest.mark.parametrize("n_passes", [1, 2, 3, 4, 8, 30])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", SCHEMAS)
def test_planned_shares_sum_to_one(name, adjacency, n_passes):
    plan = plan_of(SCHEMAS[name], adjacency, n_passes=n_passes)
    has_histograms = any(column.distribution == "histogram" for column in plan.columns)
    first = 0.1 if has_histograms else {"add_remove": 0.01, "replace_one": 0.0}[adjacency]
    opening, *passes = plan.budget.values()
    assert opening == first
    assert len(passes) == n_passes
    assert min(passes) > 0
    shares = [planned.share for planned in plan.releases]
    assert shares == ([opening, *passes] if opening else passes)
    assert math.fsum(shares) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("n_passes", [1, 2, 7])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", SCHEMAS)
def test_the_ledger_is_what_was_planned(name, adjacency, n_passes):
    schema = SCHEMAS[name]
    ledger = PrivacyLedger(0.7, 1e-6, adjacency)
    codes = random_codes(np.random.default_rng(0), schema, 50)
    plan = plan_of(schema, adjacency, n_passes=n_passes)
    plan.release(Table(codes, schema, None, False), desk_of(ledger))
    assert [entry.name for entry in ledger.entries] == [line.name for line in plan.releases]
    assert ledger.shares() == pytest.approx([line.share for line in plan.releases], abs=1e-12)


@pytest.mark.parametrize("n_passes", [1, 2, 3, 8])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", SCHEMAS)
def test_every_draw_is_charged_and_the_budget_is_spent_once(name, adjacency, n_passes):
    schema = SCHEMAS[name]
    columns, _ = columns_of(schema)
    codes = random_codes(np.random.default_rng(0), schema, 50)
    ledger = PrivacyLedger(0.7, 1e-6, adjacency)
    noise = CountingSource(ledger)
    release(codes, schema, Mechanisms(ledger, noise), 4, 4, n_passes)
    assert noise.n_drawn == sum(entry.n_coordinates for entry in ledger.entries)
    assert math.fsum(ledger.shares()) == pytest.approx(1.0, abs=1e-9)
    assert 0.699 < ledger.spent().epsilon <= 0.7
    n_histograms = sum(column.distribution == "histogram" for column in columns)
    has_grid = n_histograms > 0 or adjacency == "add_remove"
    assert len(ledger.entries) == n_passes + has_grid
    for entry in ledger.entries:
        assert entry.noise_scale == pytest.approx(entry.sensitivity / entry.event.mu)


@pytest.mark.parametrize("name", SCHEMAS)
def test_replacing_a_record_costs_root_two_of_removing_one(name):
    schema = SCHEMAS[name]
    columns, owner = columns_of(schema)
    codes = random_codes(np.random.default_rng(0), schema, 50)
    sensitivities = {}
    for adjacency in ADJACENCIES:
        ledger = PrivacyLedger(1.0, 1e-6, adjacency)
        release(codes, schema, desk_of(ledger), 4, 4, 3)
        sensitivities[adjacency] = [entry.sensitivity for entry in ledger.entries]
    removed, replaced = sensitivities["add_remove"], sensitivities["replace_one"]
    # one for the row count, one for each column, two for the normal one
    n_ones = 1 + len(columns) + sum(c.distribution == "normal" for c in columns)
    n_ones -= owner is not None
    assert removed[1:] == pytest.approx([math.sqrt(n_ones)] * 3)
    assert replaced[-3:] == pytest.approx([math.sqrt(2 * n_ones)] * 3)
    # and in a histogram the levels' weights
    own = [c.kind for c in columns if c.distribution == "histogram"]
    trees = [CellTree(len(fine_grid(kind).left), kind.nullable) for kind in own]
    squared_norm = sum(tree.squared_norm for tree in trees)
    assert removed[0] == pytest.approx(math.sqrt(1 + squared_norm))
    if own:
        # the row count is public then
        assert replaced[0] == pytest.approx(math.sqrt(2 * squared_norm))


def statistics_of(codes, schema, adjacency, answers=None):
    """What each release sees when the outputs of all earlier ones are fixed."""
    desk = ReplayDesk(adjacency, answers)
    release(codes, schema, desk, 5, 4, 4)
    return desk


@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", SCHEMAS)
def test_no_release_of_neighbouring_tables_differs_by_more_than_its_sensitivity(name, adjacency):
    """All releases of two neighbours, given the same earlier outputs, and with them all shapes."""
    schema = SCHEMAS[name]
    rng = np.random.default_rng(1)
    codes = random_codes(rng, schema, 12)
    first = statistics_of(codes, schema, adjacency)
    neighbours = [np.delete(codes, row, axis=0) for row in range(4)]
    if adjacency == "replace_one":
        neighbours = [np.vstack([table, random_codes(rng, schema, 1)]) for table in neighbours]
    largest = np.zeros(len(first.statistics))
    for table in neighbours:
        other = statistics_of(table, schema, adjacency, first.answers)
        largest = np.maximum(largest, first.distances(other))
    assert (largest <= 1 + 1e-12).all()
    assert (largest > 0.3).any()


def test_permuted_rows_release_the_same_bits():
    schema = SCHEMAS["mixed"]
    codes = random_codes(np.random.default_rng(2), schema, 200)
    releases = []
    for rows in (np.arange(200), np.random.default_rng(3).permutation(200)):
        desk = desk_of(PrivacyLedger(1.0, 1e-6))
        releases.append(release(codes[rows], schema, desk, 6, 8, 4))
    for one, two in zip(releases[0].sums, releases[1].sums, strict=True):
        assert_array_equal(one, two)
    for one, two in zip(releases[0].totals, releases[1].totals, strict=True):
        assert_array_equal(one, two)


def test_sums_without_noise_add_up_to_the_table():
    schema = SCHEMAS["mixed"]
    _, owner = columns_of(schema)
    codes = random_codes(np.random.default_rng(4), schema, 300)
    released = release(codes, schema, desk_of(PrivacyLedger(math.inf, 1e-6)), 7, 8, 4)
    assert released.n_records == 300
    assert released.sums.n_records.sum() == 300
    labels = codes[:, owner]
    expected = [(labels == 0).sum(), (labels == 1).sum(), np.isnan(labels).sum()]
    assert_allclose(released.totals.n_records, expected, rtol=1e-12)
    for block in released.layout.blocks:
        assert_array_equal(released.sums.cell[:, block.cells].sum(axis=1), released.sums.n_records)
    assert (released.sums.variance == 0).all()


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_the_row_count_is_exact_only_where_it_is_public(adjacency):
    schema = SCHEMAS["mixed"]
    codes = random_codes(np.random.default_rng(5), schema, 1237)
    released = release(codes, schema, desk_of(PrivacyLedger(1.0, 1e-6, adjacency)), 3, 8, 3)
    if adjacency == "replace_one":
        assert released.n_records == 1237
        assert released.totals.n_records.sum() == pytest.approx(1237)
    else:
        assert released.n_records != 1237
        assert released.n_records == pytest.approx(1237, abs=200)


@pytest.mark.parametrize("name", ["mixed", "no target", "scalars only"])
def test_padding_holds_whatever_bins_the_noise_gives(monkeypatch, name):
    """The shapes of the kernels are the same for all noise."""
    schema = SCHEMAS[name]
    codes = random_codes(np.random.default_rng(6), schema, 60)
    shapes = set()

    def spy(*arguments):
        model = natural_parameters(*arguments)
        shapes.add(tuple(part.shape for part in model))
        return model

    monkeypatch.setattr(_moments, "natural_parameters", spy)
    for seed in range(8):
        released = release(codes, schema, desk_of(PrivacyLedger(0.5, 1e-6), seed), 5, 16, 3)
        assert released.layout.n_cells <= next(iter(shapes))[1][0]
    assert len(shapes) == 1


def test_every_pass_is_reported():
    schema = SCHEMAS["levels only"]
    codes = random_codes(np.random.default_rng(7), schema, 10)
    passes = []
    ledger = PrivacyLedger(1.0, 1e-6)

    def note(n_passes):
        passes.append((n_passes, len(ledger.entries)))

    release(codes, schema, Mechanisms(ledger, NoiseSource(0), note), 2, 8, 5)
    assert passes == [(1, 2), (1, 3), (1, 4), (1, 5), (1, 6)]
    assert plan_of(schema, "add_remove", 2, 8, 5).progress == ("passes", 5)
