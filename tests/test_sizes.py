"""What a table takes follows from its schema: too much is refused before anything is released."""

import numpy as np
import pandas as pd
import pytest

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    TableSchema,
)
from skdpsynth.privacy import Mechanisms

METHODS = {
    "mixture": DPMixtureSynthesizer,
    "dpvi": lambda **rest: DPMixtureSynthesizer(inference="dpvi", n_steps=2, **rest),
    "napsu": NapsuMQSynthesizer,
    "napsu, tree": lambda **rest: NapsuMQSynthesizer(queries="tree", **rest),
    "clustmix": ClustMixSynthesizer,
}


def schema_of(n_places, n_labels=2, target="label"):
    kinds = {
        "age": Continuous(0, 1),
        "place": Categorical([f"p{j}" for j in range(n_places)]),
        "label": Categorical(list(range(n_labels))),
    }
    return TableSchema(kinds, target=target)


def rows_of(schema, n_rows=500):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            name: rng.random(n_rows) if name == "age" else rng.choice(kind.levels, n_rows)
            for name, kind in schema.columns.items()
        }
    )


def no_release(self, *arguments, **rest):
    raise AssertionError("a release was made")


@pytest.mark.parametrize("name", METHODS)
def test_too_much_memory_is_refused_by_plan_and_fit_alike(name, monkeypatch):
    monkeypatch.setattr(Mechanisms, "gaussian", no_release)
    schema = schema_of(6_000, 5_000)
    synth = METHODS[name](schema=schema)
    with pytest.raises(ValueError, match=r"'place'.* 6,000.*Nothing was released") as planned:
        synth.plan()
    for word in ("B", "erge", "schema.drop(['place'])"):
        assert word in str(planned.value)
    with pytest.raises(ValueError, match="Nothing was released") as fitted:
        synth.fit(rows_of(schema))
    assert str(fitted.value) == str(planned.value)
    assert not hasattr(synth, "ledger_")


@pytest.mark.parametrize("name", ["mixture", "napsu", "clustmix"])
def test_columns_of_many_levels_are_fitted(name):
    schema = schema_of(20_000)
    fitted = METHODS[name](schema=schema, random_state=0)
    fitted.plan()
    with pytest.warns(match="The levels of|tell little"):
        fitted.fit(rows_of(schema))
    assert set(fitted.sample(50, random_state=0)["place"]) <= set(schema["place"].levels)


def test_a_column_too_large_for_any_query_is_named():
    schema = schema_of(200_000, target=None)
    with pytest.raises(ValueError, match=r"^The column 'place' makes one clique of 200,000 cells"):
        NapsuMQSynthesizer(schema=schema).plan()
    NapsuMQSynthesizer(schema=schema, max_clique_size=200_000).plan()
