"""The examples of the user guide's page on the report run as they are printed."""

import pytest
from test_documentation.pages import run_page

pytest.importorskip("matplotlib")


def test_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_page("user_guide/report.rst", tmp_path)
    page = names["report"].to_html()
    assert "The synthetic table was made under differential privacy" in page
    assert "Trained on synthetic rows it has an area" in page
    assert (tmp_path / "marginals.png").read_bytes().startswith(b"\x89PNG")
