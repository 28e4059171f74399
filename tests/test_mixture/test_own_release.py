"""A NumPyro model of one's own, through the synthesizer."""

import math
import pickle

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skdpsynth import Categorical, Continuous, NumPyroSynthesizer, TableSchema
from skdpsynth.mixture import ModelError, NAModel, check_model

SCHEMA = TableSchema(
    {"height": Continuous(-10, 10, nullable=True), "sick": Categorical(["no", "yes"])}
)


def regression(x=None, num_obs_total=None):
    """P(sick), and a height that depends on it and may be missing."""
    rate = numpyro.sample("rate", dist.Beta(1.0, 1.0))
    mean = numpyro.sample("mean", dist.Normal(0.0, 5.0).expand([2]).to_event(1))
    absent = numpyro.sample("absent", dist.Beta(1.0, 1.0))
    n_rows = 1 if x is None and num_obs_total is None else num_obs_total if x is None else len(x)
    with numpyro.plate("batch", n_rows):
        height, sick = (None, None) if x is None else (x[:, 0], x[:, 1])
        sick = numpyro.sample("sick", dist.Bernoulli(rate), obs=sick)
        base = dist.Normal(mean[jnp.asarray(sick, int)], 1.0)
        numpyro.sample("height", NAModel(base, absent), obs=height)


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    sick = rng.random(3000) < 0.3
    height = np.where(sick, 2.0, -1.0) + rng.normal(size=3000)
    height[rng.random(3000) < 0.1] = np.nan
    return pd.DataFrame({"height": height, "sick": np.where(sick, "yes", "no")})


def fit(table, **parameters):
    defaults = {
        "epsilon": math.inf,
        "delta": 1e-5,
        "schema": SCHEMA,
        "model": regression,
        "random_state": 0,
    }
    return NumPyroSynthesizer(**{**defaults, **parameters}).fit(table)


def check_recovery(synthesizer, table, tolerance):
    synthetic = synthesizer.sample(4000, random_state=0)
    assert synthetic.columns.tolist() == ["height", "sick"]
    assert (synthetic["sick"] == "yes").mean() == pytest.approx(0.3, abs=tolerance)
    assert synthetic["height"].isna().mean() == pytest.approx(0.1, abs=tolerance)
    means = synthetic.groupby("sick")["height"].mean()
    assert_allclose(means, [-1.0, 2.0], atol=4 * tolerance)


def test_without_noise_the_model_is_recovered(table):
    check_recovery(fit(table), table, 0.04)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_with_noise_it_comes_close_within_the_request(table, adjacency):
    synthesizer = fit(table, epsilon=3.0, adjacency=adjacency, n_steps=200, sampling_rate=1.0)
    assert 2.5 < synthesizer.privacy_spent_.epsilon <= 3.0
    names = [entry.name for entry in synthesizer.ledger_.entries]
    assert ("row count" in names) == (adjacency == "add_remove")
    planned = synthesizer.plan().releases
    assert names == [line.name for line in planned]
    shares = [line.share for line in planned]
    assert shares == ([0.01, 0.99] if adjacency == "add_remove" else [1.0])
    assert synthesizer.ledger_.shares() == pytest.approx(shares, abs=1e-12)
    check_recovery(synthesizer, table, 0.08)


def test_scores_draws_and_pickles(table):
    synthesizer = fit(table, n_steps=100, sampling_rate=1.0)
    assert np.isfinite(synthesizer.score_samples(table[:200])).all()
    first, second = synthesizer.sample_datasets(2, 300, random_state=0)
    assert len(first) == 300
    assert not first.equals(second)
    again = pickle.loads(pickle.dumps(synthesizer))
    pd.testing.assert_frame_equal(
        again.sample(20, random_state=1), synthesizer.sample(20, random_state=1)
    )
    with pytest.raises(ValueError, match="cannot be sampled given values"):
        synthesizer.sample(2, conditions={"sick": "yes"})


def test_what_is_wrong_is_said_before_any_budget_is_spent(table):
    def constant(x=None, num_obs_total=None):
        numpyro.sample("rate", dist.Beta(1.0, 1.0))

    with pytest.raises(ModelError, match="observed"):
        check_model(constant, SCHEMA)
    synthesizer = NumPyroSynthesizer(schema=SCHEMA, model=constant)
    with pytest.raises(ModelError, match="observed"):
        synthesizer.fit(table)
    assert not hasattr(synthesizer, "ledger_")


def test_sampled_batches_have_no_share_of_their_own():
    count, gradients = NumPyroSynthesizer(schema=SCHEMA, model=regression).plan().releases
    assert (count.name, count.share) == ("row count", 0.01)
    assert gradients.name == "clipped gradients, 1000 steps"
    assert math.isnan(gradients.share)


def test_a_model_is_asked_for_before_the_rows_are_used(table):
    synthesizer = NumPyroSynthesizer(schema=SCHEMA, guide=regression)
    for use in (lambda: synthesizer.fit(table), synthesizer.plan):
        with pytest.raises(ValueError, match="needs a model of one record: pass model"):
            use()
    assert not hasattr(synthesizer, "ledger_")


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_steps", 0),
        ("sampling_rate", 1.5),
        ("clipping_norm", math.inf),
        ("learning_rate", "fast"),
    ],
)
def test_impossible_parameters_are_named(table, parameter, value):
    with pytest.raises(ValueError, match=f"{parameter} must be"):
        fit(table, **{parameter: value})


def test_progress_counts_steps_not_rows(table, capsys):
    fit(table[:1237], n_steps=70, sampling_rate=0.1, verbose=1)
    progress = capsys.readouterr().err
    assert "70/70" in progress
    assert "1237" not in progress
