"""Containers of tables: pandas, polars, Arrow and arrays; the one module that tells them apart.

Inside this package a table is a pandas frame. What comes from polars or Arrow has Arrow dtypes in
it, which hold missing integers without making them floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from ..exceptions import TableMismatchError
from ._kinds import shorten

__all__ = [
    "CONTAINERS",
    "as_arrow",
    "as_objects",
    "as_pandas",
    "as_plain_frame",
    "as_plain_series",
    "as_polars",
    "as_series",
    "check_names",
    "from_pandas",
    "is_dictionary",
    "library_of",
    "plain_columns",
    "refuse_lazy",
    "require_container",
]

CONTAINERS = ("pandas", "polars", "numpy", "arrow", "arrow batch")

_ARROW = {"Table": "arrow", "RecordBatch": "arrow batch"}
# how the rows of what is not a table yet are read: polars, dask, Arrow, Spark
_COLLECT = ("toPandas", "collect", "compute", "to_table", "read_all")


def library_of(X: Any) -> str:
    """Return the name of the package that an object comes from."""
    return type(X).__module__.partition(".")[0]


def refuse_lazy(X: Any) -> None:
    """Raise where X only promises rows, such as a polars LazyFrame.

    Raises
    ------
    TypeError
        The message says how to get the rows.
    """
    if isinstance(X, np.ndarray | pd.DataFrame | pd.Series) or hasattr(X, "to_pandas"):
        return
    for method in _COLLECT:
        if callable(getattr(X, method, None)):
            raise TypeError(
                f"A {type(X).__name__} was passed, which has no rows yet; read them first: "
                f"X.{method}()."
            )


def as_pandas(X: Any) -> tuple[pd.DataFrame, str] | None:
    """Return a frame of any container as a pandas frame, and its container; None if it is none.

    Raises
    ------
    TypeError
        If X is lazy, or holds what pandas cannot hold.

    Examples
    --------
    >>> as_pandas(pd.DataFrame({"age": [30]}))[1]
    'pandas'
    """
    if isinstance(X, pd.DataFrame):
        return X, "pandas"
    refuse_lazy(X)
    if not (hasattr(X, "to_pandas") and hasattr(X, "columns") and getattr(X, "ndim", 2) == 2):
        return None
    library = library_of(X)
    if library == "polars":
        frame = X.to_pandas(use_pyarrow_extension_array=True)
        for position, dtype in enumerate(X.dtypes):
            if str(dtype).startswith("Categorical"):
                # the categories of one process are shared by all its tables
                used = _as_category(frame.iloc[:, position]).cat.remove_unused_categories()
                frame.isetitem(position, _as_arrow_category(used.array))
        return frame, "polars"
    if library == "pyarrow":
        return _read_arrow(X), _ARROW[type(X).__name__]
    return X.to_pandas(), "pandas"


def _read_arrow(X: Any) -> pd.DataFrame:
    """Return an Arrow table or batch in Arrow dtypes; pandas has none for a string view."""
    import pyarrow

    fields = [
        field.with_type(pyarrow.string()) if str(field.type) == "string_view" else field
        for field in X.schema
    ]
    X = X.cast(pyarrow.schema(fields)) if fields != list(X.schema) else X
    return X.to_pandas(types_mapper=pd.ArrowDtype)


def as_series(y: Any) -> Any:
    """Return a column of any container as a pandas Series, anything else unchanged.

    A frame of one column is a column, and a name that is an empty text is none.
    """
    if isinstance(y, pd.Series):
        return y
    table = as_pandas(y)
    if table is not None:
        frame = table[0]
        return frame.iloc[:, 0] if frame.shape[1] == 1 else frame
    if not hasattr(y, "to_pandas"):
        return y
    if library_of(y) == "polars":
        return y.to_pandas(use_pyarrow_extension_array=True).rename(y.name or None)
    if library_of(y) == "pyarrow":
        return y.to_pandas(types_mapper=pd.ArrowDtype)
    return y.to_pandas()


def plain_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame in which intervals are texts, and Arrow dictionaries pandas categories.

    NaN is missing in any dtype. It is the same frame where nothing is to be done.
    """
    changed = frame
    for position, dtype in enumerate(frame.dtypes):
        column: Any = frame.iloc[:, position]
        new: Any
        if isinstance(dtype, pd.IntervalDtype):
            new = pd.Series(column.astype(object).map(str, na_action="ignore"), dtype=object)
        elif is_dictionary(dtype):
            new = _as_category(column)
        elif isinstance(dtype, pd.CategoricalDtype) and isinstance(
            dtype.categories, pd.IntervalIndex
        ):
            new = column.cat.rename_categories([str(level) for level in dtype.categories])
        elif _may_hold_na(dtype) and dtype.kind == "f" and _nan_places(column).any():
            new = column.mask(_nan_places(column))
        else:
            continue
        changed = changed.copy(deep=False) if changed is frame else changed
        changed.isetitem(position, new.array)
    return changed


