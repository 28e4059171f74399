"""From values and a column's name to a finding: which type of personal data, and how sure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from ..schema import find_identifier, is_identifier_name
from ._column_names import name_points_to
from ._patterns import PATTERNS

__all__ = [
    "IDENTIFIER",
    "LEVELS",
    "Finding",
    "as_text",
    "best_findings",
    "find_in_column",
    "probabilities",
    "spell",
]

# a type of columns, not of values
IDENTIFIER = "identifier"
# from the least to the greatest confidence
LEVELS = ("low", "medium", "high")

# a form that hardly anything else has
_SPECIFIC = frozenset({"email", "iban", "credit_card", "ip_address", "ssn"})
# what a value must reach to count, alone and in a column whose name points to the type; vague
# ones lie between
_COUNTS, _COUNTS_IF_NAMED = 0.5, 0.25
# fewer different words tell nothing: three regions may be called after women
_FEWEST_WORDS = 20
# in fewer rows numbers may count up by chance, or because the table is an example
_FEWEST_ROWS = 50
# identifiers are that long; shorter whole numbers are measurements
_SHORTEST_NUMBER = 9


class Finding(NamedTuple):
    """One column that looks like personal data.

    Attributes
    ----------
    column : name
        The column.
    type : str
        ``"email"``, ``"ssn"``, ...
    confidence : {"low", "medium", "high"}
        How sure the detector is.
    share : float
        Share of the values that match; NaN where no values were read.
    name_matches : bool
        Whether the column's name points to the type.
    """

    column: Hashable
    type: str
    confidence: str
    share: float
    name_matches: bool


def find_in_column(
    name: Hashable, column: pd.Series | None, detectors: Mapping[str, Any]
) -> list[Finding]:
    """Return what a column may be, one finding per type, the surest first.

    Parameters
    ----------
    name : column name
    column : Series or None
        Its values; None where only the name is to be judged.
    detectors : mapping of type to detector
        None stands for the built-in one.

    Returns
    -------
    list of Finding
    """
    values = None if column is None else as_text(column.dropna())
    findings = []
    for kind, detector in detectors.items():
        if kind == IDENTIFIER and detector is None:
            continue
        named = name_points_to(name, kind)
        share = np.nan
        if values is not None:
            share = _share(values, kind, detector, named)
        confidence = _confidence(kind, share, named)
        if confidence is not None:
            findings.append(Finding(name, kind, confidence, float(share), named))
    is_explained = any(found.confidence != LEVELS[0] for found in findings)
    if IDENTIFIER in detectors and detectors[IDENTIFIER] is None and not is_explained:
        findings += _find_identifier(name, column)
    return sorted(findings, key=lambda found: _rank(found), reverse=True)


def _find_identifier(name: Hashable, column: pd.Series | None) -> list[Finding]:
    """Return whether a column identifies rows, which no value of it tells alone."""
    named = is_identifier_name(name)
    if column is None:
        return [Finding(name, IDENTIFIER, "medium", np.nan, True)] if named else []
    found = find_identifier(column, name) if column.notna().sum() >= _FEWEST_ROWS else None
    if found is None:
        return []
    confidence = "medium" if found.is_numbered else "low"
    return [Finding(name, IDENTIFIER, confidence, found.share, named)]


def best_findings(
    findings: Iterable[Finding], min_confidence: str = "medium"
) -> dict[Hashable, Finding]:
    """Return the surest finding of every column, if it is at least that sure."""
    best: dict[Hashable, Finding] = {}
    for found in findings:
        least = LEVELS.index(min_confidence)
        better = found.column not in best or _rank(found) > _rank(best[found.column])
        if LEVELS.index(found.confidence) >= least and better:
            best[found.column] = found
    return best


def as_text(column: pd.Series) -> np.ndarray:
    """Return the values that may be identifiers as strings: text, and long whole numbers.

    Of a column without any it is empty. Numbers with a fractional part are not identifiers; whole
    numbers stored as floats are.
    """
    if types.is_bool_dtype(column.dtype) or types.is_datetime64_any_dtype(column.dtype):
        return np.array([], dtype=object)
    if types.is_numeric_dtype(column.dtype) and not _has_long_numbers(column):
        return np.array([], dtype=object)
    return spell(column)


def _has_long_numbers(column: pd.Series) -> bool:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    long = 10.0 ** (_SHORTEST_NUMBER - 1)
    return bool(((values >= long) & (values == np.rint(values))).any())


def spell(column: pd.Series) -> np.ndarray:
    """Return values that are present as strings, whole numbers without a point."""
    return np.array([_spell(value) for value in column.astype(object).tolist()], dtype=object)


def _spell(value: Any) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if is_whole else value).strip()


def probabilities(values: np.ndarray, kind: str, detector: Any = None) -> np.ndarray:
    """Return how much every value looks like the type, shape (n_values,), between 0 and 1.

    Raises
    ------
    ValueError
        If a detector of the user returns anything else.
    """
    if detector is None:
        return _apply(PATTERNS[kind], values)
    if hasattr(detector, "predict_proba"):
        found = np.asarray(detector.predict_proba(values), dtype=np.float64)
        found = found[:, -1] if found.ndim == 2 else found
    else:
        found = np.asarray(detector(values), dtype=np.float64)
    if found.shape != values.shape or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(
            f"The detector of {kind!r} must return one probability between 0 and 1 for each of "
            f"{len(values)} values; it returned an array of shape {found.shape}."
        )
    return found


def _apply(pattern: Callable[[str], float], values: np.ndarray) -> np.ndarray:
    """Return the probability of every value; equal values are looked at once."""
    codes, distinct = pd.factorize(values)
    found = np.array([pattern(value) for value in distinct], dtype=np.float64)
    return found[codes] if len(found) else np.zeros(len(values))


def _share(values: np.ndarray, kind: str, detector: Any, named: bool) -> float:
    """Return the share of the values that count as personal data of this type."""
    if len(values) == 0:
        return 0.0
    is_vague = kind == "person_name" and detector is None and not named
    if is_vague and len(pd.unique(values)) < _FEWEST_WORDS:
        return 0.0
    least = _COUNTS_IF_NAMED if named else _COUNTS
    return float((probabilities(values, kind, detector) >= least).mean())


def _confidence(kind: str, share: float, named: bool) -> str | None:
    """Return the level of confidence, or None where there is no evidence."""
    if np.isnan(share):
        return "medium" if named else None
    if (named and share >= 0.5) or (kind in _SPECIFIC and share >= 0.8):
        return "high"
    if share >= 0.5 or (named and share >= 0.2):
        return "medium"
    return "low" if named or share >= 0.2 else None


def _rank(found: Finding) -> tuple[int, bool, float]:
    return LEVELS.index(found.confidence), found.name_matches, np.nan_to_num(found.share)
