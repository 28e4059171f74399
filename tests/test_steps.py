"""Decimals and steps of a schema, through every synthesizer, its files and its pipeline."""

import io
import warnings

import numpy as np
import pandas as pd
import pytest

import skdpsynth
from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    Ordinal,
    TableSchema,
    make_synthesizer_pipeline,
)
from skdpsynth._histograms import fine_grid, locate
from skdpsynth._markov_network import public_bins
from skdpsynth.mixture._own_model._records import to_codes, to_records
from skdpsynth.preprocessing import BoundedDiscretizer

SCHEMA = TableSchema(
    {
        "bill": Continuous(0, 5000, decimals=2),
        "tip": Continuous(0, 20, step=0.25, nullable=True),
        "grade": Continuous(1, 5, step=0.5),
        "dose": Count(0, 500, step=25),
        "minutes": Count(3, 1_203, step=5),
        "rate": Ordinal([-1.5, 0.1, 2.25]),
        "paid": Categorical(["no", "yes"]),
    },
    target="paid",
)
N = 1_500
SYNTHESIZERS = {
    "mixture": lambda: DPMixtureSynthesizer(n_components=2, n_passes=2),
    "families": lambda: DPMixtureSynthesizer(
        n_components=2,
        n_passes=2,
        distributions={"bill": "normal", "dose": "poisson", "grade": "categorical"},
    ),
    "dpvi": lambda: DPMixtureSynthesizer(inference="dpvi", n_components=2, n_passes=1),
    "marginals": lambda: NapsuMQSynthesizer(),
    "public bins": lambda: NapsuMQSynthesizer(bins="public"),
    "blocks": lambda: ClustMixSynthesizer(),
    "continuous": lambda: ClustMixSynthesizer(mode="continuous"),
}


def make_rows(names):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "bill": rng.lognormal(5, 1, N).clip(0, 5000).round(2),
            "tip": np.where(rng.random(N) < 0.1, np.nan, rng.integers(0, 81, N) / 4),
            "grade": rng.integers(2, 11, N) / 2,
            "dose": rng.integers(0, 21, N) * 25,
            "minutes": 3 + 5 * rng.integers(0, 241, N),
            "rate": rng.choice([-1.5, 0.1, 2.25], N),
            "paid": rng.choice(["no", "yes"], N),
        }
    )
    return frame[list(names)]


def possible(kind):
    if isinstance(kind, Categorical | Ordinal):
        return set(kind.levels)
    decimals = 0 if isinstance(kind, Count) else 2
    step = kind.step or 0.01
    return {float(f"{kind.low + k * step:.{decimals}f}") for k in range(kind.n_steps + 1)}


def check(frame, schema):
    for name in frame.columns:
        values = frame[name].dropna()
        assert len(values) > 0
        assert set(values.tolist()) <= possible(schema[name]), name
        assert values.nunique() > 1, name


@pytest.mark.parametrize("name", SYNTHESIZERS)
def test_samples_have_the_steps_of_the_schema(name, tmp_path):
    columns = list(SCHEMA)
    if name == "continuous":
        columns = ["bill", "grade", "dose", "minutes", "paid"]
    schema = SCHEMA.select(columns)
    rows = make_rows(columns)
    synth = SYNTHESIZERS[name]().set_params(schema=schema, epsilon=5.0).fit(rows)
    check(synth.sample(400, random_state=0), schema)
    check(next(iter(synth.sample_datasets(1, 400, random_state=0))), schema)
    check(synth.sample(50, conditions={"paid": "yes"}, random_state=0).drop(columns="paid"), schema)
    assert np.isfinite(synth.score(rows))
    synth.save(tmp_path / "model")
    loaded = skdpsynth.load(tmp_path / "model")
    assert loaded.schema_ == schema
    pd.testing.assert_frame_equal(
        loaded.sample(50, random_state=1), synth.sample(50, random_state=1), check_exact=True
    )


def test_a_condition_on_a_step_is_kept():
    schema = SCHEMA.select(["tip", "dose", "paid"])
    synth = DPMixtureSynthesizer(epsilon=5, n_components=2, n_passes=2, schema=schema)
    synth.fit(make_rows(["tip", "dose", "paid"]))
    rows = synth.sample(30, conditions={"tip": 3.25, "dose": 75})
    assert rows["tip"].eq(3.25).all()
    assert rows["dose"].eq(75).all()


