"""The desk where all noise is bought: the one object that has both the budget and the noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._accountant._calibration import calibrate_without_replacement
from ._answers import GradientNoise, RowCount
from ._events import (
    Event,
    GaussianEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
)
from ._ledger import PrivacyLedger
from ._mechanisms import (
    exponential_mechanism,
    gaussian_release,
    general_sensitivity,
    nonnegative_sensitivity,
    plan_grid,
    plan_steps,
)
from ._noise import NoiseSource, Size
from ._stable_histogram import HistogramPlan, stable_histogram_release

__all__ = ["Mechanisms"]


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
        """The δ that events may use: the request less the reserve for failures."""
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

        Notes
        -----
        Sums are rounded to the steps of a grid, which lengthens what one row moves them by, and
        the noise is that much larger; see `plan_steps`.
        """
        event: GaussianEvent | SubsampledGaussianEvent
        if not self.is_noisy:
            event, multiplier = GaussianEvent(math.inf), 0.0
        elif sampling_rate == 1.0:
            mu = self.remaining_mu
            # the multiplier is that of one row's vector: two rows may move a sum by two of them
            multiplier = self.general_sensitivity(1.0) * math.sqrt(n_steps) / mu
            event = GaussianEvent(mu)
        else:
            multiplier = self._ledger.calibrate_subsampled_gaussian(sampling_rate, n_steps)
            event = SubsampledGaussianEvent(sampling_rate, multiplier, n_steps)
        step, norm = plan_steps(clipping_norm, multiplier, n_coordinates)
        is_all_rows = sampling_rate == 1.0 and self.is_noisy
        self._ledger.charge(
            event,
            name=name,
            n_coordinates=n_steps * n_coordinates,
            sensitivity=self.general_sensitivity(norm) if is_all_rows else norm,
            noise_scale=multiplier * norm,
            failure=failure,
            secure_noise=self._noise.is_secure,
        )
        return GradientNoise(multiplier, multiplier * norm, step, self._noise)

    def without_replacement_gaussian(
        self,
        *,
        name: str,
        clipping_norm: float,
        n_rows: int,
        batch_size: int,
        n_steps: int,
        n_coordinates: int,
    ) -> float:
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
        multiplier : float
            Standard deviation of the noise over the clipping norm.
        """
        multiplier = calibrate_without_replacement(
            self._ledger.epsilon,
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
        return float(multiplier)

    def mark_unproven(self, claim: str) -> None:
        """Record that a release is charged at a sensitivity that is claimed and does not hold."""
        self._ledger.mark_unproven(claim)

    # randomness beside the noise: batches and rounding, as secret as it, and post-processing

    def uniform(self, size: Size) -> npt.NDArray[np.float64]:
        """Return uniforms on (0, 1) from the source of the noise, such as for batches."""
        return self._noise.uniform(size)

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
