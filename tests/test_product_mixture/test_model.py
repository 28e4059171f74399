import itertools
from dataclasses import replace

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._histograms import fine_grid
from skdpsynth._product_mixture._kernels import component_log_densities
from skdpsynth._product_mixture._model import natural_parameters

from . import reference
from .reference import chi_square, find_cell, mixed_schema, random_codes, random_model

# Each statistical test would fail for one seed in a million if the law is right.
FALSE_ALARM = 1e-6


def models(nullable, target):
    rng = np.random.default_rng([nullable, target is None])
    schema = mixed_schema(nullable, target)
    return random_model(rng, schema), random_codes(rng, schema, 40)


@pytest.mark.parametrize("target", ["label", "wealth", "size", None])
@pytest.mark.parametrize("nullable", [False, True])
def test_log_density_is_that_of_the_product_mixture(nullable, target):
    model, codes = models(nullable, target)
    assert np.isnan(codes).any() == nullable
    assert_allclose(model.log_density(codes), reference.log_density(model, codes), rtol=1e-9)


@pytest.mark.parametrize("without", range(9))
@pytest.mark.parametrize("target", ["label", None])
def test_a_column_left_out_is_integrated_out(target, without):
    model, codes = models(True, target)
    before = codes.copy()
    expected = reference.log_density(model, codes, without)
    assert_allclose(model.log_density(codes, without=without), expected, rtol=1e-9)
    assert_array_equal(codes, before)
    codes[:, without] = np.nan
    assert_allclose(model.log_density(codes, without=without), expected, rtol=1e-9)


def test_padding_changes_no_density():
    model, _ = models(True, "label")
    n_components, n_cells = model.estimates.cell.shape
    parts = model.weights, model.owner, model.estimates, model.layout
    plain, padded = (
        natural_parameters(*parts, shape=shape) for shape in (None, (n_cells + 9, n_components + 3))
    )
    starts = [block.start for block in model.layout.blocks]
    codes = np.array([starts, starts], dtype=np.int32)
    features = np.full((2, model.layout.n_features), 0.5)
    classes = np.array([0, 1], dtype=np.int32)
    log_joint = jax.jit(component_log_densities)
    expected = log_joint(codes, features, classes, plain)
    found = np.asarray(log_joint(codes, features, classes, padded))
    assert_array_equal(found[:, :n_components], expected)
    assert (found[:, n_components:] == -np.inf).all()


def histogram_points(model, position):
    """Return one code inside every fine cell, and how much of the domain the cell is."""
    kind = model.columns[position].kind
    grid = fine_grid(kind)
    middle = np.floor((grid.left + grid.right) / 2) if grid.is_count else grid.left
    points = middle / (kind.high - kind.low) if grid.is_count else (grid.left + grid.right) / 2
    return with_missing(points, grid.measure, kind)


def normal_points(kind, n_nodes=60):
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return with_missing((nodes + 1.0) / 2.0, weights / 2.0 * (kind.high - kind.low), kind)


def level_points(kind):
    if hasattr(kind, "levels"):
        points = np.arange(len(kind.levels), dtype=float)
    else:
        points = np.linspace(0.0, 1.0, kind.high - kind.low + 1)
    return with_missing(points, np.ones(len(points)), kind)


def with_missing(points, measure, kind):
    extra = [np.nan] if kind.nullable else []
    return np.append(points, extra), np.append(measure, np.ones(len(extra)))


def integrate(model, points):
    codes = np.array(list(itertools.product(*(values for values, _ in points))))
    measure = np.prod(list(itertools.product(*(weight for _, weight in points))), axis=1)
    return np.exp(model.log_density(codes)) @ measure


@pytest.mark.parametrize("nullable", [False, True])
@pytest.mark.parametrize(
    "kind", [Continuous(-2, 10), Continuous(3, 4), Count(-5, 900), Count(-500, 5000)]
)
def test_a_histogram_density_integrates_to_one(kind, nullable):
    kind = type(kind)(kind.low, kind.high, nullable=nullable)
    model = random_model(np.random.default_rng(1), TableSchema({"x": kind}), {})
    assert integrate(model, [histogram_points(model, 0)]) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("nullable", [False, True])
def test_densities_of_mixed_columns_integrate_to_one(nullable):
    schema = TableSchema(
        {
            "normal": Continuous(1, 3, nullable=nullable),
            "poisson": Count(-1, 6, nullable=nullable),
            "histogram": Count(0, 7, nullable=nullable),
            "label": Categorical(["a", "b"], nullable=nullable),
        },
        "label",
    )
    families = {"normal": "normal", "poisson": "poisson"}
    model = random_model(np.random.default_rng(2), schema, families, n_components=4, n_bins=3)
    kinds = schema.columns
    points = [normal_points(kinds["normal"]), *(level_points(kinds[n]) for n in schema.names[1:])]
    assert integrate(model, points) == pytest.approx(1.0, abs=1e-9)


