"""One line of a ledger, and all that a ledger knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ._events import Event
from ._purchase import Purchase

__all__ = ["LedgerEntry", "LedgerState"]


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


class LedgerState(NamedTuple):
    """A ledger: the request, the releases, and what is known of the noise and the schema.

    Files have these names. `sampler_tail` is the probability with which releases are not what
    their events say. `sampler_loss` is what earlier versions charged for the error of their
    sampler, a log ratio of probabilities; 0 since noise has exactly its law.
    """

    epsilon: float
    delta: float
    adjacency: str
    entries: tuple[LedgerEntry, ...]
    sampler_loss: float
    sampler_tail: float
    secure_noise: bool
    public_schema: bool
    purchases: tuple[Purchase, ...]
    claim: str | None
    known_loss: float | None
