"""MissingnessEncoder: a nullable column to a value and an indicator, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .._fitting import whole_or_not_at_all
from ..exceptions import SchemaError
from ..schema import (
    Categorical,
    ColumnKind,
    Discrete,
    TableFormat,
    TableSchema,
    as_scalar,
    check_missing,
    check_schema,
    decode_column,
    draft_column,
    encode_column,
    public_format,
    restore_column,
    shorten,
    to_float,
    warn_leak,
)
from ._base import TableTransformer

__all__ = ["MissingnessEncoder"]


class MissingnessEncoder(TableTransformer):
    """Turn every nullable column into a column of values and an indicator of missingness.

    Which columns get an indicator is decided by the schema or by `columns`, never by whether the
    data happen to have a hole, so that the shape of the result reveals nothing. Indicators come
    last, in the order of the columns; they are booleans (0 and 1 in an array of numbers).

    Parameters
    ----------
    schema : TableSchema, default=None
        Its nullable columns get an indicator. The columns of an array are matched by position.
    columns : sequence of names, default=None
        The columns that get an indicator, instead of the nullable ones; the others pass through
        unread. With neither, the columns with a hole are read from the data, which is not
        private: a `PrivacyLeakWarning` names them. The columns of an array without a schema are
        ``"x0"``, ``"x1"``, ...
    indicator_suffix : str, default="_missing"
        What the name of an indicator adds to that of its column.
    fill : scalar or mapping of column to scalar, default=None
        What a missing value is replaced by. By default nothing read from the data: the lower
        bound or the first level in the schema; without a schema 0 in numbers, False in booleans
        and "" in strings.

    Attributes
    ----------
    indicator_columns_ : tuple
        The columns that have an indicator.
    fill_ : dict of column to scalar
        What their missing values are replaced by.
    output_schema_ : TableSchema
        The schema of what `transform` returns; only when a schema was given.
    format_ : TableFormat
        The container, names and dtypes of X; with a schema the dtypes follow from it
        (`public_format`).
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, when all are strings.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.schema import Continuous, TableSchema
    >>> table = pd.DataFrame({"income": [1200.0, None]})
    >>> encoder = MissingnessEncoder(
    ...     TableSchema({"income": Continuous(0, 10_000, nullable=True)})
    ... ).fit(table)
    >>> values = encoder.transform(table)
    >>> values
       income  income_missing
    0  1200.0           False
    1     0.0            True
    >>> encoder.inverse_transform(values)
       income
    0  1200.0
    1     NaN
    """

    def __init__(
        self,
        schema: TableSchema | None = None,
        *,
        columns: Sequence[Any] | None = None,
        indicator_suffix: str = "_missing",
        fill: Any = None,
    ) -> None:
        self.schema = schema
        self.columns = columns
        self.indicator_suffix = indicator_suffix
        self.fill = fill

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> MissingnessEncoder:
        """Learn names and dtypes, and decide which columns get an indicator.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table. Its values are read only when neither schema nor columns are given.
        y : None
            Ignored.

        Returns
        -------
        self : MissingnessEncoder

        Raises
        ------
        SchemaError
            If a name or a fill value contradicts the schema.
        TableMismatchError
            If the columns of X are not those of the schema, in its order.
        """
        schema = check_schema(self.schema)
        frame, table_format = self._read_fit(X, schema)
        self._kinds: dict[Hashable, ColumnKind] = {}
        if schema is not None:
            schema = self._match(schema, table_format)
            self._kinds = dict(schema.columns)
        elif self.columns is None:
            holes = [name for name in frame.columns if frame[name].isna().any()]
            self._kinds = {name: draft_column(frame[name], name) for name in holes}
            warn_leak(self, "which columns have missing values and what fills those", holes)
        self.indicator_columns_ = self._decide_columns(table_format)
        self.fill_ = self._decide_fill(table_format)
        if schema is not None:
            self.output_schema_ = self._make_output_schema(schema)
        self.format_ = table_format if schema is None else public_format(table_format, schema)
        return self

    def transform(self, X: Any) -> Any:
        """Return the table without missing values, its indicators last.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            A table with the columns seen in `fit`.

        Returns
        -------
        table : DataFrame or ndarray of shape (n_rows, n_columns + n_indicators)

        Raises
        ------
        TableMismatchError
            If a value is missing in a column that is not nullable.
        """
        frame = self._read(X)
        values, indicators = [], []
        for name in self.format_.names:
            column, missing = frame[name], frame[name].isna().to_numpy()
            if name in self.fill_:
                values.append(self._fill_column(column, missing, name))
                indicators.append(missing)
            elif self.columns is None:
                check_missing(missing, self._kinds.get(name), name)
                values.append(column.array)
            else:
                values.append(column.array)
        return self._output_format().build([*values, *indicators], frame.index)

    def inverse_transform(self, X: Any) -> Any:
        """Return the table with a missing value wherever its indicator says so.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns + n_indicators)
            Values and indicators, as returned by `transform`; an indicator above 1/2 is true.

        Returns
        -------
        table : DataFrame or ndarray of shape (n_rows, n_columns)
            In the container and dtypes seen in `fit`; an integer column with missing values is
            float64, as in pandas.
        """
        frame = self._read_output(X)
        n_columns = len(self.format_.names)
        indicators = {
            name: to_float(frame.iloc[:, n_columns + position], name) > 0.5
            for position, name in enumerate(self.indicator_columns_)
        }
        columns = []
        for position, (name, dtype) in enumerate(
            zip(self.format_.names, self.format_.dtypes, strict=True)
        ):
            column = pd.Series(
                restore_column(frame.iloc[:, position], self._kinds.get(name), dtype, name)
            )
            if name in indicators and indicators[name].any():
                column = column.mask(indicators[name])
            columns.append(column.array)
        return self.format_.build(columns, frame.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns followed by those of the indicators."""
        names = self._input_names(input_features)
        indicators = [self._indicator(name) for name in self.indicator_columns_]
        return np.asarray([*names, *indicators], dtype=object)

    def _indicator(self, name: Hashable) -> str:
        return f"{name}{self.indicator_suffix}"

    def _output_format(self) -> TableFormat:
        indicators = tuple(self._indicator(name) for name in self.indicator_columns_)
        dtypes = (np.dtype(bool),) * len(indicators)
        return replace(
            self.format_,
            names=(*self.format_.names, *indicators),
            dtypes=(*self.format_.dtypes, *dtypes),
        )

    def _decide_columns(self, table_format: TableFormat) -> tuple[Hashable, ...]:
        names = table_format.names
        if self.columns is None:
            chosen = [name for name, kind in self._kinds.items() if kind.nullable]
        else:
            chosen = [self.columns] if isinstance(self.columns, str) else list(self.columns)
        unknown = [name for name in chosen if name not in names]
        if unknown:
            raise SchemaError(
                f"columns names {shorten(unknown)}, which the table lacks; it has {shorten(names)}."
            )
        taken = [self._indicator(name) for name in chosen if self._indicator(name) in names]
        if taken:
            raise SchemaError(
                f"The table already has columns {shorten(taken)}; choose another indicator_suffix."
            )
        return tuple(name for name in names if name in chosen)

    def _decide_fill(self, table_format: TableFormat) -> dict[Hashable, Any]:
        dtype_of = dict(zip(table_format.names, table_format.dtypes, strict=True))
        given = self.fill
        if isinstance(given, Mapping):
            unknown = [name for name in given if name not in self.indicator_columns_]
            if unknown:
                raise SchemaError(
                    f"fill names the columns {shorten(unknown)}, which have no indicator; those "
                    f"that have one are {shorten(self.indicator_columns_)}."
                )
        else:
            given = {} if given is None else dict.fromkeys(self.indicator_columns_, given)
        return {
            name: _check_fill(given[name], self._kinds.get(name), name)
            if name in given
            else _default_fill(self._kinds.get(name), dtype_of[name], name)
            for name in self.indicator_columns_
        }

    def _make_output_schema(self, schema: TableSchema) -> TableSchema:
        filled: dict[Any, ColumnKind] = {
            name: replace(schema[name], nullable=False) for name in self.indicator_columns_
        }
        for name in self.indicator_columns_:
            filled[self._indicator(name)] = Categorical([False, True])
        return schema.replace(filled)

    def _fill_column(self, column: pd.Series, missing: np.ndarray, name: Hashable) -> Any:
        kind, fill = self._kinds.get(name), self.fill_[name]
        dtype = self.format_.dtypes[self.format_.names.index(name)]
        if isinstance(kind, Discrete):
            codes = encode_column(column, replace(kind, nullable=True), name)
            codes[missing] = kind.levels.index(fill)
            return decode_column(codes, kind, dtype, name)
        if isinstance(column.dtype, pd.CategoricalDtype) and fill not in column.cat.categories:
            column = column.cat.add_categories([fill])
        values = column.array.copy()
        values[missing] = fill
        return values


def _default_fill(kind: ColumnKind | None, dtype: Any, name: object) -> Any:
    if isinstance(kind, Discrete):
        return kind.levels[0]
    if kind is not None:
        return kind.low
    if not isinstance(dtype, str):
        if dtype.kind in "iuf":
            return 0
        if dtype.kind == "b":
            return False
        if dtype.kind == "U" or isinstance(dtype, pd.StringDtype):
            return ""
    raise SchemaError(
        f"Column {name!r} of dtype {dtype} has no default fill value without a schema; pass "
        f"fill={{{name!r}: value}}."
    )


def _check_fill(fill: Any, kind: ColumnKind | None, name: object) -> Any:
    fill = as_scalar(fill)
    if isinstance(kind, Discrete):
        if fill not in kind.levels:
            raise SchemaError(
                f"fill={fill!r} is not a level of column {name!r}; its levels are "
                f"{shorten(kind.levels)}."
            )
    elif kind is not None and not (isinstance(fill, int | float) and kind.low <= fill <= kind.high):
        raise SchemaError(
            f"fill={fill!r} is not a number between the bounds of column {name!r}, {kind.low!r} "
            f"and {kind.high!r}."
        )
    return fill