def _nan_places(column: pd.Series) -> np.ndarray:
    """Return where NaN is a value, in a dtype that has another marker of what is missing."""
    return np.isnan(column.to_numpy(np.float64, na_value=0.0))


def _arrow_name(dtype: Any) -> str:
    return str(dtype.pyarrow_dtype) if isinstance(dtype, pd.ArrowDtype) else ""


def is_dictionary(dtype: Any) -> bool:
    """Whether a dtype is a dictionary of Arrow's, a category in other words."""
    return _arrow_name(dtype).startswith("dictionary")


def _as_category(column: pd.Series) -> pd.Series:
    """Return a column of an Arrow dictionary dtype as a pandas category."""
    import pyarrow

    chunks = pyarrow.chunked_array(pyarrow.array(column.array)).unify_dictionaries()
    category = chunks.to_pandas()
    return category.set_axis(column.index).rename(column.name)


def as_plain_frame(X: Any) -> Any:
    """Return a table as a pandas frame with numpy's dtypes, for those who only read values.

    Anything that is not a frame is returned unchanged.
    """
    table = as_pandas(X)
    if table is None:
        return X
    frame = plain_columns(table[0])
    changed = frame
    for position, dtype in enumerate(frame.dtypes):
        if _may_hold_na(dtype):
            changed = changed.copy(deep=False) if changed is frame else changed
            changed.isetitem(position, _as_numpy(frame.iloc[:, position]).array)
    return changed


def as_plain_series(y: Any) -> Any:
    """Return a column of any container with a dtype of numpy's, anything else unchanged."""
    y = as_series(y)
    if not isinstance(y, pd.Series):
        return y
    return as_plain_frame(y.to_frame(name="y")).iloc[:, 0].rename(y.name)


def _may_hold_na(dtype: Any) -> bool:
    return (
        isinstance(dtype, pd.api.extensions.ExtensionDtype)
        and not isinstance(dtype, pd.CategoricalDtype)
        and dtype.na_value is pd.NA
    )


def as_objects(column: pd.Series) -> np.ndarray:
    """Return a column as Python objects, None where missing."""
    objects = np.array(column.to_numpy(dtype=object))
    objects[column.isna().to_numpy()] = None
    return objects


def _as_numpy(column: pd.Series) -> pd.Series:
    dtype, missing = column.dtype, column.isna().to_numpy()
    if types.is_bool_dtype(dtype) and not missing.any():
        return column.astype(bool)
    if types.is_integer_dtype(dtype) and not missing.any():
        return column.astype("uint64" if dtype.kind == "u" else "int64")
    objects = as_objects(column)
    if types.is_integer_dtype(dtype) and any(abs(v) > 2**53 for v in objects[~missing]):
        return pd.Series(objects, index=column.index, dtype=object)
    if types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype):
        return pd.Series(column.to_numpy(np.float64, na_value=np.nan), index=column.index)
    return pd.Series(objects, index=column.index, dtype=object).infer_objects()


# Back to a container


