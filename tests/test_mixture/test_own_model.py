import math
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpyro.distributions import biject_to, constraints
from numpyro.infer.autoguide import AutoDelta, AutoDiagonalNormal, AutoMultivariateNormal
from numpyro.infer.util import potential_energy
from scipy import stats
from scipy.special import expit

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth.mixture._dpvi._noisy_gradients import DPVIPlan, run_dpvi
from skdpsynth.mixture._own_model import _fitted as _custom_model
from skdpsynth.mixture._own_model import _unconstrained as _custom
from skdpsynth.mixture._own_model._fitted import CustomModel
from skdpsynth.mixture._own_model._na_model import NAModel
from skdpsynth.mixture._own_model._records import example_record, to_codes, to_records
from skdpsynth.mixture._own_model._unconstrained import CustomLatents, build_guide
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger, RowCount
from skdpsynth.privacy._mechanisms import plan_steps

# numpyro 0.19 asks for the finfo of a traced array when it samples a Dirichlet
pytestmark = pytest.mark.filterwarnings("ignore:unhashable type:FutureWarning")

NAN = float("nan")
SCHEMA = TableSchema(
    {
        "height": Continuous(100, 220, nullable=True),
        "visits": Count(2, 40),
        "plan": Categorical(["a", "b", "c"]),
    }
)
NUMBER = TableSchema({"value": Continuous(-10, 10)})
YES_NO = TableSchema({"sick": Categorical(["no", "yes"])})


def column(x, j):
    return None if x is None else x[:, j]


def mixed_model(x=None, num_obs_total=None):
    """All kinds of support, and one site per column."""
    n_rows = 1 if x is None else len(x)
    mean = numpyro.sample("mean", dist.Normal(160.0, 20.0))
    scale = numpyro.sample("scale", dist.LogNormal(2.0, 0.5))
    q = numpyro.sample("q", dist.Beta(1.0, 3.0))
    rate = numpyro.sample("rate", dist.Gamma(5.0, 0.5))
    shares = numpyro.sample("shares", dist.Dirichlet(jnp.ones(3)))
    with numpyro.plate("batch", num_obs_total, n_rows):
        numpyro.sample("height", NAModel(dist.Normal(mean, scale), q), obs=column(x, 0))
        numpyro.sample("visits", dist.Poisson(rate), obs=column(x, 1))
        numpyro.sample("plan", dist.Categorical(shares), obs=column(x, 2))


def mean_model(x=None, num_obs_total=None):
    mean = numpyro.sample("mean", dist.Normal(1.0, 2.0))
    with numpyro.plate("batch", num_obs_total):
        numpyro.sample("x", dist.Normal(mean, 3.0).expand([1]).to_event(1), obs=x)


def rate_model(x=None, num_obs_total=None):
    rate = numpyro.sample("rate", dist.Beta(2.0, 3.0))
    with numpyro.plate("batch", num_obs_total):
        numpyro.sample("sick", dist.Bernoulli(rate), obs=column(x, 0))


def mixture_model(x=None, num_obs_total=None):
    weights = numpyro.sample("weights", dist.Dirichlet(jnp.ones(2)))
    with numpyro.plate("components", 2):
        means = numpyro.sample("means", dist.Normal(0.0, 4.0))
    mixture = dist.MixtureSameFamily(dist.Categorical(weights), dist.Normal(means, 1.0))
    with numpyro.plate("batch", num_obs_total):
        numpyro.sample("value", mixture, obs=column(x, 0))


