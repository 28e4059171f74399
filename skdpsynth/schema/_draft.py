"""Drafting a schema from data: bounds, steps, levels and nullability as they occur in it."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from pandas.api import types

from ..exceptions import SchemaError, TableMismatchError
from ._codes import NUMBERS, read_dtype, to_float
from ._dates import make_dates_numbers
from ._doubts import Doubt, doubts_of_column, doubts_of_levels, doubts_of_texts
from ._frames import read_frame
from ._kinds import LARGEST_COUNT, Categorical, ColumnKind, Continuous, Count, Ordinal
from ._lattice import MOST_DECIMALS
from ._steps import fields_of_floats, is_few_valued, step_of_integers

__all__ = ["Draft", "draft_column", "draft_table"]

# an integer target of at most this many distinct values holds class labels
MAX_CLASSES = 20


class Refusal(NamedTuple):
    """Why no kind can be drafted for a column, and what to do in Python and on the command line."""

    python: str
    command: str


class TooManyLevelsError(TableMismatchError):
    """A column has more levels than a draft may list.

    Parameters
    ----------
    refusal : Refusal
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.python)
        self.command = refusal.command


class Draft(NamedTuple):
    """The kinds of the columns of a public table, and what a person should look at.

    Attributes
    ----------
    columns : dict of name to kind
    doubts : list of Doubt
    empty : list of name
        Columns without any value, which have no kind.
    problems : dict of name to Refusal
        Columns that no kind can be drafted for, and why.
    """

    columns: dict[Hashable, ColumnKind]
    doubts: list[Doubt]
    empty: list[Hashable]
    problems: dict[Hashable, Refusal]

    @property
    def all_doubts(self) -> list[Doubt]:
        """What to tell of a draft that is used: the doubts, and which columns are left out."""
        if not self.empty:
            return self.doubts
        left_out = Doubt(
            tuple(self.empty),
            f"The columns {self.empty} have only missing values and are left out of the schema.",
            "If they are to be kept, declare them, such as "
            f"schema.replace({{{self.empty[0]!r}: Count(0, 9, nullable=True)}}); else use "
            "df[list(schema.names)].",
            "If they are to be kept, write them into it by hand; --drop COLUMN leaves one out.",
        )
        return [left_out, *self.doubts]

    def refused(self, names: Iterable[Hashable] = ()) -> dict[Hashable, Refusal]:
        """Return why there is no schema: columns with a problem, and empty ones among the names."""
        needed = set(names) if self.columns else set(self.empty)
        empty = {name: _is_empty(name) for name in self.empty if name in needed}
        return {**self.problems, **{name: Refusal(text, text) for name, text in empty.items()}}

    def require_kinds(self, names: Iterable[Hashable] = ()) -> None:
        """Raise if one of these columns, or any with a problem, has no kind; all are named.

        Raises
        ------
        TableMismatchError
        """
        problems = self.refused(names)
        if len(problems) == 1:
            raise TableMismatchError(next(iter(problems.values())).python)
        if problems:
            listed = "".join(f"\n- {problem.python}" for problem in problems.values())
            raise TableMismatchError(
                f"{len(problems)} columns have no kind; all of them can be left out with "
                f"df.drop(columns={list(problems)!r}).{listed}"
            )


def draft_table(
    table: Any, max_levels: int = 1000, target: Hashable = None, with_doubts: bool = True
) -> Draft:
    """Return the draft of a public table; see `TableSchema.from_frame`."""
    problems: dict[Hashable, Refusal] = {}
    if isinstance(table, pd.DataFrame) and table.columns.is_unique:
        problems = _problems_of_dtypes(table)
        # by position: a list of names such as True would select rows
        kept = [at for at, name in enumerate(table.columns) if name not in problems]
        if problems and not kept:
            return Draft({}, [], [], problems)
        table = table.iloc[:, kept] if problems else table
    frame, table_format = read_frame(table)
    draft = Draft({}, [], [], problems)
    for position, name in enumerate(table_format.names):
        column = frame.iloc[:, position]
        if column.isna().all():
            draft.empty.append(name)
            continue
        try:
            kind = draft_column(column, name, name == target, max_levels)
        except TableMismatchError as error:
            problems[name] = Refusal(str(error), getattr(error, "command", str(error)))
            continue
        draft.columns[name] = kind
        if with_doubts:
            draft.doubts.extend(doubts_of_column(column, name, kind, name == target))
    if with_doubts:
        draft.doubts.extend(doubts_of_levels(draft.columns))
    return draft


def _problems_of_dtypes(frame: pd.DataFrame) -> dict[Hashable, Refusal]:
    problems: dict[Hashable, Refusal] = {}
    for position, name in enumerate(frame.columns):
        try:
            read_dtype(frame.dtypes.iloc[position], name)
        except TableMismatchError as error:
            problems[name] = Refusal(str(error), str(error))
    return problems


def _is_empty(name: object) -> str:
    return (
        f"Column {name!r} has only missing values, so it has no bounds or levels; drop it, or "
        "declare it in a schema."
    )


def draft_column(
    column: pd.Series, name: object, is_target: bool = False, max_levels: int = 1000
) -> ColumnKind:
    """Return the kind of one column, with the bounds or levels that occur in it."""
    if column.isna().all():
        raise TableMismatchError(_is_empty(name))
    nullable = bool(column.isna().any())
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _draft_category(dtype, name, nullable)
    if types.is_bool_dtype(dtype) or types.infer_dtype(column, skipna=True) == "boolean":
        # both, whichever occur
        return Categorical([False, True], nullable=nullable)
    if types.is_numeric_dtype(dtype) or _holds_numbers(column):
        return _draft_numbers(column, name, nullable, is_target)
    return _draft_levels(column, name, nullable, max_levels)


