"""Patients of a hospital in São Paulo who were tested for SARS-CoV-2 in early 2020."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Continuous, Count, TableSchema
from ._reading import apply_schema, make_bunch
from ._sources import require_file

__all__ = ["fetch_covid19"]

TITLE, TARGET, LICENCE = "The COVID-19 table of Einstein", "SARS-Cov-2 exam result", "not stated"
# Round figure: the publisher standardised the values to mean 0 and standard deviation 1.
LABORATORY_BOUND = 8.0

AGE = "Patient age quantile"
ADMISSIONS = (
    "Patient addmited to regular ward (1=yes, 0=no)",
    "Patient addmited to semi-intensive unit (1=yes, 0=no)",
    "Patient addmited to intensive care unit (1=yes, 0=no)",
)
BLOOD_COUNT = (
    "Hematocrit",
    "Hemoglobin",
    "Platelets",
    "Mean platelet volume ",
    "Red blood Cells",
    "Lymphocytes",
    "Mean corpuscular hemoglobin concentration\xa0(MCHC)",
    "Leukocytes",
    "Basophils",
    "Mean corpuscular hemoglobin (MCH)",
    "Eosinophils",
    "Mean corpuscular volume (MCV)",
    "Monocytes",
    "Red blood cell distribution width (RDW)",
)
PATHOGENS = (
    "Respiratory Syncytial Virus",
    "Influenza A",
    "Influenza B",
    "Parainfluenza 1",
    "CoronavirusNL63",
    "Rhinovirus/Enterovirus",
    "Coronavirus HKU1",
    "Parainfluenza 3",
    "Chlamydophila pneumoniae",
    "Adenovirus",
    "Parainfluenza 4",
    "Coronavirus229E",
    "CoronavirusOC43",
    "Inf A H1N1 2009",
    "Bordetella pertussis",
    "Metapneumovirus",
    "Parainfluenza 2",
)
CHEMISTRY = (
    "Neutrophils",
    "Urea",
    "Proteina C reativa mg/dL",
    "Creatinine",
    "Potassium",
    "Sodium",
)
RAPID_TESTS = ("Influenza B, rapid test", "Influenza A, rapid test")

DESCRIPTION = """\
COVID-19 at the Hospital Israelita Albert Einstein
==================================================

5,644 patients of a hospital in São Paulo who were tested for SARS-CoV-2 in early 2020; 44 features
and a target, the result of that test. Most patients had no blood count and no test for other
pathogens: four cells in five are missing.

The publisher's table has 111 columns. Left out are the identifier of the patient, and
examinations that hardly anybody had: blood gases, urine and others.

Levels of the schema: the results that a test can have. Bounds: age comes as a quantile of 0 to 19;
laboratory values are standardised, and ±8 is a round figure chosen by hand. None was taken from the
rows.

Source: Hospital Israelita Albert Einstein (2020), Diagnosis of COVID-19 and its clinical spectrum,
Kaggle. Its licence is not clearly stated: measure on it, do not redistribute it.
"""


def fetch_covid19(*, local_folder: str | Path | None = None) -> Bunch:
    """Load the COVID-19 table of the Hospital Israelita Albert Einstein from a local folder.

    Its licence is not clearly stated, so it is fetched from nowhere.

    Parameters
    ----------
    local_folder : path, optional
        Folder with ``covid19_einstein.csv.gz``, the publisher's table as CSV. By default the one
        that the environment variable ``SKDPSYNTH_DATA`` names.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (5644, 45), the features and the target.
        ``data`` : DataFrame of shape (5644, 44), the features, most of whose cells are missing.
        ``target`` : Series of "negative" and "positive".
        ``schema`` : TableSchema, from the publisher's description and not from the rows.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    FileNotFoundError
        If the table is in no local folder.
    """
    names = ["covid19_einstein.csv.gz", "covid19_einstein.csv"]
    path = require_file(TITLE, names, local_folder)
    raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    schema = _make_schema()
    return make_bunch(apply_schema(raw, schema), schema, DESCRIPTION, LICENCE)


def _make_schema() -> TableSchema:
    result = ["negative", "positive"]
    laboratory = Continuous(-LABORATORY_BOUND, LABORATORY_BOUND, nullable=True)
    pathogen = Categorical(["detected", "not_detected"], nullable=True)
    kinds: dict[str, ColumnKind] = {AGE: Count(0, 19), TARGET: Categorical(result)}
    kinds |= dict.fromkeys(ADMISSIONS, Categorical(["0", "1"]))
    kinds |= dict.fromkeys(BLOOD_COUNT, laboratory)
    kinds |= dict.fromkeys(PATHOGENS, pathogen)
    kinds |= dict.fromkeys(CHEMISTRY, laboratory)
    kinds |= dict.fromkeys(RAPID_TESTS, Categorical(result, nullable=True))
    kinds["Strepto A"] = Categorical(["negative", "not_done", "positive"], nullable=True)
    return TableSchema(kinds, target=TARGET)
