import json

import pandas as pd
import pytest

import skdpsynth
from skdpsynth._cli._json_schema import json_schema
from skdpsynth.exceptions import SchemaError
from skdpsynth.schema import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth.schema._kinds import KINDS

from .conftest import SCHEMA

PUBLIC = "age;zip;weight;visits;ill\n17;007;50.5;1;no\n90;120;99;?;yes\n40;007;70;3;no\n"


def test_draft_reads_types_from_text_and_warns(folder, run):
    (folder / "public.csv").write_text(PUBLIC)
    draft = ["schema", "draft", "public.csv", "--delimiter", ";", "--missing", "?"]
    code, out, err = run(*draft, "--target", "ill")
    assert code == 0
    assert TableSchema.from_json(out) == TableSchema(
        {
            "age": Count(17, 90),
            "zip": Categorical(["007", "120"]),
            "weight": Continuous(50.5, 99.0),
            "visits": Count(1, 3, nullable=True),
            "ill": Categorical(["no", "yes"]),
        },
        target="ill",
    )
    assert "Warning: the schema repeats bounds and levels of public.csv" in err
    assert "no budget covers them" in " ".join(err.split())


def test_draft_tells_of_levels_that_look_missing(folder, run):
    (folder / "public.csv").write_text("a,b,c\nx,?,1\n?,?,2\ny,NA,3\n")
    _, _, err = run("schema", "draft", "public.csv")
    hint = "If it stands for a missing value, draft again with --missing"
    assert f"'?' became a level of ['a', 'b']. {hint} '?'." in err
    assert f"'NA' became a level of ['b']. {hint} 'NA'." in err


def test_draft_tells_of_dates_and_personal_data_and_leaves_columns_out(folder, run):
    rows = "a@b.org,2022-01-31,1\nc@d.org,31.12.2023,2\n"
    (folder / "public.csv").write_text("contact,admitted,n\n" + rows)
    _, _, err = run("schema", "draft", "public.csv")
    assert "The levels of ['admitted'] are dates. Dates have no kind of their own" in err
    assert "look like personal data: ['contact (email)']" in err
    drop = ["--drop", "contact", "--drop", "admitted"]
    code, out, err = run("schema", "draft", "public.csv", *drop)
    assert code == 0
    assert TableSchema.from_json(out) == TableSchema({"n": Count(1, 2)})
    assert "dates" not in err
    assert "personal data" not in err
    code, _, err = run("schema", "draft", "public.csv", "--drop", "contacts")
    assert (code, "has no columns ['contacts']" in err) == (1, True)
    code, _, err = run("schema", "draft", "public.csv", "--max-levels", "1")
    assert (code, "--drop COLUMN" in err) == (1, True)


def test_decimal_commas(folder, run):
    (folder / "public.csv").write_text("w;n\n50,5;1\n1e2;30\n")
    options = ["--delimiter", ";", "--decimal", ","]
    code, out, _ = run("schema", "draft", "public.csv", *options)
    assert code == 0
    assert TableSchema.from_json(out) == TableSchema(
        {"w": Continuous(50.5, 100), "n": Count(1, 30)}
    )
    (folder / "s.json").write_text(out)
    assert run("schema", "check", "s.json", "public.csv", *options)[0] == 0
    code, _, err = run("schema", "check", "s.json", "public.csv", "--delimiter", ";")
    assert (code, "If decimals follow a comma: --decimal ','." in err) == (1, True)


def test_what_was_drafted_fits_the_rows_again(folder, run):
    (folder / "public.csv").write_text("flag,code\nTrue,1.0\ntrue,2\n FALSE ,1.0\n")
    assert run("schema", "draft", "public.csv", "-o", "new.json")[0] == 0
    code, out, err = run("schema", "check", "new.json", "public.csv")
    assert (code, err) == (0, "")
    assert "public.csv fits new.json." in out


