"""The tutorial, followed from top to bottom in an empty folder."""

import pandas as pd
import pytest

from skdpsynth import TableSchema

from .pages import read_blocks, run_page

pytest.importorskip("matplotlib")
PAGE = "user_guide/tutorial.rst"


def test_tutorial(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_page(PAGE, tmp_path)
    synthetic = names["synthetic"]
    assert synthetic.dtypes.equals(names["visits"].dtypes)
    assert synthetic[["smokes", "pressure"]].isna().any().all()
    assert not synthetic[["age", "ill"]].isna().any().any()
    # both are about 0.85; the noise moves the first by a few hundredths
    assert 0.7 < names["score"] < 1
    assert 0.8 < names["ceiling"] < 0.95
    assert names["again"].privacy_spent_ == names["synthesizer"].privacy_spent_
    shown = [block.text for block in read_blocks(PAGE) if block.language == "text"]
    assert shown[1].strip() == f"{names['draft']}"
    printed = f"{names['synthesizer'].privacy_spent_}\n{names['synthesizer'].ledger_}".splitlines()
    assert {line for line in shown[3].splitlines() if line.strip() not in ("", "...")} <= set(
        printed
    )
    # the schema that was edited by hand is the one of the Python part
    assert TableSchema.from_json(tmp_path / "schema.json") == names["schema"]
    twin = pd.read_csv("synthetic.csv", na_values="?")
    assert list(twin) == ["age", "smokes", "pressure", "ill"]
    for page in ("report.html", "visits.html"):
        assert "What an attacker can learn" in (tmp_path / page).read_text(encoding="utf-8")
