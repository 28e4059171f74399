"""A saved model as bytes: a zip of uncompressed members, closed by a checksum of the whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..exceptions import SavedModelError
from ._arrays import from_npy, to_npy

__all__ = ["FORMAT", "MAGIC", "VERSION", "pack", "read_bytes", "unpack"]

FORMAT = "skdpsynth-model"
VERSION = 1
MANIFEST = "manifest.json"
# how the header of the first member begins, its time included: foreign archives are told by it
MAGIC = b"PK\x03\x04\x14" + bytes(7) + b"\x21\x00"
N_DIGITS = 64
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(manifest: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> bytes:
    """Return the bytes of a file; equal arguments give equal bytes.

    Parameters
    ----------
    manifest : mapping
        JSON; its format and version are added.
    arrays : sequence of ndarray
        Booleans, integers or floats.
    """
    document = {**manifest, "format": FORMAT, "version": VERSION, "n_arrays": len(arrays)}
    text = json.dumps(document, sort_keys=True, allow_nan=False, separators=(",", ":"))
    members = {MANIFEST: text.encode("ascii")}
    members |= {_array_name(number): to_npy(array) for number, array in enumerate(arrays)}
    return pack_members(members)


def pack_members(members: Mapping[str, bytes]) -> bytes:
    """Return an archive whose comment is the SHA-256 of all bytes before it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
        archive.comment = b"0" * N_DIGITS
    content = buffer.getvalue()[:-N_DIGITS]
    return content + hashlib.sha256(content).hexdigest().encode("ascii")


def read_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return the content of a file that begins as saved models do.

    Raises
    ------
    OSError
        If it cannot be read, such as FileNotFoundError.
    SavedModelError
        If it is another kind of file; no more than its beginning is read then.
    """
    status = os.stat(path)
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise SavedModelError("it is not a regular file")
    with open(path, "rb") as file:
        start = file.read(len(MAGIC))
        if not start:
            raise SavedModelError("it is empty")
        if start != MAGIC[: len(start)]:
            raise SavedModelError("it is not a file that synth.save wrote")
        return start + file.read()


def unpack(content: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the manifest and the arrays of a file.

    Nothing is written to the disk and nothing is decompressed: members are stored as they are, so
    that all of them together are no larger than the file.

    Raises
    ------
    SavedModelError
        If the file is damaged, truncated or foreign, or written by a later release.
    """
    members = unpack_members(content)
    if MANIFEST not in members:
        raise SavedModelError("it has no manifest, so that synth.save did not write it")
    manifest = json.loads(members[MANIFEST], parse_constant=_refuse_constant)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise SavedModelError("its manifest is not that of a saved synthesizer")
    _check_version(manifest)
    names = [_array_name(number) for number in range(len(members) - 1)]
    if manifest.get("n_arrays") != len(names) or {MANIFEST, *names} != set(members):
        raise SavedModelError("it does not have the arrays that its manifest counts")
    return manifest, [from_npy(members[name]) for name in names]


def unpack_members(content: bytes) -> dict[str, bytes]:
    """Return the members of an archive; see `unpack`."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        raise SavedModelError("it is truncated, or not a file that synth.save wrote")
    digest = hashlib.sha256(content[:-N_DIGITS]).hexdigest().encode("ascii")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if len(archive.comment) != N_DIGITS:
            raise SavedModelError("it is an archive that synth.save did not write")
        if content[-N_DIGITS:] != digest:
            raise SavedModelError("it is damaged: its bytes do not match their checksum")
        infos = archive.infolist()
        if any(info.compress_type != zipfile.ZIP_STORED for info in infos):
            raise SavedModelError("it holds compressed members, which synth.save never writes")
        if sum(info.file_size for info in infos) > len(content):
            raise SavedModelError("its members overlap")
        return {info.filename: archive.read(info) for info in infos}


def _array_name(number: int) -> str:
    return f"arrays/{number}.npy"


def _refuse_constant(name: str) -> None:
    raise SavedModelError(f"its manifest holds {name}, which is not JSON")


def _check_version(manifest: Mapping[str, Any]) -> None:
    version = manifest.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise SavedModelError(f"its version is {version!r}")
    if version > VERSION:
        raise SavedModelError(
            f"it has version {version} of the format and was written by skdpsynth "
            f"{manifest.get('package')}; this release reads version {VERSION}, so that a newer "
            "release is needed"
        )
