"""The prior variance of the parameters: wide, or by empirical Bayes from the noisy marginals."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from .._denoising import haar_levels
from .._markov_network import (
    Evidence,
    Network,
    Variable,
    axis_basis,
    contrast_rows,
    estimate_marginal,
)

__all__ = [
    "baseline_variance",
    "contrast_groups",
    "empirical_variance",
    "expected_moments",
    "prior_variance",
]

# a set of contrasts in which nothing but noise is seen keeps this share of the noise's size
SMALLEST_SHARE = 0.02


def baseline_variance(network: Network) -> np.ndarray:
    """Return the mean variance of each parameter's contrast over one row: one over the cells.

    The squares of a set's orthonormal contrasts average to this whatever the distribution.
    """
    sizes = [math.prod(network.clique_shape(subset)) for subset in network.subsets]
    return np.repeat(1.0 / np.array(sizes, dtype=float), np.diff(network.offsets))


def contrast_groups(subset: Sequence[int], variables: Sequence[Variable]) -> np.ndarray:
    """Return a group number for each contrast of one set of variables.

    Contrasts of one group are alike before the data are seen. Along an ordered variable they are
    those of one level of detail, along an unordered one all of them.

    Returns
    -------
    groups : ndarray of shape (n_contrasts,), int
    """
    groups = np.zeros(1, dtype=np.int64)
    for v in subset:
        variable = variables[v]
        level = np.zeros(variable.n_levels - 1, dtype=np.int64)
        if variable.is_ordered:
            level = haar_levels(variable.n_levels, variable.last_apart)
        groups = np.add.outer(groups * (level.max(initial=0) + 1), level).ravel()
    return groups


def prior_variance(
    network: Network, evidence: Evidence, expected: np.ndarray | None, scale: float
) -> np.ndarray:
    """Return the variance of every parameter: wide, or estimated where there is a simpler model.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    expected : ndarray of shape (n_parameters,) or None
        As in `empirical_variance`.
    scale : float
        Standard deviation of the wide prior.
    """
    if expected is None:
        return np.full(network.n_parameters, scale**2)
    return empirical_variance(network, evidence, expected, scale**2)


def empirical_variance(
    network: Network, evidence: Evidence, expected: np.ndarray, largest: float
) -> np.ndarray:
    """Return prior variances estimated, group by group, by the method of moments.

    A parameter λ moves its statistic by about n S λ, S as in `baseline_variance`. What a group's
    statistics deviate from `expected` beyond their noise is therefore about n² S² τ² each.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    expected : ndarray of shape (n_parameters,)
        The statistics of a simpler model, to which the group shrinks.
    largest : float
        Upper bound on a variance, that of the wide prior.

    Returns
    -------
    variance : ndarray of shape (n_parameters,)
    """
    slope = evidence.n_records * baseline_variance(network)
    variance = np.empty(network.n_parameters)
    for position, subset in enumerate(network.subsets):
        block = network.block(position)
        groups = contrast_groups(subset, network.variables)
        size = np.bincount(groups)
        deviation = (evidence.moments - expected)[block]
        energy = np.bincount(groups, weights=deviation**2) / np.maximum(size, 1)
        noise = evidence.variance[block][0]
        signal = np.maximum(energy - noise, SMALLEST_SHARE * noise / np.sqrt(np.maximum(size, 1)))
        variance[block] = (signal / slope[block][0] ** 2)[groups]
    return np.minimum(variance, largest)


def expected_moments(
    network: Network, evidence: Evidence, target: int | None, places: frozenset[int]
) -> np.ndarray:
    """Return the statistics of the model without interactions beyond those with the target.

    Given the target's level all variables are independent; without a target they simply are. A
    place within a group is taken for uniform.

    Parameters
    ----------
    network : Network
    evidence : Evidence
    target : int or None
        A variable; the network has every pair of it with another one.
    places : frozenset of int
        Variables that are places within a group.

    Returns
    -------
    expected : ndarray of shape (n_parameters,)
    """
    total = evidence.n_records
    own = np.ones(1)
    if target is not None and any(target in subset for subset in network.subsets):
        own = np.maximum(estimate_marginal(network, evidence, (target,)), 1.0)
        own = own / own.sum()
    else:
        target = None
    profiles: dict[int, np.ndarray] = {}

    def profile(v: int) -> np.ndarray:
        """Contrasts of v's distribution given each level of the target."""
        if v not in profiles:
            profiles[v] = _profile(network, evidence, v, target)
        return profiles[v]

    expected = np.zeros(network.n_parameters)
    for position, subset in enumerate(network.subsets):
        if places.intersection(subset) or len(subset) == 1:
            continue
        if len(subset) == 2 and target in subset:
            # set below: pairs with the target shrink to independence
            continue
        product = own[:, None]
        for v in subset:
            contrasts = axis_basis(network.variables[v])[:, 1:] if v == target else profile(v)
            product = (product[:, :, None] * contrasts[:, None, :]).reshape(len(own), -1)
        expected[network.block(position)] = total * product.sum(axis=0)
    if target is not None:
        _assume_no_label_effect(network, evidence, target, expected)
    return expected


def _assume_no_label_effect(
    network: Network, evidence: Evidence, target: int, expected: np.ndarray
) -> None:
    """Set the pairs with the target to independence: that is what they shrink to."""
    total = evidence.n_records
    block = {subset: network.block(i) for i, subset in enumerate(network.subsets)}
    for subset in network.subsets:
        if len(subset) == 2 and target in subset:
            first, second = (evidence.moments[block[(v,)]] for v in subset if (v,) in block)
            expected[block[subset]] = np.multiply.outer(first, second).ravel() / total


def _profile(network: Network, evidence: Evidence, variable: int, target: int | None) -> np.ndarray:
    """Return the contrasts of a variable's distribution given each level of the target."""
    pair = (variable,) if target is None else tuple(sorted((variable, target)))
    if pair not in network.subsets:
        pair = (variable,)
    table = np.maximum(estimate_marginal(network, evidence, pair), 0.0)
    if len(pair) == 1:
        table = table[None]
    elif pair[0] == variable:
        table = table.T
    table = table + 1e-3
    return contrast_rows(table / table.sum(axis=1, keepdims=True), network.variables[variable])
