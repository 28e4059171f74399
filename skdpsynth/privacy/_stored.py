"""What of a fit's privacy is stored in files: the ledger and what was spent."""

from __future__ import annotations

from typing import get_args

from .._storing import Entry, Stored
from ._entry import LedgerEntry, LedgerState
from ._events import Event
from ._ledger import PrivacyLedger
from ._spent import PrivacySpent

__all__ = ["STORED"]

STORED = Stored(
    entries=(
        *map(Entry, (LedgerEntry, PrivacySpent, *get_args(Event))),
        Entry(
            PrivacyLedger,
            state=LedgerState,
            taken=lambda ledger: ledger.state()._asdict(),
            build=lambda **fields: PrivacyLedger.from_state(LedgerState(**fields)),
        ),
    )
)
