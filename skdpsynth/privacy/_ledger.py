"""The ledger of one fit: every release, and the guarantee that they stay within the request."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..exceptions import BudgetExceededError
from ._accountant._calibration import calibrate_gaussian, calibrate_subsampled_gaussian
from ._accountant._composition import compose_epsilon, is_within
from ._accountant._curves import gdp_mu
from ._entry import LedgerEntry, LedgerState
from ._events import (
    Event,
    GaussianEvent,
    WithoutReplacementGaussianEvent,
    check_adjacency,
    check_number,
)
from ._purchase import Purchase, describe_purchases, price, unite_purchases
from ._report import ledger_frame, ledger_text
from ._spent import PrivacySpent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PrivacyLedger"]

FAILURE_RESERVE = 1e-6  # share of δ set aside for batches that are not what they are said to be
_MU_MARGIN = 1e-9  # room for the rounding of Σ μᵢ²; keeps plans that use all of μ valid


class PrivacyLedger:
    """Budget of one fit and the list of its releases.

    Parameters
    ----------
    epsilon : float in (0, inf]
        Requested privacy loss in nats; ``inf`` is the non-private baseline.
    delta : float in (0, 1)
        Requested δ.
    adjacency : {"add_remove", "replace_one"}, default="add_remove"
        Which tables are neighbours; every sensitivity charged here is for this relation.

    Raises
    ------
    TypeError, ValueError
        If a parameter is not a number or outside its range.

    Notes
    -----
    A mechanism that is what it is charged as but with probability τ, on either table, costs
    (1 + e^ε)τ of δ more. A share of 10⁻⁶ of δ is set aside for that; events have what is left,
    :attr:`event_delta`.

    Examples
    --------
    >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
    >>> ledger.charge(GaussianEvent(0.6 * ledger.mu), name="counts", sensitivity=1.0)
    >>> ledger.charge(GaussianEvent(0.8 * ledger.mu), name="sums", sensitivity=1.0)
    >>> ledger
    PrivacyLedger(epsilon=1, delta=1e-06, adjacency='add_remove')
      release  mechanism            sensitivity  noise sd   share
      counts   Gaussian(mu=0.142)             1         -   36.0%
      sums     Gaussian(mu=0.1894)            1         -   64.0%
      total    epsilon=1                                   100.0%
    """

    def __init__(self, epsilon: float, delta: float, adjacency: str = "add_remove") -> None:
        self.epsilon = check_number("epsilon", epsilon, low=0.0)
        self.delta = check_number("delta", delta, low=0.0, high=1.0, high_open=True)
        self.adjacency = check_adjacency(adjacency)
        self._entries: tuple[LedgerEntry, ...] = ()
        self._sampler_loss = 0.0  # of fits of earlier versions: see `LedgerState`
        self._sampler_tail = 0.0
        self._secure_noise = True
        self._public_schema = True
        self._purchases: tuple[Purchase, ...] = ()
        self._claim: str | None = None
        self._known_loss: float | None = None
        self._mu_limit = gdp_mu(self.epsilon, self.event_delta)

    @property
    def event_delta(self) -> float:
        """The δ that the events may use: the request less the reserve for failures."""
        if self.epsilon == math.inf:
            return self.delta
        shrunk = self.delta * math.exp(-self._sampler_loss)
        return max(shrunk * (1 - FAILURE_RESERVE), 5e-324)

    @property
    def mu(self) -> float:
        """The μ that Gaussian releases may share: Σ μᵢ² ≤ μ² when nothing else is released."""
        return self._mu_limit * (1 - _MU_MARGIN)

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """The releases so far, in order."""
        return self._entries

    @property
    def events(self) -> tuple[Event, ...]:
        """The events of the releases so far, in order."""
        return tuple(entry.event for entry in self._entries)

    @property
    def remaining_mu(self) -> float:
        """The μ left for Gaussian releases beside the releases so far."""
        if self.mu < math.inf and self._all_gaussian(self.events):
            return math.sqrt(max(self.mu**2 - _sum_of_squares(self.events), 0.0))
        return self.calibrate_gaussian()

    def calibrate_gaussian(self, planned: Iterable[Event] = ()) -> float:
        """Return the largest μ for Gaussian releases beside those so far and those planned.

        Parameters
        ----------
        planned : iterable of events, default=()
            What else will be charged, such as selections.

        Returns
        -------
        float
            Several releases may share it: Σ μᵢ² ≤ μ².

        Raises
        ------
        BudgetExceededError
            If the other releases exceed the request by themselves.

        Examples
        --------
        >>> from skdpsynth.privacy import SelectionEvent
        >>> ledger = PrivacyLedger(epsilon=1.0, delta=1e-6)
        >>> round(ledger.calibrate_gaussian([SelectionEvent(0.05)] * 2), 2)
        0.23
        """
        mu = calibrate_gaussian(
            self.epsilon,
            self.event_delta,
            adjacency=self.adjacency,
            other_events=(*self.events, *planned),
        )
        return mu * (1 - _MU_MARGIN)

    def calibrate_subsampled_gaussian(
        self, sampling_rate: float, steps: int, planned: Iterable[Event] = ()
    ) -> float:
        """Return the least noise multiplier beside the releases so far and those planned.

        Parameters
        ----------
        sampling_rate : float in (0, 1]
            Probability with which every row enters a batch.
        steps : int
            Number of batches.
        planned : iterable of events, default=()
            What else will be charged.

        Returns
        -------
        float
            Standard deviation of the noise over the clipping norm; 0 if ``epsilon`` is ``inf``.

        Raises
        ------
        BudgetExceededError
            If the other releases leave nothing.
        AccountingError
            If the numerical composition would need too fine a grid.
        """
        return calibrate_subsampled_gaussian(
            self.epsilon,
            self.event_delta,
            sampling_rate,
            steps,
            adjacency=self.adjacency,
            other_events=(*self.events, *planned),
        )

    def charge(
        self,
        event: Event,
        *,
        name: str,
        n_coordinates: int = 1,
        sensitivity: float | None = None,
        noise_scale: float | None = None,
        failure: float = 0.0,
        secure_noise: bool = True,
    ) -> None:
        """Record a release that is about to happen, or refuse it.

        Parameters
        ----------
        event : event
            The mechanism.
        name : str
            What is released.
        n_coordinates : int, default=1
            Number of noisy values.
        sensitivity, noise_scale : float, optional
            For the report: sensitivity of the statistic and standard deviation of the noise.
        failure : float, default=0
            Probability with which the release may not be what the event says.
        secure_noise : bool, default=True
            False when a seed fixes the noise.

        Raises
        ------
        BudgetExceededError
            If the releases together would exceed (ε, δ); the ledger is unchanged then.
        """
        failure = self._sampler_tail + failure
        self._check_failure(name, failure)
        self._check_events(name, (*self.events, event))
        entry = LedgerEntry(name, event, sensitivity, noise_scale, int(n_coordinates))
        self._entries = (*self._entries, entry)
        self._sampler_tail = failure
        self._known_loss = None
        self._secure_noise = self._secure_noise and secure_noise

    def _check_failure(self, name: str, failure: float) -> None:
        if self.epsilon == math.inf or failure == 0.0:
            return
        log_cost = math.log(failure) + _log1p_exp(self.epsilon)
        if log_cost > math.log(FAILURE_RESERVE * self.delta):
            raise BudgetExceededError(
                f"epsilon={self.epsilon:g} is too large for how rarely batches may fail when "
                f"{name!r} is released; use a smaller epsilon, or epsilon=inf for the non-private "
                f"baseline. {self._what_is_spent}"
            )

    def _check_events(self, name: str, events: tuple[Event, ...]) -> None:
        if self.epsilon == math.inf:
            return
        if self._all_gaussian(events):
            spent = math.sqrt(_sum_of_squares(events))
            if spent <= self._mu_limit:
                return
            detail = f"mu would be {spent:.6g}, the limit is {self._mu_limit:.6g}"
        else:
            if is_within(events, self.epsilon, self.event_delta, self.adjacency):
                return
            detail = "the composition of all releases so far does not meet them"
        raise BudgetExceededError(
            f"releasing {name!r} would exceed epsilon={self.epsilon:g}, delta={self.delta:g} "
            f"({self.adjacency}): {detail}. Give it a smaller share of the budget. "
            f"{self._what_is_spent}"
        )

    @property
    def _what_is_spent(self) -> str:
        """What a refused release leaves, in words."""
        if not self._entries:
            return "Nothing was released"
        return "This release was not made; those before it are spent"

    @staticmethod
    def _all_gaussian(events: tuple[Event, ...]) -> bool:
        return all(isinstance(event, GaussianEvent) for event in events)

    def mark_insecure_noise(self) -> None:
        """Record that a seed fixes noise drawn outside the mechanisms."""
        self._secure_noise = False

    def mark_drafted_schema(self) -> None:
        """Record that bounds and levels were read from the rows, at no charge."""
        self._public_schema = False

    def mark_bought_schema(self, purchase: Purchase) -> None:
        """Record what bounds and levels were bought for, which is not part of this request.

        After a purchase without privacy, such as one with ε = inf, the schema is not public. What
        several purchases cost is added up; one that is recorded already changes nothing.

        Parameters
        ----------
        purchase : Purchase
        """
        self._purchases = unite_purchases(self._purchases, [purchase])

    @property
    def purchases(self) -> tuple[Purchase, ...]:
        """The purchases of bounds and levels, each once, which come on top of this request."""
        return self._purchases

    def mark_unproven(self, claim: str) -> None:
        """Record that a release is charged at a sensitivity that is claimed and does not hold.

        Parameters
        ----------
        claim : str
            Who claims it.
        """
        self._claim = claim

    def spent(self) -> PrivacySpent:
        """Return the guarantee of the releases so far.

        Returns
        -------
        PrivacySpent
            Its ε is at the requested δ; it never exceeds the requested ε.
        """
        notes = []
        if self._claim is not None:
            notes.append(
                f"not private: epsilon and delta are the claim of {self._claim}, not a guarantee"
            )
        if self.epsilon == math.inf:
            epsilon = math.inf
            notes.append("not private: epsilon=inf is the non-private baseline")
        else:
            epsilon = self._event_loss() + 2 * self._sampler_loss
        if any(isinstance(event, WithoutReplacementGaussianEvent) for event in self.events):
            notes.append(
                "the d3p package clips gradients and adds their noise, in single precision: that "
                "code is not audited here"
            )
        if not self._secure_noise:
            notes.append(
                "noise fixed by random_state: not private for whoever knows the seed, or has a "
                "second fit with it"
            )
        if self._purchases:
            notes.append(describe_purchases(self._purchases))
        if not self._public_schema:
            notes.append("bounds and levels were read from the data: not covered by the guarantee")
        return PrivacySpent(
            epsilon=epsilon,
            delta=self.delta,
            adjacency=self.adjacency,
            secure_noise=self._secure_noise,
            public_schema=self._public_schema
            and all(purchase.is_private for purchase in self._purchases),
            claim=self._claim,
            notes=tuple(notes),
            purchase=price(self._purchases, self.adjacency) if self._purchases else None,
        )

    def _event_loss(self) -> float:
        """ε of the events, computed once: the plain text of the ledger needs it every time."""
        if self._known_loss is None:
            loss = compose_epsilon(
                self.events,
                self.event_delta,
                adjacency=self.adjacency,
                scale=self.epsilon,
            )
            self._known_loss = min(loss, self.epsilon)
        return self._known_loss

    def shares(self) -> tuple[float, ...]:
        """Return the share of μ² of each release, or NaN where there is no such share."""
        if self.mu == math.inf or not self._all_gaussian(self.events):
            return (math.nan,) * len(self._entries)
        return tuple((event.mu / self.mu) ** 2 for event in self.events)  # type: ignore[union-attr]

    def to_frame(self) -> pd.DataFrame:
        """Return the releases as a DataFrame with one row each."""
        return ledger_frame(self._entries, self.shares())

    def __repr__(self) -> str:
        heading = (
            f"PrivacyLedger(epsilon={self.epsilon:g}, delta={self.delta:g}, "
            f"adjacency={self.adjacency!r})"
        )
        return ledger_text(heading, self.to_frame(), self.spent())

    def __eq__(self, other: object) -> bool:
        # whether the loss was computed already makes no difference
        return isinstance(other, PrivacyLedger) and (
            self.state()._replace(known_loss=None) == other.state()._replace(known_loss=None)
        )

    def state(self) -> LedgerState:
        """Return all that the ledger knows; `from_state` makes it again."""
        names = LedgerState._fields[3:]
        rest = {name: getattr(self, f"_{name}") for name in names}
        return LedgerState(self.epsilon, self.delta, self.adjacency, **rest)

    @classmethod
    def from_state(cls, state: LedgerState) -> PrivacyLedger:
        """Return the ledger that had this state."""
        ledger = cls(state.epsilon, state.delta, state.adjacency)
        for name, value in list(state._asdict().items())[3:]:
            setattr(ledger, f"_{name}", value)
        return ledger

    __hash__ = None  # type: ignore[assignment]


def _sum_of_squares(events: tuple[Event, ...]) -> float:
    return math.fsum(event.mu**2 for event in events if isinstance(event, GaussianEvent))


def _log1p_exp(value: float) -> float:
    return value + math.log1p(math.exp(-value))
