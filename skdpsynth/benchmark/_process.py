"""A run in a process of its own: its memory is counted alone, and a crash is a result."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from joblib import wrap_non_picklable_objects

from ._measure import Run, failure
from ._table import BenchmarkTable

__all__ = ["ANSWER", "RUN", "TABLE", "measure_apart", "write_table"]

TABLE, RUN, ANSWER, ERRORS = "table.pickle", "run.pickle", "answer.json", "errors.txt"
_WORKER = "skdpsynth.benchmark._worker"


def write_table(table: BenchmarkTable, folder: Path) -> None:
    """Leave the table where the processes read it: once, and not in their arguments."""
    with (folder / TABLE).open("wb") as file:
        pickle.dump(table, file, protocol=pickle.HIGHEST_PROTOCOL)


def measure_apart(run: Run, folder: Path, timeout: float | None) -> dict[str, Any]:
    """Carry out a run in a new process of Python.

    Parameters
    ----------
    run : Run
        What to do. Classes of a script or a notebook are sent along.
    folder : Path
        Where :func:`write_table` left the table.
    timeout : float or None
        Seconds after which the process is ended.

    Returns
    -------
    dict
        As :func:`measure` has it; a crash, a kill for lack of memory and a timeout are failures.
    """
    answer = folder / ANSWER
    answer.unlink(missing_ok=True)
    with (folder / RUN).open("wb") as file:
        pickle.dump(wrap_non_picklable_objects({"run": run}, keep_wrapper=False), file)
    command = [sys.executable, "-m", _WORKER, str(folder)]
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    # held open until the run has ended: see the worker
    waiting, held = os.pipe()
    with open(held, "wb"), open(waiting, "rb") as stdin, (folder / ERRORS).open("wb") as errors:
        try:
            ended = subprocess.run(
                command,
                stdin=stdin,
                stdout=errors,
                stderr=errors,
                timeout=timeout,
                env={**os.environ, "PYTHONPATH": path},
                check=False,
            )
        except subprocess.TimeoutExpired:
            return failure(f"timeout: stopped after {timeout:g} s")
    if ended.returncode == 0 and answer.is_file():
        return json.loads(answer.read_text(encoding="utf-8"))
    return failure(_say_how_it_ended(ended.returncode, (folder / ERRORS).read_bytes()))


def _say_how_it_ended(code: int, errors: bytes) -> str:
    lines = errors.decode(errors="replace").strip().splitlines()
    last = f": {lines[-1]}" if lines else ""
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", often for lack of memory" if name == "SIGKILL" else ""
        return f"crash: the process was ended by {name}{hint}{last}"
    return f"crash: the process ended with code {code}{last}"
