"""What bounds and levels were bought for, and which purchase it was.

Two purchases of equal budgets are two: they add up. One purchase that is met twice, in two steps of
a pipeline or in a schema and its copy, is one. Budgets cannot tell the two cases apart, and neither
can bounds or levels: every purchase has a number of its own.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ._events import check_adjacency, check_number
from ._spent import PrivacySpent

__all__ = ["Purchase", "describe_purchases", "price", "unite_purchases"]

_IDENTITY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Purchase:
    """One purchase of bounds and levels.

    Parameters
    ----------
    identity : str
        128 random bits of the operating system, as 32 hexadecimal digits.
    epsilon : float in [0, inf]
        What was spent, in nats.
    delta : float in [0, 1]
        The δ of the purchase.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.
    secure_noise : bool, default=True
        False when a seed fixed the noise.

    Raises
    ------
    TypeError, ValueError
        If a field is of another type or outside its range.

    Examples
    --------
    >>> from skdpsynth.privacy import PrivacyLedger
    >>> spent = PrivacyLedger(epsilon=0.5, delta=1e-6).spent()
    >>> Purchase.of(spent) == Purchase.of(spent)
    False
    """

    identity: str
    epsilon: float
    delta: float
    adjacency: str
    secure_noise: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.identity, str) or not _IDENTITY.fullmatch(self.identity):
            raise ValueError(
                f"the identity of a purchase must be 32 hexadecimal digits, got {self.identity!r}"
            )
        if not isinstance(self.secure_noise, bool):
            raise TypeError(f"secure_noise must be True or False, got {self.secure_noise!r}")
        epsilon = check_number("epsilon", self.epsilon, low=0.0, low_open=False)
        delta = check_number("delta", self.delta, low=0.0, high=1.0, low_open=False)
        object.__setattr__(self, "epsilon", epsilon)
        object.__setattr__(self, "delta", delta)
        check_adjacency(self.adjacency)

    @classmethod
    def of(cls, spent: PrivacySpent) -> Purchase:
        """Return a new purchase, unlike any other, for which this was spent."""
        return cls(
            identity=secrets.token_hex(16),
            epsilon=spent.epsilon,
            delta=spent.delta,
            adjacency=spent.adjacency,
            secure_noise=spent.secure_noise and spent.public_schema,
        )

    @property
    def is_private(self) -> bool:
        """Whether the numbers are a guarantee: finite ε and secret noise."""
        return self.epsilon < math.inf and self.secure_noise


def unite_purchases(*groups: Iterable[Any]) -> tuple[Any, ...]:
    """Return the purchases of all groups, each once, in the order in which they are met."""
    return tuple(dict.fromkeys(purchase for group in groups for purchase in group))


def describe_purchases(purchases: tuple[Purchase, ...]) -> str:
    """Return the note of a ledger whose schema was bought."""
    epsilon = math.fsum(purchase.epsilon for purchase in purchases)
    delta = min(math.fsum(purchase.delta for purchase in purchases), 1.0)
    adjacency = " and ".join(dict.fromkeys(purchase.adjacency for purchase in purchases))
    several = f" in {len(purchases)} purchases" if len(purchases) > 1 else ""
    note = (
        f"bounds and levels were bought for epsilon={epsilon:.6g}, delta={delta:g} "
        f"({adjacency}){several}, which comes on top"
    )
    if all(purchase.is_private for purchase in purchases):
        return note
    return f"{note}; {'part of ' if several else ''}that purchase was not private"


def price(purchases: Iterable[Purchase], adjacency: str) -> tuple[float, float]:
    """Return what purchases cost together when tables are neighbours as `adjacency` says.

    One row replaced is one removed and one added. The other way there is nothing to pay: what is
    bought has sensitivities that are larger for a row replaced than for one added.
    """
    prices = [_price(purchase, adjacency) for purchase in purchases]
    epsilon = math.fsum(epsilon for epsilon, _ in prices)
    return epsilon, min(math.fsum(delta for _, delta in prices), 1.0)


def _price(purchase: Purchase, adjacency: str) -> tuple[float, float]:
    if adjacency == "add_remove" or purchase.adjacency == adjacency:
        return purchase.epsilon, purchase.delta
    if purchase.epsilon > 500:
        return 2 * purchase.epsilon, 1.0
    return 2 * purchase.epsilon, min((1 + math.exp(purchase.epsilon)) * purchase.delta, 1.0)
