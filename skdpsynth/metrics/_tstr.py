"""Train on synthetic, test on real: the scorer for synthesizers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from math import isfinite
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import get_scorer, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import type_of_target
from threadpoolctl import threadpool_limits

from ..exceptions import SyntheticDataWarning
from ..schema import Categorical, Ordinal, as_plain_frame, as_plain_series
from ._category_dtype import CategoryDtypeEncoder
from ._classes import common_labels, fit_on_classes, roc_auc, typed_labels

if TYPE_CHECKING:
    from ..schema import TableSchema

__all__ = ["TSTRScorer", "predict_classes"]

_ONE_THREAD_CELLS = 500_000


class TSTRScorer(BaseEstimator):
    """Score a synthesizer by a model trained on its synthetic rows and tested on real ones.

    An instance is a scikit-learn scorer: call it as ``scorer(synthesizer, X_test, y_test)``, or
    pass it as ``scoring=`` to ``GridSearchCV`` and ``cross_val_score``.

    Parameters
    ----------
    estimator : classifier or regressor, optional
        The model to train; it is cloned, and must read the synthetic table as it comes. By
        default, histogram gradient boosting behind a :class:`CategoryDtypeEncoder`.
    scoring : "auto", str or callable, default="auto"
        "auto" is the area under the ROC curve for classification (with more than two classes the
        one-versus-one macro average) and R² for regression. Otherwise a name or a callable as
        scikit-learn takes it.
    n_samples : int, optional
        Synthetic rows to train on. By default the synthesizer's ``n_records_``, its noisy count
        of the rows it was fitted on.
    random_state : int or RandomState, optional
        Fixes the synthetic rows and the default estimator. A given `estimator` has its own.

    See Also
    --------
    marginal_tvd : Distance between the marginals of the two tables.

    Notes
    -----
    **A score on private rows is not private**: it depends on the test rows and is covered by no
    (ε, δ). Search hyper-parameters on public rows that resemble the private ones.

    The task follows the kind of the target in the synthesizer's ``schema_`` (categorical and
    ordinal targets are classified); without one, ``type_of_target`` of the test target decides.
    For two classes the positive one is the second in the order of the schema, or in sorted order.

    A class of the test set that the synthetic rows lack gets probability zero, with a
    :class:`~skdpsynth.exceptions.SyntheticDataWarning`; a single synthetic class scores an area of
    0.5. Classes that the test set lacks are left out and the probabilities rescaled.

    Examples
    --------
    >>> import pandas as pd
    >>> from skdpsynth.metrics import TSTRScorer
    >>> class Bootstrap:  # a synthesizer is whatever has sample_xy
    ...     def fit(self, X, y):
    ...         self.rows_, self.n_records_ = X.assign(y=y), len(X)
    ...         return self
    ...     def sample_xy(self, n_samples, random_state=None):
    ...         rows = self.rows_.sample(n_samples, replace=True, random_state=random_state)
    ...         return rows[["x"]], rows["y"]
    >>> X = pd.DataFrame({"x": range(200)})
    >>> y = (X["x"] % 100 > 60).map({False: "no", True: "yes"})
    >>> scorer = TSTRScorer(random_state=0)
    >>> round(scorer(Bootstrap().fit(X, y), X, y), 1)
    1.0
    """

    def __init__(
        self,
        estimator: Any = None,
        scoring: str | Callable[..., float] = "auto",
        n_samples: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.scoring = scoring
        self.n_samples = n_samples
        self.random_state = random_state

    def __call__(self, synthesizer: Any, X: Any, y: Any = None) -> float:
        """Train on rows of a fitted synthesizer, test on the given rows.

        Parameters
        ----------
        synthesizer : object
            Has ``sample_xy(n_samples)`` and, optionally, ``schema_`` and ``n_records_``.
        X : DataFrame or array of shape (n_samples, n_features)
            Real rows that the synthesizer has not seen.
        y : array-like of shape (n_samples,), optional
            Their target. By default the column of `X` that the schema calls the target.

        Returns
        -------
        float
            The score. It depends on the real rows and is not private.

        Raises
        ------
        ValueError
            The test target has missing values, a single value, or other label types than the
            synthetic one; or the score is not finite.
        """
        schema = getattr(synthesizer, "schema_", None)
        sampling_seed, model_seed = _draw_seeds(self.random_state)
        X_test, y_test = _split_target(X, y, schema)
        keywords = {} if sampling_seed is None else {"random_state": sampling_seed}
        X_train, y_train = synthesizer.sample_xy(self._n_samples(synthesizer), **keywords)
        return self._score((X_train, y_train), (X_test, y_test), schema, model_seed)

    def score_real(
        self, X_train: Any, y_train: Any, X_test: Any, y_test: Any, schema: Any = None
    ) -> float:
        """Score the same model trained on real rows: what to print beside a synthetic score.

        Parameters
        ----------
        X_train, X_test : DataFrame or array of shape (n_samples, n_features)
            Real rows to train and to test on.
        y_train, y_test : array-like of shape (n_samples,)
            Their target.
        schema : TableSchema, optional
            Tells the task, the order of the classes and the categorical columns, as the
            synthesizer's own schema does for a synthetic score.

        Returns
        -------
        float
            The score. It is not private.
        """
        _, model_seed = _draw_seeds(self.random_state)
        return self._score((X_train, y_train), (X_test, y_test), schema, model_seed)

    def _n_samples(self, synthesizer: Any) -> int:
        if self.n_samples is not None:
            return self.n_samples
        n_records = getattr(synthesizer, "n_records_", None)
        if n_records is None:
            raise ValueError(
                f"{type(synthesizer).__name__} has no n_records_ to take the number of synthetic "
                "rows from; pass n_samples to TSTRScorer."
            )
        return max(1, round(n_records))

    def _score(
        self, train: tuple[Any, Any], test: tuple[Any, Any], schema: Any, seed: int
    ) -> float:
        rows = _read_rows(train, test)
        classify = _is_classification(schema, rows.y_test)
        score_model = self._score_classifier if classify else self._score_regressor
        if self.estimator is not None:
            return _finite(score_model(clone(self.estimator), rows, schema), self.scoring)
        estimator = _default_estimator(classify, rows.X_train, schema, seed)
        with _few_threads(rows.X_train):
            return _finite(score_model(estimator, rows, schema), self.scoring)

    def _score_classifier(self, estimator: Any, rows: _Rows, schema: Any) -> Any:
        y_train, y_test = common_labels(rows.y_train, rows.y_test)
        classes = np.unique(y_test)
        if _is_auto(self.scoring) and len(classes) < 2:
            raise ValueError(
                f"The test target has a single class, {classes[0].item()!r}: no area under the ROC "
                "curve exists. Test on more rows, or split with stratification."
            )
        model = fit_on_classes(estimator, rows.X_train, y_train, classes)
        if _is_auto(self.scoring):
            return roc_auc(model, rows.X_test, y_test, _class_order(schema))
        return get_scorer(self.scoring)(model, rows.X_test, y_test)

    def _score_regressor(self, estimator: Any, rows: _Rows, schema: Any) -> Any:
        y_train, y_test = _as_numbers(rows.y_train), _as_numbers(rows.y_test)
        if _is_auto(self.scoring) and (y_test == y_test[0]).all():
            raise ValueError(
                "The test target has the same value in every row: no R² exists. Test on more rows."
            )
        model = estimator.fit(rows.X_train, y_train)
        if _is_auto(self.scoring):
            return r2_score(y_test, model.predict(rows.X_test))
        return get_scorer(self.scoring)(model, rows.X_test, y_test)


def predict_classes(
    train: pd.DataFrame,
    test: pd.DataFrame,
    schema: TableSchema,
    estimator: Any = None,
    random_state: int | None = None,
) -> tuple[np.ndarray, list[Any], np.ndarray]:
    """Train a classifier on one table and return what it says of another.

    Parameters
    ----------
    train, test : DataFrame
        With the target.
    schema : TableSchema
        Names the target, which is categorical or ordinal.
    estimator : classifier, optional
        By default that of :class:`TSTRScorer`.
    random_state : int, optional
        Seed of the default estimator.

    Returns
    -------
    y_test : ndarray of shape (n_samples,)
        The test labels.
    classes : list
        The labels that occur in the test, in the order of the schema.
    probabilities : ndarray of shape (n_samples, n_classes)
        One column per class.

    Raises
    ------
    ValueError
        If there is no such target.
    """
    if schema.target is None or not isinstance(schema[schema.target], Categorical | Ordinal):
        raise ValueError(
            "A curve takes a schema with a categorical or ordinal target; name one with "
            "schema.with_target."
        )
    rows = _read_rows(_split_target(train, None, schema), _split_target(test, None, schema))
    _, seed = _draw_seeds(random_state)
    if estimator is None:
        estimator = _default_estimator(True, rows.X_train, schema, seed)
    y_train, y_test = common_labels(rows.y_train, rows.y_test)
    with _few_threads(rows.X_train):
        model = fit_on_classes(estimator, rows.X_train, y_train, np.unique(y_test))
        found = model.predict_proba(rows.X_test)
    present = np.unique(y_test).tolist()
    classes = [level for level in schema[schema.target].levels if level in present]
    columns = [int(np.flatnonzero(model.classes_ == label)[0]) for label in classes]
    return y_test, classes, found[:, columns]


class _Rows(NamedTuple):
    X_train: Any
    y_train: np.ndarray
    X_test: Any
    y_test: np.ndarray


def _is_auto(scoring: Any) -> bool:
    return isinstance(scoring, str) and scoring == "auto"


def _draw_seeds(
    random_state: int | np.random.RandomState | None,
) -> tuple[int | None, int]:
    """Return seeds for the synthetic rows (None: the synthesizer's own choice) and the model."""
    if random_state is None:
        # check_random_state(None) would draw from NumPy's global generator.
        return None, int(np.random.default_rng().integers(2**31))
    sampling_seed, model_seed = check_random_state(random_state).randint(2**31 - 1, size=2)
    return int(sampling_seed), int(model_seed)


def _split_target(X: Any, y: Any, schema: Any) -> tuple[Any, Any]:
    if y is not None:
        return X, y
    X, target = as_plain_frame(X), getattr(schema, "target", None)
    if target is None or target not in getattr(X, "columns", ()):
        raise ValueError(
            "No test target: pass y_test, or a DataFrame that holds the target of the "
            f"synthesizer's schema ({target!r})."
        )
    return X.drop(columns=[target]), X[target]


def _read_rows(train: tuple[Any, Any], test: tuple[Any, Any]) -> _Rows:
    X_train, X_test = _align(train[0], test[0])
    y_train, y_test = _labels(train[1]), _labels(test[1])
    for X, y, label in ((X_train, y_train, "training"), (X_test, y_test, "test")):
        if len(X) != len(y):
            raise ValueError(f"The {label} table has {len(X)} rows and its target {len(y)}.")
    missing = pd.isna(y_test)
    if missing.any():
        raise ValueError(
            f"The test target is missing in {missing.sum()} of {len(y_test)} rows; leave them out."
        )
    missing = pd.isna(y_train)
    if missing.any():
        warnings.warn(
            f"{missing.sum()} of {len(y_train)} training rows have no target and are left out.",
            SyntheticDataWarning,
            stacklevel=4,
        )
        X_train, y_train = X_train[~missing], y_train[~missing]
    if len(y_train) == 0 or len(y_test) == 0:
        raise ValueError("There is no row with a target to train or to test on.")
    return _Rows(X_train, typed_labels(y_train, "training"), X_test, typed_labels(y_test, "test"))


def _align(X_train: Any, X_test: Any) -> tuple[Any, Any]:
    """Give both tables the same columns in the same order."""
    X_train, X_test = as_plain_frame(X_train), as_plain_frame(X_test)
    train_names, test_names = getattr(X_train, "columns", None), getattr(X_test, "columns", None)
    if train_names is not None and test_names is not None:
        lacking = [name for name in train_names if name not in test_names]
        if lacking:
            raise ValueError(f"The test table lacks the columns {lacking} of the training table.")
        return X_train.reset_index(drop=True), X_test[train_names].reset_index(drop=True)
    shapes = np.shape(X_train), np.shape(X_test)
    if len(shapes[0]) != 2 or shapes[0][1:] != shapes[1][1:]:
        raise ValueError(
            f"The training table of shape {shapes[0]} and the test table of shape {shapes[1]} do "
            "not have the same columns."
        )
    if train_names is not None:
        return X_train.reset_index(drop=True), _name_columns(X_test, train_names)
    if test_names is not None:
        return _name_columns(X_train, test_names), X_test.reset_index(drop=True)
    return np.asarray(X_train), np.asarray(X_test)


def _name_columns(X: Any, names: pd.Index) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(X), columns=names).infer_objects()


