import stat

import pandas as pd
import pytest

import skdpsynth
from skdpsynth.schema import TableSchema

from .conftest import SCHEMA, write_rows

OPTIONS = ("--schema", "schema.json", "--missing", "?", "--k", "2")


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_fit_writes_a_model_of_the_requested_budget(folder, run):
    code, out, err = run(
        "fit", "data.csv", *OPTIONS, "--epsilon", "0.5", "--delta", "1e-7", "-o", "m.skdp"
    )
    assert (code, out) == (0, "")
    assert err == "Wrote m.skdp. Spent epsilon = 0.5, delta = 1e-07 (add_remove).\n"
    model = skdpsynth.load(folder / "m.skdp")
    assert model.schema_ == SCHEMA
    assert model.privacy_spent_.is_private
    assert 0.49 < model.privacy_spent_.epsilon <= 0.5
    assert (model.n_components, model.n_components_) == (2, 2)


def test_synthesize_in_one_step(folder, run):
    command = ["synthesize", "data.csv", *OPTIONS, "--method", "clustmix"]
    code, out, err = run(*command, "-n", "50", "-o", "twin.csv")
    assert (code, out) == (0, "")
    assert err.startswith("Wrote twin.csv.\nSpent epsilon = ")
    twin = pd.read_csv("twin.csv", dtype=str, keep_default_na=False)
    assert twin.columns.tolist() == ["age", "visits", "ill"]
    assert len(twin) == 50
    # missing values and whole numbers are spelled as in the input
    assert set(twin["visits"]) <= {"?", *map(str, range(10))}
    assert run("schema", "check", "schema.json", "twin.csv", "--missing", "?")[0] == 0


def test_noise_and_sampling_have_seeds_of_their_own(folder, run):
    command = ["synthesize", "data.csv", *OPTIONS, "-n", "20", "-o", "-"]

    def twin(*seeds):
        code, out, err = run(*command, *seeds)
        assert code == 0
        return out, err

    noisy = [twin("--seed", "1")[0] for _ in range(2)]
    assert noisy[0] != noisy[1]
    fixed = [twin("--seed", "1", "--insecure-noise-seed", "2") for _ in range(2)]
    assert fixed[0][0] == fixed[1][0]
    assert "Warning: NOT PRIVATE: noise fixed by --insecure-noise-seed" in fixed[0][1]
    assert twin("--seed", "3", "--insecure-noise-seed", "2")[0] != fixed[0][0]


def test_inputs_are_never_replaced(folder, run):
    private = (folder / "data.csv").read_text()
    (folder / "link.csv").symlink_to("data.csv")
    for output in ("data.csv", "link.csv", "./schema.json"):
        code, _, err = run("fit", "data.csv", *OPTIONS, "-o", output, "--force")
        assert code == 1
        assert "is an input of this command, which is never replaced" in err
    assert (folder / "data.csv").read_text() == private


def test_a_model_goes_to_a_file(folder, run):
    code, out, err = run("fit", "data.csv", *OPTIONS, "-o", "-")
    assert (code, out) == (2, "")
    assert "name a file for it" in err
    assert not (folder / "-").exists()


def test_fit_has_no_seed(run):
    code, _, err = run("fit", "data.csv", "--schema", "schema.json", "--seed", "1", "-o", "m.skdp")
    assert code == 2
    assert "--seed is an option of sample and synthesize" in err
    assert "--seed" not in run("fit", "--help")[1].replace("--insecure-noise-seed", "")


def test_insecure_seed_marks_the_model(folder, run):
    command = ["fit", "data.csv", *OPTIONS, "--insecure-noise-seed", "2", "-o", "m.skdp"]
    assert run(*command)[0] == 0
    spent = skdpsynth.load("m.skdp").privacy_spent_
    assert not spent.is_private
    assert not spent.secure_noise


def test_target_of_the_options(folder, run):
    command = ["fit", "data.csv", *OPTIONS, "--target", "visits", "-o", "m.skdp"]
    assert run(*command)[0] == 0
    assert skdpsynth.load("m.skdp").schema_.target == "visits"
    code, _, err = run("fit", "data.csv", *OPTIONS, "--target", "sex", "-o", "n.skdp")
    assert code == 1
    assert "The target 'sex' is not a column" in err


