"""All commands that read a table take the same options, and all that write one write it alike."""

import json

import click
import pytest

from skdpsynth._cli._table_options import READING, reading_options, table_options
from skdpsynth.schema import Categorical, Count, TableSchema

from .test_main import ALL

# the argument or option that names the table
READERS = {
    ("schema", "draft"): "public",
    ("schema", "buy"): "private",
    ("schema", "check"): "table",
    ("fit",): "data",
    ("synthesize",): "data",
    ("report",): "real",
    ("benchmark",): "data",
}
WRITERS = [("sample",), ("synthesize",)]


def declared(decorate):
    command = click.command()(decorate(lambda **given: None))
    return {option.name: option for option in command.params}


FORMAT = declared(table_options)
ALL_OF_THEM = declared(reading_options("For a test."))


def test_commands_that_read_tables_are_those_with_these_options():
    with_format = {path for path, command in ALL.items() if has(command, FORMAT)}
    assert with_format == {*READERS, *WRITERS, ("plan",)}
    assert set(ALL_OF_THEM) == {*FORMAT, *READING}


def has(command, options):
    return set(options) <= {parameter.name for parameter in command.params}


@pytest.mark.parametrize("path", [*READERS, ("plan",)], ids=" ".join)
def test_readers_have_the_same_options(path):
    own = {parameter.name: parameter for parameter in ALL[path].params}
    if path in READERS:
        assert READERS[path] in own
    for name, option in ALL_OF_THEM.items():
        assert own[name].opts == option.opts
        assert own[name].multiple == option.multiple
        assert own[name].default == option.default
        if name != "model_file":
            assert own[name].help == option.help


@pytest.mark.parametrize("path", WRITERS, ids=" ".join)
def test_writers_round_numbers(path):
    assert "digits" in {parameter.name for parameter in ALL[path].params}


@pytest.fixture
def odd(folder):
    """A table that takes all of the options, and its schema."""
    schema = TableSchema(
        {"größe": Count(0, 300), "id": Count(0, 9), "ill": Categorical(["no", "yes"])}, target="ill"
    )
    schema.to_json(folder / "odd.json")
    rows = "".join(f"{100 + i % 90},0|secret|{'yes' if i % 3 else 'no'}\n" for i in range(300))
    (folder / "odd.csv").write_bytes(f"größe|id|ill\n{rows}-|secret|no\n".encode("latin-1"))
    (folder / "own.py").write_text("def preprocess(frame):\n    return frame\n")
    return folder


BUY = ["schema", "buy", "--epsilon", "50", "--delta", "1e-5"]
OPTIONS = [
    *("--delimiter", "|", "--decimal", ",", "--encoding", "latin-1", "--missing", "-"),
    *("--drop", "id", "--drop-na", "--model-file", "own.py"),
]


@pytest.mark.parametrize(
    "command",
    [
        ["schema", "draft", "odd.csv", "-o", "out.json"],
        ["schema", "check", "odd.json", "odd.csv"],
        [*BUY, "odd.csv", "--kind", "größe=count", "--kind", "ill=categorical", "-o", "out.json"],
        ["fit", "odd.csv", "--schema", "odd.json", "--k", "1", "-o", "out.skdp"],
        ["synthesize", "odd.csv", "--schema", "odd.json", "--k", "1", "-o", "out.csv"],
        ["plan", "--schema", "odd.json"],
    ],
    ids=" ".join,
)
def test_every_reader_reads_every_table(odd, run, command):
    code, _, err = run(*command, *OPTIONS)
    assert code == 0, err
    for out in odd.glob("out.json"):
        assert TableSchema.from_json(out).names == ("größe", "ill")
    for out in odd.glob("out.csv"):
        assert out.read_bytes().startswith("größe|ill\n".encode("latin-1"))


def test_benchmark_reads_every_table(odd, run):
    benchmark = ["benchmark", "--data", "odd.csv", "--schema", "odd.json", "--scorers", "logistic"]
    own = "skdpsynth.mixture:DPMixtureSynthesizer"
    settings = ["--methods", own, "--seeds", "1", "--no-isolation", "-o", "out"]
    code, _, err = run(*benchmark, *OPTIONS, *settings)
    assert (code, err) == (0, "")
    found = json.loads((odd / "out" / "settings.json").read_text())["settings"]
    assert (found["n_rows"], found["n_columns"], found["table"]) == (300, 2, "odd")
    code, _, err = run("benchmark", "--data", "rand_hie", "--drop", "id", *settings)
    assert (code, "are for files" in err) == (2, True)


def test_columns_to_drop_are_known_to_the_table_or_the_schema(odd, run):
    check = ["schema", "check", "odd.json", "odd.csv", *OPTIONS]
    code, _, err = run(*check, "--drop", "name")
    assert (code, "has no columns ['name']" in err) == (1, True)
    (odd / "narrow.csv").write_text("größe,ill\n100,no\n")
    assert run("schema", "check", "odd.json", "narrow.csv", "--drop", "id")[0] == 0
    code, _, err = run("plan", "--schema", "odd.json", "--drop", "ill", "--drop", "id")
    assert code == 0
    everything = ["--drop", "ill", "--drop", "id", "--drop", "größe"]
    code, _, err = run("plan", "--schema", "odd.json", *everything)
    assert (code, "leaves no column" in err) == (2, True)


def test_rows_that_all_have_missing_values(odd, run):
    (odd / "empty.csv").write_text("größe,id,ill\n,,no\n")
    code, _, err = run("schema", "check", "odd.json", "empty.csv", "--drop-na")
    assert (code, "Every row of empty.csv has a missing value" in err) == (1, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("größe,id,ill\n100,1,\n", "Column 'ill' has missing values (an empty field) but is not"),
        ("größe,id,ill\n100,1,  \n", '"nullable": true; --drop-na leaves such rows out.'),
        ("größe,id,ill\n,1,no\n", "Column 'größe' has missing values but is not nullable"),
        ("a,b\n1,2\n", "has none of the columns of the schema, ['größe', 'id', 'ill']; its own"),
        ("a,b\n1,2\n", "are ['a', 'b']. Is it another table"),
        ("100,1,no\n101,2,no\n", "does its first line not name the columns?"),
        ("Größe,ID,ill\n100,1,no\n", "Is 'Größe' the column 'größe'? Is 'ID' the column 'id'?"),
    ],
)
def test_messages_about_tables(odd, run, text, message):
    (odd / "bad.csv").write_text(text, encoding="utf-8")
    code, _, err = run("schema", "check", "odd.json", "bad.csv")
    assert code == 1
    assert message in err
    assert "it has []" not in err
    code, _, told = run("fit", "bad.csv", "--schema", "odd.json", "-o", "m.skdp")
    assert code == 1
    assert message in told
    assert not (odd / "m.skdp").exists()
