"""The contributing guide: its release is one, and its map is that of the house."""

import re
from pathlib import Path

import numpy as np

from .pages import DOC, read_blocks, run_page

ROOT = Path(__file__).parents[2]
TEXT = (DOC / "contributing.rst").read_text(encoding="utf-8")


def test_example(tmp_path, capsys):
    names = run_page("contributing.rst", tmp_path)
    ledger, noisy = names["ledger"], names["noisy"]
    assert "histogram" in capsys.readouterr().out
    assert ledger.entries[0].sensitivity == 1.0
    # counts of 250, noise with a standard deviation of about 4.2: ten of them
    np.testing.assert_allclose(noisy, 250, atol=45)
    np.testing.assert_array_equal(noisy, np.rint(noisy))


def test_every_part_of_the_package_is_on_the_map():
    package = ROOT / "skdpsynth"
    parts = {path.name for path in package.glob("*.py")}
    parts |= {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    # helpers of a single part, and what has no place on a map
    parts -= {"__init__.py", "_demo.py", "_search_cost.py"}
    assert sorted(part for part in parts if f"``{part}``" not in TEXT) == []
    mapped = re.findall(r"``(\w+/|_?\w+\.py)``", TEXT)
    elsewhere = {"skdpsynth/", "tests/", "examples/", "benchmarks/", "doc/"}
    elsewhere |= {"_synthesizer.py", "_stored.py"}
    assert set(mapped) - elsewhere - parts == set()


def test_commands_are_targets_of_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    shown = read_blocks("contributing.rst")[0].text
    targets = re.findall(r"^make (\S+)", shown, re.MULTILINE)
    assert len(targets) == 10
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_files_that_it_names_exist():
    named = set(re.findall(r"``((?:tests|benchmarks|doc|skdpsynth)/[\w/.]+)``", TEXT))
    assert len(named) > 5
    assert sorted(name for name in named if not (ROOT / name).exists()) == []
