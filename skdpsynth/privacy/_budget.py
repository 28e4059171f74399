"""How the releases of a fit share μ²: named shares, checked where they are written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

__all__ = ["Budget"]

# what is left of shares that are sums of others, after rounding
_ROUNDING = 1e-9


class Budget(Mapping[str, float]):
    """Named shares of μ² that sum to one.

    Gaussian releases with μᵢ compose to μ² = Σ μᵢ² (Dong, Roth & Su 2022, Corollary 3.3): a
    release with the share s of μ² has μ √s.

    Parameters
    ----------
    **shares : float
        The share of every release, by name. A release that is made n times has n times the share
        of one.

    Raises
    ------
    ValueError
        If a share is negative, or they do not sum to one.

    Examples
    --------
    >>> budget = Budget(grid=0.1, passes=0.9)
    >>> round(budget.mu("passes", 0.2), 4)
    0.1897
    >>> Budget(grid=0.1, passes=0.8)
    Traceback (most recent call last):
        ...
    ValueError: the shares grid=0.1, passes=0.8 sum to 0.9, not to 1
    """

    def __init__(self, **shares: float) -> None:
        total = math.fsum(shares.values())
        if min(shares.values(), default=0.0) < 0.0 or abs(total - 1.0) > _ROUNDING:
            listed = ", ".join(f"{name}={share:g}" for name, share in shares.items())
            raise ValueError(f"the shares {listed} sum to {total:g}, not to 1")
        self._shares = shares

    def mu(self, name: str, total: float, n_releases: int = 1) -> float:
        """Return the μ of a release; where it is made several times, of each.

        Parameters
        ----------
        name : str
        total : float
            The μ that all shares add up to; ``inf`` means without noise.
        n_releases : int, default=1
            How many releases divide the share evenly.
        """
        share = self._shares[name] / n_releases
        # a release without a share is not made; inf · 0 has no value
        return total * math.sqrt(share) if share else 0.0

    def within(self, share: float, **others: float) -> Budget:
        """Return these shares of a part of the budget, beside others of the rest.

        Examples
        --------
        >>> dict(Budget(grid=0.25, passes=0.75).within(0.8, adapt=0.2))
        {'grid': 0.2, 'passes': 0.6000000000000001, 'adapt': 0.2}
        """
        return Budget(**{name: share * own for name, own in self._shares.items()}, **others)

    def __getitem__(self, name: str) -> float:
        return self._shares[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._shares)

    def __len__(self) -> int:
        return len(self._shares)

    def __repr__(self) -> str:
        listed = ", ".join(f"{name}={share:g}" for name, share in self._shares.items())
        return f"Budget({listed})"
