"""The page of the user guide on the command line, followed from top to bottom."""

import re
import shlex
import textwrap
from pathlib import Path

PAGE = Path(__file__).parents[2] / "doc" / "user_guide" / "command_line.rst"
BLOCK = re.compile(
    r"^\.\. code-block:: (\w+)\n(?:   :caption: (\S+)\n)?\n((?:   .*\n|\n)+)", re.MULTILINE
)


def sessions(block):
    """Yield the commands of a console block with the output that is printed below each."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output.strip()


def matches(shown, expected):
    pattern = ".*".join(re.escape(piece) for piece in expected.split("..."))
    return re.fullmatch(pattern, shown.strip(), re.DOTALL) is not None


def test_page(tmp_path, monkeypatch, run):
    monkeypatch.chdir(tmp_path)
    n_commands = 0
    for language, caption, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        text = textwrap.dedent(text)
        if caption:
            (tmp_path / caption).write_text(text, encoding="utf-8")
        if caption == "make_tables.py":
            exec(compile(text, caption, "exec"), {})
        if language != "console":
            continue
        for command, expected in sessions(text):
            program, *arguments = shlex.split(command)
            assert program == "skdpsynth"
            code, out, err = run(*arguments)
            assert code == 0, err
            assert matches(out + err, expected), (command, out + err)
            n_commands += 1
    assert n_commands == 13
    assert {"twin.csv", "own.skdp", "bought.json"} <= {path.name for path in tmp_path.iterdir()}


def test_page_has_all_commands():
    from skdpsynth._cli._main import commands

    text = PAGE.read_text(encoding="utf-8")
    assert all(f"``{name}" in text for name in commands.list_commands(None))
