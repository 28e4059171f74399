"""The structure of a Markov network p(x | λ) ∝ exp(λ·a(x)) on a junction tree.

λ·a(x) = Σ_C ψ_C(x_C): which parameters make the potential of which clique is `Network.homes`, λ to
ψ is `Network.log_potentials` (as a matrix `Network.design`), probabilities of cells to E[a(x)] its
transpose, `Network.moments`. Which cells exchange messages is `plan_messages`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ._contrasts import Variable, analyse, closure, n_contrasts, synthesise
from ._tree import JunctionTree, junction_tree

__all__ = ["MessagePlan", "Network", "build_network", "coefficient_cells", "separator_index"]


class MessagePlan(NamedTuple):
    """Which cells send messages to which, for every level of a junction tree, the root's first.

    The cells of a level's cliques follow each other. Each level but the root's has a row in the
    arrays; padding points to a cell, and a separator's cell, beyond the last.

    Attributes
    ----------
    sender, sender_separator : array of shape (n_levels, n_senders), int
        Cells of the cliques of one level, and the separator's cell each lies over.
    receiver, receiver_separator : array of shape (n_levels, n_receivers), int
        The same for their parents' cells, once for every child.
    clique : array of shape (n_cells + n_senders,), int
        The clique of each cell, -1 for padding.
    root : array of shape (n_root_cells,), int
    separators : array of shape (n_separators + 1,)
        Zeros: the length tells how many separator cells the largest level has.
    """

    sender: Any
    sender_separator: Any
    receiver: Any
    receiver_separator: Any
    clique: Any
    root: Any
    separators: Any


@dataclass(frozen=True)
class Network:
    """A network up to its parameters; all tables of its cliques lie in one flat array of cells.

    Attributes
    ----------
    variables : tuple of Variable
    subsets : tuple of tuple of int
        The sets of variables that have parameters of their own, smaller ones first. a(x) are the
        contrasts of these sets, see `skdpsynth._markov_network._contrasts`.
    tree : JunctionTree
    """

    variables: tuple[Variable, ...]
    subsets: tuple[tuple[int, ...], ...]
    tree: JunctionTree

    @cached_property
    def shape(self) -> tuple[int, ...]:
        """Number of levels of every variable."""
        return tuple(variable.n_levels for variable in self.variables)

    @cached_property
    def offsets(self) -> np.ndarray:
        """Where each subset's parameters start; the last entry is their number."""
        sizes = [n_contrasts(subset, self.variables) for subset in self.subsets]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def n_parameters(self) -> int:
        """Length of λ."""
        return int(self.offsets[-1])

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each clique's cells start; the last entry is their number."""
        sizes = [math.prod(self.clique_shape(c)) for c in self.tree.cliques]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def n_cells(self) -> int:
        """Cells of all cliques of the tree."""
        return int(self.starts[-1])

    def block(self, position: int) -> slice:
        """Return the place of one subset's parameters in λ."""
        return slice(int(self.offsets[position]), int(self.offsets[position + 1]))

    def cells(self, position: int) -> slice:
        """Return the place of one clique's cells."""
        return slice(int(self.starts[position]), int(self.starts[position + 1]))

    def clique_shape(self, clique: Sequence[int]) -> tuple[int, ...]:
        """Return the shape of a clique's table."""
        return tuple(self.variables[v].n_levels for v in clique)

    def clique_variables(self, clique: Sequence[int]) -> list[Variable]:
        """Return the variables of a clique's axes."""
        return [self.variables[v] for v in clique]

    @cached_property
    def carriers(self) -> tuple[int, ...]:
        """For each variable, the first clique that contains it."""
        cliques = self.tree.cliques
        return tuple(
            next(i for i, clique in enumerate(cliques) if v in clique)
            for v in range(len(self.variables))
        )

    @cached_property
    def homes(self) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """For each clique, which parameters it carries and which of its coefficients they are.

        A subset is carried by the first clique that contains it.
        """
        sets = [set(clique) for clique in self.tree.cliques]
        empty = np.zeros(0, dtype=np.int64)
        parts = [([empty], [empty]) for _ in sets]
        for position, subset in enumerate(self.subsets):
            home = next(i for i, own in enumerate(sets) if own.issuperset(subset))
            parts[home][0].append(np.arange(self.offsets[position], self.offsets[position + 1]))
            parts[home][1].append(
                coefficient_cells(self.tree.cliques[home], subset, self.variables)
            )
        return tuple((np.concatenate(own), np.concatenate(cells)) for own, cells in parts)

    def log_potentials(self, parameters: np.ndarray) -> np.ndarray:
        """Return the log potentials of all cells; λ·a(x) is the sum of those of x's cells."""
        potentials = np.zeros(self.n_cells)
        for position, (clique, (own, cells)) in enumerate(
            zip(self.tree.cliques, self.homes, strict=True)
        ):
            shape = self.clique_shape(clique)
            coefficients = np.zeros(math.prod(shape))
            coefficients[cells] = parameters[own]
            table = synthesise(coefficients.reshape(shape), self.clique_variables(clique))
            potentials[self.cells(position)] = table.ravel()
        return potentials

    def moments(self, cell_probabilities: np.ndarray) -> np.ndarray:
        """Return E[a(x)] from the probabilities of all cells: the transpose of `log_potentials`."""
        result = np.empty(self.n_parameters)
        for position, (clique, (own, cells)) in enumerate(
            zip(self.tree.cliques, self.homes, strict=True)
        ):
            table = cell_probabilities[self.cells(position)].reshape(self.clique_shape(clique))
            result[own] = analyse(table, self.clique_variables(clique)).ravel()[cells]
        return result

    @cached_property
    def design(self) -> np.ndarray:
        """The matrix of `log_potentials`, of shape (n_cells, n_parameters); for small networks."""
        matrix = np.zeros((self.n_cells, self.n_parameters))
        for position, (clique, (own, cells)) in enumerate(
            zip(self.tree.cliques, self.homes, strict=True)
        ):
            shape, variables = self.clique_shape(clique), self.clique_variables(clique)
            for parameter, cell in zip(own, cells, strict=True):
                unit = np.zeros(math.prod(shape))
                unit[cell] = 1.0
                column = synthesise(unit.reshape(shape), variables)
                matrix[self.cells(position), parameter] = column.ravel()
        return matrix

    @cached_property
    def plan(self) -> MessagePlan:
        """The messages of the tree, in the form the kernels read."""
        return plan_messages(self)


