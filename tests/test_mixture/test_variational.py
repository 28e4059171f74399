"""DP-VI of the automatic mixture, through the synthesizer."""

import math

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skdpsynth import Categorical, Continuous, Count, DPMixtureSynthesizer, TableSchema
from skdpsynth.privacy import GaussianEvent, SubsampledGaussianEvent

SCHEMA = TableSchema(
    {
        "colour": Categorical(["r", "g", "b"], nullable=True),
        "height": Continuous(-4.0, 4.0),
        "visits": Count(0, 20),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)
FAMILIES = {"height": "normal", "visits": "poisson"}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    sick = rng.random(4000) < 0.4
    colour = np.where(sick, rng.choice(3, 4000, p=[0.7, 0.2, 0.1]), rng.choice(3, 4000))
    frame = pd.DataFrame(
        {
            "colour": np.array(["r", "g", "b"], dtype=object)[colour],
            "height": np.where(sick, rng.normal(1.5, 0.5, 4000), rng.normal(-1, 0.8, 4000)),
            "visits": np.where(sick, rng.poisson(8, 4000), rng.poisson(2, 4000)).clip(0, 20),
            "sick": np.where(sick, "yes", "no"),
        }
    )
    frame["height"] = frame["height"].clip(-4, 4)
    frame.loc[rng.random(4000) < 0.2, "colour"] = None
    return frame


def fit(table, **parameters):
    defaults = {"epsilon": 1.0, "delta": 1e-5, "schema": SCHEMA, "random_state": 0}
    synthesizer = DPMixtureSynthesizer(**{**defaults, "inference": "dpvi", **parameters})
    return synthesizer.fit(table)


def test_known_parameters_are_recovered_without_noise(table):
    synthesizer = fit(table, epsilon=math.inf, distributions=FAMILIES, n_components=2)
    model = synthesizer.model_
    assert_allclose(model.weights, [0.6, 0.4], atol=0.03)
    estimates = model.estimates
    for k, name in enumerate(["no", "yes"]):
        rows = table[table["sick"] == name]
        shares = rows["colour"].value_counts(normalize=True)[["r", "g", "b"]]
        absent = rows["colour"].isna().mean()
        expected = np.append(shares * (1 - absent), absent)
        assert_allclose(estimates.cell[k], expected, atol=0.03)
        assert estimates.location[k, 0] * 4 == pytest.approx(rows["height"].mean(), abs=0.1)
        assert np.exp(estimates.log_scale[k, 0]) * 4 == pytest.approx(rows["height"].std(), rel=0.1)
        assert estimates.location[k, 1] == pytest.approx(rows["visits"].mean(), rel=0.05)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("sampling_rate", ["auto", 0.3, 1.0])
def test_three_releases_within_the_request(table, adjacency, sampling_rate):
    synthesizer = fit(table, adjacency=adjacency, sampling_rate=sampling_rate, n_steps=20)
    assert 0.9 < synthesizer.privacy_spent_.epsilon <= 1.0
    events = [type(entry.event) for entry in synthesizer.ledger_.entries]
    last = SubsampledGaussianEvent if sampling_rate == 0.3 else GaussianEvent
    assert events == [GaussianEvent, GaussianEvent, last]
    planned = synthesizer.plan(SCHEMA).releases
    ledger = synthesizer.ledger_
    assert [entry.name for entry in ledger.entries] == [line.name for line in planned]
    assert [line.share for line in planned[:2]] == [0.1, 0.3]
    if sampling_rate == 1.0:
        shares = [line.share for line in planned]
        assert math.fsum(shares) == pytest.approx(1.0)
        assert ledger.shares() == pytest.approx(shares, abs=1e-12)
    else:
        # whether batches are of all rows is not known before their number
        assert math.isnan(planned[2].share)
    for line, entry in zip(planned[:2], ledger.entries, strict=False):
        assert (entry.event.mu / ledger.mu) ** 2 == pytest.approx(line.share)
    synthetic = synthesizer.sample(50, random_state=0)
    assert synthetic.columns.tolist() == table.columns.tolist()
    assert synthesizer.n_components_ == len(synthesizer.weights_)
    assert np.isfinite(synthesizer.score_samples(table[:100])).all()


def test_noise_leaves_a_useful_model(table):
    noisy = fit(table, epsilon=2.0, n_steps=100)
    start = fit(table, epsilon=2.0, n_steps=1, learning_rate=1e-6)
    assert noisy.score(table) > start.score(table) - 0.05
    synthetic = noisy.sample(4000, random_state=0)
    means = synthetic.groupby("sick")["height"].mean()
    assert means["yes"] - means["no"] > 1.5


def test_posterior_draws_differ_and_stay_close(table):
    synthesizer = fit(table, n_steps=50, sampling_rate=1.0, distributions=FAMILIES)
    shares = [d["sick"].eq("yes").mean() for d in synthesizer.sample_datasets(8, 3000)]
    assert len(set(shares)) > 1
    assert np.mean(shares) == pytest.approx(0.4, abs=0.1)


def test_clipping_norm_bounds_the_recorded_sensitivity(table):
    synthesizer = fit(table, clipping_norm=0.5, sampling_rate=0.3, n_steps=5)
    entry = synthesizer.ledger_.entries[-1]
    # and what rounding of each coordinate adds
    assert 0.5 < entry.sensitivity <= 0.5 + 2.0**-19 * math.sqrt(entry.n_coordinates / 5)


def test_progress_counts_steps_not_rows(table, capsys):
    fit(table[:1237], n_steps=70, verbose=1)
    progress = capsys.readouterr().err
    assert "70/70" in progress
    assert "1237" not in progress


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_without_histograms_the_plan_is_what_the_ledger_has(table, adjacency):
    families = {"height": "normal", "visits": "poisson"}
    synthesizer = fit(
        table[:500], adjacency=adjacency, distributions=families, sampling_rate=1.0, n_steps=3
    )
    planned, ledger = synthesizer.plan(SCHEMA).releases, synthesizer.ledger_
    expected = [0.01, 0.3, 0.69] if adjacency == "add_remove" else [0.3, 0.7]
    assert [line.share for line in planned] == pytest.approx(expected)
    assert [line.name for line in planned] == [entry.name for entry in ledger.entries]
    assert ledger.shares() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("n_steps", 0),
        ("n_steps", 2.5),
        ("sampling_rate", 0.0),
        ("sampling_rate", 1.5),
        ("clipping_norm", -1.0),
        ("clipping_norm", math.inf),
        ("learning_rate", math.nan),
        ("learning_rate", "fast"),
        ("engine", "torch"),
        ("inference", "mcmc"),
    ],
)
def test_impossible_parameters_are_named(table, parameter, value):
    with pytest.raises(ValueError, match=parameter):
        fit(table, **{parameter: value})
