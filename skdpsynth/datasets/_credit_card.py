"""Credit-card fraud: transactions of European cardholders in September 2013."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Continuous, TableSchema
from ._reading import apply_schema, make_bunch
from ._sources import fetch_from_openml, find_file

__all__ = ["fetch_credit_card_fraud"]

TITLE, TARGET, LICENCE = "Credit Card Fraud Detection", "Class", "DbCL 1.0"
OPENML_ID, N_ROWS = 1597, 284_807
COMPONENTS = [f"V{i}" for i in range(1, 29)]
# Round figures: the publisher states no ranges. Principal components lie around zero.
COMPONENT_BOUND, AMOUNT_BOUND = 20.0, 30_000.0

DESCRIPTION = """\
Credit Card Fraud Detection
===========================

284,807 rows, 492 of them frauds; 29 features and a target. Transactions made with credit cards by
European cardholders on two days of September 2013.

    V1 ... V28    principal components of features that are kept secret
    Amount        the amount of the transaction
    Class         the target: 1 for a fraud, else 0

The column "Time", the seconds since the first transaction, is left out: OpenML's copy lacks it.

Bounds of the schema: the publisher states none. ±20 for the components and 30,000 for the amount
are round figures chosen by hand; values beyond them are clipped. None was taken from the rows.

Source: Machine Learning Group of the Université libre de Bruxelles; A. Dal Pozzolo, O. Caelen,
R. A. Johnson and G. Bontempi (2015), Calibrating Probability with Undersampling for Unbalanced
Classification, IEEE CIDM. Database Contents License 1.0.
"""


def fetch_credit_card_fraud(
    *, data_home: str | Path | None = None, local_folder: str | Path | None = None
) -> Bunch:
    """Load Credit Card Fraud Detection: 29 real-valued features, 0.17 % of the rows positive.

    Parameters
    ----------
    data_home : path, optional
        Where scikit-learn keeps what it fetches from OpenML.
    local_folder : path, optional
        Folder with ``creditcard.csv``, gzipped or not, as its publisher has it. By default the
        one that the environment variable ``SKDPSYNTH_DATA`` names. It is looked into first.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (284807, 30), the features and the target.
        ``data`` : DataFrame of shape (284807, 29), the features.
        ``target`` : Series of 0 and 1.
        ``schema`` : TableSchema with bounds chosen by hand and not from the rows.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    OSError
        If the table is in no local folder and cannot be fetched.
    """
    path = find_file(["creditcard.csv.gz", "creditcard.csv"], local_folder)
    if path is None:
        raw = fetch_from_openml(TITLE, OPENML_ID, N_ROWS, "creditcard.csv", data_home)
    else:
        raw = pd.read_csv(path)
    raw = raw.rename(columns={"class": TARGET})
    # the publisher's file and ARFF quote the label
    raw[TARGET] = raw[TARGET].astype(str).str.strip("'\"")
    schema = _make_schema()
    return make_bunch(apply_schema(raw, schema), schema, DESCRIPTION, LICENCE)


def _make_schema() -> TableSchema:
    kinds: dict[str, ColumnKind] = {
        name: Continuous(-COMPONENT_BOUND, COMPONENT_BOUND) for name in COMPONENTS
    }
    kinds["Amount"] = Continuous(0.0, AMOUNT_BOUND)
    kinds[TARGET] = Categorical([0, 1])
    return TableSchema(kinds, target=TARGET)
