"""From a table of any dtypes to one that histogram-based gradient boosting can read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from .._fitting import whole_or_not_at_all
from ..schema import as_plain_frame

__all__ = ["CategoryDtypeEncoder"]


class CategoryDtypeEncoder(TransformerMixin, BaseEstimator):
    """Turn text into pandas' category dtype and everything else into floats.

    What scikit-learn's histogram gradient boosting and LightGBM read as it is, whatever the
    tables hold: levels that were not seen in `fit` become missing values, and so do the rarest
    levels of a column that has more than `max_levels` of them.

    Parameters
    ----------
    categorical : sequence of column names, default=()
        Columns to read as categories although they hold numbers. Those whose dtype is neither
        numeric nor boolean always are.
    max_levels : int, default=254
        Levels kept per column, the most frequent ones of the training table. Histogram gradient
        boosting takes at most 255.

    Attributes
    ----------
    levels_ : dict
        From the position of every categorical column to the levels kept.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where these are all strings.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.metrics import CategoryDtypeEncoder
    >>> train = pd.DataFrame({"job": ["nurse", "cook"], "age": [31, 44]})
    >>> test = pd.DataFrame({"job": ["cook", "pilot"], "age": [28, None]})
    >>> CategoryDtypeEncoder().fit(train).transform(test)
       x0    x1
    0   1  28.0
    1 NaN   NaN
    """

    def __init__(self, categorical: Sequence[Any] = (), max_levels: int = 254) -> None:
        self.categorical = categorical
        self.max_levels = max_levels

    @whole_or_not_at_all
    def fit(self, X: Any, y: Any = None) -> CategoryDtypeEncoder:
        """Learn the levels of the categorical columns.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            The training table.
        y : None
            Ignored.

        Returns
        -------
        CategoryDtypeEncoder
            The fitted encoder.
        """
        if self.max_levels < 1:
            raise ValueError(f"max_levels={self.max_levels} is not a positive number of levels.")
        table = _as_frame(self, X, reset=True)
        self.levels_ = {
            j: _most_frequent(table.iloc[:, j], self.max_levels)
            for j, name in enumerate(table.columns)
            if name in self.categorical or not _holds_numbers(table.iloc[:, j])
        }
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Encode a table.

        Parameters
        ----------
        X : DataFrame or array of shape (n_samples, n_features)
            A table with the columns seen in `fit`.

        Returns
        -------
        DataFrame of shape (n_samples, n_features)
            Columns ``x0``, ``x1``, …: category dtype over the codes of the levels, or float64.
        """
        check_is_fitted(self)
        table = _as_frame(self, X, reset=False)
        columns: dict[str, Any] = {}
        for j in range(table.shape[1]):
            column = table.iloc[:, j]
            if j in self.levels_:
                columns[f"x{j}"] = _categories(column, self.levels_[j])
            else:
                columns[f"x{j}"] = _floats(column)
        return pd.DataFrame(columns, index=table.index)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _as_frame(encoder: CategoryDtypeEncoder, X: Any, reset: bool) -> pd.DataFrame:
    """Validate a table; an array becomes a frame, and so do tables of polars and Arrow."""
    X = as_plain_frame(X)
    if isinstance(X, pd.DataFrame):
        validate_data(encoder, X, reset=reset, skip_check_array=True)
        if X.shape[0] == 0 or X.shape[1] == 0:
            raise ValueError(f"The table of shape {X.shape} has no rows or no columns.")
        return X
    array = validate_data(encoder, X, reset=reset, dtype=None, ensure_all_finite=False)
    return pd.DataFrame(array).infer_objects()


def _holds_numbers(column: pd.Series) -> bool:
    # scikit-learn cannot bin a column of floats that are all missing; no level at all is fine.
    return types.is_numeric_dtype(column.dtype) and bool(column.notna().any())


def _most_frequent(column: pd.Series, max_levels: int) -> pd.Index:
    return pd.Index(column.astype(object).value_counts().index[:max_levels], dtype=object)


def _categories(column: pd.Series, levels: pd.Index) -> pd.Categorical[Any]:
    codes = levels.get_indexer(pd.Index(column.astype(object), dtype=object))
    codes[column.isna().to_numpy()] = -1
    present = column.dropna()
    if (codes < 0).all() and len(present) and len(levels):
        value, level = present.tolist()[0], levels[0]
        if isinstance(value, str) != isinstance(level, str):
            raise ValueError(
                f"Column {column.name!r} holds values like {value!r} where the training table "
                f"holds values like {level!r}: text and numbers do not compare."
            )
    # Codes, because scikit-learn and LightGBM both refuse some values that levels may have.
    return pd.Categorical.from_codes(codes, categories=pd.RangeIndex(len(levels)))


def _floats(column: pd.Series) -> np.ndarray:
    try:
        return column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        raise ValueError(
            f"Column {column.name!r} held numbers in the training table and now holds other values."
        ) from None
