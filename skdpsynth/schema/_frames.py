"""Tables in and out: any container becomes a pandas frame, and a frame the container it was."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from os import PathLike
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.sparse import issparse

from ..exceptions import TableMismatchError
from ._codes import decode_column, encode_column, read_dtype
from ._columns import Columns
from ._containers import as_pandas, as_series, check_names, plain_columns
from ._formats import TableFormat
from ._kinds import shorten

__all__ = [
    "decode_table",
    "encode_table",
    "fit_schema_to_names",
    "join_target",
    "read_any_frame",
    "read_frame",
]

AnyColumns = TypeVar("AnyColumns", bound=Columns)


def read_frame(
    X: Any, schema: Columns | None = None, ensure_min_samples: int = 1
) -> tuple[pd.DataFrame, TableFormat]:
    """Return any table as a pandas frame, with the format that turns a frame back into it.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_rows, n_columns)
        pandas, polars, an Arrow table or record batch, any other frame with ``to_pandas()``, or
        what numpy makes an array of.
    schema : TableSchema, default=None
        Names the columns of an array by position, with or without its target; by default they are
        ``"x0"``, ``"x1"``, ... Whether a frame has the schema's columns is not checked here.
    ensure_min_samples : int, default=1
        Fewer rows are an error.

    Returns
    -------
    frame : DataFrame of shape (n_rows, n_columns)
        Shares memory with `X` where possible. Categories of intervals have become texts.
    table_format : TableFormat

    Raises
    ------
    TypeError
        If `X` is sparse, or lazy.
    ValueError
        If `X` is not two-dimensional, is empty, or is complex.
    TableMismatchError
        If column names repeat, a column has a dtype no kind can hold, such as a date, or an array
        does not have as many columns as the schema.

    Examples
    --------
    >>> frame, table_format = read_frame([[1, 2], [3, 4]])
    >>> list(frame), table_format.container
    (['x0', 'x1'], 'numpy')
    """
    table = _read_table(X, ensure_min_samples)
    if table is None:
        return _read_array(X, schema, ensure_min_samples)
    frame, container = table
    dtypes = tuple(read_dtype(frame.dtypes.iloc[j], name) for j, name in enumerate(frame.columns))
    table_format = TableFormat(container, tuple(frame.columns.tolist()), dtypes)
    return plain_columns(frame), table_format


def read_any_frame(X: Any, ensure_min_samples: int = 1) -> tuple[pd.DataFrame, str]:
    """Return a table as a pandas frame, and its container; dates and other dtypes are admitted.

    The columns of an array are named ``"x0"``, ``"x1"``, ...; what else `read_frame` refuses is
    refused.
    """
    table = _read_table(X, ensure_min_samples)
    if table is None:
        frame, table_format = read_frame(X, ensure_min_samples=ensure_min_samples)
        return frame, table_format.container
    frame, container = table
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        if dtype.kind == "c":
            read_dtype(dtype, name)
    return plain_columns(frame), container


def _read_table(X: Any, ensure_min_samples: int) -> tuple[pd.DataFrame, str] | None:
    """Return a frame of any container, its shape and names checked; None if it is none."""
    if issparse(X):
        raise TypeError(
            "Sparse data was passed, but a dense table is required; convert it with X.toarray()."
        )
    table = as_pandas(X)
    if table is not None:
        _check_shape(table[0].shape, ensure_min_samples)
        check_names(table[0].columns)
    return table


def _read_array(
    X: Any, schema: Columns | None, ensure_min_samples: int
) -> tuple[pd.DataFrame, TableFormat]:
    array = _as_array(X)
    if array.ndim != 2:
        raise ValueError(f"Expected 2D array, got {array.ndim}D array instead. {_make_table(X)}")
    if array.dtype.kind == "c":
        raise ValueError("Complex data not supported; pass real and imaginary parts as columns.")
    _check_shape(array.shape, ensure_min_samples)
    n_columns = array.shape[1]
    names = _array_names(n_columns, schema)
    dtype = read_dtype(array.dtype, names[0])
    frame = pd.DataFrame(array, copy=False, dtype=object if dtype.kind in "OU" else None)
    frame.columns = pd.Index(list(names))
    return frame, TableFormat("numpy", names, (dtype,) * n_columns)


def _make_table(X: Any) -> str:
    """Return how to make a table of what is none."""
    if isinstance(X, str | PathLike):
        return f"Read the file first, for instance with pd.read_csv({str(X)!r})."
    if isinstance(X, pd.Series):
        return "A table of this one column is X.to_frame()."
    return "Reshape your data: one column is X.reshape(-1, 1), one row X.reshape(1, -1)."


def _as_array(values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind in "US" and not hasattr(values, "dtype"):
        # numpy would spell the numbers of a mixed list as strings
        return np.asarray(values, dtype=object)
    return array


def _array_names(n_columns: int, schema: Columns | None) -> tuple[Any, ...]:
    if schema is None:
        return tuple(f"x{position}" for position in range(n_columns))
    for names in (schema.names, schema.feature_names):
        if len(names) == n_columns:
            return names
    target = "" if schema.target is None else f" or, without its target, {len(schema) - 1}"
    raise TableMismatchError(
        f"The columns of an array are matched to the schema by position, but it has {n_columns} "
        f"and the schema {len(schema)}{target}; pass a frame, or change the schema."
    )


def _check_shape(shape: tuple[int, ...], ensure_min_samples: int) -> None:
    for count, axis, least in zip(
        shape, ("sample", "feature"), (ensure_min_samples, 1), strict=True
    ):
        if count < least:
            raise ValueError(
                f"Found array with {count} {axis}(s) (shape={shape}) while a minimum of {least} "
                "is required."
            )


def join_target(
    frame: pd.DataFrame, table_format: TableFormat, y: Any, name: Hashable = None
) -> tuple[pd.DataFrame, TableFormat]:
    """Return a table with y as one more column, the last.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        As returned by `read_frame`, with its `table_format`.
    table_format : TableFormat
        The format of X.
    y : array-like of shape (n_rows,) or (n_rows, 1)
        The target; rows are matched by position, as in scikit-learn.
    name : name, default=None
        The new column's name; by default that of `y`, or ``"target"`` when it has none.

    Raises
    ------
    ValueError
        If y is not one column, or does not have as many rows as X.
    TableMismatchError
        If X already has a column of that name.

    Examples
    --------
    >>> frame, table_format = join_target(*read_frame([[1.5], [2.5]]), [0, 1])
    >>> table_format.names
    ('x0', 'target')
    """
    y = as_series(y)
    if not isinstance(y, pd.Series):
        array = _as_array(y)
        if array.ndim != 1 and array.shape[1:] != (1,):
            raise ValueError(f"y must be one column, got shape {array.shape}.")
        y = pd.Series(array.ravel(), dtype=object if array.dtype.kind in "OU" else None)
    if len(y) != len(frame):
        raise ValueError(f"X and y differ in length: {len(frame)} and {len(y)} rows.")
    if name is None:
        name = "target" if y.name is None else y.name
    if name in table_format.names:
        raise TableMismatchError(
            f"X already has the target column {name!r}; drop it from X, or do not pass y."
        )
    column = plain_columns(y.set_axis(frame.index).to_frame())
    joined = pd.concat([frame, column], axis=1)
    joined.columns = pd.Index([*table_format.names, name])
    dtypes = (*table_format.dtypes, read_dtype(y.dtype, name))
    return joined, TableFormat(table_format.container, (*table_format.names, name), dtypes)


def fit_schema_to_names(schema: AnyColumns, names: Sequence[Hashable]) -> AnyColumns:
    """Return the part of the schema that describes a table with these columns.

    That is the whole schema, or, when only the target column is absent, its features: a
    transformer in a pipeline sees X without y.

    Raises
    ------
    TableMismatchError
        If columns are missing, unknown or in another order.
    """
    names = tuple(names)
    if names == schema.names:
        return schema
    if schema.target is not None and names == schema.feature_names:
        return schema.drop([schema.target])
    missing = [name for name in schema.names if name not in names]
    unknown = [name for name in names if name not in schema]
    if not missing and not unknown:
        raise TableMismatchError(
            f"The table's columns are in another order, {shorten(names)}, than the schema's, "
            f"{shorten(schema.names)}; pass df[list(schema.names)]."
        )
    found = f"lacks the columns {shorten(missing)}" if missing else ""
    joint = " and " if missing and unknown else ""
    found += joint + (f"has the unknown columns {shorten(unknown)}" if unknown else "")
    raise TableMismatchError(
        f"The table {found}. Pass df[list(schema.names)], or change the schema with "
        "schema.select, schema.drop or schema.replace."
    )


def encode_table(frame: pd.DataFrame, schema: Columns) -> np.ndarray:
    """Return the codes of a table: the one place where rows are checked against a schema.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        As returned by `read_frame`.
    schema : TableSchema
        Has exactly the columns of the frame, in its order.

    Returns
    -------
    codes : ndarray of shape (n_rows, n_columns), float64
        A discrete column holds the positions of its levels, 0 to L - 1; a numeric one
        (x - low) / (high - low), clipped to [0, 1]; NaN where a value is missing.

    Raises
    ------
    TableMismatchError
        If a value does not fit its column; the message names the column, one offending value and
        the way out.

    Examples
    --------
    >>> from skdpsynth.schema import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 100), "sex": Categorical(["F", "M"])})
    >>> encode_table(pd.DataFrame({"age": [25, 130], "sex": ["M", "F"]}), schema)
    array([[0.25, 1.  ],
           [1.  , 0.  ]])
    """
    names = tuple(frame.columns.tolist())
    if names != schema.names:
        fit_schema_to_names(schema.with_target(None), names)
    # column by column in memory, as they are written here and read later
    codes = np.empty(frame.shape, dtype=np.float64, order="F")
    for position, (name, kind) in enumerate(schema.columns.items()):
        codes[:, position] = encode_column(frame.iloc[:, position], kind, name)
    return codes


def decode_table(
    codes: np.ndarray,
    schema: Columns,
    table_format: TableFormat,
    index: pd.Index | None = None,
) -> Any:
    """Return the table that has these codes, in the container and dtypes of `table_format`.

    The inverse of `encode_table`: levels are rounded and clipped to the nearest position, counts
    to the nearest integer, and NaN becomes the dtype's missing marker. An integer column with a
    missing value becomes float64, as pandas does; one whose bounds its dtype cannot hold, int64.

    Parameters
    ----------
    codes : ndarray of shape (n_rows, n_columns)
        n_rows may be 0.
    schema : TableSchema
        The kinds of the columns.
    table_format : TableFormat
        Container, names and dtypes, in the order of the schema.
    index : Index, default=None
        The index of a frame; by default 0, 1, ...

    Returns
    -------
    table : DataFrame or ndarray of shape (n_rows, n_columns)

    Raises
    ------
    TableMismatchError
        If a code is missing in a column that is not nullable.
    """
    columns = [
        decode_column(codes[:, position], kind, dtype, name)
        for position, ((name, kind), dtype) in enumerate(
            zip(schema.columns.items(), table_format.dtypes, strict=True)
        )
    ]
    return table_format.build(columns, index)
