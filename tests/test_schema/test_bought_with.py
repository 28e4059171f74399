"""A purchase is never forgotten and never counted twice, whatever is made of its schema."""

import copy
import dataclasses
import json
import math
import pickle
import random

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import skdpsynth
from skdpsynth import Categorical, Count, DPMixtureSynthesizer, SchemaError, TableSchema
from skdpsynth._saving._conform import make
from skdpsynth._saving._registry import read_registry
from skdpsynth.preprocessing import BoundedDiscretizer, MissingnessEncoder, TableEncoder
from skdpsynth.privacy import PrivacyLedger, PrivacySpent, Purchase
from skdpsynth.schema import purchases_of

N_ROWS = 4000


def make_table(columns="abc"):
    rng = np.random.default_rng(0)
    return pd.DataFrame({name: rng.integers(0, 60, N_ROWS) for name in columns})


def buy(columns="abc", epsilon=0.5, **keywords):
    return TableSchema.from_private(make_table(columns), epsilon, 1e-7, nullable=False, **keywords)


def by_hand(schema):
    """Return the schema typed anew, as nobody can tell from a declared one."""
    columns = {name: eval(repr(kind)) for name, kind in schema.columns.items()}
    return TableSchema(columns, schema.target)


# One purchase


def remove_one(schema, rng):
    return schema.drop([rng.choice(schema.names)]) if len(schema) > 1 else schema


def reorder(schema, rng):
    return schema.select(rng.sample(schema.names, len(schema)))


def widen(schema, rng):
    return schema.replace({rng.choice(schema.names): Count(0, 1000)})


def rebuild_by_columns(schema, rng):
    return TableSchema(dict(schema.columns), schema.target)


def rebuild_by_item(schema, rng):
    return TableSchema({name: schema[name] for name in schema.names})


def rebuild_by_replaced_kinds(schema, rng):
    kinds = {n: dataclasses.replace(k, nullable=True) for n, k in schema.columns.items()}
    return TableSchema(kinds)


def add_to_declared(schema, rng):
    return TableSchema({"declared": Count(0, 9)}).replace(schema)


def add_columns_to_declared(schema, rng):
    return TableSchema({"declared": Count(0, 9)}).replace(dict(schema.columns))


def through_json(schema, rng):
    return TableSchema.from_json(schema.to_json(indent=rng.choice([None, 2])))


WAYS = {
    "drop": remove_one,
    "select": reorder,
    "replace": widen,
    "with_target": lambda schema, rng: schema.with_target(rng.choice([None, *schema.names])),
    "pickle": lambda schema, rng: pickle.loads(pickle.dumps(schema)),
    "copy": lambda schema, rng: copy.copy(schema),
    "deepcopy": lambda schema, rng: copy.deepcopy(schema),
    "clone": lambda schema, rng: clone(DPMixtureSynthesizer(schema=schema)).schema,
    "json": through_json,
    "added to a declared schema": add_to_declared,
}
# these know of the columns alone, and there may be none left that was bought
OF_BOUGHT_COLUMNS = {
    "columns added to a declared schema": add_columns_to_declared,
    "columns": rebuild_by_columns,
    "items": rebuild_by_item,
    "replaced kinds": rebuild_by_replaced_kinds,
}


@pytest.mark.parametrize("name", [*WAYS, *OF_BOUGHT_COLUMNS])
def test_each_way_keeps_the_purchase(name):
    schema = buy()
    assert len(schema.bought_with) == 1
    made = {**WAYS, **OF_BOUGHT_COLUMNS}[name](schema, random.Random(0))
    assert made.bought_with == schema.bought_with


@pytest.mark.parametrize("seed", range(40))
def test_sequences_of_ways_keep_all_purchases(seed):
    rng = random.Random(seed)
    schema, expected = buy(), set()
    expected.update(schema.bought_with)
    for step in range(8):
        name = rng.choice([*WAYS, "another"])
        if name == "another":
            bought = buy(rng.choice(["a", "bd", "xy"]), rng.choice([0.5, 0.25]))
            schema = schema.replace(rng.choice([bought, dict(bought.columns)]))
            expected.update(bought.bought_with)
        else:
            schema = WAYS[name](schema, rng)
        assert set(schema.bought_with) == expected, (step, name)
        assert len(schema.bought_with) == len(expected)
        plain = by_hand(schema)
        assert schema == plain
        assert hash(schema) == hash(plain)
        assert repr(schema) == repr(plain)
    ledger = PrivacyLedger(1.0, 1e-6)
    for purchase in schema.bought_with:
        ledger.mark_bought_schema(purchase)
    assert ledger.spent().purchase[0] == pytest.approx(sum(p.epsilon for p in expected))


