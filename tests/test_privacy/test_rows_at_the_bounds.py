"""Whatever rows the schema allows, a fit that has begun to spend goes on to its end.

A fit that fails after its first release, or that does so on some rows only, tells of these rows: a
model that exists proves that none of them is in the table. So all that may be wrong with a table is
found by the reader, before anything is released. Here every value is one where a bin, a cell or a
level begins or ends.
"""

import math
from unittest import mock

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from own_models import IndependentColumns
from sklearn.base import clone

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
    Ordinal,
    TableSchema,
    _base,
)
from skdpsynth.exceptions import SchemaError
from skdpsynth.privacy import Mechanisms

MIXED = TableSchema(
    {
        "few": Count(-3, 5, nullable=True),
        "exact": Count(0, 24),
        "coarse": Count(0, 1000, nullable=True),
        "huge": Count(-(2**53), 2**53),
        "real": Continuous(-1.5, 2.25, nullable=True),
        "narrow": Continuous(1.0, 1.0 + 2.0**-40),
        "wide": Continuous(-8e307, 8e307),
        "tenths": Continuous(34.5, 42, step=0.1, nullable=True),
        "cents": Continuous(0, 99.99, decimals=2),
        "fives": Count(-1000, 4000, step=5, nullable=True),
        "grade": Ordinal([3, 2, 1], nullable=True),
        "town": Categorical(["a", "b", "(other)"], other="(other)", nullable=True),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)
# vectors to some mechanisms: no missing values, no levels but the target's
VECTORS = TableSchema(
    {
        "exact": Count(0, 24),
        "huge": Count(-(2**53), 2**53),
        "real": Continuous(-1.5, 2.25),
        "narrow": Continuous(1.0, 1.0 + 2.0**-40),
        "tenths": Continuous(34.5, 42, step=0.1),
        "sick": Categorical(["no", "yes", "never"]),
    },
    target="sick",
)
# models of one's own see single precision: seven digits, and nothing beyond 3.4e38
OWN = MIXED.select(["huge", "wide", "town", "sick"]).replace({"wide": Continuous(-1e30, 1e30)})
ONE_CLASS = MIXED.select(["few", "coarse", "real", "town", "sick"]).replace(
    {"sick": Categorical(["no"])}
)

# as many bins as integers but one, edges on a bound, and the last bin of several integers
BINS = {
    "exact": 24,
    "coarse": [0, 1, 2, 3, 1000],
    "few": [-3, 0, 5, 9],
    "huge": [-(2.0**53), 0, 2.0**53 - 1, 2.0**53],
    "real": [-1.5, -1.4999, 0, 2.25],
    "narrow": 200,
    "tenths": 75,
    "cents": [0, 0.01, 0.02, 50, 99.99, 100],
    "fives": [-1000, -995, -994, 0, 4000],
    "wide": [-8e307, -1e-300, 0, 1e-300, 8e307],
}
GIVEN = [("few", "exact"), ("coarse", "town", "sick"), ("wide", "real")]
napsu = {"inference": "map", "n_bins": 8}
mixture = {"n_passes": 3, "n_components": 4}
dpvi = {"inference": "dpvi", "n_steps": 2, "n_components": 2, "n_bins": 4}
blocks = {"mode": "blocks", "sigma_max": 1.0}
vectors = {"mode": "continuous", "sigma_max": 1.0}
FAMILIES = {"exact": "poisson", "coarse": "poisson", "real": "normal", "wide": "normal"}

FITS = {
    "napsu, private bins": NapsuMQSynthesizer(schema=MIXED, **napsu),
    "napsu, public bins": NapsuMQSynthesizer(schema=MIXED, bins="public", inference="map"),
    "napsu, bins by name": NapsuMQSynthesizer(schema=MIXED, bins=BINS, queries="star", **napsu),
    "napsu, given queries": NapsuMQSynthesizer(schema=MIXED, bins=BINS, queries=GIVEN, **napsu),
    "napsu, tree": NapsuMQSynthesizer(schema=MIXED, bins=BINS, queries="tree", **napsu),
    "napsu, numeric target": NapsuMQSynthesizer(
        schema=MIXED.with_target("coarse"), bins="public", queries="tan", **napsu
    ),
    "mixture": DPMixtureSynthesizer(schema=MIXED, **mixture),
    "mixture, families": DPMixtureSynthesizer(schema=MIXED, distributions=FAMILIES, **mixture),
    "mixture, numeric target": DPMixtureSynthesizer(schema=MIXED.with_target("coarse"), **mixture),
    "mixture, dpvi": DPMixtureSynthesizer(schema=MIXED, distributions=FAMILIES, **dpvi),
    "a model of one's own": NumPyroSynthesizer(
        model=IndependentColumns.of(OWN), schema=OWN, n_steps=2
    ),
    "clustmix, blocks": ClustMixSynthesizer(schema=MIXED, **blocks),
    "clustmix, blocks, adapted": ClustMixSynthesizer(
        schema=ONE_CLASS, epsilon=8.0, adapt_share=0.2, **blocks
    ),
    "clustmix, blocks, numeric target": ClustMixSynthesizer(
        schema=MIXED.with_target("wide"), n_bins=2, **blocks
    ),
    "clustmix, continuous": ClustMixSynthesizer(schema=VECTORS, **vectors),
    "clustmix, continuous, adapted": ClustMixSynthesizer(
        schema=VECTORS, epsilon=8.0, adapt_share=0.2, **vectors
    ),
}


def corners(kind):
    """Values at which anything may begin or end, and such that are clipped or missing."""
    if hasattr(kind, "levels"):
        values = [*kind.levels, *(["elsewhere"] if kind.other is not None else [])]
    else:
        low, high = kind.low, kind.high
        step = math.ulp(high) if kind.n_steps is None else (high - low) / kind.n_steps
        step = int(step) if isinstance(kind, Count) else step
        middle = low + (high - low) // 2 if isinstance(kind, Count) else low + (high - low) / 2
        inner = [low + step, middle, middle + step, high - step, 0, 1, 2, 3, 23, 37, 500]
        inner += [] if isinstance(kind, Count) else [5e-324, -0.0, 1e-300, 0.005, 36.65]
        beyond = [low - step, high + step]
        values = [low, high, *(value for value in inner if low < value < high), *beyond]
    return [*values, None] if kind.nullable else values


def tables(schema):
    """Small tables of nothing but corners."""
    rows = st.tuples(*(st.sampled_from(corners(kind)) for kind in schema.columns.values()))
    return st.lists(rows, min_size=2, max_size=12).map(
        lambda rows: pd.DataFrame(
            {
                name: pd.Series(
                    [row[j] for row in rows], dtype=object if hasattr(kind, "levels") else float
                )
                for j, (name, kind) in enumerate(schema.columns.items())
            }
        )
    )


# compiled for each fit anew
SLOW = ("mixture, dpvi", "a model of one's own")
COMPILED = (*SLOW, "clustmix, blocks, adapted", "napsu, given queries")
SOME = settings(max_examples=max(settings.default.max_examples * 2 // 5, 4))
FEW = settings(max_examples=max(settings.default.max_examples // 6, 4))


def check_fit(name, data):
    estimator = FITS[name]
    table = data.draw(tables(estimator.schema))
    adjacency = data.draw(st.sampled_from(["add_remove", "replace_one"]))
    estimator.set_params(adjacency=adjacency, random_state=data.draw(st.integers(0, 3)))
    assert len(estimator.fit(table).sample(3, random_state=0)) == 3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", [name for name in FITS if name not in COMPILED])
@SOME
@given(data=st.data())
def test_no_row_stops_a_fit(name, data):
    check_fit(name, data)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", COMPILED)
@FEW
@given(data=st.data())
def test_no_row_stops_a_fit_that_is_compiled_anew(name, data):
    check_fit(name, data)


NAMED = {"huge": "count", "real": "continuous", "town": "categorical", "grade": "ordinal"}
EXTREMES = {
    "huge": [2.0**53, -(2.0**53), 0.0, -0.0, 1.0, math.nan],
    "real": [1.7e308, -1.7e308, 5e-324, -5e-324, 0.0, -0.0, 2.0**-33, math.nan],
    "town": ["a", "(other)", "", "b" * 99, True, 1, 1.0, -0.0, 1e308, None],
    "grade": [1, 1.0, True, False, 0, -0.0, 2.5, None],
}


@given(
    st.lists(st.tuples(*map(st.sampled_from, EXTREMES.values())), min_size=2, max_size=5),
    st.sampled_from(["add_remove", "replace_one"]),
    st.integers(0, 3),
)
def test_no_row_stops_a_purchase(rows, adjacency, seed):
    """But where noise leaves nothing of a column, which the message says of the noise."""
    frame = pd.DataFrame(rows, columns=list(EXTREMES), dtype=object)
    frame = frame.astype({"huge": float, "real": float})
    often = pd.concat([frame.iloc[:1].fillna({"huge": 1, "real": 1, "town": "a", "grade": 1})] * 40)
    for table in (frame, pd.concat([often, frame], ignore_index=True)):
        try:
            bought = TableSchema.from_private(
                table, 20.0, 1e-3, NAMED, nullable=True, adjacency=adjacency, random_state=seed
            )
        except SchemaError as error:
            if "Nothing in" not in str(error):
                raise
            continue
        synthesizer = DPMixtureSynthesizer(schema=bought, random_state=seed, **mixture)
        assert len(synthesizer.fit(table).sample(3, random_state=0)) == 3


ALONE = {
    "number": Continuous(0, 1),
    "integer": Count(0, 30, nullable=True),
    "level": Categorical(["a", "b"]),
    "constant": Categorical(["a"], nullable=True),
}


def one_column_fits():
    for name in FITS:
        for kind in ALONE:
            for is_target in (False, True):
                is_slow = name in SLOW and (kind != "constant" or not is_target)
                marks = [pytest.mark.slow] if is_slow else []
                yield pytest.param(name, kind, is_target, marks=marks)


@pytest.mark.parametrize(("name", "kind", "is_target"), list(one_column_fits()))
def test_one_column_is_fitted_or_refused_before_anything_is_spent(name, kind, is_target):
    """What follows from the schema alone is no secret, but budget spent on it is lost."""
    schema = TableSchema({"x": ALONE[kind]}, target="x" if is_target else None)
    values = getattr(ALONE[kind], "levels", (0, 1))
    table = pd.DataFrame({"x": [*values[:1], values[-1]]})
    estimator = clone(FITS[name]).set_params(schema=schema, random_state=0)
    settings = {"bins": "private", "queries": "auto", "distributions": None}
    settings["model"] = IndependentColumns.of(schema)
    estimator.set_params(**{k: v for k, v in settings.items() if k in estimator.get_params()})
    desks = []

    class Watched(Mechanisms):
        def __init__(self, *args):
            super().__init__(*args)
            desks.append(self)

    with mock.patch.object(_base, "Mechanisms", Watched):
        try:
            estimator.fit(table)
        except ValueError:
            assert desks == []
