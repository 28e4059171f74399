import re
import sys

import numpy as np
import pandas as pd
import pytest

from skdpsynth.exceptions import SchemaError, TableMismatchError
from skdpsynth.pii import PIIDetector, PIIMasker
from skdpsynth.pii._fakes import FAKES, make_faker
from skdpsynth.pii._patterns import PATTERNS

from .generated import positives
from .test_detector import as_container

COLUMNS = {"contact": "email", "who": "person_name"}


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "who": ["Ann Lee", "LEE, BOB", "Ann Lee", None],
            "visits": [1, 2, 3, 4],
            "contact": ["a@x.org", None, "a@x.org", "b@x.org"],
        }
    )


def names(result):
    return [str(name) for name in result.columns]


@pytest.mark.parametrize("container", ["pandas", "polars"])
def test_strategies(table, container):
    X = as_container(table.astype(object).where(table.notna(), None), container)
    masker = PIIMasker(COLUMNS, strategy={"email": "replace", "who": "drop"}, random_state=0)
    masked = masker.fit_transform(X)
    assert type(masked) is type(X)
    assert names(masked) == ["visits", "contact"] == list(masker.get_feature_names_out())
    assert list(masked["visits"]) == [1, 2, 3, 4]
    contact = pd.Series(list(masked["contact"]), dtype=object)
    assert contact.isna().tolist() == [False, True, False, False]
    # equal values get equal fakes
    assert contact[0] == contact[2] != contact[3]
    assert contact.dropna().str.fullmatch(r"[\w.]+@example\.(?:org|com|net)").all()
    assert (
        list(PIIMasker(COLUMNS, strategy="redact").fit_transform(X)["who"])[:3]
        == ["[person_name]"] * 3
    )
    assert masker.columns_ == {"who": "person_name", "contact": "email"}
    assert masker.strategies_ == {"who": "drop", "contact": "replace"}


def test_array(table):
    X = table.to_numpy(dtype=object)
    masker = PIIMasker({"x0": "person_name"}, token="?")
    masked = masker.fit_transform(X)
    assert masked[:3, 0].tolist() == ["?", "?", "?"]
    assert pd.isna(masked[3, 0])
    assert masked[:, 1:].tolist() == X[:, 1:].tolist()
    assert X[0, 0] == "Ann Lee"
    text = np.array([["Ann Lee", "x"], ["Bob Lee", "y"]])
    assert PIIMasker({"x0": "person_name"}).fit_transform(text).dtype.kind == "U"


def test_the_table_is_left_as_it_was(table):
    before = table.copy()
    table.index = before.index = [7, 7, 8, 9]
    masked = PIIMasker(COLUMNS, strategy="replace").fit_transform(table)
    pd.testing.assert_frame_equal(table, before)
    assert masked.index.tolist() == [7, 7, 8, 9]
    assert not set(masked["who"].dropna()) & set(table["who"].dropna())


def test_found_columns_are_masked(table):
    named = table.rename(columns={"who": "full_name"})
    assert PIIMasker().fit(named).columns_ == {"full_name": "person_name", "contact": "email"}
    masker = PIIMasker(detector=PIIDetector(["email"]))
    assert masker.fit(table).columns_ == {"contact": "email"}
    assert masker.fit_transform(table)["who"].equals(table["who"])


@pytest.mark.parametrize("container", ["pandas", "polars", "numpy"])
def test_set_aside_and_put_back(table, container):
    X = as_container(table.astype(object).where(table.notna(), None), container)
    columns = {"x0": "person_name", "x2": "email"} if container == "numpy" else COLUMNS
    masker = PIIMasker(columns, strategy={"person_name": "replace"}, set_aside=True).fit(X)
    rest = masker.transform(X)
    assert np.asarray(rest).tolist() == [[1], [2], [3], [4]]
    back = masker.inverse_transform(rest)
    assert type(back) is type(X)
    values = np.asarray(back, dtype=object)
    assert values.shape == (4, 3)
    assert values[:, 1].tolist() == [1, 2, 3, 4]
    assert values[:, 2].tolist() == ["[email]"] * 4
    assert all(PATTERNS["person_name"](value) > 0 for value in values[:, 0])
    assert len(set(values[:, 0])) > 1
    with pytest.raises(TableMismatchError, match="expects the 1 columns"):
        masker.inverse_transform(X)
    masker.set_params(strategy="drop").fit(X)
    assert np.asarray(masker.inverse_transform(masker.transform(X))).shape == (4, 1)


