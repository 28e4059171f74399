"""What of a fit's privacy is stored in files: the ledger and what was spent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from .._storing import Entry, Stored
from ._entry import LedgerEntry, LedgerState
from ._events import Event
from ._ledger import PrivacyLedger
from ._purchase import Purchase
from ._spent import PrivacySpent

__all__ = ["STORED"]


def _name_purchase(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a ledger whose file says what was bought, but not which purchase it was.

    It gets a number of its own: it is told from every other one, and so never left out of a sum.
    """
    if "purchase" not in fields:
        return fields
    spent = fields.pop("purchase")
    if spent is not None and " and " in spent.adjacency:
        # the sum of several: under replace-one all of it is doubled, as that file did
        spent = replace(spent, adjacency="add_remove")
    return {**fields, "purchases": () if spent is None else (Purchase.of(spent),)}


STORED = Stored(
    entries=(
        *map(Entry, (LedgerEntry, PrivacySpent, Purchase, *get_args(Event))),
        Entry(
            PrivacyLedger,
            state=LedgerState,
            taken=lambda ledger: ledger.state()._asdict(),
            build=lambda **fields: PrivacyLedger.from_state(LedgerState(**fields)),
            convert=_name_purchase,
        ),
    )
)