def _labels(y: Any) -> np.ndarray:
    """Return a target as a one-dimensional array of Python objects."""
    y = as_plain_series(y)
    values = np.asarray(y.to_numpy(dtype=object) if hasattr(y, "to_numpy") else y, dtype=object)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise ValueError(f"The target has shape {values.shape}; one value per row is needed.")
    return values


def _is_classification(schema: Any, y_test: np.ndarray) -> bool:
    target = getattr(schema, "target", None)
    if target is not None:
        return isinstance(schema[target], Categorical | Ordinal)
    kind = type_of_target(y_test)
    if kind not in ("binary", "multiclass", "continuous"):
        raise ValueError(f"A target of type {kind!r} can be neither classified nor regressed.")
    return kind != "continuous"


def _class_order(schema: Any) -> list[Any] | None:
    target = getattr(schema, "target", None)
    return None if target is None else list(schema[target].levels)


def _default_estimator(classify: bool, X_train: Any, schema: Any, seed: int) -> Any:
    names = getattr(X_train, "columns", ())
    categorical = [
        name
        for name in names
        if schema is not None and name in schema and isinstance(schema[name], Categorical)
    ]
    # Early stopping would hold out rows at random, and only in tables of more than 10,000.
    boosting = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    model = boosting(categorical_features="from_dtype", early_stopping=False, random_state=seed)
    return make_pipeline(CategoryDtypeEncoder(categorical), model)


def _few_threads(X_train: Any) -> AbstractContextManager[Any]:
    """Keep boosting to one thread on small tables, where waiting for others costs the most."""
    if np.size(X_train) > _ONE_THREAD_CELLS:
        return nullcontext()
    return threadpool_limits(limits=1, user_api="openmp")


def _as_numbers(values: np.ndarray) -> np.ndarray:
    try:
        return values.astype(float)
    except ValueError:
        raise ValueError(
            f"The target holds values like {values[0].item()!r}; a regression needs numbers."
        ) from None


def _finite(score: Any, scoring: Any) -> float:
    if not isinstance(score, Real) or not isfinite(score):
        raise ValueError(f"scoring={scoring!r} returned {score!r}, which is not a finite number.")
    return float(score)
