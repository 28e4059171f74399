"""Classifiers whose training rows lack classes of the test rows."""

from __future__ import annotations

import warnings
from numbers import Number
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.metrics import roc_auc_score

from ..exceptions import SyntheticDataWarning

__all__ = ["PaddedClassifier", "common_labels", "fit_on_classes", "roc_auc", "typed_labels"]


class PaddedClassifier(ClassifierMixin, BaseEstimator):
    """A fitted classifier seen as one of more classes; those it does not know get probability 0.

    Parameters
    ----------
    fitted : classifier
        A fitted classifier with ``predict_proba``.
    classes : ndarray of shape (n_classes,)
        Sorted labels, those of the classifier among them.
    """

    def __init__(self, fitted: Any, classes: np.ndarray) -> None:
        self.fitted = fitted
        self.classes = classes

    @property
    def classes_(self) -> np.ndarray:
        """All labels, sorted."""
        return self.classes

    def predict(self, X: Any) -> np.ndarray:
        """Return the labels that the fitted classifier predicts."""
        return self.fitted.predict(X)

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probabilities of all classes, of shape (n_samples, n_classes)."""
        known = self.fitted.predict_proba(X)
        probabilities = np.zeros((len(known), len(self.classes)))
        probabilities[:, np.searchsorted(self.classes, self.fitted.classes_)] = known
        return probabilities


def typed_labels(values: np.ndarray, label: str) -> np.ndarray:
    """Give an object array of labels the dtype of what it holds: text, or numbers.

    Parameters
    ----------
    values : object ndarray of shape (n_samples,)
        A target without missing values.
    label : str
        What to call the table in an error message.

    Returns
    -------
    ndarray of shape (n_samples,)
        The same labels, of a string, boolean, integer or float dtype.

    Raises
    ------
    ValueError
        The labels are neither all text nor all numbers.
    """
    kinds = {type(value).__name__ for value in values if not isinstance(value, str | Number)}
    text = sum(isinstance(value, str) for value in values)
    if kinds or 0 < text < len(values):
        raise ValueError(
            f"The {label} target mixes text with numbers or holds values of another type "
            f"({', '.join(sorted(kinds)) or 'str and number'}); convert it."
        )
    return np.array(values.tolist())


def common_labels(y_train: np.ndarray, y_test: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give two targets the same dtype; raise where one holds text and the other numbers.

    Parameters
    ----------
    y_train, y_test : ndarray of shape (n_samples,)
        What :func:`typed_labels` returns.

    Returns
    -------
    y_train, y_test : ndarray of shape (n_samples,)
        Comparable labels.
    """
    kinds = ["text" if y.dtype.kind == "U" else "numbers" for y in (y_train, y_test)]
    if kinds[0] != kinds[1]:
        raise ValueError(
            f"The training target holds {kinds[0]} (such as {y_train[0].item()!r}), the test "
            f"target {kinds[1]} (such as {y_test[0].item()!r}); give both the same labels."
        )
    dtype = np.result_type(y_train, y_test)
    return y_train.astype(dtype), y_test.astype(dtype)


def fit_on_classes(estimator: Any, X_train: Any, y_train: np.ndarray, classes: np.ndarray) -> Any:
    """Fit a classifier and make up for classes that the training rows lack.

    Parameters
    ----------
    estimator : classifier
        Fitted in place, unless the training rows have a single class.
    X_train : DataFrame or array of shape (n_samples, n_features)
        Training rows.
    y_train : ndarray of shape (n_samples,)
        Their labels.
    classes : ndarray of shape (n_classes,)
        Sorted labels that the model must know about.

    Returns
    -------
    classifier
        The estimator itself if no class is lacking, else a :class:`PaddedClassifier`.

    Warns
    -----
    SyntheticDataWarning
        If a class is lacking.
    """
    trained = np.unique(y_train)
    lacking = np.setdiff1d(classes, trained)
    if len(lacking):
        warnings.warn(
            f"The training rows lack {len(lacking)} of {len(classes)} classes of the test set, "
            f"{lacking.tolist()[:5]}: they get probability zero.",
            SyntheticDataWarning,
            stacklevel=5,
        )
    if len(trained) == 1:
        estimator = DummyClassifier(strategy="prior")
    model = estimator.fit(X_train, y_train)
    if not len(lacking):
        return model
    if not hasattr(model, "predict_proba"):
        raise ValueError(
            f"{model!r} has no predict_proba to give the lacking classes probability zero with; "
            "use another estimator."
        )
    return PaddedClassifier(model, np.union1d(trained, classes))


def roc_auc(model: Any, X_test: Any, y_test: np.ndarray, order: list[Any] | None) -> float:
    """Return the area under the ROC curve over the classes of the test set.

    Parameters
    ----------
    model : classifier
        A fitted classifier that knows every class of the test set.
    X_test : DataFrame or array of shape (n_samples, n_features)
        Test rows.
    y_test : ndarray of shape (n_samples,)
        Their labels, of two classes or more.
    order : list of labels or None
        All classes in an order whose second is positive; sorted by default. With more
        than two classes it does not matter.

    Returns
    -------
    float
        For more than two classes the one-versus-one macro average.
    """
    present = np.unique(y_test)
    if order is not None and set(present.tolist()) <= set(order):
        present = np.array(sorted(present.tolist(), key=order.index))
    if len(present) == 2 and not hasattr(model, "predict_proba"):
        decision = model.decision_function(X_test)
        sign = 1.0 if model.classes_[1] == present[1] else -1.0
        return float(roc_auc_score(y_test == present[1], sign * decision))
    columns = [int(np.flatnonzero(model.classes_ == label)[0]) for label in present]
    probabilities = _rescale(model.predict_proba(X_test)[:, columns])
    if len(present) == 2:
        return float(roc_auc_score(y_test == present[1], probabilities[:, 1]))
    codes = np.argmax(y_test[:, None] == present[None, :], axis=1)
    return float(roc_auc_score(codes, probabilities, multi_class="ovo"))


def _rescale(probabilities: np.ndarray) -> np.ndarray:
    """Make the rows sum to 1 again; a row of zeros says nothing about the classes kept."""
    totals = probabilities.sum(axis=1, keepdims=True)
    uniform = np.full_like(probabilities, 1.0 / probabilities.shape[1])
    return np.divide(probabilities, totals, out=uniform, where=totals > 0)
