import math
from functools import cache

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth._histograms import fine_grid
from skdpsynth._product_mixture._kernels import (
    BLOCK_SIZE,
    NaturalParameters,
    component_log_densities,
    expected_statistics,
    score_records,
    sum_statistics,
)
from skdpsynth._product_mixture._layout import encode_records, record_squared_norm
from skdpsynth._product_mixture._measure import RESOLUTION
from skdpsynth._product_mixture._model import natural_parameters

from . import reference
from .reference import mixed_schema, random_codes, random_model


@cache
def model_of(nullable, target):
    """A mixture over all families; its layout is that of every test below."""
    return random_model(np.random.default_rng(0), mixed_schema(nullable, target))


def records_of(model, codes):
    grids = {j: fine_grid(model.columns[j].kind) for j in model.bins}
    return encode_records(codes, model.columns, model.layout, grids, model.bins)


def parameters_of(model):
    return natural_parameters(model.weights, model.owner, model.estimates, model.layout)


def as_vector(sums):
    """The released vector, in units of 1/resolution."""
    return np.concatenate([part.ravel() for part in sums])


def expected_sums(model, codes):
    """The statistics of an E-step written out with numpy."""
    r = reference.responsibilities(model, codes)
    records = records_of(model, codes)
    onehot = np.zeros((len(codes), model.layout.n_cells))
    for row, cells in zip(onehot, records.codes, strict=True):
        row[cells] = 1.0
    return r.sum(axis=0), onehot.T @ r, records.features.T @ r


@pytest.mark.parametrize("resolution", [256, RESOLUTION])
@pytest.mark.parametrize("target", ["label", None])
@pytest.mark.parametrize("nullable", [False, True])
def test_sums_are_those_of_the_e_step(nullable, target, resolution):
    model = model_of(nullable, target)
    codes = random_codes(np.random.default_rng(1), mixed_schema(nullable, target), 60)
    sums = sum_statistics(records_of(model, codes), parameters_of(model), resolution)
    # a share is the difference of two roundings to 1/resolution; a feature's rounds twice
    once, twice = 1.0 / resolution, 2.0 / resolution
    float_error = 1e-4
    for found, expected, rounding in zip(
        sums, expected_sums(model, codes), (once, once, twice), strict=True
    ):
        assert_allclose(found / resolution, expected, rtol=0, atol=60 * (rounding + float_error))
    for row in range(10):
        single = sum_statistics(records_of(model, codes[[row]]), parameters_of(model), resolution)
        exact = expected_sums(model, codes[[row]])
        for found, expected, rounding in zip(single, exact, (once, once, twice), strict=True):
            assert_allclose(found / resolution, expected, rtol=0, atol=rounding + float_error)


def extreme_parameters(rng, model, spread):
    """Natural parameters of any size: near-ties and near-certainties alike."""
    layout, n_components = model.layout, len(model.weights)
    return NaturalParameters(
        spread * rng.standard_normal(n_components),
        -spread * rng.exponential(size=(layout.n_cells, n_components)),
        spread * rng.standard_normal((layout.n_features, n_components)),
        model.owner.astype(np.int32),
    )


cases = {
    "nullable": st.booleans(),
    "target": st.sampled_from(["label", "wealth", None]),
    "seed": st.integers(0, 2**32 - 1),
    "spread": st.sampled_from([0.0, 0.1, 1.0, 30.0, 1e6]),
}


@given(**cases)
def test_no_record_moves_the_sums_by_more_than_the_sensitivity(nullable, target, seed, spread):
    model = model_of(nullable, target)
    rng = np.random.default_rng(seed)
    codes = random_codes(rng, mixed_schema(nullable, target), 7)
    parameters = extreme_parameters(rng, model, spread)

    def vector(rows):
        return as_vector(sum_statistics(records_of(model, codes[rows]), parameters, 256))

    whole = vector(np.arange(6))
    limit = record_squared_norm(model.columns, model.layout.owner) * 256**2
    for row in range(6):
        others = np.delete(np.arange(6), row)
        removed = whole - vector(others)
        replaced = whole - vector([*others, 6])
        assert removed.min() >= 0
        assert removed @ removed <= limit
        assert replaced @ replaced <= 2 * limit


