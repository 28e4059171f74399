"""The command line as a person meets it: a process, a pipe, a terminal."""

import os
import pty
import select
import subprocess
import sys
import termios
import time

import pytest

from .conftest import write_rows

COMMAND = [sys.executable, "-m", "skdpsynth"]
FIT = ["fit", "data.csv", "--schema", "schema.json", "--missing", "?", "--k", "2"]


def start(*arguments):
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_pipe(folder):
    """Rows only on standard output, words only on standard error, and no bars."""
    process = start("synthesize", *FIT[1:], "--method", "clustmix", "-n", "5", "-o", "-")
    out, err = process.communicate(timeout=300)
    assert (process.returncode, len(out.splitlines())) == (0, 6)
    assert out.startswith("age,visits,ill\n")
    assert err == "Spent epsilon = 1, delta = 1e-06 (add_remove).\n"


def test_errors(folder):
    """Broken files and places: exit code 1, one line, no trace, nothing left behind."""
    (folder / "broken.csv").write_text('age,visits,ill\n20,3,yes\n30,"4,no\n')
    write_rows(folder / "semicolons.csv", 20, delimiter=";")
    (folder / "narrow.csv").write_text("age,visits\n20,3\n")
    (folder / "file").write_text("no folder")
    before = set(os.listdir(folder))
    cases = {
        "quotation mark not closed": ["broken.csv", "-o", "m.skdp"],
        "separated by ';': pass --delimiter ';'": ["semicolons.csv", "-o", "m.skdp"],
        "lacks the columns ['ill'] of the schema": ["narrow.csv", "-o", "m.skdp"],
        "file/m.skdp cannot be written": ["data.csv", "-o", "file/m.skdp"],
    }
    started = {message: start("fit", *FIT[2:], *arguments) for message, arguments in cases.items()}
    for message, process in started.items():
        out, err = process.communicate(timeout=300)
        assert (process.returncode, out) == (1, "")
        assert err.startswith("Error: ")
        assert message in err
        assert err.count("\n") == 1
    assert set(os.listdir(folder)) == before


def read_until(terminal, text, seconds):
    """Return what a process wrote to its terminal until a text appears or the process ends."""
    shown, deadline = "", time.monotonic() + seconds
    while text not in shown and time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(terminal, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece.decode(errors="replace")
    return shown


def interrupt_a_fit():
    """Fit on a terminal of its own and press Ctrl-C; return what was shown, and the exit code."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(ours, (24, 80))
    long = ["--parameter", "n_passes=30000", "-o", "m.skdp"]
    # the shell opens the terminal, which makes it the one whose Ctrl-C the process hears
    script = 'exec "$@" <{0} >{0} 2>&1'.format(os.ttyname(theirs))
    process = subprocess.Popen(
        ["sh", "-c", script, "sh", *COMMAND, *FIT, *long], start_new_session=True
    )
    try:
        shown = read_until(ours, "passes:   1%|", 120)
        assert "passes:   1%|" in shown
        for _ in range(5):
            os.write(ours, b"\x03")
            shown += read_until(ours, "nothing was written", 5)
            if "nothing was written" in shown or process.poll() is not None:
                return shown, process.wait(timeout=60)
        return shown, None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_terminal_and_interruption(folder):
    """A bar on a terminal; Ctrl-C ends the fit with code 130, and no file is left behind."""
    before = set(os.listdir(folder))
    for _ in range(3):
        shown, code = interrupt_a_fit()
        if code is not None:
            break
        # Python drops an interrupt that reaches it in a callback from compiled code
    assert "Interrupted; nothing was written." in shown, shown[-2000:]
    assert "Traceback" not in shown
    assert code == 130
    assert set(os.listdir(folder)) == before
