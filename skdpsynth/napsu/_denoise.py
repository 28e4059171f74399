"""From noisy statistics to marginals that a distribution can nearly have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._denoising import halve_cells, james_stein, project_to_simplex
from .._markov_network import (
    Evidence,
    Network,
    Target,
    Variable,
    analyse,
    closure,
    coefficient_cells,
    divide_constants,
    estimate_marginal,
    fit_scaling,
    synthesise,
)
from ._prior import contrast_groups

__all__ = ["fit_moments", "make_targets", "shrink_moments"]

PROJECTION_ROUNDS = 10
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

    Returns
    -------
    parameters : ndarray of shape (n_parameters,)
    """
    if expected is not None:
        evidence = evidence._replace(moments=shrink_moments(network, evidence, expected))
    return fit_scaling(network, make_targets(network, evidence, queries)).parameters


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
    largest = [q for q in distinct if not any(set(q) < set(other) for other in distinct)]
    targets = []
    for query in largest:
        shared = [s for s in closure([query]) if sum(set(s) <= set(q) for q in distinct) > 1]
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
