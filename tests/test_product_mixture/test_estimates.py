import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize_scalar
from scipy.special import expit

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._estimates import (
    NoisySums,
    add_by_class,
    average,
    effective_size,
    estimate_components,
    estimate_pool,
    make_consistent,
    share_out,
)
from skdpsynth._product_mixture._layout import build_layout

SCHEMA = TableSchema(
    {
        "coin": Categorical(["a", "b"], nullable=True),
        "colour": Categorical(["r", "g", "b"], nullable=True),
        "height": Continuous(0, 1, nullable=True),
        "visits": Count(0, 8, nullable=True),
    }
)
LAYOUT = build_layout(model_columns(SCHEMA, {"height": "normal", "visits": "poisson"}), {}, None)


def noisy_sums(rng, n_components, layout=LAYOUT):
    return NoisySums(
        rng.normal(100, 20, n_components),
        rng.normal(20, 20, (n_components, layout.n_cells)),
        rng.normal(20, 20, (n_components, layout.n_features)),
        rng.uniform(1, 9, n_components),
    )


def exact_sums(r, coin, colour, height, visits):
    """Noise-free sums of weighted rows; NaN is missing."""
    n_components = r.shape[1]
    cell = np.zeros((n_components, LAYOUT.n_cells))
    for block, values in zip(LAYOUT.blocks, (coin, colour), strict=True):
        codes = np.where(np.isnan(values), block.n_cells - 1, values).astype(int)
        for code, weights in zip(codes, r, strict=True):
            cell[:, block.start + code] += weights
    u, v = (np.where(np.isnan(x), 0.0, x) for x in (height, visits / 8))
    features = np.column_stack([u, u**2, np.isnan(height), v, np.isnan(visits)])
    return NoisySums(r.sum(axis=0), cell, r.T @ features, np.zeros(n_components))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)

    def holes(values):
        return np.where(rng.random(300) < 0.2, np.nan, values)

    return (
        holes(rng.integers(2, size=300).astype(float)),
        holes(rng.integers(3, size=300).astype(float)),
        holes(rng.beta(2, 5, 300)),
        holes(np.minimum(rng.poisson(2.0, 300), 8).astype(float)),
    )


def normal_posterior(prior, prior_variance, observed, variance):
    precision = 1 / prior_variance + 1 / variance
    return (prior / prior_variance + observed / variance) / precision, precision**-0.5


def test_the_pool_has_the_priors_of_table_1(rows):
    coin, colour, height, visits = rows
    pool = estimate_pool(exact_sums(np.ones((300, 1)), *rows), LAYOUT, {})
    # Beta(1, 1) for missingness, Dirichlet(1) for levels
    for block, values in zip(LAYOUT.blocks, (coin, colour), strict=True):
        missing = (np.isnan(values).sum() + 1) / 302
        assert pool.cell[0, block.cells][-1] == pytest.approx(missing)
        assert pool.cell[0, block.cells].sum() == pytest.approx(1)
    levels = np.array([(colour == level).sum() + 1 for level in range(3)])
    missing = pool.cell[0, LAYOUT.blocks[1].cells][-1]
    expected = (1 - missing) * levels / levels.sum()
    assert_allclose(pool.cell[0, LAYOUT.blocks[1].cells][:3], expected)
    # logit ~ N(0, 1): the mode of the posterior
    heads, tails = (coin == 1).sum(), (coin == 0).sum()
    mode = minimize_scalar(
        lambda a: -heads * np.log(expit(a)) - tails * np.log(expit(-a)) + a**2 / 2,
        bounds=(-5, 5),
        method="bounded",
        options={"xatol": 1e-10},
    ).x
    coin_cells = pool.cell[0, LAYOUT.blocks[0].cells]
    assert coin_cells[1] / coin_cells[:2].sum() == pytest.approx(expit(mode), abs=1e-7)
    # μ ~ N(0, 1) and σ ~ LogNormal(0, 2) on [−1, 1]
    x = 2 * height[~np.isnan(height)] - 1
    location = normal_posterior(0.0, 1.0, x.mean(), x.var() / len(x))
    log_scale = normal_posterior(0.0, 4.0, np.log(x.std()), 0.5 / len(x))
    assert_allclose([pool.location[0, 0], pool.location_error[0, 0]], location)
    assert_allclose([pool.log_scale[0, 0], pool.log_scale_error[0, 0]], log_scale)
    # λ ~ Exp(1), by its mean and variance
    counts = visits[~np.isnan(visits)]
    rate = normal_posterior(1.0, 1.0, counts.mean(), counts.mean() / len(counts))
    assert_allclose([pool.location[0, 1], pool.location_error[0, 1]], rate)
    assert_allclose(pool.missing[0, 1], (np.isnan(visits).sum() + 1) / 302)


