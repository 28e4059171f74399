"""Release code, and tables that have nothing in common but their schema.

With all noisy outputs fixed, any two tables lead to the same calls to the desk, the same ledger and
the same bytes of what leaves the release. Neighbouring tables differ too little to show every way
by which something that is not noisy could decide what is released.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import numpyro
import numpyro.distributions as dist
import pandas as pd
from numpyro.infer.autoguide import AutoDiagonalNormal
from own_models import IndependentColumns

from skdpsynth import (
    ClustMixSynthesizer,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
)
from skdpsynth.mixture._dpvi import _plan as _dpvi_plan
from skdpsynth.mixture._dpvi._noisy_gradients import Trace, buy_noise
from skdpsynth.mixture._own_model import _plan as _own_plan
from skdpsynth.privacy import Mechanisms, PrivacyLedger
from skdpsynth.schema._purchase import buy_columns

from .cases import QUERIES, estimator_release
from .pairs import NUMBERS, SCHEMA, base_table, numeric_neighbours
from .tape import record_pair

__all__ = ["CASES", "FEW", "LARGE", "MIXED", "VECTORS", "Case", "check_any_two", "unlike"]

MIXED = base_table()
VECTORS = numeric_neighbours("corner of the domain", "add_remove")[0]

# beyond one chunk of every kernel, block of counting, and bucket of compiled shapes
LARGE = "very many rows"
N_LARGE = 72_000
FEW = "few rows"


def unlike(rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return tables of the same columns that are as unlike as can be, by name."""
    constant = np.tile(np.nan_to_num(rows[:1]), (500, 1))
    return {
        FEW: rows[:7],
        "many rows": np.tile(rows, (14, 1)),
        LARGE: np.tile(rows, (N_LARGE // len(rows), 1)),
        "no rows": rows[:0],
        "one class": rows[rows[:, -1] == 0],
        "constant": constant,
        "zeros": 0.0 * constant[:333],
        "nothing missing": np.nan_to_num(rows),
    }


class Case(NamedTuple):
    """Release code, a table, and others.

    Attributes
    ----------
    run : callable
        Takes a table and a desk; returns what leaves the release.
    first : table
    others : dict of name to table
    epsilons : tuple of float
    compiles : bool
        Whether most of a run's time goes to compiling.
    """

    run: Callable[[Any, Mechanisms], object]
    first: Any
    others: dict[str, Any]
    epsilons: tuple[float, ...] = (1.0, 20.0, 200.0)
    compiles: bool = False


def mixed_case(estimator: Any, target: str | None = "label") -> Case:
    """Return the case of an estimator on a mixed table."""
    others = unlike(MIXED)
    others["all missing"] = np.where([True, True, True, False, False], np.nan, MIXED)
    others["lowest"] = np.zeros((300, 5))
    others["highest"] = np.tile([1.0, 1.0, 2.0, 2.0, 2.0], (300, 1))
    return Case(estimator_release(estimator, SCHEMA.with_target(target)), MIXED, others)


def vector_case(target: str | None = "label", **parameters: Any) -> Case:
    """Return the case of ClustMix on vectors."""
    others = {**unlike(VECTORS), "ones": np.ones((2000, 5))}
    estimator = ClustMixSynthesizer(mode="continuous", **parameters)
    if target is None:
        without = {name: table[:, :4] for name, table in others.items()}
        schema = NUMBERS.drop(["label"])
        return Case(estimator_release(estimator, schema), VECTORS[:, :4], without)
    return Case(estimator_release(estimator, NUMBERS), VECTORS, others)


# under replace-one no noise can be shown to suffice for a larger ε
GRADIENTS = (1.0, 20.0)


def gradient_case(estimator: Any, rows: np.ndarray, schema: Any, copies: int) -> Case:
    """Return the case of noisy gradients, a step of which is compiled for powers of two of rows.

    So many copies that the sampling rate follows from their noisy number are the table.
    """
    others = {FEW: rows[:7], "constant": np.tile(np.nan_to_num(rows[:1]), (500, 1))}
    run = estimator_release(estimator, schema)
    return Case(run, np.tile(rows, (copies, 1)), others, GRADIENTS, True)


def plan_case(estimator: Any, rows: np.ndarray, schema: Any) -> Case:
    """Return the case of all that is decided before the first step, without any step."""
    release = estimator_release(estimator, schema)

    def run(codes: np.ndarray, desk: Any) -> object:
        def stay(
            model: Any, guide: Any, start: Any, rows: Any, count: Any, plan: Any, desk: Any
        ) -> Trace:
            active = getattr(model, "active", range(model.n_latents))
            desk._note("steps", plan, count, buy_noise(plan, len(active), desk)[1])
            return Trace(start, np.zeros_like(start))

        with (
            mock.patch.object(_dpvi_plan, "run_dpvi", stay),
            mock.patch.object(_own_plan, "run_dpvi", stay),
        ):
            return release(codes, desk)

    return Case(run, np.tile(rows, (30, 1)), unlike(rows), GRADIENTS)


def own_model(x: Any = None, num_obs_total: Any = None) -> None:
    """Sample or observe records of four numbers and a label."""
    means = numpyro.sample("means", dist.Beta(1.0, 1.0).expand([4]).to_event(1))
    shares = numpyro.sample("shares", dist.Dirichlet(np.ones(3)))
    with numpyro.plate("records", num_obs_total):
        for j in range(4):
            values = None if x is None else x[:, j]
            numpyro.sample(f"x{j}", dist.Normal(means[j], 0.5), obs=values)
        label = None if x is None else x[:, 4].astype(int)
        numpyro.sample("label", dist.Categorical(shares), obs=label)


def bought_case(**options: Any) -> Case:
    """Return the case of a purchase.

    Levels that are released are in all tables, and come before all others in their order.
    """

    def frame(n_rows: int, x: list[float], rare: list[Any]) -> pd.DataFrame:
        town = np.resize(["a", "b", "b"], n_rows).astype(object)
        town[: len(rare)] = rare
        return pd.DataFrame(
            {"x": np.resize(x, n_rows), "n": np.resize(np.rint(x), n_rows), "town": town}
        )

    others = {
        "more rows": frame(3000, [0.1, -5.0, 2.0**40], ["u", "v", None]),
        FEW: frame(300, [np.nan], ["w"] * 20),
        LARGE: frame(N_LARGE, [1e300, -1e300, 1e-300], []),
        "constant": frame(700, [0.0], []),
    }
    kinds = {"n": "count", **options.pop("kinds", {})}

    def run(table: pd.DataFrame, desk: Mechanisms) -> object:
        return buy_columns(table, kinds, None, True, desk)

    return Case(run, frame(1000, [1.0, 2.0, np.nan], ["z", "y"]), others)


FAMILIES = {"few": "poisson", "pay": "normal"}
BINS = {"few": 4, "pay": [0.0, 0.1, 0.5, 1.0]}
DPVI = {"inference": "dpvi", "n_components": 3, "n_bins": 8, "n_steps": 3}
CASES = {
    "mixture": mixed_case(DPMixtureSynthesizer()),
    "mixture, one pass": mixed_case(DPMixtureSynthesizer(n_passes=1, n_components=5)),
    "mixture, families": mixed_case(DPMixtureSynthesizer(distributions=FAMILIES)),
    "mixture, numeric target": mixed_case(DPMixtureSynthesizer(), "pay"),
    "mixture, no target": mixed_case(DPMixtureSynthesizer(), None),
    "mixture, dpvi": gradient_case(
        DPMixtureSynthesizer(**DPVI), MIXED, SCHEMA.with_target("label"), 25
    ),
    "mixture, dpvi, plan": plan_case(
        DPMixtureSynthesizer(inference="dpvi"), MIXED, SCHEMA.with_target("label")
    ),
    "a model of one's own, plan": plan_case(NumPyroSynthesizer(model=own_model), VECTORS, NUMBERS),
    "a model of one's own": gradient_case(
        NumPyroSynthesizer(model=own_model, n_steps=3), VECTORS, NUMBERS, 30
    ),
    "a model of one's own, missing values": gradient_case(
        NumPyroSynthesizer(
            model=IndependentColumns.of(SCHEMA), guide=AutoDiagonalNormal, n_steps=2
        ),
        MIXED,
        SCHEMA,
        25,
    ),
    "numpyro without a model, plan": plan_case(
        NumPyroSynthesizer(), MIXED, SCHEMA.with_target("label")
    ),
    "numpyro without a model": gradient_case(
        NumPyroSynthesizer(n_steps=3), MIXED, SCHEMA.with_target("label"), 25
    ),
    "napsu": mixed_case(NapsuMQSynthesizer()),
    "napsu, numeric target": mixed_case(NapsuMQSynthesizer(), "pay"),
    "napsu, no target": mixed_case(NapsuMQSynthesizer(), None),
    "napsu, tree": mixed_case(NapsuMQSynthesizer(queries="tree")),
    "napsu, tree, no target": mixed_case(NapsuMQSynthesizer(queries="tree", n_bins=8), None),
    "napsu, tan": mixed_case(NapsuMQSynthesizer(queries="tan")),
    "napsu, star": mixed_case(NapsuMQSynthesizer(queries="star")),
    "napsu, public bins": mixed_case(NapsuMQSynthesizer(queries="star", bins="public")),
    "napsu, given queries": mixed_case(NapsuMQSynthesizer(queries=QUERIES)),
    "napsu, given bins": mixed_case(NapsuMQSynthesizer(queries=QUERIES, bins=BINS)),
    "clustmix, blocks": mixed_case(ClustMixSynthesizer(mode="blocks", sigma_max=1e6)),
    "clustmix, blocks, numeric target": mixed_case(
        ClustMixSynthesizer(mode="blocks", sigma_max=1e6), "pay"
    ),
    "clustmix, blocks, no target": mixed_case(ClustMixSynthesizer(mode="blocks"), None),
    "clustmix, blocks, one cluster": mixed_case(ClustMixSynthesizer(mode="blocks", n_clusters=1)),
    "clustmix, blocks, adapted": mixed_case(
        ClustMixSynthesizer(mode="blocks", sigma_max=1e6, adapt_share=0.2)
    ),
    "clustmix, continuous": vector_case(sigma_max=1.0),
    "clustmix, continuous, no target": vector_case(None, sigma_max=1.0),
    "clustmix, continuous, one cluster": vector_case(n_clusters=1),
    "clustmix, continuous, adapted": vector_case(sigma_max=1.0, adapt_share=0.3),
    "schema": bought_case(),
    "schema, bounds": bought_case(kinds={"town": SCHEMA["town"]}),
    "schema, levels": bought_case(kinds={"x": SCHEMA["pay"], "n": SCHEMA["few"]}),
}


def check_any_two(
    name: str,
    adjacency: str = "add_remove",
    epsilon: float = 1.0,
    others: Sequence[str] | None = None,
    fault: type[Mechanisms] | None = None,
) -> None:
    """Raise `PublicDifference` where two tables of a case differ in what is not noisy.

    Parameters
    ----------
    name : str
        One of `CASES`.
    adjacency : {"add_remove", "replace_one"}
        Tables of other sizes are no neighbours under the latter, however many records are
        replaced: the rows of the others are repeated.
    epsilon : float
    others : sequence of str, default=None
        Which of the case's other tables; by default all that are fast.
    fault : subclass of Mechanisms, optional
        A desk that is wrong in some way.
    """
    case = CASES[name]
    for other in case.others if others is None else others:
        table = case.others[other]
        if adjacency == "replace_one":
            if not len(table):
                continue
            positions = np.arange(len(case.first)) % len(table)
            table = table.iloc[positions] if hasattr(table, "iloc") else table[positions]
        record_pair(
            case.run,
            (case.first, table),
            lambda: PrivacyLedger(epsilon, 1e-6, adjacency),
            fault,
        )
