"""Any NumPyro model of one record, in unconstrained latent variables, and its guide.

z are the latent sites, mapped to the reals and divided by units. log p(x | z) is `log_likelihood`,
log p(z) with the Jacobian of the map is `log_prior`, and −log q(z) comes with a guide's `draw`.
`clipped_steps` adds up ∇_z log p(x_i | z), clipped record by record, in exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from numpyro.distributions import Unit, biject_to, constraints
from numpyro.handlers import substitute
from numpyro.infer.autoguide import AutoGuide
from numpyro.infer.initialization import init_to_median

from ..._compat import jit_of_one_run
from ...schema import TableSchema
from .._dpvi._exact_sums import Steps, Words, add_words
from .._dpvi._models import Guide
from .._dpvi._noisy_gradients import MeanFieldGuide
from ._na_model import cast_to_support
from ._records import example_record
from ._sites import (
    Part,
    abstractly,
    by_name,
    flatten,
    lay_out,
    leave_alone,
    run_model,
    site_log_prob,
)

__all__ = ["CustomLatents", "FunctionGuide", "build_guide"]

# per-example gradients held at a time, and no more records than a cache serves well, and than
# clipped coordinates of 2¹⁹ steps add up in 32 bits
GRADIENT_BYTES = 1 << 26
LARGEST_CHUNK = 2048

SMALLEST_UNIT = 1e-12
LARGEST_UNIT = 1e12

# as numpyro's init_to_median: few enough that exchangeable latents start at different places
N_START_DRAWS = 15
N_PRIOR_DRAWS = 255
START_SCALE = 0.1


@dataclass(frozen=True)
class CustomLatents:
    """A NumPyro model in unconstrained latent variables; a `CountingModel`.

    z holds the sample sites that are not observed, each mapped to the reals by ``biject_to`` of
    its support, in units of `scale`. Equal models, by identity of the function, are equal: they
    are compiled once.

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
    scale : tuple of float
        What one unit of every coordinate of z stands for.
    """

    model: Callable[..., Any]
    columns: tuple[str, ...]
    example: tuple[float, ...]
    latents: tuple[Part, ...]
    observed: tuple[str, ...]
    scale: tuple[float, ...]

    @classmethod
    def build(cls, model: Callable[..., Any], schema: TableSchema) -> CustomLatents:
        """Return a model that `check_model` finds nothing wrong with, in units of its own.

        A unit is the posterior standard deviation after one record, (1/v + I)^(-1/2) with the
        prior's variance v and the Fisher information I at the prior's median, coordinate by
        coordinate. Models in dollars and in millions then have gradients, which are clipped
        together, and step sizes of the same order. Nothing but the model enters.
        """
        raw = cls.build_raw(model, schema)
        draws = raw.draw_priors(N_PRIOR_DRAWS)
        keys = jax.random.split(jax.random.key(1), N_PRIOR_DRAWS)
        precision = np.array(_information(raw, raw.prior_median(), keys), np.float64)
        # quartiles, for priors without a variance
        low, high = np.quantile(draws, [0.25, 0.75], axis=0)
        with np.errstate(all="ignore"):
            precision += ((high - low) / 1.35) ** -2.0
            scale = np.clip(precision**-0.5, SMALLEST_UNIT, LARGEST_UNIT)
        return replace(raw, scale=tuple(np.nan_to_num(scale, nan=1.0).tolist()))

    @classmethod
    def build_raw(cls, model: Callable[..., Any], schema: TableSchema) -> CustomLatents:
        """Return the model with units of one."""
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
        columns, latents = tuple(str(name) for name in schema.names), lay_out(shapes)
        units = (1.0,) * sum(math.prod(part.shape) for part in latents)
        return cls(model, columns, tuple(example.tolist()), latents, tuple(observed), units)

    @property
    def record(self) -> np.ndarray:
        """The public record, of shape (n_columns,)."""
        return np.array(self.example, np.float32)

    @property
    def n_latents(self) -> int:
        """Dimension of z."""
        return len(self.scale)

    @property
    def _units(self) -> np.ndarray:
        return np.array(self.scale, np.float32)

    def run(self, z: jax.Array, record: Any, key: Any = 0) -> tuple[dict[str, Any], Any]:
        """Return the model's sites and output on one record, or on None, given z."""
        parts = {part.name: part.of(z * self._units) for part in self.latents}

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
        total = jnp.log(self._units).sum()
        for part in self.latents:
            site = sites[part.name]
            transform = biject_to(site["fn"].support)
            free = part.of(z * self._units)
            jacobian = transform.log_abs_det_jacobian(free, site["value"])
            total = total + site_log_prob(site) + jnp.sum(jacobian)
        return total

    def clipped_steps(
        self,
        z: jax.Array,
        batch: jax.Array,
        is_record: jax.Array,
        clipping_norm: jax.Array,
        step: jax.Array,
    ) -> Steps:
        """Return the sum of clipped gradients in steps; see `CountingModel`.

        A gradient that is not finite counts as zero. Letting it through would tell that such a
        record is in the table, and no scaling bounds it; `check_model` looks for them on made-up
        records instead.

        A clipped gradient is an integer multiple of a step, 2¹⁹ of which are more than the
        clipping norm, and a remainder below it. The integers are added up exactly, up to 2²⁷ rows.
        What single precision rounds of the remainders' sum is less than their number times 2⁻⁴² of
        the clipping norm, for a chunk of rows and for the chunks: far less than a step.
        """
        per_example = jax.vmap(jax.grad(self.log_likelihood), in_axes=(None, 0))
        # what single precision may lose of a sum of squares
        bound = clipping_norm / (1.0 + self.n_latents * 2.0**-24)

        def add(sums: Steps, chunk: tuple[jax.Array, jax.Array]) -> tuple[Steps, None]:
            records, is_record = chunk
            gradients = per_example(z, records)
            norm = _norms(gradients)
            is_used = is_record & jnp.isfinite(norm)
            factor = jnp.where(norm > bound, bound / norm, 1.0)
            clipped = jnp.where(is_used[:, None], factor[:, None] * gradients, 0.0)
            # a float32 sum of many terms is rounded by more than one of them: integers are not
            steps = jnp.trunc(clipped / step)
            total = steps.astype(jnp.int32).sum(axis=0, dtype=jnp.int32)
            rest = sums.rest + (clipped - steps * step).sum(axis=0)
            return Steps(add_words(sums.whole, total), rest), None

        n_chunks, size = _chunks(len(batch), self.n_latents)
        padding = n_chunks * size - len(batch)
        batch = jnp.pad(batch, ((0, padding), (0, 0))).reshape(n_chunks, size, -1)
        is_record = jnp.pad(jnp.asarray(is_record), (0, padding)).reshape(n_chunks, size)
        # few gradients at a time: those of all records would take n_records · n_latents numbers
        nothing = jnp.zeros(z.shape, jnp.int32)
        start = Steps(Words(nothing, nothing), jnp.zeros(z.shape, jnp.float32))
        return lax.scan(add, start, (batch, is_record))[0]

    def unconstrain(self, values: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        """Return z of the latent sites' values, and log |∂values/∂z|."""
        sites, _ = run_model(self.model, self.record, 0, by_name(dict(values)))
        parts, total = [], jnp.log(self._units).sum()
        for part in self.latents:
            transform, value = biject_to(sites[part.name]["fn"].support), values[part.name]
            parts.append(transform.inv(value))
            total = total + jnp.sum(transform.log_abs_det_jacobian(parts[-1], value))
        return flatten(parts) / self._units, total

    def draw_prior(self, key: jax.Array) -> jax.Array:
        """Return z drawn from the prior."""
        sites, _ = run_model(self.model, self.record, key, leave_alone)
        return self.unconstrain({part.name: sites[part.name]["value"] for part in self.latents})[0]

    def draw_priors(self, n_draws: int) -> np.ndarray:
        """Return draws of z from the prior, the same in every call."""
        raw = replace(self, scale=(1.0,) * len(self.scale))
        keys = jax.random.split(jax.random.key(0), N_PRIOR_DRAWS)
        return np.asarray(_draw_priors(raw, keys))[:n_draws] / self._units

    def prior_median(self) -> np.ndarray:
        """Return the median of a few of these draws, coordinate by coordinate."""
        return np.median(self.draw_priors(N_START_DRAWS), axis=0)

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
            return flatten([values[name] for name in self.columns]).astype(jnp.float32)
        if hasattr(output, "shape") and jnp.size(output) == n_columns:
            return jnp.ravel(output).astype(jnp.float32)
        shapes = {name: jnp.shape(value) for name, value in values.items()}
        raise ValueError(
            f"The model's observed sites have the shapes {shapes!r} when one record is sampled; "
            f"expected one site of {n_columns} values, or one site of one value for each of the "
            f"columns {list(self.columns)!r}, or a model that returns the {n_columns} values."
        )


@partial(jit_of_one_run, static_argnames=("latents",))
def _draw_priors(latents: CustomLatents, keys: jax.Array) -> jax.Array:
    return jax.vmap(latents.draw_prior)(keys)


@partial(jit_of_one_run, static_argnames=("latents",))
def _information(latents: CustomLatents, z: jax.Array, keys: jax.Array) -> jax.Array:
    """Return the mean square of the gradients of records that are drawn given z."""

    def gradient(key: jax.Array) -> jax.Array:
        # Fisher information: z moves the density of a record, not the record
        record = lax.stop_gradient(latents.sample_record(z, key))
        return jax.grad(latents.log_likelihood)(z, record)

    gradients = jax.vmap(gradient)(keys)
    return jnp.mean(jnp.where(jnp.isfinite(gradients), gradients, 0.0) ** 2, axis=0)


def _norms(gradients: jax.Array) -> jax.Array:
    """Return the rows' norms, however large or small they are; not finite where an entry is not."""
    # divided by its largest entry first: squares of float32 overflow from 2·10¹⁹ on
    largest = jnp.max(jnp.abs(gradients), axis=1)
    size = jnp.where(largest > 0, largest, 1.0)
    return size * jnp.sqrt(jnp.sum((gradients / size[:, None]) ** 2, axis=1))


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
        params = lay_out({name: jnp.shape(value) for name, value in start.items()})
        flat = flatten(list(start.values())) if start else jnp.zeros(0)
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

    return kind(model_of_integers, init_loc_fn=init_to_median(num_samples=N_START_DRAWS))


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
