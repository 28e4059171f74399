"""Adult: the income of persons in the U.S. census of 1994."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Count, TableSchema
from ._reading import SUBSETS, apply_schema, choose_rows, make_bunch
from ._sources import fetch_from_openml, find_file

__all__ = ["fetch_adult"]

TITLE, TARGET, LICENCE = "Adult", "income", "CC BY 4.0"
OPENML_ID, N_TEST, N_ROWS = 1590, 16_281, 48_842

# Levels, and which columns have "?": the file adult.names that comes with the table.
LEVELS = {
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
    TARGET: "<=50K >50K",
}
NULLABLE = ("workclass", "occupation", "native-country")
BOUNDS = {
    "age": (17, 90),  # persons above 16; top code of the survey
    "fnlwgt": (0, 1_500_000),  # round figure
    "education-num": (1, 16),  # the sixteen levels of education
    "capital-gain": (0, 99_999),  # five digits
    "capital-loss": (0, 5_000),  # round figure
    "hours-per-week": (1, 99),  # hours above 0; two digits
}
COLUMNS = [
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
    "income",
]
# Left-closed bins in which distances between marginals are measured; round figures.
EDGES = {
    "age": [*range(15, 96, 5)],
    "fnlwgt": [*range(0, 1_500_001, 150_000)],
    "education-num": [*range(1, 18)],
    "capital-gain": [0, 1, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 100000],
    "capital-loss": [0, 1, 250, 500, 1000, 1500, 2000, 2500, 3000, 4000, 5000],
    "hours-per-week": [*range(0, 101, 5)],
}

DESCRIPTION = """\
Adult
=====

48,842 rows, 32,561 of them the publisher's training part; 14 features and a target. Persons above
16 of the U.S. census of 1994, extracted by B. Becker. The target, "income", says whether the
person earned more than 50,000 dollars in the year (">50K") or not ("<=50K").

Levels of the schema: the file adult.names that comes with the table; its "?" is a missing value
here. Bounds: the extraction's own conditions (age above 16, hours above 0), the widths and top
codes of the fields; of "fnlwgt" and "capital-loss", round figures chosen by hand. None was taken
from the rows.

Source: B. Becker and R. Kohavi (1996), Adult, UCI Machine Learning Repository,
https://doi.org/10.24432/C5XW20.
"""


def fetch_adult(
    *,
    subset: str = "train",
    data_home: str | Path | None = None,
    local_folder: str | Path | None = None,
) -> Bunch:
    """Load Adult: the income of 48,842 persons, six numeric and eight categorical features.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The publisher's 32,561 training rows, which most of the literature on synthetic data uses
        alone, the 16,281 test rows, or both.
    data_home : path, optional
        Where scikit-learn keeps what it fetches from OpenML.
    local_folder : path, optional
        Folder with ``adult_train.csv.gz`` and ``adult_test.csv.gz``, with a header. By default
        the one that the environment variable ``SKDPSYNTH_DATA`` names. It is looked into first.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (n_rows, 15), the features and the target.
        ``data`` : DataFrame of shape (n_rows, 14), the features.
        ``target`` : Series of "<=50K" and ">50K".
        ``schema`` : TableSchema, from the publisher's description and not from the rows.
        ``edges`` : dict, bins of the numeric columns for distances between marginals.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    OSError
        If the table is in no local folder and cannot be fetched.

    Notes
    -----
    In the file of the test rows the labels end in a full stop, which is removed.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset={subset!r} is not one of {list(SUBSETS)}.")
    raw = _read(subset, local_folder)
    if raw is None:
        raw = fetch_from_openml(TITLE, OPENML_ID, N_ROWS, "adult_train.csv.gz", data_home)
        # OpenML's copy begins with the test rows
        raw = choose_rows(raw, subset, train=np.arange(len(raw)) >= N_TEST)
        raw = raw.rename(columns={"class": TARGET})
    raw = raw.assign(income=raw[TARGET].astype(str).str.strip().str.rstrip("."))
    schema = _make_schema()
    frame = apply_schema(raw, schema, missing=("?",))
    edges = {name: list(bins) for name, bins in EDGES.items()}
    return make_bunch(frame, schema, DESCRIPTION, LICENCE, edges=edges)


def _read(subset: str, local_folder: str | Path | None) -> pd.DataFrame | None:
    """Return the rows of the local files, None where one of them is absent."""
    parts = ("train", "test") if subset == "all" else (subset,)
    paths = [find_file([f"adult_{p}.csv.gz", f"adult_{p}.csv"], local_folder) for p in parts]
    found = [path for path in paths if path is not None]
    if len(found) < len(parts):
        return None
    tables = [pd.read_csv(path, dtype=str, keep_default_na=False) for path in found]
    return pd.concat(tables, ignore_index=True)


def _make_schema() -> TableSchema:
    kinds: dict[str, ColumnKind] = {
        name: Count(*BOUNDS[name])
        if name in BOUNDS
        else Categorical(LEVELS[name].split(), nullable=name in NULLABLE)
        for name in COLUMNS
    }
    return TableSchema(kinds, target=TARGET)
