import functools
import pickle

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpyro.distributions import constraints
from numpyro.infer.autoguide import AutoDiagonalNormal, AutoMultivariateNormal

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth.mixture._own_model import _check_model
from skdpsynth.mixture._own_model._check_model import ModelError, check_model
from skdpsynth.mixture._own_model._na_model import NAModel

# numpyro 0.19 asks for the finfo of a traced array when it samples a Dirichlet
pytestmark = pytest.mark.filterwarnings("ignore:unhashable type:FutureWarning")

SCHEMA = TableSchema(
    {
        "height": Continuous(100, 220, nullable=True),
        "visits": Count(0, 40),
        "plan": Categorical(["a", "b", "c"]),
    }
)
NUMBER = TableSchema({"value": Continuous(-10, 10)})
COUNT = TableSchema({"visits": Count(0, 40)})


def column(x, j):
    return None if x is None else x[:, j]


def good(x=None, num_obs_total=None):
    mean = numpyro.sample("mean", dist.Normal(160.0, 20.0))
    scale = numpyro.sample("scale", dist.LogNormal(2.0, 0.5))
    q = numpyro.sample("q", dist.Beta(1.0, 3.0))
    rate = numpyro.sample("rate", dist.Gamma(5.0, 0.5))
    shares = numpyro.sample("shares", dist.Dirichlet(jnp.ones(3)))
    with numpyro.plate("batch", num_obs_total, None if x is None else len(x)):
        numpyro.sample("height", NAModel(dist.Normal(mean, scale), q), obs=column(x, 0))
        numpyro.sample("visits", dist.Poisson(rate), obs=column(x, 1))
        numpyro.sample("plan", dist.Categorical(shares), obs=column(x, 2))


def number_model(distribution, prior=None):
    """A model of one number, given its distribution as a function of one latent site."""
    prior = dist.Normal(0.0, 1.0) if prior is None else prior

    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", prior)
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", distribution(theta), obs=column(x, 0))

    return model


def problems_of(model, schema=NUMBER, guide=None):
    with pytest.raises(ModelError) as caught:
        check_model(model, schema, guide)
    text = str(caught.value)
    assert text == "The model cannot be fitted:\n" + "\n".join(
        f"- {problem}" for problem in caught.value.problems
    )
    return caught.value.problems


def only_problem_of(model, schema=NUMBER, guide=None):
    problems = problems_of(model, schema, guide)
    assert len(problems) == 1, problems
    return problems[0]


def test_a_good_model_passes():
    assert check_model(good, SCHEMA) is None


def good_guide(x=None, num_obs_total=None):
    location = numpyro.param("location", 0.0)
    scale = numpyro.param("scale", 1.0, constraint=constraints.positive)
    numpyro.sample("theta", dist.Normal(location, scale))


NORMAL = number_model(lambda theta: dist.Normal(theta, 1.0))


@pytest.mark.parametrize("guide", [good_guide, AutoMultivariateNormal, AutoDiagonalNormal(NORMAL)])
def test_good_guides_pass(guide):
    check_model(NORMAL, NUMBER, guide)


def test_a_check_that_passed_is_not_repeated(monkeypatch):
    model = number_model(lambda theta: dist.Normal(theta, 1.0))
    check_model(model, NUMBER)
    monkeypatch.setattr(_check_model, "run_model", None)
    check_model(model, NUMBER)


def test_error_is_pickled_and_a_value_error():
    error = ModelError(("one", "two"))
    assert isinstance(error, ValueError)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_not_a_function():
    assert only_problem_of("model.py") == "The model must be a function, got 'model.py'."


def test_unhashable_callable():
    class Model:
        __hash__ = None

        def __call__(self, x=None, num_obs_total=None): ...

    assert "unhashable Model" in only_problem_of(Model())


@pytest.mark.parametrize("what", ["model", "guide"])
def test_signature(what):
    def broken(x=None):
        numpyro.sample("theta", dist.Normal())

    model = number_model(lambda theta: dist.Normal(theta, 1.0))
    problem = only_problem_of(*([broken] if what == "model" else [model, NUMBER, broken]))
    assert "broken(x=None)" in problem
    assert f"def {what}(x=None, num_obs_total=None)" in problem


