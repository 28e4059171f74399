"""What an attacker reads off sampled rows, and a classifier of tables with and without one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skdpsynth import Categorical, TableSchema

__all__ = ["column_distances", "describe_sample", "make_attacker"]

# numbers as far apart as this share of the public range count as equal
NEAR = 0.01
N_NEAREST = 10


def column_distances(
    sample: pd.DataFrame, target: Mapping[Any, Any], schema: TableSchema
) -> np.ndarray:
    """Return how far each value is from the target's: 0 or 1 for levels, else in ranges.

    Returns
    -------
    distances : ndarray of shape (n_rows, n_columns)
        A missing value is at distance 1 from any other, and 0 from a missing one.
    """
    columns = []
    for name in schema:
        kind, value, own = schema[name], target[name], sample[name]
        if pd.isna(value):
            distance = own.notna().to_numpy(dtype=float)
        elif isinstance(kind, Categorical):
            distance = (own != value).to_numpy(dtype=float)
        else:
            apart = np.abs(own.to_numpy(dtype=float) - value) / (kind.high - kind.low)
            distance = np.where(np.isnan(apart), 1.0, apart)
        columns.append(distance)
    return np.column_stack(columns)


def describe_sample(
    sample: pd.DataFrame,
    target: Mapping[Any, Any],
    schema: TableSchema,
    cells: Sequence[Sequence[Any]] = (),
) -> np.ndarray:
    """Return what a sample says about the target: the features of one shadow fit.

    Parameters
    ----------
    sample : DataFrame
        As `sample` of a fitted synthesizer returns it.
    target : mapping of column name to value
    schema : TableSchema
    cells : sequence of sequence of column names
        Marginals whose cell that holds the target is counted.

    Returns
    -------
    features : ndarray of shape (n_features,)
        Square roots, whose noise is about the same for rare and frequent values, of the numbers of
        rows that agree with the target: column by column, in all columns together, in those of
        each of `cells`, and in at least two columns, three, ... all; then the distances to the
        nearest row and to the ten nearest.
    """
    distances = column_distances(sample, target, schema)
    agrees = distances <= NEAR
    places = [[schema.names.index(name) for name in cell] for cell in cells]
    n_agreeing = np.bincount(agrees.sum(axis=1), minlength=len(schema) + 1)
    at_least = np.cumsum(n_agreeing[::-1])[::-1]
    counts = [
        agrees.sum(axis=0),
        [agrees.sum()],
        [agrees[:, place].all(axis=1).sum() for place in places],
        at_least[2:],
    ]
    nearest = np.sort(distances.mean(axis=1))[:N_NEAREST]
    return np.concatenate([np.sqrt(np.concatenate(counts)), [nearest[0], nearest.mean()]])


def make_attacker() -> Pipeline:
    """Return an untrained logistic regression on standardised features, strongly regularised."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
