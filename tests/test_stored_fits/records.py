"""What is stored of a fit: numbers in hexadecimal, so that not a bit is lost."""

from __future__ import annotations

import dataclasses
import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.linalg  # noqa: F401 - its BLAS is looked at below
from threadpoolctl import threadpool_info, threadpool_limits

import skdpsynth

from .fits import Fit

STORED = Path(__file__).parent / "stored"
N_SAMPLES = 50
# results depend on these to the last bit, by their sums, random numbers or searches for roots
PACKAGES = (
    "numpy",
    "scipy",
    "jax",
    "jaxlib",
    "numpyro",
    "scikit-learn",
    "pandas",
    "prv-accountant",
    "d3p",
)


def installed() -> dict[str, Any]:
    """Return what the bits of a fit depend on beside the code."""
    kernels = {info.get("architecture") for info in threadpool_info() if info["user_api"] == "blas"}
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        **{name: _version(name) for name in PACKAGES},
        "machine": platform.machine(),
        # stands for the instructions of the processor, which others than BLAS choose by, too
        "blas": sorted(map(str, kernels)),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def differing(stored: Mapping[str, Any]) -> str:
    """Return what is installed otherwise than where a record was made; empty if nothing is."""
    here = installed()
    keys = dict.fromkeys([*stored, *here])
    return ", ".join(
        f"{key} {stored.get(key)} there and {here.get(key)} here"
        for key in keys
        if stored.get(key) != here.get(key)
    )


def run(fit: Fit) -> tuple[Any, dict[str, Any]]:
    """Return the fitted synthesizer and everything that is stored of it.

    On one thread: the last bits of the sums of the Adapt stage depend on how many share them.
    """
    with threadpool_limits(limits=1):
        synth = fit.run()
        return synth, _record(fit, synth)


def _record(fit: Fit, synth: Any) -> dict[str, Any]:
    rows = fit.arguments()
    few = [part[:10] for part in rows]
    found: dict[str, Any] = {
        "installed": installed(),
        "spent": to_json(synth.privacy_spent_),
        "n_records": synth.n_records_,
        "ledger": [to_json(entry) for entry in synth.ledger_.entries],
        "purchase": _purchase(synth),
        "score": synth.score(*rows).hex(),
        "scores": [float(value).hex() for value in synth.score_samples(*few)],
        "sampled": sampled(synth),
    }
    if synth.schema_.target is not None:
        X, y = synth.sample_xy(10, random_state=12)
        found["sampled_xy"] = [to_rows(X), to_rows(y)]
    if fit.conditions is not None:
        table = synth.sample(10, conditions=fit.conditions, random_state=13)
        found["given"] = to_rows(table)
    if fit.draws:
        found["drawn"] = [to_rows(t) for t in synth.sample_datasets(2, 5, random_state=14)]
    return found


def sampled(synth: Any) -> dict[str, Any]:
    """Return the first rows of a synthesizer."""
    with threadpool_limits(limits=1):
        return to_rows(synth.sample(N_SAMPLES, random_state=11))


def _purchase(synth: Any) -> list[Any] | None:
    ledger = synth.schema_.ledger
    return None if ledger is None else [to_json(entry) for entry in ledger.entries]


def to_rows(table: Any) -> dict[str, Any]:
    """Return container, dtypes and rows of a table or a column."""
    if isinstance(table, np.ndarray):
        rows = [to_json(row) for row in table]
        return {"container": "array", "dtypes": str(table.dtype), "rows": rows}
    if isinstance(table, pd.Series):
        return {"container": "Series", **_of_frame(table.to_frame())}
    return {"container": type(table).__name__, **_of_frame(table)}


def _of_frame(frame: pd.DataFrame) -> dict[str, Any]:
    columns = [frame.iloc[:, j].tolist() for j in range(frame.shape[1])]
    return {
        "dtypes": [[name, repr(dtype)] for name, dtype in frame.dtypes.items()],
        "index": repr(frame.index),
        "rows": [to_json(row) for row in zip(*columns, strict=True)],
    }


def to_json(value: Any) -> Any:
    """Return a value as JSON with exact floats, and dataclasses by their fields."""
    if dataclasses.is_dataclass(value):
        names = [f.name for f in dataclasses.fields(value)]
        fields = {name: to_json(getattr(value, name)) for name in names}
        return {"class": type(value).__name__, **fields}
    if isinstance(value, tuple | list | np.ndarray):
        return [to_json(item) for item in value]
    if value is None or value is pd.NA:
        return None
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return None if math.isnan(value) else float(value).hex()
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"cannot store a {type(value).__name__}")


def path_of(name: str, suffix: str = "json") -> Path:
    """Return where a record or a saved file is stored."""
    return STORED / f"{name}.{suffix}"


def read(name: str) -> dict[str, Any]:
    """Return a stored record."""
    return json.loads(path_of(name).read_text("utf-8"))


def store(name: str, fit: Fit) -> None:
    """Fit, and write a record and, where asked for, a saved file."""
    synth, found = run(fit)
    path_of(name).write_text(_to_text(found) + "\n", "utf-8")
    if fit.is_saved:
        path = path_of(name, "synth")
        synth.save(path)
        again = skdpsynth.load(path, **fit.functions)
        if sampled(again) != found["sampled"]:
            raise RuntimeError(f"{name} samples other rows once it is loaded")


def _to_text(value: Any, margin: str = "") -> str:
    """Return JSON with one entry, and one row, a line, so that a difference can be read."""
    text = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or len(text) + len(margin) < 100:
        return text
    inner = margin + " "
    if isinstance(value, dict):
        parts = [f"{json.dumps(key)}: {_to_text(item, inner)}" for key, item in value.items()]
    else:
        parts = [_to_text(item, inner) for item in value]
    start, end = "{}" if isinstance(value, dict) else "[]"
    body = ",\n".join(inner + part for part in parts)
    return f"{start}\n{body}\n{margin}{end}"
