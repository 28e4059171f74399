"""The long example of the user guide runs as it is printed."""

from test_documentation.pages import read_blocks

PAGE = "user_guide/benchmarking.rst"


def test_example(capsys):
    codes = [block.text for block in read_blocks(PAGE) if block.language == "python"]
    code = next(code for code in codes if "import run" in code)
    names = {}
    exec(compile(code, PAGE, "exec"), names)
    assert "| independent | ∞ |" in capsys.readouterr().out
    means = names["summary"].set_index(["method", "epsilon"])
    assert means.loc[("four", float("inf")), "logistic_auc_mean"] > 0.85
    distances = means["two_way_tvd_mean"]
    assert distances["four", float("inf")] < distances["independent", float("inf")]
    assert (names["result"].runs["status"] == "ok").all()
