import os

import numpy as np
import pytest

from skdpsynth._cli import main
from skdpsynth.schema import Categorical, Count, TableSchema

SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "visits": Count(0, 9, nullable=True),
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)


def write_rows(path, n_rows, delimiter=","):
    rng = np.random.default_rng(0)
    age = rng.integers(0, 100, n_rows)
    visits = rng.integers(0, 10, n_rows).astype(str)
    visits[::7] = "?"
    ill = np.where(age + rng.normal(0, 10, n_rows) > 60, "yes", "no")
    lines = [delimiter.join(["age", "visits", "ill"])]
    lines += [delimiter.join(map(str, row)) for row in zip(age, visits, ill, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="session")
def model_file(tmp_path_factory):
    """A model that the command line fitted once."""
    folder = tmp_path_factory.mktemp("model")
    SCHEMA.to_json(folder / "schema.json")
    write_rows(folder / "data.csv", 400)
    data, schema, model = (str(folder / name) for name in ("data.csv", "schema.json", "m.skdp"))
    assert main(["fit", data, "--schema", schema, "--missing", "?", "--k", "2", "-o", model]) == 0
    return folder / "m.skdp"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with a schema and private rows that fit it."""
    SCHEMA.to_json(tmp_path / "schema.json")
    write_rows(tmp_path / "data.csv", 300)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys):
    """Runs a command; gives the exit code, standard output and standard error."""

    def run_command(*arguments):
        code = main([os.fspath(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command
