"""The table that methods are compared on, and its split into training and test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split
from sklearn.utils import Bunch

from .. import datasets
from ..datasets import apply_schema
from ..schema import Categorical, Ordinal, TableSchema

__all__ = ["NAMED_TABLES", "BenchmarkTable", "hash_rows", "read_table", "split_rows"]

SPLITS = ("stratified", "official")


@dataclass(frozen=True)
class BenchmarkTable:
    """Rows with their schema.

    Attributes
    ----------
    name : str
        What to call it in the report.
    frame : DataFrame of shape (n_rows, n_columns)
        All rows that are split, or the publisher's training rows where `test` is given.
    schema : TableSchema
        Of all columns, with a target.
    test : DataFrame or None
        The publisher's test rows.
    groups : Series or None
        Rows of one group are not split.
    edges : mapping or None
        Bin edges for distances between marginals.
    left_out : tuple of str
        Columns of the file that the schema does not have.
    """

    name: str
    frame: pd.DataFrame
    schema: TableSchema
    test: pd.DataFrame | None = None
    groups: pd.Series | None = None
    edges: Mapping[Any, Sequence[float]] | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_classification(self) -> bool:
        """Whether the target is a column of levels."""
        return isinstance(self.schema[self.schema.target], Categorical | Ordinal)

    @property
    def n_classes(self) -> int:
        """The number of levels of the target, 0 for a numeric one."""
        return len(self.schema[self.schema.target].levels) if self.is_classification else 0


@dataclass(frozen=True)
class _Named:
    """How to load a table of the package: once for a split at random, or by the publisher's."""

    load: Callable[..., Bunch]
    whole: Mapping[str, Any]
    parts: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None


_PARTS = ({"subset": "train"}, {"subset": "test"})
_FRAME = {"as_frame": True}

NAMED_TABLES = {
    "adult": _Named(datasets.fetch_adult, {}, _PARTS),
    "census": _Named(datasets.fetch_census, {}, _PARTS),
    "covid19": _Named(datasets.fetch_covid19, {}),
    "credit_card_fraud": _Named(datasets.fetch_credit_card_fraud, {}),
    "isolet": _Named(datasets.fetch_isolet, {}, _PARTS),
    "mnist": _Named(
        datasets.fetch_mnist, _FRAME, ({**_PARTS[0], **_FRAME}, {**_PARTS[1], **_FRAME})
    ),
    "rand_hie": _Named(datasets.load_rand_hie, {}),
}


def read_table(
    data: Any,
    target: Any = None,
    schema: TableSchema | str | Path | None = None,
    *,
    split: str = "stratified",
    missing: Sequence[str] = ("?",),
) -> BenchmarkTable:
    """Return the table that is named, or that a file or a frame holds.

    Parameters
    ----------
    data : str, path, DataFrame or BenchmarkTable
        A name of `NAMED_TABLES`, a CSV file, rows, or what this function returned.
    target : name, optional
        The column to predict, by default the target of the schema.
    schema : TableSchema or path, optional
        Of the columns; a path is that of a JSON file. A named table has its own.
    split : {"stratified", "official"}, default="stratified"
        Whether a named table is split at random or as its publisher did.
    missing : sequence of str, default=("?",)
        Texts of a CSV file that stand for a missing value, besides an empty one.

    Raises
    ------
    ValueError
        If something is unknown or lacking; the message says what to pass.
    """
    if split not in SPLITS:
        raise ValueError(f"split={split!r} is not one of {list(SPLITS)}.")
    if isinstance(data, BenchmarkTable):
        if split == "official" and data.test is None:
            raise ValueError("split='official' is for named tables: a file has no other part.")
        return _check_target(replace(data, schema=_with_target(data.schema, target)))
    named = isinstance(data, str) and data in NAMED_TABLES and not Path(data).is_file()
    if named:
        table = _load_named(data, split)
        if schema is not None:
            raise ValueError(f"The table {data!r} has a schema of its own; pass none.")
    elif split == "official":
        raise ValueError("split='official' is for named tables: a file has no other part.")
    elif not isinstance(data, pd.DataFrame) and not Path(data).is_file():
        raise ValueError(
            f"{str(data)!r} is neither a file nor one of the tables {list(NAMED_TABLES)}."
        )
    elif schema is None:
        raise ValueError(
            f"A schema is needed, unless data is one of {list(NAMED_TABLES)}. Write it by hand, or "
            "draft it from public rows: TableSchema.from_frame(rows).to_json('schema.json')."
        )
    else:
        table = _read_rows(data, _read_schema(schema), missing)
    return _check_target(replace(table, schema=_with_target(table.schema, target)))


