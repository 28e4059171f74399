"""BoundedDiscretizer: numeric columns to bins between public bounds, and back."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from .._fitting import whole_or_not_at_all
from ..exceptions import SchemaError
from ..schema import (
    Continuous,
    Count,
    Numeric,
    Ordinal,
    TableFormat,
    TableSchema,
    bin_codes,
    bin_values,
    check_edges,
    check_missing,
    check_schema,
    draft_privately,
    make_edges,
    public_format,
    read_numbers,
    restore_column,
    restore_numbers,
    shorten,
    to_float,
    warn_leak,
    whole_numbers,
)
from ._base import TableTransformer

__all__ = ["BoundedDiscretizer"]


class BoundedDiscretizer(TableTransformer):
    """Bin numeric columns between public bounds; other columns pass through unchanged.

    Unlike `sklearn.preprocessing.KBinsDiscretizer` it never looks at the data's range or
    quantiles, so binning costs no privacy. Bins are closed on the left, the last one on both
    sides; values outside the bounds fall in the first and the last bin; missing values stay
    missing.

    Parameters
    ----------
    schema : TableSchema, default=None
        Its `Continuous` and `Count` columns are binned between their bounds. The columns of an
        array are matched by position.
    bounds : mapping of column to (low, high), default=None
        Public bounds, instead of the schema's. Without a schema only the columns in `bounds` and
        `edges` are binned; those with an integer dtype are taken for counts. The columns of an
        array without a schema are ``"x0"``, ``"x1"``, ...
    n_bins : int or mapping of column to int, default=10
        Number of bins. A count has at most as many as it has values.
    strategy : {"uniform", "log"}, default="uniform"
        Equal width, on the scale of x or of log(x). When low <= 0 the log scale is that of the
        distance from the lower bound, log(1 + x - low), so the unit of x matters.
    edges : mapping of column to array-like, default=None
        Public edges, instead of `n_bins` and `strategy`; the outer ones replace the bounds.
    inverse : {"sample", "center"}, default="sample"
        Whether `inverse_transform` draws uniformly within the bin or takes its centre (counts:
        an integer).
    random_state : int, Generator, RandomState or None, default=None
        Used by ``inverse="sample"``. An integer gives the same draws in each call; by default
        they are fresh, and numpy's global state is never used.

    Attributes
    ----------
    edges_ : dict of column to ndarray of shape (n_bins + 1,)
        The edges of the binned columns. Those made for a count lie half-way between integers.
    output_schema_ : TableSchema
        The schema of what `transform` returns, bins being `Ordinal`; only when a schema was
        given or drafted.
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
    >>> table = pd.DataFrame({"age": [17, 41, 90], "sex": ["F", "M", "F"]})
    >>> discretizer = BoundedDiscretizer(bounds={"age": (0, 99)}, inverse="center").fit(table)
    >>> bins = discretizer.transform(table)
    >>> bins
       age sex
    0    1   F
    1    4   M
    2    9   F
    >>> discretizer.inverse_transform(bins)
       age sex
    0   14   F
    1   44   M
    2   94   F
    """

    def __init__(
        self,
        schema: TableSchema | None = None,
        *,
        bounds: Mapping[Any, tuple[float, float]] | None = None,
        n_bins: int | Mapping[Any, int] = 10,
        strategy: str = "uniform",
        edges: Mapping[Any, Sequence[float]] | None = None,
        inverse: str = "sample",
        random_state: Any = None,
    ) -> None:
        self.schema = schema
        self.bounds = bounds
        self.n_bins = n_bins
        self.strategy = strategy
        self.edges = edges
        self.inverse = inverse
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []
        return tags

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> BoundedDiscretizer:
        """Learn names and dtypes, and make the edges from the public bounds.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table. Its values are read only when no bounds are given.
        y : None
            Ignored.

        Returns
        -------
        self : BoundedDiscretizer

        Raises
        ------
        SchemaError
            If bounds or edges contradict themselves, or name a column that is not numeric.
        TableMismatchError
            If the columns of X are not those of the schema, in its order.
        """
        self._validate_params()
        schema = check_schema(self.schema)
        frame, table_format = self._read_fit(X, schema)
        if schema is None and self.bounds is None and self.edges is None:
            schema = draft_privately(frame)
            numeric = [name for name, kind in schema.columns.items() if isinstance(kind, Numeric)]
            warn_leak(self, "the bounds", numeric)
        self._schema = None if schema is None else self._match(schema, table_format)
        self._kinds = self._binned_kinds(table_format)
        self.edges_ = {name: self._make_edges(name, kind) for name, kind in self._kinds.items()}
        if self._schema is not None:
            self.output_schema_ = self._schema.replace(
                {
                    name: Ordinal(
                        range(len(self.edges_[name]) - 1),
                        nullable=kind.nullable,
                        bought_with=self._schema[name].bought_with,
                    )
                    for name, kind in self._kinds.items()
                }
            )
        self.format_ = table_format
        if self._schema is not None:
            self.format_ = public_format(table_format, self._schema)
        return self

    def transform(self, X: Any) -> Any:
        """Return the table with the bin of every number in its place.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            A table with the columns seen in `fit`.

        Returns
        -------
        bins : DataFrame or ndarray of shape (n_rows, n_columns)
            Bins are 0 to n_bins - 1, as int64; as float64 in columns that may hold missing values.
        """
        frame = self._read(X)
        columns = [
            self._bin(frame[name], name) if name in self._kinds else frame[name].array
            for name in self.format_.names
        ]
        return self.format_.build(columns, frame.index)

    def inverse_transform(self, X: Any) -> Any:
        """Return a table with a number of every bin in its place.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            Bins, as returned by `transform`; rounded and clipped to the nearest bin.

        Returns
        -------
        table : DataFrame or ndarray of shape (n_rows, n_columns)
            In the container and dtypes seen in `fit`.
        """
        frame = self._read_output(X)
        generator = _make_generator(self.random_state) if self.inverse == "sample" else None
        columns = []
        for position, (name, dtype) in enumerate(
            zip(self.format_.names, self.format_.dtypes, strict=True)
        ):
            column = frame.iloc[:, position]
            if name in self._kinds:
                columns.append(self._unbin(column, name, dtype, generator))
            else:
                kind = None if self._schema is None else self._schema[name]
                columns.append(restore_column(column, kind, dtype, name))
        return self.format_.build(columns, frame.index)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns, which binning does not change."""
        return self._input_names(input_features)

    def _validate_params(self) -> None:
        for parameter, allowed in (("strategy", ("uniform", "log")), ("inverse", _INVERSES)):
            value = getattr(self, parameter)
            if value not in allowed:
                raise ValueError(f"{parameter} must be one of {list(allowed)}, got {value!r}.")
        per_column = self.n_bins if isinstance(self.n_bins, Mapping) else {None: self.n_bins}
        for n_bins in per_column.values():
            if not isinstance(n_bins, Integral) or isinstance(n_bins, bool) or n_bins < 1:
                raise ValueError(f"n_bins must be a positive integer, got {n_bins!r}.")

    def _binned_kinds(self, table_format: TableFormat) -> dict[Hashable, Numeric]:
        """Return the bounds of the columns to bin, in the order of the table."""
        bounds, edges = dict(self.bounds or {}), dict(self.edges or {})
        unknown = [name for name in {**bounds, **edges} if name not in table_format.names]
        if unknown:
            raise SchemaError(
                f"bounds or edges name the columns {shorten(unknown)}, which the table lacks; it "
                f"has {shorten(table_format.names)}."
            )
        kinds: dict[Hashable, Numeric] = {}
        for name, dtype in zip(table_format.names, table_format.dtypes, strict=True):
            declared = None if self._schema is None else self._schema[name]
            if name in bounds or name in edges:
                kinds[name] = _bounded(declared, dtype, bounds.get(name), edges.get(name), name)
            elif isinstance(declared, Numeric):
                kinds[name] = declared
        return kinds

    def _make_edges(self, name: Hashable, kind: Numeric) -> np.ndarray:
        if self.edges is not None and name in self.edges:
            edges = check_edges(self.edges[name], name)
        else:
            n_bins = self.n_bins
            if isinstance(n_bins, Mapping):
                if name not in n_bins:
                    raise ValueError(f"n_bins has no entry for column {name!r}; add one.")
                n_bins = n_bins[name]
            edges = check_edges(make_edges(kind, n_bins, self.strategy), name)
        if kind.n_steps is not None:
            whole_numbers(edges, name, kind)
        return edges

    def _bin(self, column: pd.Series, name: Hashable) -> np.ndarray:
        kind = self._kinds[name]
        codes = bin_codes(read_numbers(column, kind, name), self.edges_[name])
        return codes if kind.nullable else codes.astype(np.int64)

    def _unbin(
        self, column: pd.Series, name: Hashable, dtype: Any, generator: np.random.Generator | None
    ) -> Any:
        kind = self._kinds[name]
        codes = to_float(column, name)
        check_missing(np.isnan(codes), kind, name)
        values = bin_values(codes, self.edges_[name], kind, name, generator)
        return restore_numbers(values, kind, dtype)