def mixed_records(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    records = np.column_stack(
        [rng.normal(165, 15, n_rows), rng.poisson(9.0, n_rows), rng.integers(3, size=n_rows)]
    )
    records[rng.random(n_rows) < 0.2, 0] = np.nan
    return records.astype(np.float32)


@pytest.fixture(scope="module")
def mixed():
    return CustomLatents.build_raw(mixed_model, SCHEMA)


def test_structure(mixed):
    assert mixed.columns == ("height", "visits", "plan")
    assert mixed.observed == ("height", "visits", "plan")
    shapes = {part.name: part.shape for part in mixed.latents}
    assert shapes == {"mean": (), "scale": (), "q": (), "rate": (), "shares": (2,)}
    assert mixed.n_latents == 6


def reference_log_likelihood(z, record):
    """The mixed model by hand, from scipy."""
    mean, scale, q, rate = z[0], np.exp(z[1]), expit(z[2]), np.exp(z[3])
    shares = np.asarray(biject_to(constraints.simplex)(z[4:]))
    height, visits, plan = record
    known = np.log1p(-q) + stats.norm.logpdf(height, mean, scale)
    return (
        (np.log(q) if np.isnan(height) else known)
        + stats.poisson.logpmf(visits, rate)
        + np.log(shares[int(plan)])
    )


@pytest.mark.parametrize("seed", range(3))
def test_log_likelihood_against_scipy(mixed, seed):
    z = np.random.default_rng(seed).normal([160, 2, -1, 2, 0, 0], 0.3).astype(np.float32)
    records = mixed_records(6, seed)
    got = _custom_model._log_likelihoods(mixed, z, records)
    assert_allclose(got, [reference_log_likelihood(z, record) for record in records], rtol=2e-5)


@pytest.mark.parametrize("model", [mixed_model, mixture_model, mean_model, rate_model])
def test_log_prior_is_numpyros_potential_energy(model):
    schema = {mixed_model: SCHEMA, rate_model: YES_NO}.get(model, NUMBER)
    latents = CustomLatents.build_raw(model, schema)

    def prior_only(x, num_obs_total):
        with numpyro.handlers.block(hide=list(latents.observed)):
            numpyro.handlers.seed(model, 0)(x, num_obs_total)

    z = np.random.default_rng(1).normal(size=latents.n_latents).astype(np.float32)
    parts = {part.name: part.of(jnp.asarray(z)) for part in latents.latents}
    energy = potential_energy(prior_only, (latents.record[None], 1), {}, parts)
    assert_allclose(latents.log_prior(z), -energy, rtol=1e-5)


def test_a_unit_is_the_posterior_deviation_after_one_record():
    """Within 12 %; the 255 draws have a standard error of about 4 %."""
    scale = CustomLatents.build(mean_model, NUMBER).scale
    assert scale[0] == pytest.approx((1 / 4 + 1 / 9) ** -0.5, rel=0.12)


def test_units_change_nothing_but_the_coordinates():
    raw = CustomLatents.build_raw(mixed_model, SCHEMA)
    latents = CustomLatents.build(mixed_model, SCHEMA)
    scale = np.array(latents.scale, np.float32)
    assert scale[0] > 5
    z, record = raw.prior_median(), mixed_records(1)[0]
    assert_allclose(latents.prior_median(), z / scale, rtol=1e-6)
    assert_allclose(
        latents.log_likelihood(z / scale, record), raw.log_likelihood(z, record), rtol=1e-5
    )
    density = raw.log_prior(z) + np.log(scale).sum()
    assert_allclose(latents.log_prior(z / scale), density, rtol=1e-5)
    gradients = [
        explicit_gradients(x, u, record[None]) for x, u in [(latents, z / scale), (raw, z)]
    ]
    assert_allclose(gradients[0], gradients[1] * scale, rtol=1e-3, atol=1e-4)
    values = {name: site["value"] for name, site in raw.run(z, record)[0].items()}
    back, jacobian = latents.unconstrain(values)
    assert_allclose(back, z / scale, rtol=1e-3)
    assert_allclose(jacobian, raw.unconstrain(values)[1] + np.log(scale).sum(), rtol=1e-5)


def test_the_units_of_a_column_do_not_matter():
    """A thousandfold unit with a thousandfold prior: the same unit of z, the same gradients."""

    def in_thousands(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(1000.0, 2000.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(mean, 3000.0), obs=column(x, 0))

    small = CustomLatents.build(mean_model, NUMBER)
    large = CustomLatents.build(in_thousands, TableSchema({"value": Continuous(-1e4, 1e4)}))
    assert large.scale[0] == pytest.approx(1000 * small.scale[0], rel=1e-3)
    z = small.prior_median()
    assert_allclose(large.prior_median(), z, rtol=1e-3)
    gradients = [
        explicit_gradients(latents, z, np.array([[unit * 2.5]], np.float32))
        for latents, unit in [(small, 1.0), (large, 1000.0)]
    ]
    assert_allclose(gradients[0], gradients[1], rtol=1e-3)


def explicit_gradients(latents, z, records):
    gradient = jax.jit(jax.grad(latents.log_likelihood))
    return np.stack([gradient(z, record) for record in records])


_clip = jax.jit(CustomLatents.clipped_steps, static_argnums=0)


def clipped_sum(latents, z, records, is_record, norm):
    """Return the sum exactly."""
    step, _ = plan_steps(norm, 1.0, 1)
    whole, rest = _clip(latents, z, records, is_record, norm, np.float32(step))
    high, low = (np.asarray(word, np.float64) for word in whole)
    assert (low >= 0).all()
    assert (low < 2**22).all()
    return (high * 2**22 + low) * step + np.asarray(rest, np.float64)


def test_clipped_sum_is_the_sum_of_clipped_gradients(mixed):
    records, z = mixed_records(40), mixed.prior_median()
    gradients = explicit_gradients(mixed, z, records)
    norms = np.linalg.norm(gradients, axis=1)
    is_record = np.random.default_rng(0).random(40) < 0.7
    for norm in [1e-3, float(np.median(norms)), 1e6]:
        factors = np.minimum(1.0, norm / norms) * is_record
        got = clipped_sum(mixed, z, records, is_record, norm)
        assert_allclose(got, factors @ gradients, rtol=1e-4, atol=1e-6 * norm)


def test_gradients_against_differences(mixed):
    z = np.array([160, 2, -1, 2, 0.3, -0.2])
    records = mixed_records(4)
    for record, gradient in zip(
        records, explicit_gradients(mixed, z.astype(np.float32), records), strict=True
    ):
        step = 1e-5 * np.eye(6)
        numeric = [
            (reference_log_likelihood(z + h, record) - reference_log_likelihood(z - h, record))
            / 2e-5
            for h in step
        ]
        # simplex logits pass through float32
        assert_allclose(gradient[:4], numeric[:4], rtol=1e-3, atol=1e-4)


def test_chunks_do_not_change_the_sum(mixed, monkeypatch):
    records, z = mixed_records(37), mixed.prior_median()
    is_record = np.arange(37) % 5 > 0
    whole = mixed.clipped_steps(z, records, is_record, 0.5, 2.0**-19)
    monkeypatch.setattr(_custom, "LARGEST_CHUNK", 8)
    assert _custom._chunks(37, 6) == (5, 8)
    in_chunks = mixed.clipped_steps(z, records, is_record, 0.5, 2.0**-19)
    assert_array_equal(in_chunks.whole, whole.whole)
    assert_allclose(in_chunks.rest, whole.rest, atol=1e-3 * 2.0**-19)


@pytest.mark.parametrize(("n_rows", "n_latents"), [(1, 1), (37, 10**9), (5000, 10), (4096, 10**4)])
def test_chunks_cover_the_rows_within_memory(n_rows, n_latents):
    n_chunks, size = _custom._chunks(n_rows, n_latents)
    assert n_rows <= n_chunks * size < n_rows + n_chunks
    assert size == 1 or 4 * size * n_latents <= 64 * 2**20


def test_a_record_moves_the_sum_by_the_clipping_norm_at_most(mixed):
    records, norm = mixed_records(24), 0.7
    for scale in [0.1, 3.0]:
        z = mixed.prior_median() + scale
        whole = clipped_sum(mixed, z, records, np.ones(24, bool), norm)
        for removed in range(24):
            rest = clipped_sum(mixed, z, records, np.arange(24) != removed, norm)
            assert np.linalg.norm(whole - rest) <= norm * (1 + 1e-5)


def shifted(x=None, num_obs_total=None):
    mean = numpyro.sample("mean", dist.Normal(0.0, 1.0))
    with numpyro.plate("batch", num_obs_total):
        numpyro.sample("value", dist.Normal(mean, 1.0), obs=column(x, 0))


def test_a_record_among_many_moves_the_sum_by_its_own_gradient():
    """A float32 sum of that many would be rounded by more than one of them, here and there."""
    latents = CustomLatents.build_raw(shifted, TableSchema({"value": Continuous(-10, 20)}))
    n_rows, norm = 1 << 21, 1.3
    rng = np.random.default_rng(0)
    records = rng.uniform(0.9, 1.3, (n_rows, 1)).astype(np.float32)
    z, is_record = np.zeros(1, np.float32), np.ones(n_rows, bool)
    whole = clipped_sum(latents, z, records, is_record, norm)
    assert_allclose(whole, records.sum(dtype=np.float64), rtol=1e-9)
    for removed in [0, 1, n_rows - 1]:
        kept = np.append(np.delete(records, removed, axis=0), [[0.0]], axis=0).astype(np.float32)
        rest = clipped_sum(latents, z, kept, np.arange(n_rows) < n_rows - 1, norm)
        assert_allclose(whole - rest, records[removed], atol=2e-4 * norm)


@pytest.mark.parametrize("norm", [1e-25, 1e-10, 1e10, 1e25])
def test_the_clipping_norm_holds_however_small_or_large_it_is(norm):
    """Squares of such gradients are zero, or infinite, in single precision."""

    def tiny(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(0.0, 1.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(mean, norm**-0.5), obs=column(x, 0))

    latents = CustomLatents.build_raw(tiny, TableSchema({"value": Continuous(-10, 20)}))
    records = np.array([[10.0], [20.0]], np.float32)
    got = clipped_sum(latents, np.zeros(1, np.float32), records, np.ones(2, bool), 0.5 * norm)
    assert_allclose(got, 2 * 0.5 * norm, rtol=1e-3)


def test_a_gradient_that_is_not_finite_counts_as_zero():
    def broken(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal())
        with numpyro.plate("batch", num_obs_total):
            fn = dist.Normal(mean * jnp.log(1.0 if x is None else x[:, 0]), 1.0)
            numpyro.sample("value", fn, obs=column(x, 0))

    latents = CustomLatents.build_raw(broken, TableSchema({"value": Continuous(-10, 20)}))
    records = np.array([[2.0], [-1.0], [0.0], [3.0]], np.float32)
    z = np.array([0.5], np.float32)
    gradients = explicit_gradients(latents, z, records)
    assert_array_equal(np.isfinite(gradients[:, 0]), [True, False, False, True])
    got = clipped_sum(latents, z, records, np.ones(4, bool), 1e6)
    assert_allclose(got, gradients[[0, 3]].sum(axis=0), rtol=1e-6)


@pytest.mark.parametrize("how", ["plate", "scale"])
def test_scales_do_not_multiply_a_record(how):
    def scaled(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(1.0, 2.0))
        if how == "plate":
            with numpyro.plate("batch", 1000, subsample_size=1):
                numpyro.sample("value", dist.Normal(mean, 3.0), obs=column(x, 0))
        else:
            with numpyro.handlers.scale(scale=1000.0), numpyro.plate("batch", num_obs_total):
                numpyro.sample("value", dist.Normal(mean, 3.0), obs=column(x, 0))

    plain, latents = (CustomLatents.build_raw(model, NUMBER) for model in [mean_model, scaled])
    z, record = np.array([0.3], np.float32), np.array([1.2], np.float32)
    assert latents.log_likelihood(z, record) == plain.log_likelihood(z, record)


def test_equal_models_share_a_compilation():
    first, second = (CustomLatents.build(mean_model, NUMBER) for _ in range(2))
    assert first == second
    assert hash(first) == hash(second)
    assert first != CustomLatents.build(mean_model, TableSchema({"value": Continuous(0, 1)}))
    n_traces = 0

    def counting(x=None, num_obs_total=None):
        nonlocal n_traces
        n_traces += 1
        mean_model(x, num_obs_total)

    for guide in [None, AutoDiagonalNormal]:
        fit(counting, NUMBER, np.ones((20, 1), np.float32), guide=guide, n_steps=2)
        after_first = n_traces
        fit(counting, NUMBER, np.zeros((25, 1), np.float32), guide=guide, n_steps=2, seed=5)
        # the structure is read each time, abstractly; the guide's parameters too
        assert n_traces - after_first <= 1


def fit(
    model,
    schema,
    records,
    guide=None,
    epsilon=math.inf,
    n_steps=600,
    sampling_rate=1.0,
    norm=1e6,
    rate=0.1,
    seed=0,
):
    """What `NumPyroPlan` does."""
    latents = CustomLatents.build(model, schema)
    family, start = build_guide(guide, latents)
    desk = Mechanisms(PrivacyLedger(epsilon, 1e-6, "replace_one"), NoiseSource(seed))
    plan = DPVIPlan(n_steps, sampling_rate, norm, rate)
    count = RowCount(len(records), 0.0)
    trace = run_dpvi(latents, family, start, records, count, plan, desk)
    return CustomModel.at_location(latents, family, trace.parameters, schema)


def in_own_units(model):
    return model.z * np.array(model.latents.scale)


def posterior_draws(model, n=400):
    rng = np.random.default_rng(3)
    return np.array([in_own_units(model.draw_posterior(rng)) for _ in range(n)])


def normal_posterior(values):
    precision = 1 / 4 + len(values) / 9
    return (1 / 4 + values.sum() / 9) / precision, precision**-0.5


def mean_guide(x=None, num_obs_total=None):
    location = numpyro.param("location", 0.0)
    scale = numpyro.param("scale", 0.5, constraint=constraints.positive)
    numpyro.sample("mean", dist.Normal(location, scale))


@pytest.mark.parametrize(
    "guide", [None, mean_guide, AutoDiagonalNormal, AutoMultivariateNormal(mean_model)]
)
def test_normal_mean_recovers_the_posterior(guide):
    """Within 0.15 posterior standard deviations, and the deviation itself within 15 %."""
    values = np.random.default_rng(0).normal(2.0, 3.0, 60)
    model = fit(mean_model, NUMBER, values[:, None].astype(np.float32), guide)
    mean, deviation = normal_posterior(values)
    assert abs(in_own_units(model)[0] - mean) < 0.15 * deviation
    draws = posterior_draws(model)
    # 400 draws have a standard error of 3.5 % of their own
    assert draws.std() == pytest.approx(deviation, rel=0.15)


def beta_guide(x=None, num_obs_total=None):
    a = numpyro.param("a", 20.0, constraint=constraints.positive)
    b = numpyro.param("b", 30.0, constraint=constraints.positive)
    numpyro.sample("rate", dist.Beta(a, b))


@pytest.mark.parametrize("guide", [None, beta_guide])
def test_bernoulli_rate_recovers_the_posterior(guide):
    """Posterior Beta(2 + 30, 3 + 50): mean and deviation of the rate within 15 % of the latter."""
    records = np.repeat([1.0, 0.0], [30, 50]).astype(np.float32)[:, None]
    model = fit(rate_model, YES_NO, records, guide, n_steps=1000)
    rates = expit(posterior_draws(model)[:, 0])
    exact = stats.beta(32, 53)
    assert abs(rates.mean() - exact.mean()) < (0.15 + 4 / np.sqrt(400)) * exact.std()
    assert rates.std() == pytest.approx(exact.std(), rel=0.15)


def test_noise_and_sampling_at_finite_epsilon():
    values = np.random.default_rng(0).normal(2.0, 3.0, 2000).astype(np.float32)
    model = fit(
        mean_model, NUMBER, values[:, None], epsilon=2.0, sampling_rate=0.1, norm=2.0, n_steps=300
    )
    mean, _ = normal_posterior(values)
    assert abs(in_own_units(model)[0] - mean) < 0.5


def test_delta_guide_is_the_mode():
    values = np.random.default_rng(0).normal(2.0, 3.0, 60)
    model = fit(mean_model, NUMBER, values[:, None].astype(np.float32), AutoDelta)
    assert_allclose(in_own_units(model), normal_posterior(values)[0], rtol=1e-3)


def test_mixture_finds_its_components():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(-4, 1, 150), rng.normal(3, 1, 350)])
    model = fit(mixture_model, NUMBER, values[:, None].astype(np.float32), n_steps=800)
    codes = model.sample_codes(4000, np.random.default_rng(1))
    sample = codes[:, 0] * 20 - 10
    # five standard errors of 4000 draws, and the posterior's own deviation
    assert abs((sample < -0.5).mean() - 0.3) < 0.06
    assert abs(sample[sample < -0.5].mean() + 4) < 0.3
    assert abs(sample[sample > -0.5].mean() - 3) < 0.3


def test_guide_log_density_in_unconstrained_space():
    """A LogNormal on the support of the prior is a normal of z."""

    def guide(x=None, num_obs_total=None):
        numpyro.sample("s", dist.LogNormal(numpyro.param("m", 0.5), 0.3))

    def model(x=None, num_obs_total=None):
        s = numpyro.sample("s", dist.Gamma(2.0, 2.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(0.0, s), obs=column(x, 0))

    latents = CustomLatents.build_raw(model, NUMBER)
    family, start = build_guide(guide, latents)
    for i in range(5):
        z, entropy = family.draw(start, jax.random.key(i))
        assert_allclose(entropy, -stats.norm.logpdf(z[0], 0.5, 0.3), rtol=1e-4)
    automatic, parameters = build_guide(AutoMultivariateNormal, latents)
    z, entropy = automatic.draw(parameters, jax.random.key(0))
    sites = automatic.run(parameters, 0)
    location, scale = sites["auto_loc"]["value"][0], sites["auto_scale_tril"]["value"][0, 0]
    assert_allclose(entropy, -stats.norm.logpdf(z[0], location, scale), rtol=1e-4)


def test_supports_may_depend_on_other_latents():
    def model(x=None, num_obs_total=None):
        top = numpyro.sample("top", dist.Gamma(4.0, 1.0))
        mean = numpyro.sample("mean", dist.Uniform(-top, top))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(mean, 1.0), obs=column(x, 0))

    latents = CustomLatents.build_raw(model, NUMBER)
    z = np.array([1.2, -0.4], np.float32)
    sites, _ = latents.run(z, latents.record)
    values = {name: sites[name]["value"] for name in ["top", "mean"]}
    back, jacobian = latents.unconstrain(values)
    assert_allclose(back, z, rtol=1e-5)
    top, share = np.exp(1.2), expit(-0.4)
    assert_allclose(jacobian, 1.2 + np.log(2 * top * share * (1 - share)), rtol=1e-5)


def test_start_sees_no_data_and_separates_equal_components():
    latents = CustomLatents.build_raw(mixture_model, NUMBER)
    first, second = build_guide(None, latents)[1], build_guide(None, latents)[1]
    assert_array_equal(first, second)
    means = next(part for part in latents.latents if part.name == "means").of(first)
    assert abs(means[0] - means[1]) > 0.1
    assert (np.abs(means) < 8).all()


def test_example_is_inside_the_schema():
    assert_array_equal(example_record(SCHEMA), [160, 21, 0])


def test_records_keep_units_positions_and_missing_values():
    codes = np.array([[0.5, 0.0, 2.0], [NAN, 1.0, 0.0]])
    records = to_records(codes, SCHEMA)
    assert_array_equal(records, np.array([[160, 2, 2], [NAN, 40, 0]], np.float32))
    assert_allclose(to_codes(records, SCHEMA), codes)


def test_codes_are_rounded_and_clipped_into_the_schema():
    records = np.array([[99.0, 3.6, -1.0], [NAN, 1e9, 2.4], [np.inf, -np.inf, 7.0]])
    codes = to_codes(records, SCHEMA)
    assert_allclose(codes, [[0, 2 / 38, 0], [NAN, 1, 2], [1, 0, 2]])


@pytest.fixture(scope="module")
def fitted():
    return fit(mixed_model, SCHEMA, mixed_records(300), n_steps=50)


def test_samples_follow_the_model(fitted):
    n = 5000
    codes = fitted.sample_codes(n, np.random.default_rng(0))
    assert codes.shape == (n, 3)
    assert np.nanmin(codes[:, :2]) >= 0
    assert np.nanmax(codes[:, :2]) <= 1
    assert set(np.unique(codes[:, 2])) == {0.0, 1.0, 2.0}
    z = in_own_units(fitted)
    q, rate = expit(z[2]), np.exp(z[3])
    # five standard errors; clipping moves the mean of the visits by less
    assert abs(np.isnan(codes[:, 0]).mean() - q) < 5 * np.sqrt(q * (1 - q) / n)
    assert abs((codes[:, 1] * 38 + 2).mean() - rate) < 5 * np.sqrt(rate / n) + 0.05


def test_samples_are_reproducible(fitted):
    draws = [fitted.sample_codes(50, np.random.default_rng(seed)) for seed in [1, 1, 2]]
    assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])
    assert fitted.sample_codes(0, np.random.default_rng(0)).shape == (0, 3)


