"""Numbers in text files: decimals after a point or a comma."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

import pandas as pd
from pandas.api import types

from skdpsynth.exceptions import TableMismatchError

__all__ = ["read_decimals", "with_points"]

COMMA = re.compile(r"[-+]?\d*,\d*(?:[eE][-+]?\d+)?")
POINT = re.compile(r"[-+]?\d+(?:\.\d{3})+(?:,\d*)?|[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
SWAP = str.maketrans(",.", ".,")


def with_points(texts: pd.Series, decimal: str) -> pd.Series:
    """Return texts, None where missing, of which the numbers are those with this decimal mark.

    With a comma, ``0,5`` becomes ``0.5`` and ``1.234`` becomes ``1,234``, which is no number.
    """
    if decimal == ".":
        return texts
    return texts.map(lambda text: text.translate(SWAP), na_action="ignore")


def read_decimals(raw: pd.DataFrame, numeric: Container[str], decimal: str) -> pd.DataFrame:
    """Return a table of texts with points for the commas of numbers in numeric columns.

    Each value is read by itself, and what is no number stays as it is.

    Raises
    ------
    TableMismatchError
        If a number has a point where decimals follow a comma: 1.234 may be one or a thousand.
    """
    if decimal == ".":
        return raw
    columns = {
        name: raw[name].astype(object).map(lambda text, name=name: _read(text, name))
        if str(name) in numeric and not types.is_numeric_dtype(raw[name].dtype)
        else raw[name]
        for name in raw.columns
    }
    return pd.DataFrame(columns, index=raw.index)


def _read(text: Any, name: Any) -> Any:
    if not isinstance(text, str):
        return text
    if POINT.fullmatch(text.strip()):
        raise TableMismatchError(
            f"Column {name!r} holds {text!r}, but --decimal says that decimals follow a comma; "
            "write numbers without a point, and none between the thousands."
        )
    return text.replace(",", ".") if COMMA.fullmatch(text.strip()) else text
