"""Files of saved synthesizers that are damaged, swapped or made up."""

from __future__ import annotations

import copy
import io
import json
import random
import tempfile
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path

import numpy as np
from test_saving.fitted import saved
from test_saving.test_damage import mutate, npy, tamper

import skdpsynth
from skdpsynth._saving._arrays import from_npy
from skdpsynth._saving._container import pack_members, unpack_members

from .outcomes import Case

VARIANTS = ("moments", "scalars", "laplace", "clusters")
SHAPES = ("(10**12,)", "(4294967296, 4294967296)", "(-1,)", "(0, -1)", "(3,)", "True", "(1.5,)")
DTYPES = ("'<f8'", "'|O'", "'<U2'", "'>f8'", "'<c16'", "'|V8'", "'<M8[s]'", "[('a', '<f8')]")


@lru_cache
def members_of(variant: str) -> dict[str, bytes]:
    """Return what a sound file holds; not to be changed."""
    return unpack_members(saved(variant))


def _spoil_bytes(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    flipped = bytearray(content)
    for _ in range(rng.choice([1, 1, 20])):
        flipped[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b"0" * 10_000_000)
    choices = [bytes(flipped), content[:place], content[place:], content + content[:place]]
    choices += [content[:place] + rng.randbytes(50) + content[place:], rng.randbytes(200)]
    return rng.choice([*choices, buffer.getvalue(), b""])


def _spoil_members(variant: str, rng: random.Random) -> bytes:
    """Return a file of sound checksums; its members are not."""
    members = dict(members_of(variant))
    arrays = [name for name in members if name.startswith("arrays/")]
    name = rng.choice(arrays)
    kind = rng.randrange(7)
    if kind == 0:
        other = rng.choice(arrays)
        members[name], members[other] = members[other], members[name]
    elif kind == 1:
        items = list(members.items())
        rng.shuffle(items)
        members = dict(items)
    elif kind == 2:
        members[name] = npy(rng.choice(SHAPES), rng.choice(DTYPES), rng.choice([0, 8, 24]))
    elif kind == 3:
        members[name] = members_of(rng.choice(VARIANTS)).get(name, b"")
    elif kind == 4:
        del members[rng.choice(list(members))]
    elif kind == 5:
        manifest = json.loads(members["manifest.json"])
        mutate(manifest, rng)
        members["manifest.json"] = json.dumps(copy.deepcopy(manifest)).encode()
    else:
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            members[name] = tamper(from_npy(members[name]), rng)
    return pack_members(members)


def make_file(rng: random.Random) -> Case:
    """A file that `load` is asked to read."""
    variant = rng.choice(VARIANTS)
    is_bytes = rng.random() < 0.4
    content = _spoil_bytes(saved(variant), rng) if is_bytes else _spoil_members(variant, rng)
    return Case(f"load(spoilt {variant}, {len(content)} bytes)", lambda: load_and_sample(content))


def load_and_sample(content: bytes) -> None:
    """What is loaded must work."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "synth"
        path.write_bytes(content)
        synth = skdpsynth.load(path)
    synth.sample(3, random_state=0)
    repr(synth)
