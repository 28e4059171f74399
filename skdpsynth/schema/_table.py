"""A private table as a release reads it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._formats import TableFormat
from ._table_schema import TableSchema

__all__ = ["Table"]


class Table(NamedTuple):
    """A private table as the release reads it.

    Attributes
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        Level positions and unit-interval values, NaN where missing.
    schema : TableSchema
        One kind per column, y's included.
    format : TableFormat
        Container, names and the public part of the dtypes.
    has_y : bool
        Whether the last column came as y.
    has_public_schema : bool
        False when the schema was drafted from the rows.
    """

    codes: np.ndarray
    schema: TableSchema
    format: TableFormat
    has_y: bool
    has_public_schema: bool = True
