"""Any NumPyro model of one record, in unconstrained latent variables, and its guide.

The model is only ever run on a single record, so that no record's likelihood can depend on
another, and whatever a plate would scale by is one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import Unit, biject_to, constraints
from numpyro.handlers import seed, substitute, trace
from numpyro.infer.autoguide import AutoGuide
from numpyro.infer.initialization import init_to_median

from ..schema import TableSchema
from ._dpvi import Guide, MeanFieldGuide
from ._na_model import cast_to_support
from ._records import example_record

__all__ = [
    "CustomLatents",
    "FunctionGuide",
    "abstractly",
    "build_guide",
    "leave_alone",
    "run_model",
    "site_log_prob",
]

# per-example gradients held at a time, and no more records than a cache serves well
GRADIENT_BYTES = 1 << 26
LARGEST_CHUNK = 2048

# as numpyro's init_to_median: few enough that exchangeable latents start at different places
N_PRIOR_DRAWS = 15
START_SCALE = 0.1


class Part(NamedTuple):
    """A named array within a flat vector of reals."""

    name: str
    shape: tuple[int, ...]
    start: int

    def of(self, flat: jax.Array) -> jax.Array:
        """Return the array."""
        return flat[self.start : self.start + math.prod(self.shape)].reshape(self.shape)


def _lay_out(shapes: Mapping[str, tuple[int, ...]]) -> tuple[Part, ...]:
    sizes = [math.prod(shape) for shape in shapes.values()]
    starts = np.cumsum([0, *sizes])
    return tuple(
        Part(name, tuple(shape), int(start))
        for (name, shape), start in zip(shapes.items(), starts, strict=False)
    )


def _flatten(parts: list[jax.Array]) -> jax.Array:
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


def _by_name(values: Mapping[str, Any]) -> Callable[[Any], Any]:
    return lambda site: values.get(site["name"]) if site["type"] == "sample" else None


def site_log_prob(site: Any) -> jax.Array:
    """Return the log probability of a site, a scalar; its scale is left out."""
    if site["intermediates"]:
        return jnp.sum(site["fn"].log_prob(site["value"], site["intermediates"]))
    value = site["value"]
    if not isinstance(site["fn"], Unit):
        value = cast_to_support(value, site["fn"].support)
    return jnp.sum(site["fn"].log_prob(value))


@dataclass(frozen=True)
class CustomLatents:
    """A NumPyro model in unconstrained latent variables; a `LatentModel`.

    z holds the sample sites that are not observed, each mapped to the reals by ``biject_to`` of
    its support. Equal models, by identity of the function, are equal: they are compiled once.

    Attributes
    ----------
    model : callable
        ``model(x=None, num_obs_total=None)``.
    columns : tuple of str
        Names of the columns, in order.
    example : tuple of float
        A public record, for whatever must run the model on some record.
    latents : tuple of Part
        The unconstrained latent sites within z.
    observed : tuple of str
        Names of the observed sites.
    """

    model: Callable[..., Any]
    columns: tuple[str, ...]
    example: tuple[float, ...]
    latents: tuple[Part, ...]
    observed: tuple[str, ...]

    @classmethod
    def build(cls, model: Callable[..., Any], schema: TableSchema) -> CustomLatents:
        """Return the structure of a model that `check_model` finds nothing wrong with."""
        example = example_record(schema)

        def structure() -> tuple[dict[str, tuple[int, ...]], list[str]]:
            sites, _ = run_model(model, example, 0, leave_alone)
            samples = {name: site for name, site in sites.items() if site["type"] == "sample"}
            observed = [name for name, site in samples.items() if site["is_observed"]]
            shapes = {
                name: biject_to(site["fn"].support).inverse_shape(jnp.shape(site["value"]))
                for name, site in samples.items()
                if not site["is_observed"]
            }
            return shapes, observed

        shapes, observed = abstractly(structure)
        columns = tuple(str(name) for name in schema.names)
        return cls(model, columns, tuple(example.tolist()), _lay_out(shapes), tuple(observed))

    @property
    def record(self) -> np.ndarray:
        """The public record, of shape (n_columns,)."""
        return np.array(self.example, np.float32)

    @property
    def n_latents(self) -> int:
        """Dimension of z."""
        return sum(math.prod(part.shape) for part in self.latents)

    def run(self, z: jax.Array, record: Any, key: Any = 0) -> tuple[dict[str, Any], Any]:
        """Return the model's sites and output on one record, or on None, given z."""
        parts = {part.name: part.of(z) for part in self.latents}

        def constrain(site: Any) -> Any:
            if site["type"] != "sample" or site["name"] not in parts:
                return None
            return biject_to(site["fn"].support)(parts[site["name"]])

        return run_model(self.model, record, key, constrain)

    def log_likelihood(self, z: jax.Array, record: jax.Array) -> jax.Array:
        """Return log p(x | z) of one record of shape (n_columns,): of all observed sites."""
        sites, _ = self.run(z, record)
        return sum((site_log_prob(sites[name]) for name in self.observed), jnp.zeros(()))

    def log_prior(self, z: jax.Array) -> jax.Array:
        """Return log p(z), the Jacobian of the constraint included."""
        sites, _ = self.run(z, self.record)
        total = jnp.zeros(())
        for part in self.latents:
            site = sites[part.name]
            transform = biject_to(site["fn"].support)
            jacobian = transform.log_abs_det_jacobian(part.of(z), site["value"])
            total = total + site_log_prob(site) + jnp.sum(jacobian)
        return total

    def clipped_sum(
        self, z: jax.Array, batch: jax.Array, is_record: jax.Array, clipping_norm: jax.Array
    ) -> jax.Array:
        """Return the sum of clipped gradients; see `LatentModel`.

        A gradient that is not finite counts as zero. Letting it through would tell that such a
        record is in the table, and no scaling bounds it; `check_model` looks for them on made-up
        records instead.
        """
        per_example = jax.vmap(jax.grad(self.log_likelihood), in_axes=(None, 0))

        def add(total: jax.Array, chunk: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
            records, is_record = chunk
            gradients = per_example(z, records)
            norm = jnp.linalg.norm(gradients, axis=1)
            is_used = is_record & jnp.isfinite(norm)
            factor = jnp.where(norm > clipping_norm, clipping_norm / norm, 1.0)
            gradients = jnp.where(is_used[:, None], gradients, 0.0)
            return total + jnp.where(is_used, factor, 0.0) @ gradients, None

        n_chunks, size = _chunks(len(batch), self.n_latents)
        padding = n_chunks * size - len(batch)
        batch = jnp.pad(batch, ((0, padding), (0, 0))).reshape(n_chunks, size, -1)
        is_record = jnp.pad(jnp.asarray(is_record), (0, padding)).reshape(n_chunks, size)
        return lax.scan(add, jnp.zeros_like(z), (batch, is_record))[0]

    def unconstrain(self, values: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        """Return z of the latent sites' values, and log |∂values/∂z|."""
        sites, _ = run_model(self.model, self.record, 0, _by_name(dict(values)))
        parts, total = [], jnp.zeros(())
        for part in self.latents:
            transform, value = biject_to(sites[part.name]["fn"].support), values[part.name]
            parts.append(transform.inv(value))
            total = total + jnp.sum(transform.log_abs_det_jacobian(parts[-1], value))
        return _flatten(parts), total

    def draw_prior(self, key: jax.Array) -> jax.Array:
        """Return z drawn from the prior."""
        sites, _ = run_model(self.model, self.record, key, leave_alone)
        return self.unconstrain({part.name: sites[part.name]["value"] for part in self.latents})[0]

    def draw_priors(self) -> np.ndarray:
        """Return draws of z from the prior, the same in every call."""
        keys = jax.random.split(jax.random.key(0), N_PRIOR_DRAWS)
        return np.asarray(_draw_priors(self, keys))

    def prior_median(self) -> np.ndarray:
        """Return the median of these draws, coordinate by coordinate."""
        return np.median(self.draw_priors(), axis=0)

    def sample_record(self, z: jax.Array, key: jax.Array) -> jax.Array:
        """Draw a record given z, of shape (n_columns,).

        Raises
        ------
        ValueError
            If neither the observed sites nor the model's output hold one value per column.
        """
        sites, output = self.run(z, None, key)
        values = {name: sites[name]["value"] for name in self.observed if name in sites}
        values = {name: value for name, value in values.items() if jnp.size(value)}
        n_columns = len(self.columns)
        if len(values) == 1 and jnp.size(next(iter(values.values()))) == n_columns:
            return jnp.ravel(next(iter(values.values()))).astype(jnp.float32)
        if all(name in values and jnp.size(values[name]) == 1 for name in self.columns):
            return _flatten([values[name] for name in self.columns]).astype(jnp.float32)
        if hasattr(output, "shape") and jnp.size(output) == n_columns:
            return jnp.ravel(output).astype(jnp.float32)
        shapes = {name: jnp.shape(value) for name, value in values.items()}
        raise ValueError(
            f"The model's observed sites have the shapes {shapes!r} when one record is sampled; "
            f"expected one site of {n_columns} values, or one site of one value for each of the "
            f"columns {list(self.columns)!r}, or a model that returns the {n_columns} values."
        )


@partial(jax.jit, static_argnames=("latents",))
def _draw_priors(latents: CustomLatents, keys: jax.Array) -> jax.Array:
    return jax.vmap(latents.draw_prior)(keys)


def _chunks(n_rows: int, n_latents: int) -> tuple[int, int]:
    """Return how many chunks of how many rows to cut a batch into."""
    largest = min(max(GRADIENT_BYTES // (4 * max(n_latents, 1)), 1), LARGEST_CHUNK)
    n_chunks = max(math.ceil(n_rows / largest), 1)
    return n_chunks, math.ceil(n_rows / n_chunks)


@dataclass(frozen=True)
class FunctionGuide:
    """A NumPyro guide, written as a function or automatic; a `Guide`.

    Attributes
    ----------
    guide : callable
        Samples every latent site of the model by a reparametrised distribution.
    latents : CustomLatents
    params : tuple of Part
        Its ``numpyro.param`` sites, unconstrained, within the flat parameters.
    """

    guide: Callable[..., Any]
    latents: CustomLatents
    params: tuple[Part, ...]

    @classmethod
    def build(
        cls, guide: Callable[..., Any], latents: CustomLatents
    ) -> tuple[FunctionGuide, np.ndarray]:
        """Return the guide and its initial parameters, those it gives to ``numpyro.param``."""
        sites, _ = run_model(guide, latents.record, 0, leave_alone)
        start = {}
        for name, site in sites.items():
            if site["type"] != "param":
                continue
            if not hasattr(site["value"], "shape") and not np.isscalar(site["value"]):
                raise ValueError(
                    f"The guide's parameter {name!r} is a {type(site['value']).__name__}; only "
                    "arrays can be fitted. Use one numpyro.param for each array."
                )
            start[name] = _param_transform(site).inv(jnp.asarray(site["value"], jnp.float32))
        params = _lay_out({name: jnp.shape(value) for name, value in start.items()})
        flat = _flatten(list(start.values())) if start else jnp.zeros(0)
        return cls(guide, latents, params), np.asarray(flat)

    def run(self, parameters: jax.Array, key: Any) -> dict[str, Any]:
        """Return the sites of the guide at flat parameters."""
        parts = {part.name: part.of(parameters) for part in self.params}

        def constrain(site: Any) -> Any:
            if site["type"] != "param" or site["name"] not in parts:
                return None
            return _param_transform(site)(parts[site["name"]])

        return run_model(self.guide, self.latents.record, key, constrain)[0]

    def draw(self, parameters: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return a draw of z and −log q(z)."""
        sites = self.run(parameters, key)
        z, jacobian = self.latents.unconstrain(
            {part.name: sites[part.name]["value"] for part in self.latents.latents}
        )
        log_q = sum(site_log_prob(site) for site in sites.values() if site["type"] == "sample")
        return z, -(log_q + jacobian)


def _param_transform(site: Any) -> Any:
    return biject_to(site["kwargs"].get("constraint", constraints.real))


@lru_cache(maxsize=16)
def _automatic_guide(kind: type[AutoGuide], latents: CustomLatents) -> AutoGuide:
    """Return the same guide for the same model, so that a second fit compiles nothing."""

    def model_of_integers(x: Any = None, num_obs_total: Any = None) -> Any:
        with substitute(substitute_fn=_cast_observed):
            return latents.model(x, num_obs_total=num_obs_total)

    return kind(model_of_integers, init_loc_fn=init_to_median(num_samples=N_PRIOR_DRAWS))


def _cast_observed(site: Any) -> Any:
    if site["type"] != "sample" or not site["is_observed"] or isinstance(site["fn"], Unit):
        return None
    return cast_to_support(site["value"], site["fn"].support)


def build_guide(guide: Any, latents: CustomLatents) -> tuple[Guide, np.ndarray]:
    """Return the variational family and its initial parameters, which see no data.

    Parameters
    ----------
    guide : None, callable, AutoGuide or subclass of AutoGuide
        None stands for independent normals. They and an automatic guide given as a class start
        at the median of 15 prior draws; a function, or an automatic guide that is ready, at its
        own initial values.
    latents : CustomLatents
    """
    if guide is None:
        scale = np.full(latents.n_latents, math.log(START_SCALE))
        return MeanFieldGuide(latents.n_latents), np.concatenate([latents.prior_median(), scale])
    if isinstance(guide, type) and issubclass(guide, AutoGuide):
        guide = _automatic_guide(guide, latents)
    return FunctionGuide.build(guide, latents)