def test_components_are_the_m_step_shrunk_by_one_pseudo_record(rows):
    """With no noise: the weighted frequencies and moments, and the parent counting as one row."""
    rng = np.random.default_rng(1)
    r = rng.dirichlet(np.ones(3), 300)
    sums = exact_sums(r, *rows)
    pool = estimate_pool(exact_sums(np.ones((300, 1)), *rows), LAYOUT, {})
    parents = pool.take(np.zeros(3, dtype=int))
    found = estimate_components(sums, LAYOUT, parents)
    n = r.sum(axis=0)
    assert_allclose(found.n_records, n)
    for block in LAYOUT.blocks:
        counts = sums.cell[:, block.cells]
        expected = (counts + parents.cell[:, block.cells]) / (n + 1)[:, None]
        assert_allclose(found.cell[:, block.cells], expected)
    height, visits = rows[2:]
    present = ~np.isnan(height)
    weights = r[present] / r[present].sum(axis=0)
    x = 2 * height[present] - 1
    mean = x @ weights
    variance = np.square(x[:, None] - mean)
    variance = (variance * weights).sum(axis=0)
    size = r[present].sum(axis=0)
    prior_variance = np.exp(2 * parents.log_scale[:, 0])
    location, error = normal_posterior(
        parents.location[:, 0], prior_variance, mean, variance / size
    )
    assert_allclose(found.location[:, 0], location)
    assert_allclose(found.location_error[:, 0], error)
    log_scale, error = normal_posterior(
        parents.log_scale[:, 0], 1.0, 0.5 * np.log(variance), 0.5 / size
    )
    assert_allclose(found.log_scale[:, 0], log_scale)
    assert_allclose(found.log_scale_error[:, 0], error)
    present = ~np.isnan(visits)
    size = r[present].sum(axis=0)
    rate = visits[present] @ r[present] / size
    expected, error = normal_posterior(
        parents.location[:, 1], parents.location[:, 1] ** 2, rate, rate / size
    )
    assert_allclose(found.location[:, 1], expected)
    assert_allclose(found.location_error[:, 1], error)
    n_missing = r[np.isnan(visits)].sum(axis=0)
    assert_allclose(found.missing[:, 1], (n_missing + parents.missing[:, 1]) / (n + 1))


def test_consistency_is_generalised_least_squares():
    """Against least squares with the design matrix written out."""
    rng = np.random.default_rng(2)
    sums = noisy_sums(rng, 2)
    settled = make_consistent(sums, LAYOUT)
    # parameters: the count and all but the last cell of each block
    design, columns = [], 1 + sum(block.n_cells - 1 for block in LAYOUT.blocks)
    design.append(np.eye(columns)[0])
    start = 1
    for block in LAYOUT.blocks:
        free = np.eye(columns)[start : start + block.n_cells - 1]
        design += [*free, np.eye(columns)[0] - free.sum(axis=0)]
        start += block.n_cells - 1
    design = np.array(design)
    for k in range(2):
        measured = np.append(sums.n_records[k], sums.cell[k])
        solution = np.linalg.lstsq(design, measured, rcond=None)[0]
        expected = design @ solution
        assert_allclose(np.append(settled.n_records[k], settled.cell[k]), expected)
    for block in LAYOUT.blocks:
        assert_allclose(settled.cell[:, block.cells].sum(axis=1), settled.n_records)
    assert_array_equal(settled.feature, sums.feature)


def test_consistent_sums_stay():
    sums = make_consistent(noisy_sums(np.random.default_rng(3), 2), LAYOUT)
    for part, again in zip(sums, make_consistent(sums, LAYOUT), strict=True):
        assert_allclose(again, part)