def test_without_setting_aside_there_is_no_way_back(table):
    masker = PIIMasker(COLUMNS, strategy="replace", random_state=0).fit(table)
    masked = masker.transform(table)
    pd.testing.assert_frame_equal(masker.inverse_transform(masked), masked)
    pd.testing.assert_frame_equal(masker.transform(table), masked)


def layout(value):
    """Digits and letters as such, signs as they are."""
    return re.sub(r"[A-Z]", "A", re.sub(r"[a-z]", "a", re.sub(r"\d", "0", value)))


@pytest.mark.parametrize("kind", ["credit_card", "iban", "ssn", "phone"])
def test_fakes_have_the_format_of_the_value(kind):
    faker = make_faker("en_US", 0)
    for value in positives(n_values=300)[kind]:
        fake = FAKES[kind](faker, value, "")
        assert layout(fake) == layout(value)
        assert fake != value
        if kind in ("iban", "credit_card"):
            assert PATTERNS[kind](fake) >= PATTERNS[kind](value)
        if kind == "iban":
            assert fake[:2] == value[:2]


def test_fakes_that_are_nobodys():
    faker = make_faker("en_US", 0)
    for value in positives(n_values=300)["ssn"]:
        fake = FAKES["ssn"](faker, value, "")
        assert fake[0] == "9"
        assert 1 <= int(fake[4:6]) <= 49
    for value in ("(202) 734-1111", "1-202-734-1111", "+1 202.734.1111 x55", "2027341111"):
        assert "55501" in re.sub(r"\D", "", FAKES["phone"](faker, value, ""))
    assert FAKES["phone"](faker, "+49 30 901820", "").startswith("+49 ")
    assert FAKES["phone"](faker, "+358 9 1234567", "").startswith("+358 ")
    assert FAKES["phone"](faker, "030 901820", "").startswith("0")
    assert FAKES["ip_address"](faker, "8.8.8.8", "").rpartition(".")[0] in (
        "192.0.2",
        "198.51.100",
        "203.0.113",
    )
    assert FAKES["ip_address"](faker, "fe80::1:2:3", "").startswith("2001:db8:")


@pytest.mark.parametrize("kind", FAKES)
def test_fakes_of_a_standard_format(kind):
    faker = make_faker("en_US", 0)
    fakes = [FAKES[kind](faker, None, "") for _ in range(50)]
    if kind == "ssn":
        assert all(re.fullmatch(r"9\d\d-\d\d-\d{4}", fake) for fake in fakes)
    else:
        assert min(map(PATTERNS[kind], fakes)) >= 0.25
    assert len(set(fakes)) > 10


def test_names_keep_order_and_case():
    faker = make_faker("en_US", 0)
    assert re.fullmatch(r"[a-z'-]+ [a-z'-]+", FAKES["person_name"](faker, "ann lee", ""))
    assert re.fullmatch(r"[A-Z' -]+, [A-Z' -]+", FAKES["person_name"](faker, "LEE, ANN", ""))
    assert re.fullmatch(r"\w+ \w\. [\w'-]+", FAKES["person_name"](faker, "Ann B. Lee", ""))
    assert len(FAKES["person_name"](faker, "Lee", "last_name").split()) == 1


