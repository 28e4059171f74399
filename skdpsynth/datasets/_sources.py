"""Where public tables come from: a local folder first, OpenML otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from sklearn.datasets import fetch_openml

__all__ = ["LOCAL_FOLDER_VARIABLE", "fetch_from_openml", "find_file", "require_file"]

LOCAL_FOLDER_VARIABLE = "SKDPSYNTH_DATA"


def find_file(names: Sequence[str], local_folder: str | Path | None) -> Path | None:
    """Return the first of these files that the local folder has, None if it has none.

    Raises
    ------
    NotADirectoryError
        If a folder is named that does not exist.
    """
    folder = local_folder or os.environ.get(LOCAL_FOLDER_VARIABLE)
    if not folder:
        return None
    directory = Path(folder).expanduser()
    if not directory.is_dir():
        origin = "local_folder" if local_folder else f"${LOCAL_FOLDER_VARIABLE}"
        raise NotADirectoryError(f"{origin} names {str(directory)!r}, which is not a folder.")
    return next((directory / name for name in names if (directory / name).is_file()), None)


def require_file(title: str, names: Sequence[str], local_folder: str | Path | None) -> Path:
    """Return the first of these files that the local folder has; it is fetched from nowhere."""
    path = find_file(names, local_folder)
    if path is None:
        raise FileNotFoundError(
            f"{title} is read from a local folder only: put {names[0]} into one and name it in "
            f"local_folder or ${LOCAL_FOLDER_VARIABLE}."
        )
    return path


def fetch_from_openml(
    title: str, data_id: int, n_rows: int, file: str, data_home: str | Path | None
) -> pd.DataFrame:
    """Return a table of OpenML, features and target, its text as strings.

    Raises
    ------
    OSError
        If it cannot be fetched; the message says which local file would do instead.
    ValueError
        If it does not have the number of rows that its publisher states.
    """
    try:
        frame = fetch_openml(data_id=data_id, data_home=data_home, as_frame=True).frame
    except (OSError, ValueError) as error:
        raise OSError(
            f"{title} is in no local folder and could not be fetched from OpenML (data set "
            f"{data_id}): {error}. Put {file} into a folder and name it in local_folder or "
            f"${LOCAL_FOLDER_VARIABLE}."
        ) from error
    if len(frame) != n_rows:
        raise ValueError(
            f"OpenML's data set {data_id} has {len(frame):,} rows; {title} has {n_rows:,}."
        )
    return frame
