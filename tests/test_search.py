"""Searches over pipelines, and what they would cost on private rows."""

import copy
import math
import os
import pickle
from fractions import Fraction
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    PredefinedSplit,
    RandomizedSearchCV,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
)
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import FunctionTransformer

from skdpsynth import (
    Categorical,
    Count,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    TableSchema,
    make_synthesizer_pipeline,
    total_privacy_cost,
)
from skdpsynth._search_cost import _are_all_gaussian
from skdpsynth.metrics import TSTRScorer
from skdpsynth.preprocessing import BoundedDiscretizer, TableEncoder
from skdpsynth.privacy import compose_epsilon, gdp_epsilon, gdp_mu
from skdpsynth.privacy._repeated import RepeatedFit, compose_fits

SCHEMA = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")


def make_table(n_rows=400, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(0, 100, n_rows)
    sick = np.where(age + rng.normal(0, 10, n_rows) > 50, "yes", "no")
    return pd.DataFrame({"age": age, "sick": sick})


def make_mixture(**parameters):
    settings = {"schema": SCHEMA, "n_components": 2, "n_passes": 2, "n_bins": 8}
    return DPMixtureSynthesizer(**{**settings, **parameters})


@pytest.fixture(scope="module")
def table():
    return make_table()


def make_folds(n_rows=400, n_folds=3):
    return PredefinedSplit(np.arange(n_rows) % n_folds)


def search_over(estimator, grid, table, cv=None, search=GridSearchCV, **keywords):
    cv = make_folds() if cv is None else cv
    return search(estimator, grid, cv=cv, **keywords).fit(table)


# Composition of requests


def test_gaussian_fits_compose_along_the_curve():
    fits = [RepeatedFit(1.0, 1e-6)] * 7 + [RepeatedFit(0.5, 1e-5)] * 2
    mu = math.sqrt(7 * gdp_mu(1.0, 1e-6) ** 2 + 2 * gdp_mu(0.5, 1e-5) ** 2)
    epsilon, delta = compose_fits(fits, 1e-6, all_gaussian=True)
    assert delta == 1e-6
    exact = gdp_epsilon(mu, 1e-6)
    # the ledger's reserve for failures takes a millionth of δ
    assert exact * (1 - 1e-6) < epsilon <= exact


def test_fits_of_any_kind_compose_as_randomised_responses():
    fits = [RepeatedFit(0.1, 1e-8)] * 100
    epsilon, _ = compose_fits(fits, 1e-5)
    # by brute force: the loss is 0.1 (2 B - 100), B binomial
    from scipy.stats import binom

    wins = np.arange(101)
    weights = binom.pmf(wins, 100, math.exp(0.1) / (1 + math.exp(0.1)))
    excess = -np.expm1(np.minimum(epsilon - 0.1 * (2 * wins - 100), 0.0))
    assert_allclose(weights @ excess + 100e-8, 1e-5, rtol=1e-6)
    assert epsilon < 10


def test_plain_composition_at_the_sum_of_deltas():
    epsilon, delta = compose_fits([RepeatedFit(1.0, 1e-6), RepeatedFit(0.5, 1e-7)])
    assert_allclose((epsilon, delta), (1.5, 1.1e-6), rtol=1e-12)
    assert compose_fits([RepeatedFit(1.0, 1e-6)], 1e-7)[0] == math.inf
    assert compose_fits([RepeatedFit(math.inf, 1e-6)])[0] == math.inf
    assert compose_fits([], 1e-6) == (0.0, 1e-6)
    for delta in (0.5, 1e-3):
        assert compose_fits([RepeatedFit(1.0, 1e-6)], delta)[0] < 1
    with pytest.raises(ValueError, match="delta"):
        compose_fits([RepeatedFit(1.0, 1e-6)], 1.0)


def test_distance_is_group_privacy():
    fit = RepeatedFit(0.3, 1e-6, distance=3)
    assert_allclose(fit.group_epsilon, 0.9, rtol=1e-12)
    # three steps from table to table, each worth (0.3, 1e-6)
    chained = 0.0
    for _ in range(3):
        chained = 1e-6 + math.exp(0.3) * chained
    assert_allclose(fit.group_delta, chained, rtol=1e-12)
    gaussian, _ = compose_fits([fit], 1e-6, all_gaussian=True)
    assert_allclose(gaussian, gdp_epsilon(3 * gdp_mu(0.3, 1e-6), 1e-6), rtol=1e-3)


# What one row does to the splits


def count_moves(splitter, n_rows, position):
    """Return by how many rows the training sets change when one comes in at a position."""
    before = np.arange(n_rows)
    after = np.insert(before, position, n_rows)
    smaller = [set(before[train]) for train, _ in splitter.split(before)]
    larger = [set(after[train]) for train, _ in splitter.split(after)]
    return [len(old ^ new) for old, new in zip(smaller, larger, strict=True)]


@pytest.mark.parametrize("n_folds", [2, 3, 4, 5])
def test_one_row_more_moves_the_boundaries_of_contiguous_folds(n_folds):
    claimed = sorted([1, *[3] * (n_folds - 2), 2])
    moves = [
        sorted(count_moves(KFold(n_folds), n_rows, position))
        for n_rows in range(2 * n_folds, 5 * n_folds)
        for position in range(n_rows + 1)
    ]
    assert all(np.less_equal(found, claimed).all() for found in moves)
    assert claimed in moves
    # no more than a row of its own where the folds keep theirs
    assert [0] + [1] * (n_folds - 1) in moves


@pytest.mark.parametrize(("n_rows", "n_folds"), [(3, 2), (4, 2), (4, 3), (5, 3)])
def test_the_coupling_of_shuffled_folds_has_the_right_law(n_rows, n_folds):
    def sizes(n):
        return [n // n_folds + (fold < n % n_folds) for fold in range(n_folds)]

    def uniform_folds(n):
        labels = np.repeat(range(n_folds), sizes(n))
        found = set(permutations(labels.tolist()))
        return dict.fromkeys(found, Fraction(1, len(found)))

    larger = n_rows % n_folds
    law = {}
    for folds, probability in uniform_folds(n_rows).items():
        for fold, size in enumerate(sizes(n_rows + 1)):
            joins = probability * Fraction(size, n_rows + 1)
            if fold == larger:
                law[(*folds, fold)] = law.get((*folds, fold), 0) + joins
                continue
            members = [row for row in range(n_rows) if folds[row] == fold]
            for row in members:
                moved = list(folds)
                moved[row] = larger
                key = (*moved, fold)
                law[key] = law.get(key, 0) + joins / len(members)
                # what is claimed of the training sets
                claimed = [1] * (n_folds - 1) + [2]
                assert np.less_equal(moves_of(folds, key, n_folds), claimed).all()
    assert law == uniform_folds(n_rows + 1)


def moves_of(before, after, n_folds):
    def training(folds, fold):
        return {row for row, label in enumerate(folds) if label != fold}

    return sorted(len(training(before, fold) ^ training(after, fold)) for fold in range(n_folds))


# The cost of searches


def test_it_bounds_what_the_ledgers_of_all_fits_add_up_to(table):
    """Fits made by hand: the releases of those that see a row, and the refit."""
    grid = {"n_components": [2, 3], "epsilon": [0.5, 1.0]}
    found = search_over(make_mixture(), grid, table)
    cost = total_privacy_cost(found, delta=1e-6)
    events = list(found.best_estimator_.ledger_.events)
    for parameters in found.cv_results_["params"]:
        for fold in range(2):  # a row of fold 2 is in the training sets of both
            rows = table[np.arange(400) % 3 != fold]
            events += make_mixture(**parameters).fit(rows).ledger_.events
    spent = compose_epsilon(events, 1e-6)
    assert spent <= cost.epsilon <= 1.001 * spent
    assert cost.n_fits == 4 * 3 + 1


def test_one_fit_is_its_request(table):
    found = search_over(make_mixture(), {"epsilon": [0.7]}, table, make_folds(400, 2), refit=False)
    cost = total_privacy_cost(found)
    assert (cost.n_fits, cost.epsilon, cost.delta) == (2, 0.7, 1e-6)


@pytest.mark.parametrize("name", ["randomized", "halving"])
def test_other_searches(name, table):
    if name == "randomized":
        found = search_over(
            make_mixture(),
            {"n_components": [2, 3, 4]},
            table,
            search=RandomizedSearchCV,
            n_iter=2,
            random_state=0,
        )
        candidates = 2
    else:
        model = make_synthesizer_pipeline(TableEncoder(SCHEMA), make_mixture(schema=None))
        found = search_over(
            model,
            {"dpmixturesynthesizer__n_components": [2, 3, 4]},
            table,
            search=HalvingGridSearchCV,
            resource="dpmixturesynthesizer__n_passes",
            max_resources=4,
            min_resources=2,
            factor=2,
        )
        candidates = 3 + 2
        assert len(found.cv_results_["params"]) == candidates
    cost = total_privacy_cost(found, delta=1e-6)
    assert cost.n_fits == 3 * candidates + 1
    mu = gdp_mu(1.0, 1e-6) * math.sqrt(2 * candidates + 1)
    assert_allclose(cost.epsilon, gdp_epsilon(mu, 1e-6), rtol=1e-3)


@pytest.mark.parametrize(
    ("cv", "replaced", "added"),
    [
        (4, 3, 1 + 9 + 9 + 4),
        (KFold(4), 3, 1 + 9 + 9 + 4),
        (KFold(4, shuffle=True), 3, 3 + 4),
        (KFold(4, shuffle=True, random_state=0), 3, None),
        (RepeatedKFold(n_splits=2, n_repeats=3), 3, 3 * (1 + 4)),
        (RepeatedKFold(n_splits=2, n_repeats=3, random_state=0), 3, None),
        (PredefinedSplit(np.arange(400) % 4), 3, 3),
        (PredefinedSplit(np.arange(400) % 4 - 1), 3, 3),
        (ShuffleSplit(4), 4, None),
        ([(np.arange(300), np.arange(300, 400))], 1, None),
        (StratifiedKFold(4), None, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("adjacency", ["replace_one", "add_remove"])
def test_splits(cv, replaced, added, adjacency, table):
    model = make_mixture(adjacency=adjacency)
    found = GridSearchCV(model, {}, cv=cv).fit(table[["age"]], table["sick"])
    squares = replaced if adjacency == "replace_one" else added
    if squares is None:
        with pytest.raises(ValueError, match="Nothing can be proved about the splits of"):
            total_privacy_cost(found)
        return
    cost = total_privacy_cost(found, delta=1e-6)
    mu = gdp_mu(1.0, 1e-6) * math.sqrt(squares + 1)
    assert_allclose(cost.epsilon, gdp_epsilon(mu, 1e-6), rtol=1e-3)
    assert cost.adjacency == adjacency


@pytest.mark.parametrize("name", ["tree", "mixed"])
def test_fits_that_are_not_gaussian_are_composed_by_their_requests(name, table):
    if name == "tree":
        model, grid = NapsuMQSynthesizer(schema=SCHEMA, queries="tree"), {"n_bins": [4]}
    else:
        model, grid = make_mixture(), {"distributions": [None, {"age": "normal"}]}
    found = search_over(model, grid, table, make_folds(400, 2))
    cost = total_privacy_cost(found)
    n_seen = len(found.cv_results_["params"]) + 1
    assert_allclose((cost.epsilon, cost.delta), (n_seen, n_seen * 1e-6), rtol=1e-12)


def test_batches_that_may_be_samples_are_not_called_gaussian(table):
    model = make_mixture().fit(table)
    assert _are_all_gaussian([make_mixture(n_bins=9, epsilon=2.0)], model)
    assert not _are_all_gaussian([make_mixture(inference="dpvi")], model)
    assert not _are_all_gaussian([NapsuMQSynthesizer(schema=SCHEMA)], model)
    assert not _are_all_gaussian([make_mixture()], KernelDensity())
    # full batches are Gaussian, but another candidate's rate, a number, may say otherwise
    model.set_params(inference="dpvi", sampling_rate=1.0)
    assert not _are_all_gaussian([make_mixture(inference="dpvi", sampling_rate=0.5)], model)


def test_it_is_never_called_private(table):
    cost = total_privacy_cost(search_over(make_mixture(), {}, table))
    assert not cost.is_private
    assert cost.secure_noise
    assert cost.public_schema
    assert any("scores on held-out rows" in note for note in cost.notes)
    assert repr(cost).startswith("SearchCost(n_fits=4, epsilon=")
    seeded = total_privacy_cost(search_over(make_mixture(random_state=0), {}, table))
    assert not seeded.secure_noise
    assert math.isinf(
        total_privacy_cost(search_over(make_mixture(), {"epsilon": [math.inf]}, table)).epsilon
    )


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
def test_a_drafted_schema_is_told(table):
    found = search_over(make_mixture(schema=None), {}, table)
    cost = total_privacy_cost(found)
    assert not cost.public_schema


def buy(table, epsilon=0.5, **keywords):
    many = pd.concat([table] * 10, ignore_index=True)
    return TableSchema.from_private(
        many, epsilon, 1e-7, {"sick": SCHEMA["sick"]}, nullable=False, target="sick", **keywords
    )


@pytest.mark.parametrize("refit", [True, False])
def test_purchases_of_all_candidates_count_once_each(refit, table):
    one, other = buy(table), buy(table)
    grid = {"schema": [SCHEMA, one, other, one.with_target("sick")], "n_bins": [4, 8]}
    cost = total_privacy_cost(search_over(make_mixture(), grid, table, refit=refit), delta=1e-6)
    assert_allclose(cost.purchase, (1.0, 2e-7), atol=1e-3)
    assert_allclose(cost.total[0], cost.epsilon + 1.0, atol=1e-3)
    assert sum("were bought for" in note for note in cost.notes) == 1
    assert any("in 2 purchases" in note for note in cost.notes)
    assert cost.public_schema


@pytest.mark.parametrize("refit", [True, False])
def test_purchases_of_candidate_pipelines_count(refit, table):
    one, other = buy(table), buy(table, 0.25)
    model = make_synthesizer_pipeline(TableEncoder(one), make_mixture(schema=None))
    grid = [{"tableencoder__schema": [other]}, {"dpmixturesynthesizer__n_bins": [4]}]
    cost = total_privacy_cost(search_over(model, grid, table, refit=refit), delta=1e-6)
    assert_allclose(cost.purchase, (0.75, 2e-7), atol=1e-3)
    replaced = [{"tableencoder__schema": [other]}]
    cost = total_privacy_cost(search_over(model, replaced, table, refit=refit), delta=1e-6)
    # nobody was fitted with the other one
    assert_allclose(cost.purchase, (0.25, 1e-7), atol=1e-3)


@pytest.mark.parametrize("refit", [True, False])
def test_a_purchase_without_privacy_is_told_of_any_candidate(refit, table):
    grid = {"schema": [SCHEMA, buy(table, random_state=0)]}
    cost = total_privacy_cost(search_over(make_mixture(), grid, table, refit=refit), delta=1e-6)
    assert not cost.public_schema
    assert any("purchase was not private" in note for note in cost.notes)


@pytest.mark.filterwarnings("ignore::skdpsynth.exceptions.PrivacyLeakWarning")
@pytest.mark.parametrize("schemas", [[None], [SCHEMA, None]])
def test_a_schema_drafted_by_any_candidate_is_told(schemas, table):
    found = search_over(make_mixture(), {"schema": schemas}, table, refit=False)
    assert not total_privacy_cost(found, delta=1e-6).public_schema
    model = make_synthesizer_pipeline(FunctionTransformer(), make_mixture())
    grid = {"dpmixturesynthesizer__schema": schemas}
    found = search_over(model, grid, table, refit=False)
    assert not total_privacy_cost(found, delta=1e-6).public_schema


@pytest.mark.parametrize("step", [TableEncoder(SCHEMA), FunctionTransformer()])
def test_a_schema_that_is_lent_is_public(step, table):
    schema = SCHEMA if isinstance(step, FunctionTransformer) else None
    model = make_synthesizer_pipeline(step, make_mixture(schema=schema))
    found = search_over(model, {"dpmixturesynthesizer__n_bins": [4]}, table, refit=False)
    assert total_privacy_cost(found, delta=1e-6).public_schema


def test_no_purchase_is_none(table):
    assert total_privacy_cost(search_over(make_mixture(), {}, table)).purchase is None


def test_what_is_no_search_over_synthesizers(table):
    for other in (make_mixture(), GridSearchCV, 3):
        with pytest.raises(TypeError, match="needs a fitted search such as GridSearchCV"):
            total_privacy_cost(other)
    with pytest.raises(NotFittedError):
        total_privacy_cost(GridSearchCV(make_mixture(), {}))
    numbers = table[["age"]]
    for model, y in ((KernelDensity(), None), (LogisticRegression(), table["sick"])):
        found = GridSearchCV(model, {}, cv=2).fit(numbers, y)
        with pytest.raises(TypeError, match=f"The search is over {type(model).__name__}"):
            total_privacy_cost(found)
    found = search_over(make_mixture(), {"adjacency": ["add_remove", "replace_one"]}, table)
    with pytest.raises(ValueError, match="differ in adjacency"):
        total_privacy_cost(found)


# Searches over pipelines, scored by training on synthetic rows


def check_search(search, X, y, schema):
    best = search.best_estimator_
    X_drawn, y_drawn = best.sample_xy(1000)
    pd.testing.assert_series_equal(X_drawn.dtypes, X.dtypes)
    assert (y_drawn.name, y_drawn.dtype) == (y.name, y.dtype)
    assert len(X_drawn) == len(y_drawn) == 1000
    for name, kind in schema.columns.items():
        values = (y_drawn if name == schema.target else X_drawn[name]).dropna()
        if hasattr(kind, "levels"):
            assert set(values) <= set(kind.levels)
        else:
            assert values.between(kind.low, kind.high).all()


@pytest.mark.parametrize("step", [TableEncoder(SCHEMA), BoundedDiscretizer(SCHEMA, n_bins=20)])
def test_a_search_over_a_pipeline(step, table):
    X, y = table[["age"]], table["sick"]
    model = make_synthesizer_pipeline(step, make_mixture(schema=None, random_state=0))
    grid = {"dpmixturesynthesizer__epsilon": [0.05, 100.0]}
    # of one column only the direction shows in an AUC, which noise rarely turns round
    scorer = TSTRScorer(LogisticRegression(), scoring="neg_log_loss", random_state=0)
    search = GridSearchCV(clone(model), grid, cv=2, scoring=scorer).fit(X, y)
    assert search.best_params_ == {"dpmixturesynthesizer__epsilon": 100.0}
    assert search.best_score_ > -0.3
    check_search(search, X, y, SCHEMA)


DATA = Path(os.environ.get("SKDPSYNTH_DATA", "../shared/data"))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "adult_train.csv.gz").exists(), reason="Adult is not at hand")
@pytest.mark.parametrize("step", ["encode", "discretize"])
def test_a_search_on_adult(step):
    from skdpsynth.datasets import fetch_adult

    adult = fetch_adult(local_folder=DATA)
    frame, schema = adult.frame, adult.schema
    X, y = frame.drop(columns=schema.target), frame[schema.target]
    # two bins of every number are too few
    if step == "encode":
        first, name, enough = TableEncoder(schema), "dpmixturesynthesizer__n_bins", "auto"
    else:
        first, name, enough = BoundedDiscretizer(schema), "boundeddiscretizer__n_bins", 32
    model = make_synthesizer_pipeline(first, DPMixtureSynthesizer(random_state=0))
    scorer = TSTRScorer(random_state=0)
    search = GridSearchCV(model, {name: [2, enough]}, cv=2, scoring=scorer, n_jobs=2).fit(X, y)
    assert search.best_params_ == {name: enough}
    assert search.best_score_ > 0.86
    check_search(search, X, y, schema)


# The seed of the template is that of the noise in the best estimator


def template_of(search):
    found = search.estimator
    return found.steps[-1][1] if hasattr(found, "steps") else found


@pytest.mark.parametrize("seed", [1234567, np.random.RandomState(5)], ids=["integer", "state"])
@pytest.mark.parametrize("n_jobs", [None, 2])
@pytest.mark.parametrize("is_pipeline", [False, True])
def test_a_search_that_was_fitted_is_pickled_without_a_seed(table, seed, n_jobs, is_pipeline):
    model = make_mixture(random_state=seed)
    name = "n_components"
    if is_pipeline:
        model = make_synthesizer_pipeline(TableEncoder(SCHEMA), model.set_params(schema=None))
        name = f"dpmixturesynthesizer__{name}"
    search = GridSearchCV(model, {name: [1, 2]}, cv=make_folds(), n_jobs=n_jobs)
    assert template_of(pickle.loads(pickle.dumps(search))).random_state is not None
    scores = [search.fit(table).cv_results_["mean_test_score"] for _ in range(2)]
    # also where workers are sent copies of clones
    assert_allclose(scores[0], scores[1], rtol=1e-6)
    assert template_of(search).random_state is seed
    for copied in (pickle.loads(pickle.dumps(search)), copy.deepcopy(search)):
        assert template_of(copied).random_state is None
        # and it can be fitted again
        assert template_of(clone(copied).fit(table)).random_state is None


def test_a_template_keeps_a_seed_that_no_fit_has_used(table):
    model = make_mixture(random_state=7)
    twin = clone(model)
    assert pickle.loads(pickle.dumps(model)).random_state == 7
    twin.fit(table)
    assert pickle.loads(pickle.dumps(model)).random_state is None
    assert model.random_state == 7
    model.set_params(random_state=8)
    assert pickle.loads(pickle.dumps(model)).random_state == 8
    # without a seed there is none to keep
    assert pickle.loads(pickle.dumps(clone(model).set_params(random_state=None))) is not None
