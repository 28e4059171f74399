"""Mechanisms as data: what was released, in the terms an accountant needs."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = [
    "ADJACENCIES",
    "Event",
    "FailureEvent",
    "GaussianEvent",
    "SelectionEvent",
    "SubsampledGaussianEvent",
    "WithoutReplacementGaussianEvent",
    "check_adjacency",
    "check_number",
]

ADJACENCIES = ("add_remove", "replace_one")


def check_adjacency(adjacency: str) -> str:
    """Return ``adjacency`` if it names a neighbouring relation, else raise.

    Parameters
    ----------
    adjacency : {"add_remove", "replace_one"}
        Two tables are neighbours when one has one row more (``"add_remove"``), or when they have
        equally many rows and differ in one (``"replace_one"``).

    Raises
    ------
    ValueError
        If ``adjacency`` is anything else.

    Examples
    --------
    >>> check_adjacency("add_remove")
    'add_remove'
    """
    if adjacency not in ADJACENCIES:
        raise ValueError(
            f"adjacency={adjacency!r} is not a neighbouring relation; "
            f"use one of {', '.join(map(repr, ADJACENCIES))}"
        )
    return adjacency


def check_number(
    name: str,
    value: Any,
    *,
    low: float,
    high: float = math.inf,
    low_open: bool = True,
    high_open: bool = False,
) -> float:
    """Return ``value`` as a float if it is a real number in the interval, else raise.

    Parameters
    ----------
    name : str
        Name of the parameter, for the message.
    value : object
        What the caller passed.
    low, high : float
        Ends of the allowed interval.
    low_open, high_open : bool
        Whether the ends themselves are excluded.

    Raises
    ------
    TypeError
        If ``value`` is not a real number.
    ValueError
        If it is NaN or outside the interval.

    Examples
    --------
    >>> check_number("delta", 1e-6, low=0, high=1, high_open=True)
    1e-06
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a real number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} is an integer too large for a floating-point number") from None
    above = number > low if low_open else number >= low
    below = number < high if high_open else number <= high
    if not (above and below):
        interval = f"{'(' if low_open else '['}{low:g}, {high:g}{')' if high_open else ']'}"
        raise ValueError(f"{name}={number!r} is outside the allowed range {interval}")
    return number


@dataclass(frozen=True)
class GaussianEvent:
    """One release, or several, under μ-Gaussian differential privacy.

    Parameters
    ----------
    mu : float in [0, inf]
        L2 sensitivity divided by the standard deviation of the noise, for the adjacency of the
        ledger. ``inf`` is a release without noise.

    References
    ----------
    Dong, Roth & Su (2022), Gaussian differential privacy, Theorem 2.7.

    Examples
    --------
    >>> GaussianEvent(mu=0.5)
    GaussianEvent(mu=0.5)
    """

    mu: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mu", check_number("mu", self.mu, low=0.0, low_open=False))


@dataclass(frozen=True)
class SubsampledGaussianEvent:
    """Gaussian releases on independent Poisson subsamples of the rows.

    Parameters
    ----------
    sampling_rate : float in (0, 1]
        Probability with which every row enters a batch.
    noise_multiplier : float in (0, inf]
        Standard deviation of the noise divided by the add/remove L2 sensitivity of the batch sum,
        which is the clipping norm. It has this meaning under either adjacency.
    steps : int
        Number of batches.

    Examples
    --------
    >>> SubsampledGaussianEvent(sampling_rate=0.01, noise_multiplier=1.1, steps=1000)
    SubsampledGaussianEvent(sampling_rate=0.01, noise_multiplier=1.1, steps=1000)
    """

    sampling_rate: float
    noise_multiplier: float
    steps: int

    def __post_init__(self) -> None:
        rate = check_number("sampling_rate", self.sampling_rate, low=0.0, high=1.0)
        noise_multiplier = check_number("noise_multiplier", self.noise_multiplier, low=0.0)
        object.__setattr__(self, "sampling_rate", rate)
        object.__setattr__(self, "noise_multiplier", noise_multiplier)
        object.__setattr__(self, "steps", _check_count("steps", self.steps))


@dataclass(frozen=True)
class WithoutReplacementGaussianEvent:
    """Gaussian releases on independent batches of fixed size, drawn without replacement.

    It is accounted for under replace-one only, where the number of rows is public.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    batch_size : int
        Number of rows in every batch, at most ``n_rows``.
    noise_multiplier : float in [0, inf]
        Standard deviation of the noise on the batch sum divided by the clipping norm. Replacing a
        row moves the sum by up to twice that norm. 0 is a release without noise.
    steps : int
        Number of batches.

    Examples
    --------
    >>> WithoutReplacementGaussianEvent(32000, 320, noise_multiplier=2.2, steps=1000)
    WithoutReplacementGaussianEvent(n_rows=32000, batch_size=320, noise_multiplier=2.2, steps=1000)
    """

    n_rows: int
    batch_size: int
    noise_multiplier: float
    steps: int

    def __post_init__(self) -> None:
        for name in ("n_rows", "batch_size", "steps"):
            object.__setattr__(self, name, _check_count(name, getattr(self, name)))
        if self.batch_size > self.n_rows:
            raise ValueError(f"batch_size={self.batch_size} must be at most n_rows={self.n_rows}")
        noise_multiplier = check_number(
            "noise_multiplier", self.noise_multiplier, low=0.0, low_open=False
        )
        object.__setattr__(self, "noise_multiplier", noise_multiplier)


def _check_count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name}={value} must be at least 1")
    return int(value)


@dataclass(frozen=True)
class SelectionEvent:
    """A release under pure ε-differential privacy, such as an exponential mechanism.

    Parameters
    ----------
    epsilon : float in [0, inf]
        Largest log ratio of the output probabilities on neighbouring tables, in nats.

    Examples
    --------
    >>> SelectionEvent(epsilon=0.1)
    SelectionEvent(epsilon=0.1)
    """

    epsilon: float

    def __post_init__(self) -> None:
        epsilon = check_number("epsilon", self.epsilon, low=0.0, low_open=False)
        object.__setattr__(self, "epsilon", epsilon)


@dataclass(frozen=True)
class FailureEvent:
    """A release that is public with probability ``delta`` and else reveals nothing.

    It stands for what a mechanism does beside its noise, such as a rare level that passes the
    threshold of :meth:`~skdpsynth.privacy.Mechanisms.stable_histograms`.

    Parameters
    ----------
    delta : float in [0, 1]
        Bound on the probability, for the adjacency of the ledger.

    Notes
    -----
    It is dominated by the pair P, Q that names the table with probability δ, P(⊥) = Q(⊥') = δ and
    P(⊥') = Q(⊥) = 0, and else agrees. Composed with the dominating pair of all other releases,
    whose divergence of order e^ε is δ'(ε), it has the divergence δ + (1 − δ)·δ'(ε) ≤ δ'(ε) + δ
    (Zhu, Dong & Wang 2022, Theorem 10); by induction Σδᵢ is added, as the accountant does.

    Examples
    --------
    >>> FailureEvent(delta=1e-7)
    FailureEvent(delta=1e-07)
    """

    delta: float

    def __post_init__(self) -> None:
        delta = check_number("delta", self.delta, low=0.0, high=1.0, low_open=False)
        object.__setattr__(self, "delta", delta)


Event: TypeAlias = (
    GaussianEvent
    | SubsampledGaussianEvent
    | WithoutReplacementGaussianEvent
    | SelectionEvent
    | FailureEvent
)
