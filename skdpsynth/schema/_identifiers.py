"""Columns that name a row rather than say something about it."""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from ._dates import are_date_texts
from ._kinds import LARGEST_COUNT

__all__ = ["Identifier", "find_identifier"]

# fewer rows differ by chance
_FEWEST_ROWS, _FEWEST_NUMBERS = 20, 100
_ALMOST_ALL = 0.95
# codes that occur again and again are identifiers only if there are that many of them
_FEWEST_CODES = 50
_SAVED_INDEX = re.compile(r"Unnamed: \d+|index|level_\d+", re.IGNORECASE)
_NAMES = re.compile(
    r"(?:^|[^a-z])(?:ids?|identifier|uuid|guid|key|index|nbr|record ?no|row ?no|number|no|nr|mrn)$"
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HASH = re.compile(
    r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|(?=.*\d)(?=.*[a-f])[0-9a-f]{16,128}",
    re.IGNORECASE,
)


class Identifier(NamedTuple):
    """Why a column looks like an identifier.

    Attributes
    ----------
    reason : str
        Completes "The column ...".
    share : float
        Distinct values per value that is present.
    is_numbered : bool
        Whether the values count up with the rows, or the name of the column says what it is:
        more than that they differ.
    """

    reason: str
    share: float
    is_numbered: bool


def find_identifier(column: pd.Series, name: object) -> Identifier | None:
    """Return why a column looks like an identifier; None if it does not.

    Examples
    --------
    >>> find_identifier(pd.Series([f"P{row:05d}" for row in range(900)]), "patient").is_numbered
    True
    """
    values = column.dropna()
    if not len(values) or types.is_bool_dtype(values.dtype):
        return None
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    is_named = is_identifier_name(name)
    if types.is_numeric_dtype(values.dtype):
        return _find_in_numbers(values.to_numpy(dtype=np.float64), str(name), is_named)
    if len(values) < _FEWEST_ROWS or types.infer_dtype(values, skipna=True) != "string":
        return None
    return _find_in_texts(values.astype(str).str.strip(), is_named)


def is_identifier_name(name: object) -> bool:
    """Whether the name of a column says that it identifies rows.

    >>> is_identifier_name("PassengerId"), is_identifier_name("acid")
    (True, False)
    """
    words = re.sub(r"[\W_]+", " ", _CAMEL.sub(" ", str(name))).lower().strip()
    return bool(_NAMES.search(words))


def _find_in_numbers(values: np.ndarray, name: str, is_named: bool) -> Identifier | None:
    if not ((np.abs(values) <= LARGEST_COUNT).all() and (values == np.rint(values)).all()):
        return None
    steps = np.diff(values)
    if _SAVED_INDEX.fullmatch(name) and len(values) > 1 and (steps == steps[0]).all():
        return Identifier("has the row numbers that a table was saved with", 1.0, True)
    if len(values) < _FEWEST_ROWS:
        return None
    n_distinct = len(np.unique(values))
    share = n_distinct / len(values)
    if (steps > 0).all() or (steps < 0).all():
        even = bool((steps == steps[0]).all())
        way = f"goes {'up' if steps[0] > 0 else 'down'} {'by the same step ' if even else ''}"
        return Identifier(f"{way}from row to row", share, even or is_named)
    span = values.max() - values.min() + 1
    if share == 1.0 and span == len(values):
        return Identifier("has every number of a range once", share, True)
    if (steps >= 0).all() and share >= _ALMOST_ALL:
        return Identifier("goes up from row to row", share, is_named)
    if len(values) >= _FEWEST_NUMBERS and share == 1.0:
        return Identifier("has another number in every row", share, is_named)
    if is_named and n_distinct >= _FEWEST_NUMBERS and share >= 0.1:
        return Identifier(
            f"has {n_distinct:,} different numbers, and the name of an identifier", share, True
        )
    return None


def _find_in_texts(values: pd.Series, is_named: bool) -> Identifier | None:
    distinct = values.unique().tolist()
    share = len(distinct) / len(values)
    if are_date_texts(distinct):
        return None
    example = str(distinct[0])[:40]
    if len(distinct) >= _FEWEST_ROWS and all(_HASH.fullmatch(text) for text in distinct):
        return Identifier(f"has codes like {example!r}", share, is_named)
    form = {re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text)) for text in distinct}
    # such as P00017: letters, and a number of some length
    has_form = len(form) == 1 and 3 <= next(iter(form)).count("9") <= 18
    if has_form and len(distinct) >= _FEWEST_ROWS:
        numbers = np.array([int(re.sub(r"\D", "", text)) for text in distinct])
        prefix = {re.sub(r"\d", "", text) for text in distinct}
        if len(prefix) == 1 and (np.diff(numbers) > 0).all() and share >= 0.1:
            reason = f"has codes of one form that count up from row to row, such as {example!r}"
            return Identifier(reason, share, share >= _ALMOST_ALL)
    if share >= _ALMOST_ALL:
        rows = "every row" if share == 1.0 else "almost every row"
        return Identifier(f"has another text in {rows}, such as {example!r}", share, is_named)
    is_code = has_form and next(iter(form)).count("9") >= 4 and "a" in next(iter(form))
    if (is_code or is_named) and len(distinct) >= _FEWEST_CODES and share >= 0.1:
        reason = f"has {len(distinct):,} different codes, such as {example!r}"
        return Identifier(reason, share, is_named)
    return None