def _holds_numbers(column: pd.Series) -> bool:
    if not types.is_object_dtype(column.dtype):
        return False
    return types.infer_dtype(column, skipna=True) in NUMBERS - {"boolean"}


def _draft_category(dtype: pd.CategoricalDtype, name: object, nullable: bool) -> ColumnKind:
    kind = Ordinal if dtype.ordered else Categorical
    dates = make_dates_numbers(dtype.categories[0], name) if len(dtype.categories) else None
    if dates is not None:
        raise TableMismatchError(f"The categories of column {name!r} cannot be levels: {dates}.")
    try:
        return kind(dtype.categories.tolist(), nullable=nullable)
    except SchemaError as error:
        raise TableMismatchError(
            f"The categories of column {name!r} cannot be levels: {error}"
        ) from None


def _draft_levels(column: pd.Series, name: Any, nullable: bool, max_levels: int) -> ColumnKind:
    values = column.dropna()
    if types.is_object_dtype(column.dtype):
        for cls, value in {type(value): value for value in values}.items():
            dates = make_dates_numbers(value, name)
            if dates is not None:
                raise TableMismatchError(
                    f"Column {name!r} holds objects of type {cls.__name__}: {dates}."
                )
    try:
        levels = pd.unique(values).tolist()
        if len(levels) <= max_levels:
            return Categorical(_sort(levels), nullable=nullable)
    except SchemaError as error:
        raise TableMismatchError(
            f"The values of column {name!r} cannot be levels: {error}"
        ) from None
    except TypeError as error:
        raise TableMismatchError(
            f"The values of column {name!r} cannot be levels: {error}; convert it, for instance "
            f"with df[{name!r}].astype(str)."
        ) from None
    many = f"Column {name!r} has {len(levels)} distinct values, more than max_levels={max_levels}."
    doubts = doubts_of_texts(levels, name)
    if doubts:
        reason = f"{many} {doubts[0].reason}"
        raise TooManyLevelsError(
            Refusal(f"{reason} {doubts[0].python}", f"{reason} {doubts[0].command}")
        )
    what = (
        f"{many} An identifier or free text should be dropped; otherwise declare its levels in a "
        "schema."
    )
    raise TooManyLevelsError(Refusal(what, what))


def _sort(levels: list[Any]) -> list[Any]:
    try:
        return sorted(levels)
    except TypeError:
        return levels


def _draft_numbers(column: pd.Series, name: object, nullable: bool, is_target: bool) -> ColumnKind:
    present = to_float(column, name)
    present = present[~np.isnan(present)]
    values, counts = np.unique(present, return_counts=True)
    if np.isinf(values).any():
        raise TableMismatchError(
            f"Column {name!r} holds an infinite value, which is not a bound; replace it by a "
            "finite number or by NaN."
        )
    low, high = float(values[0]), float(values[-1])
    # the width of a range must be a normal number
    if high - low < sys.float_info.min:
        high = low + max(1.0, abs(low))
    if not _are_integers(column, values, nullable):
        if is_few_valued(values, counts, is_target):
            return Ordinal(values.tolist(), nullable=nullable)
        is_single = (
            types.is_float_dtype(dtype := column.dtype) and getattr(dtype, "itemsize", 8) < 8
        )
        fields = fields_of_floats(values, counts, digits=6 if is_single else MOST_DECIMALS)
        if fields:
            # without the error of a computation, such as in 0.1 + 0.2
            low, high = (float(np.round(bound, fields["decimals"])) for bound in (low, high))
        return Continuous(low, high, nullable=nullable, **fields)
    if max(abs(low), abs(high)) > LARGEST_COUNT:
        return _draft_codes(column, name, nullable)
    if is_target and len(values) <= MAX_CLASSES:
        return Categorical(values.astype(np.int64).tolist(), nullable=nullable)
    if values.tolist() == [0.0, 1.0]:
        return Categorical([0, 1], nullable=nullable)
    step = step_of_integers(values, counts)
    return Count(int(low), int(high), nullable=nullable, step=step)


def _draft_codes(column: pd.Series, name: object, nullable: bool) -> ColumnKind:
    """Return the kind of integers beyond 2**53: a few are the codes of a register."""
    levels = sorted({int(value) for value in column.dropna().tolist()})
    if len(levels) > MAX_CLASSES:
        raise TableMismatchError(
            f"Column {name!r} holds {len(levels)} integers, some beyond 2**53, where no count is "
            "encoded exactly; drop it if it is an identifier, declare its levels if these are "
            "codes, otherwise convert it to float."
        )
    return Categorical(levels, nullable=nullable)


def _are_integers(column: pd.Series, values: np.ndarray, nullable: bool) -> bool:
    if types.is_integer_dtype(column.dtype):
        return True
    if types.is_object_dtype(column.dtype):
        return types.infer_dtype(column, skipna=True) == "integer"
    # pandas stores integers as floats when some are missing; large floats are whole numbers anyway
    is_small = bool((np.abs(values) <= LARGEST_COUNT).all())
    return nullable and is_small and bool((values == np.rint(values)).all())
