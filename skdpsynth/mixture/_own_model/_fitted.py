"""A fitted NumPyro model: sampling, scoring and posterior draws; and its records as codes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ...schema import TableSchema
from .._dpvi._models import Guide
from .._dpvi._noisy_gradients import MeanFieldGuide
from ._records import to_codes, to_records
from ._unconstrained import CustomLatents

__all__ = ["CustomModel", "refuse_conditions", "sample_records"]

N_LOCATION_DRAWS = 1025
SAMPLE_CHUNK = 2048
MAX_REDRAWS = 100


@partial(jax.jit, static_argnames=("latents",))
def sample_records(latents: CustomLatents, z: jax.Array, key: jax.Array) -> jax.Array:
    """Draw records given z, as many as always so that one compilation serves."""
    keys = jax.random.split(key, SAMPLE_CHUNK)
    return jax.vmap(latents.sample_record, in_axes=(None, 0))(z, keys)


@partial(jax.jit, static_argnames=("latents",))
def _log_likelihoods(latents: CustomLatents, z: jax.Array, records: jax.Array) -> jax.Array:
    return jax.vmap(latents.log_likelihood, in_axes=(None, 0))(z, records)


@partial(jax.jit, static_argnames=("guide",))
def _draw(guide: Guide, parameters: jax.Array, key: jax.Array) -> jax.Array:
    return guide.draw(parameters, key)[0]


@partial(jax.jit, static_argnames=("guide",))
def _median_draw(guide: Guide, parameters: jax.Array) -> jax.Array:
    keys = jax.random.split(jax.random.key(0), N_LOCATION_DRAWS)
    return jnp.median(lax.map(lambda key: guide.draw(parameters, key)[0], keys), axis=0)


def _as_key(rng: np.random.Generator) -> jax.Array:
    words = rng.integers(2**32, size=2, dtype=np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")


def refuse_conditions(given: Mapping[int, float], schema: TableSchema) -> None:
    """Raise if values are given: NumPyro samples all columns together.

    Raises
    ------
    ValueError
        Naming their columns.
    """
    if given:
        names = [schema.names[position] for position in given]
        raise ValueError(
            f"A custom model cannot be sampled given values of {names!r}: NumPyro samples all "
            "columns together. Sample more rows and keep those that have these values."
        )


@dataclass(frozen=True)
class CustomModel:
    """A fitted NumPyro model; holds released quantities only.

    Attributes
    ----------
    latents : CustomLatents
    guide : Guide
        The approximate posterior of z, at
    parameters : ndarray of shape (n_parameters,)
        which were released.
    schema : TableSchema
    z : ndarray of shape (n_latents,)
        The value of z that rows are sampled and scored with, in the units of `latents`.
    """

    latents: CustomLatents
    guide: Guide
    parameters: np.ndarray
    schema: TableSchema
    z: np.ndarray

    @classmethod
    def at_location(
        cls, latents: CustomLatents, guide: Guide, parameters: np.ndarray, schema: TableSchema
    ) -> CustomModel:
        """Return the model at the median of the guide, coordinate by coordinate of z."""
        if isinstance(guide, MeanFieldGuide):
            z = parameters[: guide.n_latents]
        else:
            z = _median_draw(guide, np.asarray(parameters, np.float32))
        return cls(latents, guide, parameters, schema, np.asarray(z, np.float32))

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw encoded rows, of shape (n_samples, n_columns).

        Values outside the schema are rounded and clipped into it. A row that lacks a value where
        none may be missing is drawn again.

        Raises
        ------
        ValueError
            If the model keeps sampling missing values where none may be missing.
        """
        nullable = np.array([kind.nullable for kind in self.schema.columns.values()])
        rows = np.empty((0, len(self.schema)))
        for _ in range(MAX_REDRAWS):
            if len(rows) >= n_samples:
                break
            n_chunks = math.ceil((n_samples - len(rows)) / SAMPLE_CHUNK)
            keys = [_as_key(rng) for _ in range(n_chunks)]
            drawn = np.concatenate([sample_records(self.latents, self.z, key) for key in keys])
            is_wrong = np.isnan(drawn) & ~nullable
            rows = np.concatenate([rows, drawn[~is_wrong.any(axis=1)]])
        if len(rows) < n_samples:
            names = [self.schema.names[j] for j in np.flatnonzero(is_wrong.any(axis=0))]
            raise ValueError(
                f"The fitted model samples missing values in the columns {names!r}, which are not "
                "nullable; use NAModel for nullable columns only."
            )
        return to_codes(rows[:n_samples], self.schema)

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of encoded rows, as the model defines it.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Level positions and unit-interval values, NaN where missing.
        without : None
            A column cannot be left out.

        Returns
        -------
        log_density : ndarray of shape (n_rows,)

        Raises
        ------
        ValueError
            If a column is to be left out.
        """
        if without is not None:
            raise ValueError(
                "A custom model gives the joint density only: the density without column "
                f"{self.schema.names[without]!r} is an integral that NumPyro cannot do. Pass y "
                "too: score(X, y)."
            )
        records = to_records(codes, self.schema)
        density = np.empty(len(records))
        for first in range(0, len(records), SAMPLE_CHUNK):
            chunk = records[first : first + SAMPLE_CHUNK]
            padded = np.pad(chunk, ((0, SAMPLE_CHUNK - len(chunk)), (0, 0)), mode="edge")
            scores = _log_likelihoods(self.latents, self.z, padded)
            density[first : first + len(chunk)] = np.asarray(scores)[: len(chunk)]
        return density

    def condition(self, given: Mapping[int, float]) -> CustomModel:
        """Return the model given some columns' values: possible for no column.

        Raises
        ------
        ValueError
            If a value is given.
        """
        refuse_conditions(given, self.schema)
        return self

    def draw_posterior(self, rng: np.random.Generator) -> CustomModel:
        """Return the model with z drawn from the guide."""
        z = _draw(self.guide, np.asarray(self.parameters, np.float32), _as_key(rng))
        return replace(self, z=np.asarray(z))
