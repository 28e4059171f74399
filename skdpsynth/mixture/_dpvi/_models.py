"""What is fitted by DP-VI: a model of one record, and a family of distributions of its latents."""

from __future__ import annotations

from typing import Any, Protocol

import jax

from ._exact_sums import Steps

__all__ = ["CountingModel", "Guide", "LatentModel", "SummingModel"]


class LatentModel(Protocol):
    """A model of one record given unconstrained latent variables z.

    Either a registered pytree, whose arrays may differ between fits that share a compilation, or
    hashable, and then compiled for.

    A model that has a method ``preconditioner(z)``, of positive numbers, multiplies every record's
    gradient by it before clipping; the noisy sum is divided by it again.
    """

    @property
    def n_latents(self) -> int:
        """Dimension of z."""

    def log_prior(self, z: jax.Array) -> jax.Array:
        """Return log p(z), the Jacobian of the constraint included."""


class SummingModel(LatentModel, Protocol):
    """A model whose arithmetic is done in double precision."""

    def clipped_sum(
        self, z: jax.Array, batch: Any, is_record: jax.Array, clipping_norm: jax.Array
    ) -> jax.Array:
        """Return Σ_i ∇_z log p(x_i | z), every term scaled down to norm `clipping_norm` at most.

        Rows where `is_record` is False contribute nothing. A record's term depends on that record
        and z alone, so that removing it moves the sum by at most `clipping_norm`.

        That has to hold of the sum as it is computed: the rounding of a float32 sum of many terms
        changes with every one of them, by more than that norm where there are very many. What
        double precision rounds is far below a step of the grid.
        """


class CountingModel(LatentModel, Protocol):
    """A model in single precision that counts the steps of its gradients."""

    def clipped_steps(
        self,
        z: jax.Array,
        batch: Any,
        is_record: jax.Array,
        clipping_norm: jax.Array,
        step: jax.Array,
    ) -> Steps:
        """Return the sum of `SummingModel`: whole steps exactly, the rest up to a part of one."""


class Guide(Protocol):
    """A reparametrised variational family; hashable, or a pytree."""

    def draw(self, parameters: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return z and −log q(z), or the entropy in its place, differentiable in `parameters`."""
