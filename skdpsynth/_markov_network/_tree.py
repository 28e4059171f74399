"""From marginal queries to a junction tree: triangulation, maximal cliques, a spanning tree.

Variables of one query are joined by an edge. `triangulate` adds edges until every cycle of four or
more has a chord, and returns the maximal cliques; `_span` joins these into a tree in which the
cliques that hold a variable are connected (the running intersection property). Message passing
on such a tree is exact, and costs as many steps as its cliques have cells.

References
----------
Koller & Friedman (2009), Probabilistic Graphical Models, chapters 9 (variable elimination, greedy
orders) and 10 (junction trees as spanning trees of largest separators).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

__all__ = ["JunctionTree", "clique_size", "junction_tree", "triangulate"]


class JunctionTree(NamedTuple):
    """Maximal cliques of a chordal graph, joined into a tree.

    Attributes
    ----------
    cliques : tuple of tuple of int
        Sorted variables of each clique; a parent comes before its children, the first is the root.
    parents : tuple of int
        Position of each clique's parent, -1 for the root. Cliques that share no variable with the
        rest hang from the root by an empty separator.
    """

    cliques: tuple[tuple[int, ...], ...]
    parents: tuple[int, ...]

    def separator(self, position: int) -> tuple[int, ...]:
        """Return the variables that a clique shares with its parent."""
        if self.parents[position] < 0:
            return ()
        parent = set(self.cliques[self.parents[position]])
        return tuple(v for v in self.cliques[position] if v in parent)


def clique_size(clique: Iterable[int], shape: Sequence[int]) -> int:
    """Return the number of cells of a clique."""
    return math.prod(shape[v] for v in clique)


def junction_tree(shape: Sequence[int], queries: Iterable[Sequence[int]]) -> JunctionTree:
    """Return a junction tree in which every query lies within a clique.

    Parameters
    ----------
    shape : sequence of int
        Number of levels of every variable; a variable in no query is a clique of its own.
    queries : iterable of tuple of int

    Returns
    -------
    tree : JunctionTree
        The same whatever the order of the queries and of the variables in them.

    Examples
    --------
    >>> sorted(junction_tree([2, 3, 2], [(2, 1), (0, 1)]).cliques)
    [(0, 1), (1, 2)]
    """
    cliques = triangulate(shape, queries)
    return _span(cliques)


def triangulate(
    shape: Sequence[int], queries: Iterable[Sequence[int]]
) -> tuple[tuple[int, ...], ...]:
    """Return the maximal cliques of a chordal graph that contains every query.

    Variables are eliminated one by one in two greedy orders, neither of which is always the better
    one: that of the fewest new edges next, ties by the cells of the clique it makes, or that of the
    fewest cells next. The cliques of fewer cells in total are returned; ties go to the first order.
    """
    neighbours: list[set[int]] = [set() for _ in shape]
    for query in queries:
        for a, b in combinations(sorted(set(query)), 2):
            neighbours[a].add(b)
            neighbours[b].add(a)
    by_edges, n_added = _eliminate(shape, neighbours, _fewest_edges)
    if not n_added:
        # chordal already: its maximal cliques are what they are
        return by_edges
    by_cells, _ = _eliminate(shape, neighbours, _fewest_cells)
    return min(by_edges, by_cells, key=lambda cliques: sum(clique_size(c, shape) for c in cliques))


def _eliminate(
    shape: Sequence[int],
    edges: Sequence[set[int]],
    cost: Callable[[int, Sequence[set[int]], Sequence[int]], tuple[int, ...]],
) -> tuple[tuple[tuple[int, ...], ...], int]:
    """Eliminate the variable of least cost next; return the maximal cliques, and the new edges."""
    neighbours = [set(around) for around in edges]
    left = set(range(len(shape)))
    costs = {v: cost(v, neighbours, shape) for v in left}
    found: list[tuple[int, ...]] = []
    n_added = 0
    while left:
        # greedy: the triangulation of fewest cells is NP-hard to find. Ties by position make the
        # tree a function of the queries, which noise and the order of sets do not enter
        chosen = min(left, key=lambda v: (costs[v], v))
        around = neighbours[chosen]
        # all of them are joined below: when the variable is summed out, its neighbours depend on
        # one another
        found.append(tuple(sorted({chosen, *around})))
        touched = set(around)
        for a, b in combinations(sorted(around), 2):
            if b not in neighbours[a]:
                n_added += 1
                neighbours[a].add(b)
                neighbours[b].add(a)
                # a new edge saves those that see both ends one edge of their own fill
                touched |= neighbours[a] & neighbours[b]
        for v in around:
            neighbours[v].discard(chosen)
        left.remove(chosen)
        for v in touched & left:
            costs[v] = cost(v, neighbours, shape)
    # what is eliminated late may lie within an earlier clique
    sets = [set(clique) for clique in found]
    maximal = {
        clique
        for clique, own in zip(found, sets, strict=True)
        if not any(own < other for other in sets)
    }
    return tuple(sorted(maximal)), n_added


def _fewest_edges(
    variable: int, neighbours: Sequence[set[int]], shape: Sequence[int]
) -> tuple[int, int]:
    around = neighbours[variable]
    # pairs less edges, counted from the neighbours' side: the hub of a star has many neighbours,
    # and these have few
    edges = sum(len(neighbours[a] & around) for a in around) // 2
    fill = math.comb(len(around), 2) - edges
    return fill, clique_size([variable, *around], shape)


def _fewest_cells(
    variable: int, neighbours: Sequence[set[int]], shape: Sequence[int]
) -> tuple[int]:
    return (clique_size([variable, *neighbours[variable]], shape),)


def _span(cliques: Sequence[tuple[int, ...]]) -> JunctionTree:
    """Join cliques by a spanning tree of largest separators (Prim), which is a junction tree."""
    sets = [set(clique) for clique in cliques]
    neighbours: list[list[int]] = [[] for _ in cliques]
    # for every clique outside the tree, the largest separator with one inside; an empty one joins
    # parts of the graph that share no variable
    nearest = {i: (len(sets[i] & sets[0]), 0) for i in range(1, len(cliques))}
    while nearest:
        chosen = max(nearest, key=lambda i: (nearest[i][0], -i))
        parent = nearest.pop(chosen)[1]
        neighbours[chosen].append(parent)
        neighbours[parent].append(chosen)
        for i, (size, _) in nearest.items():
            shared = len(sets[i] & sets[chosen])
            if shared > size:
                nearest[i] = (shared, chosen)
    # rooted at a centre: messages travel level by level, so that fewer levels are less work
    root = _farthest_path(neighbours)
    order, parents = [root], [-1]
    # breadth first, and the list grows as it is read: levels of the tree follow each other
    for place, i in enumerate(order):
        above = order[parents[place]] if place else -1
        for j in sorted(neighbours[i]):
            if j != above:
                order.append(j)
                parents.append(place)
    return JunctionTree(tuple(cliques[i] for i in order), tuple(parents))


def _farthest_path(neighbours: Sequence[Sequence[int]]) -> int:
    """Return the middle of a longest path of a tree."""

    def walk(start: int) -> dict[int, int]:
        came_from = {start: -1}
        for node in (queue := [start]):
            for other in sorted(neighbours[node]):
                if other not in came_from:
                    came_from[other] = node
                    queue.append(other)
        return came_from

    # the farthest from anywhere is one end of a longest path, the farthest from that the other
    end = list(walk(0))[-1]
    came_from = walk(end)
    path = [list(came_from)[-1]]
    while came_from[path[-1]] >= 0:
        path.append(came_from[path[-1]])
    return path[len(path) // 2]
