"""With all outputs fixed, any two tables of any sizes lead to the same calls and the same release.

Neighbouring tables differ too little to show every way by which something that is not noisy could
decide what is released: here the tables have nothing in common but their schema.
"""

from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
import pytest

from skdpsynth import (
    ClustMixSynthesizer,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
)
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
    epsilons: tuple = (1.0, 20.0, 200.0)


# under replace-one no noise can be shown to suffice for a larger ε
GRADIENTS = (1.0, 20.0)


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


def dpvi_case():
    parameters = {"n_components": 3, "n_bins": 8, "n_steps": 3, "sampling_rate": 0.2}
    estimator = DPMixtureSynthesizer(inference="dpvi", **parameters)
    others = unlike(MIXED)
    # a step is compiled for each power of two of rows
    others = {name: others[name] for name in ("few rows", "constant")}
    return Case(estimator_release(estimator), MIXED, others, GRADIENTS)


def own_model(x=None, num_obs_total=None):
    means = numpyro.sample("means", dist.Beta(1.0, 1.0).expand([4]).to_event(1))
    with numpyro.plate("records", num_obs_total):
        for j in range(4):
            values = None if x is None else x[:, j]
            numpyro.sample(f"x{j}", dist.Normal(means[j], 0.5), obs=values)
        label = None if x is None else x[:, 4].astype(int)
        numpyro.sample("label", dist.Categorical(jnp.ones(3) / 3), obs=label)


def own_model_case():
    # so many rows that the sampling rate follows from their noisy number
    estimator = NumPyroSynthesizer(model=own_model, n_steps=3)
    release = estimator_release(estimator, NUMBERS)

    def run(codes, desk):
        released = release(codes, desk)
        # the rest is compiled for the model, whose functions are local
        return released.trace, released.n_records

    # compiled for each release anew
    others = {"few rows": VECTORS[:7]}
    return Case(run, np.tile(VECTORS, (30, 1)), others, GRADIENTS)


def naive_bayes_case():
    release = estimator_release(NumPyroSynthesizer(n_steps=3))
    others = mixed_case(DPMixtureSynthesizer()).others
    # a step is compiled for each power of two of rows
    others = {name: others[name] for name in ("few rows", "constant")}

    def run(codes, desk):
        released = release(codes, desk)
        return released.trace, released.n_records

    return Case(run, MIXED, others, GRADIENTS)


FAMILIES = {"few": "poisson", "pay": "normal"}
CASES = {
    "mixture": mixed_case(DPMixtureSynthesizer()),
    "mixture, families": mixed_case(DPMixtureSynthesizer(distributions=FAMILIES)),
    "mixture, numeric target": mixed_case(DPMixtureSynthesizer(), "pay"),
    "mixture, no target": mixed_case(DPMixtureSynthesizer(), None),
    "mixture, dpvi": dpvi_case(),
    "a model of one's own": own_model_case(),
    "numpyro, no model": naive_bayes_case(),
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


def settings():
    """Every case with little noise and with much; a few, and those in between, are slow."""
    for name, case in CASES.items():
        for adjacency in ADJACENCIES:
            for epsilon in case.epsilons:
                marks = [pytest.mark.slow] if epsilon == 20.0 else []
                yield pytest.param(name, adjacency, epsilon, marks=marks)


@pytest.mark.parametrize(("name", "adjacency", "epsilon"), list(settings()))
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
