"""PIIMasker: personal data dropped, redacted, or replaced by fakes."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from .._fitting import whole_or_not_at_all
from ..exceptions import SchemaError, TableMismatchError
from ..preprocessing import TableTransformer
from ..schema import (
    Categorical,
    TableFormat,
    TableSchema,
    column_names,
    place_columns,
    public_format,
    read_any_frame,
    replace_columns,
    select_columns,
    shorten,
)
from ._detector import PIIDetector
from ._fakes import FAKES, fake_identifier, make_faker
from ._findings import IDENTIFIER, spell
from ._patterns import PATTERNS

__all__ = ["PIIMasker"]

_STRATEGIES = ("drop", "redact", "replace")
_ALL_FAKES = {**FAKES, IDENTIFIER: fake_identifier}


class PIIMasker(TableTransformer):
    """Drop, redact or replace the columns of a table that are personal data.

    Parameters
    ----------
    columns : mapping of column to type, default=None
        The columns to mask and what they are, such as ``{"contact": "email"}``; the columns of an
        array are ``"x0"``, ``"x1"``, ... A type without built-in fakes can be dropped and redacted.
        By default `detector` finds them.
    strategy : {"drop", "redact", "replace"} or mapping, default="redact"
        ``"drop"`` leaves the column out, ``"redact"`` puts `token` in its place, ``"replace"`` puts
        fakes with the format of the real values. A mapping gives the strategy by column or by type,
        the column first; what it does not name is redacted.
    detector : PIIDetector, default=None
        Finds the columns where `columns` is None; by default ``PIIDetector()``.
    set_aside : bool, default=False
        Whether `transform` leaves all masked columns out, and `inverse_transform` puts tokens and
        fresh fakes where they were. A `SynthesizerPipeline` fits its steps with True.
    token : str, default="[{type}]"
        What a redacted value becomes.
    locale : str, default="en_US"
        Whose names Faker makes up.
    random_state : int, RandomState or None, default=None
        Fixes the fakes.

    Attributes
    ----------
    columns_ : dict of column to type
        The columns that are masked.
    strategies_ : dict of column to strategy
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, when all are strings.

    See Also
    --------
    PIIDetector : Finds the columns.

    Notes
    -----
    *A masked table is not anonymous.* Masking removes what names a person directly; the other
    columns can still single somebody out. It adds nothing to, and takes nothing from, the guarantee
    of a synthesizer.

    *Fakes* keep separators, length, case, and for IBANs and phones the country; check digits are
    right. Equal values get equal fakes within one call, so that how often a value occurs remains
    visible. Missing values stay missing. Social security numbers, North American phone numbers,
    e-mail and IP addresses come from ranges that are given to nobody; a made-up card, account or
    other phone number may exist by chance. They need Faker, ``pip install -e ".[pii]"``.

    *Masked columns are text*, whatever they were: whether a column of phone numbers was read as
    integers depends on every single row. Convert the column where numbers are wanted.

    *In a pipeline* the synthesizer never sees the masked columns. The synthetic table has them back
    where they were, with the token or with fakes in a standard format, none missing; dropped ones
    are absent. Which columns look like personal data depends on the rows: without `columns`, unless
    the detector has ``read_values=False``, the pipeline warns with a `PrivacyLeakWarning` and says
    that it is not private.

    Without `set_aside` there is no way back: `inverse_transform` returns the masked table as it is.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.pii import PIIMasker
    >>> table = pd.DataFrame({"contact": ["ann@example.org", None], "visits": [3, 1]})
    >>> PIIMasker({"contact": "email"}).fit_transform(table)
       contact  visits
    0  [email]       3
    1      NaN       1
    """

    def __init__(
        self,
        columns: Mapping[Any, str] | None = None,
        *,
        strategy: str | Mapping[Any, str] = "redact",
        detector: PIIDetector | None = None,
        set_aside: bool = False,
        token: str = "[{type}]",
        locale: str = "en_US",
        random_state: Any = None,
    ) -> None:
        self.columns = columns
        self.strategy = strategy
        self.detector = detector
        self.set_aside = set_aside
        self.token = token
        self.locale = locale
        self.random_state = random_state

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> PIIMasker:
        """Decide which columns are masked, and how.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            The table. Its values are read only where `columns` is None.
        y : None
            Ignored.

        Returns
        -------
        self : PIIMasker

        Raises
        ------
        SchemaError
            If `columns` names a column that the table lacks.
        ValueError
            If a strategy is unknown, has no fakes for the type, or leaves no column.
        ImportError
            If fakes are wanted and Faker is not installed.
        """
        frame, container = read_any_frame(X)
        validate_data(self, X if container == "numpy" else frame, reset=True, skip_check_array=True)
        names = tuple(frame.columns.tolist())
        columns = self._decide_columns(X, names)
        strategies = {name: self._strategy_of(name, kind) for name, kind in columns.items()}
        if "replace" in strategies.values():
            make_faker(self.locale, 0)
        self._names = names
        self.columns_, self.strategies_ = columns, strategies
        self._leaves_out = bool(self.set_aside)
        self._text_dtypes = _text_dtypes(frame, container)
        if not self._kept():
            raise ValueError(
                "All columns of the table would be left out; redact or replace some of them."
            )
        return self

    def transform(self, X: Any) -> Any:
        """Return the table without personal data, in its container.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns)
            A table with the columns seen in `fit`.

        Returns
        -------
        table : DataFrame or ndarray of shape (n_rows, n_columns_out)
        """
        check_is_fitted(self)
        frame, container = read_any_frame(X)
        read = X if container == "numpy" else frame
        validate_data(self, read, reset=False, skip_check_array=True)
        X = np.asarray(X) if container == "numpy" else X
        masked = {} if self._leaves_out else self._mask(frame)
        kept = self._kept()
        replaced = replace_columns(X, masked)
        return replaced if len(kept) == len(self._names) else select_columns(replaced, kept)

    def inverse_transform(self, X: Any) -> Any:
        """Return the table with tokens and fresh fakes where columns were set aside.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_rows, n_columns_out)
            A table as `transform` returns it. Without `set_aside` it is returned as it is.

        Returns
        -------
        table : DataFrame or ndarray
            All columns seen in `fit`, in their order, but those that are dropped.
        """
        check_is_fitted(self)
        n_columns = read_any_frame(X, ensure_min_samples=0)[0].shape[1]
        if n_columns != len(self._kept()):
            raise TableMismatchError(
                f"PIIMasker.inverse_transform expects the {len(self._kept())} columns that "
                f"transform returns, got {n_columns}."
            )
        return self._put_back(X)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that `transform` returns."""
        return self._input_names(input_features)[self._kept()]

    def _input_names(self, input_features: Any) -> np.ndarray:
        check_is_fitted(self)
        if input_features is None and not hasattr(self, "feature_names_in_"):
            return np.asarray([str(name) for name in self._names], dtype=object)
        return super()._input_names(input_features)

    def _learns_from_rows(self) -> bool:
        """Whether the values decide which columns are masked."""
        return self.columns is None and (self.detector is None or self.detector.read_values)

    def _decide_columns(self, X: Any, names: tuple[Any, ...]) -> dict[Hashable, str]:
        if self.columns is None:
            if not (self.detector is None or hasattr(self.detector, "fit")):
                raise TypeError(f"detector must be a PIIDetector or None, got {self.detector!r}.")
            detector = PIIDetector() if self.detector is None else clone(self.detector)
            return detector.fit(X).columns_
        if not isinstance(self.columns, Mapping):
            raise SchemaError(
                "columns must map the columns to mask to types, such as {'contact': 'email'}, got "
                f"{self.columns!r}."
            )
        unknown = [name for name in self.columns if name not in names]
        if unknown:
            raise SchemaError(
                f"columns names {shorten(unknown)}, which the table lacks; it has {shorten(names)}."
            )
        return {name: self.columns[name] for name in names if name in self.columns}

    def _strategy_of(self, name: Hashable, kind: str) -> str:
        given = self.strategy
        if isinstance(given, Mapping):
            given = given.get(name, given.get(kind, "redact"))
        if given not in _STRATEGIES:
            raise ValueError(
                f"The strategy of column {name!r} must be one of {list(_STRATEGIES)}, got "
                f"{given!r}."
            )
        if given == "replace" and kind not in _ALL_FAKES:
            raise ValueError(
                f"There are no fakes of type {kind!r} for column {name!r}, only of "
                f"{list(_ALL_FAKES)}; redact or drop it."
            )
        return given

    def _kept(self) -> list[int]:
        """Return the positions of the columns that transform returns."""
        left_out = {
            name
            for name, strategy in self.strategies_.items()
            if self._leaves_out or strategy == "drop"
        }
        return [at for at, name in enumerate(self._names) if name not in left_out]

    def _mask(self, frame: pd.DataFrame) -> dict[int, pd.Series]:
        """Return the new values of redacted and replaced columns, by position."""
        faker = self._make_faker()
        masked = {}
        for position, name in enumerate(self._names):
            column = frame.iloc[:, position]
            strategy = self.strategies_.get(name)
            if strategy == "redact":
                token = self._token(name)
                masked[position] = self._fill(
                    column, np.full(len(column), token, dtype=object), name
                )
            elif strategy == "replace":
                masked[position] = self._replace(column, name, faker)
        return masked

    def _replace(self, column: pd.Series, name: Hashable, faker: Any) -> pd.Series:
        kind = self.columns_[name]
        missing = column.isna().to_numpy()
        codes, distinct = pd.factorize(spell(column[~missing]))
        fakes = np.array(
            [_fake(faker, kind, value, name) for value in distinct.tolist()], dtype=object
        )
        values = np.full(len(column), None, dtype=object)
        values[~missing] = fakes[codes] if len(fakes) else fakes
        return self._fill(column, values, name)

    def _fill(self, column: pd.Series, values: np.ndarray, name: Hashable) -> pd.Series:
        """Return the values as texts, missing where the column is."""
        values = values.copy()
        values[column.isna().to_numpy()] = None
        return pd.Series(values, index=column.index, dtype=self._text_dtypes[name])

    def _put_back(self, X: Any) -> Any:
        """Return the table with the columns that were set aside; more columns may follow."""
        if not self._leaves_out or not self.strategies_:
            return X
        names = column_names(X)
        places = [at for at, name in enumerate(self._names) if self.strategies_.get(name) != "drop"]
        faker = self._make_faker()
        made = {
            place: pd.Series(
                self._make_values(self._names[at], len(X), faker),
                dtype=self._text_dtypes[self._names[at]],
            )
            for place, at in enumerate(places)
            if self._names[at] in self.strategies_
        }
        more = names[len(self._kept()) :]
        return place_columns(X, [*(self._names[at] for at in places), *more], made)

    def _make_values(self, name: Hashable, n_rows: int, faker: Any) -> list[Any]:
        if self.strategies_[name] == "redact":
            return [self._token(name)] * n_rows
        return [_fake(faker, self.columns_[name], None, name) for _ in range(n_rows)]

    def _token(self, name: Hashable) -> str:
        return self.token.format(type=self.columns_[name])

    def _make_faker(self) -> Any:
        if "replace" not in self.strategies_.values():
            return None
        seed = self.random_state
        if seed is not None:
            seed = int(check_random_state(seed).randint(2**31 - 1))
        return make_faker(self.locale, seed)


def _fake(faker: Any, kind: str, value: str | None, name: Hashable) -> str:
    """Return a fake in the format of a value; in a standard one if it is none of the type."""
    has_form = kind not in PATTERNS or (value is not None and PATTERNS[kind](value.strip()) > 0)
    like = value if has_form else None
    return _ALL_FAKES[kind](faker, like, str(name))


def _text_dtypes(frame: pd.DataFrame, container: str) -> dict[Hashable, Any]:
    """Return the dtype that a column of texts has in such a table, whatever its values."""
    names = tuple(frame.columns.tolist())
    dtypes = tuple(
        np.dtype(object) if isinstance(dtype, pd.CategoricalDtype) else dtype
        for dtype in frame.dtypes
    )
    texts = TableSchema(dict.fromkeys(names, Categorical(["text"], nullable=True)))
    published = public_format(TableFormat(container, names, dtypes), texts)
    return dict(zip(names, published.dtypes, strict=True))
