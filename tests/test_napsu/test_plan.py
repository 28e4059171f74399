"""What a fit is going to buy, told before any row is read, and what it then bought."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from skdpsynth import Categorical, Count, NapsuMQSynthesizer, TableSchema
from skdpsynth.privacy import GaussianEvent, PrivacyLedger
from skdpsynth.schema import encode_table

from .test_release import SCHEMA, SETTINGS, make_frame, make_plan, release


@pytest.fixture(scope="module")
def codes():
    return encode_table(make_frame(2000), SCHEMA)


def group_by_line(planned, entries):
    """The entries of the ledger that each planned line stands for, in order."""
    groups, start = [], 0
    for line in planned:
        assert line.n_releases is not None or line is planned[-1]
        stop = len(entries) if line.n_releases is None else start + line.n_releases
        groups.append(entries[start:stop])
        start = stop
    assert start == len(entries)
    return groups


def shares_of(groups):
    """The share of μ² of each group, of all Gaussian releases."""
    squares = [
        math.fsum(e.event.mu**2 for e in group if isinstance(e.event, GaussianEvent))
        for group in groups
    ]
    return np.array(squares) / math.fsum(squares)


@pytest.mark.parametrize("n_bins", ["auto", 4])
@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_ledger_has_what_was_planned(codes, name, adjacency, n_bins):
    plan = make_plan(name, adjacency=adjacency, n_bins=n_bins)
    planned = plan.releases
    steps = []
    ledger = PrivacyLedger(4.0, 1e-6, adjacency)
    release(plan, codes, ledger, progress=steps.append)
    groups = group_by_line(planned, ledger.entries)
    shares = np.array([line.share for line in planned])
    is_selection = np.array([line.mechanism == "Selection" for line in planned])
    assert (np.isnan(shares) == is_selection).all()
    assert math.fsum(shares[~is_selection]) == pytest.approx(1)
    assert shares_of(groups)[~is_selection] == pytest.approx(shares[~is_selection])
    for line, group in zip(planned, groups, strict=True):
        assert {type(entry.event).__name__ for entry in group} == {f"{line.mechanism}Event"}
        if line.n_releases == 1:
            # how many distances there are is not known before
            (entry,) = group
            assert re.sub(r"(distances of) \d+", r"\1", entry.name) == line.name
    # each release is a step of the progress bar
    assert sum(steps) == len(ledger.entries)
    assert plan.progress.total in (None, len(ledger.entries))


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_where_nothing_could_be_told_from_noise_the_share_goes_to_a_second_look(codes, adjacency):
    plan = make_plan("auto", adjacency=adjacency)
    ledger = PrivacyLedger(0.02, 1e-6, adjacency)
    release(plan, codes, ledger)
    opening, first, distances, rest = plan.releases
    groups = group_by_line((opening, first, rest), ledger.entries)
    assert shares_of(groups) == pytest.approx(
        [opening.share, first.share, distances.share + rest.share]
    )
    assert [e.name for e in groups[1]] == [e.name for e in groups[2]]


@pytest.mark.parametrize("n_bins", ["auto", 4, 20, 200])
@pytest.mark.parametrize("name", SETTINGS)
def test_the_variables_are_foreseen(codes, name, n_bins):
    plan = make_plan(name, n_bins=n_bins, max_clique_size=10**7)
    built = release(plan, codes, PrivacyLedger(4.0, 1e-6)).domain
    foreseen = plan.columns.foresee()
    assert foreseen.parts == built.parts
    if plan.columns.is_size_known:
        assert foreseen.variables == built.variables


def one_or_two_columns(*names):
    kinds = {"a": Categorical(["p", "q"]), "one": Categorical(["x"]), "n": Count(0, 99)}
    return TableSchema({name: kinds[name] for name in names}, "n" if "n" in names else None)


@pytest.mark.parametrize("queries", ["auto", "tree", "tan", "star"])
@pytest.mark.parametrize("names", [("a",), ("n",), ("a", "one"), ("one", "a", "n")])
def test_tables_without_pairs_are_planned_too(queries, names):
    schema = one_or_two_columns(*names)
    frame = pd.DataFrame({"a": ["p", "q"] * 20, "one": "x", "n": range(40)})[list(names)]
    synth = NapsuMQSynthesizer(3.0, schema=schema, queries=queries, random_state=0, inference="map")
    if queries in ("star", "tan") and (schema.target is None or len(names) < 2):
        with pytest.raises(ValueError, match=r"needs a (target|column)"):
            synth.plan()
        return
    planned = synth.plan().releases
    shares = shares_of(group_by_line(planned, synth.fit(frame).ledger_.entries))
    wanted = [0.0 if math.isnan(line.share) else line.share for line in planned]
    assert shares == pytest.approx(wanted)
    assert math.fsum(wanted) == pytest.approx(1)


PRINTED = """\
Plan of NapsuMQSynthesizer(epsilon=1, delta=1e-06, adjacency='replace_one')
  release                                                mechanism  number  share of mu²
  row count and histograms by level                      Gaussian        1         15.0%
  every column × y                                       Gaussian        6         34.0%
  edges of the tree                                      Selection       5             -
  the selected marginals, and the first ones beside them  Gaussian  varies         51.0%"""


def test_a_plan_is_printed_for_a_schema():
    synth = NapsuMQSynthesizer(adjacency="replace_one", queries="tan", schema=SCHEMA)
    found = repr(synth.plan())
    assert re.sub(" +", " ", found) == re.sub(" +", " ", PRINTED)
    # a schema that is passed goes first
    assert "every column " in repr(NapsuMQSynthesizer(schema=SCHEMA).plan(SCHEMA.with_target(None)))


def test_marginals_stand_one_by_one_where_their_sizes_are_known():
    synth = NapsuMQSynthesizer(queries=[("a", "b"), ("few",)], bins={"n": 3}, schema=SCHEMA)
    frame = synth.plan().to_frame()
    names = ["row count and histograms by level", "a × b", "few", "n", "x", "one", "y"]
    assert frame["release"].tolist() == names
    # shares go with the power 2/3 of the cells, 16 bins of x and a level of missing n included
    cells = np.array([9, 5, 4, 16, 1, 2]) ** (2 / 3)
    assert frame["share"].to_numpy()[1:] == pytest.approx(0.85 * cells / cells.sum())
