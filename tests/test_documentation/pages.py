"""Running what a page of the documentation prints, from top to bottom.

A block with a caption is a file, which is written. Other Python blocks run one after the other and
share their names. What follows a ``$`` in a console block is a command; the output printed below
it must be the command's, where ``...`` stands for anything.
"""

import contextlib
import io
import re
import runpy
import shlex
import textwrap
from pathlib import Path
from typing import NamedTuple

from skdpsynth._cli import main

DOC = Path(__file__).parents[2] / "doc"
BLOCK = re.compile(
    r"^\.\. code-block:: (\w+)\n(?:   :caption: (\S+)\n)?\n((?:   .*\n|\n)+)", re.MULTILINE
)


class Block(NamedTuple):
    language: str
    caption: str
    text: str


def read_blocks(page):
    text = (DOC / page).read_text(encoding="utf-8")
    blocks = [
        Block(language, caption, textwrap.dedent(code))
        for language, caption, code in BLOCK.findall(text)
    ]
    # an indented block, or one with other options, would otherwise go unnoticed
    assert len(blocks) == text.count(".. code-block::"), f"{page} has blocks that are not found"
    return blocks


def run_page(page, folder, names=None):
    """Run all blocks of a page in the working folder; give the names that its Python defines."""
    names = {"__name__": "page"} if names is None else names
    for block in read_blocks(page):
        if block.caption:
            (folder / block.caption).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            exec(compile(block.text, page, "exec"), names)
        elif block.language == "console":
            for command, expected in commands(block.text):
                shown = run_command(command)
                assert matches(shown, expected), f"{command}\nprinted\n{shown}"
    return names


def commands(text):
    """Yield the commands of a console block, each with the output that is printed below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.replace("\\\n", " ").partition("\n")
        yield command, output.strip()


def run_command(command):
    program, *arguments = shlex.split(command)
    if program == "python":
        runpy.run_path(arguments[0])
        return ""
    assert program == "skdpsynth", f"a page may run skdpsynth and python, not {program}"
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        code = main(arguments)
    # exit codes other than 0 are announced by the word that errors begin with
    assert (code == 0) == ("Error: " not in shown.getvalue()), shown.getvalue()
    return shown.getvalue()


def matches(shown, expected):
    pattern = ".*".join(re.escape(piece) for piece in expected.split("..."))
    return re.fullmatch(pattern, shown.strip(), re.DOTALL) is not None
