"""Conditions on columns of the table, carried through the steps to those of the synthesizer."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd
from sklearn.base import OneToOneFeatureMixin

from ..exceptions import TableMismatchError
from ..preprocessing import BoundedDiscretizer, MissingnessEncoder, TableEncoder, read_frame
from ..schema import is_missing, quote, shorten
from ._steps import is_passthrough

__all__ = ["carry_conditions", "transform_rows"]


def carry_conditions(
    conditions: Mapping[Any, Any],
    steps: Sequence[tuple[str, Any]],
    rows: Any,
    names: Sequence[Hashable],
) -> dict[int, Any]:
    """Return the conditions on the transformed table, by column position.

    Parameters
    ----------
    conditions : mapping of column name to value
        On columns of X.
    steps : sequence of (str, transformer)
        Fitted, without the synthesizer.
    rows : DataFrame or ndarray of shape (n_rows, n_columns)
        Rows like those of X, such as synthetic ones. There are several because a step may go back
        at random, and a value must come back every time.
    names : sequence
        The columns of X.

    Raises
    ------
    TableMismatchError
        If a column is not there, or its value does not survive the steps: conditions are exact or
        refused.
    """
    unknown = [name for name in conditions if name not in names]
    if unknown:
        raise TableMismatchError(
            f"conditions names the column {unknown[0]!r}, which the table does not have; its "
            f"columns are {shorten(names)}."
        )
    start = [list(names).index(name) for name in conditions]
    given = _set_values(rows, dict(zip(start, conditions.values(), strict=True)))
    places = {position: [position] for position in start}
    table = given
    for name, step in steps:
        if is_passthrough(step):
            continue
        places = {
            position: [place for at in found for place in _follow(step, at, name, names[position])]
            for position, found in places.items()
        }
        table = step.transform(table)
    _check_survival(given, steps, table, {names[position]: position for position in start})
    codes, _ = read_frame(table)
    return {place: codes.iloc[0, place] for found in places.values() for place in found}


def transform_rows(steps: Sequence[tuple[str, Any]], table: Any) -> Any:
    """Return the table as the last of the steps leaves it."""
    for _, step in steps:
        table = table if is_passthrough(step) else step.transform(table)
    return table


def _set_values(rows: Any, values: Mapping[int, Any]) -> Any:
    frame, table_format = read_frame(rows)
    columns = []
    for position in range(frame.shape[1]):
        if position in values:
            value = values[position]
            is_object = isinstance(value, str) or value is None
            columns.append(
                pd.Series([value] * len(frame), dtype=object if is_object else None).array
            )
        else:
            columns.append(frame.iloc[:, position].array)
    return table_format.build(columns)


def _follow(step: Any, position: int, name: str, column: Hashable) -> list[int]:
    """Return the columns that a column becomes, or raise where it mixes with others."""
    if isinstance(step, MissingnessEncoder):
        columns = step.format_.names
        if columns[position] in step.indicator_columns_:
            return [position, len(columns) + step.indicator_columns_.index(columns[position])]
        return [position]
    if isinstance(step, TableEncoder | BoundedDiscretizer | OneToOneFeatureMixin):
        return [position]
    raise TableMismatchError(
        f"The condition on {column!r} cannot be carried through step {name!r} "
        f"({type(step).__name__}), whose columns are not those of the table one by one; leave that "
        "step out, or draw more rows and keep those that fit."
    )


def _check_survival(
    given: Any, steps: Sequence[tuple[str, Any]], table: Any, places: Mapping[Hashable, int]
) -> None:
    for _, step in reversed(steps):
        table = table if is_passthrough(step) else step.inverse_transform(table)
    before, after = read_frame(given)[0], read_frame(table)[0]
    for name, place in places.items():
        value: Any = before.iloc[0, place]
        for back in after.iloc[:, place].tolist():
            if not (value == back or (is_missing(value) and is_missing(back))):
                raise TableMismatchError(
                    f"The condition {name!r}: {quote(value)} does not survive the steps: the value "
                    f"comes back as {quote(back)}. Condition on a value within the bounds that is "
                    "not binned, or draw more rows and keep those that fit."
                )
