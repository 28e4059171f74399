"""Simulated tables of many shapes, on which defaults are checked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from skdpsynth import Categorical, Continuous, Count, TableSchema

N_FACTORS = 3


@dataclass(frozen=True)
class Shape:
    """A table to simulate.

    Attributes
    ----------
    n_rows, n_columns : int
        Columns besides the label.
    label : {"additive", "interaction", "number"}
        Log odds that are a sum of columns, or of products of two columns; or a numeric target.
    n_classes : int
    share_numeric : float
        Of the columns; half of the numeric ones are counts or have a spike at zero.
    share_missing : float
        Of the values in every third column.
    """

    n_rows: int
    n_columns: int
    label: str = "additive"
    n_classes: int = 2
    share_numeric: float = 0.5
    share_missing: float = 0.0

    @property
    def name(self) -> str:
        """Short description."""
        return f"{self.n_rows:,} × {self.n_columns}, {self.label}, {self.n_classes} classes"


SHAPES = (
    Shape(500, 3),
    Shape(2_000, 100),
    Shape(5_000, 10, share_missing=0.3),
    Shape(20_000, 15),
    Shape(20_000, 15, "interaction", share_numeric=0.0),
    Shape(20_000, 12, n_classes=6),
    Shape(20_000, 10, "number", share_numeric=0.7),
    Shape(100_000, 12, "interaction", share_numeric=0.3),
    Shape(200_000, 40),
    Shape(1_000_000, 6, "interaction"),
)


def simulate(shape: Shape, seed: int) -> tuple[pd.DataFrame, TableSchema]:
    """Return a table whose columns share a few latent factors, and its public schema."""
    rng = np.random.default_rng([seed, shape.n_rows, shape.n_columns])
    loadings = rng.normal(size=(N_FACTORS, shape.n_columns)) / np.sqrt(N_FACTORS)
    factors = rng.normal(size=(shape.n_rows, N_FACTORS))
    scores = factors @ loadings + 0.8 * rng.normal(size=(shape.n_rows, shape.n_columns))
    scores /= scores.std(axis=0)
    frame, kinds = {}, {}
    for j in range(shape.n_columns):
        name = f"x{j}"
        is_missing = j % 3 == 0 and shape.share_missing > 0
        if j < round(shape.share_numeric * shape.n_columns):
            frame[name], kinds[name] = _numeric_column(scores[:, j], j % 4, is_missing)
        else:
            n_levels = int(rng.choice([2, 3, 4, 6, 12]))
            cuts = np.quantile(scores[:, j], np.cumsum(rng.dirichlet(np.full(n_levels, 2.0)))[:-1])
            frame[name] = np.digitize(scores[:, j], cuts).astype(str).astype(object)
            kinds[name] = Categorical([str(k) for k in range(n_levels)], nullable=is_missing)
        if is_missing:
            hidden = rng.random(shape.n_rows) < shape.share_missing * 2 / (
                1 + np.exp(-factors[:, 0])
            )
            frame[name] = pd.Series(frame[name]).mask(hidden)
    frame["label"], kinds["label"] = _label(scores, shape, rng)
    return pd.DataFrame(frame), TableSchema(kinds, target="label")


def _numeric_column(score: np.ndarray, style: int, nullable: bool):
    if style == 0:
        return score, Continuous(-6.0, 6.0, nullable=nullable)
    if style == 1:
        return np.round(20 + 12 * score).clip(0, 80), Count(0, 80, nullable=nullable)
    if style == 2:
        spiked = np.where(score < 0.5, 0.0, np.exp(5 + 1.5 * score))
        return spiked.clip(0, 100_000), Continuous(0.0, 100_000.0, nullable=nullable)
    return np.exp(score).clip(0, 100), Continuous(0.0, 100.0, nullable=nullable)


def _label(scores: np.ndarray, shape: Shape, rng: np.random.Generator):
    n_used = min(6, shape.n_columns)
    used = scores[:, rng.permutation(shape.n_columns)[:n_used]]
    if shape.label == "number":
        number = used[:, 0] + np.abs(used[:, 1]) + 0.5 * rng.normal(size=len(used))
        return number.clip(-8, 12), Continuous(-8.0, 12.0)
    if shape.label == "interaction":
        terms = used[:, : n_used // 2] * used[:, n_used // 2 : 2 * (n_used // 2)]
    else:
        terms = used
    logits = 1.5 * terms @ rng.normal(size=(terms.shape[1], shape.n_classes))
    label = np.argmax(logits + rng.gumbel(size=logits.shape), axis=1)
    levels = [str(k) for k in range(shape.n_classes)]
    return label.astype(str).astype(object), Categorical(levels)
