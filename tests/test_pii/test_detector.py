import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skdpsynth.pii import PIIDetector
from skdpsynth.pii._column_names import name_points_to

from .generated import negatives, positives

CONTAINERS = ["pandas", "polars", "numpy"]


def as_container(frame, container):
    if container == "polars":
        return pytest.importorskip("polars").DataFrame(frame.to_dict("list"))
    return frame if container == "pandas" else frame.to_numpy(dtype=object)


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "contact": [f"user{row}@example.org" for row in range(30)],
            "visits": range(30),
            "phone": [f"202555{row:04d}" for row in range(30)],
            "joined": pd.date_range("2020-01-01", periods=30),
        }
    )


def test_columns_of_generated_values():
    """Every column of 50 values is found for what it is, and none of the hard negatives is."""
    personal = positives(n_values=200)
    pool = {**personal, **negatives(n_values=200)}
    columns = {
        f"{kind}/{part}": values[part::4] for kind, values in pool.items() for part in range(4)
    }
    neutral = {f"c{position}": values for position, values in enumerate(columns.values())}
    found = PIIDetector().fit(pd.DataFrame(neutral)).columns_
    expected = [name.partition("/")[0] for name in columns]
    assert found == {
        f"c{position}": kind for position, kind in enumerate(expected) if kind in personal
    }


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_findings(table, container):
    detector = PIIDetector().fit(as_container(table.drop(columns="joined"), container))
    assert detector.columns_ == {"contact": "email", "phone": "phone"}
    assert detector.findings_ == (
        ("contact", "email", "high", 1.0, False),
        # ten bare digits say nothing without the name
        ("phone", "phone", "high", 1.0, True),
    )
    unnamed = table.rename(columns={"phone": "code"}).drop(columns="joined")
    assert PIIDetector().fit(as_container(unnamed, container)).columns_ == {"contact": "email"}


def test_numbers_and_missing_values():
    table = pd.DataFrame(
        {
            "ssn": [123456789.0, None, 223456789.0],
            "card": [4111111111111111, 5500000000000004, 6011111111111117],
            "mobile": pd.array([2025550143, None, 2025550199], dtype="Int64"),
            "email": [None, None, None],
            "flag": [True, False, True],
        }
    )
    detector = PIIDetector().fit(table)
    assert detector.columns_ == {"ssn": "ssn", "card": "credit_card", "mobile": "phone"}
    assert [found[:3] for found in detector.findings_][-1] == ("email", "email", "low")


@pytest.mark.parametrize(
    ("n_matching", "named", "confidence"),
    [
        (8, False, "high"),
        (7, False, "medium"),
        (5, False, "medium"),
        (4, False, "low"),
        (2, False, "low"),
        (1, False, None),
        (5, True, "high"),
        (4, True, "medium"),
        (2, True, "medium"),
        (1, True, "low"),
        (0, True, "low"),
        (0, False, None),
    ],
)
def test_levels_of_confidence(n_matching, named, confidence):
    values = ["a@example.org"] * n_matching + ["no"] * (10 - n_matching)
    findings = PIIDetector().fit(pd.DataFrame({"email" if named else "x": values})).findings_
    assert [(found.confidence, found.share) for found in findings] == (
        [] if confidence is None else [(confidence, n_matching / 10)]
    )


def test_a_few_words_are_no_names():
    regions = pd.DataFrame({"region": ["Anna Smith", "Emma Jones"] * 10})
    assert PIIDetector().fit(regions).findings_ == ()
    assert PIIDetector().fit(regions.rename(columns={"region": "full_name"})).columns_


def test_names_alone(table):
    detector = PIIDetector(read_values=False).fit(table)
    assert detector.columns_ == {"phone": "phone"}
    scrambled = table.apply(lambda column: column.sample(frac=1, random_state=0).to_numpy())
    scrambled["contact"], scrambled["phone"] = "x", 0
    assert str(PIIDetector(read_values=False).fit(scrambled).findings_) == str(detector.findings_)


def test_learned_detector():
    codes = [f"PAT-{row:05d}" for row in range(100)]
    others = [f"{row:05d}/AB" for row in range(100)]
    learned = make_pipeline(CountVectorizer(analyzer="char"), LogisticRegression())
    learned.fit(codes + others, [1] * 100 + [0] * 100)
    table = pd.DataFrame({"a": [f"PAT-{row}" for row in range(20)], "b": others[:20]})
    detector = PIIDetector(detectors={"patient_number": learned}).fit(table)
    assert detector.columns_ == {"a": "patient_number"}
    rule = PIIDetector(
        ["patient_number"],
        detectors={"patient_number": lambda values: [value.startswith("PAT") for value in values]},
    )
    assert rule.fit(table).findings_ == (("a", "patient_number", "medium", 1.0, False),)
    named = table.rename(columns={"a": "patientNumber"})
    assert rule.fit(named).findings_[0].confidence == "high"


