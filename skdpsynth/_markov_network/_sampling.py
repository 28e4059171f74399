"""Drawing rows from a calibrated junction tree, vectorised clique by clique.

p(x) = Π_C p(x_C) / Π_S p(x_S): rows are drawn factor by factor, p(x_C | x_S) by `plan_sampling` and
`sample_levels`, and `log_probability` adds up the same factors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._network import Network, separator_index

__all__ = ["SamplingStep", "log_probability", "plan_sampling", "sample_levels"]


class SamplingStep(NamedTuple):
    """How the new variables of one clique follow from those drawn before.

    Attributes
    ----------
    given : tuple of int
        Variables of the separator.
    drawn : tuple of int
        The clique's other variables.
    cumulative : ndarray of shape (n_given_cells * n_drawn_cells,)
        Row s holds s plus the running sum of P(drawn | given = s), the last entry exactly s + 1.
    """

    given: tuple[int, ...]
    drawn: tuple[int, ...]
    cumulative: np.ndarray


def plan_sampling(network: Network, tables: Sequence[np.ndarray]) -> list[SamplingStep]:
    """Return the steps of ancestral sampling from the root of the tree to its leaves.

    Parameters
    ----------
    network : Network
    tables : sequence of ndarray
        The joint distribution of every clique's cells, flat or not.
    """
    steps = []
    for position, (clique, table) in enumerate(zip(network.tree.cliques, tables, strict=True)):
        given = network.tree.separator(position)
        drawn = tuple(v for v in clique if v not in given)
        if not drawn:
            continue
        order = [clique.index(v) for v in (*given, *drawn)]
        joint = np.reshape(table, network.clique_shape(clique)).transpose(order)
        rows = np.maximum(joint.reshape(math.prod(network.clique_shape(given)), -1), 0.0)
        total = rows.sum(axis=1, keepdims=True)
        # a separator's cell of probability zero is never reached
        rows = np.where(total > 0, rows / np.where(total > 0, total, 1.0), 1.0 / rows.shape[1])
        cumulative = np.minimum(np.cumsum(rows, axis=1), 1.0)
        cumulative[:, -1] = 1.0
        # row s within (s, s + 1]: one search in the flat array serves all rows at once
        cumulative += np.arange(len(rows))[:, None]
        steps.append(SamplingStep(given, drawn, cumulative.ravel()))
    return steps


def sample_levels(
    network: Network, steps: Sequence[SamplingStep], n_samples: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw rows, one array of levels per variable, each of shape (n_samples,)."""
    levels: list[np.ndarray] = [np.zeros(0, dtype=np.int64)] * len(network.variables)
    for step in steps:
        index = np.zeros(n_samples, dtype=np.int64)
        n_drawn = math.prod(network.shape[v] for v in step.drawn)
        for v in step.given:
            index = index * network.shape[v] + levels[v]
        cells = np.searchsorted(step.cumulative, index + rng.random(n_samples), side="right")
        # the sum may have been rounded up to the next row
        cells = np.minimum(cells, (index + 1) * n_drawn - 1)
        for v in reversed(step.drawn):
            cells, levels[v] = np.divmod(cells, network.shape[v])
            # what is left of the cell names the separator and is not needed
    return levels


def log_probability(
    network: Network, tables: Sequence[np.ndarray], levels: np.ndarray
) -> np.ndarray:
    """Return log p of rows: clique probabilities over separator probabilities."""
    total = np.zeros(levels.shape[1])
    with np.errstate(divide="ignore"):
        for position, (clique, table) in enumerate(zip(network.tree.cliques, tables, strict=True)):
            shape = network.clique_shape(clique)
            cells = np.ravel_multi_index([levels[v] for v in clique], shape)
            flat = np.ravel(table)
            total += np.log(np.maximum(flat, 1e-300))[cells]
            separator = network.tree.separator(position)
            if separator:
                over = separator_index(network, clique, separator)
                marginal = np.bincount(over, weights=flat)
                total -= np.log(np.maximum(marginal, 1e-300))[over][cells]
    return total
