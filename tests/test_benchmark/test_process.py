from dataclasses import replace

import pytest

from skdpsynth.benchmark._measure import Run, measure
from skdpsynth.benchmark._process import _say_how_it_ended, measure_apart, write_table
from skdpsynth.benchmark._table import BenchmarkTable

from .stand_ins import Crashing, Shuffled, Sleeping


@pytest.fixture
def table(rows, schema):
    return BenchmarkTable("patients", rows, schema)


@pytest.fixture
def folder(tmp_path, table):
    write_table(table, tmp_path)
    return tmp_path


@pytest.fixture
def run():
    return Run(
        "shuffled",
        Shuffled,
        1.0,
        0,
        None,
        {"logistic": "logistic"},
        0.25,
        None,
        20,
        None,
        1000,
        100,
    )


def test_same_row_as_in_this_process(run, table, folder):
    class Local(Shuffled):
        """As in a notebook: no module that the other process could import it from."""

    run = replace(run, method=Local)
    there, here = measure_apart(run, folder, None), measure(run, table)
    assert there.keys() == here.keys()
    costs = {name for name in here if name.endswith(("_seconds", "_mb"))}
    for name in here.keys() - costs:
        if isinstance(here[name], float):
            assert there[name] == pytest.approx(here[name], rel=1e-12, nan_ok=True)
        else:
            assert there[name] == here[name]


@pytest.mark.parametrize(
    ("method", "timeout", "reason"),
    [
        (Crashing, None, "crash: the process ended with code 3"),
        (Sleeping, 0.5, "timeout: stopped after 0.5 s"),
    ],
)
def test_ends_of_a_process_are_rows(run, folder, method, timeout, reason):
    row = measure_apart(replace(run, method=method), folder, timeout)
    assert row == {"status": "failed", "reason": reason}
    assert not (folder / "answer.json").exists()


def test_words_for_the_end_of_a_process():
    assert _say_how_it_ended(1, b"Traceback\nMemoryError: 8 GB\n") == (
        "crash: the process ended with code 1: MemoryError: 8 GB"
    )
    assert _say_how_it_ended(-9, b"") == (
        "crash: the process was ended by SIGKILL, often for lack of memory"
    )
    assert _say_how_it_ended(-11, b"") == "crash: the process was ended by SIGSEGV"