def test_rows_with_missing_values_can_be_left_out(folder, run):
    command = ["synthesize", "data.csv", *OPTIONS, "--drop-na", "-n", "30", "-o", "-"]
    code, out, _ = run(*command)
    assert code == 0
    assert "?" not in out
    assert ",," not in out
    code, _, err = run(*command, "--adjacency", "replace_one")
    assert code == 2
    assert "how many rows are complete is private" in " ".join(err.split())


def test_marginals_from_a_file(folder, run):
    (folder / "marginals.txt").write_text("# what the analysis needs\nage, ill\n")
    command = ["fit", "data.csv", "--schema", "schema.json", "--missing", "?", "--method", "napsu"]
    assert run(*command, "--queries", "marginals.txt", "-o", "m.skdp")[0] == 0
    assert set(skdpsynth.load("m.skdp").queries_) == {("age", "ill"), ("visits",)}


def test_families_from_a_file(folder, run):
    (folder / "model.txt").write_text("visits: Poisson\n")
    assert run("fit", "data.csv", *OPTIONS, "--model-file", "model.txt", "-o", "m.skdp")[0] == 0
    assert skdpsynth.load("m.skdp").distributions == {"visits": "poisson"}


MODEL = """
import numpyro
import numpyro.distributions as dist

def preprocess(frame):
    return frame.assign(sick=(frame["ill"] == "yes").astype(int))

def model(x=None, num_obs_total=None):
    logit = numpyro.sample("logit", dist.Normal(0.0, 2.0))
    with numpyro.plate("batch", num_obs_total):
        sick = None if x is None else x[:, 0]
        numpyro.sample("sick", dist.Bernoulli(logits=logit), obs=sick)

def postprocess(frame):
    return frame.assign(ill=frame["sick"].map({0: "no", 1: "yes"})).drop(columns="sick")
"""


def test_model_in_python(folder, run):
    (folder / "model.py").write_text(MODEL)
    TableSchema({"sick": skdpsynth.Categorical([0, 1])}).to_json(folder / "sick.json")
    fit = ["fit", "data.csv", "--schema", "sick.json", "--method", "numpyro"]
    fit += ["--model-file", "model.py"]
    epochs = ["--num-epochs", "5", "--sampling-ratio", "0.5", "--clipping-threshold", "1"]
    code, _, err = run(*fit, *epochs, "-o", "m.skdp")
    assert code == 0
    assert "is your claim" in err
    assert "left out: ['age', 'visits', 'ill']" in err
    code, out, _ = run("sample", "m.skdp", "--model-file", "model.py", "-n", "30", "--seed", "0")
    assert code == 0
    assert out.startswith("ill\n")
    assert set(out.split()[1:]) <= {"no", "yes"}
    code, _, err = run("sample", "m.skdp", "-n", "3")
    assert code == 1
    assert "On the command line: --model-file FILE.py" in err


@pytest.mark.parametrize(
    ("body", "is_private"),
    [
        ("frame.assign(age=frame['age'].clip(upper=60))", True),
        ("frame.assign(age=frame['age'].fillna(frame['age'].mean()).round())", False),
        ("frame[frame['age'] > 40]", False),
    ],
)
def test_what_preprocess_does_is_kept_in_the_model(folder, run, body, is_private):
    (folder / "own.py").write_text(f"def preprocess(frame):\n    return {body}\n")
    fit = ["fit", "data.csv", *OPTIONS, "--model-file", "own.py", "-o", "m.skdp"]
    code, _, err = run(*fit)
    assert code == 0
    assert ("NOT PRIVATE" in err) is not is_private
    spent = skdpsynth.load("m.skdp").privacy_spent_
    assert spent.is_private is is_private
    told = "is your claim" if is_private else "not covered by the guarantee"
    assert any("preprocess of own.py" in note and told in note for note in spent.notes)
    _, out, _ = run("privacy", "m.skdp")
    assert "reprocess of own.py" in out.replace("\n    ", " ")


def test_one_row_does_not_change_how_others_are_read(folder, run):
    """A word among numbers made texts of all of them, and "1.0" is no level 1."""
    (folder / "own.py").write_text("def preprocess(frame):\n    return frame\n")
    kind = skdpsynth.Categorical([1, 2, 9], other=9)
    TableSchema({"c": kind}).to_json(folder / "own.json")
    for last, name in [("2.0", "one.csv"), ("word", "two.csv")]:
        (folder / name).write_text("\n".join(["c", *["1.0", "2.0", "2"] * 100, last, ""]))
        command = ["synthesize", name, "--schema", "own.json", "--model-file", "own.py"]
        assert run(*command, "--epsilon", "inf", "-o", f"twin-{name}")[0] == 0
    one, two = (pd.read_csv(folder / f"twin-{name}")["c"] for name in ("one.csv", "two.csv"))
    for level in (1, 2, 9):
        # 5 standard deviations of two samples of 301
        assert abs((one == level).mean() - (two == level).mean()) < 5 * (0.5 / 301) ** 0.5


