"""Schemas as JSON text that is damaged, made up or hostile."""

from __future__ import annotations

import copy
import json
import random
import tempfile
from pathlib import Path
from typing import Any

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema

from .outcomes import Case
from .values import nested, tell

SOUND = TableSchema(
    {
        "age": Count(0, 100),
        "pay": Continuous(0, 1, nullable=True),
        "sex": Categorical(["F", "M", "other"], other="other"),
        "grade": Ordinal([1, 2, 3]),
    },
    target="sex",
)
STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**53 + 1, 10**30, 10**400, 1e308, -1e308, float("nan")),
    *(float("inf"), "", "x", "count", "\ud800", "\0", [], {}, [[]], [None], {"a": 1}, ["a", "a"]),
    *(nested(50), "x" * 10_000, [1, 1.0, True], [float("nan")], "NaN"),
)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Return all (parent, key) of a document."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    places = []
    for key, child in pairs:
        places.append((node, key))
        if isinstance(child, dict | list):
            places += _places(child)
    return places


def _mutate(document: dict[str, Any], rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        places = _places(document)
        if not places:
            return
        parent, key = rng.choice(places)
        kind = rng.randrange(4)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, dict):
            parent[rng.choice(["low", "levels", "name", "extra", ""])] = rng.choice(STRANGE)
        elif kind == 1:
            parent.append(copy.deepcopy(rng.choice([*parent, *STRANGE])))
        else:
            parent[key] = copy.deepcopy(rng.choice(STRANGE))


def _damage(content: bytes, rng: random.Random) -> bytes:
    place = rng.randrange(len(content))
    n = rng.randint(1, 30)
    deep = [b"[" * 100_000, b'{"a":' * 50_000]
    inserted = rng.choice([b"\xff\xfe", b"\x00", b"NaN", b"9" * 5000, b"1e999", b"\\u", *deep])
    pieces = [
        content[:place],
        content[:place] + inserted + content[place:],
        content[:place] + content[place + n :],
        content[:place] + rng.randbytes(n) + content[place + n :],
        b"\xef\xbb\xbf" + content,
        content.decode().encode("utf-16"),
        inserted,
    ]
    return rng.choice(pieces)


def make_json(rng: random.Random) -> Case:
    """A damaged schema, as text or in a file."""
    document = json.loads(SOUND.to_json())
    if rng.random() < 0.7:
        _mutate(document, rng)
    content = json.dumps(document).encode()
    if rng.random() < 0.4:
        content = _damage(content, rng)
    if rng.random() < 0.5:
        text = content.decode("utf-8", "replace")
        return Case(f"from_json({tell(text[-60:])})", lambda: read(text))
    return Case(f"from_json(file of {tell(content[-60:])})", lambda: read_from_file(content))


def read_from_file(content: bytes) -> None:
    """Read a schema from a file of these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "schema.json"
        path.write_bytes(content)
        read(path)


def read(text_or_path: str | Path) -> None:
    """What is accepted must also be written, and read again."""
    schema = TableSchema.from_json(text_or_path)
    assert TableSchema.from_json(schema.to_json()) == schema
    repr(schema)