@given(**cases)
def test_shares_are_whole_units_that_sum_to_the_resolution(nullable, target, seed, spread):
    model = model_of(nullable, target)
    rng = np.random.default_rng(seed)
    codes = random_codes(rng, mixed_schema(nullable, target), 1)
    records = records_of(model, codes)
    parameters = extreme_parameters(rng, model, spread)
    n_records, cell, feature = sum_statistics(records, parameters, 256)
    assert all(part.dtype.kind == "i" for part in (n_records, cell, feature))
    assert min(n_records.min(), cell.min(), feature.min()) >= 0
    assert n_records.sum() == 256
    assert n_records[model.owner != records.classes[0]].sum() == 0
    is_cell = np.isin(np.arange(model.layout.n_cells), records.codes)
    assert_array_equal(cell[is_cell], np.tile(n_records, (is_cell.sum(), 1)))
    assert (cell[~is_cell] == 0).all()
    assert_array_equal(feature.sum(axis=1), np.floor(np.float32(records.features[0]) * 256 + 0.5))


@pytest.mark.parametrize("target", ["label", None])
@pytest.mark.parametrize("nullable", [False, True])
def test_the_sensitivity_is_attained(nullable, target):
    """By records that are certain of their component, with normal and poisson at the bound."""
    model = model_of(nullable, target)
    names = mixed_schema().names
    codes = np.zeros((2, len(names)))
    codes[:, [names.index("height"), names.index("visits")]] = 1.0
    # the second record differs in every cell, so that it is of another component
    others = [j for j, column in enumerate(model.columns) if column.is_tabulated]
    codes[1, others] = 1.0
    records = records_of(model, codes)
    assert (records.codes[0] != records.codes[1]).all()
    log_cell = np.zeros((model.layout.n_cells, len(model.weights)))
    log_cell[records.codes[0], 0] = log_cell[records.codes[1], 1] = 1e3
    n_components = len(model.weights)
    parameters = NaturalParameters(
        np.zeros(n_components),
        log_cell,
        np.zeros((model.layout.n_features, n_components)),
        model.owner.astype(np.int32),
    )
    first, second = (
        as_vector(sum_statistics(records_of(model, codes[[row]]), parameters, 256))
        for row in range(2)
    )
    norm = record_squared_norm(model.columns, model.layout.owner) * 256**2
    assert first @ first == norm
    assert (first - second) @ (first - second) == 2 * norm


def test_a_record_adds_the_same_wherever_it_stands():
    """Sums over several blocks equal the records' own sums, and no order matters."""
    model = model_of(True, "label")
    codes = random_codes(np.random.default_rng(2), mixed_schema(True, "label"), 23)
    parameters = parameters_of(model)
    singles = [sum_statistics(records_of(model, row[None]), parameters, 256) for row in codes]
    rng = np.random.default_rng(3)
    order = rng.integers(len(codes), size=BLOCK_SIZE + 101)
    for rows in (order, rng.permutation(order), np.sort(order)):
        sums = sum_statistics(records_of(model, codes[rows]), parameters, 256)
        times = np.bincount(rows, minlength=len(codes))
        for found, parts in zip(sums, zip(*singles, strict=True), strict=True):
            assert_array_equal(found, np.tensordot(times, np.array(parts), axes=1))


def test_densities_do_not_depend_on_the_position():
    model = model_of(True, "label")
    codes = random_codes(np.random.default_rng(4), mixed_schema(True, "label"), 23)
    order = np.random.default_rng(5).integers(len(codes), size=BLOCK_SIZE + 101)
    parameters = parameters_of(model)
    single = score_records(records_of(model, codes), parameters)
    assert_array_equal(score_records(records_of(model, codes[order]), parameters), single[order])
    joint = jax.jit(component_log_densities)(*records_of(model, codes), parameters)
    expected = reference.component_log_density(model, codes)
    base = model._log_base_measure(codes, None)
    assert_allclose(joint + base[:, None], expected, rtol=1e-4, atol=1e-4)


def test_scores_are_double_precision_and_leave_the_configuration_alone():
    model = model_of(False, None)
    codes = random_codes(np.random.default_rng(6), mixed_schema(False, None), 5)
    assert score_records(records_of(model, codes), parameters_of(model)).dtype == np.float64
    assert not jax.config.jax_enable_x64


def test_padding_adds_nothing():
    model = model_of(False, "label")
    codes = random_codes(np.random.default_rng(7), mixed_schema(False, "label"), 4)
    records = records_of(model, codes)
    mask = np.array([True, False, True, False])
    parameters = parameters_of(model)
    masked = expected_statistics(*records, mask, parameters, resolution=256)
    kept = expected_statistics(
        *(part[mask] for part in records), np.ones(2, bool), parameters, resolution=256
    )
    for found, expected in zip(masked, kept, strict=True):
        assert_array_equal(found, expected)


def test_the_sums_of_a_block_fit_in_32_bits():
    assert BLOCK_SIZE * max(256, RESOLUTION) < 2**31
    for resolution in (256, RESOLUTION):
        # the released grid must be a power of two
        assert math.frexp(resolution)[0] == 0.5
