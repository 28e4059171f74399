"""Files that are damaged, foreign, newer or made up: one error, whatever is in them."""

import copy
import hashlib
import io
import json
import os
import pickle
import random
import warnings
import zipfile

import numpy as np
import pytest

import skdpsynth
from skdpsynth import SavedModelError
from skdpsynth._saving._arrays import from_npy, to_npy
from skdpsynth._saving._container import pack, pack_members, unpack, unpack_members
from skdpsynth._saving._document import from_bytes

from .fitted import functions_of, saved


def load_bytes(content, tmp_path, **functions):
    path = tmp_path / "synth"
    path.write_bytes(content)
    return skdpsynth.load(path, **functions)


def repack(variant, change):
    """Return a file of sound checksums whose manifest was changed."""
    manifest, _ = unpack(saved(variant))
    change(manifest)
    members = unpack_members(saved(variant))
    text = json.dumps(manifest)
    return pack_members({**members, "manifest.json": text.encode()})


def test_every_truncated_file_is_refused(tmp_path):
    content = saved("moments")
    cuts = np.linspace(0, len(content) - 1, 50).astype(int)
    for cut in [*cuts, 1, 4, 14, 15, len(content) - 64, len(content) - 65]:
        with pytest.raises(SavedModelError, match=r"synth cannot be loaded: it is"):
            load_bytes(content[:cut], tmp_path)


def test_every_flipped_bit_is_noticed(tmp_path):
    content, rng = saved("moments"), random.Random(0)
    for _ in range(200):
        place = rng.randrange(len(content))
        flipped = bytearray(content)
        flipped[place] ^= 1 << rng.randrange(8)
        with pytest.raises(SavedModelError, match="cannot be loaded"):
            load_bytes(bytes(flipped), tmp_path)


@pytest.mark.parametrize("extra", [b"\0", b"more", saved])
def test_what_is_appended_is_noticed(tmp_path, extra):
    extra = extra("moments") if callable(extra) else extra
    with pytest.raises(SavedModelError):
        load_bytes(saved("moments") + extra, tmp_path)


def test_a_newer_file_says_which_release_wrote_it(tmp_path):
    def change(manifest):
        manifest.update(version=2, package="9.9.0", anything="else")

    with pytest.raises(SavedModelError, match=r"version 2 .* written by skdpsynth 9\.9\.0.*newer"):
        load_bytes(repack("moments", change), tmp_path)


def test_a_file_of_another_release_that_does_not_fit_names_both(tmp_path):
    def change(manifest):
        manifest["package"] = "0.0.7"
        del manifest["objects"][0]

    with pytest.raises(SavedModelError, match=r"skdpsynth 0\.0\.7 wrote it, this is"):
        load_bytes(repack("moments", change), tmp_path)


# well below what Python's own limit allows, far above it, and beyond what its JSON reader takes
@pytest.mark.parametrize("depth", [101, 300, 20_000])
@pytest.mark.parametrize("place", ["parameters", "fitted", "objects", "anything"])
def test_values_nested_too_deeply_are_refused(place, depth):
    members = unpack_members(saved("moments"))
    manifest = json.loads(members["manifest.json"])
    if place == "objects":
        manifest["objects"][0]["fields"]["x"] = "HERE"
    else:
        manifest.setdefault(place, {})["verbose"] = "HERE"
    deep = '{"tuple":[' * depth + "]}" * depth
    text = json.dumps(manifest).replace('"HERE"', deep).encode()
    with pytest.raises(SavedModelError, match=r"nested too deeply|RecursionError"):
        from_bytes(pack_members({**members, "manifest.json": text}), {})


def test_what_is_nested_less_is_loaded_as_before():
    def change(manifest):
        manifest["parameters"]["verbose"] = nest(90)

    nested = from_bytes(repack("moments", change), {}).verbose
    for _ in range(90):
        (nested,) = nested
    assert nested == ()