def test_a_column_takes_its_own_purchase_along_and_no_other():
    schema = buy("a").replace(buy("b"))
    one, other = schema.bought_with
    assert TableSchema({"a": schema["a"]}).bought_with == (one,)
    assert TableSchema({"z": schema["b"]}).bought_with == (other,)
    read = through_json(schema, random.Random(0))
    assert TableSchema({"a": read["a"]}).bought_with == (one,)
    # what is selected was bought together
    assert set(schema.select(["a"]).bought_with) == {one, other}


def test_what_was_declared_costs_nothing():
    age = Count(0, 99)
    schema = buy("ab", kinds={"a": age})
    assert schema["a"].bought_with == ()
    assert TableSchema({"a": schema["a"]}).bought_with == ()
    assert schema.select(["a"]).bought_with == schema.bought_with != ()
    # of another purchase: declared here, and bought there
    again = buy("ab", kinds={"b": schema["b"]})
    assert set(again.bought_with) == {*schema.bought_with, *again["a"].bought_with}
    assert len(again.bought_with) == 2


def test_the_value_of_a_column_does_not_say_how_it_was_come_by():
    kind = buy("a")["a"]
    typed = eval(repr(kind))
    assert (kind, hash(kind), repr(kind)) == (typed, hash(typed), repr(typed))
    assert typed.bought_with == ()
    assert kind.bought_with != ()


@pytest.mark.parametrize("value", [None, 3, "ab", [1], ({},)])
def test_what_is_no_purchase_is_refused(value):
    with pytest.raises(SchemaError, match="bought_with must be a tuple of purchases"):
        Count(0, 1, bought_with=value)
    with pytest.raises(SchemaError, match="bought_with must be a tuple of purchases"):
        Categorical(["a", "b"], bought_with=value)


def test_transformers_pass_the_purchase_on():
    table = make_table("ab").astype(float)
    table.loc[0, "a"] = np.nan
    schema = TableSchema.from_private(table, 0.5, 1e-7)
    for step in (TableEncoder(schema), BoundedDiscretizer(schema), MissingnessEncoder(schema)):
        made = step.fit(table).output_schema_
        assert made.bought_with == schema.bought_with
        for name in "ab":
            assert TableSchema({"z": made[name]}).bought_with == schema.bought_with


# In files


def test_json_says_what_was_paid():
    schema = buy("ab", kinds={"b": Count(0, 99)})
    ((purchase),) = schema.bought_with
    (entry,) = json.loads(schema.to_json())["bought_with"]
    assert entry == {
        "id": purchase.identity,
        "epsilon": purchase.epsilon,
        "delta": 1e-7,
        "adjacency": "add_remove",
        "secure_noise": True,
        "columns": ["a"],
    }
    assert "bought_with" not in json.loads(by_hand(schema).to_json())


@pytest.mark.parametrize("keywords", [{"epsilon": math.inf}, {"random_state": 0}])
def test_json_does_not_make_a_purchase_private(keywords):
    read = through_json(buy(**keywords), random.Random(0))
    (purchase,) = read.bought_with
    assert not purchase.is_private
    fitted = DPMixtureSynthesizer(schema=read, n_components=1, n_passes=1).fit(make_table())
    assert not fitted.privacy_spent_.is_private


def test_a_column_renamed_in_the_file_stays_bought():
    document = json.loads(buy("ab").to_json())
    document["columns"][0]["name"] = "renamed"
    read = TableSchema.from_json(json.dumps(document))
    assert TableSchema({"renamed": read["renamed"]}).bought_with == read.bought_with != ()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"epsilon": None}, "epsilon"),
        ({"epsilon": -1}, "epsilon"),
        ({"delta": 2}, "delta"),
        ({"adjacency": "none"}, "adjacency"),
        ({"id": "1234"}, "32 hexadecimal digits"),
        ({"secure_noise": 1}, "secure_noise"),
        ({"columns": "a"}, "'columns' must be a list"),
        ({"note": "mine"}, "unknown fields"),
    ],
)
def test_json_that_was_damaged_is_refused(change, match):
    document = json.loads(buy("a").to_json())
    document["bought_with"][0].update(change)
    with pytest.raises(SchemaError, match=rf"^bought_with\[0\].*{match}"):
        TableSchema.from_json(json.dumps(document))
    for whole in (7, {"id": 1}, [3]):
        with pytest.raises(SchemaError, match="bought_with"):
            TableSchema.from_json(json.dumps({**document, "bought_with": whole}))
    del document["bought_with"][0]["epsilon"]
    with pytest.raises(SchemaError, match=r"missing fields \['epsilon'\]"):
        TableSchema.from_json(json.dumps(document))


