"""Splits of the public tables that the benchmarks are made with."""

from __future__ import annotations

from functools import partial

import pandas as pd
from sklearn.model_selection import train_test_split

from skdpsynth import TableSchema
from skdpsynth.datasets import fetch_adult, fetch_census, fetch_covid19

LOADERS = {
    "adult": fetch_adult,
    "census": partial(fetch_census, subset="train"),
    "covid19": fetch_covid19,
}


def split(table: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, TableSchema]:
    """Return training rows, test rows (a stratified quarter) and the schema of a table."""
    loaded = LOADERS[table]()
    train, test = train_test_split(
        loaded.frame, test_size=0.25, random_state=seed, stratify=loaded.target
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), loaded.schema
