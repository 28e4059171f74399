"""
A model of your own
===================

The automatic mixture knows nothing about a table but its columns. Where something is known about
how a column depends on others, a small model that says so keeps that dependence better than any
general one at the same privacy budget. It is written in NumPyro and fitted by differentially
private variational inference.

Here: how often people of the RAND Health Insurance Experiment saw a doctor, given an index of
chronic diseases and what they thought of their own health.
"""

# %%
# Three columns of the survey. A model sees numbers in their own units and the positions 0, 1, ...
# of levels.

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from skdpsynth import DPMixtureSynthesizer, NumPyroSynthesizer
from skdpsynth.datasets import load_rand_hie
from skdpsynth.displays import MarginalDisplay
from skdpsynth.mixture import check_model

hie = load_rand_hie()
schema = hie.schema.select(["disea", "fair_or_poor", "mdvis"])
table = hie.frame[list(schema.names)]
print(schema)

# %%
# The model describes one record. Sites with ``obs=`` bear the names of the columns; all other sites
# are what is to be learned, each with a prior. Visits are counts that vary more than Poisson
# variables do, with a log-linear mean. The priors say what is plausible: they are where the fit
# starts from and, with the model, set the length of its steps.


def visits_model(x=None, num_obs_total=None):
    disease, poor, visits = (None, None, None) if x is None else x.T
    share_poor = numpyro.sample("share_poor", dist.Beta(1.0, 1.0))
    centre = numpyro.sample("centre", dist.Normal(jnp.zeros(2), 1.0).to_event(1))
    spread = numpyro.sample("spread", dist.LogNormal(0.0, 1.0))
    intercept = numpyro.sample("intercept", dist.Normal(0.0, 1.0))
    slope = numpyro.sample("slope", dist.Normal(jnp.zeros(2), 1.0).to_event(1))
    shape = numpyro.sample("shape", dist.LogNormal(0.0, 1.0))
    with numpyro.plate("batch", num_obs_total):
        poor = numpyro.sample("fair_or_poor", dist.Bernoulli(share_poor), obs=poor)
        location = 10.0 + 10.0 * jnp.where(poor == 1, centre[1], centre[0])
        disease = numpyro.sample("disea", dist.Normal(location, 10.0 * spread), obs=disease)
        log_mean = 1.0 + intercept + slope[0] * (disease - 10.0) / 10.0 + slope[1] * poor
        visit = dist.NegativeBinomial2(jnp.exp(log_mean), shape)
        numpyro.sample("mdvis", visit, obs=visits)


# %%
# `check_model` tries it on made-up records and says what is wrong before any budget is spent; `fit`
# calls it too.

check_model(visits_model, schema)

# %%
# An integer ``random_state`` makes this page reproducible. It fixes the noise too, which is
# harmless for a public table and for no other.

synthesizer = NumPyroSynthesizer(
    epsilon=0.5, schema=schema, model=visits_model, random_state=0
).fit(table)
automatic = DPMixtureSynthesizer(epsilon=0.5, schema=schema, random_state=0).fit(table)
print(synthesizer.privacy_spent_)

# %%
# Every column on its own: the model's visits have the long tail of the real ones.

synthetic = synthesizer.sample(len(table), random_state=0)
display = MarginalDisplay.from_tables(table, synthetic, schema)

# %%
# What the model is for: the factor by which visits grow with ten points of the disease index, and
# with fair or poor health, in a Poisson regression.


def rate_ratios(frame):
    features = pd.DataFrame(
        {"ten points": frame["disea"] / 10.0, "fair or poor": frame["fair_or_poor"] == "yes"}
    ).astype(float)
    regression = PoissonRegressor(alpha=0.0).fit(features, frame["mdvis"])
    return pd.Series(np.exp(regression.coef_), index=features.columns)


ratios = {
    "real": rate_ratios(table),
    "own model": rate_ratios(synthetic),
    "automatic": rate_ratios(automatic.sample(len(table), random_state=0)),
}
print(pd.DataFrame(ratios).T.round(2).to_string())