def foreign_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("manifest.json", '{"format": "other"}')
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"P",
        b"PK\x03\x04",
        b"some text\n",
        b"\0" * 10_000,
        b'{"format": "skdpsynth-model"}',
        pickle.dumps(["no", "pickle"]),
        foreign_zip(),
        pack_members({}),
        pack_members({"manifest.json": b"{}"}),
        pack_members({"manifest.json": b"[]"}),
        pack_members({"manifest.json": b"[" * 100_000}),
        pack_members({"manifest.json": b'{"a":' * 50_000}),
        pack_members({"manifest.json": b"\xff"}),
        pack_members({"manifest.json": b'{"format": "skdpsynth-model", "version": 1}'}),
        pack_members({"manifest.json": b'{"format": "skdpsynth-model", "version": NaN}'}),
        pack_members({"manifest.json": b"1" * 10_000}),
        pack_members({"other.json": b"{}"}),
        pack({}, []),
    ],
)
def test_what_is_no_saved_synthesizer_is_refused(tmp_path, content):
    with pytest.raises(SavedModelError, match=r"synth cannot be loaded: "):
        load_bytes(content, tmp_path)


def test_a_missing_file_and_a_folder_are_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError):
        skdpsynth.load(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        skdpsynth.load(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_without_permission_is_that(tmp_path):
    (tmp_path / "synth").write_bytes(saved("moments"))
    (tmp_path / "synth").chmod(0)
    with pytest.raises(PermissionError):
        skdpsynth.load(tmp_path / "synth")


def npy(shape, dtype, n_bytes):
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = header.ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(n_bytes)


@pytest.mark.parametrize(
    "array",
    [
        npy((10**12,), "'<f8'", 8),
        npy((10**30, 10**30), "'<f8'", 8),
        npy((-1,), "'<f8'", 8),
        npy((-1, -1), "'<f8'", 8),
        npy((0, -1), "'<f8'", 0),
        npy((2,), "'<f8'", 24),
        npy((1,), "'|O'", 8),
        npy((1,), "'|V8'", 8),
        npy((1,), "'<U2'", 8),
        npy((1,), "'<c16'", 16),
        npy((1,), "'>f8'", 8),
        npy((1,), "'<M8[s]'", 8),
        npy((1,), "[('a', '<f8')]", 8),
        npy((1.0,), "'<f8'", 8),
        npy("True", "'<f8'", 8),
        npy("(True,)", "'<f8'", 8),
        b"\x93NUMPY\x02\x00" + npy((1,), "'<f8'", 8)[8:],
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x01\x00\x05\x00(((((",
        b"cos\nsystem\n(S'true'\ntR.",
        b"",
    ],
)
def test_arrays_of_false_headers_are_refused_before_they_are_made(array):
    members = {**unpack_members(saved("moments")), "arrays/0.npy": array}
    with pytest.raises(SavedModelError):
        from_bytes(pack_members(members), {})


def with_zip(change, **options):
    """Return an archive with a sound checksum that zipfile wrote in another way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", **options) as archive:
        for name, content in unpack_members(saved("moments")).items():
            archive.writestr(name, content)
        change(archive)
        archive.comment = b"0" * 64
    content = buffer.getvalue()[:-64]
    return content + hashlib.sha256(content).hexdigest().encode()


@pytest.mark.parametrize(
    "content",
    [
        lambda: with_zip(lambda archive: None, compression=zipfile.ZIP_DEFLATED),
        lambda: with_zip(lambda archive: None, compression=zipfile.ZIP_LZMA),
        lambda: with_zip(lambda archive: archive.writestr("../../escaped", b"x")),
        lambda: with_zip(lambda archive: archive.writestr("arrays/999.npy", b"x")),
        lambda: with_zip(lambda archive: archive.filelist.extend(archive.filelist * 3)),
    ],
    ids=["deflated", "lzma", "path", "more", "overlapping"],
)
def test_archives_that_save_never_writes_are_refused(tmp_path, content):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = content()
    with pytest.raises(SavedModelError):
        from_bytes(content, {})
    assert list(tmp_path.parent.glob("**/escaped")) == []


STRANGE = [
    *(None, True, False, 0, -1, 1, 2, 7, 10**6, 10**12, 2**63, -(10**30), 0.5, -0.5, 1e300, 1e-320),
    *("", "x", "0", "category", "DPMixtureSynthesizer", "manifest.json", "\ud800", "ε" * 50),
    *([], [[]], [None], [1, 2], {}, {"tuple": []}, {"array": 0}, {"array": -1}, {"object": 0}),
    *({"float": "nan"}, {"float": "inf"}, {"scalar": ["int64", 3]}, {"scalar": ["float32", 0.5]}),
    *({"function": "model"}, {"function": "guide"}, {"class": "Popen", "fields": {}}),
    *({"mapping": [[[], 1]]}, {"mapping": 3}, {"dtype": "object"}, {"set": [[]]}, {"a": 1, "b": 2}),
    {"strings": ["O", [-1], ["x"]]},
]


def nest(depth):
    node = {"tuple": []}
    for _ in range(depth):
        node = {"tuple": [node]}
    return node


def strange(rng):
    return nest(50) if rng.random() < 0.02 else copy.deepcopy(rng.choice(STRANGE))


def mutate(manifest, rng):
    """Change a manifest in one to three places."""
    for _ in range(rng.randint(1, 3)):
        # objects and arrays alike are reached: the path is drawn part by part
        parent, key, node = None, None, manifest
        while isinstance(node, dict | list) and node and (parent is None or rng.random() < 0.85):
            parent = node
            key = rng.choice(list(node)) if isinstance(node, dict) else rng.randrange(len(node))
            node = node[key]
        if parent is None:
            continue
        kind = rng.randrange(7)
        if kind == 0:
            del parent[key]
        elif kind == 1 and isinstance(parent, list):
            parent.insert(rng.randrange(len(parent) + 1), copy.deepcopy(rng.choice(parent)))
        elif kind == 2 and isinstance(node, int | float) and not isinstance(node, bool):
            parent[key] = rng.choice([-node, node + 1, node * 1000, float(node), str(node)])
        elif kind == 3 and isinstance(parent, dict):
            parent[rng.choice(["x", "class", "tuple", "array"])] = strange(rng)
        elif kind == 4 and isinstance(parent, list):
            other = rng.randrange(len(parent))
            parent[key], parent[other] = parent[other], parent[key]
        else:
            parent[key] = strange(rng)


# 2,000 altogether
@pytest.mark.parametrize(
    ("variant", "n_cases"),
    [
        ("moments", 500),
        ("scalars", 300),
        ("laplace", 600),
        ("auto", 300),
        ("nuts", 240),
        ("model", 60),
    ],
)
def test_made_up_manifests_are_refused_or_give_a_synthesizer_that_works(variant, n_cases):
    """No error but ours, no hang; what is loaded samples rows, or says why not."""
    functions, rng = functions_of(variant), random.Random(variant)
    manifest, _ = unpack(saved(variant))
    members = unpack_members(saved(variant))
    n_refused = 0
    for case in range(n_cases):
        changed = copy.deepcopy(manifest)
        mutate(changed, rng)
        text = json.dumps(changed).encode()
        try:
            synth = from_bytes(pack_members({**members, "manifest.json": text}), functions)
        except SavedModelError:
            n_refused += 1
            continue
        try:
            synth.sample(3, random_state=0)
            repr(synth), repr(synth.ledger_)
        except ValueError:
            pass
        except Exception as error:
            raise AssertionError(f"case {case} of {variant} fails: {changed}") from error
    # numbers that are free to change, and text that is not ours, are a part of the places only
    assert n_refused > n_cases / 2
    assert n_refused < n_cases, "the search found nothing that is loaded: it proves little"


def tamper(array, rng):
    """Return the bytes of an array of another shape, dtype or value."""
    changed = array.copy()
    kind = rng.randrange(5)
    if kind == 0:
        changed = changed.T if changed.ndim > 1 else changed[:-1]
    elif kind == 1:
        changed = changed.astype(rng.choice(["float32", "int64", "int8", "bool", "float64"]))
    elif kind == 2:
        changed = changed.reshape(-1, 1)
    elif changed.size:
        values = [0, -1, 7, 2**31 - 1] if array.dtype.kind == "i" else [-1.0, 2.0, np.nan, np.inf]
        changed.flat[rng.randrange(changed.size)] = rng.choice(values)
    return to_npy(changed)


@pytest.mark.parametrize("variant", ["moments", "scalars", "laplace", "nuts"])
def test_arrays_that_do_not_fit_are_refused_or_give_a_synthesizer_that_works(variant):
    rng, members = random.Random(variant), unpack_members(saved(variant))
    arrays = [name for name in members if name.startswith("arrays/")]
    n_refused = 0
    for case in range(100):
        name = rng.choice(arrays)
        with np.errstate(invalid="ignore"), warnings.catch_warnings():
            # numbers that the new dtype cannot hold
            warnings.simplefilter("ignore", RuntimeWarning)
            changed = tamper(from_npy(members[name]), rng)
        try:
            synth = from_bytes(pack_members({**members, name: changed}), {})
        except SavedModelError:
            n_refused += 1
            continue
        assert len(synth.sample(3, random_state=0)) == 3, (case, name)
    assert 30 < n_refused < 100
