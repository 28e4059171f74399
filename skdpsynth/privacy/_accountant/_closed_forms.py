r"""A list of events as one composition, and the part of it that has a closed form.

The privacy loss of a composition is a sum of independent parts: the Gaussian part N(μ²/2, μ²) with
μ² = Σ μᵢ², the selections as randomised responses ±εᵢ, and the Poisson-subsampled part. Of the
first two, with L_j and w_j the values and probabilities of the selections' loss,

    δ(ε) = Σ_j w_j δ_μ(ε − L_j)

exactly, where δ_μ is the Gaussian curve, also at negative ε. Failures, of probabilities δᵢ, add
Σδᵢ to the δ of the composition of all others.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from .._events import (
    Event,
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
    check_adjacency,
)
from ._curves import gdp_delta_curve

__all__ = ["Composition", "exact_delta", "selection_loss", "summarise"]

_MAX_SUPPORT = 2**13
_SAFETY = 1e-10  # relative margin in δ for rounding errors of the exact part


@dataclass(frozen=True)
class Composition:
    """Events grouped by what their accounting needs.

    Parameters
    ----------
    mu : float
        Root of the sum of squares of all Gaussian parameters.
    selections : tuple of (float, int)
        Pure-ε parameters and how often each occurs, sorted.
    subsampled : tuple of (float, float, int)
        Sampling rate, noise multiplier and number of steps, sorted.
    without_replacement : tuple of (int, int, float, int)
        Rows, batch size, noise multiplier and number of steps, sorted.
    failure : float
        Sum of the probabilities of failures.
    """

    mu: float
    selections: tuple[tuple[float, int], ...]
    subsampled: tuple[tuple[float, float, int], ...]
    without_replacement: tuple[tuple[int, int, float, int], ...] = ()
    failure: float = 0.0

    @property
    def is_public(self) -> bool:
        """Whether some event has no noise at all, or is certain to fail."""
        return self.failure >= 1.0 or math.inf in (
            self.mu,
            *(epsilon for epsilon, _ in self.selections),
        )


def summarise(events: Iterable[Event], adjacency: str) -> Composition:
    """Group events; a subsampled event with rate one is a Gaussian one.

    Under ``"replace_one"`` such a full-batch sum has twice its add/remove sensitivity. Batches of
    fixed size raise a ValueError under ``"add_remove"``, where no such batch is defined.

    Examples
    --------
    >>> summarise([GaussianEvent(3.0), GaussianEvent(4.0)], "add_remove").mu
    5.0
    """
    check_adjacency(adjacency)
    squares: list[float] = []
    failures: list[float] = []
    selections: Counter[float] = Counter()
    subsampled: Counter[tuple[float, float]] = Counter()
    without_replacement: Counter[tuple[int, int, float]] = Counter()
    for event in events:
        if isinstance(event, GaussianEvent):
            squares.append(event.mu * event.mu)  # a power would raise where it overflows
        elif isinstance(event, SelectionEvent):
            selections[event.epsilon] += 1
        elif isinstance(event, FailureEvent):
            failures.append(event.delta)
        elif isinstance(event, SubsampledGaussianEvent):
            if event.sampling_rate == 1.0:
                factor = 1.0 if adjacency == "add_remove" else 2.0
                ratio = factor / event.noise_multiplier
                squares.append(event.steps * (ratio * ratio))
            elif event.noise_multiplier < math.inf:
                subsampled[event.sampling_rate, event.noise_multiplier] += event.steps
        elif isinstance(event, WithoutReplacementGaussianEvent):
            if adjacency != "replace_one":
                raise ValueError(
                    "batches of fixed size are accounted for under adjacency='replace_one' only: "
                    "their share of the table depends on the number of rows"
                )
            sigma = event.noise_multiplier
            if sigma == 0.0:
                squares.append(math.inf)
            elif event.batch_size == event.n_rows:
                squares.append(event.steps * (2.0 / sigma) ** 2)
            elif sigma < math.inf:
                without_replacement[event.n_rows, event.batch_size, sigma] += event.steps
        else:
            raise TypeError(f"{type(event).__name__} is not a privacy event")
    selections.pop(0.0, None)
    return Composition(
        mu=math.sqrt(math.fsum(squares)) if math.inf not in squares else math.inf,
        selections=tuple(sorted(selections.items())),
        subsampled=tuple((q, s, steps) for (q, s), steps in sorted(subsampled.items())),
        without_replacement=tuple(
            (*batch, steps) for batch, steps in sorted(without_replacement.items())
        ),
        failure=math.fsum(failures),
    )


def selection_loss(
    selections: tuple[tuple[float, int], ...],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Law of the summed privacy loss of pure-ε events.

    Returns
    -------
    values, probabilities : ndarray, shape (n_values,)
        Randomised response, with losses ±ε, dominates every ε-private release. Where the law has
        too many values they are rounded up onto a grid, which can only enlarge δ.

    References
    ----------
    Kairouz, Oh & Viswanath (2015), The composition theorem for differential privacy, Theorem 2.

    Examples
    --------
    >>> selection_loss(((1.0, 2),))[0]
    array([-2.,  0.,  2.])
    """
    values, probabilities = np.zeros(1), np.ones(1)
    for epsilon, count in selections:
        hits = np.arange(count + 1)
        log_binomial = gammaln(count + 1) - gammaln(hits + 1) - gammaln(count - hits + 1)
        # log of e^ε/(1+e^ε) and of 1/(1+e^ε) without overflow
        log_weights = log_binomial - hits * np.log1p(np.exp(-epsilon))
        log_weights -= (count - hits) * np.logaddexp(0.0, epsilon)
        values = np.add.outer(values, epsilon * (2 * hits - count)).ravel()
        probabilities = np.multiply.outer(probabilities, np.exp(log_weights)).ravel()
        values, probabilities = _merge_up(values, probabilities)
    return values, probabilities


def _merge_up(
    values: npt.NDArray[np.float64], probabilities: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if values.size > _MAX_SUPPORT:
        step = (values.max() - values.min()) / (_MAX_SUPPORT // 2)
        values = np.ceil(values / step) * step
    merged, index = np.unique(values, return_inverse=True)
    return merged, np.bincount(index, weights=probabilities).astype(np.float64)


def exact_delta(composition: Composition, epsilon: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """δ of the Gaussian and selection parts at many ε, which may be negative.

    Parameters
    ----------
    composition : Composition
        Its subsampled parts and its failures are ignored.
    epsilon : array-like, shape (n,)
        Privacy losses in nats.

    Returns
    -------
    ndarray, shape (n,)
    """
    eps = np.asarray(epsilon, dtype=np.float64)
    if composition.is_public:
        return np.ones_like(eps)
    total = np.zeros_like(eps)
    for value, probability in zip(*selection_loss(composition.selections), strict=True):
        shifted = eps - value
        if composition.mu > 0:
            total += probability * gdp_delta_curve(shifted, composition.mu)
        else:
            total += probability * -np.expm1(np.minimum(shifted, 0.0))
    return np.minimum(total * (1 + _SAFETY), 1.0)
