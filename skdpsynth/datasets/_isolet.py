"""ISOLET: spoken letters of the alphabet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Continuous, TableSchema
from ._reading import apply_schema, choose_rows, make_bunch
from ._sources import fetch_from_openml, find_file

__all__ = ["fetch_isolet"]

TITLE, TARGET, LICENCE = "ISOLET", "class", "CC BY 4.0"
OPENML_ID, N_TRAIN, N_ROWS = 300, 6_238, 7_797
N_FEATURES = 617

DESCRIPTION = """\
ISOLET
======

7,797 rows, the first 6,238 of which (120 speakers) are the publisher's training part; 617 features
and a target. 150 speakers said the name of every letter of the alphabet twice; a few recordings
were lost. The features describe the sound: spectral coefficients, contours, sonorants. The target,
"class", is the letter, 1 for A to 26 for Z.

Bounds of the schema: the publisher scaled every feature to the range from -1 to 1.

Rows of one speaker resemble each other, and the table does not name the speakers. The publisher's
parts have different speakers.

Source: R. Cole and M. Fanty (1991), ISOLET, UCI Machine Learning Repository,
https://doi.org/10.24432/C51G69.
"""


def fetch_isolet(
    *,
    subset: str = "all",
    data_home: str | Path | None = None,
    local_folder: str | Path | None = None,
) -> Bunch:
    """Load ISOLET: spoken letters, 617 real-valued features and 26 classes.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        All rows, the first 6,238, which are the publisher's training part, or the others.
    data_home : path, optional
        Where scikit-learn keeps what it fetches from OpenML.
    local_folder : path, optional
        Folder with ``isolet.csv.gz``, columns ``f1`` to ``f617`` and ``class``. By default the
        one that the environment variable ``SKDPSYNTH_DATA`` names. It is looked into first.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (n_rows, 618), the features and the target.
        ``data`` : DataFrame of shape (n_rows, 617), the features.
        ``target`` : Series of the integers 1 to 26.
        ``schema`` : TableSchema, from the publisher's description and not from the rows.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    OSError
        If the table is in no local folder and cannot be fetched.
    """
    path = find_file(["isolet.csv.gz", "isolet.csv"], local_folder)
    if path is None:
        raw = fetch_from_openml(TITLE, OPENML_ID, N_ROWS, "isolet.csv.gz", data_home)
        raw = raw.assign(**{TARGET: raw[TARGET].astype(str).str.strip("'").astype(int)})
    else:
        raw = pd.read_csv(path)
    schema = _make_schema()
    raw = choose_rows(raw, subset, train=np.arange(len(raw)) < N_TRAIN)
    return make_bunch(apply_schema(raw, schema), schema, DESCRIPTION, LICENCE)


def _make_schema() -> TableSchema:
    kinds: dict[str, ColumnKind] = {
        f"f{i}": Continuous(-1.0, 1.0) for i in range(1, N_FEATURES + 1)
    }
    kinds[TARGET] = Categorical(list(range(1, 27)))
    return TableSchema(kinds, target=TARGET)
