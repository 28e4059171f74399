"""A benchmark that is killed goes on where it was; no row is lost or doubled."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

# the second run of the first process is the one that is killed
MINE = """
import os, signal
from pathlib import Path
from skdpsynth.benchmark import _store

FITS = Path("fits.txt")
MOMENT = os.environ["MOMENT"]

def kill():
    os.kill(os.getpid(), signal.SIGKILL)

class Mine:
    def fit(self, X):
        with FITS.open("a") as file:
            file.write("x")
        if MOMENT == "fit" and FITS.read_text() == "xx":
            kill()
        self.rows = X

    def sample(self, n_samples):
        return self.rows

real = os.replace

def replace(partial, path):
    is_second = FITS.exists() and FITS.read_text() == "xx" and str(path).endswith("results.csv")
    if MOMENT == "write" and is_second:
        Path(partial).write_text("half of i")
        kill()
    real(partial, path)
    if MOMENT == "written" and is_second:
        kill()

_store.os = type("os", (), {"replace": staticmethod(replace)})
"""


@pytest.mark.parametrize("moment", ["fit", "write", "written"])
def test_a_benchmark_that_is_killed_goes_on_with_every_row_once(tmp_path, csv, schema_json, moment):
    (tmp_path / "mine.py").write_text(MINE)
    command = [sys.executable, "-m", "skdpsynth", "benchmark", "--data", csv.name]
    command += ["--schema", schema_json.name, "--methods", "mine:Mine", "--scorers", "logistic"]
    command += ["--seeds", "3", "--no-isolation", "--output", "out"]
    options = {"cwd": tmp_path, "env": {**os.environ, "MOMENT": moment}, "capture_output": True}
    killed = subprocess.run(command, timeout=300, check=False, **options)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    results = tmp_path / "out" / "results.csv"
    kept = pd.read_csv(results)
    assert (kept["method"] == "Mine").sum() == (2 if moment == "written" else 1)
    n_fits = len((tmp_path / "fits.txt").read_text())
    options["env"]["MOMENT"] = "none"
    done = subprocess.run(command, timeout=300, check=False, **options)
    assert done.returncode == 0, done.stderr
    runs = pd.read_csv(results)
    keys = ["method", "epsilon", "seed"]
    assert not runs.duplicated(keys).any()
    assert sorted(runs.loc[runs["method"] == "Mine", "seed"]) == [0, 1, 2]
    assert (runs["status"] == "ok").all()
    # rows that were there are the same, and were not measured again
    pd.testing.assert_frame_equal(runs.iloc[: len(kept)], kept, check_dtype=False)
    again = 3 - (kept["method"] == "Mine").sum()
    assert len((tmp_path / "fits.txt").read_text()) == n_fits + again
    assert sorted(path.name for path in results.parent.glob(".*")) == []
