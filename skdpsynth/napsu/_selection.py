"""Which marginals to measure: private selection, and its post-processing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._markov_network import clique_size, count_marginals, triangulate
from ..privacy import Mechanisms

__all__ = [
    "Candidate",
    "Scores",
    "choose_queries",
    "l1_sensitivity",
    "score_candidates",
    "select_tree",
]


# of the tables that are counted at the same time
MOST_CELLS = 4_000_000


class Candidate(NamedTuple):
    """A pair of variables, with or without the target, and what the simple model says of it.

    Attributes
    ----------
    query : tuple of int
        Rising.
    expected : ndarray of shape (K_1, ..., K_r)
        Counts by released quantities alone; multiples of 2⁻¹⁰, so that distances from counts are
        exact in floating point, and their sensitivity with them.
    """

    query: tuple[int, ...]
    expected: np.ndarray


class Scores(NamedTuple):
    """Noisy L1 distances between candidates' counts and what is expected of them.

    Attributes
    ----------
    values : ndarray of shape (n_candidates,)
    scale : float
        Standard deviation of their noise.
    """

    values: np.ndarray
    scale: float


def l1_sensitivity(adjacency: str) -> float:
    """Return by how much the L1 distance of a table of counts from a fixed one can change.

    A record more changes one cell by 1, a replaced record two, and the distance by no more.
    """
    return 1.0 if adjacency == "add_remove" else 2.0


def _distances(
    levels: np.ndarray, candidates: Sequence[Candidate], shape: Sequence[int]
) -> np.ndarray:
    """Return the L1 distance of every candidate's counts from what is expected."""
    distances: list[float] = []
    while len(distances) < len(candidates):
        # as many at a time as their tables leave memory for
        sizes = np.cumsum([c.expected.size for c in candidates[len(distances) :]])
        n_next = max(int(np.searchsorted(sizes, MOST_CELLS)), 1)
        batch = candidates[len(distances) : len(distances) + n_next]
        tables = count_marginals(levels, [c.query for c in batch], shape)
        distances += [
            float(np.abs(table - c.expected).sum()) for table, c in zip(tables, batch, strict=True)
        ]
    return np.array(distances)


def score_candidates(
    levels: np.ndarray,
    candidates: Sequence[Candidate],
    shape: Sequence[int],
    mu: float,
    desk: Mechanisms,
) -> Scores:
    """Release how much the simple model misses of every candidate, all in one Gaussian release.

    Sensitivity: `expected` is fixed by earlier releases, so that each distance changes by at most
    1 (2 under replace-one), and m of them by √m as much in L2 norm.

    Parameters
    ----------
    levels : ndarray of shape (n_variables, n_rows), int
    candidates : sequence of Candidate
    shape : sequence of int
        Levels of every variable.
    mu : float
    desk : Mechanisms
    """
    distances = _distances(levels, candidates, shape)
    sensitivity = l1_sensitivity(desk.adjacency) * math.sqrt(len(candidates))
    released = desk.gaussian(
        distances,
        sensitivity=sensitivity,
        mu=mu,
        name=f"distances of {len(candidates)} marginals from a simple model",
    )
    desk.progress()
    return Scores(released, sensitivity / mu)


def select_tree(
    levels: np.ndarray,
    candidates: Sequence[Candidate],
    nodes: Sequence[int],
    shape: Sequence[int],
    epsilon: float,
    desk: Mechanisms,
) -> list[tuple[int, ...]]:
    """Return a spanning tree (or forest), edge by edge by the exponential mechanism.

    Kruskal's algorithm: each round selects among the candidates whose pair of nodes joins two
    components. The distances and their sensitivity are those of `score_candidates`.

    Parameters
    ----------
    levels, candidates, shape
        As in `score_candidates`; at most one candidate for every pair of nodes.
    nodes : sequence of int
        Variables to span.
    epsilon : float
        Of every round, of which there are one fewer than nodes.
    desk : Mechanisms

    References
    ----------
    McKenna, Miklau & Sheldon (2021), Winning the NIST contest (MST), Algorithm 2.
    """
    distances = _distances(levels, candidates, shape)
    pairs = [tuple(v for v in candidate.query if v in set(nodes)) for candidate in candidates]
    component = {v: v for v in nodes}
    chosen: list[tuple[int, ...]] = []
    for round_number in range(len(nodes) - 1):
        open_ = [i for i, (a, b) in enumerate(pairs) if component[a] != component[b]]
        if not open_:
            # the pairs that would join the rest are too large
            break
        picked = open_[
            desk.exponential(
                distances[open_],
                sensitivity=l1_sensitivity(desk.adjacency),
                epsilon=epsilon,
                name=f"edge {round_number + 1} of the tree",
            )
        ]
        desk.progress()
        chosen.append(candidates[picked].query)
        a, b = pairs[picked]
        old, new = component[b], component[a]
        component = {v: new if c == old else c for v, c in component.items()}
    return chosen


# how many standard deviations of its noise a distance must be, to be more than noise
SIGNAL_Z = 2.0
# measured, then shrunk, a marginal is closer to the truth than its noise by about this factor
SHRINKAGE_GAIN = 0.7


def choose_queries(
    candidates: Sequence[Candidate],
    scores: Scores,
    always: Sequence[tuple[int, ...]],
    shape: Sequence[int],
    mu: float,
    max_clique_size: int,
) -> list[tuple[int, ...]]:
    """Return the candidates worth measuring: post-processing of their noisy scores.

    Greedily by what a measurement gains, the distance less what its own noise would put there,
    as long as the cliques of the junction tree stay small.

    Parameters
    ----------
    candidates : sequence of Candidate
    scores : Scores
    always : sequence of tuple of int
        Queries that are in the model anyway.
    shape : sequence of int
    mu : float
        Of the measurement to come.
    max_clique_size : int
        Most cells of a clique.
    """
    cost = np.array([clique_size(c.query, shape) for c in candidates], dtype=float) ** (2 / 3)
    spent = sum(clique_size(query, shape) ** (2 / 3) for query in always)
    gain = np.asarray(scores.values)
    chosen: list[tuple[int, ...]] = []
    for i in np.argsort(-(gain - SHRINKAGE_GAIN * cost * math.sqrt(spent) / mu), kind="stable"):
        query = candidates[i].query
        # σᵢ of a cell when shares of μ² go with the power 2/3 of the cells
        own_noise = SHRINKAGE_GAIN * cost[i] * math.sqrt(spent + cost[i]) / mu
        if gain[i] < max(SIGNAL_Z * scores.scale, own_noise):
            continue
        if any(set(query) <= set(other) for other in chosen):
            continue
        cliques = triangulate(shape, [*always, *chosen, query])
        if max(clique_size(clique, shape) for clique in cliques) > max_clique_size:
            continue
        chosen.append(query)
        spent += cost[i]
    return chosen
