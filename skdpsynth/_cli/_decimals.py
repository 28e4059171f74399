"""Numbers in files: decimals after a point or a comma, and how many digits."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

import click
import numpy as np
import pandas as pd
from pandas.api import types

from ..exceptions import TableMismatchError
from ..schema import Continuous, TableSchema

__all__ = ["digits_option", "read_decimals", "round_to_digits", "with_points"]

digits_option = click.option(
    "--digits",
    metavar="N",
    type=click.IntRange(1, 17),
    help="Significant digits of real numbers; by default all.",
)

COMMA = re.compile(r"[-+]?\d*,\d*(?:[eE][-+]?\d+)?")
POINT = re.compile(r"[-+]?\d+(?:\.\d{3})+(?:,\d*)?|[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
SWAP = str.maketrans(",.", ".,")


def with_points(texts: pd.Series, decimal: str) -> pd.Series:
    """Return texts, None where missing, of which the numbers are those with this decimal mark.

    With a comma, ``0,5`` becomes ``0.5`` and ``1.234`` becomes ``1,234``, which is not a number.
    """
    if decimal == ".":
        return texts
    return texts.map(lambda text: text.translate(SWAP), na_action="ignore")


def read_decimals(raw: pd.DataFrame, numeric: Container[str], decimal: str) -> pd.DataFrame:
    """Return a table of texts with points for the commas of numbers in numeric columns.

    Each value is read by itself, and what is not a number stays as it is.

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


def round_to_digits(frame: pd.DataFrame, schema: TableSchema, digits: int | None) -> pd.DataFrame:
    """Return rows whose real numbers have so many significant digits, and stay within bounds."""
    if digits is None:
        return frame
    rounded: dict[Any, Any] = {}
    for name in frame.columns:
        kind = schema.columns.get(name)
        if isinstance(kind, Continuous) and types.is_float_dtype(frame[name].dtype):
            values = [float(f"{value:.{digits}g}") for value in frame[name].to_numpy(float)]
            rounded[name] = np.clip(kind.snap(np.array(values)), kind.low, kind.high)
        else:
            rounded[name] = frame[name].array
    return pd.DataFrame(rounded, index=frame.index)