def test_parquet_in_and_out(folder, run):
    pytest.importorskip("pyarrow")
    raw = pd.read_csv("data.csv", na_values="?")
    raw.to_parquet("data.parquet")
    command = ["synthesize", "data.parquet", "--schema", "schema.json", "--k", "2"]
    assert run(*command, "-n", "30", "-o", "twin.parquet")[0] == 0
    twin = pd.read_parquet("twin.parquet")
    assert twin.columns.tolist() == ["age", "visits", "ill"]
    assert len(twin) == 30


def test_nothing_is_replaced_or_left_half_written(folder, run, monkeypatch):
    (folder / "twin.csv").write_text("precious")
    (folder / "twin.csv").chmod(0o600)
    command = ["synthesize", "data.csv", *OPTIONS, "-n", "5", "-o", "twin.csv"]
    before = files(folder)
    code, _, err = run(*command)
    assert code == 1
    assert "twin.csv exists already; --force replaces it." in err
    monkeypatch.setattr("os.fsync", lambda descriptor: 1 / 0)
    code, _, err = run(*command, "--force")
    assert code == 1
    assert "ZeroDivisionError" in err
    assert (folder / "twin.csv").read_text() == "precious"
    assert files(folder) == before
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert run(*command, "--force")[0] == 0
    assert (folder / "twin.csv").read_text().startswith("age,visits,ill\n")
    assert stat.S_IMODE((folder / "twin.csv").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["-o", "nowhere/m.skdp"], "there is no folder 'nowhere'"),
        (["--schema", "nowhere.json"], "There is no schema at 'nowhere.json'"),
        (["--model-file", "nowhere.py"], "There is no file 'nowhere.py'"),
        (["--model-file", "nowhere.txt"], "There is no file 'nowhere.txt'"),
    ],
)
def test_the_budget_is_not_spent_on_what_cannot_be_written_or_read(folder, run, change, message):
    code, _, err = run("fit", "private.csv", *OPTIONS, "-o", "m.skdp", *change)
    assert code == 1
    assert message in err
    assert "private.csv" not in err


def test_tables_that_do_not_fit(folder, run):
    fit = ["fit", "bad.csv", *OPTIONS, "-o", "m.skdp"]
    code, _, err = run(*fit)
    assert (code, err) == (1, "Error: There is no file 'bad.csv'.\n")
    for text, message in [
        ("age,visits\n20,3\n", "lacks the columns ['ill']"),
        ("age,visits,ill\n20,3,maybe\n", "Column 'ill' holds 'maybe'"),
        ("age,visits,ill\n?,3,yes\n", "Column 'age' has missing values but is not nullable"),
        ("age,visits,ill\n?,3,yes\n", 'In the schema file that is "nullable": true; --drop-na'),
        ("age,visits,ill\n20,-,yes\n", "Column 'visits' holds '-', which is not a number"),
        ("age,visits,ill\n20,-,yes\n", "If it stands for a missing value: --missing '-'."),
    ]:
        (folder / "bad.csv").write_text(text)
        code, _, err = run(*fit)
        assert code == 1
        assert message in err
    assert "m.skdp" not in files(folder)


def test_counts_of_rows_are_not_told(folder, run):
    write_rows(folder / "data.csv", 277)
    _, out, err = run("fit", "data.csv", *OPTIONS, "-o", "m.skdp")
    assert "277" not in out + err
    assert "277" not in run("privacy", "m.skdp")[1]


@pytest.mark.parametrize(("epsilon", "is_little"), [("0.05", True), ("1", False)])
@pytest.mark.parametrize("command", ["fit", "synthesize"])
def test_a_table_that_hides_in_the_noise_is_told(folder, run, command, epsilon, is_little):
    """The counts of 3 columns have noise of 7.3 rows at ε = 1, and of 120 at 0.05."""
    output = "m.skdp" if command == "fit" else "twin.csv"
    code, _, err = run(command, "data.csv", *OPTIONS, "--epsilon", epsilon, "-o", output)
    assert code == 0
    assert ("the synthetic rows tell little of the real ones" in err) is is_little
