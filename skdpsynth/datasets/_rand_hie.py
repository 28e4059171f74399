"""The RAND Health Insurance Experiment, as the installed statsmodels package carries it."""

from __future__ import annotations

import math

import pandas as pd
from sklearn.utils import Bunch

from .._extras import how_to_install
from ..schema import Categorical, Continuous, Count, TableSchema

__all__ = ["load_rand_hie"]

TARGET = "fair_or_poor"

DESCRIPTION = """\
RAND Health Insurance Experiment
================================

20,190 rows; seven features and a target, none of them missing. Families in the United States were
assigned to insurance plans between 1974 and 1982, and their use of care was followed.

    mdvis         number of outpatient visits to a physician in the year
    lncoins       ln(coinsurance + 1), coinsurance in per cent from 0 to 100
    idp           1 for an individual deductible plan, else 0
    lpi           ln(max(1, annual participation incentive payment))
    fmde          0 if idp = 1, else ln(max(1, maximum expenditure / (0.01 coinsurance)))
    physlm        1 for a physical limitation, else 0; the few values between look imputed
    disea         index of chronic diseases
    fair_or_poor  the target: "yes" if the person's health, self-rated, is fair or poor, else "no"

The target is derived: the source has indicators of good (hlthg), fair (hlthf) and poor (hlthp)
health, excellent being the rest; "yes" is hlthf = 1 or hlthp = 1, and the three are left out.

A row is one person in one year, and the source identifies no persons. Differential privacy as
this library gives it protects a *row*; a person with five rows has the weaker protection of a group
of five. The rows of a person, and of a family, resemble each other: a model that is tested on other
years of the families it was trained on recognises them, and its score flatters it. Split by groups.
A group is a run of consecutive rows with the same lncoins, idp, lpi and fmde, because families
stand together in the source and are assigned to a plan together; neighbouring families with the
same values fall into one group.

Bounds of the schema. coinsurance, idp, physlm: by definition. fmde: a maximum expenditure of at
most $1,000 and a coinsurance of at least 25 per cent give ln(4000) = 8.29, rounded up to 8.5. Round
figures chosen by hand, where the description names none: 104 visits (two a week), an incentive
payment of $2,000, an index of 100. No bound was taken from the rows.

Source: the RAND Corporation, by way of A. C. Cameron and P. K. Trivedi (2005), Microeconometrics:
Methods and Applications, Cambridge University Press; a subset of it comes with statsmodels, which
states that it is in the public domain.
"""


def load_rand_hie() -> Bunch:
    """Load the RAND Health Insurance Experiment: a real mixed table that needs no network.

    The rows are read from the installed statsmodels package.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (20190, 8), the features and the target.
        ``data`` : DataFrame of shape (20190, 7), the features.
        ``target`` : Series of "no" and "yes": is the self-rated health fair or poor?
        ``groups`` : Series of int, rows that are likely to belong to one family.
        ``schema`` : TableSchema with public bounds, written from the description of the table and
        not from its rows.
        ``DESCR`` : str, the columns, the origin, and where the bounds come from.

    Raises
    ------
    ImportError
        If statsmodels is not installed.

    Notes
    -----
    A row is one person in one year, so that a person has several rows. The protection that a
    synthesizer gives is that of a row. Split by ``groups`` before you measure anything: a model
    recognises a family in other years.

    Examples
    --------
    >>> from skdpsynth.datasets import load_rand_hie
    >>> hie = load_rand_hie()
    >>> hie.frame.shape, hie.schema.target
    ((20190, 8), 'fair_or_poor')
    >>> hie.target.value_counts().to_dict()
    {'no': 18328, 'yes': 1862}
    """
    frame = _read_statsmodels()
    fair_or_poor = (frame["hlthf"] == 1) | (frame["hlthp"] == 1)
    frame = frame.drop(columns=["hlthg", "hlthf", "hlthp"])
    frame[TARGET] = fair_or_poor.map({False: "no", True: "yes"})
    return Bunch(
        frame=frame,
        data=frame.drop(columns=TARGET),
        target=frame[TARGET],
        groups=_find_families(frame),
        schema=_make_schema(),
        DESCR=DESCRIPTION,
    )


def _read_statsmodels() -> pd.DataFrame:
    try:
        from statsmodels.datasets import randhie
    except ImportError as error:
        raise ImportError(
            "The RAND Health Insurance Experiment is read from the statsmodels package, which is "
            f"not installed: {how_to_install('demo')}"
        ) from error
    return randhie.load_pandas().data


def _find_families(frame: pd.DataFrame) -> pd.Series:
    plan = frame[["lncoins", "idp", "lpi", "fmde"]]
    return (plan != plan.shift()).any(axis=1).cumsum().rename("group")


def _make_schema() -> TableSchema:
    return TableSchema(
        {
            "mdvis": Count(0, 104),
            "lncoins": Continuous(0, math.log(101)),
            "idp": Categorical([0, 1]),
            "lpi": Continuous(0, math.log(2000)),
            "fmde": Continuous(0, 8.5),
            "physlm": Continuous(0, 1),
            "disea": Continuous(0, 100),
            TARGET: Categorical(["no", "yes"]),
        },
        target=TARGET,
    )
