"""Ghost-clipped gradients against gradients written out record by record."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import expit, logsumexp
from test_product_mixture.reference import mixed_schema, random_codes, random_model

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._kernels import component_log_densities, power_of_two
from skdpsynth._product_mixture._layout import Records, build_layout, encode_records
from skdpsynth.mixture._dpvi._latents import MixtureLatents

SCHEMAS = {
    "mixed": mixed_schema(False),
    "nullable": mixed_schema(True),
    "no target": mixed_schema(True, None),
    "numeric target": mixed_schema(True, "wealth"),
}


clipped_sum = jax.jit(MixtureLatents.clipped_sum)


def records_of(model, codes):
    records = encode_records(codes, model.columns, model.layout, model.grids, model.bins)
    return Records(*(jnp.asarray(part) for part in records))


def setting(name, seed=0, n_rows=60, spread=0.7):
    """Return a structure, a random z and records with every missing pattern."""
    rng = np.random.default_rng(seed)
    schema = SCHEMAS[name]
    model = random_model(rng, schema)
    shape = (power_of_two(model.layout.n_cells), power_of_two(len(model.weights)))
    latents = MixtureLatents.build(model.layout, model.owner, shape)
    z = jnp.asarray(spread * rng.normal(size=latents.n_latents), jnp.float32)
    return latents, z, records_of(model, random_codes(rng, schema, n_rows)), model


@jax.jit
def log_density(latents, z, row):
    """Return log p(x | z) of one record."""
    batch = Records(*(part[None] for part in row))
    joint = component_log_densities(*batch, latents.natural(latents.unflatten(z)))
    return jax.nn.logsumexp(joint, axis=1)[0]


@jax.jit
def gradients(latents, z, records):
    """Return every record's preconditioned gradient."""
    each = jax.vmap(jax.grad(lambda v, row: log_density(latents, v, row)), (None, 0))(z, records)
    return each * latents.preconditioner(z)


