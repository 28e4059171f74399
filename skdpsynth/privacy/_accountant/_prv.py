"""All that is used of prv-accountant: losses rounded to a grid and composed by Fourier transform.

Its ``PRVAccountant`` takes the same steps, but integrates the mean of a truncated loss with errors
of 1e-8 a step, bounds neither the grid nor the rounding of the transform, and has a grid of ±3 nats
at least, which takes a minute where ε is small. So the three parts that it is made of are used.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from prv_accountant import PrivacyRandomVariable
from prv_accountant.composers import Heterogeneous
from prv_accountant.discretisers import CellCentred
from prv_accountant.domain import Domain

from ._privacy_loss import PrivacyLoss

__all__ = ["compose_on_grid"]

LongDoubles = npt.NDArray[np.longdouble]


class _Variable(PrivacyRandomVariable):
    """A privacy loss as the discretiser asks for it."""

    def __init__(self, loss: PrivacyLoss) -> None:
        self._loss = loss

    def probability(self, a: LongDoubles, b: LongDoubles) -> LongDoubles:
        return self._loss.probability(a, b).astype(np.longdouble)

    def cdf(self, t: LongDoubles) -> LongDoubles:
        return self.probability(np.full_like(t, -np.inf), t)

    def mean(self) -> float:
        return self._loss.mean()


def compose_on_grid(
    losses: Callable[[float, float], Sequence[PrivacyLoss]],
    steps: Sequence[int],
    mesh: float,
    size: int,
) -> tuple[LongDoubles, LongDoubles]:
    """Return the law of a sum of losses, each rounded to a grid that is shifted to keep its mean.

    Parameters
    ----------
    losses : callable
        Returns the losses, truncated to the interval it is given: the grid.
    steps : sequence of int
        How often each loss is in the sum.
    mesh : float
        Distance of the grid's nodes.
    size : int
        Their number, even.

    Returns
    -------
    values, probabilities : ndarray, shape (size,)

    Examples
    --------
    >>> def losses(low, high):
    ...     return [PrivacyLoss(0.1, 1.0, "remove", low, high)]
    >>> values, probabilities = compose_on_grid(losses, [10], mesh=0.01, size=1000)
    >>> round(float(probabilities.sum()), 6), bool(0 < values @ probabilities < 0.2)
    (1.0, True)
    """
    # half a mesh within the outermost nodes, so that rounding cannot change their number
    reach = (size / 2 - 1.5) * mesh
    domain = Domain.create_aligned(-reach, reach, mesh)
    parts = [
        CellCentred().discretise(_Variable(loss), domain)
        for loss in losses(domain.t_min(), domain.t_max())
    ]
    composed = Heterogeneous(parts).compute_composition(list(steps))
    return composed.domain.ts(), composed.pmf
