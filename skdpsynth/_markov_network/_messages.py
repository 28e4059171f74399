"""Junction tree message passing: from log potentials to the joint distribution of every clique.

For p(x) ∝ exp Σ_C ψ_C(x_C), with separators S between a clique C and its parent:

- the message of C is log Σ_{x_C over x_S} exp(ψ_C + messages of the children), the first loop of
  `calibrate`; what the root would send is log Σ_x exp Σ_C ψ_C(x_C), A(λ) for the potentials of λ,
- p(x_C) = p(x_S) p(x_C | x_S) on the way down is its second loop,
- tables that are calibrated already and change at one clique are brought up to date by
  `pass_separator`: the other side is multiplied by the new marginal of S over the old one.

This is the reference in numpy: a tree is calibrated a few times per fit and has thousands of
cells, so that compiling a program for it would take longer than the arithmetic. The kernels that a
posterior needs thousands of times, with derivatives, are in `skdpsynth._markov_network._kernels`
and are tested against it.

References
----------
Lauritzen & Spiegelhalter (1988), Local computations with probabilities on graphical structures and
their application to expert systems, Journal of the Royal Statistical Society B 50(2); for
`pass_separator` Jensen, Lauritzen & Olesen (1990), Bayesian updating in causal probabilistic
networks by local computations, Computational Statistics Quarterly 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._network import Network

__all__ = [
    "calibrate",
    "clique_potentials",
    "pass_separator",
    "spread_separator",
    "sum_to_separator",
]

# a separator's cell of probability zero divides nothing: what lies over it is zero as well
TINY = 1e-300


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
    # children follow their parents, so that backwards a clique has heard from all its children
    for position in range(len(logs) - 1, -1, -1):
        # in logs, with one scale for every cell of the separator: their sizes can be far apart
        axes = _other_axes(network, position, position)
        peak = logs[position].max(axis=axes, keepdims=True)
        table = np.exp(logs[position] - peak)
        total = table.sum(axis=axes, keepdims=True)
        # divided by the message it sends: p(x_C | x_S) until the way down. The division is safe,
        # since the largest value over a separator's cell is 1
        tables[position] = table / total
        message = (np.log(total) + peak).ravel()
        if position:
            parent = parents[position]
            logs[parent] = logs[parent] + spread_separator(network, position, message, parent)
        else:
            log_total = float(message[0])
    for position in range(1, len(tables)):
        # the parent's table is final: it has heard from its own parent
        parent = parents[position]
        marginal = sum_to_separator(network, position, tables[parent], parent)
        tables[position] = tables[position] * spread_separator(
            network, position, marginal, position
        )
    return log_total, tables


def pass_separator(
    network: Network,
    tables: list[np.ndarray],
    separators: list[np.ndarray],
    position: int,
    *,
    up: bool,
) -> None:
    """Bring the table on one side of a separator up to date with the other side, in place.

    Parameters
    ----------
    network : Network
    tables : list of ndarray
        The joint distribution of every clique; the one on the giving side has changed.
    separators : list of ndarray
        For every clique the flat marginal that both sides had of its separator.
    position : int
        The clique whose separator from its parent is meant.
    up : bool
        Whether the clique gives and its parent takes, or the other way round.
    """
    parent = network.tree.parents[position]
    source, goal = (position, parent) if up else (parent, position)
    fresh = sum_to_separator(network, position, tables[source], source)
    # over the old marginal: what both sides knew already must not count twice
    ratio = fresh / np.maximum(separators[position], TINY)
    tables[goal] = tables[goal] * spread_separator(network, position, ratio, goal)
    separators[position] = fresh
