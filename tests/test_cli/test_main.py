import warnings

import click
import pytest

import skdpsynth
from skdpsynth._cli._main import commands


def walk(group, path=()):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if isinstance(command, click.Group):
            yield from walk(command, (*path, name))
        else:
            yield (*path, name), command


ALL = dict(walk(commands))


def test_all_commands_are_there():
    assert {path[0] for path in ALL} == {
        "schema",
        "plan",
        "fit",
        "sample",
        "synthesize",
        "privacy",
        "report",
        "benchmark",
        "demo",
    }


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_help_teaches_by_example(path, run):
    code, out, err = run(*path, "--help")
    assert (code, err) == (0, "")
    assert f"Example:\n    skdpsynth {' '.join(path)} " in out


def test_every_option_has_help():
    options = [
        (command.name, option)
        for command in ALL.values()
        for option in command.params
        if isinstance(option, click.Option)
    ]
    assert [(name, o.name) for name, o in options if not o.help or o.help[-1] != "."] == []


def test_list_says_what_each_command_says_of_itself():
    for name in commands.list_commands(None):
        command = commands.get_command(None, name)
        assert command.name == name
        assert commands.homes[name][1] == command.get_short_help_str(200)


def test_commands_are_listed_in_the_order_of_use(run):
    code, out, _ = run()
    assert code == 0
    assert (
        out.index("  schema ") < out.index("  plan ") < out.index("  fit ") < out.index("  sample ")
    )
    assert run("schema")[1].index("  draft ") > 0


def test_version(run):
    assert run("--version") == (0, f"{skdpsynth.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dance"], "No such command 'dance'"),
        (["fit"], "Missing argument 'DATA'"),
        (
            ["fit", "data.csv", "-o", "m.skdp"],
            "Missing option '--schema'. A schema says what is public about the columns; draft one",
        ),
        (["sample", "m.skdp", "-n", "-1"], "-1 is not in the range"),
        (["sample", "m.skdp", "--delimiter", "ab"], "'ab' is not a single character"),
        (["schema", "draft"], "Missing argument 'PUBLIC'"),
    ],
)
def test_arguments_that_make_no_sense(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: " in err
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["schema", "check", "data.csv", "schema.json"], 1, "Is it the table? The schema is the"),
        (["privacy", "schema.json"], 1, "schema.json is not a model: skdpsynth fit writes one."),
        (["report", "data.csv", "data.csv", "--schema", "schema.json", "-o", "r.pdf"], 2, "r.html"),
        (
            ["fit", "data.csv", "--schema", "schema.json", "-o", "m", "--encoding", "?"],
            2,
            "latin-1",
        ),
        (["sample", "m.skdp", "--encoding", "klingon"], 2, "unknown encoding: klingon"),
        (["demo", "--output-dir", "data.csv"], 1, "data.csv is a file; name a folder."),
        (["benchmark", "--data", "rand_hie", "-o", "data.csv"], 2, "data.csv is a file"),
        (["benchmark", "--data", "data.csv"], 2, "data.csv needs --schema"),
    ],
)
def test_mistakes_of_newcomers(folder, run, arguments, status, message):
    before = sorted(folder.iterdir())
    code, out, err = run(*arguments)
    assert (code, out) == (status, "")
    assert message in err
    assert "unexpected" not in err
    assert sorted(folder.iterdir()) == before


def test_levels_that_an_encoding_lacks_are_found_before_the_fit(folder, run):
    schema = skdpsynth.TableSchema({"stadt": skdpsynth.Categorical(["Köln", "Łódź"])})
    schema.to_json(folder / "towns.json")
    (folder / "towns.csv").write_text("stadt\nKöln\n", encoding="latin-1")
    command = ["synthesize", "towns.csv", "--schema", "towns.json", "--encoding", "latin-1"]
    code, _, err = run(*command, "-o", "twin.csv")
    assert (code, "'Ł' cannot be written in latin-1; --encoding utf-8" in err) == (1, True)
    assert not (folder / "twin.csv").exists()


@pytest.fixture
def failing(monkeypatch):
    """Makes a command raise what it is given."""

    def set_error(error):
        def fail(*arguments):
            raise error

        monkeypatch.setattr("skdpsynth._demo.run_demo", fail)

    return set_error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("wrong in a known way"), "Error: wrong in a known way\n"),
        (FileNotFoundError(2, "No such file", "x.csv"), "Error: x.csv: No such file\n"),
        (KeyError("name"), "Error: KeyError: 'name' (unexpected; --debug shows"),
        (ValueError(), "Error: ValueError (unexpected; --debug shows"),
    ],
)
def test_errors_have_no_trace_without_debug(run, failing, error, text):
    failing(error)
    code, out, err = run("demo")
    assert (code, out) == (1, "")
    assert err.startswith(text)
    assert "Traceback" not in err
    code, _, err = run("demo", "--debug")
    assert code == 1
    assert "Traceback" in err
    assert "in fail" in err
    assert text in err


def test_interruption(run, failing, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("skdpsynth._cli._privacy.load_model", interrupt)
    code, out, err = run("privacy", "m.skdp")
    assert (code, out) == (130, "")
    assert err.strip() == "Interrupted; nothing was written."
    failing(KeyboardInterrupt())
    assert run("demo") == (130, "", "Interrupted; what is in demo_output may be incomplete.\n")


def test_warnings_are_told_in_a_line(run, monkeypatch):
    def run_demo(*arguments):
        warnings.simplefilter("always")
        warnings.warn("beware of rows", UserWarning, stacklevel=1)

    monkeypatch.setattr("skdpsynth._demo.run_demo", run_demo)
    monkeypatch.setattr("skdpsynth._demo.format_report", lambda result: "done")
    assert run("demo") == (0, "done\n", "Warning: beware of rows\n")
