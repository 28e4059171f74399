import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpyro.distributions import constraints
from numpyro.handlers import seed, trace
from scipy import stats

from skdpsynth._compat import enable_x64
from skdpsynth.mixture._own_model._na_model import NAModel, cast_to_support

NAN = float("nan")
BASES = {
    "normal": (dist.Normal(1.0, 2.0), stats.norm(1.0, 2.0).logpdf, [0.3, -4.0, 7.5]),
    "gamma": (dist.Gamma(2.0, 3.0), stats.gamma(2.0, scale=1 / 3).logpdf, [0.1, 1.0, 5.0]),
    "beta": (dist.Beta(2.0, 3.0), stats.beta(2.0, 3.0).logpdf, [0.01, 0.5, 0.9]),
    "poisson": (dist.Poisson(4.0), stats.poisson(4.0).logpmf, [0.0, 3.0, 11.0]),
    "bernoulli": (dist.Bernoulli(0.3), stats.bernoulli(0.3).logpmf, [0.0, 1.0, 1.0]),
    "categorical": (
        dist.Categorical(jnp.array([0.2, 0.5, 0.3])),
        lambda x: np.log(np.array([0.2, 0.5, 0.3]))[np.asarray(x, int)],
        [0.0, 1.0, 2.0],
    ),
}


