"""Calibrating a junction tree: from log potentials to the joint distribution of every clique.

A tree is calibrated a few times per fit and has thousands of cells: compiling a program for it
would take longer than the arithmetic, which is numpy's here. The kernels that a posterior needs
thousands of times are in `skdpsynth._markov_network._kernels`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._network import Network

__all__ = ["calibrate", "clique_potentials", "spread_separator", "sum_to_separator"]


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
    return table.sum(axis=_other_axes(network, position, at)).ravel()


def _other_axes(network: Network, position: int, at: int) -> tuple[int, ...]:
    """Return the axes of clique `at` that are not in the separator of a clique."""
    separator = set(network.tree.separator(position))
    return tuple(axis for axis, v in enumerate(network.tree.cliques[at]) if v not in separator)


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
        # one scale for every cell of the separator: their sizes can be far apart
        axes = _other_axes(network, position, position)
        peak = logs[position].max(axis=axes, keepdims=True)
        table = np.exp(logs[position] - peak)
        total = table.sum(axis=axes, keepdims=True)
        # conditional on the separator until the way down
        tables[position] = table / total
        message = (np.log(total) + peak).ravel()
        if position:
            parent = parents[position]
            logs[parent] = logs[parent] + spread_separator(network, position, message, parent)
        else:
            log_total = float(message[0])
    for position in range(1, len(tables)):
        parent = parents[position]
        marginal = sum_to_separator(network, position, tables[parent], parent)
        tables[position] = tables[position] * spread_separator(
            network, position, marginal, position
        )
    return log_total, tables
