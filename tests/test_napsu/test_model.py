import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from test_markov_network.reference import FALSE_ALARM, chi_square

from skdpsynth import Categorical, Continuous, Count
from skdpsynth._histograms import fine_grid
from skdpsynth._markov_network import (
    Domain,
    build_network,
    calibrate,
    clique_potentials,
    group_bins,
    public_bins,
)
from skdpsynth.napsu._model import NapsuModel
from skdpsynth.napsu._posterior import SampledPosterior

KINDS = {
    "a": Categorical(["x", "y"], nullable=True),
    "n": Count(0, 22, nullable=True),
    "x": Continuous(-1.0, 3.0, nullable=True),
    "few": Count(1, 3),
    "y": Categorical(["no", "yes"]),
}
NAMES = list(KINDS)


def make_model(queries="grouped"):
    """Random parameters; with groups not every place of every group exists."""
    kinds = tuple(KINDS.values())
    if queries == "grouped":
        counts = np.random.default_rng(5).gamma(0.4, 10.0, 24)
        n_bins = group_bins(counts, fine_grid(kinds[1]), 4, 8)
        assert len(n_bins.group) < 32
        bins = {1: n_bins, 2: public_bins(kinds[2], 3)}
        columns = [("a", "few"), ("n", "y"), ("x", "y"), ("a", "y")]
    else:
        bins = {1: public_bins(kinds[1], 4), 2: public_bins(kinds[2], 3)}
        columns = [("a", "n"), ("n", "x"), ("x", "few"), ("few", "a"), ("y",)]
    domain = Domain(tuple(KINDS), kinds, bins)
    queries = [tuple(v for name in q for v in domain.parts[NAMES.index(name)]) for q in columns]
    network = build_network(domain.variables, queries)
    parameters = np.random.default_rng(6).standard_normal(network.n_parameters)
    return NapsuModel(domain, network, parameters, tuple(queries))


@pytest.fixture(scope="module", params=["grouped", "cycle"])
def model(request):
    return make_model(request.param)


def all_rows(model, **fixed):
    """One row of every cell of the table, and how much of the domain each stands for.

    A value of each bin stands for the bin: within one the density is constant for the bins made
    here from public edges, and integers are all listed.
    """
    values, widths = [], []
    for position, (name, kind) in enumerate(KINDS.items()):
        if isinstance(kind, Categorical):
            own = np.arange(len(kind.levels)) * 1.0
            width = np.ones(len(own))
        elif isinstance(kind, Count):
            own = np.arange(kind.high - kind.low + 1) / (kind.high - kind.low)
            width = np.ones(len(own))
        else:
            grid = model.domain.bins[position].grid
            own, width = (grid.left + grid.right) / 2, grid.measure
        if kind.nullable:
            own, width = np.append(own, np.nan), np.append(width, 1.0)
        if name in fixed:
            own, width = np.array([fixed[name]]), np.ones(1)
        values.append(own)
        widths.append(width)
    codes = np.array(list(itertools.product(*values)))
    return codes, np.prod(list(itertools.product(*widths)), axis=1)


# Density


def test_the_density_sums_to_one(model):
    codes, width = all_rows(model)
    assert np.exp(model.log_density(codes)) @ width == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize("without", range(5))
def test_without_a_column_the_density_is_that_of_the_others(model, without):
    codes, width = all_rows(model)
    density = np.exp(model.log_density(codes)) * width
    name = NAMES[without]
    rest, rest_width = all_rows(model, **{name: 0.0})
    before = rest.copy()
    found = np.exp(model.log_density(rest, without=without)) * rest_width
    assert_array_equal(rest, before)
    assert found.sum() == pytest.approx(1.0, abs=1e-10)
    # summed over the column, which is one axis of the product
    sizes = [len(np.unique(codes[:, j])) for j in range(5)]
    assert_allclose(found, density.reshape(sizes).sum(axis=without).ravel(), rtol=1e-9)
    # whatever is in the column
    rest[:, without] = np.nan
    assert_allclose(np.exp(model.log_density(rest, without=without)) * rest_width, found)


def test_places_that_a_group_lacks_have_no_probability():
    """What the network gives to them goes to the others of the group; all else stays."""
    model = make_model("grouped")
    network = model.network
    part = model.domain.parts[1]
    exists = model.domain.place_exists(part)
    assert exists.sum() == len(model.domain.bins[1].group) + 1
    _, tables = calibrate(network, clique_potentials(network, model.parameters))
    for clique, found, raw in zip(network.tree.cliques, model.tables, tables, strict=True):
        if part[1] in clique:
            axis = clique.index(part[1])
            assert clique[axis - 1 : axis + 1] == part
            # the remaining axis is that of y, the last
            assert (found[~exists] == 0).all()
            assert (raw > 0).all()
            assert (found[exists] > 0).all()
            ratio = np.where(exists[:, :, None], found / raw, np.nan)
            assert_allclose(np.nanmax(ratio, axis=axis), np.nanmin(ratio, axis=axis))
            found, raw = found.sum(axis=axis), raw.sum(axis=axis)
        assert_allclose(found, raw, atol=1e-14)


