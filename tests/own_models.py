"""A NumPyro model for any schema, for the tests over all synthesizers."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist

from skdpsynth.mixture import NAModel


@dataclass(frozen=True)
class IndependentColumns:
    """Independent columns: levels with a Dirichlet prior, numbers around an unknown mean."""

    columns: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, schema):
        """Return the model of a schema."""
        return cls(tuple(schema.columns.items()))

    def __call__(self, x=None, num_obs_total=None):
        """Sample or observe records."""
        for position, (name, kind) in enumerate(self.columns):
            if hasattr(kind, "levels"):
                shares = dist.Dirichlet(jnp.ones(len(kind.levels)))
                family = dist.Categorical(numpyro.sample(f"shares of {name}", shares))
            else:
                middle, width = (kind.low + kind.high) / 2, kind.high - kind.low
                mean = numpyro.sample(f"mean of {name}", dist.Normal(middle, width / 4))
                family = dist.Normal(mean, width / 4)
            if kind.nullable:
                family = NAModel(family, 0.2)
            with numpyro.plate(f"records of {name}", num_obs_total):
                numpyro.sample(name, family, obs=None if x is None else x[:, position])
