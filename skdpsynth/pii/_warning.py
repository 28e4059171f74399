"""The warning that a synthesizer is given personal data."""

from __future__ import annotations

import warnings
from collections.abc import Hashable

import pandas as pd

from ..exceptions import PIIWarning
from ..schema import Count, Discrete, TableSchema, shorten
from ._column_names import name_points_to
from ._detector import _some_rows
from ._findings import best_findings, find_in_column
from ._patterns import PATTERNS

__all__ = ["find_in_schema", "warn_of_pii"]

_ROWS_TO_READ = 1_000
# a whole number column is one of these only if its range is that wide
_LEAST_UPPER_BOUND = {"ssn": 10**8, "phone": 10**6, "credit_card": 10**12}
_DETECTORS = dict.fromkeys(PATTERNS)


def warn_of_pii(estimator: object, table: TableSchema | pd.DataFrame, stacklevel: int = 4) -> None:
    """Warn of columns that look like personal data.

    Parameters
    ----------
    estimator : object
        Named in the warning.
    table : TableSchema or DataFrame
        A public schema, of which levels and names are read; or the rows, where there is none.
    """
    found = find_in_schema(table) if isinstance(table, TableSchema) else _find_in_rows(table)
    if not found:
        return
    columns = shorten([f"{name} ({kind})" for name, kind in found.items()])
    warnings.warn(
        f"{type(estimator).__name__} is given columns that look like personal data: {columns}. "
        "A synthesizer repeats the levels of its schema as they are: names, numbers and addresses "
        "of real people would be in the synthetic table. Drop these columns, or put a "
        "skdpsynth.pii.PIIMasker before the synthesizer.",
        PIIWarning,
        stacklevel=stacklevel,
    )


def find_in_schema(schema: TableSchema) -> dict[Hashable, str]:
    """Return the columns whose names, levels or bounds look like personal data, and its type."""
    findings = []
    found: dict[Hashable, str] = {}
    for name, kind in schema.columns.items():
        if isinstance(kind, Discrete):
            levels = pd.Series(list(kind.levels), dtype=object)
            findings += find_in_column(name, levels, _DETECTORS)
        elif isinstance(kind, Count):
            for pii, least in _LEAST_UPPER_BOUND.items():
                if kind.low >= 0 and kind.high >= least and name_points_to(name, pii):
                    found.setdefault(name, pii)
    return {**found, **{name: best.type for name, best in best_findings(findings).items()}}


def _find_in_rows(frame: pd.DataFrame) -> dict[Hashable, str]:
    rows = _some_rows(frame, _ROWS_TO_READ)
    findings = []
    for position, name in enumerate(rows.columns):
        findings += find_in_column(name, rows.iloc[:, position], _DETECTORS)
    return {name: best.type for name, best in best_findings(findings).items()}
