"""Public tables and their schemas, for the benchmarks; nothing here is part of the package."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from skdpsynth import Categorical, Continuous, Count, TableSchema

ADULT_LEVELS = {
    "workclass": "Federal-gov Local-gov Never-worked Private Self-emp-inc Self-emp-not-inc "
    "State-gov Without-pay",
    "education": "10th 11th 12th 1st-4th 5th-6th 7th-8th 9th Assoc-acdm Assoc-voc Bachelors "
    "Doctorate HS-grad Masters Preschool Prof-school Some-college",
    "marital-status": "Divorced Married-AF-spouse Married-civ-spouse Married-spouse-absent "
    "Never-married Separated Widowed",
    "occupation": "Adm-clerical Armed-Forces Craft-repair Exec-managerial Farming-fishing "
    "Handlers-cleaners Machine-op-inspct Other-service Priv-house-serv Prof-specialty "
    "Protective-serv Sales Tech-support Transport-moving",
    "relationship": "Husband Not-in-family Other-relative Own-child Unmarried Wife",
    "race": "Amer-Indian-Eskimo Asian-Pac-Islander Black Other White",
    "sex": "Female Male",
    "native-country": "Cambodia Canada China Columbia Cuba Dominican-Republic Ecuador El-Salvador "
    "England France Germany Greece Guatemala Haiti Holand-Netherlands Honduras Hong Hungary India "
    "Iran Ireland Italy Jamaica Japan Laos Mexico Nicaragua Outlying-US(Guam-USVI-etc) Peru "
    "Philippines Poland Portugal Puerto-Rico Scotland South Taiwan Thailand Trinadad&Tobago "
    "United-States Vietnam Yugoslavia",
}
ADULT_NULLABLE = ("workclass", "occupation", "native-country")
ADULT_BOUNDS = {
    "age": (17, 90),
    "fnlwgt": (0, 1_500_000),
    "education-num": (1, 16),
    "capital-gain": (0, 99_999),
    "capital-loss": (0, 5_000),
    "hours-per-week": (1, 99),
}


def data_directory() -> Path:
    """Return the directory of the public tables, or stop with a message."""
    directory = Path(os.environ.get("SKDPSYNTH_DATA", "../shared/data"))
    if not directory.is_dir():
        sys.exit(
            f"The public tables are not at {directory}: name their directory in SKDPSYNTH_DATA."
        )
    return directory


def load_adult() -> tuple[pd.DataFrame, TableSchema]:
    """Return the training part of UCI Adult and its schema, from the publisher's description."""
    raw = pd.read_csv(data_directory() / "adult_train.csv.gz", dtype=str, keep_default_na=False)
    columns: dict[str, object] = {}
    frame = pd.DataFrame(index=raw.index)
    for name in raw:
        if name in ADULT_BOUNDS:
            frame[name] = raw[name].astype(np.int64)
            columns[name] = Count(*ADULT_BOUNDS[name])
        elif name == "income":
            frame[name] = raw[name]
            columns[name] = Categorical(["<=50K", ">50K"])
        else:
            frame[name] = raw[name].replace("?", None)
            columns[name] = Categorical(ADULT_LEVELS[name].split(), nullable=name in ADULT_NULLABLE)
    return frame, TableSchema(columns, target="income")


CENSUS_BOUNDS = {
    "age": (0, 90),
    "wage per hour": (0, 9_999),
    "capital gains": (0, 99_999),
    "capital losses": (0, 4_608),
    "dividends from stocks": (0, 99_999),
    "num persons worked for employer": (0, 6),
    "weeks worked in year": (0, 52),
}


def load_census() -> tuple[pd.DataFrame, TableSchema]:
    """Return the official training part of UCI Census-Income (KDD) and its schema.

    The levels are those of the whole public table, as its code book lists them.
    """
    raw = pd.read_csv(data_directory() / "census.csv.gz", dtype=str, keep_default_na=False)
    raw = raw.drop(columns="instance weight")
    columns: dict[str, object] = {}
    for name in raw:
        if name in CENSUS_BOUNDS:
            raw[name] = raw[name].astype(np.int64)
            columns[name] = Count(*CENSUS_BOUNDS[name])
        else:
            columns[name] = Categorical(sorted(raw[name].unique()))
    return raw.iloc[:199_523].copy(), TableSchema(columns, target="label")


COVID19_TARGET = "SARS-Cov-2 exam result"


def load_covid19() -> tuple[pd.DataFrame, TableSchema]:
    """Return the Einstein COVID-19 table, columns with under 95 % missing, and its schema.

    Its publisher standardised the laboratory values, so that bounds of ±8 are public.
    """
    raw = pd.read_csv(
        data_directory() / "covid19_einstein.csv.gz", dtype=str, keep_default_na=False
    )
    raw = raw.drop(columns="Patient ID").replace("", np.nan)
    raw = raw.loc[:, raw.isna().mean() < 0.95]
    columns: dict[str, object] = {}
    for name in raw:
        numbers = pd.to_numeric(raw[name], errors="coerce")
        if name == "Patient age quantile":
            raw[name] = numbers.astype(np.int64)
            columns[name] = Count(0, 19)
        elif numbers.notna().sum() == raw[name].notna().sum() and numbers.nunique() > 2:
            raw[name] = numbers
            columns[name] = Continuous(-8.0, 8.0, nullable=True)
        else:
            levels = sorted(raw[name].dropna().unique())
            columns[name] = Categorical(levels, nullable=bool(raw[name].isna().any()))
    return raw, TableSchema(columns, target=COVID19_TARGET)


def adult_edges() -> dict[str, list[float]]:
    """Return the bin edges on which the distances between Adult's marginals are measured."""
    return json.loads((data_directory() / "tvd_edges.json").read_text())["adult"]["edges"]


LOADERS = {"adult": load_adult, "census": load_census, "covid19": load_covid19}


def split(table: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, TableSchema]:
    """Return training rows, test rows (a stratified quarter) and the schema of a table."""
    frame, schema = LOADERS[table]()
    train, test = train_test_split(
        frame, test_size=0.25, random_state=seed, stratify=frame[schema.target]
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), schema
