"""The ledger for human eyes: an aligned text table and a DataFrame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ._entry import LedgerEntry
from ._events import (
    Event,
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    WithoutReplacementGaussianEvent,
)
from ._spent import PrivacySpent

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["describe_event", "ledger_frame", "ledger_text"]

_HEADER = ("release", "mechanism", "sensitivity", "noise sd", "share")


def describe_event(event: Event) -> str:
    """Return a short text naming the mechanism and its parameters.

    Examples
    --------
    >>> describe_event(GaussianEvent(0.25))
    'Gaussian(mu=0.25)'
    """
    if isinstance(event, GaussianEvent):
        return f"Gaussian(mu={event.mu:.4g})"
    if isinstance(event, SelectionEvent):
        return f"Selection(epsilon={event.epsilon:.4g})"
    if isinstance(event, FailureEvent):
        return f"Failure(delta={event.delta:.4g})"
    if isinstance(event, WithoutReplacementGaussianEvent):
        return (
            f"WithoutReplacementGaussian(batch_size={event.batch_size} of {event.n_rows}, "
            f"noise_multiplier={event.noise_multiplier:.4g}, steps={event.steps})"
        )
    return (
        f"SubsampledGaussian(rate={event.sampling_rate:.4g}, "
        f"noise_multiplier={event.noise_multiplier:.4g}, steps={event.steps})"
    )


def ledger_frame(entries: tuple[LedgerEntry, ...], shares: tuple[float, ...]) -> pd.DataFrame:
    """Return one row per release: name, mechanism, sizes and share of the budget."""
    import pandas as pd

    return pd.DataFrame(
        {
            "release": [entry.name for entry in entries],
            "mechanism": [describe_event(entry.event) for entry in entries],
            "sensitivity": [_or_nan(entry.sensitivity) for entry in entries],
            "noise_sd": [_or_nan(entry.noise_scale) for entry in entries],
            "n_coordinates": [entry.n_coordinates for entry in entries],
            "share": list(shares),
        }
    )


def ledger_text(heading: str, releases: pd.DataFrame, spent: PrivacySpent) -> str:
    """Return the ledger as text: a heading, one aligned line per release, and the total.

    Parameters
    ----------
    heading : str
    releases : DataFrame
        As `ledger_frame` returns it.
    spent : PrivacySpent
        What the releases add up to.
    """
    if releases.empty:
        return heading
    rows = [_HEADER]
    shown = releases[["release", "mechanism", "sensitivity", "noise_sd", "share"]]
    for name, mechanism, sensitivity, noise_sd, share in shown.to_numpy().tolist():
        rows.append((name, mechanism, _number(sensitivity), _number(noise_sd), _percent(share)))
    total = _percent(math.fsum(releases["share"]))
    rows.append(("total", f"epsilon={spent.epsilon:.6g}", "", "", total))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER))]
    lines = [heading, *(_line(row, widths) for row in rows)]
    return "\n".join([*lines, *(f"  note: {note}" for note in spent.notes)])


def _line(row: tuple[str, ...], widths: list[int]) -> str:
    left = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    right = [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]
    return "  " + "  ".join(left + right)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.1f}%"
