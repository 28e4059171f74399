"""Calibrating a junction tree: from log potentials to the joint distribution of every clique.

A tree is calibrated a few times per fit and has thousands of cells: compiling a program for it
would take longer than the arithmetic, which is numpy's here. The kernels that a posterior needs
thousands of times are in `skdpsynth.napsu._kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._network import Network

__all__ = ["calibrate", "clique_potentials", "spread_separator", "sum_to_separator"]

_TINY = 1e-300


def clique_potentials(network: Network, parameters: np.ndarray) -> list[np.ndarray]:
    """Return the log potential of every clique as a table of its variables."""
    flat = network.log_potentials(parameters)
    return [
        flat[network.cells(i)].reshape(network.clique_shape(clique))
        for i, clique in enumerate(network.tree.cliques)
    ]


def sum_to_separator(network: Network, position: int, table: np.ndarray, at: int) -> np.ndarray:
    """Return the flat marginal on a clique's separator of the table of clique `at`.

    Parameters
    ----------
    network : Network
    position : int
        The clique whose separator from its parent is meant.
    table : ndarray
        Of the clique or of its parent.
    at : int
        Which of the two.
    """
    separator = set(network.tree.separator(position))
    axes = tuple(axis for axis, v in enumerate(network.tree.cliques[at]) if v not in separator)
    return table.sum(axis=axes).ravel()


def spread_separator(network: Network, position: int, values: np.ndarray, at: int) -> np.ndarray:
    """Return values on a clique's separator in a shape that broadcasts over clique `at`."""
    separator = set(network.tree.separator(position))
    clique = network.tree.cliques[at]
    return values.reshape([network.shape[v] if v in separator else 1 for v in clique])


def calibrate(network: Network, potentials: Sequence[np.ndarray]) -> tuple[float, list[np.ndarray]]:
    """Return log Σ_x exp Σ_C ψ_C(x_C), and the joint distribution of every clique.

    Parameters
    ----------
    network : Network
    potentials : sequence of ndarray
        ψ_C, in the order of the tree's cliques; very negative numbers rule a cell out.

    Returns
    -------
    log_total : float
        A(λ) for the potentials of λ.
    tables : list of ndarray
        Each sums to one.
    """
    parents = network.tree.parents
    logs, tables = list(potentials), list(potentials)
    log_total = 0.0
    for position in range(len(logs) - 1, -1, -1):
        peak = float(logs[position].max())
        table = np.exp(logs[position] - peak)
        if position == 0:
            total = float(table.sum())
            log_total = peak + np.log(total)
            tables[0] = table / total
            break
        message = np.maximum(sum_to_separator(network, position, table, position), _TINY)
        # conditional on the separator until the way down
        tables[position] = table / spread_separator(network, position, message, position)
        parent = parents[position]
        logs[parent] = logs[parent] + spread_separator(
            network, position, np.log(message) + peak, parent
        )
    for position in range(1, len(tables)):
        parent = parents[position]
        marginal = sum_to_separator(network, position, tables[parent], parent)
        tables[position] = tables[position] * spread_separator(
            network, position, marginal, position
        )
    return log_total, tables