def coefficient_cells(
    clique: Sequence[int], subset: Sequence[int], variables: Sequence[Variable]
) -> np.ndarray:
    """Return the flat positions of a subset's contrasts among a clique's coefficients."""
    shape = [variables[v].n_levels for v in clique]
    axes = [
        np.arange(1, k) if v in subset else np.zeros(1, dtype=np.int64)
        for v, k in zip(clique, shape, strict=True)
    ]
    return np.ravel_multi_index(np.ix_(*axes), shape).ravel()


def build_network(variables: Sequence[Variable], queries: Iterable[Sequence[int]]) -> Network:
    """Return the network whose sufficient statistics span all cells of the queries.

    Parameters
    ----------
    variables : sequence of Variable
    queries : iterable of tuple of int
        Their order, the order within them and duplicates make no difference. A variable in none
        of them is uniform and independent of the others.

    Examples
    --------
    >>> network = build_network([Variable(2), Variable(3)], [(1, 0)])
    >>> network.subsets, network.n_parameters
    (((0,), (1,), (0, 1)), 5)
    """
    queries = sorted({tuple(sorted(set(query))) for query in queries})
    tree = junction_tree([v.n_levels for v in variables], queries)
    # a variable with one level has no contrasts
    subsets = tuple(s for s in closure(queries) if n_contrasts(s, variables) > 0)
    return Network(tuple(variables), subsets, tree)


def plan_messages(network: Network) -> MessagePlan:
    """Return which cells exchange messages, level by level."""
    cliques, parents = network.tree
    # cliques of one depth do not wait for each other: their messages are one step of the kernels
    depth = [0] * len(cliques)
    for position in range(1, len(cliques)):
        depth[position] = depth[parents[position]] + 1
    levels: list[list[np.ndarray]] = []
    most = 0
    for level in range(1, max(depth) + 1):
        parts: list[tuple[np.ndarray, ...]] = []
        n_separators = 0
        for position in (i for i, d in enumerate(depth) if d == level):
            separator, parent = network.tree.separator(position), parents[position]
            # separators of a level are numbered through, also those over the same parent
            own, above = (
                n_separators + separator_index(network, clique, separator)
                for clique in (cliques[position], cliques[parent])
            )
            own_cells, above_cells = (
                np.arange(network.starts[i], network.starts[i + 1]) for i in (position, parent)
            )
            parts.append((own_cells, own, above_cells, above))
            n_separators += math.prod(network.clique_shape(separator))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        levels.append(columns)
        most = max(most, n_separators)
    # beyond the last cell and the last separator's cell, where padding does no harm
    fill = (network.n_cells, most, network.n_cells, most)
    sender, below, receiver, above = (
        _stack([columns[k] for columns in levels], fill[k]) for k in range(4)
    )
    clique = np.full(network.n_cells + sender.shape[1], -1, dtype=np.int32)
    clique[: network.n_cells] = np.repeat(np.arange(len(cliques)), np.diff(network.starts))
    root = np.arange(network.starts[1], dtype=np.int32)
    return MessagePlan(sender, below, receiver, above, clique, root, np.zeros(most + 1))


def separator_index(
    network: Network, clique: Sequence[int], separator: Sequence[int]
) -> np.ndarray:
    """Return, for every cell of a clique, the cell of a subset of its variables it lies over."""
    shape = network.clique_shape(clique)
    index = np.zeros(shape, dtype=np.int64)
    for v in separator:
        axis = clique.index(v)
        levels = np.arange(shape[axis]).reshape([-1 if i == axis else 1 for i in range(len(shape))])
        index = index * shape[axis] + levels
    return index.ravel()


def _stack(rows: Sequence[np.ndarray], fill: int) -> np.ndarray:
    stacked = np.full((len(rows), max((len(row) for row in rows), default=0)), fill, np.int32)
    for padded, row in zip(stacked, rows, strict=True):
        padded[: len(row)] = row
    return stacked