def test_sums_by_class():
    sums = noisy_sums(np.random.default_rng(4), 5)
    by_class = add_by_class(sums, np.array([0, 2, 0, 2, 2]), 3)
    for part, whole in zip(sums, by_class, strict=True):
        assert_allclose(whole[0], part[[0, 2]].sum(axis=0))
        assert_allclose(whole[1], 0)
        assert_allclose(whole[2], part[[1, 3, 4]].sum(axis=0))


def test_averages_weigh_by_inverse_variance():
    rng = np.random.default_rng(5)
    first, second = noisy_sums(rng, 3), noisy_sums(rng, 3)
    mean = average(first, second)
    assert_allclose(1 / mean.variance, 1 / first.variance + 1 / second.variance)
    for k in range(3):
        weights = 1 / first.variance[k], 1 / second.variance[k]
        for part, one, two in zip(mean[:3], first, second, strict=False):
            assert_allclose(part[k], np.average([one[k], two[k]], axis=0, weights=weights))
    exact = first._replace(variance=np.zeros(3))
    assert_allclose(average(exact, exact).cell, exact.cell)
    assert_allclose(average(second, exact).cell, exact.cell)


def test_components_are_corrected_to_add_up_to_their_class():
    rng = np.random.default_rng(6)
    owner = np.array([0, 0, 1, 1, 1, 2])
    sums = noisy_sums(rng, 6)._replace(variance=np.full(6, 4.0))
    totals = average(add_by_class(sums, owner, 3), noisy_sums(rng, 3))
    corrected = share_out(sums, totals, owner)
    for part, total in zip(add_by_class(corrected, owner, 3)[:3], totals, strict=False):
        assert_allclose(part, total)
    # equal amounts within a class
    change = corrected.cell - sums.cell
    assert_allclose(change[2], change[3])
    # the variance of x + (T − Σx)/m, where T is the average of Σx and an independent measurement
    size, variance = 3, 4.0
    own = size * variance
    total_variance = totals.variance[1]
    weight = total_variance / own
    other = 1 / (1 / total_variance - 1 / own)
    coefficient = np.eye(size)[0] + (weight - 1) / size
    expected = variance * coefficient @ coefficient + ((1 - weight) / size) ** 2 * other
    assert corrected.variance[2] == pytest.approx(expected)


@pytest.mark.parametrize("noise", [0.0, 30.0])
def test_the_effective_size_gives_a_dirichlet_the_variance_of_sampling_and_noise(noise):
    cell, count = np.array([[0.2, 0.3, 0.5]]), np.array([400.0])
    size = effective_size(cell, count, np.array([noise]))
    dirichlet = (cell * (1 - cell)).sum() / (size + 1)
    assert_allclose(dirichlet, (cell * (1 - cell)).sum() / count + noise / count**2)
    if noise == 0:
        assert_allclose(size, count - 1)


@pytest.mark.parametrize("variance", [1.0, 1e4, 1e12])
def test_any_noise_gives_parameters_that_are_possible(variance):
    rng = np.random.default_rng(7)
    for _ in range(20):
        sums = NoisySums(
            *(np.sqrt(variance) * rng.standard_normal(shape) for shape in [4, (4, 7), (4, 5)]),
            np.full(4, variance),
        )
        pool_sums = NoisySums(*(part[:1] for part in sums))
        pool = estimate_pool(make_consistent(pool_sums, LAYOUT), LAYOUT, {})
        components = estimate_components(
            make_consistent(sums, LAYOUT), LAYOUT, pool.take(np.zeros(4, dtype=int))
        )
        for estimates in (pool, components):
            for part in estimates:
                assert np.isfinite(part).all()
            assert (estimates.n_records >= 1).all()
            assert (estimates.cell > 0).all()
            for block in LAYOUT.blocks:
                assert_allclose(estimates.cell[:, block.cells].sum(axis=1), 1)
            assert (estimates.cell_size >= 1).all()
            assert (estimates.location[:, 1] > 0).all()
            assert ((estimates.missing > 0) & (estimates.missing < 1)).all()