def _check_target(table: BenchmarkTable) -> BenchmarkTable:
    labels = table.frame[table.schema.target]
    if labels.isna().any():
        raise ValueError(f"The target {table.schema.target!r} has missing values; drop the rows.")
    return table


def _with_target(schema: TableSchema, target: Any) -> TableSchema:
    if target is not None:
        return schema.with_target(target)
    if schema.target is None:
        raise ValueError("Name the target: the schema has none.")
    return schema


def _load_named(name: str, split: str) -> BenchmarkTable:
    entry = NAMED_TABLES[name]
    if split == "stratified":
        loaded, test = entry.load(**entry.whole), None
    elif entry.parts is None:
        raise ValueError(f"The publisher of {name!r} states no split; use split='stratified'.")
    else:
        loaded, test = (entry.load(**arguments) for arguments in entry.parts)
        test = test.frame
    return BenchmarkTable(
        name, loaded.frame, loaded.schema, test, loaded.get("groups"), loaded.get("edges")
    )


def _read_schema(schema: TableSchema | str | Path) -> TableSchema:
    if isinstance(schema, TableSchema):
        return schema
    path = Path(schema)
    if not path.is_file():
        raise ValueError(f"There is no schema at {str(path)!r}.")
    return TableSchema.from_json(path.read_text(encoding="utf-8"))


def _read_rows(data: Any, schema: TableSchema, missing: Sequence[str]) -> BenchmarkTable:
    if isinstance(data, pd.DataFrame):
        frame, name = apply_schema(data, schema), "table"
        return BenchmarkTable(name, frame, schema)
    path = Path(data)
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    known = {str(name) for name in schema.names}
    left_out = tuple(str(name) for name in raw.columns if str(name) not in known)
    frame = apply_schema(raw, schema, missing)
    return BenchmarkTable(path.name.partition(".")[0], frame, schema, left_out=left_out)


def split_rows(
    table: BenchmarkTable, seed: int, test_size: float, max_train_rows: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and test rows, stratified by the label and without their old index.

    The training rows are cut to `max_train_rows` afterwards, so that the test rows stay the same.
    """
    labels = table.frame[table.schema.target] if table.is_classification else None
    if table.test is not None:
        train, test = table.frame, table.test
    elif table.groups is not None:
        folds = StratifiedGroupKFold(round(1 / test_size), shuffle=True, random_state=seed)
        rows = next(folds.split(table.frame, labels, table.groups))
        train, test = (table.frame.iloc[part] for part in rows)
    else:
        train, test = train_test_split(
            table.frame, test_size=test_size, random_state=seed, stratify=labels
        )
    if max_train_rows is not None and len(train) > max_train_rows:
        train = train.sample(max_train_rows, random_state=seed)
    return train.reset_index(drop=True), test.reset_index(drop=True)


def hash_rows(table: BenchmarkTable) -> str:
    """Return a fingerprint of the rows and the schema."""
    digest = sha256(table.schema.to_json().encode())
    for frame in (table.frame, table.test):
        if frame is not None:
            rows = pd.util.hash_pandas_object(frame, index=False).to_numpy()
            digest.update(np.ascontiguousarray(rows).tobytes())
    return digest.hexdigest()[:16]
