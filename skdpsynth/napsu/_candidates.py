"""Pairs of variables that may be worth measuring, and what a simple model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from .._markov_network import Evidence, Network, clique_size, estimate_marginal
from ._selection import Candidate

__all__ = ["expected_pair", "list_candidates"]

# counts less such numbers are exact in floating point
EXACT_STEPS = 1024.0


def expected_pair(
    pair: tuple[int, int],
    network: Network,
    evidence: Evidence,
    label: int | None,
    with_label: bool = True,
) -> Candidate:
    """Return a pair of variables and what to expect of it if they are independent given y."""
    profiles = []
    for v in pair:
        query = (v,) if label is None else tuple(sorted((v, label)))
        table = np.maximum(estimate_marginal(network, evidence, query), 0.0) + 1e-3
        if label is None:
            table = table[None]
        elif query[0] == v:
            table = table.T
        profiles.append(table)
    first, second = profiles
    share = (first.sum(axis=1) + second.sum(axis=1)) / 2
    joint = (share / share.sum())[:, None, None] * (
        (first / first.sum(axis=1, keepdims=True))[:, :, None]
        * (second / second.sum(axis=1, keepdims=True))[:, None, :]
    )
    joint = np.rint(joint * evidence.n_records * EXACT_STEPS) / EXACT_STEPS
    if label is None or not with_label:
        return Candidate(pair, joint.sum(axis=0))
    query = tuple(sorted((label, *pair)))
    order = [(label, *pair).index(v) for v in query]
    return Candidate(query, joint.transpose(order))


def list_candidates(
    network: Network,
    evidence: Evidence,
    label: int | None,
    main: Sequence[int],
    most: float,
    max_clique_size: int,
) -> list[Candidate]:
    """Return the pairs to score: all, or those of the columns that matter most.

    Parameters
    ----------
    network : Network
        Of every column with the target, or alone.
    evidence : Evidence
    label : int or None
        The target's variable.
    main : sequence of int
        The first variable of every column.
    most : float
        Number of candidates above which their noise would tell nothing.
    max_clique_size : int
        Most cells of a candidate.
    """
    # a column of one level depends on nothing
    nodes = [v for v in main if v != label and network.shape[v] > 1]
    if label is not None and network.shape[label] == 1:
        label = None
    # with more than two classes the pair alone may be worth more than the pair given the class
    per_pair = 1 if label is None or network.shape[label] <= 2 else 2
    importance = {v: _importance(v, network, evidence, label) for v in nodes}
    ranked = sorted(nodes, key=lambda v: (-importance[v], v))
    while per_pair * len(ranked) * (len(ranked) - 1) / 2 > most:
        ranked.pop()
    candidates = []
    for pair in combinations(sorted(ranked), 2):
        for with_label in (True, False)[:per_pair]:
            query = (*pair, label) if with_label and label is not None else pair
            if clique_size(query, network.shape) <= max_clique_size:
                candidates.append(expected_pair(pair, network, evidence, label, with_label))
    return candidates


def _importance(variable: int, network: Network, evidence: Evidence, label: int | None) -> float:
    """Return how much a variable depends on the target, or how evenly its levels are used."""
    if label is None:
        table = np.maximum(estimate_marginal(network, evidence, (variable,)), 0.0)
        share = table / max(table.sum(), 1.0)
        return float(1.0 - np.square(share).sum())
    table = estimate_marginal(network, evidence, tuple(sorted((variable, label))))
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1.0)
    position = network.subsets.index(tuple(sorted((variable, label))))
    noise = evidence.variance[network.block(position)][0] * table.size
    return float(np.square(table - expected).sum() - noise)
