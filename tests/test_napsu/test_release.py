"""What a fit releases: the budget, every draw of noise, and every sensitivity."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth.napsu._plan import NapsuPlan
from skdpsynth.napsu._prior import prior_variance
from skdpsynth.napsu._queries import read_bins, read_queries
from skdpsynth.privacy import (
    GaussianEvent,
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
)
from skdpsynth.schema import Table, encode_table

from .tape import Tape

SCHEMA = TableSchema(
    {
        "n": Count(0, 60, nullable=True),
        "x": Continuous(0, 10),
        "a": Categorical(["p", "q", "r"]),
        "b": Categorical([0, 1], nullable=True),
        "few": Count(0, 4),
        "one": Categorical(["only"]),
        "y": Categorical(["no", "yes"]),
    },
    "y",
)


def make_frame(n_rows, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.random(n_rows) < 0.4
    a = (rng.random(n_rows) < 0.2 + 0.5 * y).astype(int) + (rng.random(n_rows) < 0.3)
    x = np.clip(rng.normal(3 + 2 * a, 1.0), 0, 10)
    return pd.DataFrame(
        {
            "n": np.where(rng.random(n_rows) < 0.1, np.nan, rng.poisson(6 + 4 * a)),
            "x": np.where(rng.random(n_rows) < 0.2, 0.0, x),
            "a": np.array(["p", "q", "r"])[a],
            "b": np.where(rng.random(n_rows) < 0.1, np.nan, (a + rng.random(n_rows) > 1.3) * 1.0),
            "few": np.minimum(rng.poisson(1 + a), 4),
            "one": "only",
            "y": np.where(y, "yes", "no"),
        }
    )


USER = [("a", "x", "y"), ("b", "a"), ("n", "few")]
# every setting of queries, with and without a target, and of bins
SETTINGS = {
    "auto": ("auto", "private", "y"),
    "auto, no target": ("auto", "private", None),
    "auto, public bins": ("auto", "public", "y"),
    "auto, numeric target": ("auto", "private", "x"),
    "auto, constant target": ("auto", "private", "one"),
    "star": ("star", "private", "y"),
    "star, public bins": ("star", "public", "y"),
    "tree": ("tree", "private", "y"),
    "tree, no target": ("tree", "public", None),
    "tan": ("tan", "private", "y"),
    "tan, several classes": ("tan", "public", "a"),
    "user": (USER, "private", "y"),
    "user, public bins": (USER, {"n": 5, "x": [0.0, 2.5, 10.0]}, None),
    "user, empty": ([], "public", None),
}


def make_plan(name, **changes):
    queries, bins, target = SETTINGS[name]
    schema = SCHEMA.with_target(target)
    parameters = {
        "schema": schema,
        "adjacency": "add_remove",
        "queries": read_queries(queries, schema),
        "bins": read_bins(bins, schema),
        "n_bins": "auto",
        "max_clique_size": 100_000,
        "prior_scale": "auto",
        "inference": "laplace",
        "n_draws": 100,
    }
    plan = NapsuPlan(**{**parameters, **changes})
    plan.check_cliques()
    return plan


def release(plan, codes, ledger, desk=Mechanisms, **options):
    table = Table(codes, plan.schema, None, False)
    return plan.release(table, desk(ledger, NoiseSource(0), **options))


@pytest.fixture(scope="module")
def codes():
    return encode_table(make_frame(2000), SCHEMA)


def random_records(rng, schema, n_records):
    """Any records that the schema allows."""
    columns = []
    for kind in schema.columns.values():
        if hasattr(kind, "levels"):
            column = rng.integers(len(kind.levels), size=n_records).astype(float)
        elif isinstance(kind, Count):
            column = rng.integers(kind.high - kind.low + 1, size=n_records) / (kind.high - kind.low)
        else:
            column = rng.choice([0.0, 0.1, 0.5, 1.0], n_records)
        if kind.nullable:
            column[rng.random(n_records) < 0.3] = np.nan
        columns.append(column)
    return np.column_stack(columns)


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("name", SETTINGS)
def test_no_record_moves_a_release_by_more_than_its_sensitivity(codes, name, adjacency):
    """All statistics of a fit, given what was released before, of a table and its neighbours."""
    plan, tape = make_plan(name, adjacency=adjacency), Tape()
    release(plan, codes, PrivacyLedger(4.0, 1e-6, adjacency), tape.desk)
    whole, sensitivities = tape.statistics, tape.sensitivities
    largest = np.zeros(len(whole))
    rng = np.random.default_rng(1)
    for record in random_records(rng, plan.schema, 12):
        row = rng.integers(len(codes))
        if adjacency == "replace_one":
            neighbour = codes.copy()
            neighbour[row] = record
        else:
            neighbour = np.delete(codes, row, axis=0) if row % 2 else np.vstack([codes, record])
        tape.replay()
        release(plan, neighbour, PrivacyLedger(4.0, 1e-6, adjacency), tape.desk)
        assert len(tape.statistics) == len(whole)
        for i, (one, two) in enumerate(zip(whole, tape.statistics, strict=True)):
            is_score = sensitivities[i][0] == "exponential"
            distance = np.abs(one - two).max() if is_score else np.linalg.norm(one - two)
            largest[i] = max(largest[i], distance)
    allowed = np.array([sensitivity for _, sensitivity in sensitivities])
    assert (largest <= allowed * (1 + 1e-12)).all()
    # counts of marginals move by just that much, unless they have a single cell
    is_count = np.array([statistic.ndim > 0 and (statistic >= 0).all() for statistic in whole])
    is_table = np.array([kind == "gaussian" for kind, _ in sensitivities])
    several = np.array([statistic.size > 1 for statistic in whole])
    integers = np.array([(statistic == np.rint(statistic)).all() for statistic in whole])
    tight = is_count & is_table & several & integers
    assert tight.sum() >= 2
    assert largest[tight] == pytest.approx(allowed[tight])


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_budget_is_spent_and_every_draw_is_charged(monkeypatch, codes, name, adjacency):
    drawn, words = [], Counter()

    def spy(method):
        original = getattr(NoiseSource, method)

        def counted(self, *arguments):
            result = original(self, *arguments)
            drawn.append((method, arguments, np.size(result)))
            return result

        return counted

    def count_words(self, size, original=NoiseSource.words):
        words["all"] += int(np.prod(size))
        return original(self, size)

    for method in ("rounded_gaussian", "gumbel"):
        monkeypatch.setattr(NoiseSource, method, spy(method))
    for method in ("uniform", "generator", "seed_bits"):
        monkeypatch.delattr(NoiseSource, method)
    monkeypatch.setattr(NoiseSource, "words", count_words)
    plan = make_plan(name, adjacency=adjacency)
    ledger = PrivacyLedger(0.7, 1e-6, adjacency)
    release(plan, codes, ledger)
    assert 0.99 * 0.7 < ledger.spent().epsilon <= 0.7
    entries = ledger.entries
    assert len(drawn) == len(entries)
    for (method, arguments, size), entry in zip(drawn, entries, strict=True):
        if method == "gumbel":
            assert isinstance(entry.event, SelectionEvent)
            assert entry.n_coordinates == 1
        else:
            assert isinstance(entry.event, GaussianEvent)
            assert size == entry.n_coordinates
            # the noise is no finer than the ledger says
            step = entry.noise_scale / arguments[0]
            assert math.frexp(step)[0] == 0.5
            assert entry.noise_scale >= entry.sensitivity / entry.event.mu * (1 - 1e-12)
    # three words a Gaussian (a uniform of two and a sign), three a Gumbel variable
    assert words["all"] == 3 * sum(size for _, _, size in drawn)
    if plan.queries not in ("tree", "tan"):
        assert math.fsum(ledger.shares()) == pytest.approx(1)


def test_what_is_released_is_the_network_of_the_measured_queries(codes):
    plan = make_plan("user")
    release_ = release(plan, codes, PrivacyLedger(1.0, 1e-6))
    assert [m.query for m in release_.measurements] == [(0, 4), (1, 2, 6), (2, 3), (5,)]
    shape = [v.n_levels for v in release_.domain.variables]
    assert shape == [17, 16, 3, 3, 5, 1, 2]
    # no simpler model to shrink to, and the wide prior
    expected = plan.simple_moments(release_)
    assert expected is None
    assert (prior_variance(release_.network, release_.evidence, expected, 1.5) == 2.25).all()
    assert abs(release_.n_records - 2000) < 200


@pytest.mark.parametrize("name", ["star", "tan", "auto"])
def test_strategies_with_a_target_measure_all_columns_with_it(codes, name):
    release_ = release(make_plan(name), codes, PrivacyLedger(1.0, 1e-6))
    label = release_.domain.parts[-1][0]
    for part in release_.domain.parts[:-1]:
        assert any({*part, label} <= set(m.query) for m in release_.measurements)


@pytest.mark.parametrize(("name", "n_nodes"), [("tree", 7), ("tree, no target", 7), ("tan", 6)])
def test_a_tree_spans_the_columns(codes, name, n_nodes):
    ledger = PrivacyLedger(1.0, 1e-6)
    release_ = release(make_plan(name), codes, ledger)
    rounds = [entry for entry in ledger.entries if isinstance(entry.event, SelectionEvent)]
    assert len(rounds) == n_nodes - 1
    label = release_.domain.parts[-1][0]
    main = set(release_.domain.main) - ({label} if name == "tan" else set())
    # they are measured last
    chosen = [m.query for m in release_.measurements[1 - n_nodes :]]
    component = {v: {v} for v in main}
    for query in chosen:
        assert len(query) == (3 if name == "tan" else 2)
        assert name != "tan" or label in query
        a, b = sorted(main & set(query))
        assert component[a] is not component[b]
        component[a] |= component[b]
        for v in component[b]:
            component[v] = component[a]


@pytest.mark.parametrize("n_records", [0.0, 10.0, 1e3, 1e5, 1e9])
def test_the_number_of_bins_is_a_power_of_two_within_limits(n_records):
    for name in ("auto", "star", "user"):
        n_groups, n_places = make_plan(name).columns.count_bins(n_records, 5.0)
        assert n_groups * n_places in (16, 32, 64, 128)
        assert (n_places == 1) == (name != "auto")
        if name == "user":
            assert n_groups == 16
        given = make_plan(name, n_bins=12)
        n_groups, n_places = given.columns.count_bins(n_records, 5.0)
        assert 12 <= n_groups * n_places <= 16


@pytest.mark.parametrize("name", ["user", "star"])
def test_too_large_a_clique_is_an_error(name):
    make_plan(name, max_clique_size=4096)
    with pytest.raises(ValueError, match=r"more than max_clique_size=40\. Drop the query"):
        make_plan(name, max_clique_size=40)
