"""Parquet files: their types in and out."""

from __future__ import annotations

import io

import pandas as pd
from pandas.api import types

from ..schema import Discrete, TableSchema
from ._house import Problem

__all__ = [
    "PARQUET_START",
    "keep_categories",
    "parquet_bytes",
    "read_parquet",
    "require_pyarrow",
]

PARQUET_START = b"PAR1"


def require_pyarrow() -> None:
    """Raise a `Problem` where pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise Problem(
            "Parquet files need pyarrow, which is not installed: pip install pyarrow, or use CSV."
        ) from None


def read_parquet(content: bytes) -> pd.DataFrame:
    """Return the table of a file, in pandas' nullable dtypes, which follow from the file's types.

    With numpy's, a missing value would make floats of a column of integers.
    """
    require_pyarrow()
    return pd.read_parquet(io.BytesIO(content), dtype_backend="numpy_nullable")


def keep_categories(frame: pd.DataFrame, raw: pd.DataFrame, schema: TableSchema) -> pd.DataFrame:
    """Return the frame with categories where the file has a dictionary, so that they come back."""
    dtype_of = {str(name): dtype for name, dtype in raw.dtypes.items()}
    for name, kind in schema.columns.items():
        dtype = dtype_of[str(name)]
        if isinstance(kind, Discrete) and isinstance(dtype, pd.CategoricalDtype):
            levels = pd.CategoricalDtype(list(kind.levels), ordered=dtype.ordered)
            frame[name] = frame[name].astype(object).astype(levels)
    return frame


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Return a table as the content of a Parquet file, categories as dictionaries."""
    require_pyarrow()
    columns = {str(name): _as_storable(frame[name]) for name in frame.columns}
    buffer = io.BytesIO()
    pd.DataFrame(columns).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _as_storable(column: pd.Series) -> pd.Series:
    """Return a column that Parquet can hold: it has no dictionaries of truth values."""
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    if is_category and types.is_bool_dtype(column.cat.categories.dtype):
        return column.astype("boolean")
    return column
