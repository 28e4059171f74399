import sys
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

import skdpsynth
from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema
from skdpsynth.exceptions import SchemaError, TableMismatchError
from skdpsynth.privacy import PrivacySpent

pytest.importorskip("matplotlib")
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "share": Continuous(0, 1, nullable=True),
        "<b>&\"'": Categorical(["<i>", "&amp;"]),
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)
VOID = {"meta", "img"}


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    ill = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "age": 20 + 30 * ill + rng.integers(0, 20, n),
            "share": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.uniform(size=n)),
            "<b>&\"'": rng.choice(["<i>", "&amp;"], n),
            "ill": np.array(["no", "yes"])[ill],
        }
    )


class Page(HTMLParser):
    """Tags in order, attributes, and text; fails where tags do not nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def tables():
    return make_table(300, 0), make_table(200, 1), make_table(150, 2)


@pytest.fixture(scope="module")
def synthesizer(tables):
    return DPMixtureSynthesizer(n_components=2, schema=SCHEMA).fit(tables[0])


@pytest.fixture(scope="module")
def report(tables, synthesizer):
    real, synthetic, test = tables
    return skdpsynth.report(real, synthetic, synthesizer=synthesizer, test=test, title="A & B")


@pytest.fixture(scope="module")
def page(report):
    return Page(report.to_html())


def test_nothing_comes_from_elsewhere(page):
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "link", "iframe", "object"})
    for _, attributes in page.tags:
        for name, value in attributes.items():
            if name == "src":
                assert value.startswith("data:image/svg+xml;base64,")
            elif name == "href":
                assert value.startswith("#")
            else:
                assert name in {
                    "alt", "aria-label", "aria-labelledby", "charset", "class", "content", "id",
                    "lang", "name", "role", "scope",
                }  # fmt: skip
    images = page.all("img")
    assert len(images) == 5
    for image in images:
        svg = b64decode(image["src"].partition(",")[2])
        root = ElementTree.fromstring(svg)
        for element in root.iter():
            for name, value in element.attrib.items():
                if name.endswith("href"):
                    assert value.startswith(("#", "data:image/png"))


def test_it_can_be_read_without_pictures(page):
    assert page.all("html") == [{"lang": "en"}]
    for image in page.all("img"):
        assert len(image["alt"]) > 30
    identities = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(identities) == len(set(identities)) == len(page.all("section")) == 7
    assert [f"#{identity}" for identity in identities] == [link["href"] for link in page.all("a")]
    assert {header["scope"] for header in page.all("th")} == {"col"}
    assert len(page.all("caption")) == len(page.all("table"))


def test_what_it_says(page):
    text = " ".join(page.text)
    assert "A & B" in text
    assert "This report is not private." in text
    assert "300 rows, the synthetic one 200" in text
    assert "exceeds the rate of false alarms by at most 46.2 %" in text
    assert "Gaussian(mu=" in text
    assert "Trained on synthetic rows it has an area under the ROC curve of" in text
    # names of columns are text, not tags
    assert "<b>&\"'" in text
    assert page.all("b") == page.all("i") == []


def test_save_and_show(report, tmp_path):
    path = tmp_path / "report.html"
    assert report.save(path) == path
    assert path.read_text(encoding="utf-8") == report.to_html()
    frame = Page(report._repr_html_())
    assert frame.all("iframe")[0]["srcdoc"] == report.to_html()
    assert "kB of HTML" in repr(report)
    with pytest.raises(OSError, match="nowhere"):
        report.save(tmp_path / "nowhere" / "report.html")
    with pytest.raises(ValueError, match=r"hide: name it 'report\.html'\. A browser prints it"):
        report.save(tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


def test_what_is_not_known(tables):
    real, synthetic, _ = tables
    text = " ".join(Page(skdpsynth.report(real, synthetic, SCHEMA).to_html()).text)
    assert "Nothing is known here of how the synthetic table was made" in text
    assert "Not measured: this takes real rows" in text
    spent = PrivacySpent(0.5, 1e-6, "replace_one")
    text = " ".join(Page(skdpsynth.report(real, synthetic, SCHEMA, privacy=spent).to_html()).text)
    assert "ε = 0.5" in text


def test_one_column_and_more_than_needed(tables):
    real, synthetic, test = tables
    schema = SCHEMA.select(["ill"]).with_target("ill")
    page = Page(skdpsynth.report(real, synthetic, schema, test=test).to_html())
    text = " ".join(page.text)
    assert "The table has no numeric column." in text
    assert "The table has a single column." in text


def test_a_numeric_target_and_a_single_class(tables):
    real, synthetic, test = tables
    numeric = skdpsynth.report(real, synthetic, SCHEMA.with_target("age"), test=test)
    text = " ".join(Page(numeric.to_html()).text)
    assert "of the number 'age' was tested on 150 real rows" in text
    assert "Trained on synthetic rows it has an R² of" in text
    assert "ROC" not in text
    assert "accuracy" not in text
    single = skdpsynth.report(real, synthetic, SCHEMA, test=test[test["ill"] == "no"])
    assert "Not measured: The test target has a single class" in single.to_html()


def test_wide_tables_show_what_is_farthest_apart(tables):
    real, synthetic, _ = tables
    far = synthetic.assign(share=0.99)
    text = " ".join(Page(skdpsynth.report(real, far, SCHEMA, max_columns=2).to_html()).text)
    assert "2 columns are compared" in text
    assert "Of 4 columns the 2 whose marginals are farthest apart" in text
    assert "Farthest apart are share" in text
    with pytest.raises(ValueError, match="max_columns must be at least 2"):
        skdpsynth.report(real, far, SCHEMA, max_columns=1)


def test_polars(tables):
    polars = pytest.importorskip("polars")
    real, synthetic, _ = (polars.DataFrame(table.to_dict("list")) for table in tables)
    assert "300 rows" in skdpsynth.report(real, synthetic, SCHEMA).to_html()


def test_errors(tables, monkeypatch):
    real, synthetic, _ = tables
    with pytest.raises(SchemaError, match="takes a TableSchema"):
        skdpsynth.report(real, synthetic)
    with pytest.raises(TableMismatchError, match="synthetic table lacks the columns"):
        skdpsynth.report(real, synthetic.drop(columns="age"), SCHEMA)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r'pip install -e "\.\[plot\]"'):
        skdpsynth.report(real, synthetic, SCHEMA)