def require_container(container: str, uses_arrow: bool = False) -> None:
    """Raise where the library of a container is not installed.

    Raises
    ------
    ImportError
        The message names the library and the way out.
    """
    wanted = {"polars": ("polars", "pyarrow"), "arrow": ("pyarrow",), "arrow batch": ("pyarrow",)}
    needed = wanted.get(container, ("pyarrow",) if uses_arrow else ())
    for library in needed:
        try:
            __import__(library)
        except ImportError as error:
            what = "pandas with Arrow dtypes" if container == "pandas" else _CALLED[container]
            raise ImportError(
                f"The table came from {what}, and synthetic tables come back as it, but {library} "
                'is not installed: pip install "skdpsynth[arrow]".'
            ) from error


_CALLED = {"polars": "polars", "arrow": "pyarrow", "arrow batch": "pyarrow"}


def from_pandas(frame: pd.DataFrame, container: str, dtypes: Sequence[Any]) -> Any:
    """Return a pandas frame in a container; `dtypes` say which categories are Arrow's.

    Parameters
    ----------
    frame : DataFrame
    container : {"pandas", "polars", "arrow", "arrow batch"}
    dtypes : sequence
        As in a `TableFormat`.
    """
    require_container(container)
    if container == "pandas":
        positions = [at for at, dtype in enumerate(dtypes) if str(dtype).endswith("arrow category")]
        for position in positions:
            column = frame.iloc[:, position]
            if isinstance(column.dtype, pd.CategoricalDtype):
                frame.isetitem(position, _as_arrow_category(column.array))
        return frame
    if container == "polars":
        import polars

        made = [as_polars(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
        return polars.DataFrame(made)
    import pyarrow

    arrays = [as_arrow(frame.iloc[:, at]) for at in range(frame.shape[1])]
    cls = pyarrow.Table if container == "arrow" else pyarrow.RecordBatch
    return cls.from_arrays(arrays, names=[str(name) for name in frame.columns])


def _as_arrow_category(category: Any) -> Any:
    """Return a pandas Categorical as an array of Arrow's dictionary dtype."""
    array = _dictionary(category)
    return pd.array(array, dtype=pd.ArrowDtype(array.type))


def _dictionary(category: Any) -> Any:
    """Return a pandas Categorical as an Arrow array whose type follows from the categories."""
    import pyarrow

    levels = category.categories
    is_text = len(levels) and all(isinstance(level, str) for level in levels)
    codes = pyarrow.array(category.codes.astype(np.int32), mask=category.codes < 0)
    values = pyarrow.array(levels.tolist(), type=pyarrow.string() if is_text else None)
    if pyarrow.types.is_null(values.type):
        values = values.cast(pyarrow.string())
    return pyarrow.DictionaryArray.from_arrays(codes, values, ordered=bool(category.ordered))


def as_arrow(column: pd.Series) -> Any:
    """Return a column as an Arrow array."""
    import pyarrow

    if isinstance(column.dtype, pd.CategoricalDtype):
        return _dictionary(column.array)
    array = pyarrow.array(column.array, from_pandas=True)
    if isinstance(array, pyarrow.ChunkedArray):
        array = array.combine_chunks()
    is_text = types.is_string_dtype(column.dtype) and not types.is_object_dtype(column.dtype)
    return array.cast(pyarrow.string()) if is_text else array


def as_polars(name: str, column: pd.Series) -> Any:
    """Return a column as a polars Series; ordered categories become an Enum."""
    import polars

    if isinstance(column.dtype, pd.CategoricalDtype) and _are_texts(column.cat.categories):
        values = as_objects(column).tolist()
        levels = column.cat.categories.tolist()
        dtype = polars.Enum(levels) if column.cat.ordered else polars.Categorical()
        return polars.Series(name, values, dtype=polars.String).cast(dtype)
    return polars.from_pandas(column.rename(name))


def _are_texts(values: pd.Index) -> bool:
    return all(isinstance(value, str) for value in values)


def check_names(names: pd.Index) -> None:
    """Check that every column has a name of its own.

    Raises
    ------
    TableMismatchError
        If names repeat, or have several levels.
    """
    if isinstance(names, pd.MultiIndex):
        raise TableMismatchError(
            "The table's columns have several levels; flatten them, for instance with "
            "df.columns = df.columns.map('_'.join)."
        )
    repeated = names[names.duplicated()].unique().tolist()
    if repeated:
        raise TableMismatchError(
            f"The table has several columns named {shorten(repeated)}; rename or drop all but one."
        )
