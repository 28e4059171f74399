"""Census-Income (KDD), the larger sister of Adult."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Count, TableSchema
from ._reading import apply_schema, choose_rows, make_bunch
from ._sources import fetch_from_openml, find_file

__all__ = ["fetch_census"]

TITLE, TARGET, LICENCE = "Census-Income (KDD)", "label", "CC BY 4.0"
OPENML_ID, N_TRAIN, N_ROWS = 4535, 199_523, 299_285

# Levels, and which columns have "?": the file census-income.names that comes with the table.
LEVELS = {
    "class of worker": "Federal government; Local government; Never worked; Not in universe; "
    "Private; Self-employed-incorporated; Self-employed-not incorporated; State government; "
    "Without pay",
    "education": "10th grade; 11th grade; 12th grade no diploma; 1st 2nd 3rd or 4th grade; 5th "
    "or 6th grade; 7th and 8th grade; 9th grade; Associates degree-academic program; Associates "
    "degree-occup /vocational; Bachelors degree(BA AB BS); Children; Doctorate degree(PhD EdD); "
    "High school graduate; Less than 1st grade; Masters degree(MA MS MEng MEd MSW MBA); Prof "
    "school degree (MD DDS DVM LLB JD); Some college but no degree",
    "enroll in edu inst last wk": "College or university; High school; Not in universe",
    "marital stat": "Divorced; Married-A F spouse present; Married-civilian spouse present; "
    "Married-spouse absent; Never married; Separated; Widowed",
    "major industry code": "Agriculture; Armed Forces; Business and repair services; "
    "Communications; Construction; Education; Entertainment; Finance insurance and real estate; "
    "Forestry and fisheries; Hospital services; Manufacturing-durable goods; "
    "Manufacturing-nondurable goods; Medical except hospital; Mining; Not in universe or "
    "children; Other professional services; Personal services except private HH; Private "
    "household services; Public administration; Retail trade; Social services; Transportation; "
    "Utilities and sanitary services; Wholesale trade",
    "major occupation code": "Adm support including clerical; Armed Forces; Executive admin and "
    "managerial; Farming forestry and fishing; Handlers equip cleaners etc; Machine operators "
    "assmblrs & inspctrs; Not in universe; Other service; Precision production craft & repair; "
    "Private household services; Professional specialty; Protective services; Sales; Technicians "
    "and related support; Transportation and material moving",
    "race": "Amer Indian Aleut or Eskimo; Asian or Pacific Islander; Black; Other; White",
    "hispanic origin": "All other; Central or South American; Chicano; Cuban; Do not know; "
    "Mexican (Mexicano); Mexican-American; NA; Other Spanish; Puerto Rican",
    "sex": "Female; Male",
    "member of a labor union": "No; Not in universe; Yes",
    "reason for unemployment": "Job leaver; Job loser - on layoff; New entrant; Not in "
    "universe; Other job loser; Re-entrant",
    "full or part time employment stat": "Children or Armed Forces; Full-time schedules; Not in "
    "labor force; PT for econ reasons usually FT; PT for econ reasons usually PT; PT for non-econ "
    "reasons usually FT; Unemployed full-time; Unemployed part- time",
    "tax filer stat": "Head of household; Joint both 65+; Joint both under 65; Joint one under "
    "65 & one 65+; Nonfiler; Single",
    "region of previous residence": "Abroad; Midwest; Northeast; Not in universe; South; West",
    "state of previous residence": "Abroad; Alabama; Alaska; Arizona; Arkansas; California; "
    "Colorado; Connecticut; Delaware; District of Columbia; Florida; Georgia; Idaho; Illinois; "
    "Indiana; Iowa; Kansas; Kentucky; Louisiana; Maine; Maryland; Massachusetts; Michigan; "
    "Minnesota; Mississippi; Missouri; Montana; Nebraska; Nevada; New Hampshire; New Jersey; New "
    "Mexico; New York; North Carolina; North Dakota; Not in universe; Ohio; Oklahoma; Oregon; "
    "Pennsylvania; South Carolina; South Dakota; Tennessee; Texas; Utah; Vermont; Virginia; West "
    "Virginia; Wisconsin; Wyoming",
    "detailed household and family stat": "Child 18+ ever marr Not in a subfamily; Child 18+ "
    "ever marr RP of subfamily; Child 18+ never marr Not in a subfamily; Child 18+ never marr RP "
    "of subfamily; Child 18+ spouse of subfamily RP; Child <18 ever marr RP of subfamily; Child "
    "<18 ever marr not in subfamily; Child <18 never marr RP of subfamily; Child <18 never marr "
    "not in subfamily; Child <18 spouse of subfamily RP; Child under 18 of RP of unrel subfamily; "
    "Grandchild 18+ ever marr RP of subfamily; Grandchild 18+ ever marr not in subfamily; "
    "Grandchild 18+ never marr RP of subfamily; Grandchild 18+ never marr not in subfamily; "
    "Grandchild 18+ spouse of subfamily RP; Grandchild <18 ever marr not in subfamily; Grandchild "
    "<18 never marr RP of subfamily; Grandchild <18 never marr child of subfamily RP; Grandchild "
    "<18 never marr not in subfamily; Householder; In group quarters; Nonfamily householder; "
    "Other Rel 18+ ever marr RP of subfamily; Other Rel 18+ ever marr not in subfamily; Other Rel "
    "18+ never marr RP of subfamily; Other Rel 18+ never marr not in subfamily; Other Rel 18+ "
    "spouse of subfamily RP; Other Rel <18 ever marr RP of subfamily; Other Rel <18 ever marr not "
    "in subfamily; Other Rel <18 never marr child of subfamily RP; Other Rel <18 never marr not "
    "in subfamily; Other Rel <18 never married RP of subfamily; Other Rel <18 spouse of subfamily "
    "RP; RP of unrelated subfamily; Secondary individual; Spouse of RP of unrelated subfamily; "
    "Spouse of householder",
    "detailed household summary in household": "Child 18 or older; Child under 18 ever married; "
    "Child under 18 never married; Group Quarters- Secondary individual; Householder; Nonrelative "
    "of householder; Other relative of householder; Spouse of householder",
    "migration code-change in msa": "Abroad to MSA; Abroad to nonMSA; MSA to MSA; MSA to "
    "nonMSA; NonMSA to MSA; NonMSA to nonMSA; Nonmover; Not identifiable; Not in universe",
    "migration code-change in reg": "Abroad; Different county same state; Different division "
    "same region; Different region; Different state same division; Nonmover; Not in universe; "
    "Same county",
    "migration code-move within reg": "Abroad; Different county same state; Different state in "
    "Midwest; Different state in Northeast; Different state in South; Different state in West; "
    "Nonmover; Not in universe; Same county",
    "live in this house 1 year ago": "No; Not in universe under 1 year old; Yes",
    "migration prev res in sunbelt": "No; Not in universe; Yes",
    "family members under 18": "Both parents present; Father only present; Mother only present; "
    "Neither parent present; Not in universe",
    "citizenship": "Foreign born- Not a citizen of U S; Foreign born- U S citizen by "
    "naturalization; Native- Born abroad of American Parent(s); Native- Born in Puerto Rico or U "
    "S Outlying; Native- Born in the United States",
    "own business or self employed": "0; 1; 2",
    "fill inc questionnaire for veteran's admin": "No; Not in universe; Yes",
    "veterans benefits": "0; 1; 2",
    "year": "94; 95",
    "label": "- 50000.; 50000+.",
}
COUNTRIES = (
    "Cambodia; Canada; China; Columbia; Cuba; Dominican-Republic; Ecuador; El-Salvador; England; "
    "France; Germany; Greece; Guatemala; Haiti; Holand-Netherlands; Honduras; Hong Kong; Hungary; "
    "India; Iran; Ireland; Italy; Jamaica; Japan; Laos; Mexico; Nicaragua; Outlying-U S (Guam USVI "
    "etc); Panama; Peru; Philippines; Poland; Portugal; Puerto-Rico; Scotland; South Korea; "
    "Taiwan; Thailand; Trinadad&Tobago; United-States; Vietnam; Yugoslavia"
)
NULLABLE = (
    "state of previous residence",
    "migration code-change in msa",
    "migration code-change in reg",
    "migration code-move within reg",
    "migration prev res in sunbelt",
    "country of birth father",
    "country of birth mother",
    "country of birth self",
)
BOUNDS = {
    "age": (0, 90),  # top code of the survey
    "wage per hour": (0, 9_999),  # four digits, in cents
    "capital gains": (0, 99_999),  # five digits
    "capital losses": (0, 5_000),  # round figure, as in Adult
    "dividends from stocks": (0, 99_999),  # five digits
    "num persons worked for employer": (0, 6),  # codes of size classes
    "weeks worked in year": (0, 52),
}
# The columns of the file, in its order; the instance weight describes the survey, not the person.
COLUMNS = [
    "age",
    "class of worker",
    "detailed industry recode",
    "detailed occupation recode",
    "education",
    "wage per hour",
    "enroll in edu inst last wk",
    "marital stat",
    "major industry code",
    "major occupation code",
    "race",
    "hispanic origin",
    "sex",
    "member of a labor union",
    "reason for unemployment",
    "full or part time employment stat",
    "capital gains",
    "capital losses",
    "dividends from stocks",
    "tax filer stat",
    "region of previous residence",
    "state of previous residence",
    "detailed household and family stat",
    "detailed household summary in household",
    "instance weight",
    "migration code-change in msa",
    "migration code-change in reg",
    "migration code-move within reg",
    "live in this house 1 year ago",
    "migration prev res in sunbelt",
    "num persons worked for employer",
    "family members under 18",
    "country of birth father",
    "country of birth mother",
    "country of birth self",
    "citizenship",
    "own business or self employed",
    "fill inc questionnaire for veteran's admin",
    "veterans benefits",
    "weeks worked in year",
    "year",
    "label",
]
WEIGHT = "instance weight"

DESCRIPTION = """\
Census-Income (KDD)
===================

