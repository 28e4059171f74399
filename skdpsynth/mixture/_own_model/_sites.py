"""NumPyro models run on one record: their sites, and arrays within flat vectors.

A model is only ever run on a single record, so that no record's likelihood can depend on another,
and whatever a plate would scale by is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Unit
from numpyro.handlers import seed, substitute, trace

from ._na_model import cast_to_support

__all__ = [
    "Part",
    "abstractly",
    "by_name",
    "flatten",
    "lay_out",
    "leave_alone",
    "run_model",
    "site_log_prob",
]


class Part(NamedTuple):
    """A named array within a flat vector of reals."""

    name: str
    shape: tuple[int, ...]
    start: int

    def of(self, flat: jax.Array) -> jax.Array:
        """Return the array."""
        return flat[self.start : self.start + math.prod(self.shape)].reshape(self.shape)


def lay_out(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Part, ...]:
    """Return where arrays of these shapes lie within a flat vector."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    starts = np.cumsum([0, *sizes])
    return tuple(
        Part(name, tuple(shape), int(start))
        for (name, shape), start in zip(shapes.items(), starts, strict=False)
    )


def flatten(parts: list[jax.Array]) -> jax.Array:
    """Return the flat vector of arrays."""
    return jnp.concatenate([jnp.ravel(part) for part in parts])


def run_model(
    model: Callable[..., Any], record: Any, key: Any, substitute_fn: Callable[[Any], Any]
) -> tuple[dict[str, Any], Any]:
    """Run a model or guide on one record, or without any, under numpyro's handlers.

    Parameters
    ----------
    model : callable
        Called as ``model(x, num_obs_total=1)`` with x of shape (1, n_columns), or None.
    record : array of shape (n_columns,) or None
    key : int or jax key
        For the sites that are sampled.
    substitute_fn : callable
        Receives a site; returns its value, or None to leave it alone.

    Returns
    -------
    sites : dict
        What numpyro's trace holds.
    output : object
        What the model returned.
    """
    x = None if record is None else jnp.asarray(record)[None]
    with trace() as sites, seed(rng_seed=key), substitute(substitute_fn=substitute_fn):
        output = model(x, num_obs_total=1)
    return sites, output


def leave_alone(site: Any) -> None:
    """Substitute nothing."""
    return None


def abstractly(function: Callable[..., Any], *args: Any) -> Any:
    """Return what a function returns while jax traces it: shapes are known, nothing is computed."""
    results = []
    jax.eval_shape(lambda *traced: results.append(function(*traced)), *args)
    return results[0]


def by_name(values: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Substitute the values of sample sites."""
    return lambda site: values.get(site["name"]) if site["type"] == "sample" else None


def site_log_prob(site: Any) -> jax.Array:
    """Return the log probability of a site, a scalar; its scale is left out."""
    if site["intermediates"]:
        return jnp.sum(site["fn"].log_prob(site["value"], site["intermediates"]))
    value = site["value"]
    if not isinstance(site["fn"], Unit):
        value = cast_to_support(value, site["fn"].support)
    return jnp.sum(site["fn"].log_prob(value))
