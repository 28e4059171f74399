"""MNIST: images of handwritten digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from ..schema import Categorical, ColumnKind, Continuous, TableSchema
from ._reading import SUBSETS
from ._sources import fetch_from_openml, find_file

__all__ = ["fetch_mnist"]

TITLE, TARGET, LICENCE = "MNIST", "class", "CC BY-SA 3.0, as usually stated"
OPENML_ID, N_TRAIN, N_ROWS = 554, 60_000, 70_000
N_PIXELS = 784

DESCRIPTION = """\
MNIST
=====

70,000 images of handwritten digits, the first 60,000 of which are the training part; 28 by 28
pixels, row by row, from 0.0 (white) to 1.0 (black): the publisher's bytes divided by 255. The
target, "class", is the digit, 0 to 9.

Bounds of the schema: those of a byte, divided by 255.

Source: Y. LeCun, C. Cortes and C. J. C. Burges, The MNIST database of handwritten digits.
"""


def fetch_mnist(
    *,
    subset: str = "train",
    as_frame: bool = False,
    data_home: str | Path | None = None,
    local_folder: str | Path | None = None,
) -> Bunch:
    """Load MNIST: handwritten digits, 784 pixels between 0 and 1 and ten classes.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        The 60,000 training images, the 10,000 test images, or both.
    as_frame : bool, default=False
        Whether `data` is a DataFrame and `target` a Series; only then there is a `frame`.
    data_home : path, optional
        Where scikit-learn keeps what it fetches from OpenML.
    local_folder : path, optional
        Folder with ``mnist.npz``: the arrays ``x_train``, ``y_train``, ``x_test`` and ``y_test``.
        By default the one that the environment variable ``SKDPSYNTH_DATA`` names. It is looked
        into first.

    Returns
    -------
    Bunch
        ``data`` : float32 array of shape (n_rows, 784), 188 MB for the training images.
        ``target`` : int64 array of shape (n_rows,).
        ``frame`` : None, or the DataFrame of shape (n_rows, 785) of both, which `data` is cut from.
        ``schema`` : TableSchema of the pixels ``pixel1`` to ``pixel784`` and the target.
        ``DESCR`` and ``licence`` : str.

    Raises
    ------
    OSError
        If the images are in no local folder and cannot be fetched.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset={subset!r} is not one of {list(SUBSETS)}.")
    path = find_file(["mnist.npz"], local_folder)
    images, digits = _fetch(subset, data_home) if path is None else _read(path, subset)
    data = images.reshape(len(images), N_PIXELS).astype(np.float32)
    data /= 255
    schema = _make_schema()
    described = {"schema": schema, "DESCR": DESCRIPTION, "licence": LICENCE}
    if not as_frame:
        return Bunch(frame=None, data=data, target=digits.astype(np.int64), **described)
    # one block of float32 and one column of digits: no copy, and not twice the memory
    frame = pd.DataFrame(data, columns=list(schema.feature_names), copy=False)
    frame[TARGET] = digits.astype(np.int64)
    return Bunch(frame=frame, data=frame.drop(columns=TARGET), target=frame[TARGET], **described)


def _read(path: Path, subset: str) -> tuple[np.ndarray, np.ndarray]:
    parts = ("train", "test") if subset == "all" else (subset,)
    with np.load(path, allow_pickle=False) as arrays:
        images, digits = ([arrays[f"{kind}_{part}"] for part in parts] for kind in "xy")
    return np.concatenate(images), np.concatenate(digits)


def _fetch(subset: str, data_home: str | Path | None) -> tuple[np.ndarray, np.ndarray]:
    frame = fetch_from_openml(TITLE, OPENML_ID, N_ROWS, "mnist.npz", data_home)
    rows = {"train": slice(N_TRAIN), "test": slice(N_TRAIN, None), "all": slice(None)}[subset]
    images = frame.drop(columns=TARGET).to_numpy(dtype=np.uint8)[rows]
    return images, frame[TARGET].astype(int).to_numpy()[rows]


def _make_schema() -> TableSchema:
    kinds: dict[str, ColumnKind] = {
        f"pixel{i}": Continuous(0.0, 1.0) for i in range(1, N_PIXELS + 1)
    }
    kinds[TARGET] = Categorical(list(range(10)))
    return TableSchema(kinds, target=TARGET)
