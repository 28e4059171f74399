"""From noisy statistics to marginals that a distribution can nearly have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from .._denoising import halve_cells, james_stein, project_to_simplex
from .._markov_network import (
    Evidence,
    Network,
    Target,
    Variable,
    analyse,
    calibrate,
    clique_potentials,
    closure,
    coefficient_cells,
    divide_constants,
    estimate_marginal,
    fit_scaling,
    synthesise,
)
from ._prior import contrast_groups

__all__ = ["PairModel", "expect_interactions", "fit_moments", "make_targets", "shrink_moments"]

PROJECTION_ROUNDS = 10
# of the fit to pairs alone, which is then nearer to them than their noise by far
PAIR_SWEEPS = 10
# pseudo-records that keep every cell possible: this many in a cell, or in all of a marginal
CELL_FLOOR = 0.1
MARGINAL_FLOOR = 5.0


def shrink_moments(network: Network, evidence: Evidence, expected: np.ndarray) -> np.ndarray:
    """Shrink statistics to those of a simpler model, as far as the difference may be noise.

    Positive-part James-Stein for every set of variables and, along ordered ones, for every level
    of detail; see `contrast_groups`. Ordered variables by themselves are halved instead, where the
    simpler model is the even one: beyond the last level that has more than noise there is nothing.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    expected : ndarray of shape (n_parameters,)
        Statistics of the simpler model.

    Returns
    -------
    moments : ndarray of shape (n_parameters,)
    """
    shrunk = np.empty_like(evidence.moments)
    for position, subset in enumerate(network.subsets):
        block = network.block(position)
        if len(subset) == 1 and _is_even(network.variables[subset[0]], expected[block]):
            shrunk[block] = _halve_levels(network, evidence, subset)
            continue
        groups = contrast_groups(subset, network.variables)
        deviation = (evidence.moments - expected)[block]
        energy = np.bincount(groups, weights=deviation**2)
        noise = np.bincount(groups) * evidence.variance[block][0]
        shrunk[block] = expected[block] + james_stein(energy, noise)[groups] * deviation
    return shrunk


def _is_even(variable: Variable, expected: np.ndarray) -> bool:
    """Whether an ordered variable of several levels is expected to have all alike."""
    n_levels = variable.n_levels - variable.last_apart
    return variable.is_ordered and n_levels > 1 and not expected.any()


def _halve_levels(network: Network, evidence: Evidence, subset: tuple[int, ...]) -> np.ndarray:
    """Return the statistics of one ordered variable, halved until nothing but noise is seen."""
    variable = network.variables[subset[0]]
    table = estimate_marginal(network, evidence, subset)
    # a contrast of unit norm has the noise of one cell
    variance = evidence.variance[network.block(network.subsets.index(subset))][0]
    missing = np.clip(table[-1:], 0.0, evidence.n_records)[: int(variable.last_apart)]
    present = table[: variable.n_levels - variable.last_apart]
    masses = halve_cells(evidence.n_records - float(missing.sum()), present, variance)
    return analyse(np.append(masses, missing), (variable,))[1:]


def fit_moments(
    network: Network,
    evidence: Evidence,
    queries: Sequence[tuple[int, ...]],
    expected: np.ndarray | None = None,
    start: np.ndarray | None = None,
) -> np.ndarray:
    """Return λ of the distribution of largest entropy that nearly has the estimated statistics.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    queries : sequence of tuple of int
        Rising; the measured marginals.
    expected : ndarray of shape (n_parameters,), default=None
        Statistics of a simpler model, to which noisy ones are shrunk first.
    start : ndarray of shape (n_parameters,), default=None
        Where the search starts, as for `fit_scaling`; it is shorter from close by.

    Returns
    -------
    parameters : ndarray of shape (n_parameters,)
    """
    if expected is not None:
        evidence = evidence._replace(moments=shrink_moments(network, evidence, expected))
    targets = make_targets(network, evidence, queries)
    return fit_scaling(network, targets, start=start).parameters


class PairModel(NamedTuple):
    """What statistics are shrunk to, and the model that it comes from.

    Attributes
    ----------
    expected : ndarray of shape (n_parameters,)
    parameters : ndarray of shape (n_parameters,) or None
        λ of the model without interactions of three variables; None if there are none to expect.
    """

    expected: np.ndarray
    parameters: np.ndarray | None


def expect_interactions(
    network: Network,
    evidence: Evidence,
    queries: Sequence[tuple[int, ...]],
    expected: np.ndarray,
) -> PairModel:
    """Expect of three variables what the model without their interaction says.

    This model has the largest entropy for the marginals of one and of two variables, those within
    larger queries included, after shrinkage of their own. Its statistics are exact, by messages.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    queries : sequence of tuple of int
        Rising; the measured marginals.
    expected : ndarray of shape (n_parameters,)
        What the statistics of one and of two variables are shrunk to.
    """
    interactions = [i for i, subset in enumerate(network.subsets) if len(subset) > 2]
    if not interactions:
        return PairModel(expected, None)
    shrunk = evidence._replace(moments=shrink_moments(network, evidence, expected))
    pairs = [own for query in queries for own in combinations(query, min(len(query), 2))]
    targets = make_targets(network, shrunk, pairs)
    parameters = fit_scaling(network, targets, PAIR_SWEEPS).parameters
    _, tables = calibrate(network, clique_potentials(network, parameters))
    cells = np.concatenate([table.ravel() for table in tables])
    fitted = evidence.n_records * network.moments(cells)
    own = slice(int(network.offsets[interactions[0]]), network.n_parameters)
    result = expected.copy()
    # sets of variables are in the order of their size
    result[own] = fitted[own]
    return PairModel(result, parameters)


def make_targets(
    network: Network, evidence: Evidence, queries: Sequence[tuple[int, ...]]
) -> list[Target]:
    """Return a positive distribution for every query that lies within no other.

    Alternating projections: on the tables without negative cells, and on those with the estimated
    values of the statistics that several queries share, which are known best.

    Parameters
    ----------
    network : Network
    evidence : Evidence
        Its moments may have been shrunk.
    queries : sequence of tuple of int
        Rising.
    """
    distinct = sorted(set(queries))
    sets = [set(query) for query in distinct]
    n_within = Counter(subset for query in distinct for subset in closure([query]))
    targets = []
    for query, own in zip(distinct, sets, strict=True):
        if not any(own < other for other in sets):
            shared = [subset for subset in closure([query]) if n_within[subset] > 1]
            targets.append(Target(query, _positive(network, evidence, query, shared)))
    return targets


def _positive(
    network: Network,
    evidence: Evidence,
    query: tuple[int, ...],
    shared: Sequence[tuple[int, ...]],
) -> np.ndarray:
    variables = network.clique_variables(query)
    table = estimate_marginal(network, evidence, query)
    wanted = analyse(table, variables)
    kept = [coefficient_cells(query, subset, network.variables) for subset in shared]
    cells = np.concatenate([np.zeros(1, dtype=np.int64), *kept])
    total = evidence.n_records
    for _ in range(PROJECTION_ROUNDS):
        if table.min() >= 0:
            break
        projected = total * project_to_simplex(table.ravel() / total).reshape(table.shape)
        coefficients = analyse(projected, variables)
        coefficients.ravel()[cells] = wanted.ravel()[cells]
        table = synthesise(divide_constants(coefficients), variables)
    table = np.maximum(table, 0.0) + min(CELL_FLOOR, MARGINAL_FLOOR / table.size)
    return table / table.sum()
