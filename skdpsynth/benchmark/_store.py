"""Rows of results that survive an interruption: settings.json and results.csv."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from .._files import remove_leftovers, write_atomically

__all__ = ["ResultStore"]

KEYS = ("method", "epsilon", "seed")
RESULTS, SETTINGS = "results.csv", "settings.json"
_FIRST = (*KEYS, "status", "reason", "n_train", "n_test", "delta", "epsilon_spent", "delta_spent")
_LAST = ("warnings", "settings")
_WHOLE = ("seed", "n_train", "n_test")
_TEXT = ("method", "status", "reason", "warnings", "settings")


class ResultStore:
    """The rows of a benchmark in a directory, or in memory where there is none.

    Parameters
    ----------
    directory : Path or None
        Made if need be. Rows that it has already are kept.
    settings : mapping
        What every row depends on. Other values in the directory are an error.
    methods : mapping of str to str
        Descriptions. More methods may be added, but a name keeps its meaning.

    Raises
    ------
    ValueError
        If the directory has results of other settings, or something else.
    """

    def __init__(
        self, directory: Path | None, settings: Mapping[str, Any], methods: Mapping[str, str]
    ) -> None:
        self.directory = directory
        self.settings = json.loads(json.dumps(settings))
        self.methods = dict(methods)
        self.rows: dict[tuple[Any, ...], dict[str, Any]] = {}
        if directory is None:
            return
        directory.mkdir(parents=True, exist_ok=True)
        # a benchmark that was killed may have been writing
        for name in (SETTINGS, RESULTS):
            remove_leftovers(directory / name)
        if (directory / SETTINGS).exists() or (directory / RESULTS).exists():
            self._resume(directory)
        document = {"settings": self.settings, "methods": self.methods}
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(directory / SETTINGS, text.encode("utf-8"))

    @property
    def fingerprint(self) -> str:
        """A short text that stands for the settings; every row of the file has it."""
        return sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def frame(self) -> pd.DataFrame:
        """The rows, in the order in which they were added."""
        frame = pd.DataFrame(list(self.rows.values()))
        names = [name for name in (*_FIRST, *frame.columns, *_LAST) if name in frame]
        inner = [name for name in dict.fromkeys(names) if name not in _LAST]
        return frame[[*inner, *(name for name in _LAST if name in frame)]]

    def add(self, key: tuple[Any, ...], row: Mapping[str, Any]) -> None:
        """Keep the row of a run, in the file at once."""
        identity = dict(zip(KEYS, key, strict=True))
        self.rows[key] = {**identity, **row, "settings": self.fingerprint}
        if self.directory is not None:
            text = self.frame.to_csv(index=False)
            write_atomically(self.directory / RESULTS, text.encode("utf-8"))

    def _resume(self, directory: Path) -> None:
        kept = _read_settings(directory)
        changed = [
            f"{name} was {kept['settings'].get(name)!r} and is now {self.settings.get(name)!r}"
            for name in {**kept["settings"], **self.settings}
            if kept["settings"].get(name) != self.settings.get(name)
        ]
        changed += [
            f"the method {name!r} was {kept['methods'][name]} and is now {text}"
            for name, text in self.methods.items()
            if kept["methods"].get(name, text) != text
        ]
        if changed:
            raise ValueError(
                f"{str(directory)!r} holds results of other settings: {'; '.join(changed)}. Choose "
                "another output directory, or the settings of these."
            )
        self.methods = {**kept["methods"], **self.methods}
        if (directory / RESULTS).exists():
            self._read_rows(directory / RESULTS)

    def _read_rows(self, path: Path) -> None:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        absent = [name for name in (*KEYS, "status", "settings") if name not in frame]
        if absent or (frame["settings"] != self.fingerprint).any():
            raise ValueError(
                f"{str(path)!r} does not belong to the {SETTINGS} beside it; move it away."
            )
        for texts in frame.to_dict("records"):
            row = {str(name): _read_cell(str(name), text) for name, text in texts.items()}
            self.rows[(row["method"], row["epsilon"], row["seed"])] = row


def _read_cell(name: str, text: str) -> Any:
    """Return what a cell was when it was written; no number is kept as None."""
    if name in _TEXT:
        return text
    if name in _WHOLE:
        return int(float(text)) if text else None
    return float(text) if text else None


def _read_settings(directory: Path) -> dict[str, Any]:
    path = directory / SETTINGS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return {part: dict(document[part]) for part in ("settings", "methods")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{str(directory)!r} has files called {RESULTS} or {SETTINGS} that are not of a "
            f"benchmark ({type(error).__name__}: {error}). Choose another output directory."
        ) from None
