import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpyro import handlers
from numpyro.infer.util import log_density
from scipy import stats
from scipy.special import gammaln
from test_product_mixture.reference import FAMILIES, mixed_schema, random_codes, random_model

from skdpsynth import Categorical, Count, TableSchema
from skdpsynth._product_mixture._kernels import component_log_densities
from skdpsynth._product_mixture._layout import Records, encode_records
from skdpsynth.mixture._d3p._numpyro_mixture import (
    build_model,
    component_log_likelihoods,
    component_priors,
    initial_values,
    summarise_draws,
)
from skdpsynth.mixture._dpvi._latents import MixtureLatents

CASES = [
    ("families", mixed_schema(), FAMILIES),
    ("nullable", mixed_schema(nullable=True), FAMILIES),
    ("no target", mixed_schema(nullable=True, target=None), FAMILIES),
    ("histograms", mixed_schema(nullable=True), {}),
    ("scalars only", TableSchema({"n": Count(0, 20), "m": Count(0, 9)}), {"n": "poisson"}),
]


def build(rng, schema, families, n_rows=60):
    model = random_model(rng, schema, families)
    # away from the edges, where the values to start from are moved inside
    cell = np.maximum(model.estimates.cell, 1e-3)
    for block in model.layout.blocks:
        cell[:, block.cells] /= cell[:, block.cells].sum(axis=1, keepdims=True)
    estimates = model.estimates._replace(cell=cell)
    codes = random_codes(rng, schema, n_rows)
    records = encode_records(codes, model.columns, model.layout, model.grids, model.bins)
    return model, estimates, Records(*map(jnp.asarray, records))


def log_factorials(records, layout):
    total = np.zeros((len(records.classes), 1))
    for scalar in layout.scalars:
        if scalar.distribution == "poisson":
            total += gammaln(records.features[:, scalar.start, None] * scalar.span + 1.0)
    return total


