"""The page of the user guide on the command line, followed from top to bottom."""

from test_documentation.pages import DOC, commands, read_blocks, run_page

PAGE = "user_guide/command_line.rst"


def test_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = [block.text for block in read_blocks(PAGE) if block.language == "console"]
    assert sum(len(list(commands(text))) for text in shown) >= 13
    made = next(block.text for block in read_blocks(PAGE) if block.caption == "make_tables.py")
    exec(compile(made, "make_tables.py", "exec"), {})
    run_page(PAGE, tmp_path)
    assert {"twin.csv", "own.skdp", "bought.json"} <= {path.name for path in tmp_path.iterdir()}


def test_page_has_all_commands():
    from skdpsynth._cli._main import commands

    text = (DOC / PAGE).read_text(encoding="utf-8")
    assert all(f"``{name}" in text for name in commands.list_commands(None))