def test_draft_refuses(folder, run):
    (folder / "public.csv").write_text(PUBLIC)
    code, _, err = run("schema", "draft", "public.csv")
    assert code == 1
    assert "--delimiter ';'" in err
    code, _, err = run("schema", "draft", "data.csv", "-o", "schema.json")
    assert code == 1
    assert "schema.json exists already; --force replaces it." in err
    assert TableSchema.from_json(folder / "schema.json") == SCHEMA
    code, _, err = run("schema", "draft", "data.csv", "--max-levels", "1")
    assert code == 1
    assert "more than max_levels=1" in err


def test_draft_of_parquet_keeps_its_types(folder, run):
    pytest.importorskip("pyarrow")
    pd.DataFrame({"n": [1.0, 2.5], "word": ["1", "2"]}).to_parquet("public.parquet")
    code, out, _ = run("schema", "draft", "public.parquet")
    assert code == 0
    drafted = TableSchema.from_json(out)
    assert drafted == TableSchema({"n": Continuous(1, 2.5), "word": Categorical(["1", "2"])})


def test_a_bought_schema_counts_in_every_fit(folder, run):
    buy = ["schema", "buy", "data.csv", "--missing", "?", "--delta", "1e-5", "--epsilon", "50"]
    kinds = ["--kind", "visits=count", "--kind", "ill=categorical"]
    code, _, err = run(*buy, *kinds, "-o", "bought.json")
    assert code == 0
    assert "every fit with it counts the purchase" in err
    assert "were bought for epsilon=" in run("schema", "check", "bought.json")[2]
    fit = ["fit", "data.csv", "--missing", "?", "--schema", "bought.json"]
    code, _, err = run(*fit, "--epsilon", "2", "-o", "m.skdp")
    assert code == 0
    spent = skdpsynth.load("m.skdp").privacy_spent_
    assert 51 < spent.total[0] < 52.001
    assert f"the rows are worth epsilon = {spent.total[0]:.4g}" in err
    # and in what is made of it: without missing values
    assert run(*fit, "--epsilon", "2", "--drop-na", "-o", "m2.skdp")[0] == 0
    assert skdpsynth.load("m2.skdp").privacy_spent_.purchase == spent.purchase


def test_buy(folder, run):
    buy = ["schema", "buy", "data.csv", "--missing", "?", "--delta", "1e-5", "--target", "ill"]
    kinds = ["--kind", "visits=count", "--kind", "ill=categorical"]
    code, out, err = run(*buy, "--epsilon", "50", *kinds)
    assert code == 0
    bought = TableSchema.from_json(out)
    assert isinstance(bought["visits"], Count)
    assert set(bought["ill"].levels) == {"no", "yes", "(other)"}
    assert all(kind.nullable for kind in bought.columns.values())
    assert "this schema cost epsilon = 50 and delta = 1e-05" in err
    for wrong in ([], ["--kind", "age"], ["--kind", "age=number"]):
        code, _, err = run(*buy, "--epsilon", "1", *wrong)
        assert code == 2
        assert "--kind" in err
    code, _, err = run(*buy, "--epsilon", "1", "--kind", "sex=categorical")
    assert code == 1
    assert "has no columns ['sex']" in err
    code, _, err = run(*buy, "--epsilon", "1", "--kind", "ill=count")
    assert code == 1
    assert "Column 'ill' is not a count" in err


