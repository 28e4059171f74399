"""A line in the catalogue is enough: a toy synthesizer goes through the whole house by it."""

import json
import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import test_common
from estimators import all_estimators
from numpy.testing import assert_allclose
from sklearn.utils.estimator_checks import parametrize_with_checks
from toy import STORED, OneWaySynthesizer

import skdpsynth
from skdpsynth import _catalogue
from skdpsynth._catalogue import METHODS, Method, compared_methods, one_more_method
from skdpsynth._cli import main
from skdpsynth._saving._container import pack, unpack
from skdpsynth._saving._registry import read_registry
from skdpsynth.benchmark import run
from skdpsynth.displays import PrivacyUtilityDisplay
from skdpsynth.exceptions import SavedModelError, SchemaError

NAMES = list(METHODS)
TOY = Method("toy", "toy:OneWaySynthesizer", "toy", "#0e7490", "^", "every column on its own")
SCHEMA = test_common.SCHEMA


@pytest.fixture(autouse=True)
def toy():
    """The catalogue has one line more."""
    with one_more_method(TOY):
        yield


@pytest.fixture(scope="module")
def fitted():
    return OneWaySynthesizer(schema=SCHEMA, random_state=0).fit(test_common.make_table(500))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SCHEMA.to_json("schema.json")
    test_common.make_table().to_csv("data.csv", index=False)
    return tmp_path


# The catalogue


def test_names_are_taken_once():
    for taken in (TOY, replace(TOY, name="mine"), replace(TOY, class_path="mine:Mine")):
        with pytest.raises(ValueError, match="already"), one_more_method(taken):
            pass
    assert list(METHODS) == [*NAMES, "toy"]


def test_lines_are_told_apart_and_lead_somewhere():
    for part in ("class_path", "colour", "marker", "about"):
        parts = [getattr(method, part) for method in METHODS.values()]
        assert len({*parts}) == len(parts), part
    for method in METHODS.values():
        assert method.load().__name__ == method.class_name


def test_the_list_of_methods_is_text():
    code = (
        "import sys; from skdpsynth._cli import main; main(['fit', '--help']); "
        "print(*{'jax', 'numpyro', 'skdpsynth.mixture', 'skdpsynth.napsu'} & set(sys.modules))"
    )
    call = [sys.executable, "-c", code]
    lines = subprocess.run(call, capture_output=True, text=True, check=True).stdout.splitlines()
    assert any(f"[{'|'.join(NAMES)}]" in line for line in lines)
    assert lines[-1] == ""


# Its plan


def test_it_buys_what_it_planned(fitted):
    plan = fitted.plan()
    assert [line.name for line in plan.releases] == [e.name for e in fitted.ledger_.entries]
    assert_allclose([line.share for line in plan.releases], fitted.ledger_.shares(), rtol=1e-9)
    assert math.fsum(line.share for line in plan.releases) == 1.0
    replaced = OneWaySynthesizer(schema=SCHEMA, adjacency="replace_one")
    assert [line.share for line in replaced.plan().releases] == [1.0]
    assert_allclose(replaced.fit(test_common.make_table()).ledger_.shares(), [1.0], rtol=1e-8)
    with pytest.raises(SchemaError, match="A plan is made of a schema"):
        OneWaySynthesizer().plan()


# The command line