def bin_number(model, codes):
    """One number per row, by levels."""
    levels = model.domain.encode(codes)
    return np.ravel_multi_index(list(levels), model.network.shape)


def expected_cells(model, **fixed):
    """The probability of every cell given some columns, from the density."""
    codes, width = all_rows(model)
    density = np.exp(model.log_density(codes)) * width
    levels = model.domain.encode(codes)
    for name, value in fixed.items():
        position = NAMES.index(name)
        wanted = model.domain.encode_column(position, np.array([value]))
        for v, level in zip(model.domain.parts[position], wanted, strict=True):
            density = density * (levels[v] == level)
    cells = np.bincount(
        bin_number(model, codes), weights=density, minlength=np.prod(model.network.shape)
    )
    return cells / cells.sum()


def test_samples_have_the_density(model):
    rng = np.random.default_rng(0)
    codes = model.sample_codes(40_000, rng)
    observed = np.bincount(bin_number(model, codes), minlength=np.prod(model.network.shape))
    expected = expected_cells(model)
    assert (observed[expected == 0] == 0).all()
    assert chi_square(observed, 40_000 * expected) > FALSE_ALARM
    # integers within their bins
    integers = np.rint(codes[:, 1] * 22)
    values, width = all_rows(model)
    density = np.exp(model.log_density(values)) * width
    present = ~np.isnan(values[:, 1])
    share = np.bincount(np.rint(values[present, 1] * 22).astype(int), weights=density[present])
    kept = integers[~np.isnan(integers)].astype(int)
    found = np.bincount(kept, minlength=23)
    assert chi_square(found, len(kept) * share / share.sum()) > FALSE_ALARM


# Conditions


CONDITIONS = [
    {"y": 1.0},
    {"a": np.nan},
    {"n": 7 / 22},
    {"n": np.nan, "x": 0.7},
    {"x": np.nan, "a": 1.0},
    {"few": 0.5, "a": 0.0, "y": 0.0},
    {"a": 0.0, "n": 1.0, "x": 0.0, "few": 1.0, "y": 1.0},
]


@pytest.mark.parametrize("given", CONDITIONS, ids=str)
def test_conditions_are_exact(model, given):
    conditioned = model.condition({NAMES.index(name): value for name, value in given.items()})
    expected = expected_cells(model, **given)
    for i, clique in enumerate(model.network.tree.cliques):
        sizes = model.network.shape
        table = expected.reshape(sizes).sum(
            axis=tuple(v for v in range(len(sizes)) if v not in clique)
        )
        assert_allclose(conditioned.tables[i], table, atol=1e-12)
    samples = conditioned.sample_codes(5000, np.random.default_rng(1))
    observed = np.bincount(bin_number(model, samples), minlength=expected.size)
    assert (observed[expected == 0] == 0).all()
    assert chi_square(observed, 5000 * expected) > FALSE_ALARM


def test_conditions_may_come_one_by_one(model):
    together = model.condition({0: 1.0, 4: 0.0})
    apart = model.condition({0: 1.0}).condition({4: 0.0})
    for one, two in zip(together.tables, apart.tables, strict=True):
        assert_allclose(one, two, atol=1e-14)
    assert model.given == {}


def test_conditions_of_probability_zero_are_an_error(model):
    position = model.network.subsets.index((model.domain.parts[4][0],))
    parameters = model.parameters.copy()
    # the contrast of "no" with "yes"
    parameters[model.network.block(position)] = 1000.0
    certain = NapsuModel(model.domain, model.network, parameters, model.queries)
    certain.condition({4: 0.0})
    with pytest.raises(ValueError, match="probability zero under the fitted model"):
        certain.condition({4: 1.0, 0: 1.0})


# Posterior


def test_draws_are_of_the_posterior():
    model = make_model()
    with pytest.raises(ValueError, match='inference="map" finds only the mode; fit with'):
        model.draw_posterior(np.random.default_rng(0))
    draws = np.random.default_rng(1).standard_normal((3, model.network.n_parameters))
    model = NapsuModel(
        model.domain, model.network, model.parameters, model.queries, SampledPosterior(draws)
    )
    rng = np.random.default_rng(2)
    found = {tuple(model.draw_posterior(rng).parameters) for _ in range(30)}
    assert found == {tuple(draw) for draw in draws}


def test_queries_are_named_in_the_order_of_the_table():
    assert make_model().query_names == (("a", "few"), ("a", "y"), ("n", "y"), ("x", "y"))