@pytest.mark.parametrize(
    ("schema", "families"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_log_likelihoods_are_those_of_the_kernels_up_to_the_factorials(schema, families):
    rng = np.random.default_rng(0)
    model, estimates, records = build(rng, schema, families)
    latents = MixtureLatents.build(model.layout, model.owner, estimates.cell.shape[::-1])
    z = jnp.asarray(latents.from_estimates(model.weights, estimates), jnp.float32)
    expected = component_log_densities(*records, latents.natural(latents.unflatten(z)))
    sites = initial_values(model.weights, estimates, model.layout)
    found = component_log_likelihoods(sites, model.layout, model.owner, *records)
    np.testing.assert_allclose(
        found + log_factorials(records, model.layout), expected, rtol=1e-5, atol=1e-4
    )


def test_records_weigh_as_much_as_the_whole_table():
    rng = np.random.default_rng(1)
    model, estimates, records = build(rng, mixed_schema(nullable=True), FAMILIES)
    sites = initial_values(model.weights, estimates, model.layout)
    joint = component_log_likelihoods(sites, model.layout, model.owner, *records)
    expected = 600 / 60 * jax.nn.logsumexp(joint, axis=1).sum()
    traced = handlers.trace(
        handlers.substitute(build_model(model.layout, model.owner, 600), data=sites)
    )
    site = traced.get_trace(*records)["records"]
    assert site["scale"] == 10.0
    assert float(site["scale"] * site["fn"].log_prob(site["value"])) == pytest.approx(
        float(expected), rel=1e-6
    )


def test_priors_are_those_of_table_1():
    rng = np.random.default_rng(2)
    model, estimates, records = build(rng, mixed_schema(nullable=True), FAMILIES)
    layout, owner = model.layout, model.owner
    sites = initial_values(model.weights, estimates, layout)
    expected = stats.dirichlet.logpdf(sites["weights"], np.ones(len(owner)))
    columns = {column.name: str(j) for j, column in enumerate(model.columns)}
    expected += stats.norm.logpdf(sites["logit_" + columns["sex"]]).sum()
    for name, n_levels in [("colour", 3), ("age", 5), ("size", 3)]:
        assert sites["levels_" + columns[name]].shape == (len(owner), n_levels)
        expected += len(owner) * gammaln(n_levels)
    for name in ("income", "wealth"):
        expected += len(owner) * gammaln(sites["levels_" + columns[name]].shape[1])
    expected += stats.norm.logpdf(sites["mean_" + columns["height"]]).sum()
    expected += stats.lognorm.logpdf(sites["scale_" + columns["height"]], s=2.0).sum()
    expected += stats.expon.logpdf(sites["rate_" + columns["visits"]]).sum()
    silent = handlers.block(build_model(layout, owner, 60), hide=["records"])
    found, trace = log_density(silent, tuple(records), {}, sites)
    assert {name for name in trace if name in sites} == set(sites)
    assert set(component_priors(layout)) == set(sites) - {"weights"}
    assert float(found) == pytest.approx(expected, rel=1e-4)


def test_one_component_of_one_level_has_nothing_to_learn():
    rng = np.random.default_rng(3)
    schema = TableSchema({"only": Categorical(["a"]), "visits": Count(0, 9)})
    model = random_model(rng, schema, {"visits": "poisson"}, n_components=1)
    codes = random_codes(rng, schema, 20)
    records = encode_records(codes, model.columns, model.layout, model.grids, model.bins)
    sites = initial_values(model.weights, model.estimates, model.layout)
    assert list(sites) == ["rate_1"]
    found = component_log_likelihoods(sites, model.layout, model.owner, *records)
    expected = stats.poisson.logpmf(np.rint(codes[:, 1] * 9), sites["rate_1"])
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-5)
    draws = {"rate_1": np.full((5, 1), 2.0)}
    weights, estimates = summarise_draws(draws, model.layout, 1, 20.0)
    assert (weights, estimates.n_records, estimates.location) == (1.0, 20.0, 2.0)
    np.testing.assert_array_equal(estimates.cell, 1.0)


@pytest.mark.parametrize("nullable", [False, True])
def test_summaries_recover_what_the_draws_were_drawn_with(nullable):
    rng = np.random.default_rng(4)
    model, estimates, _ = build(rng, mixed_schema(nullable=nullable), FAMILIES)
    estimates = estimates._replace(
        cell_size=np.full_like(estimates.cell_size, 40.0),
        missing_size=np.full_like(estimates.missing_size, 40.0),
        log_scale_error=np.where(estimates.log_scale != 0.0, 0.1, 0.0),
        n_records=300.0 * model.weights,
    )
    n_draws = 20_000
    values = initial_values(model.weights, estimates, model.layout)
    draws = {name: np.repeat(value[None], n_draws, axis=0) for name, value in values.items()}
    draws["weights"] = rng.dirichlet(estimates.n_records, n_draws)
    for block in model.layout.blocks:
        concentration = 40.0 * estimates.cell[:, block.cells]
        gammas = rng.standard_gamma(concentration, (n_draws, *concentration.shape))
        cell = gammas / gammas.sum(axis=2, keepdims=True)
        levels = cell[..., : block.n_cells - block.is_nullable]
        levels = levels / levels.sum(axis=2, keepdims=True)
        if block.is_bernoulli:
            logits = np.log(np.maximum(levels, 1e-30))
            draws[f"logit_{block.column}"] = logits[..., 1] - logits[..., 0]
        else:
            draws[f"levels_{block.column}"] = levels
        if block.is_nullable:
            draws[f"missing_{block.column}"] = cell[..., -1]
    for j, scalar in enumerate(model.layout.scalars):
        normals = rng.standard_normal((2, n_draws, len(model.weights)))
        location = estimates.location[:, j] + 0.01 * normals[0]
        if scalar.distribution == "normal":
            draws[f"mean_{scalar.column}"] = location
            draws[f"scale_{scalar.column}"] = np.exp(estimates.log_scale[:, j] + 0.1 * normals[1])
        else:
            draws[f"rate_{scalar.column}"] = location
        if scalar.is_nullable:
            rate = estimates.missing[:, j]
            draws[f"missing_{scalar.column}"] = rng.beta(
                40.0 * rate, 40.0 * (1.0 - rate), normals[0].shape
            )
    weights, found = summarise_draws(draws, model.layout, len(model.weights), 1000.0)
    # six standard errors of 20,000 draws
    np.testing.assert_allclose(weights, model.weights, atol=6 * 0.03 / np.sqrt(n_draws))
    np.testing.assert_allclose(found.cell, estimates.cell, atol=6 * 0.08 / np.sqrt(n_draws))
    np.testing.assert_allclose(found.n_records.sum(), 300.0, rtol=0.05)
    np.testing.assert_allclose(found.cell_size, 40.0, rtol=0.1)
    np.testing.assert_allclose(found.location, estimates.location, atol=6 * 1e-4)
    np.testing.assert_allclose(found.location_error, 0.01, rtol=0.05)
    np.testing.assert_allclose(found.log_scale, estimates.log_scale, atol=6e-3)
    np.testing.assert_allclose(found.log_scale_error, estimates.log_scale_error, rtol=0.05)
    np.testing.assert_allclose(found.missing, estimates.missing, atol=6 * 0.08 / np.sqrt(n_draws))
    if nullable:
        np.testing.assert_allclose(found.missing_size, 40.0, rtol=0.1)
