"""Whole fits of two tables, by the public way: pickles and files of what is fitted."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from skdpsynth import (
    ClustMixSynthesizer,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
    TableSchema,
    _base,
)
from skdpsynth.pii import PIIMasker
from skdpsynth.pipeline import make_synthesizer_pipeline
from skdpsynth.preprocessing import BoundedDiscretizer, MissingnessEncoder, TableEncoder
from skdpsynth.schema import _table_schema

from .any_two import LARGE, MIXED, VECTORS, own_model, unlike
from .pairs import NUMBERS, SCHEMA
from .tape import PublicDifference, TapedDesk

__all__ = ["FITS", "check_any_two_fits", "frames"]


def as_frame(codes: np.ndarray, schema: TableSchema) -> pd.DataFrame:
    """Return a frame of encoded rows, whose dtypes tell of them as pandas' often do."""
    columns = {}
    for j, (name, kind) in enumerate(schema.columns.items()):
        if isinstance(kind, Continuous | Count):
            numbers = pd.Series(kind.low + codes[:, j] * (kind.high - kind.low))
            is_whole = isinstance(kind, Count) and not numbers.isna().any()
            columns[name] = numbers.round().astype("int64") if is_whole else numbers
        else:
            levels = [None if np.isnan(code) else kind.levels[int(code)] for code in codes[:, j]]
            columns[name] = pd.Series(levels, dtype=object)
    return pd.DataFrame(columns)


@cache
def frames(kind: str) -> dict[str, pd.DataFrame]:
    """Return tables by name, the first one as "first".

    Parameters
    ----------
    kind : {"mixed", "vectors", "masked"}
        The last are mixed, with an address beside every row.
    """
    if kind == "masked":
        return {
            name: table.assign(mail=[f"{name[:3]}{i}@example.org" for i in range(len(table))])
            for name, table in frames("mixed").items()
            if name != LARGE
        }
    codes, schema = (VECTORS, NUMBERS) if kind == "vectors" else (MIXED, SCHEMA)
    tables = {"first": codes, **unlike(codes)}
    if kind == "mixed":
        tables["all missing"] = np.where([True, True, True, False, False], np.nan, codes)
    return {name: as_frame(table, schema) for name, table in tables.items() if len(table)}


def _buy_and_fit(frame: pd.DataFrame, **options: Any) -> Any:
    kinds = {"few": "count", "town": SCHEMA["town"], "label": SCHEMA["label"]}
    bought = TableSchema.from_private(
        frame, 2.0, 1e-6, {**kinds, "sex": SCHEMA["sex"]}, target="label", random_state=0
    )
    return DPMixtureSynthesizer(schema=bought, n_passes=2, **options).fit(frame)


def _plain(make: Callable[..., Any], schema: TableSchema) -> Callable[..., Any]:
    return lambda frame, **options: make(schema=schema, **options).fit(frame)


def _target_apart(frame: pd.DataFrame, **options: Any) -> Any:
    synthesizer = DPMixtureSynthesizer(schema=SCHEMA, n_passes=2, **options)
    return synthesizer.fit(frame.drop(columns="label"), frame["label"])


def _arrays(frame: pd.DataFrame, **options: Any) -> Any:
    schema = TableSchema(
        {f"x{j}": kind for j, kind in enumerate(NUMBERS.drop(["label"]).columns.values())}
    )
    synthesizer = ClustMixSynthesizer(schema=schema, sigma_max=1.0, **options)
    return synthesizer.fit(frame.drop(columns="label").to_numpy())


def _pipeline(*steps: Any) -> Callable[..., Any]:
    def fit(frame: pd.DataFrame, **options: Any) -> Any:
        synthesizer = DPMixtureSynthesizer(n_passes=2, n_components=3, **options)
        return make_synthesizer_pipeline(*steps, synthesizer).fit(frame)

    return fit


