"""TableEncoder: a table of mixed columns to an array of codes, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._fitting import whole_or_not_at_all
from ..schema import (
    Categorical,
    ColumnKind,
    Continuous,
    Discrete,
    Ordinal,
    TableSchema,
    check_schema,
    decode_table,
    draft_privately,
    encode_table,
    public_format,
    warn_leak,
)
from ._base import TableTransformer

__all__ = ["TableEncoder"]


class TableEncoder(TableTransformer):
    """Encode a table as an array of codes, and decode such codes into a table like it.

    Levels become their positions 0 to L - 1, numbers the position (x - low) / (high - low) in
    their public range, missing values NaN. Values outside the bounds are clipped. All of this is
    done record by record, so encoding costs no privacy.

    Parameters
    ----------
    schema : TableSchema, default=None
        The public kinds of the columns. Its target may be absent from X. The columns of an array
        are matched by position. By default the schema is drafted from the data, which is not
        private: a `PrivacyLeakWarning` names the columns.

    Attributes
    ----------
    schema_ : TableSchema
        The kinds of the columns of X.
    output_schema_ : TableSchema
        The schema of what `transform` returns: positions of levels, and numbers from 0 to 1.
    format_ : TableFormat
        The container and names of X, and dtypes that follow from the schema (`public_format`).
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, when all are strings.

    See Also
    --------
    BoundedDiscretizer : Bin numeric columns between public bounds.
    MissingnessEncoder : Turn missing values into indicator columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.schema import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 100), "sex": Categorical(["F", "M"])})
    >>> table = pd.DataFrame({"age": [25, 50], "sex": ["M", "F"]})
    >>> encoder = TableEncoder(schema).fit(table)
    >>> encoder.transform(table)
    array([[0.25, 1.  ],
           [0.5 , 0.  ]])
    >>> encoder.inverse_transform([[0.301, 0.2]])
       age sex
    0   30   F
    """

    def __init__(self, schema: TableSchema | None = None) -> None:
        self.schema = schema

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> TableEncoder:
        """Learn the container, names and dtypes of X; its values are not read under a schema.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table.
        y : None
            Ignored.

        Returns
        -------
        self : TableEncoder

        Raises
        ------
        TableMismatchError
            If the columns of X are not those of the schema, in its order.
        """
        schema = check_schema(self.schema)
        frame, table_format = self._read_fit(X, schema)
        if schema is None:
            schema = draft_privately(frame)
            warn_leak(self, "the bounds, steps, levels and nullability", schema)
        self.schema_ = self._match(schema, table_format)
        self.output_schema_ = self.schema_.replace(
            {name: _code_kind(kind) for name, kind in self.schema_.columns.items()}
        )
        self.format_ = public_format(table_format, self.schema_)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes of a table.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            A table with the columns seen in `fit`.

        Returns
        -------
        codes : ndarray of shape (n_rows, n_columns), float64
            A data frame after ``set_output(transform="pandas")``.

        Raises
        ------
        TableMismatchError
            If a value does not fit its column; the message quotes it.
        """
        return encode_table(self._read(X), self.schema_)

    def inverse_transform(self, X: Any) -> Any:
        """Return the table that has these codes, in the container and dtypes seen in `fit`.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Codes; levels are rounded and clipped to the nearest, counts to the nearest integer.

        Returns
        -------
        table : DataFrame or ndarray of shape (n_rows, n_columns)
            Dtypes follow from the schema.
        """
        frame = self._read_output(X)
        codes = frame.to_numpy(dtype=np.float64, na_value=np.nan)
        return decode_table(codes, self.schema_, self.format_, frame.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the encoded columns, which are those of the table."""
        return self._input_names(input_features)


def _code_kind(kind: ColumnKind) -> ColumnKind:
    """Return the kind of the codes of a column."""
    known: dict[str, Any] = {"nullable": kind.nullable, "bought_with": kind.bought_with}
    if not isinstance(kind, Discrete):
        return Continuous(0, 1, **known)
    codes = Ordinal if isinstance(kind, Ordinal) else Categorical
    return codes(range(len(kind.levels)), **known)