def test_sampled_rows_follow_the_model():
    schema = TableSchema(
        {
            "poisson": Count(-1, 3, nullable=True),
            "histogram": Count(0, 3, nullable=True),
            "size": Categorical(["s", "m"]),
            "label": Categorical(["a", "b"], nullable=True),
        },
        "label",
    )
    model = random_model(np.random.default_rng(3), schema, {"poisson": "poisson"}, 4, n_bins=2)
    n_rows = 40_000
    codes = model.sample_codes(n_rows, np.random.default_rng(4))
    table = np.array(
        list(itertools.product(*(level_points(k)[0] for k in schema.columns.values())))
    )
    # every combination of values of all four columns, so that dependence is tested as well
    scale = np.array([4, 3, 1, 1])
    key = np.ravel_multi_index(
        np.where(np.isnan(codes), [5, 4, 2, 2], np.rint(codes * scale)).astype(int).T, (6, 5, 3, 3)
    )
    table_key = np.ravel_multi_index(
        np.where(np.isnan(table), [5, 4, 2, 2], np.rint(table * scale)).astype(int).T, (6, 5, 3, 3)
    )
    expected = n_rows * np.exp(model.log_density(table))
    observed = np.bincount(key, minlength=270)[table_key]
    assert observed.sum() == n_rows
    assert expected.sum() == pytest.approx(n_rows)
    assert chi_square(observed, expected) > FALSE_ALARM


def test_sampled_real_values_follow_the_model():
    schema = TableSchema({"normal": Continuous(1, 3), "histogram": Continuous(-2, 10)})
    model = random_model(np.random.default_rng(5), schema, {"normal": "normal"}, 3)
    codes = model.sample_codes(20_000, np.random.default_rng(6))
    assert codes.min() >= 0
    assert codes.max() <= 1
    estimates = model.estimates

    def cumulative(u):
        scale = np.exp(estimates.log_scale[:, 0])
        ends = (-1 - estimates.location[:, 0]) / scale, (1 - estimates.location[:, 0]) / scale
        return (
            stats.truncnorm.cdf(2 * u[:, None] - 1, *ends, estimates.location[:, 0], scale)
            @ model.weights
        )

    assert stats.kstest(codes[:, 0], cumulative).pvalue > FALSE_ALARM
    grid, bins = fine_grid(Continuous(-2, 10)), model.bins[1]
    mass = (model.weights @ estimates.cell)[bins.bin_of_cell] * bins.cell_probability
    cell = np.array([find_cell(grid, Continuous(-2, 10), u) for u in codes[:, 1]])
    observed = np.bincount(cell, minlength=len(mass))
    assert chi_square(observed, len(codes) * mass) > FALSE_ALARM
    is_point = grid.left == grid.right
    assert observed[is_point].sum() > 0
    inside = ~is_point[cell]
    position = (codes[inside, 1] - grid.left[cell][inside]) / (grid.right - grid.left)[cell][inside]
    assert stats.kstest(position, "uniform").pvalue > FALSE_ALARM


@pytest.mark.parametrize("name", mixed_schema().names)
@pytest.mark.parametrize("target", ["label", None])
def test_conditioning_is_bayes_rule(name, target):
    model, codes = models(True, target)
    position = mixed_schema().names.index(name)
    for code in codes[:8, position]:
        log_likelihood = reference.column_log_density(model, position, code)
        expected = model.weights * np.exp(log_likelihood)
        conditioned = model.condition({position: code})
        assert_allclose(conditioned.weights, expected / expected.sum(), rtol=1e-9)
        assert_array_equal(conditioned.owner, model.owner)


def test_conditioning_on_several_columns_multiplies_their_likelihoods():
    model, codes = models(True, "label")
    given = dict(enumerate(codes[0]))
    expected = reference.responsibilities(model, codes[:1])[0]
    assert_allclose(model.condition(given).weights, expected, rtol=1e-9)
    assert_allclose(model.condition({}).weights, model.weights, rtol=1e-12)


def test_conditions_of_probability_zero_are_an_error():
    model, _ = models(False, "label")
    one_class = replace(model, owner=np.zeros_like(model.owner))
    with pytest.raises(ValueError, match="conditions have probability zero"):
        one_class.condition({8: 1.0})


def test_posterior_draws_scatter_around_the_point_estimate():
    model, _ = models(True, "label")
    rng = np.random.default_rng(7)
    draws = [model.draw_posterior(rng) for _ in range(400)]
    point = model.estimates

    def check(part, mean, variance):
        # a normal bound on the mean of 400 draws; 1e-6 over fewer than 10⁴ entries
        error = np.abs(np.mean([part(draw) for draw in draws], axis=0) - mean)
        assert (error <= 6.5 * np.sqrt(variance / len(draws)) + 1e-9).all()

    size = np.repeat(point.cell_size, [b.n_cells for b in model.layout.blocks], axis=1)
    check(lambda d: d.estimates.cell, point.cell, point.cell * (1 - point.cell) / (size + 1))
    check(lambda d: d.weights, model.weights, 0.25 / (model.weight_size + 1))
    check(lambda d: d.estimates.location, point.location, point.location_error**2)
    check(lambda d: d.estimates.log_scale, point.log_scale, point.log_scale_error**2)
    check(lambda d: d.estimates.missing, point.missing, 0.25 / (point.missing_size + 1))
    for draw in draws[:5]:
        assert draw.weights.sum() == pytest.approx(1)
        for block in model.layout.blocks:
            assert_allclose(draw.estimates.cell[:, block.cells].sum(axis=1), 1)
        assert not np.array_equal(draw.estimates.cell, point.cell)
        assert_array_equal(draw.estimates.missing > 0, point.missing > 0)