def test_buy_only_what_is_not_known(folder, run):
    known = TableSchema({"age": Count(0, 120), "ill": Categorical(["no", "yes"])}, target="ill")
    known.to_json(folder / "known.json")
    buy = ["schema", "buy", "data.csv", "--missing", "?", "--epsilon", "50", "--delta", "1e-5"]
    buy += ["--schema", "known.json"]
    code, out, err = run(*buy, "--kind", "visits=count")
    assert code == 0
    bought = TableSchema.from_json(out)
    assert bought.names == ("age", "ill", "visits")
    assert (bought["age"], bought["ill"], bought.target) == (known["age"], known["ill"], "ill")
    # left out of what is known, a column is bought
    code, out, _ = run(*buy, "--drop", "ill", "--kind", "visits=count")
    assert TableSchema.from_json(out).names == ("age", "visits")
    for wrong, status, message in [
        (["--kind", "age=count"], 2, "--schema declares this column"),
        ([], 2, "Name the kind of every column to buy"),
        (["--kind", "visits=count", "--kind", "visits=ordinal"], 2, "has the kind count already"),
        (["--kind", "visits=count", "--drop", "visits"], 2, "--drop leaves this column out"),
    ]:
        code, _, err = run(*buy, *wrong)
        assert (code, message in err) == (status, True), err
    TableSchema({"weight": Count(0, 200)}).to_json(folder / "other.json")
    code, _, err = run(*buy[:-1], "other.json", "--kind", "visits=count")
    assert (code, "has no columns ['weight']" in err) == (1, True)


def test_check_of_a_schema_alone(folder, run):
    code, out, err = run("schema", "check", "schema.json")
    assert (code, out, err) == (0, f"{SCHEMA!r}\n", "")
    (folder / "schema.json").write_text('{"format": "other"}')
    code, _, err = run("schema", "check", "schema.json")
    assert code == 1
    assert err.startswith("Error: schema.json: Not a schema")
    code, _, err = run("schema", "check", "nowhere.json")
    assert code == 1
    assert "skdpsynth schema draft" in err


def test_check_tells_every_problem(folder, run):
    assert run("schema", "check", "schema.json", "data.csv", "--missing", "?")[0] == 0
    (folder / "bad.csv").write_text("age,ill,id\nold,no,1\n20,maybe,2\n")
    code, _, err = run("schema", "check", "schema.json", "bad.csv")
    assert code == 1
    problems = [line for line in err.splitlines() if line.startswith("- ")]
    assert len(problems) == 3
    assert "'old'" in problems[0]
    assert "lacks the columns ['visits']" in problems[1]
    assert "'maybe'" in problems[2]
    assert err.endswith("Error: bad.csv does not fit schema.json.\n")


def test_check_tells_of_numbers_outside_the_bounds_and_of_dates(folder, run):
    (folder / "rows.csv").write_text("age,visits,ill\n150,1,no\n-1,,no\n20,9,yes\n")
    code, out, err = run("schema", "check", "schema.json", "rows.csv")
    assert code == 0
    assert "Column 'age': 2 of 3 values lie outside [0, 99], such as 150, and will be moved" in err
    assert "'visits'" not in err
    assert "rows.csv fits schema.json." in out
    (folder / "rows.csv").write_text("age,visits,ill\n2022-03-01,1,no\n")
    code, _, err = run("schema", "check", "schema.json", "rows.csv")
    assert (code, "Dates have no kind of their own" in err) == (1, True)


def test_json_schema_is_printed(folder, run):
    code, out, err = run("schema", "json-schema")
    assert (code, err) == (0, "")
    assert json.loads(out) == json_schema()
    assert run("schema", "json-schema", "-o", "s.json")[0] == 0
    assert json.loads((folder / "s.json").read_text()) == json_schema()


@pytest.mark.parametrize(
    "kind",
    [
        Continuous(0, 1, nullable=True),
        Count(0, 9),
        Ordinal(["a", "b"], other="a"),
        Categorical([1, 2.5, False], nullable=True),
    ],
    ids=lambda kind: type(kind).__name__,
)
def test_json_schema_describes_what_is_read(kind):
    """Fields: those written are allowed, those required are needed, and no other is allowed."""
    document = json.loads(TableSchema({"x": kind}).to_json())
    name = type(kind).__name__.lower()
    rules = json_schema()["properties"]["columns"]["items"]["allOf"]
    shape = next(
        rule["then"] for rule in rules if rule["if"]["properties"]["kind"]["const"] == name
    )
    assert set(document["columns"][0]) <= set(shape["properties"])
    assert shape["additionalProperties"] is False

    def read(column):
        return TableSchema.from_json(json.dumps({**document, "columns": [column]}))

    column = document["columns"][0]
    for field in shape["properties"]:
        without = {key: value for key, value in column.items() if key != field}
        if field in shape["required"]:
            with pytest.raises(SchemaError):
                read(without)
        else:
            assert read(without).names == ("x",)
    with pytest.raises(SchemaError, match="unknown fields"):
        read({**column, "color": "red"})


