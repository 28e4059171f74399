from types import SimpleNamespace

import pytest

from .conftest import SCHEMA, write_rows


@pytest.fixture
def calls(monkeypatch):
    """What the report is asked for; a stand-in, as the page has tests of its own."""
    made = []

    def make_report(real, synthetic, schema, **others):
        made.append((real, synthetic, schema, others))
        return SimpleNamespace(to_html=lambda: "<html>ε</html>")

    monkeypatch.setattr("skdpsynth._report.report", make_report)
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
    assert calls[1][3] == {"synthesizer": None, "test": None}
    code, _, err = run(*report)
    assert code == 1
    assert "report.html exists already" in err