_INVERSES = ("sample", "center")


def _bounded(declared: Any, dtype: Any, bounds: Any, edges: Any, name: object) -> Numeric:
    """Return the numeric kind of a column whose bounds are given, or follow from its edges."""
    if declared is not None and not isinstance(declared, Numeric):
        raise SchemaError(
            f"Column {name!r} is {type(declared).__name__} in the schema, so it has no bounds or "
            "edges; declare it Continuous or Count to bin it."
        )
    integers = isinstance(dtype, np.dtype) and dtype.kind in "iub"
    nullable = not integers if declared is None else declared.nullable
    if declared is None:
        is_count = not isinstance(dtype, str) and dtype.kind in "iub"
    else:
        is_count = isinstance(declared, Count)
    if edges is not None:
        checked = check_edges(edges, name)
        low, high = checked[0], checked[-1]
        if is_count:
            # edges may lie between integers, the bounds of a count may not
            low, high = np.ceil(low), np.floor(high)
    else:
        low, high = _read_pair(bounds, name)
    kind: type[Numeric] = Count if is_count else Continuous
    fields = {} if declared is None else _steps_of(declared)
    try:
        return kind(low, high, nullable=nullable, **fields)
    except SchemaError as error:
        raise SchemaError(f"Column {name!r}: {error}") from None


def _steps_of(declared: Numeric) -> dict[str, Any]:
    """Return the fields of a kind that say which values between the bounds are possible."""
    fields = {name: getattr(declared, name, None) for name in ("step", "decimals")}
    return {name: value for name, value in fields.items() if value is not None}


def _read_pair(bounds: Any, name: object) -> tuple[Any, Any]:
    try:
        low, high = bounds
    except (TypeError, ValueError):
        raise SchemaError(
            f"The bounds of column {name!r} must be a pair (low, high), got {bounds!r}."
        ) from None
    return low, high


def _make_generator(random_state: Any) -> np.random.Generator:
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31, size=4))
    return np.random.default_rng(random_state)
