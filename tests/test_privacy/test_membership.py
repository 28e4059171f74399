"""Membership inference: its arithmetic, a leak that it must find, and nothing where nothing is."""

import csv
import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.optimize import linprog
from sklearn.base import BaseEstimator, clone

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    TableSchema,
)
from skdpsynth.datasets._adult import _make_schema
from skdpsynth.privacy import GaussianEvent, PrivacyLedger

from .audit.bounds import Guesses
from .audit.tape import charged_mu
from .membership.__main__ import HEADER, RESULTS, as_line
from .membership.attack import column_distances, describe_sample
from .membership.bounds import advantage_bound, gaussian_advantage, largest_advantage
from .membership.cases import GAMES, SYNTHESIZERS, TARGET, Game, Played
from .membership.games import Outcome, Outlier, Shadows, guess, play, shadow_features

SCHEMA = TableSchema(
    {
        "visits": Count(0, 100, nullable=True),
        "town": Categorical(["a", "b", "rare"], nullable=True),
        "ill": Categorical(["no", "yes"]),
    },
    target="ill",
)


@pytest.fixture
def outlier():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "visits": rng.integers(0, 40, 300),
            "town": rng.choice(["a", "b"], 300),
            "ill": rng.choice(["no", "yes"], 300),
        }
    )
    return Outlier(rows, {"visits": 100, "town": "rare", "ill": "yes"}, SCHEMA)


# What a guarantee allows


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0, 4.0])
@pytest.mark.parametrize("delta", [0.0, 1e-6, 0.05])
def test_largest_advantage_is_the_optimum_under_the_definition(epsilon, delta):
    """Of all error rates that the definition leaves, for an event and its complement."""
    power = math.exp(epsilon)
    rest = power - 1.0 + delta
    best = linprog(
        [-1.0, 1.0],
        A_ub=[[1.0, -power], [-power, 1.0], [-1.0, power], [power, -1.0]],
        b_ub=[delta, delta, rest, rest],
        bounds=[(0, 1), (0, 1)],
    )
    assert largest_advantage(epsilon, delta) == pytest.approx(-best.fun, abs=1e-9)


def test_largest_advantage_in_closed_form():
    assert largest_advantage(1.0, 0.0) == pytest.approx(math.tanh(0.5), rel=1e-14)
    assert largest_advantage(0.0, 0.01) == pytest.approx(0.01, rel=1e-14)
    assert largest_advantage(math.inf, 1e-6) == 1.0


@pytest.mark.parametrize("mu", [0.1, 1.0, 3.0])
def test_gaussian_advantage_is_the_total_variation(mu):
    def excess(x):
        return stats.norm.pdf(x, mu) - stats.norm.pdf(x)

    # the density of N(μ, 1) is the larger one from μ/2 on
    assert gaussian_advantage(mu) == pytest.approx(quad(excess, mu / 2, mu + 12)[0], abs=1e-9)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
def test_gaussian_releases_allow_less_than_epsilon_and_delta(epsilon):
    mu = PrivacyLedger(epsilon, 1e-6).mu
    assert 0 < gaussian_advantage(mu) < largest_advantage(epsilon, 1e-6)


# What guesses show