def test_model_that_raises():
    def model(x=None, num_obs_total=None):
        raise RuntimeError("no such file\nsecond line")

    with pytest.raises(ModelError) as caught:
        check_model(model, NUMBER)
    assert caught.value.problems == (
        "The model raises RuntimeError on x of shape (1, 1): no such file",
    )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_model_that_raises_without_x():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=x[:, 0])

    assert "raises TypeError on x=None" in only_problem_of(model)


def test_model_that_cannot_be_traced():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            if x is not None and x[0, 0] > 3:
                theta = 2 * theta
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    assert "jnp.where in place of if" in only_problem_of(model)


def test_no_observed_site():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0))

    problem = only_problem_of(model)
    assert problem.startswith("No site is observed")
    assert 'numpyro.sample("value", ..., obs=x[:, 0])' in problem


def test_no_latent_site():
    def model(x=None, num_obs_total=None):
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(0.0, 1.0), obs=column(x, 0))

    assert only_problem_of(model) == "The model has no latent site: there is nothing to fit."


def test_latent_sites_without_a_coordinate():
    """The probabilities of one level: a fit would have failed after the release of its count."""

    def model(x=None, num_obs_total=None):
        shares = numpyro.sample("shares", dist.Dirichlet(jnp.ones(1)))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("x", dist.Categorical(shares), obs=None if x is None else x[:, 0])

    with pytest.raises(ModelError, match=r"'shares'\] can take one value only"):
        check_model(model, TableSchema({"x": Categorical(["a"])}))


@pytest.mark.parametrize("n_values", [1, 3])
def test_wrong_number_of_values(n_values):
    schema = TableSchema({"a": Continuous(0, 1), "b": Continuous(0, 1)})

    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        fn = dist.Normal(theta, 1.0).expand([n_values]).to_event(1)
        with numpyro.plate("batch", num_obs_total):
            x = None if x is None else jnp.tile(x[:, :1], n_values)
            numpyro.sample("row", fn, obs=x)

    problem = only_problem_of(model, schema)
    assert f"{{'row': (1, {n_values})}}" in problem
    assert "columns ['a', 'b']" in problem


def test_one_column_without_a_site():
    schema = TableSchema({"value": Continuous(-1, 1), "other": Continuous(0, 1)})
    problem = only_problem_of(number_model(lambda theta: dist.Normal(theta, 1.0)), schema)
    assert "one site of one value for each of the columns ['value', 'other']" in problem


def test_plate_of_a_fixed_size():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", 5):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    assert "{'value': (5,)}" in only_problem_of(model)


def test_observed_constants():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        numpyro.sample("side", dist.Normal(theta, 1.0), obs=jnp.array([0.5]))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    problem = only_problem_of(model)
    assert problem.startswith("Observed site 'side' does not depend on x")


def test_factor_that_is_a_prior():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        numpyro.factor("penalty", -(theta**2))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    assert "'penalty' does not depend on x" in only_problem_of(model)


def test_missing_values_need_a_distribution_that_has_them():
    schema = TableSchema({"value": Continuous(-10, 10, nullable=True)})
    problem = only_problem_of(number_model(lambda theta: dist.Normal(theta, 1.0)), schema)
    assert "'value': a missing value of column 'value'" in problem
    assert "NAModel(distribution, na_prob)" in problem


def test_levels_outside_the_support():
    schema = TableSchema({"value": Categorical(["x", "y", "z"])})
    problems = problems_of(number_model(lambda theta: dist.Bernoulli(logits=theta)), schema)
    assert problems == (
        "Observed site 'value': position 2 (level 'z') of column 'value' lies outside its "
        "support; choose a distribution on the column's levels or bounds, or widen it.",
    )


def test_too_many_levels_are_sampled():
    schema = TableSchema({"value": Categorical(["x", "y"])})
    fn = lambda theta: dist.Categorical(jnp.ones(5) / 5 + 0 * theta)  # noqa: E731
    problem = only_problem_of(number_model(fn), schema)
    assert "not as one of the positions of its 2 levels; use a distribution on 0, ..., 1" in problem


