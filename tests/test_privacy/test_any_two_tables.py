"""With all outputs fixed, any two tables of any sizes lead to the same calls and the same release.

Neighbouring tables differ too little to show every way by which something that is not noisy could
decide what is released: here the tables have nothing in common but their schema.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from skdpsynth import ClustMixSynthesizer, DPMixtureSynthesizer, NapsuMQSynthesizer
from skdpsynth.privacy import Mechanisms, PrivacyLedger
from skdpsynth.schema._purchase import buy_columns

from .audit.cases import QUERIES, estimator_release
from .audit.pairs import ADJACENCIES, NUMBERS, SCHEMA, base_table, numeric_neighbours
from .audit.tape import PublicDifference, record_pair

MIXED = base_table()
VECTORS = numeric_neighbours("corner of the domain", "add_remove")[0]


def unlike(rows):
    """Return tables of the same columns that are as unlike as can be, by name."""
    constant = np.tile(np.nan_to_num(rows[:1]), (500, 1))
    return {
        "few rows": rows[:7],
        "many rows": np.tile(rows, (14, 1)),
        "one class": rows[rows[:, -1] == 0],
        "constant": constant,
        "zeros": 0.0 * constant[:333],
        "nothing missing": np.nan_to_num(rows),
    }


class Case(NamedTuple):
    """Release code, a table, and others."""

    run: object
    first: object
    others: dict


def mixed_case(estimator, target="label"):
    others = unlike(MIXED)
    others["all missing"] = np.where([True, True, True, False, False], np.nan, MIXED)
    return Case(estimator_release(estimator, SCHEMA.with_target(target)), MIXED, others)


def vector_case(**parameters):
    others = {**unlike(VECTORS), "ones": np.ones((2000, 5))}
    estimator = ClustMixSynthesizer(mode="continuous", **parameters)
    return Case(estimator_release(estimator, NUMBERS), VECTORS, others)


def bought_case():
    """Levels that are released are in all tables, and come before all others in their order."""

    def frame(n_rows, x, rare):
        town = np.resize(["a", "b", "b"], n_rows).astype(object)
        town[: len(rare)] = rare
        return pd.DataFrame({"x": np.resize(x, n_rows), "town": town})

    others = {
        "more rows": frame(3000, [0.1, -5.0, 2.0**40], ["u", "v", None]),
        "fewer rows": frame(300, [np.nan], ["w"] * 20),
        "constant": frame(700, [0.0], []),
    }
    return Case(
        lambda table, desk: buy_columns(table, None, None, True, desk),
        frame(1000, [1.0, 2.0, np.nan], ["z", "y"]),
        others,
    )


FEW_STEPS = {"inference": "dpvi", "n_steps": 3}
FAMILIES = {"few": "poisson", "pay": "normal"}
CASES = {
    "mixture": mixed_case(DPMixtureSynthesizer()),
    "mixture, families": mixed_case(DPMixtureSynthesizer(distributions=FAMILIES)),
    "mixture, numeric target": mixed_case(DPMixtureSynthesizer(), "pay"),
    "mixture, no target": mixed_case(DPMixtureSynthesizer(), None),
    "mixture, dpvi": mixed_case(DPMixtureSynthesizer(**FEW_STEPS)),
    "mixture, dpvi on all rows": mixed_case(DPMixtureSynthesizer(**FEW_STEPS, sampling_rate=1.0)),
    "napsu": mixed_case(NapsuMQSynthesizer()),
    "napsu, numeric target": mixed_case(NapsuMQSynthesizer(), "pay"),
    "napsu, no target": mixed_case(NapsuMQSynthesizer(), None),
    "napsu, tree": mixed_case(NapsuMQSynthesizer(queries="tree")),
    "napsu, tan": mixed_case(NapsuMQSynthesizer(queries="tan")),
    "napsu, star": mixed_case(NapsuMQSynthesizer(queries="star", bins="public")),
    "napsu, given queries": mixed_case(NapsuMQSynthesizer(queries=QUERIES)),
    "clustmix, blocks": mixed_case(ClustMixSynthesizer(mode="blocks", sigma_max=1e6)),
    "clustmix, blocks, numeric target": mixed_case(
        ClustMixSynthesizer(mode="blocks", sigma_max=1e6), "pay"
    ),
    "clustmix, continuous": vector_case(sigma_max=1.0),
    "clustmix, continuous and adapted": vector_case(sigma_max=1.0, adapt_share=0.3),
    "schema": bought_case(),
}


@pytest.mark.parametrize(
    "epsilon", [1.0, pytest.param(20.0, marks=pytest.mark.slow), 200.0], ids="ε = {:g}".format
)
@pytest.mark.parametrize("adjacency", ADJACENCIES)
@pytest.mark.parametrize("name", CASES)
def test_any_two_tables_lead_to_the_same_calls_and_release(name, adjacency, epsilon):
    case = CASES[name]
    for other in case.others.values():
        if adjacency == "replace_one":
            # tables of other sizes are no neighbours, however many records are replaced
            positions = np.arange(len(case.first)) % len(other)
            other = other.iloc[positions] if name == "schema" else other[positions]
        record_pair(case.run, (case.first, other), lambda: PrivacyLedger(epsilon, 1e-6, adjacency))


class ReadsTheTable(Mechanisms):
    """Releases twice where a first count is large."""

    def gaussian(self, statistic, **options):
        if np.ravel(statistic)[0] > 1000:
            super().gaussian(statistic, **{**options, "mu": options["mu"] / 2})
        return super().gaussian(statistic, **options)


def test_a_decision_by_exact_numbers_is_caught():
    case = CASES["napsu, star"]
    tables = case.first, case.others["many rows"]
    with pytest.raises(PublicDifference):
        record_pair(case.run, tables, lambda: PrivacyLedger(1.0, 1e-6), ReadsTheTable)
