from types import SimpleNamespace

import pytest

from skdpsynth._report import COMMAND_LINE
from skdpsynth.schema import Count, TableSchema

from .conftest import SCHEMA, write_rows


@pytest.fixture
def calls(monkeypatch):
    """What the report is asked for; a stand-in, as the page has tests of its own."""
    made = []

    def make_report(real, synthetic, schema, **others):
        made.append((real, synthetic, schema, others))
        return SimpleNamespace(to_html=lambda: "<html>ε</html>")

    monkeypatch.setattr("skdpsynth._report.make_report", make_report)
    return made


def test_tables_reach_the_report(folder, model_file, run, calls):
    write_rows(folder / "twin.csv", 50)
    write_rows(folder / "test.csv", 20)
    report = ["report", "data.csv", "twin.csv", "--schema", "schema.json", "--missing", "?"]
    code, out, err = run(*report, "--model", model_file, "--test", "test.csv", "-o", "r.html")
    assert (code, out) == (0, "")
    assert err.startswith("Wrote r.html.\nWarning: the report shows real rows")
    assert (folder / "r.html").read_text(encoding="utf-8") == "<html>ε</html>"
    real, synthetic, schema, others = calls[0]
    assert (len(real), len(synthetic), len(others["test"])) == (300, 50, 20)
    assert schema == SCHEMA
    assert others["synthesizer"].n_components == 2
    assert run(*report)[0] == 0
    assert calls[1][3] == {"synthesizer": None, "test": None, "words": COMMAND_LINE}
    code, _, err = run(*report)
    assert code == 1
    assert "report.html exists already" in err


DAYS = """
import pandas as pd
FIRST = pd.Timestamp("2020-01-01")

def preprocess(frame):
    days = (pd.to_datetime(frame["day"], format="%Y-%m-%d") - FIRST).dt.days
    return frame.assign(day=days)
"""
BACK = """
def postprocess(frame):
    days = FIRST + pd.to_timedelta(frame["day"], unit="D")
    return frame.assign(day=days.dt.strftime("%Y-%m-%d"))
"""


@pytest.mark.parametrize("is_reversed", [True, False])
def test_tables_are_seen_as_the_fit_saw_them(folder, run, calls, is_reversed):
    (folder / "own.py").write_text(DAYS + BACK * is_reversed)
    TableSchema({"day": Count(0, 400)}).to_json(folder / "days.json")
    (folder / "real.csv").write_text("day,name\n2020-01-02,x\n2020-02-01,y\n")
    (folder / "twin.csv").write_text("day\n2020-01-03\n" if is_reversed else "day\n2\n")
    options = ["--schema", "days.json", "--model-file", "own.py", "--test", "real.csv"]
    code, _, err = run("report", "real.csv", "twin.csv", *options)
    assert code == 0
    real, synthetic, _, others = calls[0]
    assert real["day"].tolist() == others["test"]["day"].tolist() == [1, 31]
    assert synthetic["day"].tolist() == [2]
    # nothing is released here: no claim is made
    assert "is your claim" not in err
    assert run("schema", "check", "days.json", "real.csv", "--model-file", "own.py")[0] == 0
    assert run("schema", "check", "days.json", "real.csv")[0] == 1
    code, out, _ = run("schema", "draft", "real.csv", "--model-file", "own.py", "--drop", "name")
    assert TableSchema.from_json(out) == TableSchema({"day": Count(1, 31)})


def test_the_page_names_options_of_the_command_line(folder, run):
    report = ["report", "data.csv", "data.csv", "--schema", "schema.json", "--missing", "?"]
    assert run(*report, "-o", "r.html")[0] == 0
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert "--model FILE" in page
    assert "--test FILE" in page
    assert "=..." not in page