def test_json_of_before_still_reads():
    document = json.loads(buy("a").to_json())
    del document["bought_with"]
    assert TableSchema.from_json(json.dumps(document)).bought_with == ()


def test_a_saved_synthesizer_keeps_its_purchases(tmp_path):
    schema = buy("a").replace(buy("b")).replace({"c": Count(0, 99)})
    fitted = DPMixtureSynthesizer(schema=schema, n_components=1, n_passes=1).fit(make_table())
    fitted.save(tmp_path / "synth")
    loaded = skdpsynth.load(tmp_path / "synth")
    assert loaded.schema_.bought_with == loaded.ledger_.purchases == schema.bought_with
    assert loaded.ledger_ == fitted.ledger_
    assert loaded.privacy_spent_ == fitted.privacy_spent_
    assert loaded.schema_["a"].bought_with == schema["a"].bought_with
    # fitted again, beside a schema of the same purchase, it is counted once
    again = loaded.set_params(schema=loaded.schema_.replace(schema)).fit(make_table())
    assert again.privacy_spent_.purchase[0] == pytest.approx(1.0, abs=1e-3)


def test_files_of_before_purchases_had_numbers():
    """What was bought is read as a purchase of its own; a sum of several, too."""
    classes = read_registry().classes
    schema = buy("ab")
    state = PrivacyLedger(1.0, 1e-6).state()._asdict()
    del state["purchases"]
    made = make(
        classes["TableSchema"], {"text": by_hand(schema).to_json(), "ledger": schema.ledger}
    )
    (purchase,) = made.bought_with
    assert purchase not in schema.bought_with
    assert purchase.epsilon == schema.bought_with[0].epsilon
    assert TableSchema({"b": made["b"]}).bought_with == (purchase,)
    plain = make(classes["TableSchema"], {"text": by_hand(schema).to_json(), "ledger": None})
    assert plain.bought_with == ()
    assert make(classes["PrivacyLedger"], {**state, "purchase": None}).purchases == ()
    for adjacency in ("add_remove", "replace_one", "add_remove and replace_one"):
        spent = PrivacySpent(0.5, 1e-7, adjacency, secure_noise=False)
        (read,) = make(classes["PrivacyLedger"], {**state, "purchase": spent}).purchases
        assert (read.epsilon, read.delta, read.is_private) == (0.5, 1e-7, False)
        assert read.adjacency == adjacency.partition(" ")[0]


# In fits


def test_two_purchases_of_equal_budgets_are_two():
    one, other = buy("ab"), buy("bc")
    assert one.ledger == other.ledger
    assert one.bought_with != other.bought_with
    fit = DPMixtureSynthesizer(n_components=1, n_passes=1, schema=one.replace(other)).fit
    spent = fit(make_table()).privacy_spent_
    assert spent.total[0] == pytest.approx(2.0, abs=1e-3)
    assert spent.total[1] == pytest.approx(1.2e-6)
    assert any("in 2 purchases" in note for note in spent.notes)


def test_a_seed_does_not_make_two_purchases_one():
    np.random.seed(0)  # noqa: NPY002
    one = buy(random_state=0)
    np.random.seed(0)  # noqa: NPY002
    other = buy(random_state=0)
    assert one == other
    assert set(one.bought_with).isdisjoint(other.bought_with)


def test_purchases_are_found_in_parameters_of_any_depth():
    one, other = buy("a"), buy("b")
    parameters = {
        "steps": [("x", one), ("y", {"deep": [other["b"], None]})],
        "again": (one, by_hand(other)),
    }
    assert purchases_of(parameters) == (*one.bought_with, *other.bought_with)
    assert all(isinstance(purchase, Purchase) for purchase in purchases_of(parameters))
