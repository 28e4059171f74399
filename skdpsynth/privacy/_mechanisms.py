"""Gaussian noise and selection: with stable histograms, all ways in which the rows are released."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ._events import GaussianEvent, SelectionEvent, check_adjacency, check_number
from ._ledger import PrivacyLedger
from ._noise import NoiseSource
from ._rounded_gaussian import MAX_SCALE

__all__ = [
    "exponential_mechanism",
    "gaussian_release",
    "general_sensitivity",
    "nonnegative_sensitivity",
]

_MAX_UNITS = 2.0**62
_SCORE_FLOOR = -1000.0  # in units of log probability
_SELECTION_ERROR = 4e-12  # log ratio of computed and exact probabilities, at most


def nonnegative_sensitivity(norm: float, adjacency: str) -> float:
    """L2 sensitivity of a sum of non-negative contributions, each of L2 norm at most ``norm``.

    Parameters
    ----------
    norm : float
        Bound on the L2 norm of one row's contribution.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.

    Returns
    -------
    float
        ``norm`` under add/remove; √2·``norm`` under replace-one, because non-negative x and x'
        have ‖x − x'‖² = ‖x‖² + ‖x'‖² − 2x·x' ≤ ‖x‖² + ‖x'‖².

    Raises
    ------
    TypeError, ValueError
        If ``norm`` is not positive and finite, or ``adjacency`` unknown.

    Examples
    --------
    >>> nonnegative_sensitivity(1.0, "add_remove")
    1.0
    """
    norm = check_number("norm", norm, low=0.0, high=math.inf, high_open=True)
    return norm if check_adjacency(adjacency) == "add_remove" else math.sqrt(2.0) * norm


def general_sensitivity(norm: float, adjacency: str) -> float:
    """L2 sensitivity of a sum of arbitrary contributions, each of L2 norm at most ``norm``.

    Parameters
    ----------
    norm : float
        Bound on the L2 norm of one row's contribution.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.

    Returns
    -------
    float
        ``norm`` under add/remove, 2·``norm`` under replace-one.

    Raises
    ------
    TypeError, ValueError
        If ``norm`` is not positive and finite, or ``adjacency`` unknown.

    Examples
    --------
    >>> general_sensitivity(1.5, "replace_one")
    3.0
    """
    norm = check_number("norm", norm, low=0.0, high=math.inf, high_open=True)
    return norm if check_adjacency(adjacency) == "add_remove" else 2.0 * norm


def gaussian_release(
    statistic: npt.ArrayLike,
    *,
    sensitivity: float,
    mu: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    grid: float | None = None,
) -> npt.NDArray[np.float64]:
    """Release a statistic with Gaussian noise of standard deviation ``sensitivity / mu``.

    Parameters
    ----------
    statistic : array-like of float or int, any shape
        Exact values. They never appear in an error message.
    sensitivity : float
        L2 sensitivity of the whole statistic, for the adjacency of the ledger.
    mu : float in (0, inf]
        Share of the budget; ``inf`` returns the statistic without noise, which only a ledger with
        ``epsilon=inf`` allows.
    name : str
        What is released, for the ledger.
    ledger : PrivacyLedger
        Charged before any noise is drawn; a refused charge releases nothing.
    noise : NoiseSource
        Where the noise comes from.
    grid : float, optional
        A power of two of which every value is a multiple, such as 1 for counts. Without it the
        values are rounded to a fine grid, and the rounding is added to the sensitivity.

    Returns
    -------
    ndarray of float64, shape of ``statistic``
        Multiples of the grid.

    Raises
    ------
    BudgetExceededError
        If the ledger refuses the charge.
    ValueError
        If the statistic is not finite or not on ``grid``, or a parameter is outside its range.

    Notes
    -----
    The statistic s lies on the grid gℤ. The ideal mechanism releases s + z, z ~ N(0, σ²), which is
    μ-GDP; because s is a multiple of g, g·round((s + z)/g) = s + g·round(z/g), so integer noise
    round(z/g) is post-processing of it. What is added is exact integer arithmetic, so that low
    bits reveal nothing, and the integers have exactly the law of round(z/g).

    Rounding p values of two neighbouring tables to gℤ moves each difference by at most g: the
    sensitivity becomes Δ + g√p, with g chosen such that this is below 1.004 Δ where possible.

    References
    ----------
    Dong, Roth & Su (2022), Theorem 2.7; Mironov (2012), On significance of the least significant
    bits for differential privacy.

    Examples
    --------
    >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
    >>> counts = gaussian_release([10, 20], sensitivity=1.0, mu=ledger.mu, name="counts",
    ...                           ledger=ledger, noise=NoiseSource(0), grid=1.0)
    >>> counts.shape
    (2,)
    """
    values = np.asarray(statistic)
    if values.dtype.kind not in "iufb":
        raise TypeError(f"the statistic {name!r} must be numeric, got dtype {values.dtype}")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"the statistic {name!r} has values that are not finite")
    sensitivity = check_number("sensitivity", sensitivity, low=0.0, high_open=True)
    mu = check_number("mu", mu, low=0.0)
    if mu == math.inf:
        ledger.charge(
            GaussianEvent(mu),
            name=name,
            n_coordinates=values.size,
            sensitivity=sensitivity,
            noise_scale=0.0,
        )
        return values.astype(np.float64)
    step, noise_scale, must_fit = plan_grid(sensitivity, mu, values.size, grid)
    units = _to_units(values, step, name, must_fit=must_fit)
    ledger.charge(
        GaussianEvent(mu),
        name=name,
        n_coordinates=values.size,
        sensitivity=sensitivity,
        noise_scale=noise_scale,
        secure_noise=noise.is_secure,
    )
    drawn = noise.rounded_gaussian(noise_scale / step, values.shape)
    return np.asarray((units + drawn).astype(np.float64) * step)


def plan_grid(
    sensitivity: float, mu: float, size: int, grid: float | None
) -> tuple[float, float, bool]:
    """Choose the grid of a release and the noise that goes with it.

    Parameters
    ----------
    sensitivity : float
        L2 sensitivity Δ before rounding.
    mu : float
        Finite share of the budget.
    size : int
        Number p of values.
    grid : float or None
        Power of two that the values are known to be multiples of.

    Returns
    -------
    step : float
        The grid: ``grid``, or else the largest power of two that is at most σ·2⁻¹⁰ and
        Δ·2⁻⁸/√p, though at least σ·2⁻³¹. A grid of less than σ·2⁻³² is not used.
    noise_scale : float
        Δ/μ on a given grid, (Δ + step·√p)/μ otherwise.
    must_fit : bool
        Whether the values must lie on the grid rather than be rounded to it.

    Raises
    ------
    ValueError
        If ``grid`` is not a power of two, or there is none and √p/μ exceeds 2³⁰.

    Examples
    --------
    >>> plan_grid(1.0, 0.5, 4, None)
    (0.001953125, 2.0078125, False)
    >>> plan_grid(1.0, 0.5, 4, 1.0)
    (1.0, 2.0, True)
    """
    noise_scale = sensitivity / mu
    if grid is not None:
        grid = check_number("grid", grid, low=0.0, high_open=True)
        if math.frexp(grid)[0] != 0.5:
            raise ValueError(f"grid={grid!r} must be a power of two")
        # beyond what is sampled the values are rounded to a coarser grid instead
        if noise_scale / grid <= MAX_SCALE:
            return grid, noise_scale, True
    root = math.sqrt(max(size, 1))
    if root / mu > 2**30:
        raise ValueError(
            f"{size} values with mu={mu:.3g} would need a grid too fine for the noise; release "
            "fewer values, use a larger mu, or pass the grid that the values lie on"
        )
    finest = math.ldexp(noise_scale, -30)
    step = min(math.ldexp(noise_scale, -10), max(math.ldexp(sensitivity, -8) / root, finest))
    step = math.ldexp(1.0, math.frexp(step)[1] - 1)
    return step, (sensitivity + step * root) / mu, False


def plan_steps(clipping_norm: float, multiplier: float, n_coordinates: int) -> tuple[float, float]:
    """Choose the grid of sums of clipped vectors, and the norm that noise is drawn for.

    Parameters
    ----------
    clipping_norm : float
        Bound C on the L2 norm of a row's vector.
    multiplier : float
        Standard deviation of the noise over that norm.
    n_coordinates : int
        Number p of values of a sum.

    Returns
    -------
    step : float
        The grid: the largest power of two that is at most C·2⁻¹⁸, though at least the noise by
        2³⁰.
    norm : float
        C + step·√p: sums that differ by a vector of norm C are that far apart, at most, once each
        of their values is rounded to a multiple of the step.

    Examples
    --------
    >>> plan_steps(1.0, 2.0, 100)
    (3.814697265625e-06, 1.0000381469726562)
    """
    finest = clipping_norm * multiplier * 2.0**-30
    step = math.ldexp(1.0, math.frexp(max(clipping_norm * 2.0**-18, finest))[1] - 1)
    return step, clipping_norm + step * math.sqrt(n_coordinates)


def _to_units(
    values: npt.NDArray[np.generic], step: float, name: str, *, must_fit: bool
) -> npt.NDArray[np.int64]:
    if values.dtype.kind in "iub":
        # larger integers are not in float64; clipping is 1-Lipschitz and keeps the sensitivity
        wide = values.astype(np.uint64 if values.dtype.kind == "u" else np.int64)
        values = np.clip(wide, 0 if values.dtype.kind == "u" else -(2**53), 2**53)
    units = values.astype(np.float64) / step
    rounded = np.rint(units)
    if must_fit and not np.array_equal(units, rounded):
        raise ValueError(
            f"the statistic {name!r} has values that are not multiples of grid={step!r}; "
            "leave grid=None to have them rounded"
        )
    return np.clip(rounded, -_MAX_UNITS, _MAX_UNITS).astype(np.int64)


def exponential_mechanism(
    scores: npt.ArrayLike,
    *,
    sensitivity: float,
    epsilon: float,
    name: str,
    ledger: PrivacyLedger,
    noise: NoiseSource,
) -> int:
    """Select a candidate by the exponential mechanism: P ∝ exp(ε·score/(2Δ)).

    Parameters
    ----------
    scores : array-like of float, shape (n_candidates,)
        Larger is better. The candidates themselves must be public.
    sensitivity : float
        Bound Δ on the change of any one score between neighbouring tables.
    epsilon : float in (0, inf]
        Privacy loss in nats; ``inf`` returns the best candidate, which only a ledger with
        ``epsilon=inf`` allows.
    name : str
        What is selected, for the ledger.
    ledger : PrivacyLedger
        Charged before any noise is drawn; a refused charge selects nothing.
    noise : NoiseSource
        Where the noise comes from.

    Returns
    -------
    int
        Index of the selected candidate.

    Raises
    ------
    BudgetExceededError
        If the ledger refuses the charge.
    ValueError
        If the scores are empty, not one-dimensional or not finite, or a parameter is outside its
        range.

    Notes
    -----
    The selected index maximises score plus Gumbel noise. Let s be the scores in units of 2Δ/ε.

    1. Each sᵢ is replaced by max(sᵢ, max s − 1000), which has the sensitivity of s, since a
       maximum of functions of sensitivity Δ has sensitivity Δ. The mechanism stays ε-private.
    2. The difference to the best score, its scaling and the sum with the noise are then numbers
       below 1200, each rounded by a relative 2⁻⁵³ or a few; the Gumbel variables have full
       relative precision in both tails. Every sum is within ζ = 10⁻¹² of its exact value.
    3. Index i wins if its sum exceeds the others; moving all sums by at most ζ changes the odds
       of i by a factor within e^{±2ζ}, and its probability likewise. Log ratios of probabilities,
       and differences of such log ratios, are then wrong by at most 8ζ together: the mechanism
       runs at ε − 4·`_SELECTION_ERROR`, where `_SELECTION_ERROR` ≥ 2ζ, so that ε holds.

    References
    ----------
    McSherry & Talwar (2007), Mechanism design via differential privacy, Theorem 6.

    Examples
    --------
    >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
    >>> exponential_mechanism([0.0, 5000.0], sensitivity=1.0, epsilon=0.5, name="pair",
    ...                       ledger=ledger, noise=NoiseSource(0))
    1
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"the scores of {name!r} must be a non-empty one-dimensional array")
    if not np.all(np.isfinite(values)):
        raise ValueError(f"the scores of {name!r} are not all finite")
    sensitivity = check_number("sensitivity", sensitivity, low=0.0, high_open=True)
    epsilon = check_number("epsilon", epsilon, low=0.0)
    ledger.charge(
        SelectionEvent(epsilon),
        name=name,
        sensitivity=sensitivity,
        secure_noise=noise.is_secure,
    )
    with np.errstate(over="ignore"):
        below_best = values - values.max()
    if epsilon == math.inf:
        return int(np.argmax(below_best))
    strength = max(epsilon - 4.0 * _SELECTION_ERROR, 0.0) / (2.0 * sensitivity)
    with np.errstate(over="ignore"):
        log_weights = np.maximum(below_best * strength, _SCORE_FLOOR)
    return int(np.argmax(log_weights + noise.gumbel(values.size)))
