"""What a fit is going to release, told before any row is read."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PlannedRelease"]


@dataclass(frozen=True)
class PlannedRelease:
    """One release to come, or several alike.

    Parameters
    ----------
    name : str
        What will be released; where an entry of the ledger stands for it, the name of the entry.
    share : float, default=nan
        Share of μ² of all releases of this line together; NaN where the mechanism has none.
    mechanism : str, default="Gaussian"
        How noise is added.
    n_releases : int or None, default=1
        How many releases; None where that follows from earlier ones.
    """

    name: str
    share: float = math.nan
    mechanism: str = "Gaussian"
    n_releases: int | None = 1
