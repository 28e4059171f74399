r"""Several fits on the same rows as one guarantee, from what each of them requested.

A fit is known here by its request (ε, δ) alone, and by how many rows its table changes by when the
whole table changes by one, its *distance* d.

*Any fit.* Through d − 1 tables in between, a fit is (dε, δ·Σ_{i<d} e^{iε})-private (group privacy;
Vadhan 2017, Lemma 2.2). It is then dominated by a randomised response with loss ±dε that is public
with that δ (Kairouz, Oh & Viswanath 2015, Theorem 2): a `SelectionEvent` and a `FailureEvent`. They
compose to the best that is true of all such fits, but for the failures, whose δ is added up.

*Fits whose releases are all Gaussian.* The ledger keeps the sum of their squared μ within
μ(ε, δ)². Through d − 1 tables the fit is dμ-GDP (Dong, Roth & Su 2022, Theorem 2.14), and all fits
together are μ-GDP with μ² = Σ (d_i μ_i)² (Corollary 3.3).
Such releases have no failures beside their events.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from ._accountant._composition import compose_epsilon
from ._accountant._curves import gdp_epsilon, gdp_mu
from ._events import Event, FailureEvent, SelectionEvent, check_number
from ._ledger import PrivacyLedger

__all__ = ["RepeatedFit", "compose_fits"]


class RepeatedFit(NamedTuple):
    """One fit among several on the same rows.

    Attributes
    ----------
    epsilon, delta : float
        Its request.
    distance : int
        By how many rows its table changes at most when the whole table changes by one, each added,
        removed or replaced as the adjacency says.
    """

    epsilon: float
    delta: float
    distance: int = 1

    @property
    def group_epsilon(self) -> float:
        """The ε between whole tables that are neighbours."""
        return self.distance * self.epsilon

    @property
    def group_delta(self) -> float:
        """The δ between whole tables that are neighbours."""
        if math.isinf(self.epsilon) or self.group_epsilon > 500:
            return 1.0 if self.distance > 1 else self.delta
        return self.delta * math.fsum(math.exp(i * self.epsilon) for i in range(self.distance))


def compose_fits(
    fits: Sequence[RepeatedFit], delta: float | None = None, *, all_gaussian: bool = False
) -> tuple[float, float]:
    """Return the (ε, δ) of all fits together.

    Parameters
    ----------
    fits : sequence of RepeatedFit
        Those whose tables change at all.
    delta : float in (0, 1), default=None
        The δ to hold; by default the sum of the fits' own, at which plain composition holds.
    all_gaussian : bool, default=False
        Whether all releases of all fits are Gaussian.

    Returns
    -------
    epsilon, delta : float
        The smallest of the bounds that hold; ε is ``inf`` if none does.

    Examples
    --------
    >>> fits = [RepeatedFit(1.0, 1e-6)] * 10
    >>> [round(value, 6) for value in compose_fits(fits)]
    [10.0, 1e-05]
    >>> round(compose_fits(fits, 1e-4)[0], 2), round(compose_fits(fits, all_gaussian=True)[0], 2)
    (10.0, 3.14)
    """
    failure = math.fsum(fit.group_delta for fit in fits)
    if delta is None:
        delta = min(failure, 1 - 1e-9)
    delta = check_number("delta", delta, low=0.0, high=1.0, low_open=False, high_open=True)
    if not fits or math.inf in (fit.epsilon for fit in fits):
        return (math.inf if fits else 0.0), delta
    bounds = [math.inf]
    if failure <= delta:
        bounds.append(math.fsum(fit.group_epsilon for fit in fits))
    if failure < delta:
        events: list[Event] = [SelectionEvent(fit.group_epsilon) for fit in fits]
        bounds.append(compose_epsilon([*events, FailureEvent(failure)], delta))
    if all_gaussian:
        bounds.append(_compose_gaussian(fits, delta))
    return min(bounds), delta


def _compose_gaussian(fits: Sequence[RepeatedFit], delta: float) -> float:
    if delta == 0.0:
        return math.inf
    return gdp_epsilon(
        math.hypot(*(fit.distance * _largest_mu(fit.epsilon, fit.delta) for fit in fits)), delta
    )


def _largest_mu(epsilon: float, delta: float) -> float:
    """Return the μ that the ledger lets the Gaussian releases of one fit have together."""
    return gdp_mu(epsilon, PrivacyLedger(epsilon, delta).event_delta)