def test_bounds_outside_the_support():
    schema = TableSchema({"value": Continuous(-1, 10)})
    problems = problems_of(number_model(lambda theta: dist.Gamma(jnp.exp(theta), 1.0)), schema)
    assert problems == (
        "Observed site 'value': the value -1.0 of column 'value' lies outside its support; "
        "choose a distribution on the column's levels or bounds, or widen it.",
    )


def test_the_middle_outside_the_support():
    schema = TableSchema({"value": Continuous(100, 220)})
    fn = lambda theta: dist.Beta(jnp.exp(theta), 1.0)  # noqa: E731
    first, second = problems_of(number_model(fn), schema)
    assert "the record in the middle of the schema lies outside the support" in first
    assert "values sampled from the prior lie outside [100.0, 220.0]" in second


def test_density_that_is_infinite_at_a_bound():
    schema = TableSchema({"value": Continuous(0, 2)})

    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            value = numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))
            numpyro.factor("tail", theta * jnp.log(value))

    problem = only_problem_of(model, schema)
    assert problem.startswith(
        "Observed site 'tail': the value 0.0 of column 'value' has no finite log density"
    )


def test_gradient_that_is_not_finite():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            value = jnp.zeros(1) if x is None else x[:, 0]
            location = jnp.where(value > 0, jnp.sqrt(jnp.maximum(value, 0.0) * theta**2), theta)
            numpyro.sample("value", dist.Normal(location, 1.0), obs=column(x, 0))

    problem = only_problem_of(model)
    assert "or its gradient, is not finite" in problem
    assert "jnp.where" in problem


def test_prior_that_allows_impossible_parameters():
    model = number_model(lambda theta: dist.Normal(0.0, theta), dist.Normal(1.0, 1.0))
    problem = only_problem_of(model)
    assert "not a number where the prior puts the latent sites at {'theta': -" in problem


def test_improper_prior():
    model = number_model(
        lambda theta: dist.Normal(theta, 1.0), dist.ImproperUniform(constraints.real, (), ())
    )
    assert "NotImplementedError" in only_problem_of(model)


@pytest.mark.parametrize("with_plate", [True, False])
def test_latent_sites_of_single_records(with_plate):
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        if not with_plate:
            n_rows = 1 if x is None else len(x)
            local = numpyro.sample("local", dist.Normal(jnp.zeros(n_rows), 1.0))
        with numpyro.plate("batch", num_obs_total):
            if with_plate:
                local = numpyro.sample("local", dist.Normal(0.0, 1.0))
            numpyro.sample("value", dist.Normal(theta + local, 1.0), obs=column(x, 0))

    problem = only_problem_of(model)
    where = "inside the plate 'batch' of the records" if with_plate else "per record"
    assert f"Latent site 'local' is sampled {where}" in problem


def test_discrete_latent_site():
    model = number_model(lambda theta: dist.Normal(theta, 1.0), dist.Bernoulli(0.5))
    problem = only_problem_of(model)
    assert "Latent site 'theta' is discrete" in problem
    assert "MixtureSameFamily" in problem


