"""Calibration: the least noise that keeps a composition within (ε, δ)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from scipy.optimize import brentq

from ...exceptions import BudgetExceededError
from .._events import (
    Event,
    GaussianEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
    check_adjacency,
    check_number,
)
from ._closed_forms import summarise
from ._composed_loss import AccountingError
from ._composition import composed_delta, is_within
from ._curves import gdp_mu

__all__ = [
    "calibrate_gaussian",
    "calibrate_subsampled_gaussian",
    "calibrate_without_replacement",
]

_COARSE_ERROR = 0.02  # of ε, while searching; the result is verified at full accuracy
_LEAST_NOISE = math.log(0.02)  # a smaller multiplier is worth nothing, and its losses are huge
_MARGIN = 0.006  # of ε, which the search leaves for that verification


def calibrate_gaussian(
    epsilon: float,
    delta: float,
    *,
    adjacency: str = "add_remove",
    other_events: Iterable[Event] = (),
) -> float:
    """Largest μ that Gaussian releases may share beside other events.

    Parameters
    ----------
    epsilon : float in (0, inf]
        Privacy loss in nats of everything together.
    delta : float in (0, 1)
        δ of everything together.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables are neighbours.
    other_events : iterable of events, default=()
        What is released besides.

    Returns
    -------
    float
        A μ with which the composition is within (ε, δ): never more, less by at most a relative
        1e-6; 0 when nothing is left.

    Raises
    ------
    BudgetExceededError
        If the other events exceed (ε, δ) by themselves.
    AccountingError
        If their numerical composition would need too fine a grid.

    Examples
    --------
    >>> from skdpsynth.privacy import SelectionEvent
    >>> round(calibrate_gaussian(1.0, 1e-6), 6)
    0.236704
    >>> round(calibrate_gaussian(1.0, 1e-6, other_events=[SelectionEvent(0.1)]), 4)
    0.2216
    """
    epsilon = check_number("epsilon", epsilon, low=0.0)
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    others = tuple(other_events)
    most = gdp_mu(epsilon, delta)
    if epsilon == math.inf or not others:
        return most
    _check_others(others, epsilon, delta, adjacency)

    def fits(mu: float) -> bool:
        return is_within((*others, GaussianEvent(mu)), epsilon, delta, adjacency)

    low, high = 0.0, most
    while high - low > 1e-7 * most:
        middle = (low + high) / 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def calibrate_subsampled_gaussian(
    epsilon: float,
    delta: float,
    sampling_rate: float,
    steps: int,
    *,
    adjacency: str = "add_remove",
    other_events: Iterable[Event] = (),
) -> float:
    """Smallest noise multiplier of Poisson-subsampled Gaussian releases beside other events.

    Parameters
    ----------
    epsilon : float in (0, inf]
        Privacy loss in nats of everything together.
    delta : float in (0, 1)
        δ of everything together.
    sampling_rate : float in (0, 1]
        Probability with which every row enters a batch.
    steps : int
        Number of batches.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables are neighbours.
    other_events : iterable of events, default=()
        What is released besides.

    Returns
    -------
    float
        Standard deviation of the noise over the clipping norm. Verified with the accountant's
        upper bound, so (ε, δ) is never exceeded; larger than necessary by about what 1 % of ε is
        worth. 0 when ε is ``inf``.

    Raises
    ------
    BudgetExceededError
        If the other events leave nothing.
    AccountingError
        If no noise multiplier below 10⁶ can be shown to suffice: more would be needed, or there are
        too many steps for so small a δ.

    Examples
    --------
    >>> round(calibrate_subsampled_gaussian(1.0, 1e-5, sampling_rate=0.05, steps=50), 1)
    1.7
    """
    epsilon = check_number("epsilon", epsilon, low=0.0)
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    others = tuple(other_events)
    factor = 1.0 if check_adjacency(adjacency) == "add_remove" else 2.0
    event = SubsampledGaussianEvent(sampling_rate, 1.0, steps)
    if epsilon == math.inf:
        return 0.0
    if event.sampling_rate == 1.0:
        mu = calibrate_gaussian(epsilon, delta, adjacency=adjacency, other_events=others)
        if mu > 0:
            return factor * math.sqrt(event.steps) / (mu * (1 - 1e-12))
    _check_others(others, epsilon, delta, adjacency)

    def events(multiplier: float) -> tuple[Event, ...]:
        return (*others, SubsampledGaussianEvent(event.sampling_rate, multiplier, event.steps))

    def excess(log_multiplier: float) -> float:
        composition = summarise(events(math.exp(log_multiplier)), adjacency)
        estimate = composed_delta(
            composition,
            epsilon * (1 - _MARGIN),
            adjacency,
            scale=epsilon,
            delta=delta,
            relative_error=_COARSE_ERROR,
            is_bound=False,
        )
        return math.log(estimate + 1e-300) - math.log(delta)

    target = gdp_mu(epsilon / factor, delta) / event.sampling_rate
    start = _limiting_noise(target, event.steps)
    multiplier = math.exp(_decreasing_root(excess, start))
    return _raise_until_within(events, multiplier, epsilon, delta, adjacency)


def calibrate_without_replacement(
    epsilon: float,
    delta: float,
    n_rows: int,
    batch_size: int,
    steps: int,
    *,
    other_events: Iterable[Event] = (),
) -> float:
    """Smallest noise multiplier of releases on batches of fixed size, under replace-one.

    Parameters
    ----------
    epsilon : float in (0, inf]
        Privacy loss in nats of everything together.
    delta : float in (0, 1)
        δ of everything together.
    n_rows, batch_size : int
        Number of rows, and of those drawn without replacement into every batch.
    steps : int
        Number of batches.
    other_events : iterable of events, default=()
        What is released besides.

    Returns
    -------
    float
        Standard deviation of the noise over the clipping norm. (ε, δ) is never exceeded. 0 when ε
        is ``inf``.

    Raises
    ------
    BudgetExceededError
        If the other events leave nothing.
    AccountingError
        If no noise multiplier below 10⁶ suffices.
    ImportError
        If dp-accounting is not installed.

    Examples
    --------
    >>> round(calibrate_without_replacement(1.0, 1e-6, 1000, 1000, steps=25), 2)
    42.25
    """
    epsilon = check_number("epsilon", epsilon, low=0.0)
    delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
    others = tuple(other_events)
    event = WithoutReplacementGaussianEvent(n_rows, batch_size, 1.0, steps)
    if epsilon == math.inf:
        return 0.0
    if event.batch_size == event.n_rows:
        mu = calibrate_gaussian(epsilon, delta, adjacency="replace_one", other_events=others)
        if mu > 0:
            return 2.0 * math.sqrt(event.steps) / (mu * (1 - 1e-12))
    _check_others(others, epsilon, delta, "replace_one")

    def events(multiplier: float) -> tuple[Event, ...]:
        return (*others, replace(event, noise_multiplier=multiplier))

    def excess(log_multiplier: float) -> float:
        composition = summarise(events(math.exp(log_multiplier)), "replace_one")
        bound = composed_delta(composition, epsilon, "replace_one", epsilon, delta)
        return math.log(bound + 1e-300) - math.log(delta)

    rate = event.batch_size / event.n_rows
    start = math.log(2.0) + _limiting_noise(gdp_mu(epsilon, delta) / rate, event.steps)
    multiplier = math.exp(_decreasing_root(excess, start))
    return _raise_until_within(events, multiplier, epsilon, delta, "replace_one")


def _raise_until_within(
    events: Callable[[float], tuple[Event, ...]],
    multiplier: float,
    epsilon: float,
    delta: float,
    adjacency: str,
) -> float:
    """Return the first of slightly larger and larger multipliers that is provably enough."""
    step = 1.001
    while not _is_verified(events(multiplier), epsilon, delta, adjacency):
        multiplier *= step
        step *= step
        _check_multiplier(multiplier)
    return multiplier


def _is_verified(events: tuple[Event, ...], epsilon: float, delta: float, adjacency: str) -> bool:
    try:
        return is_within(events, epsilon, delta, adjacency)
    except AccountingError:
        return False  # more noise needs a coarser grid


def _check_others(others: tuple[Event, ...], epsilon: float, delta: float, adjacency: str) -> None:
    if others and not is_within(others, epsilon, delta, adjacency):
        raise BudgetExceededError(
            f"the other releases already exceed epsilon={epsilon:g}, delta={delta:g} "
            f"({adjacency}); give them a smaller share of the budget"
        )


def _limiting_noise(mu: float, steps: int) -> float:
    """Log σ of many small steps that are nearly μq-GDP, μ² = T(e^{1/σ²} − 1), where to start."""
    squared = min(max(mu / math.sqrt(steps), 1e-7), 1e7) ** 2
    return -0.5 * math.log(math.log1p(squared))


def _check_multiplier(multiplier: float) -> None:
    if multiplier > 1e6:
        raise AccountingError(
            "no noise multiplier below 1e6 can be shown to meet the target; use fewer steps, a "
            "smaller sampling rate or a larger delta, or leave more of the budget to them"
        )


def _decreasing_root(excess: Callable[[float], float], start: float) -> float:
    """Root of a decreasing function, bracketed outwards from ``start``."""

    def at_noise(log_multiplier: float) -> float:
        try:
            return excess(log_multiplier)
        except AccountingError:
            return 1.0  # a loss too wide for the grid is a loss too large

    high = max(start, _LEAST_NOISE)
    while at_noise(high) > 0:
        high += 0.25
        _check_multiplier(math.exp(high))
    low = high - 0.25
    while at_noise(low) <= 0:
        if low <= _LEAST_NOISE:
            return low
        low, high = low - 0.25, low
    return float(brentq(at_noise, low, high, xtol=1e-4))
