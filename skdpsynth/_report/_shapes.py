"""Numeric columns whose spread or tails are wrong, in words: what distances do not tell.

Few rows far out move a standard deviation by a multiple and a distance by a hundredth.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, sqrt
from typing import Any

import numpy as np
import pandas as pd

from ..schema import Numeric, TableSchema

__all__ = ["describe_shapes"]

_MOST = 6  # sentences of a kind
_SPREAD = 1.5  # a standard deviation so many times too large or too small is told
_TAIL = 0.01  # of the real rows lie beyond the limits of the tails
_HEAVY = 2.0  # a tail of so many times as many rows is told
_CHANCE = 4.0  # standard errors that two samples of one population hardly ever are apart


def describe_shapes(real: pd.DataFrame, synthetic: pd.DataFrame, schema: TableSchema) -> list[str]:
    """Return a sentence for every numeric column with a wrong spread, or a wrong tail.

    Parameters
    ----------
    real, synthetic : DataFrame
        With the columns of the schema.
    schema : TableSchema

    Returns
    -------
    list of str
        The worst first, at most six of a kind; the last of each says how many more there are.
    """
    spreads: list[tuple[float, str]] = []
    tails: list[tuple[float, str]] = []
    for name, kind in schema.columns.items():
        if not isinstance(kind, Numeric):
            continue
        first, second = (_known(table[name]) for table in (real, synthetic))
        if len(first) < 2 or len(second) < 2:
            continue
        spreads += _compare_spread(first, second, name)
        tails += _compare_tails(first, second, name)
    return [*_worst(spreads, "standard deviations"), *_worst(tails, "tails")]


def _known(column: pd.Series) -> np.ndarray:
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return values[np.isfinite(values)]


def _compare_spread(
    real: np.ndarray, synthetic: np.ndarray, name: Any
) -> Iterator[tuple[float, str]]:
    before, after = float(real.std()), float(synthetic.std())
    if before == after:
        return
    if not before:
        yield np.inf, f"The spread of {name} is wrong: all real values are equal, and here not."
    elif not after:
        yield np.inf, f"The spread of {name} is wrong: all synthetic values are equal."
    elif max(before / after, after / before) >= max(_SPREAD, _spread_by_chance(real, synthetic)):
        yield (
            max(before / after, after / before),
            f"The standard deviation of {name} is {_times(after / before)} the real one.",
        )


def _spread_by_chance(real: np.ndarray, synthetic: np.ndarray) -> float:
    """Return how many times as large the deviation of another sample of the real values may be.

    The relative standard error of a standard deviation is √((κ − 1) / n) / 2, κ the kurtosis.
    """
    standard = (real - real.mean()) / real.std()
    kurtosis = float((standard**4).mean())
    error = 0.5 * sqrt((kurtosis - 1) * (1 / len(real) + 1 / len(synthetic)))
    return exp(min(_CHANCE * error, 700.0))


def _compare_tails(
    real: np.ndarray, synthetic: np.ndarray, name: Any
) -> Iterator[tuple[float, str]]:
    high, low = (
        np.quantile(real, 1 - _TAIL, method="higher"),
        np.quantile(real, _TAIL, method="lower"),
    )
    for side, limit, of in (
        ("above", high, lambda values: values > high),
        ("below", low, lambda values: values < low),
    ):
        before, after = float(of(real).mean()), float(of(synthetic).mean())
        pooled = (before * len(real) + after * len(synthetic)) / (len(real) + len(synthetic))
        error = sqrt(pooled * (1 - pooled) * (1 / len(real) + 1 / len(synthetic)))
        # one row each: without it an empty tail would be infinitely light
        ratio = (after + 1 / len(synthetic)) / (before + 1 / len(real))
        if abs(after - before) <= _CHANCE * error or max(ratio, 1 / ratio) < _HEAVY:
            continue
        yield (
            max(ratio, 1 / ratio),
            f"The {'upper' if side == 'above' else 'lower'} tail of {name} is too "
            f"{'heavy' if ratio > 1 else 'light'}: {_share(after)} of the synthetic values lie "
            f"{side} {limit:,.6g}, and {_share(before)} of the real ones.",
        )


def _worst(found: list[tuple[float, str]], what: str) -> list[str]:
    sentences = [sentence for _, sentence in sorted(found, key=lambda pair: -pair[0])]
    more = len(sentences) - _MOST
    return [*sentences[:_MOST], *([f"{more} more {what} are off as well."] if more > 0 else [])]


def _times(ratio: float) -> str:
    if ratio >= 9.95:
        return f"{ratio:,.0f} times"
    return f"{ratio:.1f} times" if ratio >= 1 else f"{ratio:.2g} times"


def _share(share: float) -> str:
    return f"{100 * share:.2g} %"
