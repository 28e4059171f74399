"""One line of a ledger."""

from __future__ import annotations

from dataclasses import dataclass

from ._events import Event

__all__ = ["LedgerEntry"]


@dataclass(frozen=True)
class LedgerEntry:
    """One release: what it was and what it may reveal.

    Parameters
    ----------
    name : str
        What was released.
    event : event
        The mechanism, as the accountant sees it.
    sensitivity : float or None
        Sensitivity of the statistic for the adjacency of the ledger (L2 for Gaussian noise).
    noise_scale : float or None
        Standard deviation of the noise, in the units of the statistic.
    n_coordinates : int
        Number of noisy values released; of a stable histogram, of those that one row can move,
        because how many are released is private.
    """

    name: str
    event: Event
    sensitivity: float | None = None
    noise_scale: float | None = None
    n_coordinates: int = 1
