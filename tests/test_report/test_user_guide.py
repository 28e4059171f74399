"""The examples of the user guide's page on the report run as they are printed."""

import re
import textwrap
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
PAGE = Path(__file__).parents[2] / "doc" / "user_guide" / "report.rst"


def test_examples(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    block = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)
    names = {}
    for code in block.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(textwrap.dedent(code), str(PAGE), "exec"), names)
    page = names["report"].to_html()
    assert "The synthetic table was made under differential privacy" in page
    assert "Trained on synthetic rows it has an area" in page
    assert (tmp_path / "marginals.png").read_bytes().startswith(b"\x89PNG")