def test_json_schema_knows_all_kinds_and_may_be_named_in_the_file():
    rules = json_schema()["properties"]["columns"]["items"]
    assert rules["properties"]["kind"]["enum"] == list(KINDS)
    document = {"$schema": "./skdpsynth.schema.json", **json.loads(SCHEMA.to_json())}
    assert TableSchema.from_json(json.dumps(document)) == SCHEMA
    # what was bought is told of no schema that was declared
    assert {*document, "bought_with"} == set(json_schema()["properties"])
    purchase = json_schema()["properties"]["bought_with"]["items"]
    table = pd.DataFrame({"n": range(4000)})
    bought = json.loads(TableSchema.from_private(table, 1.0, 1e-6).to_json())
    assert set(bought["bought_with"][0]) == set(purchase["properties"])


def write_column(folder, name, values):
    rows = "".join(f'"{value}",{"no" if at % 2 else "yes"}\n' for at, value in enumerate(values))
    (folder / "public.csv").write_text(f"{name},y\n{rows}")


@pytest.mark.parametrize(
    ("values", "needed"),
    [
        ([f"{10_007 * row:,}" for row in range(1, 90)], "twelve thousand"),
        ([f"{10_007 * row:,}" for row in range(1, 90)], "--decimal ','"),
        ([f"${row}.50" for row in range(90)], "frame['x'] = pd.to_numeric("),
        ([f"{row}.234,50 €" for row in range(1, 90)], "--model-file"),
        ([f"{row % 40}%" for row in range(90)], "per cent signs"),
        (["<1", *(str(row / 2) for row in range(2, 90))], '"kind": "ordinal"'),
        ([f"{row} kg" for row in range(90)], "with units"),
        ([*(str(row) for row in range(90)), "pending"], "--missing 'pending'"),
        ([f"{row:05d}" for row in range(90)] * 2, "leading zeros"),
        ([20240101 + row % 28 for row in range(90)], "dates written as 20240131"),
        (range(1, 90), "--drop x"),
        ([f"K{row:04d}" for row in range(90)], "--drop x"),
        ([7] * 30, "same value in 'x', 7"),
    ],
)
def test_draft_tells_what_may_not_be_meant(folder, run, values, needed):
    write_column(folder, "x", values)
    code, out, err = run("schema", "draft", "public.csv")
    assert code == 0
    assert "x" in TableSchema.from_json(out).names
    assert needed in err
    assert "number" in err or "--drop x" in err or "same value" in err
    # what is said is for the command line, and shown once
    assert "df['x']" not in err
    assert err.count("public.csv") == 1


def test_draft_of_more_texts_than_levels_tells_what_they_are(folder, run):
    write_column(folder, "x", [f"${row}.50" for row in range(90)])
    code, _, err = run("schema", "draft", "public.csv", "--max-levels", "20")
    assert code == 1
    assert "numbers with a currency, such as '$0.50'" in err
    assert "frame['x'] = pd.to_numeric(" in err
    assert "--drop x" in err


def test_draft_names_all_problems_and_writes_nothing(folder, run):
    rows = "".join(f"{row} Elm Street,{2**60 + row},,{row % 7}\n" for row in range(60))
    (folder / "public.csv").write_text(f"street name,big,none,n\n{rows}")
    draft = ["schema", "draft", "public.csv", "--max-levels", "20", "-o", "new.json"]
    code, _, err = run(*draft)
    assert code == 1
    assert not (folder / "new.json").exists()
    assert "--drop 'street name' --drop big" in err
    assert "'street name' has 60 distinct values" in err
    assert "beyond 2**53" in err
    assert run(*draft, "--drop", "street name", "--drop", "big")[0] == 0
    assert TableSchema.from_json(folder / "new.json") == TableSchema({"n": Count(0, 6)})


