"""The game: shadow fits to learn from, other fits to guess at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from skdpsynth import TableSchema

from ..audit.bounds import Guesses, count_guesses
from .attack import describe_sample, make_attacker

__all__ = ["Outcome", "Outlier", "guess", "play", "shadow_features"]


@dataclass(frozen=True)
class Outlier:
    """A row that the attacker looks for, and a table without it.

    Attributes
    ----------
    rows : DataFrame
        All other rows, which the attacker knows.
    target : mapping of column name to value
    schema : TableSchema
    """

    rows: pd.DataFrame
    target: Mapping[Any, Any]
    schema: TableSchema

    @property
    def tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The table without the row, and with it."""
        row = pd.DataFrame([self.target], columns=self.rows.columns).astype(self.rows.dtypes)
        return self.rows, pd.concat([self.rows, row], ignore_index=True)


class Outcome(NamedTuple):
    """How well the attacker did on fits that it has not learned from.

    Attributes
    ----------
    auc : float
        Area under the curve of its scores.
    guesses : Guesses
        At the threshold that it has learned.
    """

    auc: float
    guesses: Guesses


@dataclass(frozen=True)
class Shadows:
    """How shadow fits are made.

    Attributes
    ----------
    synthesizer : estimator
        With the outlier's schema. Its `random_state` is None, so that every fit has noise of its
        own from the operating system.
    n_samples : int
        Rows that the attacker sees of a fit.
    cells : sequence of sequence of column names
        Marginals whose cell with the target is counted.
    """

    synthesizer: Any
    n_samples: int
    cells: Sequence[Sequence[Any]] = field(default=())


def shadow_features(
    shadows: Shadows, tables: Sequence[pd.DataFrame], outlier: Outlier, n_fits: int
) -> np.ndarray:
    """Fit to each of the tables `n_fits` times, and describe a sample of every fit.

    Returns
    -------
    features : ndarray of shape (n_tables, n_fits, n_features)
    """

    def once(table: pd.DataFrame) -> np.ndarray:
        sample = clone(shadows.synthesizer).fit(table).sample(shadows.n_samples)
        return describe_sample(sample, outlier.target, outlier.schema, shadows.cells)

    return np.array([[once(table) for _ in range(n_fits)] for table in tables])


def guess(training: np.ndarray, evaluation: np.ndarray) -> Outcome:
    """Learn from one set of fits and guess at another.

    Parameters
    ----------
    training, evaluation : ndarray of shape (2, n_fits, n_features)
        Without the row, and with it.
    """
    sides = np.repeat([0, 1], training.shape[1])
    attacker = make_attacker().fit(np.concatenate(training), sides)
    scores = [attacker.decision_function(features) for features in evaluation]
    answers = np.repeat([0, 1], evaluation.shape[1])
    auc = float(roc_auc_score(answers, np.concatenate(scores)))
    return Outcome(auc, count_guesses(scores[0], scores[1], 0.0))


def play(shadows: Shadows, outlier: Outlier, n_fits: int) -> Outcome:
    """Play one game, with `n_fits` a side to learn from and as many others to guess at."""
    training, evaluation = (
        shadow_features(shadows, outlier.tables, outlier, n_fits) for _ in range(2)
    )
    return guess(training, evaluation)