def test_what_is_masked_is_text():
    table = pd.DataFrame(
        {"phone": [2027341111, 2027342222], "mobile": [2027341111.0, None], "who": ["a", "b"]}
    )
    columns = {"phone": "phone", "mobile": "phone"}
    masked = PIIMasker(columns, strategy="replace", random_state=0).fit_transform(table)
    assert masked.dtypes.eq(table["who"].dtype).all()
    assert masked["phone"][0][3:8] == "55501"
    assert masked["mobile"].isna().tolist() == [False, True]
    aside = PIIMasker(columns, strategy="replace", set_aside=True, random_state=0).fit(table)
    back = aside.inverse_transform(aside.transform(table))
    assert back.dtypes.eq(table["who"].dtype).all()


def test_random_state(table):
    def mask(random_state):
        return PIIMasker(COLUMNS, strategy="replace", random_state=random_state).fit_transform(
            table
        )

    pd.testing.assert_frame_equal(mask(1), mask(1))
    assert not mask(1).equals(mask(2))
    assert not mask(None).equals(mask(None))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"columns": {"age": "email"}}, SchemaError, r"columns names \['age'\]"),
        ({"columns": ["who"]}, SchemaError, "columns must map"),
        ({"strategy": "hide"}, ValueError, "strategy of column 'who' must be one of"),
        ({"strategy": {"who": "hide"}}, ValueError, "got 'hide'"),
        (
            {"columns": {"who": "badge"}, "strategy": "replace"},
            ValueError,
            "no fakes of type 'badge' for column 'who'",
        ),
        ({"strategy": "replace", "locale": "xx_YY"}, ValueError, "no locale 'xx_YY'"),
        (
            {"columns": dict.fromkeys(["who", "visits", "contact"], "email"), "strategy": "drop"},
            ValueError,
            "All columns of the table would be left out",
        ),
    ],
)
def test_impossible_parameters(parameters, error, message, table):
    with pytest.raises(error, match=message):
        PIIMasker(**{"columns": COLUMNS, **parameters}).fit(table)


def test_fakes_need_faker(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[pii\]"'):
        PIIMasker(COLUMNS, strategy="replace").fit(table)
    PIIMasker(COLUMNS, strategy="redact").fit(table)


def test_set_output(table):
    masker = PIIMasker(COLUMNS).set_output(transform="pandas")
    assert names(masker.fit_transform(table)) == ["who", "visits", "contact"]


def test_tables_and_detectors_that_cannot_be_read(table):
    with pytest.raises(TypeError, match=r"detector must be a PIIDetector or None, got \{\}"):
        PIIMasker(detector={}).fit(table)
    with pytest.raises(TableMismatchError, match="Complex data not supported: column 'visits'"):
        PIIMasker(COLUMNS).fit(table.astype({"visits": complex}))
    masker = PIIMasker(COLUMNS)
    with pytest.raises(TypeError, match=r"LazyFrame .* X\.collect\(\)"):
        masker.fit(pytest.importorskip("polars").from_pandas(table).lazy())
    assert not hasattr(masker, "n_features_in_")


@pytest.mark.parametrize("strategy", ["redact", "drop", "replace"])
def test_identifiers_are_masked(strategy):
    if strategy == "replace":
        pytest.importorskip("faker")
    codes = [f"P{row:05d}" for row in range(60)]
    table = pd.DataFrame({"patient": codes, "n": list(range(60)), "age": [30, 40] * 30})
    masker = PIIMasker(strategy=strategy, random_state=0).fit(table)
    assert masker.columns_ == {"patient": "identifier", "n": "identifier"}
    masked = masker.transform(table)
    if strategy == "drop":
        assert list(masked) == ["age"]
    elif strategy == "redact":
        assert masked["patient"].unique().tolist() == ["[identifier]"]
    else:
        assert masked["patient"].str.fullmatch(r"[A-Z]\d{5}").all()
        assert (masked["patient"] != table["patient"]).mean() > 0.9
        assert masked["n"].astype(str).str.fullmatch(r"\d{1,2}").all()