def test_draft_leaves_empty_columns_out_and_says_so(folder, run):
    (folder / "public.csv").write_text("a,b,c\n1,,\n2,,\n3,,\n")
    code, out, err = run("schema", "draft", "public.csv")
    assert code == 0
    assert TableSchema.from_json(out).names == ("a",)
    assert "The columns ['b', 'c'] have only missing values and are left out" in err
    assert "--drop COLUMN" in err
    code, _, err = run("schema", "draft", "public.csv", "--target", "b")
    assert code == 1
    assert "'b' has only missing values" in err
    assert "--drop b" in err


def test_decimals_go_from_the_draft_to_the_synthetic_table(folder, run):
    lines = [f"{(7 * row % 901) / 100:.2f},{row % 2}" for row in range(300)]
    (folder / "public.csv").write_text("bill,y\n" + "\n".join(lines) + "\n")
    assert run("schema", "draft", "public.csv", "-o", "new.json")[0] == 0
    assert TableSchema.from_json(folder / "new.json")["bill"] == Continuous(0, 8.98, decimals=2)
    fit = ["synthesize", "public.csv", "--schema", "new.json", "--k", "2", "-n", "200"]
    assert run(*fit, "-o", "twin.csv")[0] == 0
    bills = pd.read_csv(folder / "twin.csv", dtype=str)["bill"]
    assert bills.str.fullmatch(r"\d(?:\.\d{1,2})?").all()
    assert run(*fit, "--digits", "1", "-o", "rounded.csv")[0] == 0
    assert pd.read_csv(folder / "rounded.csv")["bill"].max() <= 9


def test_check_tells_of_values_that_will_be_moved_to_a_step(folder, run):
    steps = TableSchema({"x": Continuous(0, 9, decimals=1), "n": Count(0, 10, step=5)})
    steps.to_json(folder / "steps.json")
    (folder / "t.csv").write_text("x,n\n0.5,5\n0.25,10\n0.1,7\n")
    code, out, err = run("schema", "check", "steps.json", "t.csv")
    assert (code, "t.csv fits steps.json" in out) == (0, True)
    assert "Column 'x': 1 of 3 values are none of Continuous(0.0, 9.0, decimals=1)" in err
    assert "such as 0.25, and will be moved to the nearest" in err
    assert "Column 'n': 1 of 3 values are none of Count(0, 10, step=5), such as 7" in err


@pytest.mark.parametrize("command", ["check", "fit", "synthesize"])
@pytest.mark.parametrize("kind", [Count(0, 99_999), Continuous(0, 99_999)])
def test_leading_zeros_in_a_column_of_numbers_are_told(folder, run, command, kind):
    zips = TableSchema({"zip": kind, "y": Categorical(["no", "yes"])})
    zips.to_json(folder / "zips.json")
    write_column(folder, "zip", ["02139", "94103", " 00501"] * 100)
    arguments = {
        "check": ["schema", "check", "zips.json", "public.csv"],
        "fit": ["fit", "public.csv", "--schema", "zips.json", "--k", "2", "-o", "m.skdp"],
        "synthesize": ["synthesize", "public.csv", "--schema", "zips.json", "-o", "o.csv"],
    }
    code, _, err = run(*arguments[command])
    assert code == 0
    assert err.count("'zip' has leading zeros, such as '02139'") == 1
    assert '"kind": "categorical"' in err
    write_column(folder, "zip", ["2139", "0", "0.5" if isinstance(kind, Continuous) else "7"] * 100)
    assert "leading zeros" not in run("schema", "check", "zips.json", "public.csv")[2]