def test_density_of_values_in_steps_sums_to_one():
    schema = TableSchema({"grade": SCHEMA["grade"], "dose": SCHEMA["dose"]})
    rows = make_rows(["grade", "dose"])
    grades, doses = (sorted(possible(kind)) for kind in schema.columns.values())
    every = pd.DataFrame([(g, d) for g in grades for d in doses], columns=["grade", "dose"])
    for synth in (
        DPMixtureSynthesizer(n_components=2, n_passes=2, schema=schema),
        NapsuMQSynthesizer(schema=schema),
        ClustMixSynthesizer(schema=schema),
    ):
        synth.fit(rows)
        total = np.exp(synth.score_samples(every.astype({"dose": int}))).sum()
        assert total == pytest.approx(1.0, abs=1e-4)


def test_marginals_keep_their_mass_on_the_steps():
    """What is between two steps is not modelled, so that no step gains from its neighbours."""
    schema = TableSchema({"grade": Continuous(1, 5, step=0.5), "paid": SCHEMA["paid"]})
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"grade": rng.choice([1.0, 3.5], N, p=[0.3, 0.7]), "paid": "no"})
    for synth in (DPMixtureSynthesizer(), NapsuMQSynthesizer(), ClustMixSynthesizer()):
        grades = synth.set_params(schema=schema, epsilon=50.0).fit(rows).sample(4_000)["grade"]
        # 0.7 within 5 standard deviations of 4,000 draws, and the noise of the fit
        assert (grades == 3.5).mean() == pytest.approx(0.7, abs=0.05)
        assert grades.isin([1.0, 3.5]).mean() > 0.97


@pytest.mark.parametrize("kind", [SCHEMA["bill"], SCHEMA["tip"], SCHEMA["minutes"]])
def test_every_value_has_a_cell(kind):
    grid = fine_grid(kind)
    steps = np.arange(kind.n_steps + 1)
    cells = locate(grid, kind, steps / kind.n_steps)
    assert grid.is_count
    assert grid.measure.sum() == kind.n_steps + 1
    assert ((grid.left[cells] <= steps) & (steps <= grid.right[cells])).all()
    binned = public_bins(kind, 10).grid
    assert binned.measure.sum() == kind.n_steps + 1
    assert (binned.right >= binned.left).all()


def test_pipelines_give_possible_values_back():
    schema = SCHEMA.select(["bill", "dose", "paid"])
    pipeline = make_synthesizer_pipeline(
        BoundedDiscretizer(schema, n_bins=8, random_state=0), NapsuMQSynthesizer(epsilon=5.0)
    ).fit(make_rows(["bill", "dose", "paid"]))
    check(pipeline.sample(200), schema)


def test_a_fit_without_a_schema_keeps_decimals_too():
    rows = make_rows(["bill", "dose"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        synth = DPMixtureSynthesizer(n_components=2, n_passes=2).fit(rows)
    assert [warning.category.__name__ for warning in caught] == ["PrivacyLeakWarning"]
    bills = synth.sample(100)["bill"]
    assert (bills == bills.round(2)).all()


def test_a_written_table_has_so_many_digits():
    schema = SCHEMA.select(["bill", "tip"])
    synth = DPMixtureSynthesizer(n_components=2, n_passes=2, schema=schema)
    text = synth.fit(make_rows(["bill", "tip"])).sample(500).to_csv(index=False)
    read = pd.read_csv(io.StringIO(text), dtype=str)
    assert read["bill"].str.fullmatch(r"\d+\.\d{1,2}").all()
    assert read["tip"].dropna().str.fullmatch(r"\d+\.(?:0|25|5|75)").all()


def test_a_model_of_ones_own_sees_and_samples_possible_values():
    schema = SCHEMA.select(["bill", "tip", "dose"])
    codes = np.random.default_rng(0).random((200, 3))
    records = to_records(codes, schema)
    assert set(records[:, 2].tolist()) <= possible(schema["dose"])
    assert set(records[:, 1].tolist()) <= possible(schema["tip"])
    noisy = records + np.random.default_rng(1).normal(0, 0.1, records.shape)
    steps = to_codes(noisy, schema) * [kind.n_steps for kind in schema.columns.values()]
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)