def test_param_of_the_model():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal(numpyro.param("prior_mean", 0.0), 1.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    assert "'prior_mean' is a numpyro.param" in only_problem_of(model)


def test_all_structural_problems_are_listed():
    def model(x=None, num_obs_total=None):
        numpyro.sample("kind", dist.Bernoulli(0.5))
        theta = numpyro.sample("theta", dist.Normal(numpyro.param("prior_mean", 0.0), 1.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    assert len(problems_of(model)) == 2


def test_other_sites_without_x():
    def model(x=None, num_obs_total=None):
        theta = numpyro.sample("theta", dist.Normal())
        if x is None:
            theta = theta + numpyro.sample("more", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, 1.0), obs=column(x, 0))

    problem = only_problem_of(model)
    assert "With x=None the model samples the sites ['more', 'theta', 'value']" in problem


def test_missing_values_of_a_column_without():
    model = number_model(lambda theta: NAModel(dist.Normal(theta, 1.0), 0.5))
    problem = only_problem_of(model)
    assert "Column 'value' is sampled as missing" in problem
    assert "nullable=True" in problem


def test_units():
    schema = TableSchema({"value": Continuous(1000, 2000)})
    problem = only_problem_of(number_model(lambda theta: dist.Normal(theta, 1.0)), schema)
    assert "lie outside [1000.0, 2000.0]" in problem
    assert "in their own units" in problem


def guide_of(*draws):
    def guide(x=None, num_obs_total=None):
        location = numpyro.param("location", 0.5)
        for name, fn in draws:
            numpyro.sample(name, fn(location))

    return guide


def normal(location):
    return dist.Normal(location, 1.0)


POSITIVE = number_model(lambda theta: dist.Normal(0.0, theta), dist.Gamma(2.0, 1.0))


@pytest.mark.parametrize(
    ("guide", "expected"),
    [
        (guide_of(), "The guide lacks the latent site 'theta'"),
        (
            guide_of(("theta", lambda m: dist.LogNormal(m, 1.0)), ("other", normal)),
            "The guide samples the site 'other', which is unknown in the model",
        ),
        (
            guide_of(("theta", lambda m: dist.LogNormal(m, 1.0)), ("value", normal)),
            "The guide samples the site 'value', which is observed in the model",
        ),
        (
            guide_of(("theta", lambda m: dist.LogNormal(m, 1.0).expand([2]))),
            "Guide site 'theta' has the shape (2,), the model's ()",
        ),
        (guide_of(("theta", dist.Poisson)), "follows a Poisson, whose draws cannot be diff"),
        (guide_of(("theta", normal)), "values of the sites ['theta'] outside the support"),
        (guide_of(("theta", lambda m: 1 / 0)), "The guide raises ZeroDivisionError when it is set"),
        (
            guide_of(("theta", lambda m: dist.LogNormal(m, jnp.log(m + 0.5) + 1e-30))),
            "The guide's log density, or its gradient, is not finite",
        ),
    ],
)
def test_guides(guide, expected):
    assert expected in only_problem_of(POSITIVE, NUMBER, guide)


def test_guide_without_parameters():
    def guide(x=None, num_obs_total=None):
        numpyro.sample("theta", dist.LogNormal(0.0, 1.0))

    assert "no numpyro.param" in only_problem_of(POSITIVE, NUMBER, guide)


def test_guide_with_a_parameter_that_is_no_array():
    def guide(x=None, num_obs_total=None):
        location = numpyro.param("location", {"a": 0.0})["a"]
        numpyro.sample("theta", dist.LogNormal(location, 1.0))

    assert "parameter 'location' is a dict" in only_problem_of(POSITIVE, NUMBER, guide)


def test_a_model_with_bound_arguments_is_a_model():
    def model(x=None, num_obs_total=None, width=1.0):
        theta = numpyro.sample("theta", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(theta, width), obs=column(x, 0))

    check_model(functools.partial(model, width=2.0), NUMBER)


def test_a_vector_of_columns():
    def model(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(0.0, 1.0).expand([2]).to_event(1))
        with numpyro.plate("batch", num_obs_total):
            return numpyro.sample("x", dist.MultivariateNormal(mean, jnp.eye(2)), obs=x)

    check_model(model, TableSchema({"a": Continuous(-3, 3), "b": Continuous(-3, 3)}))


def test_many_levels_and_uniform_rows():
    schema = TableSchema({"value": Categorical(list(range(400)))})
    fn = lambda theta: dist.Categorical(logits=theta * jnp.arange(400) / 400)  # noqa: E731
    check_model(number_model(fn), schema, n_rows=3)
    rows = _check_model.likelihood_problems.__globals__["_uniform_codes"](SCHEMA, 500)
    assert rows.shape == (500, 3)
    assert np.isnan(rows[:, 0]).any()
    assert not np.isnan(rows[:, 1:]).any()
    assert set(rows[:, 2]) == {0.0, 1.0, 2.0}
