"""What a plan tells before a row is read is what the ledger shows after the fit."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    Continuous,
    Count,
    PrivacyLeakWarning,
    TableSchema,
)
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth.clustmix._blocks import BlocksPlan
from skdpsynth.clustmix._vectors import ContinuousPlan
from skdpsynth.privacy import Mechanisms, NoiseSource, PrivacyLedger
from skdpsynth.schema import Table

ADJACENCIES = ["add_remove", "replace_one"]
MIXED = TableSchema(
    {"age": Count(0, 99), "pay": Continuous(0, 1), "sick": Categorical(["no", "yes"])}, "sick"
)
LEVELS = TableSchema({"a": Categorical(["x", "y"]), "b": Categorical([1, 2, 3])}, "a")
WIDE = TableSchema(
    {**{f"x{j}": Continuous(0, 1) for j in range(61)}, "sick": Categorical(["no", "yes"])}, "sick"
)


def table_of(schema, n_rows=3000):
    rng = np.random.default_rng(0)
    # what numeric columns have in common, so that there is a component to find
    common = rng.normal(0.0, 0.2, n_rows)
    columns = {}
    for name, kind in schema.columns.items():
        if isinstance(kind, Categorical):
            columns[name] = rng.choice(np.array(kind.levels), n_rows)
        elif isinstance(kind, Count):
            columns[name] = rng.integers(kind.low, kind.high + 1, n_rows)
        else:
            columns[name] = np.clip(0.5 + common + rng.normal(0.0, 0.02, n_rows), 0.0, 1.0)
    return pd.DataFrame(columns)


def plan_and_ledger(schema, **parameters):
    synth = ClustMixSynthesizer(
        **{"epsilon": 1.0, "delta": 1e-5, "schema": schema, "random_state": 0, **parameters}
    )
    plan = synth.plan()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrivacyLeakWarning)
        synth.fit(table_of(schema))
    return plan, synth.ledger_


def assert_planned(plan, ledger, n_open=0):
    """Every entry has a line of its own; those of an open line come where it stands."""
    shares = [line.share for line in plan.releases]
    assert math.fsum(shares) == pytest.approx(1.0, abs=1e-12)
    entries = list(zip([entry.name for entry in ledger.entries], ledger.shares(), strict=True))
    for line in plan.releases:
        if line.n_releases is None:
            n_taken = len(ledger.entries) - (len(plan.releases) - 1)
            assert n_taken >= 1
        else:
            n_taken = line.n_releases
            assert [name for name, _ in entries[:n_taken]] == [line.name] * n_taken
        taken = math.fsum(share for _, share in entries[:n_taken])
        assert taken == pytest.approx(line.share, rel=1e-9)
        entries = entries[n_taken:]
    assert entries == []
    assert sum(line.n_releases is None for line in plan.releases) == n_open


@pytest.mark.parametrize("adapt_share", [0.0, 0.3])
@pytest.mark.parametrize("n_clusters", [1, 3, "auto"])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("schema", [MIXED, LEVELS], ids=["mixed", "levels"])
def test_blocks_are_released_as_planned(schema, adjacency, n_clusters, adapt_share):
    assert_planned(
        *plan_and_ledger(
            schema, adjacency=adjacency, n_clusters=n_clusters, adapt_share=adapt_share
        )
    )


@pytest.mark.parametrize("adapt_share", [0.0, 0.3])
@pytest.mark.parametrize("n_clusters", [1, 3, "auto"])
@pytest.mark.parametrize("epsilon", [0.5, 8.0])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_vectors_are_released_as_planned(adjacency, epsilon, n_clusters, adapt_share):
    if epsilon < 1.0 and n_clusters == 3:
        # so much noise leaves the means alone, and three clusters are refused
        n_clusters = 2
    plan, ledger = plan_and_ledger(
        WIDE,
        adjacency=adjacency,
        epsilon=epsilon,
        n_clusters=n_clusters,
        adapt_share=adapt_share,
        sigma_max=1.0,
    )
    assert_planned(plan, ledger, n_open=1)
    names = {entry.name for entry in ledger.entries}
    # both branches are among the cases
    assert ("second moments" in names) == (epsilon == 8.0)
    assert ("class profiles, again" in names) == (epsilon == 0.5)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_the_published_mechanism_releases_as_planned(adjacency):
    plan, ledger = plan_and_ledger(
        MIXED, adjacency=adjacency, mechanism="madl2022", n_clusters=2, sigma_max=0.2
    )
    assert_planned(plan, ledger)


@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize(
    ("schema", "parameters"),
    [
        (MIXED, {}),
        (MIXED, {"n_clusters": 1}),
        (MIXED, {"adapt_share": 0.3, "n_clusters": 3}),
        (LEVELS, {}),
        (WIDE, {"n_clusters": 3}),
        (WIDE, {"adapt_share": 0.3, "n_clusters": 1}),
        (MIXED, {"mechanism": "madl2022", "n_clusters": 2}),
    ],
)
def test_without_noise_the_same_releases_are_made(schema, parameters, adjacency):
    plan, ledger = plan_and_ledger(schema, epsilon=math.inf, adjacency=adjacency, **parameters)
    assert math.fsum(line.share for line in plan.releases) == pytest.approx(1.0, abs=1e-12)
    names = [entry.name for entry in ledger.entries]
    planned = [line.name for line in plan.releases if line.n_releases is not None]
    if schema is WIDE:
        assert [name for name in names if name in planned] == planned
    else:
        assert names == planned


def test_a_plan_is_made_of_public_things_and_prints_itself():
    plan = ClustMixSynthesizer(schema=MIXED, adapt_share=0.2).plan()
    assert (
        str(plan).splitlines()[0].startswith("Plan of ClustMixSynthesizer(epsilon=1, delta=1e-06")
    )
    assert "normal equations of kernel ridge regression" in str(plan)
    assert plan.to_frame()["n_releases"].sum() == len(plan.releases) == 7


def blocks_plan(n_clusters="auto", is_noisy=True, schema=MIXED, **rest):
    columns = model_columns(schema)
    owner = schema.names.index(schema.target)
    settings = {"sigma_max": 0.02, "n_bins": "auto", "adjacency": "add_remove", **rest}
    return BlocksPlan(columns, owner, n_clusters, is_noisy=is_noisy, **settings)


@pytest.mark.parametrize("schema", [MIXED, LEVELS], ids=["mixed", "levels"])
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("share", [1.0, 0.7])
@pytest.mark.parametrize("n_clusters", [1, 7, "auto"])
def test_squared_mus_sum_to_the_share_of_the_clusters(n_clusters, share, adjacency, schema):
    plans = [
        blocks_plan(n_clusters, schema=schema, adjacency=adjacency, share=share),
        ContinuousPlan(tuple(WIDE.columns.values()), 61, n_clusters, 0.02, share),
    ]
    for plan in plans:
        budget = plan.budget
        spent = sum(budget.mu(name, 0.3) ** 2 for name in budget if name != "rest")
        assert spent == pytest.approx(share * 0.3**2, rel=1e-12)


def test_one_cluster_per_class_needs_no_refinement():
    for is_noisy in (True, False):
        plan = blocks_plan(1, is_noisy)
        assert plan.n_refinements == 0
        assert plan.progress.total == 1
        assert plan.budget["profile"] == plan.budget["refinement 1"] == 0.0


def test_without_noise_there_are_more_refinements():
    assert blocks_plan(is_noisy=False).n_refinements == 20
    assert blocks_plan().n_refinements == 3
    budget = blocks_plan(is_noisy=False).budget
    assert {budget.mu(name, math.inf) for name in budget} == {0.0, math.inf}


def test_the_smallest_cluster_keeps_the_noise_in_its_mean_below_sigma_max():
    assert 30.0 / blocks_plan().smallest_cluster(30.0) == pytest.approx(0.02)
    assert blocks_plan().smallest_cluster(0.0) == 20.0


@pytest.mark.parametrize("adapt_share", [0.0, 0.3])
@pytest.mark.parametrize("n_clusters", [1, "auto"])
def test_the_progress_bar_counts_every_pass(n_clusters, adapt_share):
    synth = ClustMixSynthesizer(schema=MIXED, n_clusters=n_clusters, adapt_share=adapt_share)
    plan, steps = synth._plan(MIXED), []
    codes = np.column_stack([np.random.default_rng(0).random((300, 2)), np.arange(300) % 2])
    plan.release(
        Table(codes, MIXED, None, False),
        Mechanisms(PrivacyLedger(1.0, 1e-6), NoiseSource(0), steps.append),
    )
    assert sum(steps) == plan.progress.total
