"""Writing is all or nothing, whatever goes wrong."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import skdpsynth
from skdpsynth import SavedModelError
from skdpsynth._files import write_atomically
from skdpsynth._saving._container import read_bytes

from .fitted import fit

is_posix = pytest.mark.skipif(os.name != "posix", reason="permissions and signals of POSIX")


@pytest.fixture
def old(tmp_path):
    """A file that is there before."""
    path = tmp_path / "synth"
    path.write_bytes(b"old")
    return path


def assert_untouched(old):
    assert old.read_bytes() == b"old"
    assert [path.name for path in old.parent.iterdir()] == ["synth"]


def test_a_file_is_replaced_and_nothing_else_is_left(old):
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"
    assert [path.name for path in old.parent.iterdir()] == ["synth"]


@pytest.mark.parametrize("as_type", [str, Path, lambda path: str(path).encode()])
def test_any_path_will_do(tmp_path, as_type):
    path = tmp_path / "ä b.synth"
    if as_type not in (str, Path):
        with pytest.raises(TypeError):
            fit("map").save(as_type(path))
        return
    fit("map").save(as_type(path))
    assert skdpsynth.load(as_type(path)).n_records_ == fit("map").n_records_


def test_a_relative_path_is_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit("map").save("synth")
    assert skdpsynth.load("synth").n_records_ == fit("map").n_records_


@pytest.mark.parametrize("failing", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error",
    [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()],
    ids=["full", "interrupt", "memory"],
)
def test_what_fails_leaves_the_old_file(old, monkeypatch, failing, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(type(error)) as caught:
        fit("map").save(old)
    assert_untouched(old)
    if isinstance(error, OSError):
        assert caught.value.errno == errno.ENOSPC
        assert "No space left on device; nothing was saved" in str(caught.value)
        assert str(old) in str(caught.value)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing was saved.*nowhere"):
        fit("map").save(tmp_path / "nowhere" / "synth")


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(IsADirectoryError, match="name a file in it"):
        fit("map").save(tmp_path)


@is_posix
def test_what_is_no_regular_file_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"):
        write_atomically(tmp_path / "pipe", b"new")
    with pytest.raises(SavedModelError, match="not a regular file"):
        read_bytes(tmp_path / "pipe")


@is_posix
def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    (tmp_path / "new").chmod(0o600)
    write_atomically(tmp_path / "new", b"newer")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


@is_posix
def test_a_link_still_leads_to_the_file(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


# the module alone is loaded, because importing the package takes seconds
CHILD = """
import importlib.util, os, resource, signal, sys, types
sys.modules["skdpsynth"] = package = types.ModuleType("skdpsynth")
package.__path__ = [os.path.join({root!r}, "skdpsynth")]
from skdpsynth._files import write_atomically
{body}
write_atomically({path!r}, b"new" * 1_000_000)
"""


def run_child(old, body):
    root = str(Path(skdpsynth.__file__).parents[1])
    code = CHILD.format(root=root, body=textwrap.dedent(body), path=str(old))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


@is_posix
@pytest.mark.parametrize("moment", ["open", "fsync", "replace"])
def test_a_killed_process_leaves_the_old_file(old, moment):
    body = f"os.{moment} = lambda *a: os.kill(os.getpid(), signal.SIGKILL)"
    result = run_child(old, body)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert old.read_bytes() == b"old"
    # what was written so far is under another name, and makes no difference to the next save
    leftovers = [path for path in old.parent.iterdir() if path != old]
    assert all(path.name.startswith(".synth.") for path in leftovers)
    write_atomically(old, b"new")
    assert old.read_bytes() == b"new"


@is_posix
def test_a_process_killed_in_the_middle_of_writing_leaves_the_old_file(old):
    body = """
    import io
    class Slow(io.FileIO):
        def write(self, content):
            n = super().write(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
    import builtins
    builtins.open = lambda descriptor, mode: Slow(descriptor, mode)
    """
    assert run_child(old, body).returncode == -signal.SIGKILL
    assert old.read_bytes() == b"old"
    assert [p.stat().st_size for p in old.parent.iterdir() if p != old] == [1_500_000]


@is_posix
def test_a_limit_on_file_sizes_leaves_the_old_file(old):
    body = "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    result = run_child(old, body)
    assert result.returncode == 1
    assert "File too large; nothing was saved" in result.stderr
    assert_untouched(old)
