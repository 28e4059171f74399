"""The examples of the user guide's page run as they are printed."""

import re
import textwrap
from pathlib import Path

import numpy as np

PAGE = Path(__file__).parents[2] / "doc" / "user_guide" / "clustmix.rst"


def test_examples():
    block = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)
    names = {}
    for code in block.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(textwrap.dedent(code), str(PAGE), "exec"), names)
    assert len(names["X"]) == len(names["y"]) == 5_000
    assert names["synthesizer"].privacy_spent_.is_private
    np.testing.assert_allclose(np.linalg.norm(names["means"][0] - names["means"][1]), 1.0)
    assert not names["published"].privacy_spent_.is_private
    sizes = np.bincount(names["labels"])
    assert sizes.min() >= 40
    assert sizes.max() <= 60
