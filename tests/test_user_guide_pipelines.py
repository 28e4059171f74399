"""The examples of the user guide's page on pipelines run as they are printed."""

import re
import textwrap
from pathlib import Path

from sklearn.model_selection import GridSearchCV

PAGE = Path(__file__).parents[1] / "doc" / "user_guide" / "pipelines.rst"


def test_examples():
    block = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)
    names = {}
    for code in block.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(textwrap.dedent(code), str(PAGE), "exec"), names)
    private, synthetic = names["private"], names["synthetic"]
    assert synthetic.dtypes.equals(private.dtypes)
    assert synthetic["pressure"].isna().any()
    assert len(names["X"]) == len(names["y"]) == 1_000
    assert isinstance(names["search"], GridSearchCV)
    assert names["chosen"].privacy_spent_.is_private
    assert names["cost"].n_fits == 7
    assert 1 < names["cost"].epsilon < 5