@pytest.mark.parametrize("clipping_norm", [0.5, 4.0, 1e6])
@pytest.mark.parametrize("name", SCHEMAS)
def test_clipped_sum_is_that_of_materialised_gradients(name, clipping_norm):
    latents, z, records, _ = setting(name)
    each = np.asarray(gradients(latents, z, records), np.float64)
    norms = np.linalg.norm(each, axis=1)
    is_record = np.arange(len(each)) % 5 != 0
    scaled = each * np.minimum(1.0, clipping_norm / norms)[:, None]
    expected = scaled[is_record].sum(axis=0)
    total = clipped_sum(latents, z, records, jnp.asarray(is_record), clipping_norm)
    assert_allclose(total, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", SCHEMAS)
def test_norms_are_those_of_materialised_gradients(name):
    latents, z, records, _ = setting(name, seed=1)
    shares = jax.nn.softmax(
        component_log_densities(*records, latents.natural(latents.unflatten(z))), axis=1
    )
    squared = latents._squared_norms(latents.unflatten(z), shares, records)
    expected = np.linalg.norm(gradients(latents, z, records), axis=1)
    assert_allclose(np.sqrt(squared), expected, rtol=1e-5)


@pytest.mark.parametrize("name", SCHEMAS)
def test_removing_any_record_moves_the_sum_by_at_most_the_clipping_norm(name):
    latents, z, records, _ = setting(name, seed=2, n_rows=25, spread=2.0)
    everyone = np.ones(25, bool)
    total = np.asarray(clipped_sum(latents, z, records, jnp.asarray(everyone), 1.5), np.float64)
    moves = []
    for row in range(25):
        others = everyone.copy()
        others[row] = False
        rest = np.asarray(clipped_sum(latents, z, records, jnp.asarray(others), 1.5), np.float64)
        moves.append(np.linalg.norm(total - rest))
    assert max(moves) <= 1.5 * (1 + 1e-5)
    assert max(moves) > 1.49


@pytest.mark.parametrize("log_scale", [-4.0, -8.0])
def test_the_clipping_norm_holds_among_many_records_of_a_narrow_component(log_scale):
    """A sum of u² times σ⁻² would be rounded by more than a record adds."""
    schema = TableSchema({"x": Continuous(0, 1, nullable=True), "a": Categorical(["p", "q"])})
    columns = model_columns(schema, {"x": "normal"})
    layout = build_layout(columns, {}, None)
    latents = MixtureLatents.build(layout, np.zeros(2, int), (2, 2))
    parts = [np.zeros(shape) for shape in latents._shapes]
    parts[2][0], parts[3][0], parts[4][0] = [-0.8, -0.79], log_scale, -3.0
    z = np.concatenate([part.ravel() for part in parts]).astype(np.float32)
    rng = np.random.default_rng(0)
    n_rows, norm = 4096, 2.0
    values = np.clip(0.1 + math.exp(log_scale) * rng.normal(size=n_rows), 0, 1)
    codes = np.column_stack([values, rng.integers(0, 2, n_rows)])
    codes[rng.random(n_rows) < 0.05, 0] = np.nan
    records = encode_records(codes, columns, layout, {}, {})
    whole = np.asarray(clipped_sum(latents, z, records, np.ones(n_rows, bool), norm), float)
    moves = []
    for row in range(8):
        order = np.append(np.delete(np.arange(n_rows), row), row)
        others = Records(*(part[order] for part in records))
        rest = clipped_sum(latents, z, others, np.arange(n_rows) < n_rows - 1, norm)
        moves.append(np.linalg.norm(whole - np.asarray(rest, float)))
    assert 0.5 * norm < max(moves) <= 1.01 * norm


def test_a_norm_lost_in_rounding_is_not_taken_for_zero():
    """1 − 2θ + Σθ² has the error of one, however small the gradient it is the square of."""
    schema = TableSchema({"a": Categorical(list("pqrs")), "b": Categorical(list("pqrs"))})
    layout = build_layout(model_columns(schema), {}, None)
    latents = MixtureLatents.build(layout, np.zeros(1, int), (8, 1))
    logits = np.tile([[0.0], [-8.2], [-8.1], [-8.3]], (2, 1))
    z = np.concatenate([[0.0], logits.ravel()]).astype(np.float32)
    records = Records(np.array([[0, 4]], np.int32), np.zeros((1, 0)), np.zeros(1, np.int32))
    for norm in [1e-3, 1e-4, 1e-5]:
        total = clipped_sum(latents, z, records, np.ones(1, bool), norm)
        assert np.linalg.norm(np.asarray(total, float)) <= norm * (1 + 1e-4)


def test_a_record_without_a_finite_gradient_adds_nothing():
    """A class without components gives a record no responsibilities at all."""
    latents, z, records, _ = setting("mixed")
    strange = records._replace(classes=records.classes.at[0].set(9))
    is_record = jnp.ones(len(records.classes), bool)
    total = clipped_sum(latents, z, strange, is_record, 2.0)
    without = clipped_sum(latents, z, records, is_record.at[0].set(False), 2.0)
    assert np.isfinite(total).all()
    assert_allclose(total, without, atol=1e-6)


@pytest.mark.parametrize("name", SCHEMAS)
def test_padding_has_no_gradient(name):
    latents, z, records, _ = setting(name)
    padding = np.setdiff1d(np.arange(latents.n_latents), latents.active)
    is_record = jnp.ones(len(records.classes), bool)
    total = np.asarray(clipped_sum(latents, z, records, is_record, 3.0))
    assert (total[padding] == 0).all()
    assert (total[latents.active] != 0).mean() > 0.5
    assert (np.asarray(jax.grad(latents.log_prior)(z))[padding] == 0).all()


@pytest.mark.parametrize("name", SCHEMAS)
def test_parameters_survive_the_way_through_z(name):
    latents, _, _, model = setting(name)
    z = latents.from_estimates(model.weights, model.estimates)
    weights, estimates = latents.to_estimates(
        z, np.full(len(z), 1e-4), 500.0, len(model.weights), model.layout.n_cells
    )
    assert_allclose(weights, model.weights, rtol=1e-5)
    assert_allclose(estimates.cell, model.estimates.cell, atol=2e-6)
    assert_allclose(estimates.location, model.estimates.location, rtol=1e-5)
    assert_allclose(estimates.log_scale, model.estimates.log_scale, atol=1e-6)
    assert_allclose(estimates.missing, model.estimates.missing, atol=1e-6)


def test_log_density_is_that_of_the_untruncated_mixture():
    schema = TableSchema(
        {
            "colour": Categorical(["r", "g", "b"], nullable=True),
            "height": Continuous(1.0, 3.0, nullable=True),
            "visits": Count(0, 40),
        }
    )
    rng = np.random.default_rng(3)
    model = random_model(rng, schema, {"height": "normal", "visits": "poisson"}, 2)
    latents = MixtureLatents.build(model.layout, model.owner, (4, 2))
    z = rng.normal(size=latents.n_latents)
    latent = latents.unflatten(z)
    codes = random_codes(rng, schema, 30)
    records = records_of(model, codes)
    logits = latent.cell[:3] - logsumexp(latent.cell[:3], axis=0)
    rate, absent = expit(latent.cell[3]), expit(latent.missing[0])
    for row, values in enumerate(codes):
        parts = latent.weight - logsumexp(latent.weight)
        if np.isnan(values[0]):
            parts = parts + np.log(rate)
        else:
            parts = parts + np.log1p(-rate) + logits[int(values[0])]
        if np.isnan(values[1]):
            parts = parts + np.log(absent)
        else:
            scale = np.exp(latent.log_scale[0])
            density = stats.norm.logpdf(2 * values[1] - 1, latent.location[0], scale)
            parts = parts + np.log1p(-absent) + density
        visits = 40 * values[2]
        # the factor 1/x! is the same for all components and left out
        parts = parts + visits * latent.location[1] - np.exp(latent.location[1])
        one = Records(*(part[row] for part in records))
        assert_allclose(log_density(latents, jnp.asarray(z), one), logsumexp(parts), rtol=1e-4)


def test_log_prior_is_that_of_table_1():
    """Against densities of the constrained parameters times their Jacobians, up to a constant."""
    schema = TableSchema(
        {
            "sex": Categorical(["F", "M"]),
            "colour": Categorical(["r", "g", "b"], nullable=True),
            "height": Continuous(1.0, 3.0),
            "visits": Count(0, 40, nullable=True),
        }
    )
    rng = np.random.default_rng(4)
    model = random_model(rng, schema, {"height": "normal", "visits": "poisson"}, 1)
    latents = MixtureLatents.build(model.layout, model.owner, (8, 1))

    def expected(z):
        latent = latents.unflatten(z)
        total = stats.norm.logpdf(latent.cell[:2], 0, np.sqrt(0.5)).sum()
        gammas = np.concatenate([latent.weight, latent.cell[2:5, 0], latent.location[1]])
        total += (stats.expon.logpdf(np.exp(gammas)) + gammas).sum()
        for logit in (latent.cell[5, 0], latent.missing[1, 0]):
            total += stats.logistic.logpdf(logit)
        total += stats.norm.logpdf(latent.location[0, 0])
        return total + stats.norm.logpdf(latent.log_scale[0, 0], 0, 2)

    draws = [rng.normal(size=latents.n_latents) for _ in range(5)]
    differences = [latents.log_prior(jnp.asarray(z)) - expected(z) for z in draws]
    assert_allclose(differences, differences[0], atol=1e-4)