@pytest.mark.parametrize("right", [0.0, 0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_advantage_bound_covers(right, wrong):
    """By the exact law of all guesses, whatever the rates of the two sides are."""
    n_trials, failure = 16, 0.01
    hits = np.arange(n_trials + 1)
    weights = np.outer(
        stats.binom.pmf(hits, n_trials, right), stats.binom.pmf(hits, n_trials, wrong)
    )
    bounds = np.array(
        [[advantage_bound(Guesses(r, w, n_trials), failure) for w in hits] for r in hits]
    )
    assert weights[bounds > right - wrong + 1e-12].sum() <= failure


def test_advantage_bound_in_closed_form():
    assert advantage_bound(Guesses(64, 0, 64), 1e-6) == pytest.approx(2 * 1e-6 ** (1 / 128) - 1)
    assert advantage_bound(Guesses(0, 64, 64)) == -1.0
    # the games have the power to flag ε = 1 where nothing is private
    assert all(
        advantage_bound(Guesses(n, 0, n)) > largest_advantage(1.0, 1e-6)
        for n in {game.n_fits for game in GAMES}
    )


def played(epsilon, outcome):
    allowed = largest_advantage(epsilon, 1e-6), gaussian_advantage(PrivacyLedger(epsilon, 1e-6).mu)
    return Played(Game("any", "any", epsilon, 64), outcome, *allowed)


def test_verdicts():
    perfect, chance = Outcome(1.0, Guesses(64, 0, 64)), Outcome(0.5, Guesses(32, 32, 64))
    assert played(1.0, perfect).is_violated
    assert not played(1.0, chance).is_violated
    assert not played(math.inf, perfect).is_violated
    assert played(math.inf, chance).is_blind
    assert not played(math.inf, perfect).is_blind
    assert not played(1.0, chance).is_blind
    # within (ε, δ), and beyond what the Gaussian releases have spent of it
    some = played(1.0, Outcome(0.9, Guesses(50, 10, 64)))
    assert some.allowed_by_mu < some.bound < some.allowed
    assert some.is_violated


# What the attacker reads


def test_column_distances():
    sample = pd.DataFrame({"visits": [100, 60, None], "town": ["rare", None, "a"], "ill": "yes"})
    target = {"visits": 100, "town": "rare", "ill": "no"}
    expected = [[0.0, 0.0, 1.0], [0.4, 1.0, 1.0], [1.0, 1.0, 1.0]]
    np.testing.assert_allclose(column_distances(sample, target, SCHEMA), expected)
    missing = {"visits": None, "town": None, "ill": "yes"}
    expected = [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    np.testing.assert_array_equal(column_distances(sample, missing, SCHEMA), expected)


def test_describe_sample_counts_rows_that_agree(outlier):
    rng = np.random.default_rng(1)
    sample = pd.DataFrame(
        {
            "visits": rng.choice([30, 98, 99, 100], 500),
            "town": rng.choice(["a", "rare"], 500),
            "ill": rng.choice(["no", "yes"], 500),
        }
    )
    agrees = [
        (row.visits >= 99, row.town == "rare", row.ill == "yes") for row in sample.itertuples()
    ]
    counts = [sum(row[j] for row in agrees) for j in range(3)]
    counts += [sum(counts), sum(row[0] and row[2] for row in agrees)]
    counts += [sum(sum(row) >= 2 for row in agrees), sum(all(row) for row in agrees)]
    found = describe_sample(sample, outlier.target, SCHEMA, [("ill", "visits")])
    np.testing.assert_allclose(found[:-2] ** 2, counts)
    np.testing.assert_array_equal(found[-2:], 0.0)
    far = sample.assign(visits=60, town="a", ill="yes")
    nearest = describe_sample(far, outlier.target, SCHEMA)[-2:]
    np.testing.assert_allclose(nearest, (0.4 + 1.0) / 3)


def test_tables_differ_in_the_target_alone(outlier):
    without, with_row = outlier.tables
    pd.testing.assert_frame_equal(with_row[:-1], without)
    assert with_row.iloc[-1].to_dict() == outlier.target


# The attack


class Copies(BaseEstimator):
    """No synthesizer at all: it hands out the rows that it has seen."""

    def fit(self, X, y=None):
        """Keep the rows."""
        self.rows_ = X
        return self

    def sample(self, n_samples):
        """Draw rows with replacement."""
        return self.rows_.sample(n_samples, replace=True)


def test_a_leak_is_found(outlier):
    # a sample lacks the row with probability 4e-7
    outcome = play(Shadows(Copies(), 4500), outlier, 16)
    assert outcome.auc == 1.0
    assert outcome.guesses == Guesses(16, 0, 16)
    # whatever it may claim
    assert played(1.0, outcome).is_violated


def chance_limit(n_fits):
    """4.9 standard deviations of the Mann-Whitney statistic: false alarms once in 10⁶."""
    return 4.9 * math.sqrt((2 * n_fits + 1) / (12 * n_fits**2))


def test_what_was_learned_by_heart_does_not_count():
    training, evaluation = np.random.default_rng(2).normal(size=(2, 2, 100, 300))
    assert guess(training, training).auc > 0.95
    assert abs(guess(training, evaluation).auc - 0.5) < chance_limit(100)


def test_nothing_is_found_where_the_target_is_on_neither_side(outlier):
    n_fits, rows = 100, outlier.rows
    training, evaluation = (
        shadow_features(Shadows(Copies(), 200), (rows, rows), outlier, n_fits) for _ in range(2)
    )
    outcome = guess(training, evaluation)
    assert abs(outcome.auc - 0.5) < chance_limit(n_fits)
    assert not played(1.0, outcome).is_violated


@pytest.mark.parametrize(
    "synthesizer",
    [
        DPMixtureSynthesizer(n_components=2, n_passes=1),
        NapsuMQSynthesizer(queries=[("town", "ill")], inference="map"),
        ClustMixSynthesizer(n_clusters=1),
    ],
    ids=lambda synthesizer: type(synthesizer).__name__,
)
def test_synthesizers_without_noise_show_the_row(synthesizer, outlier):
    open_synthesizer = clone(synthesizer).set_params(epsilon=math.inf, schema=SCHEMA)
    # the priors' pseudo-record of its level doubles, about six standard deviations of the samples
    assert play(Shadows(open_synthesizer, 20_000), outlier, 6).auc > 0.9


# The games that are played


def test_the_target_lies_in_the_schema():
    schema = _make_schema()
    assert list(TARGET) == list(schema.names)
    for name, value in TARGET.items():
        kind = schema[name]
        if isinstance(kind, Categorical):
            assert value in kind.levels
        else:
            assert value in (kind.low, kind.high)


def adult_like_rows(n_rows):
    """Return rows of Adult's schema, each column by itself."""
    rng, columns = np.random.default_rng(0), {}
    for name, kind in _make_schema().columns.items():
        if isinstance(kind, Categorical):
            columns[name] = rng.choice(kind.levels[:3], n_rows)
        else:
            columns[name] = rng.integers(kind.low, kind.high, n_rows, endpoint=True)
    return pd.DataFrame(columns)


@pytest.mark.parametrize("key", SYNTHESIZERS, ids=" ".join)
def test_all_releases_of_the_games_are_gaussian(key):
    """What μ allows is for a fit whose every release is."""
    synthesizer = clone(SYNTHESIZERS[key]).set_params(epsilon=1.0, schema=_make_schema())
    ledger = synthesizer.fit(adult_like_rows(300)).ledger_
    assert all(isinstance(event, GaussianEvent) for event in ledger.events)
    assert charged_mu(ledger) <= ledger.mu * (1 + 1e-12)
    assert synthesizer.random_state is None


def test_a_line_of_results_has_all_columns():
    line = as_line(played(1.0, Outcome(0.5, Guesses(32, 32, 64))))
    (header,), (cells,) = csv.reader([HEADER]), csv.reader([line])
    assert len(header) == len(cells)


def test_stored_results():
    lines = list(csv.DictReader(RESULTS.read_text(encoding="utf-8").splitlines()))
    games = [(line["synthesizer"], line["settings"], float(line["ε"])) for line in lines]
    assert games == [game[:3] for game in GAMES]
    for line, game in zip(lines, GAMES, strict=True):
        assert float(line["AUC"]) >= game.least_auc
        assert float(line["shown"]) <= min(float(line["(ε, δ) allows"]), float(line["μ allows"]))
