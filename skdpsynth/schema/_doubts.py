"""What a person should look at in a drafted schema, with the line to change."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ._codes import MARKERS, to_float
from ._dates import are_date_texts, are_times, describe_date_numbers
from ._identifiers import find_identifier
from ._kinds import LARGEST_COUNT, Continuous, Discrete, Numeric, Ordinal, shorten
from ._number_texts import find_number_texts
from ._steps import MAX_LEVELS, are_repeated

__all__ = ["Doubt", "doubts_of_column", "doubts_of_levels", "doubts_of_texts"]

# fewer rows say nothing: a draft may be made from three rows of a handbook
FEWEST_ROWS = 20
_MOST_LEVELS = 2_000
_POSTAL = re.compile(r"(?:^|[^a-z])(?:zip|post(?:al)?|plz|phone|mobile|fax|tel)(?:$|[^a-z])")
DATES = (
    "Dates have no kind of their own: leave the column out, or make it a number of days by the "
    "preprocess of a --model-file."
)


class Doubt(NamedTuple):
    """Something about a draft that may not be what was meant.

    Attributes
    ----------
    columns : tuple of name
    reason : str
        A sentence that names the columns.
    python : str
        What to change, in Python; a sentence.
    command : str
        What to change, on the command line; a sentence.
    """

    columns: tuple[Hashable, ...]
    reason: str
    python: str
    command: str


def doubts_of_column(
    column: pd.Series, name: Hashable, kind: Any, is_target: bool = False
) -> list[Doubt]:
    """Return what is doubtful of one drafted column; the surest explanation only.

    The target is not an identifier, whatever it looks like.
    """
    if isinstance(kind, Numeric):
        found = _of_numbers(column, name, kind)
    else:
        # ordered levels are meant as they are
        texts = [] if isinstance(kind, Ordinal) else list(kind.levels)
        found = doubts_of_texts(texts, name) or _of_few_levels(column, name, kind)
    return found or ([] if is_target else _of_identifiers(column, name))


def doubts_of_texts(levels: list[Any], name: Hashable) -> list[Doubt]:
    """Return whether the distinct values of a column of texts look like dates or numbers."""
    if not levels or not all(isinstance(level, str) for level in levels):
        return []
    if are_date_texts(levels):
        return [_date_doubt(f"The levels of {[name]} are dates.", name)]
    if are_times(levels):
        return [_time_doubt(name)]
    digits = [text for text in levels if re.fullmatch(r"\d{6,14}", text.strip())]
    spelled = describe_date_numbers(np.array(digits)) if len(digits) == len(levels) else None
    if spelled is not None:
        return [_date_doubt(f"The texts of {name!r} look like {spelled}.", name)]
    numbers = find_number_texts(levels)
    if numbers is None:
        return []
    if numbers.styles == ("zeros",):
        python = f"If they are codes, keep the first digits: df[{name!r}] = df[{name!r}].str[:3]; "
        python += f"if numbers: df[{name!r}] = pd.to_numeric(df[{name!r}])."
        command = (
            "If they are codes, keep those in the schema that a code book lists, or leave the "
            f"column out with --drop {_quote(name)}; if they are numbers, remove the zeros in the "
            "file."
        )
        return [Doubt((name,), numbers.describe(name), python, command)]
    return [Doubt((name,), numbers.describe(name), *_convert(numbers, name))]


def _convert(numbers: Any, name: Hashable) -> tuple[str, str]:
    """Return how texts become numbers, in Python and on the command line."""
    line, own = numbers.converter(name, "df"), numbers.converter(name, "frame")
    if line is None:
        choose = (
            "Declare the texts as levels in their order, {levels}, or decide which number stands "
            "for each"
        )
        python = choose.format(levels=f"schema.replace({{{name!r}: Ordinal([...])}})")
        command = choose.format(levels='"kind": "ordinal"')
        return f"{python}.", f"{command} in the file, or by the preprocess of a --model-file."
    if numbers.styles == ("comma",) and not numbers.foreign:
        python = "If decimals follow a comma, read the file with decimal=','."
        return python, "If decimals follow a comma, draft again with --decimal ','."
    python = f"Make numbers of them first: {line}"
    command = (
        "Write plain numbers into the file, such as 1234.5, or make them by the preprocess of a "
        f'--model-file, {own}, and declare "kind": "continuous" with bounds.'
    )
    if numbers.ambiguous == ",":
        either = " That reads 12,345 as twelve thousand; if decimals follow the comma, "
        python += f".{either}read the file with decimal=','"
        command += f"{either}use --decimal ','."
    elif numbers.ambiguous == ".":
        either = " That reads 1.234 as about one; if the point separates thousands, remove it first"
        python += f".{either}"
        command += f"{either}."
    if numbers.other is not None:
        python += f". If {numbers.other!r} stands for a missing value, declare it nullable"
        command += f" If {numbers.other!r} stands for a missing value: --missing {numbers.other!r}."
    return f"{python}.", command


def _date_doubt(reason: str, name: Hashable) -> Doubt:
    python = (
        "Dates have no kind of their own: leave the column out with "
        f"schema.drop([{name!r}]), or make it the days since a public date, such as "
        f'(pd.to_datetime(df[{name!r}], format=...) - pd.Timestamp("2000-01-01")).dt.days.'
    )
    return Doubt((name,), reason, python, DATES)


def _time_doubt(name: Hashable) -> Doubt:
    return Doubt(
        (name,),
        f"The levels of {[name]} are times of day, of which no order is known.",
        "Make them numbers, such as minutes: "
        f'df[{name!r}] = pd.to_timedelta(df[{name!r}] + ":00").dt.total_seconds() / 60.',
        f"Leave the column out with --drop {_quote(name)}, or make it a number of minutes by the "
        "preprocess of a --model-file.",
    )


def _since_1970(name: Hashable, spelled: str, example: int) -> Doubt:
    units = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6}
    per_day = 86_400 * units[spelled.partition(" ")[0]]
    return Doubt(
        (name,),
        f"The numbers of {name!r} look like {spelled}, such as {example}.",
        f"If they are, make them days: df[{name!r}] = df[{name!r}] // {per_day:_}.",
        f"If they are, make them days, each divided by {per_day:_}, in the file or by the "
        "preprocess of a --model-file.",
    )


def _of_numbers(column: pd.Series, name: Hashable, kind: Numeric) -> list[Doubt]:
    values = to_float(column, name)
    values = values[~np.isnan(values)]
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) == 1 and len(values) >= FEWEST_ROWS:
        value = type(kind.low)(distinct[0])
        return [_constant_doubt(name, value, f"the bounds of {kind!r} are a guess")]
    if (distinct == np.rint(distinct)).all() and (np.abs(distinct) <= LARGEST_COUNT).all():
        spelled = describe_date_numbers(distinct.astype(np.int64))
        if spelled is not None:
            example = int(distinct[0])
            if "since 1970" in spelled:
                return [_since_1970(name, spelled, example)]
            reason = (
                f"The numbers of {name!r} look like {spelled}, such as {example}: between two of "
                "them lie numbers that are not dates, which the synthetic table would have."
            )
            return [_date_doubt(reason, name)]
        if _POSTAL.search(str(name).lower()) and len(distinct) >= FEWEST_ROWS:
            return [_code_doubt(name)]
    if _has_gaps(kind, len(distinct)) and are_repeated(counts):
        return [_few_doubt(name, distinct)]
    has_three = isinstance(kind, Continuous) and kind.decimals == 3
    if has_three and len(values) >= FEWEST_ROWS and distinct[0] >= 1 and 100 <= distinct[-1] < 1000:
        return [_thousands_doubt(name, distinct[0])]
    return []


def _has_gaps(kind: Numeric, n_distinct: int) -> bool:
    """Whether a column has few of the values that its kind allows."""
    allowed = np.inf if kind.n_steps is None else kind.n_steps + 1
    return 2 <= n_distinct <= MAX_LEVELS and allowed > 3 * n_distinct


def _few_doubt(name: Hashable, distinct: np.ndarray) -> Doubt:
    values = shorten(distinct.tolist())
    return Doubt(
        (name,),
        f"The column {name!r} has only the {len(distinct)} values {values}; the synthetic table "
        "will have numbers between them.",
        f"If there are no others: schema.replace({{{name!r}: Ordinal({values})}}).",
        f'If there are no others: "kind": "ordinal", "levels": {values}.',
    )


def _constant_doubt(name: Hashable, value: Any, guess: str) -> Doubt:
    return Doubt(
        (name,),
        f"All rows have the same value in {name!r}, {value!r}, and {guess}.",
        f"Leave it out with schema.drop([{name!r}]), or declare what else it may be.",
        f"Leave it out with --drop {_quote(name)}, or write into the schema what else it may be.",
    )


def _code_doubt(name: Hashable) -> Doubt:
    return Doubt(
        (name,),
        f"The numbers of {name!r} are codes by their name: their size means nothing.",
        f"Leave it out with schema.drop([{name!r}]), or make its first digits levels: "
        f"df[{name!r}] = df[{name!r}].astype(str).str.zfill(5).str[:3].",
        f"Leave it out with --drop {_quote(name)}, or write its first digits as texts.",
    )


def _thousands_doubt(name: Hashable, example: float) -> Doubt:
    return Doubt(
        (name,),
        f"All numbers of {name!r} have three decimals, such as {example:.3f}. If the point "
        "separates thousands, they are a thousand times too small.",
        f"Then read the file with thousands='.', or df[{name!r}] = df[{name!r}] * 1000.",
        "Then write them without the point into the file.",
    )


def _of_few_levels(column: pd.Series, name: Hashable, kind: Discrete) -> list[Doubt]:
    levels = list(kind.levels)
    n_present = int(column.notna().sum())
    if len(levels) == 1 and n_present >= FEWEST_ROWS:
        return [_constant_doubt(name, levels[0], "it is the only level")]
    alike = defaultdict(list)
    for level in levels[:_MOST_LEVELS]:
        if isinstance(level, str):
            alike[" ".join(level.split()).casefold()].append(level)
    doubled = [shorten(same) for same in alike.values() if len(same) > 1]
    if not doubled:
        return []
    return [
        Doubt(
            (name,),
            f"The levels {' and '.join(doubled[:3])} of {name!r} differ in capitals or spaces "
            "only.",
            f"If they mean the same: df[{name!r}] = df[{name!r}].str.strip().str.lower().",
            "If they mean the same, spell them alike in the file.",
        )
    ]


def _of_identifiers(column: pd.Series, name: Hashable) -> list[Doubt]:
    found = find_identifier(column, name)
    if found is None:
        return []
    return [
        Doubt(
            (name,),
            f"The column {name!r} {found.reason}: it looks like an identifier, which has no place "
            "in a synthetic table.",
            f"If it is one, leave it out with schema.drop([{name!r}]).",
            f"If it is one, leave it out with --drop {_quote(name)}.",
        )
    ]


def _quote(name: Hashable) -> str:
    return f"'{name}'" if re.search(r"\W", str(name)) else str(name)


def doubts_of_levels(kinds: Mapping[Hashable, Any]) -> list[Doubt]:
    """Return levels that look as if they stood for missing values, one doubt for each marker."""
    levels = {name: kind.levels for name, kind in kinds.items() if isinstance(kind, Discrete)}
    found = {marker: [name for name in levels if marker in levels[name]] for marker in MARKERS}
    return [
        Doubt(
            tuple(columns),
            f"{marker!r} became a level of {columns}.",
            f"If it stands for a missing value, read the file with na_values=[{marker!r}].",
            f"If it stands for a missing value, draft again with --missing '{marker}'.",
        )
        for marker, columns in found.items()
        if columns
    ]