def test_posterior_draws_differ_and_leave_the_model_alone(fitted):
    z, rng = fitted.z.copy(), np.random.default_rng(0)
    first, second = fitted.draw_posterior(rng), fitted.draw_posterior(rng)
    assert not np.array_equal(first.z, second.z)
    assert_array_equal(fitted.z, z)
    assert first.sample_codes(3, rng).shape == (3, 3)


def test_log_density_is_that_of_the_model_in_the_columns_units(fitted):
    records = mixed_records(7)
    codes = to_codes(records, SCHEMA)
    z = in_own_units(fitted)
    expected = [reference_log_likelihood(z, r) for r in to_records(codes, SCHEMA)]
    assert_allclose(fitted.log_density(codes), expected, rtol=1e-4)


def test_what_a_custom_model_cannot_do_says_why(fitted):
    with pytest.raises(ValueError, match=r"density without column 'plan'.*score\(X, y\)"):
        fitted.log_density(np.zeros((1, 3)), without=2)
    with pytest.raises(ValueError, match=r"given values of \['visits'\]"):
        fitted.condition({1: 0.5})
    assert fitted.condition({}) is fitted


def test_fitted_model_is_pickled(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    assert_array_equal(
        copy.sample_codes(5, np.random.default_rng(0)),
        fitted.sample_codes(5, np.random.default_rng(0)),
    )


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_rows_without_a_needed_value_are_drawn_again(share):
    def model(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(0.0, 1.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", NAModel(dist.Normal(mean, 1.0), share), obs=column(x, 0))

    latents = CustomLatents.build(model, NUMBER)
    family, start = build_guide(None, latents)
    fitted, rng = CustomModel.at_location(latents, family, start, NUMBER), np.random.default_rng(0)
    if share < 1.0:
        assert np.isfinite(fitted.sample_codes(3000, rng)).all()
    else:
        with pytest.raises(ValueError, match=r"missing values in the columns \['value'\]"):
            fitted.sample_codes(2, rng)


@pytest.mark.parametrize("form", ["vector", "columns", "output", "no plate"])
def test_three_forms_of_observed_sites(form):
    schema = TableSchema({"a": Continuous(-5, 5), "b": Continuous(-5, 5)})

    def model(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(jnp.zeros(2), 1.0).to_event(1))
        if form == "no plate":
            return numpyro.sample("x", dist.Normal(mean, 0.1).to_event(1), obs=x)
        with numpyro.plate("batch", num_obs_total):
            if form == "vector":
                numpyro.sample("anything", dist.Normal(mean, 0.1).to_event(1), obs=x)
                return None
            names = ["a", "b"] if form == "columns" else ["first", "second"]
            values = [
                numpyro.sample(name, dist.Normal(mean[j], 0.1), obs=column(x, j))
                for j, name in enumerate(names)
            ]
        return jnp.stack(values, axis=-1) if form == "output" else None

    latents = CustomLatents.build_raw(model, schema)
    z = np.array([-2.0, 3.0], np.float32)
    record = np.array([-2.0, 3.0], np.float32)
    assert_allclose(latents.log_likelihood(z, record), 2 * stats.norm.logpdf(0, 0, 0.1), rtol=1e-5)
    assert_allclose(latents.sample_record(z, jax.random.key(0)), record, atol=0.5)


def test_dpvi_stops_where_parameters_are_not_finite():
    """Not by the rows, whose gradients are made finite, but by a prior without one."""

    def model(x=None, num_obs_total=None):
        mean = numpyro.sample("mean", dist.Normal(0.0, 1.0))
        numpyro.sample("flat", dist.Normal(jnp.sqrt(mean * 0.0), 1.0))
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("value", dist.Normal(mean, 1.0), obs=column(x, 0))

    with pytest.raises(FloatingPointError, match="check_model"):
        fit(model, NUMBER, np.ones((4, 1), np.float32), n_steps=3)
