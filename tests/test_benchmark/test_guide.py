"""The long example of the user guide runs as it is printed."""

import re
import textwrap
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "doc" / "user_guide" / "benchmarking.rst"


def test_example(capsys):
    block = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)
    codes = [textwrap.dedent(code) for code in block.findall(GUIDE.read_text(encoding="utf-8"))]
    code = next(code for code in codes if "import run" in code)
    names = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    assert "| independent | ∞ |" in capsys.readouterr().out
    means = names["summary"].set_index(["method", "epsilon"])
    assert means.loc[("four", float("inf")), "logistic_auc_mean"] > 0.85
    distances = means["two_way_tvd_mean"]
    assert distances["four", float("inf")] < distances["independent", float("inf")]
    assert (names["result"].runs["status"] == "ok").all()
