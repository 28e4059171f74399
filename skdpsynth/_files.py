"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import stat
from pathlib import Path

__all__ = ["remove_leftovers", "write_atomically"]


def write_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file so that its name always stands for a whole file, the old one or the new one.

    The bytes go to a new file in the same folder, which takes the name once they are on the disk.
    A process that is killed may leave that file, ``.<name>.<random>.tmp``, behind; see
    `remove_leftovers`.

    Raises
    ------
    OSError
        If the file cannot be written; what was there before is untouched.
    """
    target = Path(os.path.realpath(path))
    mode = _mode_of(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
    try:
        _write_new(temporary, content, mode)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            text = f"{error.strerror or error}; nothing was saved, a file of that name is untouched"
            raise OSError(error.errno, text, os.fspath(path)) from error
        raise
    _sync_folder(target.parent)


def remove_leftovers(path: str | os.PathLike[str]) -> None:
    """Remove what processes that were killed while they wrote this file have left beside it.

    Only where no other process can be writing it.
    """
    target = Path(os.path.realpath(path))
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def _mode_of(target: Path) -> int | None:
    """Return the permissions of the file to be replaced, or None when there is none."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(f"{target} is a folder; name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(
            f"{target} is not a regular file and cannot be replaced; choose another name."
        )
    return stat.S_IMODE(status.st_mode)


def _write_new(path: Path, content: bytes, mode: int | None) -> None:
    # the kernel takes off the umask
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, 0o666), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if mode is not None:
        path.chmod(mode)


def _sync_folder(folder: Path) -> None:
    """Make a new name last through a power cut, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
