"""Neighbouring tables that are as far apart as the release of one record can make them."""

from __future__ import annotations

import numpy as np

from skdpsynth import Categorical, Continuous, Count, TableSchema

ADJACENCIES = ("add_remove", "replace_one")

SCHEMA = TableSchema(
    {
        "few": Count(0, 9, nullable=True),
        "pay": Continuous(0, 1, nullable=True),
        "sex": Categorical(["F", "M", "X"], nullable=True),
        "town": Categorical(["a", "b", "rare"]),
        "label": Categorical(["no", "yes", "once"]),
    },
    target="label",
)

N_ROWS = 360

# what the one record is like; codes of SCHEMA, NaN where missing
RECORDS = {
    "corner of the domain": [1.0, 1.0, 2.0, 1.0, 1.0],
    "other corner": [0.0, 0.0, 0.0, 0.0, 1.0],
    "rare level": [0.0, 1.0, 2.0, 2.0, 1.0],
    "missing values": [np.nan, np.nan, np.nan, 1.0, 1.0],
    "duplicate of many rows": [5 / 9, 0.5, 1.0, 0.0, 1.0],
    "only record of its class": [1.0, 1.0, 2.0, 2.0, 2.0],
}
# what it replaces, different in every column
REPLACED = [3 / 9, 0.3, 1.0, 0.0, 0.0]
OTHER_REPLACED = [3 / 9, 0.3, 1.0, 1.0, 0.0]


def base_table() -> np.ndarray:
    """Return the rows that both tables have: two classes, no "rare", "X" or "once"."""
    rng = np.random.default_rng(0)
    label = (np.arange(N_ROWS) % 2).astype(float)
    few = np.clip(np.round(3 + 4 * label + rng.normal(size=N_ROWS)), 0, 9) / 9
    pay = np.where(rng.random(N_ROWS) < 0.1, np.nan, np.clip(rng.normal(0.3, 0.2, N_ROWS), 0, 1))
    sex = np.where(rng.random(N_ROWS) < 0.1, np.nan, label)
    town = (rng.random(N_ROWS) < 0.3 + 0.4 * label).astype(float)
    rows = np.column_stack([few, pay, sex, town, label])
    rows[:50] = RECORDS["duplicate of many rows"]
    return rows


def neighbours(record: str, adjacency: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of D and D': the record is added, or takes the place of another one."""
    rows, added = base_table(), np.array(RECORDS[record])
    if adjacency == "add_remove":
        return rows, np.vstack([rows, added])
    replaced = OTHER_REPLACED if added[3] == REPLACED[3] else REPLACED
    return np.vstack([rows, replaced]), np.vstack([rows, added])


NUMBERS = TableSchema(
    {
        **{f"x{j}": Continuous(0, 1) for j in range(4)},
        "label": Categorical(["no", "yes", "once"]),
    },
    target="label",
)
NUMERIC_RECORDS = {
    "corner of the domain": [1.0, 1.0, 1.0, 1.0, 1.0],
    "other corner": [0.0, 0.0, 0.0, 0.0, 1.0],
    "duplicate of many rows": [0.5, 0.5, 0.5, 0.5, 1.0],
    "only record of its class": [1.0, 0.0, 1.0, 0.0, 2.0],
}


def numeric_neighbours(record: str, adjacency: str) -> tuple[np.ndarray, np.ndarray]:
    """Return codes of D and D' for tables of numbers, which are vectors to some mechanisms."""
    rng = np.random.default_rng(0)
    label = (np.arange(N_ROWS) % 2).astype(float)
    values = np.clip(rng.normal(0.3 + 0.4 * label[:, None], 0.1, (N_ROWS, 4)), 0, 1)
    rows = np.column_stack([values, label])
    rows[:50] = NUMERIC_RECORDS["duplicate of many rows"]
    added = np.array(NUMERIC_RECORDS[record])
    if adjacency == "add_remove":
        return rows, np.vstack([rows, added])
    return np.vstack([rows, np.zeros(5)]), np.vstack([rows, added])
