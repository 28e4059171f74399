"""The models that are trained on synthetic rows and tested on real ones."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from .._extras import how_to_install
from ..metrics import CategoryDtypeEncoder, TSTRScorer, roc_auc
from ..preprocessing import encode_table
from ..schema import Categorical, Ordinal, TableSchema
from ._methods import import_object

__all__ = ["SCORERS", "design_matrix", "make_estimator", "read_scorers", "score"]


_ONE_THREAD_CELLS = 1_000_000


def design_matrix(frame: pd.DataFrame, schema: TableSchema) -> Any:
    """Return the numbers that a linear model reads, by public bounds and levels.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Holds the columns of the schema.
    schema : TableSchema
        Numbers are scaled to [0, 1] by their bounds, with an indicator of missing values where
        these may occur; levels become one indicator each, all of them 0 where the value is missing.

    Returns
    -------
    matrix : ndarray or CSR array of shape (n_rows, n_features), float32
        Sparse where there are levels.
    """
    codes = encode_table(frame[list(schema.names)], schema)
    blocks: list[Any] = []
    for j, kind in enumerate(schema.columns.values()):
        column = codes[:, j]
        absent = np.isnan(column)
        if isinstance(kind, Categorical | Ordinal):
            blocks.append(_indicators(column, absent, len(kind.levels)))
            continue
        blocks.append(np.where(absent, 0, column).astype(np.float32)[:, None])
        if kind.nullable:
            blocks.append(absent.astype(np.float32)[:, None])
    if any(sparse.issparse(block) for block in blocks):
        return sparse.hstack([sparse.csr_array(block) for block in blocks], format="csr")
    return np.hstack(blocks)


def _indicators(column: np.ndarray, absent: np.ndarray, n_levels: int) -> Any:
    rows = np.flatnonzero(~absent)
    ones = np.ones(len(rows), dtype=np.float32)
    cells = (rows, column[rows].astype(np.int64))
    return sparse.csr_array((ones, cells), shape=(len(column), n_levels))


def _make_lightgbm(features: TableSchema, classify: bool, n_cells: int) -> Any:
    try:
        from lightgbm import LGBMClassifier, LGBMRegressor
    except ImportError as error:
        raise ImportError(
            f'The scorer "lightgbm" needs LightGBM: {how_to_install("benchmark")}, or score with '
            "another model, such as logistic."
        ) from error
    # 0: as OpenMP is configured; on small tables threads mostly wait for each other
    n_jobs = 1 if n_cells <= _ONE_THREAD_CELLS else 0
    model = (LGBMClassifier if classify else LGBMRegressor)(verbose=-1, n_jobs=n_jobs)
    names = [name for name, kind in features.columns.items() if isinstance(kind, Categorical)]
    return make_pipeline(CategoryDtypeEncoder(names), model)


def _make_logistic(features: TableSchema, classify: bool, n_cells: int) -> Any:
    encoder = FunctionTransformer(design_matrix, kw_args={"schema": features})
    # bounded columns: a loose tolerance moves the scores by less than another split does
    model = LogisticRegression(max_iter=300, tol=1e-3) if classify else Ridge()
    return make_pipeline(encoder, model)


SCORERS: Mapping[str, Callable[[TableSchema, bool, int], Any]] = {
    "lightgbm": _make_lightgbm,
    "logistic": _make_logistic,
}


def read_scorers(scorers: Any) -> dict[str, Any]:
    """Return a name of `SCORERS` or an estimator for every name.

    Parameters
    ----------
    scorers : str, sequence of str, or mapping of name to str or estimator
        Names of `SCORERS`, or ``"package.module:Name"`` of a scikit-learn estimator that reads the
        table as it comes.

    Raises
    ------
    ValueError
        If a name is unknown.
    ImportError
        If the package of a named scorer is not installed.
    """
    if isinstance(scorers, str):
        scorers = scorers.split(",")
    if not isinstance(scorers, Mapping):
        texts = [text.strip() for text in scorers]
        scorers = {text.rpartition(":")[2]: text for text in texts}
    if not scorers:
        raise ValueError("Name at least one scorer.")
    return {name: _find(scorer) for name, scorer in scorers.items()}


def _find(scorer: Any) -> Any:
    if not isinstance(scorer, str):
        return scorer
    if scorer in SCORERS:
        if scorer == "lightgbm":
            _make_lightgbm(TableSchema({"x": Categorical([0])}), True, 0)
        return scorer
    if ":" not in scorer:
        raise ValueError(
            f"The scorer {scorer!r} is unknown. Choose among {list(SCORERS)}, or name an estimator "
            "as 'package.module:Name'."
        )
    found = import_object(scorer)
    return found() if inspect.isclass(found) else found


def make_estimator(scorer: Any, schema: TableSchema, n_cells: int) -> Any:
    """Return a new model of the target of the schema, for a training table of so many cells."""
    if not isinstance(scorer, str):
        return clone(scorer)
    classify = isinstance(schema[schema.target], Categorical | Ordinal)
    return SCORERS[scorer](schema.drop([schema.target]), classify, n_cells)


class _Collector:
    """A scoring function of `TSTRScorer` that keeps two scores of the one trained model."""

    def __init__(self, order: list[Any]) -> None:
        self.order = order
        self.values: dict[str, float] = {}

    def __call__(self, model: Any, X: Any, y: np.ndarray) -> float:
        self.values["auc"] = roc_auc(model, X, y, self.order)
        self.values["accuracy"] = float(accuracy_score(y, model.predict(X)))
        return self.values["auc"]


def score(
    scorer: Any, train: pd.DataFrame, test: pd.DataFrame, schema: TableSchema
) -> dict[str, float]:
    """Return the scores of a model trained on some rows and tested on others.

    Parameters
    ----------
    scorer : str or estimator
        As :func:`read_scorers` returns it.
    train, test : DataFrame
        Rows with the columns of the schema.
    schema : TableSchema
        Its target is predicted.

    Returns
    -------
    dict
        ``auc`` (one-versus-one macro average with more than two classes) and ``accuracy``, or
        ``r2`` of a numeric target.
    """
    target = schema.target
    X_train, y_train = train.drop(columns=target), train[target]
    X_test, y_test = test.drop(columns=target), test[target]
    estimator = make_estimator(scorer, schema, X_train.size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if not isinstance(schema[target], Categorical | Ordinal):
            return {
                "r2": TSTRScorer(estimator).score_real(X_train, y_train, X_test, y_test, schema)
            }
        collector = _Collector(list(schema[target].levels))
        TSTRScorer(estimator, collector).score_real(X_train, y_train, X_test, y_test, schema)
    return collector.values