# what is fitted: which tables, and how
FITS: dict[str, tuple[str, Callable[..., Any]]] = {
    "mixture": ("mixed", _plain(DPMixtureSynthesizer, SCHEMA)),
    "mixture, target apart": ("mixed", _target_apart),
    "mixture, bought schema": ("mixed", _buy_and_fit),
    "napsu": (
        "mixed",
        lambda frame, **options: NapsuMQSynthesizer(schema=SCHEMA, n_bins=8, **options).fit(frame),
    ),
    "clustmix, blocks": ("mixed", _plain(ClustMixSynthesizer, SCHEMA)),
    "clustmix, continuous": (
        "vectors",
        lambda frame, **options: ClustMixSynthesizer(
            schema=NUMBERS, mode="continuous", sigma_max=1.0, **options
        ).fit(frame),
    ),
    "clustmix, array": ("vectors", _arrays),
    "a model of one's own": (
        "vectors",
        lambda frame, **options: NumPyroSynthesizer(
            schema=NUMBERS, model=own_model, n_steps=2, **options
        ).fit(frame),
    ),
    "pipeline, bins": ("mixed", _pipeline(BoundedDiscretizer(SCHEMA, n_bins=4))),
    "pipeline, codes": ("mixed", _pipeline(TableEncoder(SCHEMA))),
    "pipeline, missing values": ("mixed", _pipeline(MissingnessEncoder(SCHEMA))),
    "pipeline, masked": (
        "masked",
        _pipeline(PIIMasker(columns={"mail": "redact"}), TableEncoder(SCHEMA)),
    ),
}


def check_any_two_fits(
    name: str,
    adjacency: str = "add_remove",
    epsilon: float = 1.0,
    others: list[str] | None = None,
    path: Path | None = None,
) -> None:
    """Raise `PublicDifference` where fits of two tables differ in a call or in a byte.

    Parameters
    ----------
    name : str
        One of `FITS`.
    adjacency : {"add_remove", "replace_one"}
    epsilon : float
    others : list of str, default=None
        Which tables beside the first; by default all.
    path : Path, default=None
        A folder, to compare saved files too.
    """
    kind, fit = FITS[name]
    first, *rest = frames(kind).items()
    for other, table in rest:
        if others is not None and other not in others:
            continue
        if adjacency == "replace_one":
            table = table.iloc[np.arange(len(first[1])) % len(table)].reset_index(drop=True)
        tapes: list[list[TapedDesk]] = []
        results = []
        for frame in (first[1], table):
            tapes.append([])
            with _taped(tapes):
                results.append(fit(frame, epsilon=epsilon, adjacency=adjacency, random_state=0))
        for one, two in zip(*tapes, strict=True):
            if one.public != two.public:
                raise PublicDifference(f"{name}, {other}: {len(one.public)} calls, {one.public}")
        if pickle.dumps(results[0]) != pickle.dumps(results[1]):
            raise PublicDifference(f"{name}, {other}: what is fitted differs")
        if path is not None and hasattr(results[0], "save"):
            files = [path / "first", path / "second"]
            for file, result in zip(files, results, strict=True):
                result.save(file)
            if files[0].read_bytes() != files[1].read_bytes():
                raise PublicDifference(f"{name}, {other}: the saved files differ")


def _taped(tapes: list[list[TapedDesk]]) -> Any:
    """Have all desks that are opened tape, or answer as those of the first table did."""

    def open_desk(ledger: Any, noise: Any, progress: Any = None) -> TapedDesk:
        own = tapes[-1]
        first = tapes[0][len(own)] if len(tapes) > 1 else None
        own.append(TapedDesk(ledger, noise, first))
        return own[-1]

    patches = [mock.patch.object(module, "Mechanisms", open_desk) for module in _MODULES]
    # a purchase is known by a random number, which no row has a part in
    patches.append(mock.patch("secrets.token_hex", return_value="0" * 32))
    return _Together(patches)


_MODULES = (_base, _table_schema)


class _Together:
    """Several patches as one."""

    def __init__(self, patches: list[Any]) -> None:
        self.patches = patches

    def __enter__(self) -> None:
        for patch in self.patches:
            patch.start()

    def __exit__(self, *_: object) -> None:
        for patch in self.patches:
            patch.stop()
