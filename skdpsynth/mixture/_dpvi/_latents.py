"""The automatic mixture in unconstrained latent variables, with ghost-clipped gradients.

z are the logits, locations and scales of π_k and θ_kj. With responsibilities r_k, a record's
gradient is ∇_z log p(x | z) = Σ_k r_k ∇_z [log π_k + Σ_j log p(x_j | θ_kj)], and its terms are:
r − π for the logits of π; r_k(e_x − θ_k) for the levels of a tabulated column; r_k times the scores
of `_scalar_scores` for normal and poisson columns. `_squared_norms` has their squared norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..._product_mixture import (
    ANY_CLASS,
    Array,
    ComponentEstimates,
    Layout,
    NaturalParameters,
    Records,
    component_log_densities,
    fold,
)

__all__ = ["MixtureLatents", "Unconstrained"]


class Unconstrained(NamedTuple):
    """The latent variables of the mixture, all real.

    Attributes
    ----------
    weight : array of shape (n_components,)
        Logits of the mixing proportions.
    cell : array of shape (n_cells, n_components)
        Logits of a block's levels; for its missing cell, the logit of a missing value.
    location : array of shape (n_scalars, n_components)
        Mean of a normal column on [−1, 1], log rate of a poisson column.
    log_scale : array of shape (n_scalars, n_components)
        log σ of a normal column; unused for poisson columns.
    missing : array of shape (n_scalars, n_components)
        Logit of a missing value; unused where the column is not nullable.
    """

    weight: Any
    cell: Any
    location: Any
    log_scale: Any
    missing: Any


@partial(
    jax.tree_util.register_dataclass,
    data_fields=["segment", "is_missing", "is_bernoulli", "owner", "span"],
    meta_fields=["n_blocks", "distributions", "nullable"],
)
@dataclass(frozen=True)
class MixtureLatents:
    """Structure of a mixture over padded arrays; a `SummingModel`.

    Attributes
    ----------
    segment : array of shape (n_cells,), int
        The block of every cell; n_blocks for padding.
    is_missing, is_bernoulli : array of shape (n_cells,), bool
        Missing cells, and cells of bernoulli blocks.
    owner : array of shape (n_components,), int
        The class of every component; negative for padding.
    span : array of shape (n_scalars,)
        high − low of the poisson columns, 1 for the others.
    n_blocks : int
    distributions : tuple of str
        "normal" or "poisson", per scalar column.
    nullable : tuple of bool
        Per scalar column.
    """

    segment: Array
    is_missing: Array
    is_bernoulli: Array
    owner: Array
    span: Array
    n_blocks: int
    distributions: tuple[str, ...]
    nullable: tuple[bool, ...]

    @classmethod
    def build(cls, layout: Layout, owner: np.ndarray, shape: tuple[int, int]) -> MixtureLatents:
        """Return the structure of a layout, padded to `shape` = (n_cells, n_components)."""
        n_cells, n_components = shape
        segment = np.full(n_cells, len(layout.blocks), dtype=np.int32)
        is_missing, is_bernoulli = np.zeros(n_cells, bool), np.zeros(n_cells, bool)
        for number, block in enumerate(layout.blocks):
            segment[block.cells] = number
            is_bernoulli[block.cells] = block.is_bernoulli
            is_missing[block.start + block.n_cells - 1] = block.is_nullable
        padded = np.full(n_components, ANY_CLASS - 1, dtype=np.int32)
        padded[: len(owner)] = owner
        # that of a normal column enters nowhere, and may be beyond single precision
        span = [s.span if s.distribution == "poisson" else 1.0 for s in layout.scalars]
        return cls(
            segment,
            is_missing,
            is_bernoulli,
            padded,
            np.array(span, dtype=np.float32),
            len(layout.blocks),
            tuple(scalar.distribution for scalar in layout.scalars),
            tuple(scalar.is_nullable for scalar in layout.scalars),
        )

    @property
    def _shapes(self) -> tuple[tuple[int, ...], ...]:
        n_components, n_scalars = len(self.owner), len(self.distributions)
        scalar = (n_scalars, n_components)
        return (n_components,), (len(self.segment), n_components), scalar, scalar, scalar

    @property
    def n_latents(self) -> int:
        """Dimension of z, padding included."""
        return sum(int(np.prod(shape)) for shape in self._shapes)

    @property
    def active(self) -> np.ndarray:
        """Positions in z that are not padding."""
        component = np.asarray(self.owner) >= 0
        cell = (np.asarray(self.segment) < self.n_blocks)[:, None] & component
        scalar = np.broadcast_to(component, (len(self.distributions), len(component)))
        is_normal = np.array([d == "normal" for d in self.distributions], dtype=bool)[:, None]
        nullable = np.array(self.nullable, dtype=bool)[:, None]
        parts = [component, cell, scalar, scalar & is_normal, scalar & nullable]
        return np.flatnonzero(np.concatenate([part.ravel() for part in parts]))

    def unflatten(self, z: Array) -> Unconstrained:
        """Return the parts of a flat vector."""
        parts, start = [], 0
        for shape in self._shapes:
            size = int(np.prod(shape))
            parts.append(z[start : start + size].reshape(shape))
            start += size
        return Unconstrained(*parts)

    def _by_segment(self, values: Any) -> jax.Array:
        """Return sums over each block's cells, of shape (n_blocks + 1, n_components)."""
        return jax.ops.segment_sum(values, self.segment, self.n_blocks + 1)

    def _levels(self, cell: Any) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Return log probabilities of levels given presence, and log q, log(1 − q) per cell."""
        is_level = ~self.is_missing[:, None]
        logits = jnp.where(is_level, cell, -jnp.inf)
        top = jax.ops.segment_max(logits, self.segment, self.n_blocks + 1)
        # the largest logit goes before exp, and has no part in the gradient; padding has none
        top = lax.stop_gradient(jnp.where(jnp.isfinite(top), top, 0.0))[self.segment]
        mass = self._by_segment(jnp.where(is_level, jnp.exp(cell - top), 0.0))
        log_mass = jnp.log(jnp.maximum(mass, 1e-30))[self.segment]
        # a block has one missing cell at most: its sum is that cell's logit
        has_missing = self._by_segment(self.is_missing[:, None].astype(jnp.float32))[self.segment]
        logit = self._by_segment(jnp.where(is_level, 0.0, cell))[self.segment]
        log_present = jnp.where(has_missing > 0, jax.nn.log_sigmoid(-logit), 0.0)
        return cell - top - log_mass, jax.nn.log_sigmoid(logit), log_present

    def _log_tables(self, weight: Any, cell: Any) -> tuple[jax.Array, jax.Array]:
        """Return the log mixing proportions and the log probability of every cell."""
        proportions = jax.nn.log_softmax(jnp.where(self.owner >= 0, weight, -1e9))
        levels, log_missing, log_present = self._levels(cell)
        return proportions, jnp.where(self.is_missing[:, None], log_missing, levels + log_present)

    def natural(self, latent: Unconstrained) -> NaturalParameters:
        """Return the mixture in the form the kernels read."""
        bias, log_cell = self._log_tables(latent.weight, latent.cell)
        weights = []
        for j, distribution in enumerate(self.distributions):
            location = latent.location[j]
            if distribution == "poisson":
                moments, constant = [self.span[j] * location], -jnp.exp(location)
            else:
                # −(2u − 1 − m)²/(2s²), multiplied out into u, u² and a constant
                precision = jnp.exp(-2.0 * latent.log_scale[j])
                moments = [2.0 * (1.0 + location) * precision, -2.0 * precision]
                constant = -0.5 * (1.0 + location) ** 2 * precision - latent.log_scale[j]
                constant = constant - 0.5 * jnp.log(2.0 * jnp.pi)
            if self.nullable[j]:
                # present in the bias of every row; the indicator of a missing value undoes it
                present = constant + jax.nn.log_sigmoid(-latent.missing[j])
                moments.append(jax.nn.log_sigmoid(latent.missing[j]) - present)
                bias = bias + present
            else:
                bias = bias + constant
            weights.extend(moments)
        weight = jnp.stack(weights) if weights else jnp.zeros((0, len(self.owner)))
        return NaturalParameters(bias, log_cell, weight, self.owner)

    def preconditioner(self, z: jax.Array) -> jax.Array:
        """Return what each coordinate of a gradient is multiplied by before clipping.

        The inverse root of the Fisher information of a normal mean, log σ and a poisson log rate,
        so that narrow or frequent columns do not fill the clipping norm; 1 for logits.
        """
        latent = self.unflatten(z)
        is_poisson = jnp.array([d == "poisson" for d in self.distributions], dtype=bool)[:, None]
        rate = jnp.exp(jnp.where(is_poisson, latent.location, 0.0))
        scale = jnp.exp(jnp.where(is_poisson, 0.0, latent.log_scale))
        location = jnp.where(is_poisson, rate**-0.5, scale)
        log_scale = jnp.full_like(location, 0.5**0.5)
        parts = [jnp.ones_like(latent.weight), jnp.ones_like(latent.cell), location, log_scale]
        return jnp.concatenate([part.ravel() for part in [*parts, jnp.ones_like(location)]])

    def clipped_sum(
        self, z: jax.Array, batch: Records, is_record: jax.Array, clipping_norm: jax.Array
    ) -> jax.Array:
        """Return the sum of preconditioned, clipped gradients; see `SummingModel`.

        Ghost clipping: given its responsibilities r, a record's gradient is a linear map of r and
        of the cells it is in, so that its norm comes from table look-ups and the sum of the clipped
        gradients from one pull-back of the clip-weighted counts. Gradients of scalar columns are
        added up themselves: the moments that they are linear in would cancel where σ is small, and
        leave rounding errors far beyond the clipping norm.
        """
        latent = self.unflatten(z)
        natural = self.natural(latent)
        joint = component_log_densities(batch.codes, batch.features, batch.classes, natural)
        shares = jax.nn.softmax(joint, axis=1)
        squared = self._squared_norms(latent, shares, batch)
        # squares are differences of numbers of order one: small norms count as large as their error
        norm = jnp.sqrt(squared + 8.0 * (1 + self.n_blocks) * jnp.finfo(squared.dtype).eps)
        # a norm that is not a number is not at most C, and the factor is not a number either
        factor = jnp.where(norm <= clipping_norm, 1.0, clipping_norm / norm)
        factor = jnp.where(is_record, factor, 0.0)
        # a record whose gradient is not a number counts as none: a failure would tell of it
        weighted = jnp.nan_to_num(factor[:, None] * shares, nan=0.0, posinf=0.0, neginf=0.0)
        # Σ_i c_i r_ik per cell: a gradient is linear in these, given the responsibilities
        cell = fold(
            batch.codes,
            lambda j, sums: sums.at[batch.codes[:, j]].add(weighted),
            jnp.zeros_like(natural.log_cell),
        )
        # one pull-back for the whole batch, and no gradient of a single record is ever formed
        _, pull_back = jax.vjp(self._log_tables, latent.weight, latent.cell)
        tables = pull_back((weighted.sum(axis=0), cell))
        scores = self._scalar_scores(latent, batch)
        # a weight of zero times an infinite score would be NaN
        sums = [
            jnp.stack([jnp.where(weighted > 0, weighted * part, 0.0).sum(axis=0) for part in parts])
            for parts in zip(*scores, strict=True)
        ]
        return jnp.concatenate([part.ravel() for part in [*tables, *sums]])

    def _scalar_scores(
        self, latent: Unconstrained, batch: Records
    ) -> list[tuple[jax.Array, jax.Array, jax.Array]]:
        """Return the preconditioned gradients that a component that owns a record whole has.

        They are (x − m)/s and ((x − m)²/s² − 1)/√2 for a normal column, (x − λ)/√λ for a poisson
        one, both 0 where the value is missing, and 1{missing} − q; per scalar column, each of shape
        (n_rows, n_components).
        """
        scores, start = [], 0
        location: Any
        log_scale: Any
        missing: Any
        for j, distribution in enumerate(self.distributions):
            unit = batch.features[:, start, None]
            if distribution == "poisson":
                rate = jnp.exp(latent.location[j])
                location = (unit * self.span[j] - rate) / jnp.sqrt(rate)
                log_scale = jnp.zeros_like(location)
            else:
                location = (2.0 * unit - 1.0 - latent.location[j]) / jnp.exp(latent.log_scale[j])
                log_scale = 0.5**0.5 * (location**2 - 1.0)
            missing = jnp.zeros_like(location)
            start += 1 if distribution == "poisson" else 2
            if self.nullable[j]:
                is_missing = batch.features[:, start, None]
                location = jnp.where(is_missing > 0, 0.0, location)
                log_scale = jnp.where(is_missing > 0, 0.0, log_scale)
                missing = is_missing - jax.nn.sigmoid(latent.missing[j])
                start += 1
            scores.append((location, log_scale, missing))
        return scores

    def _squared_norms(self, latent: Unconstrained, shares: jax.Array, batch: Records) -> jax.Array:
        """Return the squared norm of every record's preconditioned gradient.

        Given r = shares, it is r − π for the weights, r_k(e_x − θ_k) for the levels of a block,
        r_k(1{missing} − q_k) for its missing logit, and r_k times the scores of scalar columns.
        """
        proportions = jax.nn.softmax(jnp.where(self.owner >= 0, latent.weight, -1e9))
        levels, log_missing, log_present = self._levels(latent.cell)
        probability = jnp.where(self.is_missing[:, None], 0.0, jnp.exp(levels))
        # |e_x − θ|² = 1 − 2θ_x + |θ|²: a look-up by the cell that the record is in
        energy = self._by_segment(probability**2)[self.segment]
        missing, present = jnp.exp(log_missing), jnp.exp(log_present)
        table = jnp.where(
            self.is_missing[:, None],
            (1.0 - missing) ** 2,
            1.0 - 2.0 * probability + energy + (1.0 - present) ** 2,
        )
        per_component = fold(
            batch.codes, lambda j, total: total + table[batch.codes[:, j]], jnp.zeros_like(shares)
        )
        for parts in self._scalar_scores(latent, batch):
            per_component = per_component + sum(part**2 for part in parts)
        # components have coordinates of their own, so that r_k² times their squared norms add up
        squared = jnp.sum(shares**2 * per_component, axis=1)
        return squared + jnp.sum((shares - proportions) ** 2, axis=1)

    def log_prior(self, z: jax.Array) -> jax.Array:
        """Return the priors of Table 1 in terms of z.

        A Dirichlet(1) is the normalised vector of Exp(1) variables, whose logarithms have density
        exp(z − e^z); a Bernoulli logit is the difference of two N(0, 1/2); a Beta(1, 1) rate has a
        logistic logit; μ ~ N(0, 1), log σ ~ N(0, 2²), λ ~ Exp(1).
        """
        latent = self.unflatten(z)
        is_real = self.owner >= 0
        exists = is_real[None, :] & (self.segment < self.n_blocks)[:, None]

        def log_exponential(v: jax.Array) -> jax.Array:
            return v - jnp.exp(v)

        def logistic(v: jax.Array) -> jax.Array:
            return jax.nn.log_sigmoid(v) + jax.nn.log_sigmoid(-v)

        cell = jnp.where(
            self.is_bernoulli[:, None], -(latent.cell**2), log_exponential(latent.cell)
        )
        cell = jnp.where(self.is_missing[:, None], logistic(latent.cell), cell)
        total = jnp.where(is_real, log_exponential(latent.weight), 0.0).sum()
        total = total + jnp.where(exists, cell, 0.0).sum()
        for j, distribution in enumerate(self.distributions):
            location, log_scale = latent.location[j], latent.log_scale[j]
            if distribution == "poisson":
                part = log_exponential(location)
            else:
                part = -0.5 * location**2 - 0.125 * log_scale**2
            if self.nullable[j]:
                part = part + logistic(latent.missing[j])
            total = total + jnp.where(is_real, part, 0.0).sum()
        return total

    def to_estimates(
        self, z: np.ndarray, variance: np.ndarray, n_records: float, n_components: int, n_cells: int
    ) -> tuple[np.ndarray, ComponentEstimates]:
        """Return mixing proportions and parameters at z, whose uncertainty is `variance`.

        A logit of variance v belongs to a Dirichlet of size α with 1/(α·p) = v, averaged over a
        block's cells; the other parameters' standard deviations are taken over by the delta method.
        """
        latent = self.unflatten(np.asarray(z, np.float32))
        spread = self.unflatten(np.asarray(variance, np.float64))
        weights = np.asarray(jax.nn.softmax(latent.weight[:n_components]), np.float64)
        natural = self.natural(latent)
        cell = np.exp(np.asarray(natural.log_cell, np.float64))[:n_cells, :n_components].T
        segment = np.asarray(self.segment)[:n_cells]
        # Σ p²·v over a block is Σ p/α = 1/α where every logit has the variance v = 1/(α·p)
        inverse = np.square(cell) * np.asarray(spread.cell)[:n_cells, :n_components].T
        one_hot = (segment[:, None] == np.arange(self.n_blocks)).astype(np.float64)
        total = cell @ one_hot
        cell = cell / (total @ one_hot.T)
        cell_size = 1.0 / np.maximum(inverse @ one_hot, 1.0 / n_records)
        location = np.asarray(latent.location, np.float64)[:, :n_components].T
        location_error = np.sqrt(np.asarray(spread.location))[:, :n_components].T
        is_poisson = np.array([d == "poisson" for d in self.distributions], dtype=bool)
        location = np.where(is_poisson, np.exp(location), location)
        location_error = np.where(is_poisson, location * location_error, location_error)
        log_scale = np.where(
            is_poisson, 0.0, np.asarray(latent.log_scale, np.float64)[:, :n_components].T
        )
        # delta method: Dirichlet sizes and normal errors are what `ComponentEstimates` has
        rate = 1.0 / (1.0 + np.exp(-np.asarray(latent.missing, np.float64)[:, :n_components].T))
        logit_variance = np.maximum(np.asarray(spread.missing)[:, :n_components].T, 1e-12)
        missing = np.where(np.array(self.nullable, dtype=bool), rate, 0.0)
        return weights, ComponentEstimates(
            n_records=np.maximum(n_records * weights, 1.0),
            cell=cell,
            cell_size=cell_size,
            location=location,
            location_error=location_error,
            log_scale=log_scale,
            log_scale_error=np.sqrt(np.asarray(spread.log_scale))[:, :n_components].T,
            missing=missing,
            missing_size=np.clip(1.0 / (logit_variance * rate * (1 - rate)), 1.0, n_records),
        )

    def from_estimates(self, weights: np.ndarray, estimates: ComponentEstimates) -> np.ndarray:
        """Return z at given parameters; logits are those whose exponentials are probabilities."""
        n_components = len(weights)
        is_poisson = np.array([d == "poisson" for d in self.distributions], dtype=bool)
        n_cells = estimates.cell.shape[1]
        latent = Unconstrained(*(np.zeros(shape) for shape in self._shapes))
        latent.weight[:n_components] = np.log(weights)
        cell = np.maximum(estimates.cell.T, 1e-12)
        is_missing = np.asarray(self.is_missing)[:n_cells, None]
        latent.cell[:n_cells, :n_components] = np.where(
            is_missing, np.log(cell) - np.log1p(-np.minimum(cell, 1 - 1e-12)), np.log(cell)
        )
        location = np.where(
            is_poisson, np.log(np.maximum(estimates.location, 1e-3)), estimates.location
        )
        latent.location[:, :n_components] = location.T
        latent.log_scale[:, :n_components] = estimates.log_scale.T
        rate = np.clip(estimates.missing, 1e-6, 1 - 1e-6)
        latent.missing[:, :n_components] = (np.log(rate) - np.log1p(-rate)).T
        return np.concatenate([part.ravel() for part in latent])
