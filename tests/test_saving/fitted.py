"""Small fitted synthesizers of every kind, one for each way a model can be made."""

import math
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import SimpleNamespace
from unittest import mock

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from numpyro.infer.autoguide import AutoNormal

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
    Ordinal,
    TableSchema,
)
from skdpsynth.mixture._dpvi._noisy_gradients import Trace, buy_noise
from skdpsynth.mixture._own_model import _check_model, _plan
from skdpsynth.napsu import _inference

SCHEMA = TableSchema(
    {
        "age": Count(17, 90),
        "sex": Categorical(["F", "M"], nullable=True),
        "pay": Continuous(0, 100, nullable=True),
        "grade": Ordinal(["low", "mid", "high"]),
        "sick": Categorical([False, True]),
    },
    target="sick",
)
HEIGHTS = TableSchema({"height": Continuous(-10, 10), "sick": Categorical(["no", "yes"])})


def make_table(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    sick = rng.random(n_rows) < 0.4
    sex = np.where(rng.random(n_rows) < 0.3 + 0.4 * sick, "F", "M").astype(object)
    sex[rng.random(n_rows) < 0.1] = None
    grade = rng.choice(["low", "mid", "high"], n_rows)
    return pd.DataFrame(
        {
            "age": rng.integers(17, 60, n_rows) + 30 * sick,
            "sex": sex,
            "pay": np.where(rng.random(n_rows) < 0.2, np.nan, rng.uniform(0, 100, n_rows)),
            "grade": pd.Categorical(grade, ["low", "mid", "high"], ordered=True),
            "sick": sick,
        }
    )


def make_heights(n_rows=300):
    rng = np.random.default_rng(0)
    sick = rng.random(n_rows) < 0.3
    height = np.where(sick, 2.0, -1.0) + rng.normal(size=n_rows)
    return pd.DataFrame({"height": height, "sick": np.where(sick, "yes", "no")})


def make_model(spread=1.0):
    """A NumPyro model that encloses a constant."""

    def heights(x=None, num_obs_total=None):
        score = numpyro.sample("score", dist.Normal(0.0, 1.0))
        mean = numpyro.sample("mean", dist.Normal(0.0, 5.0))
        height, sick = (None, None) if x is None else (x[:, 0], x[:, 1])
        with numpyro.plate("batch", num_obs_total):
            numpyro.sample("sick", dist.Bernoulli(logits=score), obs=sick)
            numpyro.sample("height", dist.Normal(mean, spread), obs=height)

    return heights


model = make_model()


def two_normals(x=None, num_obs_total=None):
    """A guide in the place of the automatic ones."""
    loc = numpyro.param("loc", 0.0)
    scale = numpyro.param("scale", 0.5, constraint=dist.constraints.positive)
    numpyro.sample("mean", dist.Normal(loc, 0.1))
    numpyro.sample("score", dist.Normal(0.0, scale))


QUERIES = [("age", "sick"), ("sex", "sick")]
_VARIANTS = {
    "moments": (DPMixtureSynthesizer, {"n_components": 4, "n_passes": 2, "n_bins": 8}),
    "infinite": (DPMixtureSynthesizer, {"epsilon": math.inf, "n_passes": 1, "n_bins": 4}),
    "replace one": (DPMixtureSynthesizer, {"adjacency": "replace_one", "n_passes": 1}),
    "scalars": (
        DPMixtureSynthesizer,
        {"distributions": {"age": "poisson", "pay": "normal"}, "n_passes": 1, "n_components": 3},
    ),
    "dpvi": (
        DPMixtureSynthesizer,
        {"inference": "dpvi", "n_steps": 3, "sampling_rate": 0.5, "n_components": 2},
    ),
    "laplace": (NapsuMQSynthesizer, {"queries": QUERIES, "n_bins": np.int64(4)}),
    "map": (NapsuMQSynthesizer, {"queries": QUERIES, "n_bins": 4, "inference": "map"}),
    "nuts": (
        NapsuMQSynthesizer,
        {"queries": {("sick", "sex")}, "bins": None, "inference": "nuts", "n_draws": 10},
    ),
    "auto": (NapsuMQSynthesizer, {}),
    "edges": (
        NapsuMQSynthesizer,
        {"bins": {"age": np.array([0.0, 30, 60, 99]), "pay": 3}, "queries": [("age", "sick")]},
    ),
    "clusters": (ClustMixSynthesizer, {}),
}
_CUSTOM = {"model": None, "guide": two_normals, "automatic guide": AutoNormal}
VARIANTS = [*_VARIANTS, *_CUSTOM]


def functions_of(variant):
    """What `load` must be passed for a variant."""
    if variant not in _CUSTOM:
        return {}
    own = _CUSTOM[variant]
    return {"model": model} if own is None else {"model": model, "guide": own}


@lru_cache
def fit(variant, random_state=0):
    """Return a fitted synthesizer; not to be changed."""
    if variant in _CUSTOM:
        cls, table, schema = NumPyroSynthesizer, make_heights(), HEIGHTS
        parameters = {**functions_of(variant), "n_steps": 3, "sampling_rate": 1.0}
    else:
        (cls, parameters), table, schema = _VARIANTS[variant], make_table(), SCHEMA
        if variant == "nuts":
            schema = SCHEMA.select(["sex", "grade", "sick"])
            table = table[["sex", "grade", "sick"]]
    with patch_slow(variant):
        return cls(schema=schema, random_state=random_state, **parameters).fit(table)


@contextmanager
def patch_slow(variant):
    """Leave out what takes long and makes no difference to what there is to save."""
    with ExitStack() as stack:
        if variant == "nuts":
            stack.enter_context(mock.patch.object(_inference, "run_nuts", _instead_of_nuts))
        if variant in _CUSTOM:
            stack.enter_context(mock.patch.object(_check_model, "check_model"))
            stack.enter_context(mock.patch.object(_plan, "run_dpvi", _instead_of_dpvi))
        yield


def _instead_of_nuts(network, likelihood, mode, n_draws, rng):
    draws = mode.parameters + 0.01 * rng.standard_normal((n_draws, len(mode.parameters)))
    return SimpleNamespace(r_hat=1.0, draws=draws)


def _instead_of_dpvi(latents, guide, start, rows, count, plan, desk):
    buy_noise(plan, latents.n_latents, desk)
    return Trace(np.asarray(start, float), np.zeros(len(start)))


@lru_cache
def saved(variant):
    """Return the bytes that stand for a fitted synthesizer."""
    from skdpsynth._saving._document import to_bytes

    return to_bytes(fit(variant))
