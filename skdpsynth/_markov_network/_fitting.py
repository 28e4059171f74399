"""Iterative proportional fitting on a junction tree: λ of largest entropy for given marginals.

A step multiplies p by t(x_Q) / p(x_Q), the target over the current marginal of its query Q, which
is `_CalibratedTree._scale`. The factors of one query gather in log f_Q(x_Q), and λ·a(x) = Σ_Q log
f_Q(x_Q) in the basis of contrasts is `_CalibratedTree.parameters`. Between steps the cliques are
kept consistent by the message passing of `skdpsynth._markov_network._messages`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ._contrasts import analyse
from ._messages import TINY, calibrate, clique_potentials, pass_separator, sum_to_separator
from ._network import Network, coefficient_cells

__all__ = ["ScalingFit", "Target", "fit_scaling"]

MAX_SWEEPS = 200
# mean total-variation distance of the fitted marginals from the targets, a sweep's progress
TOLERANCE = 5e-6
# a sweep that gains less, relative to what is left, is among contradictions
SMALLEST_GAIN = 5e-3


class Target(NamedTuple):
    """A marginal that the network is to have.

    Attributes
    ----------
    query : tuple of int
        Rising.
    table : ndarray of shape (K_1, ..., K_r)
        Positive; sums to one.
    """

    query: tuple[int, ...]
    table: np.ndarray


class ScalingFit(NamedTuple):
    """A fit and how it went.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
    n_sweeps : int
    distance : float
        Mean total-variation distance between fitted and wanted marginals in the last sweep, just
        before each was scaled.
    """

    parameters: np.ndarray
    n_sweeps: int
    distance: float


def fit_scaling(
    network: Network,
    targets: Sequence[Target],
    max_sweeps: int = MAX_SWEEPS,
    start: np.ndarray | None = None,
) -> ScalingFit:
    """Fit the distribution of largest entropy that has the wanted marginals.

    Each sweep walks the tree depth first. The clique it stands on always has its true marginal;
    it is scaled to the targets within it, and passes its separator on. Where targets
    contradict each other slightly the fit settles between them.

    Parameters
    ----------
    network : Network
        Every target is within one of its cliques.
    targets : sequence of Target
    max_sweeps : int
    start : ndarray of shape (n_parameters,), default=None
        λ of a distribution to start from, zero for sets of variables that lie within no target;
        None is the even one.

    References
    ----------
    Jiroušek & Přeučil (1995), On the effective implementation of the iterative proportional
    fitting procedure, Computational Statistics & Data Analysis 19(2).
    """
    tree = _CalibratedTree(network, targets, start)
    last = np.inf
    sweep = 0
    for sweep in range(1, max_sweeps + 1):
        distance = tree.sweep()
        # little gain in the first sweeps may be a slow start; later it means contradictions
        if distance < TOLERANCE or (sweep > 10 and distance > (1 - SMALLEST_GAIN) * last):
            break
        last = distance
    return ScalingFit(tree.parameters(), sweep, distance)


class _CalibratedTree:
    """Tables of all cliques; what is on the current one is the joint distribution of its cells."""

    def __init__(
        self, network: Network, targets: Sequence[Target], start: np.ndarray | None = None
    ) -> None:
        self.network = network
        self.start = np.zeros(network.n_parameters) if start is None else start
        cliques, parents = network.tree
        self.cliques = cliques
        self.children: list[list[int]] = [[] for _ in cliques]
        for position, parent in enumerate(parents):
            if parent >= 0:
                self.children[parent].append(position)
        self.targets = list(targets)
        self.factors = [np.zeros(target.table.shape) for target in targets]
        self.own: list[list[int]] = [[] for _ in cliques]
        self.all_axes = [list(range(len(clique))) for clique in cliques]
        self.kept_axes: list[list[int]] = []
        self.spread_shapes: list[tuple[int, ...]] = []
        for number, target in enumerate(targets):
            home = next(i for i, c in enumerate(cliques) if set(target.query) <= set(c))
            self.own[home].append(number)
            # where the target lies in its clique, which every sweep asks for
            clique = cliques[home]
            self.kept_axes.append([clique.index(v) for v in target.query])
            self.spread_shapes.append(
                tuple(network.shape[v] if v in target.query else 1 for v in clique)
            )
        _, self.tables = calibrate(network, clique_potentials(network, self.start))
        self.separators = [
            sum_to_separator(network, i, table, i) for i, table in enumerate(self.tables)
        ]

    def sweep(self) -> float:
        """Visit every clique; return the mean distance of the targets met before scaling.

        A clique's table is its marginal of p when it is scaled: depth first, what was changed
        reaches it along the path from the last visit, one separator down or up at a time. Cliques
        elsewhere are out of date until the walk comes by.
        """
        total = 0.0
        stack: list[tuple[int, bool]] = [(0, False)]
        while stack:
            position, is_return = stack.pop()
            if is_return:
                # all below it is done: the parent learns of it before the next child does
                self._pass(position, up=True)
                continue
            if position:
                self._pass(position, up=False)
            total += self._scale(position)
            if position:
                # under its children, to be met after them
                stack.append((position, True))
            stack.extend((child, False) for child in reversed(self.children[position]))
        return total / max(len(self.targets), 1)

    def _pass(self, position: int, up: bool) -> None:
        """Pass the separator between a clique and its parent, to the clique or back up."""
        pass_separator(self.network, self.tables, self.separators, position, up=up)

    def _scale(self, position: int) -> float:
        """Scale a clique to its targets, one after the other; return how far off it was."""
        # a copy, which is scaled in place
        table = self.tables[position].copy()
        distance = 0.0
        for number in self.own[position]:
            wanted = self.targets[number].table
            # several times faster than `sum` over the other axes, where the last ones are short
            current = np.einsum(table, self.all_axes[position], self.kept_axes[number])
            distance += float(np.abs(current - wanted).sum()) / 2
            ratio = wanted / np.maximum(current, TINY)
            self.factors[number] += np.log(ratio)
            table *= ratio.reshape(self.spread_shapes[number])
        self.tables[position] = table
        return distance

    def parameters(self) -> np.ndarray:
        """Return λ: that of the start, and the factors' logarithms in the basis of contrasts."""
        network = self.network
        result = self.start.copy()
        position_of = {subset: i for i, subset in enumerate(network.subsets)}
        for target, factor in zip(self.targets, self.factors, strict=True):
            coefficients = analyse(factor, network.clique_variables(target.query)).ravel()
            for subset, position in position_of.items():
                if set(subset) <= set(target.query):
                    cells = coefficient_cells(target.query, subset, network.variables)
                    summed_out = [v for v in target.query if v not in subset]
                    # coefficients are sums over the other axes; λ's term repeats along them
                    n_summed = math.prod(network.clique_shape(summed_out))
                    result[network.block(position)] += coefficients[cells] / n_summed
        return result
