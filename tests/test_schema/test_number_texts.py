import numpy as np
import pandas as pd
import pytest

from skdpsynth.schema._number_texts import find_number_texts

NUMBERS = np.random.default_rng(0).uniform(1_000, 10**6, 60).round(2)


def european(number, thousands="."):
    return f"{number:,.2f}".replace(",", "_").replace(".", ",").replace("_", thousands)


def indian(number):
    text = str(round(number * 100))
    head, tail = text[:-3], [text[-3:]]
    while head:
        head, part = head[:-2], head[-2:]
        tail.insert(0, part)
    return ",".join(tail)


# how a number is written, and the style it is known by
CONVERTED = {
    "1,234.50": (lambda x: f"{x:,.2f}", "thousands"),
    "1'234.50": (lambda x: f"{x:,.2f}".replace(",", "'"), "thousands"),
    "1 234.50": (lambda x: f"{x:,.2f}".replace(",", "\u202f"), "thousands"),
    "1.234,50": (european, "comma"),
    "1 234,50": (lambda x: european(x, "\xa0"), "comma"),
    "1234,50": (lambda x: european(x, ""), "comma"),
    "$1234.50": (lambda x: f"${x:.2f}", "currency"),
    "-$1,234.50": (lambda x: f"-${x:,.2f}", "currency"),
    "US$ 1234.50": (lambda x: f"US$ {x:.2f}", "currency"),
    "£1,234.50": (lambda x: f"£{x:,.2f}", "currency"),
    "EUR 1234.50": (lambda x: f"EUR {x:.2f}", "currency"),
    "1.234,50 €": (lambda x: f"{european(x)} €", "currency"),
    "1234.50 kr": (lambda x: f"{x:.2f} kr", "currency"),
    "R$ 1.234,50": (lambda x: f"R$ {european(x)}", "currency"),
    "₹12,34,567": (lambda x: f"₹{indian(x)}", "currency"),
    "(1,234.50)": (lambda x: f"({x:,.2f})", "sign"),
    "($1234.50)": (lambda x: f"(${x:.2f})", "sign"),
    "1234.50-": (lambda x: f"{x:.2f}-", "sign"),
    "12.5%": (lambda x: f"{x:.2f}%", "percent"),
    "12,5 %": (lambda x: f"{european(x, '')} %", "percent"),
    "12 kg": (lambda x: f"{x:.2f} kg", "unit"),
    "12mmHg": (lambda x: f"{x:.2f}mmHg", "unit"),
    "12 km/h": (lambda x: f"{x:.2f} km/h", "unit"),
    "12.5°C": (lambda x: f"{x:.2f}°C", "unit"),
}


@pytest.mark.parametrize("spelled", CONVERTED)
def test_dressed_numbers_are_recognised_and_the_line_reads_them(spelled):
    write, style = CONVERTED[spelled]
    texts = [write(number) for number in NUMBERS]
    found = find_number_texts(texts)
    assert found is not None
    assert style in found.styles
    sentence = found.describe("x")
    assert "'x' look like numbers" in sentence
    assert found.example in sentence
    df = pd.DataFrame({"x": texts})
    line = found.converter("x", "df")
    exec(line, {"df": df, "pd": pd})
    is_negative = spelled.startswith(("(", "-")) or spelled.endswith("-")
    expected = np.rint(NUMBERS * 100) if "₹" in spelled else NUMBERS
    np.testing.assert_allclose(df["x"], -expected if is_negative else expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("texts", "style"),
    [
        (["<1", "1.5", "2.5", "10"], "limit"),
        ([">90", "45", "60"], "limit"),
        (["≤5", "7", "9"], "limit"),
        (["0", "1", "2", "3+"], "limit"),
        (["5 or more", "1", "2"], "limit"),
        (["less than 5", "5", "6"], "limit"),
        (["0-9", "10-19", "20-29", "30+"], "range"),
        (["10–20", "20–30", "30–40"], "range"),
        (["10 to 20", "20 to 30", "30 to 40"], "range"),
        (["[10, 20)", "[20, 30)", "[30, 40)"], "range"),
        (["$10,000 - $20,000", "$20,000 - $30,000", "Less than $10,000"], "range"),
        (["1.2×10^5", "3.4×10^6"], "scientific"),
        (["1.5k", "12k", "2k", "3k"], "unit"),
        (["5 kg", "500 g", "6 kg", "700 g"], "unit"),
    ],
)
def test_what_a_person_must_decide_has_no_line(texts, style):
    found = find_number_texts(texts)
    assert style in found.styles
    assert found.converter("x", "df") is None


@pytest.mark.parametrize(
    "texts",
    [
        ["Ann", "Bob"],
        ["A12", "B13"],
        ["1A", "1B", "2A", "2B"],
        ["1st", "2nd", "3rd"],
        ["E11.9", "I10"],
        ["123-45-6789", "223-45-6789"],
        ["555-1234", "555-9876"],
        ["2024-01", "2024-02"],
        ["1.2.3", "2.3.4"],
        ["12 Main Street", "13 High Street"],
        ["yes", "no"],
        ["<=50K", ">50K"],
        ["under 18", "18+"],
        ["1", "2", "3"],
        ["?", "n/a"],
        ["12"],
        [],
    ],
)
def test_codes_and_words_are_not_numbers(texts):
    assert find_number_texts(texts) is None


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (["12,345", "1,234"], ","),
        (["12,345", "1,234.5"], None),
        (["12,345", "1,5"], None),
        (["€ 1.234", "€ 12.500"], "."),
        (["€ 1.234", "€ 12.5"], None),
    ],
)
def test_marks_that_may_be_either_are_told(texts, mark):
    assert find_number_texts(texts).ambiguous == mark


def test_leading_zeros_are_told_from_numbers():
    found = find_number_texts(["02139", "00501", "94103"])
    assert found.styles == ("zeros",)
    assert "'02139'" in found.describe("zip")
    assert "postal codes" in found.describe("zip")


@pytest.mark.parametrize("word", ["pending", "not reported", "n/a"])
def test_a_word_among_numbers_is_named(word):
    texts = [str(number) for number in range(30)]
    found = find_number_texts([*texts, word])
    assert found.other == word
    assert f"{word!r} is not a number" in found.describe("x")
    df = pd.DataFrame({"x": [*texts, word]})
    exec(found.converter("x", "df"), {"df": df, "pd": pd})
    assert df["x"].isna().sum() == 1
