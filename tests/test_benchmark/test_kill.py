"""A benchmark that is killed goes on where it was; no row is lost or doubled."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

# the second run of the first process is the one that is killed
MINE = """
import os, signal
from pathlib import Path

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

os.replace = replace
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


SLOW = """
import os, time
from pathlib import Path

class Slow:
    def fit(self, X):
        Path("pid").write_text(str(os.getpid()))
        time.sleep(600)

    def sample(self, n_samples):
        raise AssertionError
"""


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # a process that has ended and that nobody has waited for is still there
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def wait_until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.2)
    assert condition()


def test_a_run_ends_with_the_benchmark_that_started_it(tmp_path, csv, schema_json):
    (tmp_path / "slow.py").write_text(SLOW)
    command = [sys.executable, "-m", "skdpsynth", "benchmark", "--data", csv.name]
    command += ["--schema", schema_json.name, "--methods", "slow:Slow", "--scorers", "logistic"]
    started = tmp_path / "pid"
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL) as benchmark:
        wait_until(lambda: benchmark.poll() is not None or started.exists(), 240)
        wait_until(started.read_text, 1)
        pid = int(started.read_text())
        assert is_running(pid)
        benchmark.kill()
    wait_until(lambda: not is_running(pid), 30)
