"""What the transformers of tables share: reading X, and their tags."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from ..exceptions import TableMismatchError
from ..schema import TableFormat, TableSchema, fit_schema_to_names, read_frame, shorten

__all__ = ["TableTransformer"]


class TableTransformer(TransformerMixin, BaseEstimator):
    """Base of the transformers whose columns are described by a public schema."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags

    def _read_fit(self, X: Any, schema: TableSchema | None) -> tuple[pd.DataFrame, TableFormat]:
        """Read the table that fit sees, and keep what is public: names, container, dtypes."""
        frame, table_format = read_frame(X, schema)
        self._validate(X, frame, table_format, reset=True)
        return frame, table_format

    def _validate(
        self, X: Any, frame: pd.DataFrame, table_format: TableFormat, reset: bool
    ) -> None:
        """Set, or compare, the number of columns and their names, as scikit-learn does."""
        read = X if table_format.container == "numpy" else frame
        validate_data(self, read, reset=reset, skip_check_array=True)

    def _read(self, X: Any) -> pd.DataFrame:
        """Read a table that must look like the one seen in fit."""
        check_is_fitted(self)
        frame, table_format = read_frame(X)
        self._validate(X, frame, table_format, reset=False)
        if "numpy" in (self.format_.container, table_format.container):
            # an array has no names: its columns are matched by position
            frame = frame.set_axis(list(self.format_.names), axis=1)
        if table_format.names != self.format_.names and list(frame) != list(self.format_.names):
            raise TableMismatchError(
                f"The table has the columns {shorten(frame)}, but fit saw "
                f"{shorten(self.format_.names)}; rename or reorder them."
            )
        return frame

    def _read_output(self, X: Any) -> pd.DataFrame:
        """Read what inverse_transform is given, columns matched by position."""
        check_is_fitted(self)
        frame, _ = read_frame(X, ensure_min_samples=0)
        n_columns = len(self.get_feature_names_out())
        if frame.shape[1] != n_columns:
            raise TableMismatchError(
                f"{type(self).__name__}.inverse_transform expects the {n_columns} columns that "
                f"transform returns, got {frame.shape[1]}."
            )
        return frame

    def _input_names(self, input_features: Any) -> np.ndarray:
        check_is_fitted(self)
        if input_features is None and not hasattr(self, "feature_names_in_"):
            return np.asarray([str(name) for name in self.format_.names], dtype=object)
        return _check_feature_names_in(self, input_features)

    def _match(self, schema: TableSchema, table_format: TableFormat) -> TableSchema:
        return fit_schema_to_names(schema, table_format.names)
