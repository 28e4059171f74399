"""What the process of one run executes; nothing imports it."""

from __future__ import annotations

import json
import os
import pickle
import sys
from pathlib import Path
from threading import Thread

from ._measure import measure
from ._process import ANSWER, RUN, TABLE

__all__: list[str] = []


def _end_with_parent() -> None:
    # the other end of standard input is held by the parent process alone, and closes with it
    os.read(0, 1)
    os._exit(1)


def _main(folder: Path) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    # files that the parent process has just written to a folder of its own
    with (folder / TABLE).open("rb") as file:
        table = pickle.load(file)
    with (folder / RUN).open("rb") as file:
        run = pickle.load(file)["run"]
    (folder / ANSWER).write_text(json.dumps(measure(run, table)), encoding="utf-8")


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
