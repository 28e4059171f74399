"""What of schemas and formats of tables is stored in files."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from .._storing import Entry, Stored, require
from ..privacy import PrivacyLedger, Purchase
from ._containers import CONTAINERS, require_container
from ._formats import CATEGORIES, TableFormat
from ._json import read_json
from ._kinds import Categorical, Continuous, Count, Ordinal
from ._table_schema import TableSchema

__all__ = ["STORED", "check_format"]


class SchemaState(NamedTuple):
    """A schema: its JSON text, and the ledger of its purchase."""

    text: str
    ledger: PrivacyLedger | None


def _take_schema(schema: TableSchema) -> dict[str, Any]:
    for name in schema:
        if isinstance(name, float) and not math.isfinite(name):
            raise ValueError(f"JSON has no column name {name!r}; rename the column")
    return {"text": schema.to_json(indent=None), "ledger": schema.ledger}


def _make_schema(text: str, ledger: PrivacyLedger | None) -> TableSchema:
    columns, target, purchases = read_json(text)
    if ledger is not None and not purchases:
        # files of before purchases had a number: this one is told from every other, and so never
        # left out of a sum
        purchases = (Purchase.of(ledger.spent()),)
        columns = {name: replace(kind, bought_with=purchases) for name, kind in columns.items()}
    return TableSchema(columns, target)._paid_for(purchases, ledger)


def check_format(table_format: TableFormat) -> None:
    """Check that every column has a dtype, and the container is known and installed."""
    require(table_format.container in CONTAINERS, "its container is unknown")
    is_arrow = any(str(dtype).endswith("arrow category") for dtype in table_format.dtypes)
    require_container(table_format.container, uses_arrow=is_arrow)
    require(len(table_format.names) == len(table_format.dtypes), "columns lack their dtypes")
    for dtype in table_format.dtypes:
        is_category = isinstance(dtype, str) and dtype in CATEGORIES
        is_dtype = isinstance(dtype, np.dtype | pd.api.extensions.ExtensionDtype)
        require(is_category or is_dtype, "a column has no dtype")


STORED = Stored(
    entries=(
        *map(Entry, (Categorical, Ordinal)),
        Entry(Count, added=frozenset({"step"})),
        Entry(Continuous, added=frozenset({"step", "decimals"})),
        Entry(TableSchema, state=SchemaState, taken=_take_schema, build=_make_schema),
        Entry(TableFormat, check_format),
    )
)
