import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth import Categorical, Continuous, Count, Ordinal
from skdpsynth._histograms import fine_grid
from skdpsynth._markov_network._binning import group_bins, public_bins
from skdpsynth._markov_network._contrasts import Variable
from skdpsynth._markov_network._domain import Domain, count_levels

KINDS = {
    "sex": Categorical(["F", "M"]),
    "colour": Categorical(["red", "green", "blue"], nullable=True),
    "size": Ordinal(["s", "m", "l"], nullable=True),
    "visits": Count(2, 9),
    "rooms": Count(0, 4, nullable=True),
    "age": Count(17, 90, nullable=True),
    "pay": Continuous(-5, 100, nullable=True),
    "height": Continuous(1, 2.5),
    "one": Categorical([7]),
}
GROUPED = {"age": (8, 16), "pay": (4, 3), "height": (5, 1)}


@pytest.fixture(scope="module", params=["private", "public"])
def domain(request):
    """Columns of all kinds; private bins come in groups."""
    rng = np.random.default_rng(0)
    bins = {}
    for position, (name, kind) in enumerate(KINDS.items()):
        if name in GROUPED:
            grid = fine_grid(kind)
            noisy = rng.gamma(0.3, 20.0, len(grid.left) + kind.nullable)
            bins[position] = group_bins(noisy, grid, *GROUPED[name])
            if request.param == "public":
                bins[position] = public_bins(kind, 6)
    return Domain(tuple(KINDS), tuple(KINDS.values()), bins)


def random_codes(n_rows, seed=1):
    rng = np.random.default_rng(seed)
    columns = []
    for kind in KINDS.values():
        if isinstance(kind, Continuous):
            column = np.where(
                rng.random(n_rows) < 0.3, rng.integers(0, 2, n_rows), rng.random(n_rows)
            )
        else:
            column = rng.integers(0, count_levels(kind), n_rows) * 1.0
            if isinstance(kind, Count):
                column /= kind.high - kind.low
        if kind.nullable:
            column[rng.random(n_rows) < 0.2] = np.nan
        columns.append(column)
    return np.column_stack(columns)


def test_variables_are_columns_and_parts_of_columns(domain):
    assert [v for part in domain.parts for v in part] == list(range(len(domain.variables)))
    assert domain.main == tuple(part[0] for part in domain.parts)
    own = dict(
        zip(KINDS, ([domain.variables[v] for v in part] for part in domain.parts), strict=True)
    )
    assert own["sex"] == [Variable(2)]
    assert own["colour"] == [Variable(4)]
    assert own["size"] == [Variable(4, True, True)]
    assert own["visits"] == [Variable(8, True)]
    assert own["rooms"] == [Variable(6, True, True)]
    assert own["one"] == [Variable(1)]
    labels = [domain.label(v) for v in domain.parts[5]]
    if len(own["age"]) == 2:
        assert own["age"] == [Variable(9, True, True), Variable(16, True)]
        assert own["pay"] == [Variable(5, True, True), Variable(3, True)]
        assert labels == ["age", "age (fine)"]
    else:
        assert own["age"] == [Variable(7, True, True)]
        assert labels == ["age"]


def test_levels_are_within_their_variables(domain):
    levels = domain.encode(random_codes(500))
    assert levels.shape == (len(domain.variables), 500)
    assert levels.dtype.kind == "i"
    for v, variable in enumerate(domain.variables):
        assert levels[v].min() >= 0
        assert levels[v].max() < variable.n_levels


def test_rows_come_back_within_their_bins(domain):
    codes = random_codes(2000)
    levels = domain.encode(codes)
    back = domain.decode(list(levels), np.random.default_rng(2))
    assert_array_equal(domain.encode(back), levels)
    assert_array_equal(np.isnan(back), np.isnan(codes))
    for position, kind in enumerate(KINDS.values()):
        if position not in domain.bins:
            assert_allclose(back[:, position], codes[:, position])
        elif isinstance(kind, Count):
            integers = back[:, position] * (kind.high - kind.low)
            assert_allclose(integers, np.rint(integers), atol=1e-9)
    assert np.nanmin(back[:, 6:8]) >= 0
    assert np.nanmax(back[:, 6:8]) <= 1


def test_missing_values_are_the_last_level(domain):
    codes = np.full((1, len(KINDS)), np.nan)
    for position, kind in enumerate(KINDS.values()):
        if kind.nullable:
            main, *place = domain.encode_column(position, codes[:, position])
            assert main == domain.variables[domain.parts[position][0]].n_levels - 1
            assert all(p == 0 for p in place)


def test_a_place_that_there_is_not_decodes_to_a_value_of_its_group(domain):
    """Whatever the levels, what comes back is a row."""
    cells = np.random.default_rng(3)
    levels = [cells.integers(0, v.n_levels, 3000) for v in domain.variables]
    codes = domain.decode(levels, np.random.default_rng(4))
    again = domain.encode(codes)
    for part in domain.parts:
        assert_array_equal(again[part[0]], levels[part[0]])
    for position, kind in enumerate(KINDS.values()):
        values = codes[:, position]
        assert np.isnan(values).any() == kind.nullable


@pytest.mark.parametrize("name", ["age", "pay", "height"])
def test_a_density_within_a_bin_integrates_to_one(domain, name):
    position = list(KINDS).index(name)
    grouped, kind = domain.bins[position], KINDS[name]
    grid = grouped.grid
    # one value of every cell
    middle = (grid.left + grid.right) / 2
    if grid.is_count:
        middle = grid.left / (kind.high - kind.low)
    codes = np.zeros((len(middle), len(KINDS)))
    codes[:, position] = middle
    density = np.exp(domain.log_width(codes, position))
    total = np.bincount(grouped.bins.bin_of_cell, weights=density * grid.measure)
    assert_allclose(total, 1.0)
    codes[:, position] = np.nan
    assert (domain.log_width(codes, position) == 0).all()
    assert (domain.log_width(codes, 0) == 0).all()


def test_many_levels_need_wider_integers():
    kind = Categorical(list(range(40_000)))
    domain = Domain(("code",), (kind,), {})
    assert_array_equal(domain.encode(np.array([[39_999.0]])), [[39_999]])
