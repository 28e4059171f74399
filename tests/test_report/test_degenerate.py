"""Pages of tables at the limits: equal, narrow, empty of values, wide, and with odd names."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import skdpsynth
from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth.privacy import PrivacySpent

from .test_report import Page

pytest.importorskip("matplotlib")
ODD = [
    "$x_1$ & $x_2$",
    "</p><b>",
    "{cost}_in_$",
    "_a",
    "\\frac{1}{2}",
    "%d %s",
    "tab\there",
    "n" * 300,
]


def number_table(names, n=40):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({name: rng.integers(0, 50, n) for name in names})
    return table, TableSchema({name: Count(0, 50, nullable=True) for name in names})


def level_table(names, n=40):
    rng = np.random.default_rng(0)
    known = ["$a$", "<b>", "c & d"]
    table = pd.DataFrame({name: rng.choice(known, n) for name in names})
    return table, TableSchema({name: Categorical(known, nullable=True) for name in names})


def missing_table():
    names = ["a", "b"]
    table = pd.DataFrame({"a": [np.nan] * 9, "b": [None] * 9}, dtype=object)
    kinds = [Continuous(0, 1, nullable=True), Categorical(["x"], nullable=True)]
    return table, TableSchema(dict(zip(names, kinds, strict=True)))


TABLES = {
    "eight numbers": lambda: number_table([f"c{i}" for i in range(8)]),
    "one number": lambda: number_table(["a"]),
    "one column of levels": lambda: level_table(["a"]),
    "two columns of levels": lambda: level_table(["a", "b"]),
    "odd names": lambda: number_table(ODD),
    "odd names of levels": lambda: level_table(ODD),
    "all missing": missing_table,
    "constants": lambda: (
        pd.DataFrame({"a": [3] * 5, "b": ["x"] * 5, "c": [0] * 5}),
        TableSchema({"a": Count(0, 9), "b": Categorical(["x"]), "c": Count(-1, 1)}),
    ),
    "one row": lambda: (lambda table, schema: (table[:1], schema))(*number_table(["a", "b", "c"])),
    "500 columns": lambda: number_table([f"c{i}" for i in range(500)]),
    "numbers as names": lambda: number_table([1, 2, 3]),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_beside_itself(name):
    table, schema = TABLES[name]()
    page = Page(skdpsynth.report(table, table, schema, max_columns=6).to_html())
    text = " ".join(page.text)
    assert "What stands out" not in text
    assert "Every column has the same shares." in text
    for image in page.all("img"):
        ElementTree.fromstring(_svg(image))
    assert page.all("b") == []


@pytest.mark.parametrize("name", sorted(set(TABLES) - {"500 columns"}))
def test_a_table_beside_one_row_of_it(name):
    table, schema = TABLES[name]()
    html = skdpsynth.report(table, table[:1], schema).to_html()
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<[^>]+>", " ", html))


def test_targets_with_nothing_to_learn_from():
    for table, schema in (number_table(["a"]), level_table(["a"]), level_table(["a", "b"], 1)):
        page = skdpsynth.report(table, table, schema.with_target("a"), test=table)
        assert "Not measured: " in page.to_html()


def test_numbers_of_the_budget_are_stated():
    table, schema = number_table(["a", "b"])
    for spent, numbers in (
        (PrivacySpent(0.5, 1e-6, "add_remove"), "ε = 0.5 and δ = 1e-06"),
        (PrivacySpent(float("inf"), 1e-5, "add_remove"), "ε = ∞ and δ = 1e-05"),
    ):
        text = " ".join(Page(skdpsynth.report(table, table, schema, privacy=spent).to_html()).text)
        assert f"The ledger says {numbers}." in text


def test_in_python_the_page_speaks_of_python():
    table, schema = number_table(["a", "b"])
    page = skdpsynth.report(table, table, schema).to_html()
    assert "test=..." in page
    assert "synthesizer=..." in page
    assert " --" not in page


def _svg(image):
    from base64 import b64decode

    return b64decode(image["src"].partition(",")[2])
