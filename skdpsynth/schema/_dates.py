"""Dates, which have no kind of their own: as texts, as numbers, and as objects."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

__all__ = ["are_date_texts", "are_times", "describe_date_numbers", "make_dates_numbers"]

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    r"(?:\d{4}-\d\d?-\d\d?|\d{4}/\d\d?/\d\d?|\d{4}\.\d\d?\.\d\d?|\d\d?[./-]\d\d?[./-]\d{4}"
    rf"|\d\d?[ -]{_MONTH}[ -]\d{{2,4}}|{_MONTH} \d\d?,? \d{{4}}|{_MONTH}[ -]\d{{4}}"
    r"|\d{4}-(?:0[1-9]|1[0-2])|\d{4}[- ]?Q[1-4]|\d{4}-W\d\d)"
    r"(?:[T ,]+\d\d?:\d\d.*)?",
    re.IGNORECASE,
)
_COMPACT = (
    ("%Y%m%d", 8, "dates written as 20240131"),
    ("%d%m%Y", 8, "dates written as 31012024"),
    ("%m%d%Y", 8, "dates written as 01312024"),
    ("%Y%m", 6, "months written as 202401"),
    ("%Y%m%d%H%M", 12, "times written as 202401311200"),
    ("%Y%m%d%H%M%S", 14, "times written as 20240131120000"),
)
_TIME = re.compile(r"\d\d?:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[ap]m)?", re.IGNORECASE)
# seconds since 1970 of the years 2001 to 2036
_SECONDS = (1e9, 2.1e9)
_FEWEST_NUMBERS = 10


def are_date_texts(texts: Sequence[Any]) -> bool:
    """Whether all texts, of which there is at least one, are dates or times."""
    return _all_match(texts, _DATE)


def are_times(texts: Sequence[Any]) -> bool:
    """Whether all texts, of which there is at least one, are times of day."""
    return _all_match(texts, _TIME)


def _all_match(texts: Sequence[Any], pattern: re.Pattern[str]) -> bool:
    return bool(texts) and all(
        isinstance(text, str) and pattern.fullmatch(text.strip()) for text in texts
    )


def describe_date_numbers(values: np.ndarray) -> str | None:
    """Return how distinct whole numbers, or texts of digits, spell dates; None if they do not.

    >>> describe_date_numbers(np.arange(20240101, 20240131))
    'dates written as 20240131'
    """
    if len(values) < _FEWEST_NUMBERS:
        return None
    texts = [str(value) for value in values.tolist()[:5_000]]
    for form, length, description in _COMPACT:
        # a leading zero is lost in a number: 1012024
        texts_of_form = [text.zfill(length) for text in texts if len(text) >= length - 1]
        if len(texts_of_form) == len(texts) and _are_dates(texts_of_form, form, length):
            return description
    numbers = pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(dtype=np.float64)
    for unit, name in ((1.0, "seconds"), (1e3, "milliseconds"), (1e6, "microseconds")):
        if ((numbers >= _SECONDS[0] * unit) & (numbers <= _SECONDS[1] * unit)).all():
            return f"{name} since 1970"
    return None


def _are_dates(texts: Sequence[str], form: str, length: int) -> bool:
    if any(len(text) != length for text in texts):
        return False
    dates = pd.to_datetime(pd.Series(texts), format=form, errors="coerce")
    return bool(dates.notna().all() and dates.dt.year.between(1850, 2150).all())


def make_dates_numbers(what: Any, name: object) -> str | None:
    """Return how a column of dates, times or durations is made numbers; None if it is of others.

    Parameters
    ----------
    what : dtype or scalar
        The dtype of the column, or one of its values.
    name : object
        The column.
    """
    column = f"df[{name!r}]"
    days = (
        "dates have no kind; make it the days since a public date, such as "
        '({} - pd.Timestamp("2000-01-01")).dt.days, or {}.dt.year'
    )
    text = str(what)
    is_dtype = isinstance(what, np.dtype | pd.api.extensions.ExtensionDtype)
    if isinstance(what, pd.PeriodDtype | pd.Period):
        few = f"; few periods, such as quarters, may be levels: {column}.astype(str)"
        return days.format(f"{column}.dt.start_time", column) + few
    if isinstance(what, pd.Timedelta | np.timedelta64 | datetime.timedelta) or (
        is_dtype and (types.is_timedelta64_dtype(what) or text.startswith("duration"))
    ):
        seconds = f"{column}.dt.total_seconds()"
        if not is_dtype:
            seconds = f"pd.to_timedelta({column}).dt.total_seconds()"
        return f"durations have no kind; make it a number, such as {seconds}"
    if isinstance(what, datetime.time) or (is_dtype and re.match(r"time(32|64)?\[", text)):
        minutes = f"{column}.map(lambda t: 60 * t.hour + t.minute)"
        return f"times of day have no kind; make it a number, such as minutes: {minutes}"
    if isinstance(what, pd.DatetimeTZDtype) or (is_dtype and "tz=" in text):
        return days.format(f"{column}.dt.tz_localize(None)", column)
    if is_dtype and text.startswith("date") and text.endswith("[pyarrow]"):
        converted = f"pd.to_datetime({column})"
        return days.format(converted, converted)
    if is_dtype and types.is_datetime64_any_dtype(what):
        return days.format(column, column)
    if isinstance(what, datetime.date | np.datetime64):
        converted = f"pd.to_datetime({column})"
        return days.format(converted, converted)
    return None