def test_plan_on_the_command_line(folder, capsys):
    assert main(["plan", "--schema", "schema.json", "--method", "toy", "--epsilon", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Plan of OneWaySynthesizer(epsilon=2, delta=1e-06")
    assert lines[2].split() == ["row", "count", "Gaussian", "1", "10.0%"]
    assert lines[3].split() == ["one-way", "marginals", "Gaussian", "1", "90.0%"]
    command = ["plan", "--schema", "schema.json", "--method", "toy", "--epsilon", "inf", "--json"]
    assert main(command) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["method"], plan["epsilon"], plan["delta"]) == ("OneWaySynthesizer", "inf", 1e-6)
    assert plan["releases"][1] == {
        "release": "one-way marginals",
        "mechanism": "Gaussian",
        "n_releases": 1,
        "share": 0.9,
    }


@pytest.mark.parametrize("name", compared_methods())
def test_every_method_tells_its_plan_on_the_command_line(folder, capsys, name):
    assert main(["plan", "--schema", "schema.json", "--method", name, "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert plan["method"] == METHODS[name].class_name
    shares = [line["share"] for line in plan["releases"] if line["share"] is not None]
    assert math.fsum(shares) == pytest.approx(1.0, rel=1e-9)


def test_fit_and_sample_on_the_command_line(folder, capsys):
    fit = ["fit", "data.csv", "--schema", "schema.json", "--method", "toy", "-o", "m.skdp"]
    assert main([*fit, "--parameter", "n_bins=4"]) == 0
    assert skdpsynth.load("m.skdp").n_bins == 4
    assert main(["sample", "m.skdp", "-n", "30", "-o", "twin.csv"]) == 0
    assert main(["schema", "check", "schema.json", "twin.csv"]) == 0
    assert main(["privacy", "m.skdp"]) == 0
    assert "OneWaySynthesizer: what an attacker can learn" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--k", "3"], "--k is for --method mixture or clustmix; toy has no components or"),
        (["--inference", "map"], "mixture or napsu; toy has no choice of inference"),
        (["--parameter", "n_boxes=2"], "one of ['n_bins']"),
        (["--method", "toi"], f"'toi' is not one of {', '.join(map(repr, [*NAMES, 'toy']))}"),
    ],
)
def test_options_of_others_are_refused(folder, capsys, options, message):
    assert main(["plan", "--schema", "schema.json", "--method", "toy", *options]) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_help_names_it(capsys):
    main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"[{'|'.join(NAMES)}|toy]" in text
    assert "toy: every column on its own." in text
    main(["benchmark", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert f"{', '.join(NAMES)}, toy, or package.module:Name" in text
    assert "[default: mixture,napsu,clustmix,toy]" in text


# The benchmark, figures and pages


def test_benchmark_and_figures():
    figure = pytest.importorskip("matplotlib.figure").Figure
    assert compared_methods() == ("mixture", "napsu", "clustmix", "toy")
    table = test_common.make_table().dropna()
    schema = SCHEMA.replace({"pay": skdpsynth.Continuous(0, 100)})
    result = run(table, schema=schema, methods="toy", seeds=1, scorers="logistic", isolate=False)
    assert result.runs[["method", "status"]].to_numpy().tolist() == [["real", "ok"], ["toy", "ok"]]
    for drawn in (result.plot(), PrivacyUtilityDisplay.from_results(result, figure=figure())):
        axes = drawn.axes[0] if hasattr(drawn, "axes") else drawn.axes_[0]
        (bars,) = axes.containers
        assert bars.get_label() == "toy"
        assert bars.lines[0].get_color() == TOY.colour
    assert drawn.axes_[0].containers[0].lines[0].get_marker() == TOY.marker


def test_pages_with_results(monkeypatch, tmp_path):
    pytest.importorskip("docutils")
    from test_documentation.pages import DOC

    monkeypatch.syspath_prepend(DOC / "extensions")
    import stored_results

    try:
        monkeypatch.setattr(stored_results, "RESULTS", tmp_path)
        rows = ["toy,1.0,0,ok,0.7", "napsu,1.0,0,ok,0.8", "real,,0,ok,0.9"]
        text = "\n".join(["method,epsilon,seed,status,logistic_auc", *rows])
        (tmp_path / "benchmark_tiny.csv").write_text(text)
        shown = stored_results.summarise(stored_results.read_runs("tiny"))
        assert [row[0] for row in shown[1:]] == ["real", "napsu", "toy"]
    finally:
        del sys.modules["stored_results"]


def test_report_shows_the_plan_beside_the_ledger(fitted):
    pytest.importorskip("matplotlib")
    page = skdpsynth.report(
        test_common.make_table(), fitted.sample(100, random_state=0), synthesizer=fitted
    ).to_html()
    planned, bought = page.index("The plan: what the budget"), page.index("The ledger, what was")
    assert planned < bought
    assert page.count("one-way marginals") == 2
    assert "90.0%" in page[planned:bought]


# Saving


def test_saving(fitted, tmp_path):
    fitted.save(tmp_path / "toy.synth")
    loaded = skdpsynth.load(tmp_path / "toy.synth")
    samples = [s.sample(50, random_state=1) for s in (fitted, loaded)]
    assert samples[0].equals(samples[1])
    assert loaded.ledger_ == fitted.ledger_
    loaded.save(tmp_path / "again.synth")
    assert (tmp_path / "again.synth").read_bytes() == (tmp_path / "toy.synth").read_bytes()


def test_what_is_not_in_the_catalogue_is_neither_saved_nor_loaded(fitted, tmp_path, monkeypatch):
    fitted.save(tmp_path / "toy.synth")
    monkeypatch.delitem(_catalogue._methods, "toy")
    with pytest.raises(SavedModelError, match="it holds a 'OneWaySynthesizer', which this release"):
        skdpsynth.load(tmp_path / "toy.synth")
    with pytest.raises(TypeError, match="OneWaySynthesizer is not a synthesizer of this package"):
        fitted.save(tmp_path / "other.synth")


def test_files_of_earlier_releases_are_converted(fitted, tmp_path, monkeypatch):
    """A wing may rename its parameters, and say what they were called before."""

    def convert(name, parameters, model):
        assert (name, type(model).__name__) == ("OneWaySynthesizer", "OneWayModel")
        return name, {**parameters, "n_bins": parameters["n_bins"] + 1}

    fitted.save(tmp_path / "toy.synth")
    read_registry.cache_clear()
    monkeypatch.setattr("toy.STORED", replace(STORED, convert=convert))
    try:
        assert skdpsynth.load(tmp_path / "toy.synth").n_bins == fitted.n_bins + 1
    finally:
        read_registry.cache_clear()


def test_a_file_whose_model_is_impossible_is_refused(fitted, tmp_path):
    fitted.save(tmp_path / "toy.synth")
    manifest, arrays = unpack((tmp_path / "toy.synth").read_bytes())
    arrays[0] = arrays[0][:-1]
    del manifest["n_arrays"]
    (tmp_path / "toy.synth").write_bytes(pack(manifest, arrays))
    with pytest.raises(SavedModelError, match="a cell lacks its probability"):
        skdpsynth.load(tmp_path / "toy.synth")


# What holds for all synthesizers


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@parametrize_with_checks([test_common.make_small(OneWaySynthesizer)])
def test_follows_the_conventions_of_scikit_learn(estimator, check):
    check(estimator)


def test_it_is_among_all_estimators():
    assert dict(all_estimators())["OneWaySynthesizer"] is OneWaySynthesizer


@pytest.mark.parametrize("container", test_common.CONTAINERS)
def test_the_container_that_goes_in_comes_out(container):
    test_common.test_the_container_that_goes_in_comes_out(OneWaySynthesizer, container)


@pytest.mark.parametrize("container", ["pandas", "numpy"])
def test_a_table_without_a_schema_works_with_a_warning(container):
    test_common.test_a_table_without_a_schema_works_with_a_warning(OneWaySynthesizer, container)


def test_clones_copies_scores_and_conditions(fitted):
    table = test_common.make_table()
    X, y = table.drop(columns="sick"), table["sick"]
    model = test_common.make_small(OneWaySynthesizer, schema=SCHEMA)
    test_common.test_clones_and_copies_sample_the_same(model, (X, y))
    test_common.test_the_html_tells_nothing_of_the_rows(model)
    assert (fitted.sample(9, conditions={"sex": "F"})["sex"] == "F").all()
    # the density of a record sums to one over all of them: ages, sexes and answers, pay missing
    ages = np.arange(17, 91)
    model = OneWaySynthesizer(schema=SCHEMA.drop(["pay"]), random_state=0)
    model.fit(table.drop(columns="pay"))
    records = [(age, sex, ill) for age in ages for sex in "FM" for ill in ("no", "yes")]
    frame = table[["age", "sex", "sick"]].iloc[:1].reindex(range(len(records)))
    frame[["age", "sex", "sick"]] = records
    assert_allclose(np.exp(model.score_samples(frame)).sum(), 1.0, rtol=1e-9)
