"""The jitted kernels of the mixture: pure functions of arrays, compiled once per shape.

The mixture log density is log p(x) = log Σ_k π_k Π_j p(x_j | θ_kj). In `NaturalParameters`, log π_k
and all that does not depend on x are the bias, log p(x_j | θ_kj) of a tabulated column is a row of
log_cell, and of a normal or poisson column a product of features t(x) and weights.
`component_log_densities` adds them up for every k, `log_densities` sums over k, and
`expected_statistics` has the responsibilities r_k(x) = p(x, k)/p(x) instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .._compat import enable_x64
from ._layout import Records

__all__ = [
    "BLOCK_SIZE",
    "NaturalParameters",
    "Statistics",
    "component_log_densities",
    "expected_statistics",
    "fold",
    "log_densities",
    "power_of_two",
    "score_records",
    "sum_statistics",
]

Array: TypeAlias = jax.Array | np.ndarray

# rows travel in blocks of this size, so that neither a compiled shape nor a record's arithmetic
# depends on how many rows there are
BLOCK_SIZE = 8192

# a record of this class may come from any component
ANY_CLASS = -1


class NaturalParameters(NamedTuple):
    """A mixture in the form log p(x, k) = bias_k + Σ_j log_cell[code_j, k] + t(x)·weight_k.

    Attributes
    ----------
    bias : array of shape (n_components,)
    log_cell : array of shape (n_cells, n_components)
    weight : array of shape (n_features, n_components)
    owner : array of shape (n_components,), int
        The class whose records a component models.
    """

    bias: Array
    log_cell: Array
    weight: Array
    owner: Array


class Statistics(NamedTuple):
    """Sums over records of r_k(x)·(1, one-hot cells, features), in units of 1/resolution.

    Attributes
    ----------
    n_records : array of shape (n_components,), int
    cell : array of shape (n_cells, n_components), int
    feature : array of shape (n_features, n_components), int
    """

    n_records: Array
    cell: Array
    feature: Array


def power_of_two(number: int) -> int:
    """Return the smallest power of two that is at least `number`."""
    return 1 << max(number - 1, 0).bit_length()


def fold(table: Array, body: Callable[[int, jax.Array], jax.Array], start: jax.Array) -> Any:
    """Loop over the columns of a table, which may have none."""
    return lax.fori_loop(0, table.shape[1], body, start) if table.shape[1] else start


def component_log_densities(
    codes: Array, features: Array, classes: Array, parameters: NaturalParameters
) -> jax.Array:
    """Return log p(x, k), of shape (n_rows, n_components); −inf where k is of another class."""

    def add_block(j: int, total: jax.Array) -> jax.Array:
        return total + parameters.log_cell[codes[:, j]]

    def add_feature(j: int, total: jax.Array) -> jax.Array:
        return total + features[:, j, None] * parameters.weight[j]

    # sums in a fixed order: a matrix product's could depend on a record's position
    total = jnp.broadcast_to(parameters.bias, (codes.shape[0], parameters.bias.shape[0]))
    total = fold(codes, add_block, total)
    total = fold(features, add_feature, total)
    is_any = (classes[:, None] == ANY_CLASS) & (parameters.owner >= 0)
    may_own = is_any | (classes[:, None] == parameters.owner)
    return jnp.where(may_own, total, -jnp.inf)


def _round_shares(log_joint: jax.Array, resolution: int | jax.Array) -> jax.Array:
    """Return responsibilities in units of 1/resolution: integers ≥ 0 that sum to resolution.

    Rounding the *cumulative* responsibilities keeps every row's sum exact and its entries
    non-negative, so that the sensitivity of the sums holds exactly, not up to float rounding.
    """
    # the largest share is 1 before it is normalised: nothing overflows, and the sum is not zero
    shares = jnp.exp(log_joint - jnp.max(log_joint, axis=1, keepdims=True))
    cumulative = jnp.cumsum(shares, axis=1)
    steps = jnp.floor(cumulative / cumulative[:, -1:] * resolution + 0.5)
    # whatever the parameters, the steps rise from 0 to the resolution: NaN compares as false
    steps = jnp.where(steps >= 0, jnp.minimum(steps, resolution), 0).astype(jnp.int32)
    # a step back would make a share negative: rounding of cumulative/total could be one
    return lax.cummax(steps, axis=1).at[:, -1].set(resolution)


@jax.jit
def expected_statistics(
    codes: Array,
    features: Array,
    classes: Array,
    is_record: Array,
    parameters: NaturalParameters,
    *,
    resolution: int | jax.Array,
) -> Statistics:
    """Return one block's expected sufficient statistics under the responsibilities.

    Parameters
    ----------
    codes : array of shape (n_rows, n_blocks), int
    features : array of shape (n_rows, n_features)
    classes : array of shape (n_rows,), int
    is_record : array of shape (n_rows,), bool
        False for padding, which contributes nothing.
    parameters : NaturalParameters
    resolution : int
        Responsibilities are multiples of its inverse, a power of two; n_rows·resolution < 2³¹.
    """
    cumulative = _round_shares(
        component_log_densities(codes, features, classes, parameters), resolution
    )
    # of integers from here on: sums are exact, in whatever order the rows come
    cumulative = jnp.where(is_record[:, None], cumulative, 0)
    shares = jnp.diff(cumulative, axis=1, prepend=0)

    def add_block(j: int, cell: jax.Array) -> jax.Array:
        return cell.at[codes[:, j]].add(shares)

    def add_feature(j: int, feature: jax.Array) -> jax.Array:
        # rounding u·(r_1 + ... + r_k) keeps the sum over k below the resolution, as for the shares
        unit = jnp.clip(features[:, j, None], 0.0, 1.0)
        steps = jnp.floor(unit * cumulative + 0.5).astype(jnp.int32)
        return feature.at[j].set(jnp.diff(steps, axis=1, prepend=0).sum(axis=0))

    cell = jnp.zeros(parameters.log_cell.shape, jnp.int32)
    feature = jnp.zeros(parameters.weight.shape, jnp.int32)
    return Statistics(
        shares.sum(axis=0),
        fold(codes, add_block, cell),
        fold(features, add_feature, feature),
    )


@jax.jit
def log_densities(
    codes: Array, features: Array, classes: Array, parameters: NaturalParameters
) -> jax.Array:
    """Return log Σ_k p(x, k), of shape (n_rows,)."""
    joint = component_log_densities(codes, features, classes, parameters)
    return jax.nn.logsumexp(joint, axis=1)


def _blocks(records: Records) -> Iterator[tuple[Records, np.ndarray]]:
    """Yield the records in blocks of BLOCK_SIZE, the last one padded, with the padding's mask."""
    n_rows = len(records.classes)
    for start in range(0, n_rows, BLOCK_SIZE):
        stop = min(start + BLOCK_SIZE, n_rows)
        is_record = np.arange(BLOCK_SIZE) < stop - start
        padding = BLOCK_SIZE - (stop - start)
        block = (part[start:stop] for part in records)
        # the last block is as long as the others: no compiled shape tells how many rows there are
        if padding:
            block = (np.pad(part, ((0, padding),) + ((0, 0),) * (part.ndim - 1)) for part in block)
        yield Records(*block), is_record


def sum_statistics(records: Records, parameters: NaturalParameters, resolution: int) -> Statistics:
    """Return the statistics of all records, accumulated in 64-bit integers."""
    totals = [np.zeros(part.shape, np.int64) for part in parameters[:3]]
    for block, is_record in _blocks(records):
        parts = expected_statistics(*block, is_record, parameters, resolution=resolution)
        for total, part in zip(totals, parts, strict=True):
            total += np.asarray(part)
    return Statistics(*totals)


def score_records(records: Records, parameters: NaturalParameters) -> np.ndarray:
    """Return log Σ_k p(x, k) of every record in double precision."""
    # a score is not private, and single precision would round it at the sixth digit
    with enable_x64(True):
        scores = [
            np.asarray(log_densities(block.codes, block.features, block.classes, parameters))
            for block, _ in _blocks(records)
        ]
    return np.concatenate(scores)[: len(records.classes)]
