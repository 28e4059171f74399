"""From raw text or OpenML's types to the types that a schema asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.utils import Bunch

from ..exceptions import TableMismatchError
from ..schema import LARGEST_COUNT, Continuous, Count, TableSchema, shorten

__all__ = ["apply_schema", "choose_rows", "make_bunch"]

SUBSETS = ("all", "train", "test")


def apply_schema(
    raw: pd.DataFrame, schema: TableSchema, missing: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns of a schema, in its order and with the types that it implies.

    Parameters
    ----------
    raw : DataFrame of shape (n_rows, n_columns)
        Text, as ``read_csv(dtype=str, keep_default_na=False)`` gives it, categories or numbers.
    schema : TableSchema
        The columns to keep; others are left out.
    missing : sequence of str, default=()
        Texts that stand for a missing value where the column is nullable. An empty text does so
        everywhere but where it is a level.

    Returns
    -------
    DataFrame
        Counts as int64 (float64 with missing values), real numbers as float64, levels as they are.

    Raises
    ------
    TableMismatchError
        If a column is absent or a value is neither a number nor a level where one is expected.
    """
    _check_names(raw, schema)
    raw = raw.set_axis([str(name) for name in raw.columns], axis=1)
    columns = {
        name: _convert(raw[str(name)], name, kind, missing) for name, kind in schema.columns.items()
    }
    return pd.DataFrame(columns).reset_index(drop=True)


def _check_names(raw: pd.DataFrame, schema: TableSchema) -> None:
    own = [str(name) for name in raw.columns]
    absent = [name for name in schema.names if str(name) not in own]
    if not absent:
        return
    alike = {_fold(name): name for name in own}
    meant = [(str(n), alike[_fold(n)]) for n in absent if _fold(n) in alike]
    hint = "".join(f" Is {found!r} the column {name!r}?" for name, found in meant[:3])
    if len(absent) == len(schema) and not meant:
        raise TableMismatchError(
            f"The table has none of the columns of the schema, {shorten(absent)}; its own are "
            f"{shorten(own)}. Is it another table, or does its first line not name the columns?"
        )
    raise TableMismatchError(
        f"The table lacks the columns {shorten(absent)} of the schema; it has {shorten(own)}.{hint}"
    )


def _fold(name: Any) -> str:
    """Return a name without case, spaces and punctuation."""
    letters = "".join(letter for letter in str(name).casefold() if letter.isalnum())
    return letters or str(name)


def _convert(column: pd.Series, name: Any, kind: Any, missing: Sequence[str]) -> pd.Series:
    if isinstance(kind, Count | Continuous):
        return _numbers(column, name, kind, missing)
    codes, distinct = pd.factorize(column)
    levels = {str(level): level for level in kind.levels}
    values = [_level(text, name, levels, missing, kind) for text in _as_texts(distinct)]
    # the extra value at the end is what factorize's own code for missing values, -1, picks
    lookup = np.array([*values, None], dtype=object)
    if (codes < 0).any() and not kind.nullable:
        raise _missing_values(name, kind)
    found = pd.Series(lookup[codes], index=column.index, dtype=object)
    is_large = any(type(level) is int and abs(level) > LARGEST_COUNT for level in kind.levels)
    # floats, which integers become beside missing values, would not hold large ones
    return found if is_large and (codes < 0).any() else found.infer_objects()


def _as_texts(values: Any) -> list[str]:
    """Return stripped texts; those of whole numbers have no decimal point."""
    return [
        str(int(value) if isinstance(value, float) and value.is_integer() else value).strip()
        for value in values.tolist()
    ]


def _level(value: str, name: Any, levels: dict[str, Any], missing: Sequence[str], kind: Any) -> Any:
    if value in levels:
        return levels[value]
    if kind.nullable and (value == "" or value in missing):
        return None
    if kind.other is not None:
        return kind.other
    if value == "" or value in missing:
        raise _missing_values(name, kind, value)
    raise TableMismatchError(
        f"Column {name!r} holds {value!r}, which is not among its {len(levels)} levels "
        f"{shorten(levels)}. Add the level to the schema, recode the table, or leave the column "
        "out of the schema."
    )


def _numbers(column: pd.Series, name: Any, kind: Any, missing: Sequence[str]) -> pd.Series:
    if not types.is_numeric_dtype(column.dtype):
        column = column.astype(object)
        texts = column.map(lambda value: value.strip() if isinstance(value, str) else value)
        column = texts.mask(texts.isin(["", *missing]), None)
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = numbers.isna() & column.notna()
    if wrong.any():
        raise TableMismatchError(
            f"Column {name!r} holds {column[wrong].iloc[0]!r}, which is not a number, as its kind "
            f"{type(kind).__name__} asks for."
        )
    if numbers.isna().any() and not kind.nullable:
        raise _missing_values(name, kind)
    whole = isinstance(kind, Count) and not numbers.isna().any() and bool((numbers % 1 == 0).all())
    return numbers.astype(np.int64 if whole else np.float64)


def _missing_values(name: Any, kind: Any, text: str | None = None) -> TableMismatchError:
    spelled = {None: "", "": " (an empty field)"}.get(text, f" ({text!r})")
    return TableMismatchError(
        f"Column {name!r} has missing values{spelled} but is not nullable: pass nullable=True to "
        f"{type(kind).__name__}."
    )


def choose_rows(raw: pd.DataFrame, subset: str, train: np.ndarray) -> pd.DataFrame:
    """Return all rows, the publisher's training rows or the others."""
    if subset not in SUBSETS:
        raise ValueError(f"subset={subset!r} is not one of {list(SUBSETS)}.")
    if subset == "all":
        return raw
    return raw[train if subset == "train" else ~train]


def make_bunch(
    frame: pd.DataFrame, schema: TableSchema, description: str, licence: str, **others: Any
) -> Bunch:
    """Return what every loader returns."""
    return Bunch(
        frame=frame,
        data=frame.drop(columns=schema.target),
        target=frame[schema.target],
        schema=schema,
        DESCR=description,
        licence=licence,
        **others,
    )
