"""The page of the user guide runs as it stands."""

import re
import textwrap
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "doc" / "user_guide" / "saving.rst"


@pytest.mark.skipif(not PAGE.exists(), reason="the documentation is not installed")
def test_the_blocks_of_the_page_run_one_after_the_other(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", PAGE.read_text("utf-8"))
    assert len(blocks) == 2
    names = {"__name__": "saving"}
    for block in blocks:
        exec(textwrap.dedent(block), names)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.synth", "sick.synth"]
    assert list(names["again"].sample(3, random_state=0)) == ["sick"]