299,285 rows, the first 199,523 of which are the official training part; 40 features and a target.
Persons of the Current Population Surveys of 1994 and 1995 of the U.S. Census Bureau. The target,
"label", says whether the person's income was above 50,000 dollars ("50000+.") or not
("- 50000."). The column "instance weight" is left out, as in the literature.

Levels of the schema: the file census-income.names that comes with the table; its "?" is a missing
value here. "NA" is a level of "hispanic origin". Bounds: the widths and top codes of the fields; of
"capital losses", a round figure chosen by hand. None was taken from the rows.

Source: T. Lane and R. Kohavi (2000), Census-Income (KDD), UCI Machine Learning Repository,
https://doi.org/10.24432/C5N30T.
"""


def fetch_census(
    *,
    subset: str = "all",
    data_home: str | Path | None = None,
    local_folder: str | Path | None = None,
) -> Bunch:
    """Load Census-Income (KDD): 40 mostly categorical features, 6 % of the rows positive.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        All rows, the first 199,523, which are the publisher's training part, or the others.
    data_home : path, optional
        Where scikit-learn keeps what it fetches from OpenML.
    local_folder : path, optional
        Folder with ``census.csv.gz``, whose header has the publisher's names. By default the one
        that the environment variable ``SKDPSYNTH_DATA`` names. It is looked into first.

    Returns
    -------
    Bunch
        ``frame`` : DataFrame of shape (n_rows, 41), the features and the target.
        ``data`` : DataFrame of shape (n_rows, 40), the features.
        ``target`` : Series of "- 50000." and "50000+.".
        ``schema`` : TableSchema, from the code book of the table and not from its rows.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    OSError
        If the table is in no local folder and cannot be fetched.
    """
    path = find_file(["census.csv.gz", "census.csv"], local_folder)
    if path is None:
        raw = fetch_from_openml(TITLE, OPENML_ID, N_ROWS, "census.csv.gz", data_home)
        raw = _name_columns(raw)
    else:
        raw = pd.read_csv(path, dtype=str, keep_default_na=False)
    schema = _make_schema()
    # a slice before the conversion: half the memory for a part
    raw = choose_rows(raw, subset, train=np.arange(len(raw)) < N_TRAIN)
    frame = apply_schema(raw, schema, missing=("?",))
    return make_bunch(frame, schema, DESCRIPTION, LICENCE)


def _name_columns(raw: pd.DataFrame) -> pd.DataFrame:
    """Give OpenML's copy, which has the columns V1 to V42, the publisher's names and labels."""
    if raw.shape[1] != len(COLUMNS):
        raise ValueError(
            f"OpenML's copy of {TITLE} has {raw.shape[1]} columns instead of {len(COLUMNS)}."
        )
    raw = raw.set_axis(COLUMNS, axis=1)
    positive = raw[TARGET].astype(str).str.contains("+", regex=False)
    return raw.assign(label=positive.map({True: "50000+.", False: "- 50000."}))


def _make_schema() -> TableSchema:
    kinds: dict[str, ColumnKind] = {}
    for name in COLUMNS:
        if name in BOUNDS:
            kinds[name] = Count(*BOUNDS[name])
        elif name != WEIGHT:
            kinds[name] = Categorical(_levels(name), nullable=name in NULLABLE)
    return TableSchema(kinds, target=TARGET)


def _levels(name: str) -> list[str]:
    if name.startswith("country of birth"):
        return COUNTRIES.split("; ")
    if name in ("detailed industry recode", "detailed occupation recode"):
        # two-digit recodes of the Current Population Survey, 0 to 51 and 0 to 46
        return [str(code) for code in range(52 if "industry" in name else 47)]
    return LEVELS[name].split("; ")