@pytest.mark.parametrize("returned", [[0.5], [2.0] * 20, [[0.1, 0.2]], [np.nan] * 20])
def test_a_detector_that_returns_no_probabilities(returned):
    table = pd.DataFrame({"a": ["x"] * 20})
    with pytest.raises(ValueError, match="detector of 'code' must return one probability"):
        PIIDetector(detectors={"code": lambda values: returned}).fit(table)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"types": ["emails"]}, "types names \\['emails'\\]"),
        ({"detectors": {"code": 3}}, "detector of 'code' is 3"),
        ({"min_confidence": "certain"}, "min_confidence must be one of"),
        ({"max_rows": 0}, "max_rows must be a positive number"),
    ],
)
def test_impossible_parameters(parameters, message, table):
    with pytest.raises(ValueError, match=message):
        PIIDetector(**parameters).fit(table)


def test_rows_looked_at_are_spread_over_the_table():
    table = pd.DataFrame({"a": ["x"] * 900 + ["a@example.org"] * 100})
    assert PIIDetector(max_rows=10).fit(table).findings_ == ()
    assert PIIDetector(max_rows=5).fit(table).findings_[0].share == 0.2


@pytest.mark.parametrize("container", CONTAINERS)
def test_the_table_passes_unchanged(table, container):
    X = as_container(table.drop(columns="joined"), container)
    detector = PIIDetector().fit(X)
    assert type(detector.transform(X)) is type(X)
    assert (np.asarray(detector.inverse_transform(detector.transform(X))) == np.asarray(X)).all()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("E-Mail", "email"),
        ("billingEmailAddress", "email"),
        ("IPv4", "ip_address"),
        ("last_name", "person_name"),
        ("LastName", "person_name"),
        ("Name", "person_name"),
        ("SSN", "ssn"),
        ("social security no", "ssn"),
        ("cc_number", "credit_card"),
        ("tel.", "phone"),
        ("account-number", "iban"),
    ],
)
def test_telling_names(name, kind):
    assert name_points_to(name, kind)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("product_name", "person_name"),
        ("names_of_products", "person_name"),
        ("shipping", "ip_address"),
        ("zip", "ip_address"),
        ("classnumber", "ssn"),
        ("hotel", "phone"),
        ("discard", "credit_card"),
        (3, "email"),
    ],
)
def test_names_that_tell_nothing(name, kind):
    assert not name_points_to(name, kind)


N_ROWS = 60
IDENTIFIERS = {
    "counts up": [f"P{row:05d}" for row in range(N_ROWS)],
    "rises": [f"K-{17 * row:06d}" for row in range(N_ROWS)],
    "rows": list(range(N_ROWS)),
    "downwards": list(range(900, 900 - N_ROWS, -1)),
    "shuffled": [(7 * row) % N_ROWS for row in range(N_ROWS)],
}


@pytest.mark.parametrize("spelled", IDENTIFIERS)
@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_numbered_rows_are_found(spelled, container):
    table = pd.DataFrame({"x": IDENTIFIERS[spelled], "age": [20 + row % 7 for row in range(60)]})
    detector = PIIDetector().fit(as_container(table, container))
    assert detector.columns_ == {"x": "identifier"}
    assert detector.findings_[0] == ("x", "identifier", "medium", 1.0, False)
    few = as_container(table.iloc[:30], container)
    assert PIIDetector().fit(few).columns_ == {}
    assert PIIDetector(types=["email"]).fit(table).columns_ == {}


@pytest.mark.parametrize("name", ["row_id", "PassengerId", "order no", "uuid", "encounter_nbr"])
def test_names_of_identifiers_point_to_them(name):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.choice(10**6, 200, replace=False)})
    assert PIIDetector().fit(table).columns_ == {name: "identifier"}
    assert PIIDetector(read_values=False).fit(table).columns_ == {name: "identifier"}
    # a level of a code book has such a name too
    few = pd.DataFrame({name: rng.integers(0, 5, 200)})
    assert PIIDetector().fit(few).columns_ == {}


def test_texts_that_just_differ_are_little_evidence():
    rng = np.random.default_rng(0)
    codes = [f"{code:x}-{row}" for row, code in enumerate(rng.choice(10**9, 100, replace=False))]
    detector = PIIDetector().fit(pd.DataFrame({"x": codes}))
    assert detector.columns_ == {}
    assert detector.findings_ == (("x", "identifier", "low", 1.0, False),)
    assert PIIDetector(min_confidence="low").fit(pd.DataFrame({"x": codes})).columns_


def test_values_that_are_explained_are_not_identifiers():
    table = pd.DataFrame(
        {
            "contact": [f"user{row:03d}@example.org" for row in range(100)],
            "day": pd.date_range("2020-01-01", periods=100).strftime("%Y-%m-%d"),
            "age": [20 + row % 60 for row in range(100)],
            "weight": np.random.default_rng(0).normal(70, 9, 100),
        }
    )
    assert PIIDetector().fit(table).columns_ == {"contact": "email"}


def test_a_detector_of_the_user_may_take_the_place_of_identifiers():
    table = pd.DataFrame({"x": [f"P{row:05d}" for row in range(60)]})
    own = {"identifier": lambda values: [text.endswith("9") for text in values]}
    assert PIIDetector(detectors=own).fit(table).columns_ == {}
