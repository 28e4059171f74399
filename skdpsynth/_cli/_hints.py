"""What to do about columns that do not fit, or should not be there."""

from __future__ import annotations

import re

from ..pii import find_in_schema
from ..schema import DATES, MARKERS, Draft, TableSchema, are_date_texts

__all__ = ["hints_of_draft", "in_options", "way_out"]


def in_options(note: str) -> str:
    """Return a note of the ledger with the option of the command line for what Python passes."""
    return note.replace("random_state", "--insecure-noise-seed")


def way_out(problem: str) -> str:
    """Return what to do on the command line about a table that does not fit, if that is known."""
    if "nullable=True" in problem:
        return ' In the schema file that is "nullable": true; --drop-na leaves such rows out.'
    if "declare what is known in kinds" in problem:
        return " On the command line: --schema known.json declares columns."
    if re.search(r"holds '[-+]?\d*,\d+', which is not a number", problem):
        return " If decimals follow a comma: --decimal ','."
    held = re.search(r"holds '([^']*)'", problem)
    if held is not None and are_date_texts([held[1]]):
        return f" {DATES}"
    marker = next((text for text in MARKERS if f"holds {text!r}" in problem), None)
    return f" If it stands for a missing value: --missing '{marker}'." if marker else ""


def hints_of_draft(draft: Draft) -> list[str]:
    """Return what a person should look at in a draft, a sentence or two for each finding."""
    told = [f"{doubt.reason} {doubt.command}" for doubt in draft.all_doubts]
    return [*told, *_of_personal_data(TableSchema(draft.columns))]


def _of_personal_data(drafted: TableSchema) -> list[str]:
    found = [f"{name} ({kind})" for name, kind in find_in_schema(drafted).items()]
    if not found:
        return []
    return [
        f"These columns look like personal data: {found}. What is in the schema gets into the "
        "synthetic table: leave them out of it, by hand or with --drop COLUMN."
    ]
