"""Personal data at the head of a pipeline: set aside before other steps, put back after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone

from ..pii import PIIDetector, PIIMasker
from ._seeds import Seeds

__all__ = ["mask_rows", "masking_steps", "place_after", "put_back", "set_aside", "without_masking"]


def masking_steps(steps: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the steps that find and mask personal data."""
    return [step for step in steps if isinstance(step[1], PIIDetector | PIIMasker)]


def without_masking(steps: Sequence[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """Return the same steps with those passed through that find and mask personal data."""
    return [
        (name, "passthrough" if isinstance(step, PIIDetector | PIIMasker) else step)
        for name, step in steps
    ]


def mask_rows(steps: Sequence[tuple[str, Any]], X: Any) -> Any:
    """Return the table that the steps after these will be given; these are not fitted."""
    for _, step in steps:
        copy = clone(step)
        if isinstance(copy, PIIMasker):
            copy.set_params(set_aside=True)
        X = copy.fit(X).transform(X)
    return X


@contextmanager
def set_aside(estimator: Any) -> Iterator[None]:
    """Have maskers leave masked columns out, by a parameter that a fit must leave as it is."""
    before = {
        position: step.set_aside
        for position, (_, step) in enumerate(estimator.steps)
        if isinstance(step, PIIMasker)
    }
    for position in before:
        estimator.steps[position][1].set_params(set_aside=True)
    try:
        yield
    finally:
        for position, value in before.items():
            estimator.steps[position][1].set_params(set_aside=value)


def put_back(steps: Sequence[tuple[str, Any]], table: Any, rng: Seeds) -> Any:
    """Return the table with tokens and fakes where they belong; y may be its last column."""
    for _, step in reversed(steps):
        if isinstance(step, PIIMasker):
            table = rng.lend(step)._put_back(table)
    return table


def place_after(steps: Sequence[tuple[str, Any]], position: int, n_columns: int) -> int:
    """Return where a column of the table without masked ones is in the whole table."""
    positions = np.arange(n_columns).astype(object).reshape(1, -1)
    return put_back(steps, positions, Seeds(0))[0].tolist().index(position)