@pytest.mark.parametrize("name", BASES)
def test_log_prob_against_scipy(name):
    base, expected, values = BASES[name]
    model = NAModel(base, 0.25)
    assert_allclose(
        model.log_prob(jnp.array([*values, NAN])),
        [*(np.log(0.75) + expected(np.array(values))), np.log(0.25)],
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", BASES)
def test_density_is_that_of_base_where_nothing_is_missing(name):
    base, _, values = BASES[name]
    values = cast_to_support(jnp.array(values), base.support)
    assert_allclose(NAModel(base, 0.0).log_prob(values), base.log_prob(values), rtol=1e-6)
    assert NAModel(base, 0.0).log_prob(jnp.nan) == -jnp.inf
    assert NAModel(base, 1.0).log_prob(jnp.nan) == 0.0


def families(theta):
    a, b = jnp.exp(theta[0]), jnp.exp(theta[1])
    return [
        dist.Normal(theta[0], b),
        dist.LogNormal(theta[0], b),
        dist.Gamma(a, b),
        dist.Beta(a, b),
        dist.Poisson(a),
        dist.Categorical(logits=theta),
        dist.Normal(theta, 1.0).to_event(1),
    ]


@pytest.mark.parametrize("number", range(7))
def test_gradients_at_missing_values(number):
    """∂/∂q log q = 1/q, and the parameters of φ get exactly no gradient."""

    def log_prob(theta, q):
        base = families(theta)[number]
        value = jnp.full(base.event_shape, jnp.nan)
        return NAModel(base, q).log_prob(value)

    theta, q = jnp.array([0.2, -0.4]), 0.125
    by_theta, by_q = jax.jit(jax.grad(log_prob, argnums=(0, 1)))(theta, q)
    assert_array_equal(by_theta, np.zeros(2))
    assert by_q == 8.0


@pytest.mark.parametrize(("q", "value", "expected"), [(0.0, 1.0, -1.0), (1.0, NAN, 1.0)])
def test_gradient_at_the_boundary_of_q(q, value, expected):
    gradient = jax.grad(lambda q: NAModel(dist.Normal(), q).log_prob(value))(q)
    assert gradient == expected


def test_gradient_where_present_is_that_of_base():
    theta = jnp.array([0.3, -0.2])
    for number, value in enumerate([1.3, 0.7, 0.4, 0.6, 3.0, 1.0, jnp.array([0.5, -1.0])]):

        def inside(theta, number=number, value=value):
            return NAModel(families(theta)[number], 0.3).log_prob(value)

        def alone(theta, number=number, value=value):
            base = families(theta)[number]
            return base.log_prob(cast_to_support(value, base.support))

        assert_allclose(jax.grad(inside)(theta), jax.grad(alone)(theta), rtol=1e-5, atol=1e-7)


def test_an_event_is_missing_as_a_whole():
    model = NAModel(dist.Dirichlet(jnp.ones((3, 2))), jnp.array([0.2, 0.5, 0.9]))
    assert model.batch_shape == (3,)
    assert model.event_shape == (2,)
    value = jnp.array([[0.3, 0.7], [jnp.nan, jnp.nan], [jnp.nan, 0.4]])
    log_prob = jax.jit(model.log_prob)(value)
    assert_allclose(log_prob, [np.log(0.8), np.log(0.5), -np.inf], rtol=1e-5)
    assert_array_equal(model.support(value), [True, True, False])


def test_entries_of_a_vector_are_missing_one_by_one():
    model = NAModel(dist.Normal(jnp.zeros(2), 1.0), jnp.array([0.2, 0.5])).to_event(1)
    value = jnp.array([[0.3, NAN], [NAN, 0.1], [NAN, NAN]])
    first = np.array([np.log(0.8) + stats.norm.logpdf(0.3), np.log(0.2), np.log(0.2)])
    second = np.array([np.log(0.5), np.log(0.5) + stats.norm.logpdf(0.1), np.log(0.5)])
    assert_allclose(model.log_prob(value), first + second, rtol=1e-6)
    assert model.support(value).all()


def test_support():
    model = NAModel(dist.Gamma(1.0, 1.0), 0.5)
    assert_array_equal(model.support(jnp.array([1.0, NAN, -1.0])), [True, True, False])
    assert not NAModel(dist.Poisson(1.0), 0.5).support.is_discrete
    assert NAModel(dist.Dirichlet(jnp.ones(3)), 0.5).support.event_dim == 1
    assert model.support == NAModel(dist.Gamma(2.0, 1.0), 0.1).support
    assert model.support != NAModel(dist.Normal(), 0.1).support
    validated = NAModel(dist.Gamma(1.0, 1.0), 0.5, validate_args=True)
    with pytest.warns(UserWarning, match="Out-of-support"):
        assert validated.log_prob(-1.0) == -jnp.inf


def test_na_prob_is_validated():
    with pytest.raises(ValueError, match="invalid na_prob parameter"):
        NAModel(dist.Normal(), 1.5, validate_args=True)
    assert NAModel.arg_constraints["na_prob"] is constraints.unit_interval


def test_sample_frequencies():
    """Three binomial counts within five standard errors: one false alarm in 500,000 seeds."""
    q = np.array([0.0, 0.2, 0.7])
    model = NAModel(dist.Normal(jnp.arange(3.0), 0.1), q)
    n = 20_000
    sample = np.asarray(model.sample(jax.random.key(0), (n,)))
    assert sample.shape == (n, 3)
    error = np.abs(np.isnan(sample).mean(axis=0) - q)
    assert (error <= 5 * np.sqrt(q * (1 - q) / n)).all()
    assert_allclose(np.nanmean(sample, axis=0), np.arange(3), atol=5 * 0.1 / np.sqrt(0.3 * n))


def test_sample_of_vectors_is_missing_as_a_whole():
    sample = NAModel(dist.Dirichlet(jnp.ones((2, 3))), 0.5).sample(jax.random.key(1), (50,))
    assert sample.shape == (50, 2, 3)
    is_nan = np.isnan(sample)
    assert_array_equal(is_nan.any(axis=-1), is_nan.all(axis=-1))
    assert 0 < is_nan.mean() < 1


def test_inside_a_plate():
    def model(x):
        with numpyro.plate("batch", 4):
            return numpyro.sample("x", NAModel(dist.Poisson(2.0), 0.5), obs=x)

    x = jnp.array([0.0, NAN, 2.0, NAN])
    site = trace(seed(model, 0)).get_trace(x)["x"]
    assert site["fn"].batch_shape == (4,)
    assert_allclose(site["fn"].log_prob(x), NAModel(dist.Poisson(2.0), 0.5).log_prob(x))
    assert seed(model, 0)(None).shape == (4,)


def test_vmap_over_the_distribution():
    q, values = jnp.array([0.1, 0.6]), jnp.array([NAN, 1.0])
    stacked = jax.vmap(lambda q: NAModel(dist.Normal(), q))(q)
    log_prob = jax.vmap(lambda model, x: model.log_prob(x))(stacked, values)
    assert_allclose(log_prob, NAModel(dist.Normal(), q).log_prob(values), rtol=1e-6)


def test_as_the_components_of_a_mixture():
    weights, q = np.array([0.3, 0.7]), np.array([0.1, 0.6])
    components = NAModel(dist.Normal(jnp.array([-1.0, 2.0]), 1.0), q)
    mixture = dist.MixtureSameFamily(dist.Categorical(weights), components)
    density = weights @ ((1 - q) * stats.norm.pdf(0.5, [-1.0, 2.0], 1.0))
    assert_allclose(
        mixture.log_prob(jnp.array([0.5, NAN])), np.log([density, weights @ q]), rtol=1e-6
    )
    assert mixture.sample(jax.random.key(0), (10,)).shape == (10,)


def test_double_precision_is_exact():
    with enable_x64(True):
        got = NAModel(dist.Normal(), jnp.float64(1e-12)).log_prob(jnp.array([NAN, 0.3]))
        assert_allclose(got, [np.log(1e-12), stats.norm.logpdf(0.3) + np.log1p(-1e-12)], rtol=1e-14)
