"""The desk where all noise is bought: the one object that has both the budget and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ._accountant._calibration import calibrate_without_replacement
from ._events import (
    Event,
    GaussianEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
)
from ._ledger import SAMPLER_RESERVE, PrivacyLedger
from ._mechanisms import (
    exponential_mechanism,
    gaussian_release,
    general_sensitivity,
    nonnegative_sensitivity,
    plan_grid,
)
from ._noise import NoiseSource, Size
from ._rounded_gaussian import MAX_SCALE, sampler_log_ratio
from ._stable_histogram import HistogramPlan, stable_histogram_release

__all__ = ["Draw", "GradientNoise", "Mechanisms", "RowCount", "SamplerError"]


class RowCount(NamedTuple):
    """A row count that may be known.

    Attributes
    ----------
    value : float
        At least one: noisy under add/remove; exact, because public, under replace-one.
    scale : float
        Standard deviation of its noise, 0 where it is public.
    """

    value: float
    scale: float

    @property
    def is_public(self) -> bool:
        """Whether neighbouring tables have the same row count."""
        return self.scale == 0.0


class Draw(NamedTuple):
    """A Gaussian release to come, as far as the error of its sampler depends on it.

    Attributes
    ----------
    n_values : int
    sensitivity : float
        L2 sensitivity of all values.
    mu : float
    grid : float or None
        As for `Mechanisms.gaussian`.
    """

    n_values: int
    sensitivity: float
    mu: float
    grid: float | None


class SamplerError(NamedTuple):
    """What the sampler's error in releases to come takes, and what is left for it, both of ε.

    Attributes
    ----------
    taken, left : float
    """

    taken: float
    left: float

    @property
    def fits(self) -> bool:
        """Whether the ledger will accept it."""
        return self.taken <= self.left


class GradientNoise:
    """Noise for the gradients of steps that are charged already.

    Attributes
    ----------
    multiplier : float
        Standard deviation of the noise over the clipping norm; 0 without noise.
    scale : float
        Standard deviation of the noise in a coordinate of the sum of a step.
    """

    def __init__(self, multiplier: float, scale: float, noise: NoiseSource) -> None:
        self.multiplier = multiplier
        self.scale = scale
        self._noise = noise

    def draw(self, n_steps: int, n_coordinates: int) -> npt.NDArray[np.float64]:
        """Return the noise of the next steps, an array of shape (n_steps, n_coordinates)."""
        return self.scale * self._noise.normal((n_steps, n_coordinates))


class Mechanisms:
    """All mechanisms of a fit, with its ledger and its noise: the only door from rows to outputs.

    A release is charged to the ledger before its noise is drawn. What a release returns is
    differentially private; what it is given must not leave it otherwise.

    Parameters
    ----------
    ledger : PrivacyLedger
        The budget.
    noise : NoiseSource
        Where the noise comes from.
    progress : callable, default=None
        Called with a number of finished steps, for a progress bar.

    Examples
    --------
    >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
    >>> desk = Mechanisms(ledger, NoiseSource(0))
    >>> counts = desk.gaussian([10, 20], sensitivity=1.0, mu=desk.mu, name="counts", grid=1.0)
    >>> counts.shape
    (2,)
    >>> [entry.name for entry in ledger.entries]
    ['counts']
    """

    def __init__(
        self,
        ledger: PrivacyLedger,
        noise: NoiseSource,
        progress: Callable[[int], object] | None = None,
    ) -> None:
        self._ledger = ledger
        self._noise = noise
        self._progress = progress

    # what is public of the budget

    @property
    def adjacency(self) -> str:
        """Which tables are neighbours, "add_remove" or "replace_one"."""
        return self._ledger.adjacency

    @property
    def epsilon(self) -> float:
        """The requested ε."""
        return self._ledger.epsilon

    @property
    def delta(self) -> float:
        """The requested δ."""
        return self._ledger.delta

    @property
    def event_delta(self) -> float:
        """The δ that events may use: the request less the sampler's reserve."""
        return self._ledger.event_delta

    @property
    def mu(self) -> float:
        """The μ that Gaussian releases may share when nothing else is released."""
        return self._ledger.mu

    @property
    def remaining_mu(self) -> float:
        """The μ left for Gaussian releases beside the releases so far."""
        return self._ledger.remaining_mu

    @property
    def is_noisy(self) -> bool:
        """Whether there is any noise; without, the fit is the non-private baseline."""
        return math.isfinite(self._ledger.epsilon)

    @property
    def is_count_public(self) -> bool:
        """Whether neighbouring tables have the same row count."""
        return self.adjacency == "replace_one"

    def calibrate_gaussian(self, planned: Iterable[Event] = ()) -> float:
        """Return the largest μ for Gaussian releases beside those so far and those planned."""
        return self._ledger.calibrate_gaussian(planned)

    def nonnegative_sensitivity(self, norm: float) -> float:
        """L2 sensitivity of a sum of non-negative contributions of norm at most `norm`."""
        return nonnegative_sensitivity(norm, self.adjacency)

    def general_sensitivity(self, norm: float) -> float:
        """L2 sensitivity of a sum of arbitrary contributions of norm at most `norm`."""
        return general_sensitivity(norm, self.adjacency)

    def noise_scale(
        self, n_values: int, *, sensitivity: float, mu: float, grid: float | None = None
    ) -> float:
        """Return the standard deviation of the noise of a Gaussian release to come.

        It is ``sensitivity / mu``, or a little more where values are rounded to a fine grid.
        """
        if mu == math.inf:
            return 0.0
        return plan_grid(sensitivity, mu, n_values, grid)[1]

    def can_draw(self, n_values: int, scale: float, share: float) -> bool:
        """Whether noise can be drawn within a share of what is left for the sampler's error.

        Parameters
        ----------
        n_values : int
            Noisy values of the release.
        scale : float
            Standard deviation of the noise, in steps of the grid that it is drawn on.
        share : float
            Of what is left of the reserve.
        """
        if scale > MAX_SCALE:
            return False
        return 2.0 * n_values * sampler_log_ratio(scale) <= share * self._ledger.sampler_room

    def can_draw_rounded(self, n_values: int, scale: float, share: float) -> bool:
        """Whether noise can be drawn within a share of all that the sampler's error may take.

        It must fit what is left of that, too.

        Parameters
        ----------
        n_values : int
            Noisy values of the release.
        scale : float
            Standard deviation of the noise, in steps of the grid of the values. Beyond what the
            sampler can draw `gaussian` rounds the values to a coarser grid.
        share : float
            Of the whole reserve.
        """
        taken = 2.0 * n_values * sampler_log_ratio(min(scale, MAX_SCALE))
        return taken <= min(share * SAMPLER_RESERVE * self.epsilon, self._ledger.sampler_room)

    def most_values(self, scale: float, share: float) -> int:
        """Return how many values can be drawn within a share of all the sampler's error may take.

        Parameters
        ----------
        scale : float
            Standard deviation of the noise, in steps of the grid of the values.
        share : float
            Of the whole reserve.
        """
        each = 2.0 * sampler_log_ratio(min(scale, MAX_SCALE))
        most = share * SAMPLER_RESERVE * self.epsilon / each if each > 0.0 else math.inf
        return int(min(most, 2.0**62))

    def sampler_error(self, draws: Iterable[Draw]) -> SamplerError:
        """Return what the sampler's error takes in Gaussian releases to come, together."""
        taken = 0.0
        for draw in draws:
            step, scale, _ = plan_grid(draw.sensitivity, draw.mu, draw.n_values, draw.grid)
            taken += 2.0 * draw.n_values * sampler_log_ratio(scale / step)
        return SamplerError(taken, self._ledger.sampler_room)

    # releases

    def gaussian(
        self,
        statistic: npt.ArrayLike,
        *,
        sensitivity: float,
        mu: float,
        name: str,
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
            Share of the budget; ``inf`` returns the statistic without noise, which only a ledger
            with ``epsilon=inf`` allows.
        name : str
            What is released, for the ledger.
        grid : float, optional
            A power of two of which every value is a multiple, such as 1 for counts. Without it
            the values are rounded to a fine grid, and the rounding is added to the sensitivity.

        Returns
        -------
        ndarray of float64, shape of ``statistic``

        Raises
        ------
        BudgetExceededError
            If the ledger refuses the charge; nothing is released then.
        ValueError
            If the statistic is not finite or not on ``grid``, or a parameter is outside its range.
        """
        return gaussian_release(
            statistic,
            sensitivity=sensitivity,
            mu=mu,
            name=name,
            ledger=self._ledger,
            noise=self._noise,
            grid=grid,
        )

    def exponential(
        self, scores: npt.ArrayLike, *, sensitivity: float, epsilon: float, name: str
    ) -> int:
        """Select a candidate by the exponential mechanism, P ∝ exp(ε·score/(2Δ)).

        Parameters
        ----------
        scores : array-like of float, shape (n_candidates,)
            Larger is better. The candidates themselves must be public.
        sensitivity : float
            Bound Δ on the change of any one score between neighbouring tables.
        epsilon : float in (0, inf]
            Privacy loss in nats.
        name : str
            What is selected, for the ledger.

        Returns
        -------
        int
            Index of the selected candidate.

        Raises
        ------
        BudgetExceededError
            If the ledger refuses the charge; nothing is selected then.
        ValueError
            If the scores are empty, not one-dimensional or not finite.
        """
        return exponential_mechanism(
            scores,
            sensitivity=sensitivity,
            epsilon=epsilon,
            name=name,
            ledger=self._ledger,
            noise=self._noise,
        )

    def stable_histograms(
        self, counts: Sequence[npt.ArrayLike], plan: HistogramPlan, *, name: str
    ) -> list[npt.NDArray[np.float64]]:
        """Release the counts of the values that occur, NaN where the noisy count is too low.

        Parameters
        ----------
        counts : sequence of array-like of int, each of shape (n_values,)
            One histogram each: how many rows have each value, at least one.
        plan : HistogramPlan
            Made by `plan_stable_histogram` for the adjacency and as many histograms.
        name : str
            What is released, for the ledger.

        Raises
        ------
        BudgetExceededError
            If the ledger refuses the charge; nothing is released then.
        ValueError
            If there are not as many histograms as planned, or a count is below one.
        """
        return stable_histogram_release(
            counts, plan, name=name, ledger=self._ledger, noise=self._noise
        )

    def row_count(self, n_rows: int, *, mu: float, name: str = "row count") -> RowCount:
        """Release the row count under add/remove; under replace-one it is public.

        Sensitivity: one row more or less changes it by 1.
        """
        if self.is_count_public:
            return RowCount(float(n_rows), 0.0)
        noisy = self.gaussian([n_rows], sensitivity=1.0, mu=mu, name=name, grid=1.0)
        return self.read_count(noisy, n_rows, 1.0 / mu)

    def read_count(self, released: npt.NDArray[np.float64], n_rows: int, scale: float) -> RowCount:
        """Return the row count of a release whose first value it is, unless it is public.

        Parameters
        ----------
        released : ndarray of shape (n_values,)
            Not read where the count is public.
        n_rows : int
            The exact count; read only where it is public.
        scale : float
            Standard deviation of the noise.
        """
        if self.is_count_public:
            return RowCount(float(n_rows), 0.0)
        return RowCount(max(float(released[0]), 1.0), scale)

    def subsampled_gaussian(
        self,
        *,
        name: str,
        clipping_norm: float,
        sampling_rate: float,
        n_steps: int,
        n_coordinates: int,
        failure: float = 0.0,
    ) -> GradientNoise:
        """Charge all that is left for sums of clipped vectors over Poisson batches.

        Parameters
        ----------
        name : str
            What is released, for the ledger.
        clipping_norm : float
            Bound on the L2 norm of one row's vector.
        sampling_rate : float in (0, 1]
            Probability with which a row is in a batch, at most; 1 means all rows in every step.
        n_steps : int
        n_coordinates : int
            Noisy values of a step.
        failure : float, default=0
            Probability with which the batches may not be what they are said to be; part of δ.

        Returns
        -------
        GradientNoise
        """
        sensitivity = clipping_norm
        event: GaussianEvent | SubsampledGaussianEvent
        if not self.is_noisy:
            event, multiplier = GaussianEvent(math.inf), 0.0
        elif sampling_rate == 1.0:
            mu = self.remaining_mu
            sensitivity = self.general_sensitivity(clipping_norm)
            multiplier = sensitivity / clipping_norm * math.sqrt(n_steps) / mu
            event = GaussianEvent(mu)
        else:
            multiplier = self._ledger.calibrate_subsampled_gaussian(sampling_rate, n_steps)
            event = SubsampledGaussianEvent(sampling_rate, multiplier, n_steps)
        self._ledger.charge(
            event,
            name=name,
            n_coordinates=n_steps * n_coordinates,
            sensitivity=sensitivity,
            noise_scale=multiplier * clipping_norm,
            # the ledger counts this per coordinate
            sampler_tail=failure / (n_steps * n_coordinates),
            secure_noise=self._noise.is_secure,
        )
        return GradientNoise(multiplier, multiplier * clipping_norm, self._noise)

    def without_replacement_gaussian(
        self,
        *,
        name: str,
        clipping_norm: float,
        n_rows: int,
        batch_size: int,
        n_steps: int,
        n_coordinates: int,
    ) -> GradientNoise:
        """Charge all that is left for sums of clipped vectors over batches of fixed size.

        Parameters
        ----------
        name : str
            What is released, for the ledger.
        clipping_norm : float
            Bound on the L2 norm of one row's vector; replacing a row moves a sum by twice that.
        n_rows : int
            Public: only under replace-one.
        batch_size, n_steps : int
        n_coordinates : int
            Noisy values of a step.

        Returns
        -------
        GradientNoise
        """
        multiplier = calibrate_without_replacement(
            self._ledger.event_epsilon,
            self._ledger.event_delta,
            n_rows,
            batch_size,
            n_steps,
            other_events=self._ledger.events,
        )
        self._ledger.charge(
            WithoutReplacementGaussianEvent(n_rows, batch_size, multiplier, n_steps),
            name=name,
            n_coordinates=n_steps * n_coordinates,
            sensitivity=2.0 * clipping_norm,
            noise_scale=multiplier * clipping_norm,
            secure_noise=self._noise.is_secure,
        )
        return GradientNoise(multiplier, multiplier * clipping_norm, self._noise)

    def mark_unproven(self, claim: str) -> None:
        """Record that a release is charged at a sensitivity that is claimed and does not hold."""
        self._ledger.mark_unproven(claim)

    # randomness beside the noise: batches and rounding, as secret as it, and post-processing

    def uniform(self, size: Size) -> npt.NDArray[np.float64]:
        """Return uniforms on (0, 1) from the source of the noise, such as for batches."""
        return self._noise.uniform(size)

    def words(self, size: Size) -> npt.NDArray[np.uint64]:
        """Return uniform 64-bit words from the source of the noise, such as for rounding."""
        return self._noise.words(size)

    def seed_bits(self) -> int:
        """Return a fresh 128-bit seed for randomness that is post-processing."""
        return self._noise.seed_bits()

    def generator(self) -> np.random.Generator:
        """Return a numpy generator with a fresh seed, for post-processing."""
        return self._noise.generator()

    def progress(self, n_steps: int = 1) -> None:
        """Tell the progress bar that steps are finished."""
        if self._progress is not None:
            self._progress(n_steps)

    def __reduce__(self) -> Any:
        raise TypeError("the desk of a fit is not saved or copied: it has the source of the noise")
