"""What a table looks like apart from its values, and how much of that may be published."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..exceptions import TableMismatchError
from ._columns import Columns
from ._containers import from_pandas, require_container
from ._kinds import LARGEST_COUNT, Count, Discrete, Numeric, shorten

__all__ = ["CATEGORIES", "TableFormat", "dtype_of", "name_dtype", "public_format"]

# what is kept of categorical dtypes
CATEGORIES = ("category", "ordered category", "arrow category", "ordered arrow category")


@dataclass(frozen=True)
class TableFormat:
    """What a table looks like apart from its values: container, column names and dtypes.

    Attributes
    ----------
    container : {"pandas", "polars", "arrow", "arrow batch", "numpy"}
        What `build` returns: a frame, a ``pyarrow.Table`` or ``RecordBatch``, or an array.
    names : tuple
        The columns' names.
    dtypes : tuple
        One dtype per column. A categorical dtype is reduced to ``"category"``, and a dictionary
        of Arrow to ``"arrow category"``, so that no category seen only in the data is kept;
        ``"ordered "`` stands before where the categories have an order.
    """

    container: str
    names: tuple[Any, ...]
    dtypes: tuple[Any, ...]

    def select(self, names: Sequence[Hashable]) -> TableFormat:
        """Return the format of these columns only."""
        dtype_of = dict(zip(self.names, self.dtypes, strict=True))
        return TableFormat(self.container, tuple(names), tuple(dtype_of[name] for name in names))

    def build(self, columns: Sequence[Any], index: pd.Index | None = None) -> Any:
        """Return the container that holds `columns`, one array per name."""
        if self.container == "numpy":
            return _stack(columns, self.dtypes)
        # the dtype is given because pandas would infer strings from an array of objects
        series = [pd.Series(c, index=index, dtype=c.dtype, copy=False) for c in columns]
        frame = pd.concat(series, axis=1, keys=range(len(series)))
        frame.columns = pd.Index(list(self.names))
        return from_pandas(frame, self.container, self.dtypes)


def _stack(columns: Sequence[Any], dtypes: Sequence[Any]) -> np.ndarray:
    """Stack columns side by side in the one dtype that holds them all."""
    arrays = [np.asarray(column) for column in columns]
    if all(array.dtype.kind != "O" for array in arrays):
        return np.column_stack(arrays)
    stacked = np.empty((len(arrays[0]), len(arrays)), dtype=object)
    for position, array in enumerate(arrays):
        stacked[:, position] = array
    if all(getattr(dtype, "kind", None) == "U" for dtype in dtypes) and not pd.isna(stacked).any():
        return stacked.astype(str)
    return stacked


def public_format(table_format: TableFormat, schema: Columns) -> TableFormat:
    """Return the part of a table's format that does not depend on its values.

    The dtype of a column is often inferred from its values: pandas reads integers as int64 unless
    one is missing, as uint64 when one is very large, and as objects when one is a text; a downcast
    keeps the bits that the largest value needs; a fraction makes a column of whole numbers float.
    Repeating it would tell of a single row. Dtypes are therefore derived from the schema, in 64
    bits: values beyond the bounds are admitted and clipped, so that no narrower dtype holds every
    table that fits.

    ============================  ==================  =================
    values of the column          not nullable        nullable
    ============================  ==================  =================
    counts, integer levels        int64               float64
    integer levels beyond 2⁵³     int64               Int64
    real numbers, float levels    float64             float64
    boolean levels                bool                object
    string levels                 str                 str
    levels of several types       object              object
    ============================  ==================  =================

    Here ``str`` stands for what pandas makes of strings by default. Integer levels beyond 2⁶³ are
    uint64, or UInt64. Of the input remain facts about how it is stored: its container, its names,
    which columns are categories, and the backend of each column. A column with a nullable extension
    dtype of pandas gets Int64, Float64, boolean or string; one with an Arrow dtype, or of an Arrow
    table, those of Arrow; columns of polars those of polars. Objects have no backend of their own,
    because a single text makes objects of a column of numbers: such a column has the backend that
    all other columns share, else numpy's. An array has the one dtype that holds all columns; an
    array of strings remains one if no column is nullable.

    Parameters
    ----------
    table_format : TableFormat
        As read from a table.
    schema : TableSchema
        The kinds of its columns, by position.

    Returns
    -------
    TableFormat
        The same for all tables that fit the schema, as far as container, names, categories and
        backends are the same.

    Raises
    ------
    TableMismatchError
        If the container holds no column of such levels, whatever the rows.

    Examples
    --------
    >>> from skdpsynth.schema import TableSchema
    >>> schema = TableSchema({"age": Count(0, 120, nullable=True)})
    >>> for ages in ([30, 40], [30, None]):
    ...     frame = pd.DataFrame({"age": ages})
    ...     read = TableFormat("pandas", ("age",), tuple(frame.dtypes))
    ...     print(read.dtypes, public_format(read, schema).dtypes)
    (dtype('int64'),) (dtype('float64'),)
    (dtype('float64'),) (dtype('float64'),)
    """
    found = {_backend(dtype) for dtype in table_format.dtypes} - {None}
    shared = found.pop() if len(found) == 1 else "numpy"
    container = table_format.container
    if container in ("polars", "arrow", "arrow batch"):
        _check_levels(schema, container)
    dtypes = tuple(
        _public_dtype(kind, dtype, container, _backend(dtype) or str(shared))
        for kind, dtype in zip(schema.columns.values(), table_format.dtypes, strict=True)
    )
    if container == "numpy" and len(set(dtypes)) > 1:
        # no dtype but object holds such integers beside other numbers
        dtypes = tuple(
            np.dtype(object) if _is_beyond_float(kind) else dtype
            for kind, dtype in zip(schema.columns.values(), dtypes, strict=True)
        )
    return replace(table_format, dtypes=dtypes)


def _backend(dtype: Any) -> str | None:
    """Return who stores the values of a column; None where its dtype does not say."""
    if isinstance(dtype, str):
        return "arrow" if dtype.endswith("arrow category") else None
    if isinstance(dtype, pd.ArrowDtype):
        return "arrow"
    if isinstance(dtype, pd.api.extensions.ExtensionDtype) and dtype.na_value is pd.NA:
        return "nullable"
    return None if dtype == np.dtype(object) else "numpy"


def _check_levels(schema: Columns, container: str) -> None:
    for name, kind in schema.columns.items():
        if isinstance(kind, Discrete) and _content(kind) == "object":
            raise TableMismatchError(
                f"Column {name!r} has levels of several types, or beyond 64 bits, "
                f"{shorten(kind.levels)}, which no column of {container.split()[0]} holds; "
                "make all levels strings, or pass a pandas DataFrame."
            )


def _public_dtype(kind: Numeric | Discrete, dtype: Any, container: str, backend: str) -> Any:
    content = _content(kind)
    is_category = isinstance(dtype, str) and isinstance(kind, Discrete) and container != "numpy"
    if is_category and (container != "polars" or content == "string"):
        return dtype
    if content == "object":
        return np.dtype(object)
    if container == "polars":
        return _NULLABLE[content]()
    if container in ("arrow", "arrow batch"):
        return _arrow_dtype(content)
    if container == "numpy" or backend == "numpy":
        return _numpy_dtype(kind, content, dtype, container)
    return _arrow_dtype(content) if backend == "arrow" else _NULLABLE[content]()


# classes, as instances keep what was computed with them, and would be pickled with that
_NULLABLE: dict[str, Any] = {
    "integer": pd.Int64Dtype,
    "unsigned": pd.UInt64Dtype,
    "float": pd.Float64Dtype,
    "boolean": pd.BooleanDtype,
    "string": pd.StringDtype,
}


def _content(kind: Numeric | Discrete) -> str:
    """Return what the values of a column are, from its kind alone."""
    if isinstance(kind, Numeric):
        return "integer" if isinstance(kind, Count) else "float"
    types = {type(level) for level in kind.levels}
    if types in ({str}, {bool}):
        return "string" if types == {str} else "boolean"
    if types == {int}:
        low, high = min(kind.levels), max(kind.levels)
        if low >= -(2**63) and high < 2**63:
            return "integer"
        return "unsigned" if low >= 0 and high < 2**64 else "object"
    # numpy would turn some integers beyond 2**53 into others
    return "float" if types <= {int, float} and not _is_beyond_float(kind) else "object"


def _is_beyond_float(kind: Numeric | Discrete) -> bool:
    """Whether a column has integers that a float may not hold."""
    return isinstance(kind, Discrete) and any(
        type(level) is int and abs(level) > LARGEST_COUNT for level in kind.levels
    )


def _numpy_dtype(kind: Numeric | Discrete, content: str, dtype: Any, container: str) -> Any:
    if content == "string":
        if container != "numpy":
            return pd.Series(["a"]).dtype
        is_text = getattr(dtype, "kind", None) == "U" and not kind.nullable
        return np.dtype("U" if is_text else object)
    if content == "boolean":
        return np.dtype(object if kind.nullable else bool)
    if content == "float":
        return np.dtype(np.float64)
    if not kind.nullable:
        return np.dtype(np.uint64 if content == "unsigned" else np.int64)
    if _is_beyond_float(kind):
        return np.dtype(object) if container == "numpy" else _NULLABLE[content]()
    return np.dtype(np.float64)


def _arrow_dtype(content: str) -> Any:
    import pyarrow

    arrow = {
        "integer": pyarrow.int64(),
        "unsigned": pyarrow.uint64(),
        "float": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "string": pyarrow.string(),
    }
    return pd.ArrowDtype(arrow[content])


# Names of dtypes in files

_NUMPY = ("int64", "uint64", "float64", "bool", "object", "U")
_NUMPY_DTYPES = {name: np.dtype(name) for name in _NUMPY}
_ARROW = {f"arrow {content}": content for content in _NULLABLE}
_EXTENSIONS = {kind().name: kind for kind in _NULLABLE.values() if kind is not pd.StringDtype}


def name_dtype(dtype: Any) -> str:
    """Return the name of a dtype that a table's format can have."""
    if isinstance(dtype, np.dtype):
        name = "U" if dtype.kind == "U" else dtype.name
        if name in _NUMPY_DTYPES:
            return name
    if isinstance(dtype, pd.StringDtype):
        # how pandas stores strings differs between installations
        return "string" if dtype.na_value is pd.NA else "str"
    if dtype.name in _EXTENSIONS:
        return dtype.name
    if isinstance(dtype, pd.ArrowDtype):
        for name, content in _ARROW.items():
            if dtype == _arrow_dtype(content):
                return name
    raise TypeError(f"the dtype {dtype} cannot be saved")


def dtype_of(name: str) -> Any:
    """Return the dtype of a name that `name_dtype` gave."""
    if name in _NUMPY_DTYPES:
        return _NUMPY_DTYPES[name]
    if name == "str":
        return pd.Series(["a"]).dtype
    if name == "string":
        return pd.StringDtype()
    if name in _ARROW:
        require_container("pandas", uses_arrow=True)
        return _arrow_dtype(_ARROW[name])
    return _EXTENSIONS[name]()
