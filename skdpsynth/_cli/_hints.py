"""What to do about columns that do not fit, or should not be there."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from ..pii import find_in_schema
from ..schema import MARKERS, Discrete, TableSchema

__all__ = ["hints_of_draft", "in_options", "way_out"]

DATE = r"(\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d|\d\d?[./]\d\d?[./]\d{4})(?!\d)"
DATES = (
    "Dates have no kind of their own: leave the column out, or make it a number of days by the "
    "preprocess of a --model-file."
)


def in_options(note: str) -> str:
    """Return a note of the ledger with the option of the command line for what Python passes."""
    return note.replace("random_state", "--insecure-noise-seed")


def way_out(problem: str) -> str:
    """Return what to do on the command line about a table that does not fit, if that is known."""
    if "nullable=True" in problem:
        return ' In the schema file that is "nullable": true; --drop-na leaves such rows out.'
    if "An identifier or free text" in problem:
        return " --drop COLUMN leaves one out."
    if "declare what is known in kinds" in problem:
        return " On the command line: --schema known.json declares columns."
    if re.search(r"holds '[-+]?\d*,\d+', which is not a number", problem):
        return " If decimals follow a comma: --decimal ','."
    if re.search(f"holds '{DATE}", problem):
        return f" {DATES}"
    marker = next((text for text in MARKERS if f"holds {text!r}" in problem), None)
    return f" If it stands for a missing value: --missing '{marker}'." if marker else ""


def hints_of_draft(drafted: TableSchema) -> list[str]:
    """Return what a person should look at in a draft, a sentence or two for each finding."""
    levels = {
        name: kind.levels for name, kind in drafted.columns.items() if isinstance(kind, Discrete)
    }
    return [
        *_of_markers(levels),
        *_of_commas(levels),
        *_of_dates(levels),
        *_of_personal_data(drafted),
    ]


def _of_markers(levels: Mapping[Hashable, Sequence[Any]]) -> list[str]:
    """Tell of levels that look as if they stood for missing values."""
    found = {marker: [name for name in levels if marker in levels[name]] for marker in MARKERS}
    return [
        f"{marker!r} became a level of {columns}. If it stands for a missing value, draft again "
        f"with --missing '{marker}'."
        for marker, columns in found.items()
        if columns
    ]


def _of_commas(levels: Mapping[Hashable, Sequence[Any]]) -> list[str]:
    number = re.compile(r"[-+]?\d*(,\d+)?")
    commas = [
        name
        for name, known in levels.items()
        if any("," in str(level) for level in known)
        and all(number.fullmatch(str(level)) for level in known)
    ]
    way = "If decimals follow a comma, draft again with --decimal ','."
    return [f"The levels of {commas} look like numbers. {way}"] if commas else []


def _of_dates(levels: Mapping[Hashable, Sequence[Any]]) -> list[str]:
    dates = [
        name
        for name, known in levels.items()
        if all(isinstance(level, str) and re.match(DATE, level) for level in known)
    ]
    return [f"The levels of {dates} are dates. {DATES}"] if dates else []


def _of_personal_data(drafted: TableSchema) -> list[str]:
    found = [f"{name} ({kind})" for name, kind in find_in_schema(drafted).items()]
    if not found:
        return []
    return [
        f"These columns look like personal data: {found}. What is in the schema gets into the "
        "synthetic table: leave them out of it, by hand or with --drop COLUMN."
    ]
