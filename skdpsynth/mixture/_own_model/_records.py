"""Encoded rows as the records that a NumPyro model sees, and back."""

from __future__ import annotations

import numpy as np

from ...schema import Numeric, TableSchema

__all__ = ["example_record", "to_codes", "to_records"]


def example_record(schema: TableSchema) -> np.ndarray:
    """Return the middle of every numeric column and the first level of every other."""
    codes = [0.5 if isinstance(kind, Numeric) else 0.0 for kind in schema.columns.values()]
    return to_records(np.array([codes]), schema)[0]


def to_records(codes: np.ndarray, schema: TableSchema) -> np.ndarray:
    """Return what a model sees of encoded rows.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Level positions and unit-interval values, NaN where missing.
    schema : TableSchema

    Returns
    -------
    records : ndarray of shape (n_rows, n_columns), float32
        Level positions, and numbers in their own units, NaN where missing.
    """
    records = np.array(codes, dtype=np.float64)
    for j, kind in enumerate(schema.columns.values()):
        if isinstance(kind, Numeric):
            records[:, j] = kind.low + records[:, j] * (kind.high - kind.low)
            if kind.lattice is not None:
                records[:, j] = kind.lattice.snap(records[:, j])
    return records.astype(np.float32)


def to_codes(records: np.ndarray, schema: TableSchema) -> np.ndarray:
    """Return encoded rows of what a model sampled: rounded and clipped into the schema."""
    codes = np.array(records, dtype=np.float64)
    for j, kind in enumerate(schema.columns.values()):
        if isinstance(kind, Numeric):
            values = np.clip(codes[:, j], kind.low, kind.high)
            values = values if kind.lattice is None else kind.lattice.snap(values)
            codes[:, j] = (values - kind.low) / (kind.high - kind.low)
        else:
            codes[:, j] = np.clip(np.rint(codes[:, j]), 0, len(kind.levels) - 1)
    return codes
