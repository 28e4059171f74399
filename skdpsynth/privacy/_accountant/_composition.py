r"""Composition: upper bounds on the ε and δ that a list of events adds up to.

With Y the privacy loss of the subsampled releases, of which Ỹ is the law on a grid, δ_R the exact
curve of all others and δ_F the sum of the probabilities of failures,

    δ(ε) ≤ E[δ_R(ε − η − Ỹ)] + τ + δ_F,    |Y − Ỹ| ≤ η except with probability τ  (`_mixed_delta`)

the larger of both directions under add/remove, whose pairs differ; one under replace-one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace

import numpy as np

from .._events import Event, check_number
from ._closed_forms import Composition, exact_delta, summarise
from ._composed_loss import AccountingError, LossLaw, composed_loss
from ._privacy_loss import DIRECTIONS, Groups
from ._without_replacement import renyi_delta

__all__ = ["compose_delta", "compose_epsilon", "composed_delta", "is_within"]

_RELATIVE_ERROR = 0.005  # of ε, on either side of the estimate: the bound is within 1 % of ε
_SMALLEST_DELTA_ERROR = 1e-13
_COARSER = (1, 4, 16)  # multiples of that error which are tried in turn


def compose_delta(
    events: Iterable[Event], epsilon: float, *, adjacency: str = "add_remove"
) -> float:
    """Upper bound on the δ for which the events together are (ε, δ)-private.

    Parameters
    ----------
    events : iterable of events
        Their parameters hold for ``adjacency``.
    epsilon : float in [0, inf]
        Privacy loss in nats; positive if some event is subsampled.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables are neighbours.

    Returns
    -------
    float
        Exact up to a relative 1e-10 for Gaussian and selection events. With subsampled events
        it lies between the exact δ at ε and that at 0.99 ε, plus about 1e-12, as long as a grid
        of 2²¹ points is fine enough, which it mostly is up to 10⁵ steps; else 0.96 ε or 0.84 ε
        take the place of 0.99 ε. With batches of fixed size it is a bound that may be loose. The
        probabilities of failures are added.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    AccountingError
        If the numerical composition would need too fine a grid.

    References
    ----------
    Dong, Roth & Su (2022), Corollary 3.3; Zhu, Dong & Wang (2022), Theorem 10.

    Examples
    --------
    >>> from skdpsynth.privacy import GaussianEvent
    >>> round(compose_delta([GaussianEvent(0.6), GaussianEvent(0.8)], 1.0), 6)
    0.126937
    """
    epsilon = check_number("epsilon", epsilon, low=0.0, low_open=False)
    composition = summarise(events, adjacency)
    return composed_delta(composition, epsilon, adjacency, scale=epsilon)


def compose_epsilon(
    events: Iterable[Event],
    delta: float,
    *,
    adjacency: str = "add_remove",
    scale: float | None = None,
) -> float:
    """Upper bound on the ε for which the events together are (ε, δ)-private.

    Parameters
    ----------
    events : iterable of events
        Their parameters hold for ``adjacency``.
    delta : float in (0, 1)
        Probability with which the loss may exceed ε.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables are neighbours.
    scale : float, optional
        Compute subsampled events to within 1 % of this ε, instead of 1 % of the result.

    Returns
    -------
    float
        Never below the exact value, and ``inf`` if no ε will do.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    AccountingError
        If the numerical composition would need too fine a grid.

    Examples
    --------
    >>> from skdpsynth.privacy import GaussianEvent
    >>> round(compose_epsilon([GaussianEvent(0.6), GaussianEvent(0.8)], 0.126936738), 6)
    1.0
    """
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    composition = summarise(events, adjacency)
    if composition.is_public or composition.failure > delta:
        return math.inf

    def solve(scale: float) -> float:
        def holds(epsilon: float) -> bool:
            return composed_delta(composition, epsilon, adjacency, scale, delta) <= delta

        tolerance = 1e-6 if composition.subsampled else 1e-12
        return _smallest_epsilon(holds, scale, tolerance)

    if scale is not None or not composition.subsampled:
        return solve(1.0 if scale is None else scale)
    return _refine(solve)


def is_within(events: Iterable[Event], epsilon: float, delta: float, adjacency: str) -> bool:
    """Whether the events together are provably (ε, δ)-private.

    Examples
    --------
    >>> from skdpsynth.privacy import GaussianEvent
    >>> is_within([GaussianEvent(0.2)], 1.0, 1e-6, "add_remove")
    True
    """
    composition = summarise(events, adjacency)
    return composed_delta(composition, epsilon, adjacency, epsilon, delta) <= delta


def composed_delta(
    composition: Composition,
    epsilon: float,
    adjacency: str,
    scale: float,
    delta: float | None = None,
    *,
    relative_error: float = _RELATIVE_ERROR,
    is_bound: bool = True,
) -> float:
    r"""δ of a composition: an upper bound, or a quicker estimate.

    Parameters
    ----------
    composition : Composition
        What is composed.
    epsilon : float
        Privacy loss in nats.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.
    scale : float
        The ε of whose size the numerical error is a fraction.
    delta : float, optional
        The δ of whose size the numerical error is a thousandth.
    relative_error : float, default=0.005
        That fraction of ``scale``; four or sixteen times as much where the grid would be too fine.
    is_bound : bool, default=True
        False leaves the error bounds away.

    Notes
    -----
    *Poisson batches.* The loss is Y + R, Y of the subsampled events and R of the others. Y is
    coupled to a discrete Ỹ with \|Y − Ỹ\| ≤ η except with probability τ, and E[(1 − e^{ε−Y−R})₊]
    grows in Y; so δ(ε) ≤ E[δ_R(ε − η − Ỹ)] + τ, where δ_R is exact. Of add/remove both directions
    are computed; under replace-one every pair is its own mirror image, and one is enough.

    *Batches of fixed size.* Rényi divergences of all events; see `renyi_delta`.

    *Failures* add the sum of their probabilities; see `FailureEvent`.
    """
    if composition.failure:
        others = replace(composition, failure=0.0)
        rest = composed_delta(
            others,
            epsilon,
            adjacency,
            scale,
            delta,
            relative_error=relative_error,
            is_bound=is_bound,
        )
        return min(composition.failure + rest, 1.0)
    if epsilon == math.inf:
        return 0.0
    if composition.without_replacement and not composition.is_public:
        return renyi_delta(composition, epsilon)
    if not composition.subsampled or composition.is_public:
        return float(exact_delta(composition, epsilon))
    if not scale > 0:
        raise ValueError("epsilon must be positive when subsampled releases are composed")
    delta_error = _SMALLEST_DELTA_ERROR if delta is None else delta / 1000
    laws = _laws(composition.subsampled, DIRECTIONS[adjacency], relative_error * scale, delta_error)
    return max(_mixed_delta(law, composition, epsilon, is_bound=is_bound) for law in laws)


def _laws(
    groups: Groups, directions: tuple[str, ...], error: float, delta_error: float
) -> list[LossLaw]:
    """Laws of the loss in all directions, as exact as there is a grid for."""
    *finer, coarsest = _COARSER
    for factor in finer:
        with suppress(AccountingError):
            return [composed_loss(groups, d, factor * error, delta_error) for d in directions]
    return [composed_loss(groups, d, coarsest * error, delta_error) for d in directions]


def _mixed_delta(law: LossLaw, rest: Composition, epsilon: float, *, is_bound: bool) -> float:
    """δ at ε of a loss with a discrete law, added to the losses of the exact part."""
    if is_bound:
        epsilon = epsilon - law.epsilon_error
    if rest.mu == 0 and not rest.selections:
        start = int(np.searchsorted(law.values, epsilon))
        weights = -np.expm1(epsilon - law.values[start:])
        delta = float(np.dot(law.probabilities[start:], weights))
    else:
        delta = float(np.dot(law.probabilities, exact_delta(rest, epsilon - law.values)))
    return min(delta + law.delta_error, 1.0) if is_bound else delta


def _smallest_epsilon(holds: Callable[[float], bool], start: float, tolerance: float) -> float:
    """Smallest ε at which a monotone condition holds, rounded up by a relative tolerance."""
    if holds(0.0):
        return 0.0
    low, high = 0.0, start
    while not holds(high):
        low, high = high, 2 * high
        if high > 1e6:
            return math.inf
    while high - low > tolerance * high:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _refine(solve: Callable[[float], float]) -> float:
    """Solve for ε with an error that is a fraction of the result, which is not known before."""
    scale, best = 4.0, math.inf
    for _ in range(20):
        try:
            best = min(best, solve(scale))
        except AccountingError:
            if best == math.inf:
                raise
            return best  # a valid bound, though not within 1 % of a very small ε
        if best == math.inf or scale <= 1.2 * best:
            return best
        scale = max(best, scale / 4)
    return best
