"""Do intervals from NAPSU-MQ's synthetic tables cover? Logistic regression, by Rubin's rules.

python benchmarks/napsu_coverage.py logistic [--inference nuts laplace] [--epsilon 0.1 0.3 1]
    [--prior-scale auto] [--repeats 2000] [--output FILE]
python benchmarks/napsu_coverage.py adult [--inference laplace nuts] [--epsilon 1]
    [--prior-scale auto] [--repeats 300] [--output FILE]

"logistic" is the simulation of Räisä, Jälkö, Kaski & Honkela (2023): x1 and x2 are fair coins, y
has log odds 2 x1 - x2, 2,000 rows, replace-one adjacency, one query of all three columns. "adult"
takes bootstraps of Adult with ten coarse columns under add/remove adjacency, and asks for the
regression of income on age, sex and being married that the whole table has.

δ is one over the squared row count. Repeat i draws its rows from seed (i, 0), the privacy noise
from seed i and the synthetic tables from seed (i, 1). Each of 100 tables has as many rows as the
real one has, or is released to have. A regression on binary predictors needs only the counts of
their cells: they are drawn from the multinomial distribution with the cell probabilities of the
fitted network, which is the law of counts of sampled rows.

Estimates maximise the likelihood with the penalty of Firth (1993), Bias reduction of maximum
likelihood estimates, Biometrika 80(1): finite also where an empty cell separates the outcomes, and
within O(1/n) of maximum likelihood elsewhere. Variances are the inverse information's.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning

from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema, combine_estimates
from skdpsynth.datasets import fetch_adult

N_DATASETS = 100
# of NUTS: several times as many as tables are drawn
N_DRAWS = 600
MAX_STEPS = 200


class Study(NamedTuple):
    """A regression whose coefficients are known.

    Attributes
    ----------
    coefficients : dict of str to float
        The true ones, the intercept first.
    draw_table : callable
        From a generator to a real table.
    schema : TableSchema
    queries : list of tuple of str
        The first is of the predictors and, last, the outcome.
    merge : callable
        From counts of the first query, a set along each axis 0, to those of binary predictors.
    n_rows : int
    adjacency : str
    """

    coefficients: dict[str, float]
    draw_table: Callable[[np.random.Generator], pd.DataFrame]
    schema: TableSchema
    queries: list[tuple[str, ...]]
    merge: Callable[[np.ndarray], np.ndarray]
    n_rows: int
    adjacency: str


class Repeat(NamedTuple):
    """What one repeat says of every coefficient.

    Attributes
    ----------
    error, covers_95, covers_80, width, is_replaced : ndarray of shape (n_coefficients,)
        Estimate minus truth; whether the intervals cover; the 95 % interval's width; whether the
        combined variance was not positive and replaced.
    share_empty : float
        Share of the synthetic tables with a cell without rows.
    is_fallback : bool
        Whether another posterior took the place of the one asked for.
    """

    error: np.ndarray
    covers_95: np.ndarray
    covers_80: np.ndarray
    width: np.ndarray
    is_replaced: np.ndarray
    share_empty: float
    is_fallback: bool


def fit_logistic(cells: np.ndarray, penalty: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Fit a logistic regression without interactions to each of many tables of counts.

    Parameters
    ----------
    cells : ndarray of shape (n_sets, 2, ..., 2)
        Counts, an axis for each predictor and the last for the outcome.
    penalty : float, default=1
        Of Firth; 0 is maximum likelihood.

    Returns
    -------
    coefficients, variances : ndarray of shape (n_sets, n_predictors + 1)
        The intercept first.
    """
    predictors = np.array(list(product([0.0, 1.0], repeat=cells.ndim - 2)))
    design = np.column_stack([np.ones(len(predictors)), predictors])
    counts = cells.reshape(len(cells), -1, 2)
    trials, successes = counts.sum(axis=-1), counts[..., 1]
    coefficients = np.zeros((len(cells), design.shape[1]))
    for _ in range(MAX_STEPS):
        probability = 1 / (1 + np.exp(-coefficients @ design.T))
        weight = trials * probability * (1 - probability)
        inverse = np.linalg.inv(np.einsum("sc,ci,cj->sij", weight, design, design))
        leverage = weight * np.einsum("ci,sij,cj->sc", design, inverse, design)
        residual = successes - trials * probability + penalty * leverage * (0.5 - probability)
        step = np.einsum("sij,cj,sc->si", inverse, design, residual)
        longest = np.abs(step).max(axis=1, keepdims=True)
        # the first steps may overshoot
        coefficients += step / np.maximum(longest, 1)
        if longest.max() < 1e-8:
            return coefficients, np.diagonal(inverse, axis1=1, axis2=2)
    raise RuntimeError(f"A logistic regression did not converge in {MAX_STEPS} steps.")


def simulated_study() -> Study:
    """Return the published simulation."""
    names = ("x1", "x2", "y")

    def draw_table(rng: np.random.Generator) -> pd.DataFrame:
        x = rng.integers(0, 2, (2000, 2))
        y = rng.random(2000) < 1 / (1 + np.exp(x[:, 1] - 2.0 * x[:, 0]))
        return pd.DataFrame(np.column_stack([x, y]), columns=names)

    return Study(
        {"intercept": 0.0, "x1": 2.0, "x2": -1.0},
        draw_table,
        TableSchema({name: Categorical([0, 1]) for name in names}, target="y"),
        [names],
        lambda counts: counts,
        2000,
        "replace_one",
    )


# levels merged by what they mean, and by nothing in the table; what is not named is the last one's
EDUCATION = {
    "school": "HS-grad",
    "college": "Some-college Assoc-acdm Assoc-voc",
    "bachelor": "Bachelors",
    "higher": "Masters Prof-school Doctorate",
    "less": "",
}
WORKCLASS = {
    "private": "Private",
    "self-employed": "Self-emp-inc Self-emp-not-inc",
    "government": "Federal-gov Local-gov State-gov",
    "none or unknown": "",
}
MARITAL_STATUS = {
    "married": "Married-AF-spouse Married-civ-spouse",
    "never": "Never-married",
    "before": "",
}
AGE_EDGES = (17, 25, 35, 45, 60, 91)
HOURS_EDGES = (1, 20, 35, 41, 50, 100)


def coarse_adult() -> tuple[pd.DataFrame, TableSchema]:
    """Return the training part of Adult with ten coarse columns, and its schema."""
    adult = fetch_adult()
    fine = adult.frame
    coarse, levels = pd.DataFrame(index=fine.index), {}
    for name, edges in (("age", AGE_EDGES), ("hours-per-week", HOURS_EDGES)):
        levels[name] = [f"{low}-{high - 1}" for low, high in pairwise(edges)]
        coarse[name] = np.array(levels[name])[np.digitize(fine[name], edges) - 1]
    for name, groups in (
        ("workclass", WORKCLASS),
        ("education", EDUCATION),
        ("marital-status", MARITAL_STATUS),
    ):
        group_of = {level: group for group, own in groups.items() for level in own.split()}
        levels[name] = list(groups)
        coarse[name] = fine[name].map(group_of).fillna(levels[name][-1])
    for name in ("capital-gain", "capital-loss"):
        levels[name] = ["none", "some"]
        coarse[name] = np.where(fine[name] > 0, "some", "none")
    for name in ("race", "sex"):
        levels[name] = list(adult.schema[name].levels)
        coarse[name] = fine[name]
    levels["income"] = ["<=50K", ">50K"]
    coarse["income"] = fine["income"]
    kinds = {name: Categorical(levels[name]) for name in coarse}
    return coarse, TableSchema(kinds, target="income")


COARSE_QUERIES = [
    ("age", "sex", "marital-status", "income"),
    ("education", "income"),
    ("capital-gain", "income"),
    ("capital-loss", "income"),
    ("sex", "hours-per-week"),
    ("marital-status", "race"),
    ("education", "workclass"),
]


def adult_study() -> Study:
    """Return the regression of income on being 45 or older, a man, and married."""
    table, schema = coarse_adult()

    def merge(counts: np.ndarray) -> np.ndarray:
        by_age = np.stack([counts[:, :3].sum(axis=1), counts[:, 3:].sum(axis=1)], axis=1)
        married, others = by_age[:, :, :, 0], by_age[:, :, :, 1:].sum(axis=3)
        return np.stack([others, married], axis=3)

    names = list(COARSE_QUERIES[0])
    codes = [table[name].map({v: k for k, v in enumerate(schema[name].levels)}) for name in names]
    counts = np.zeros([len(schema[name].levels) for name in names])
    np.add.at(counts, tuple(codes), 1)
    (truth,), _ = fit_logistic(merge(counts[None]), penalty=0.0)
    return Study(
        dict(zip(("intercept", "45 or older", "male", "married"), truth.tolist(), strict=True)),
        lambda rng: table.iloc[rng.integers(0, len(table), len(table))].reset_index(drop=True),
        schema,
        COARSE_QUERIES,
        merge,
        len(table),
        "add_remove",
    )


STUDIES = {"logistic": simulated_study, "adult": adult_study}


def marginal(model: Any, names: tuple[str, ...]) -> np.ndarray:
    """Return the exact marginal of a fitted network over columns within one of its cliques."""
    variables = [model.domain.main[model.domain.names.index(name)] for name in names]
    clique, table = next(
        (clique, table)
        for clique, table in zip(model.network.tree.cliques, model.tables, strict=True)
        if set(variables) <= set(clique)
    )
    summed_out = tuple(axis for axis, v in enumerate(clique) if v not in variables)
    kept = [v for v in clique if v in variables]
    return table.sum(axis=summed_out).transpose([kept.index(v) for v in variables])


def fit_study(
    study: Study, epsilon: float, inference: str, prior_scale: Any, seed: int
) -> NapsuMQSynthesizer:
    """Fit the synthesizer to the rows of one repeat."""
    return NapsuMQSynthesizer(
        epsilon,
        study.n_rows**-2.0,
        study.adjacency,
        schema=study.schema,
        queries=study.queries,
        inference=inference,
        prior_scale=prior_scale,
        n_draws=N_DRAWS,
        random_state=seed,
    ).fit(study.draw_table(np.random.default_rng((seed, 0))))


def repeat_once(
    study: Study, epsilon: float, inference: str, prior_scale: Any, seed: int
) -> Repeat:
    """Fit, draw synthetic tables, and combine their regressions."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ConvergenceWarning)
        synthesizer = fit_study(study, epsilon, inference, prior_scale, seed)
    rng = np.random.default_rng((seed, 1))
    n_rows = synthesizer.n_records_
    drawn = []
    for _ in range(N_DATASETS):
        table = marginal(synthesizer.model_.draw_posterior(rng), study.queries[0])
        drawn.append(rng.multinomial(n_rows, table.ravel() / table.sum()).reshape(table.shape))
    cells = study.merge(np.array(drawn))
    combined = combine_estimates(*fit_logistic(cells), n_synthetic=n_rows, n_real=n_rows)
    truth = np.array(list(study.coefficients.values()))
    (low, high), (inner_low, inner_high) = combined.interval(0.95), combined.interval(0.8)
    return Repeat(
        combined.estimate - truth,
        (low <= truth) & (truth <= high),
        (inner_low <= truth) & (truth <= inner_high),
        high - low,
        np.isinf(combined.degrees_of_freedom),
        float(np.mean((cells == 0).reshape(len(cells), -1).any(axis=1))),
        any(issubclass(warning.category, ConvergenceWarning) for warning in caught),
    )


def describe(
    study: Study, epsilon: float, inference: str, prior_scale: Any, n_repeats: int
) -> list[str]:
    """Return a row of the markdown table for every coefficient."""
    repeats = [
        repeat_once(study, epsilon, inference, prior_scale, seed) for seed in range(n_repeats)
    ]
    together = Repeat(*(np.array(values) for values in zip(*repeats, strict=True)))
    rows = []
    for j, (name, truth) in enumerate(study.coefficients.items()):
        coverages = []
        for covers in (together.covers_95[:, j], together.covers_80[:, j]):
            share = covers.mean()
            error = np.sqrt(share * (1 - share) / n_repeats)
            coverages.append(f"{share:.3f} ± {error:.3f}")
        cells = [
            inference,
            f"{epsilon:g}",
            f"{name} = {truth:.2f}",
            *coverages,
            f"{together.width[:, j].mean():.3f}",
            f"{together.error[:, j].mean():+.3f}",
            f"{together.error[:, j].std():.3f}",
            f"{together.is_replaced[:, j].mean():.3f}",
            f"{together.share_empty.mean():.3f}",
            f"{together.is_fallback.mean():.3f}",
            f"{n_repeats:,}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def main() -> None:
    """Print the table as markdown, and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--inference", nargs="+", default=["laplace", "nuts"])
    parser.add_argument("--epsilon", type=float, nargs="+", default=[1.0])
    parser.add_argument("--prior-scale", default="auto")
    parser.add_argument("--repeats", type=int, default=300)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    study, scale = STUDIES[arguments.study](), arguments.prior_scale
    scale = scale if scale == "auto" else float(scale)
    lines = [
        f"{arguments.study}: {study.n_rows:,} rows, {study.adjacency}, δ = 1/N², {N_DATASETS} "
        f"synthetic tables a repeat, prior_scale={scale!r}. Coverage ± Monte-Carlo standard error; "
        "mean width of the 95 % intervals; mean and standard deviation of estimate minus truth; "
        "share of intervals with T <= 0, of synthetic tables with an empty cell, and of fits that "
        "fell back on another posterior.",
        "",
        "| inference | ε | coefficient | 95 % | 80 % | width | bias | sd | T <= 0 | empty | "
        "fallback | repeats |",
        "|" + "---|" * 12,
    ]
    for epsilon in arguments.epsilon:
        for inference in arguments.inference:
            rows = describe(study, epsilon, inference, scale, arguments.repeats)
            print(*rows, sep="\n", file=sys.stderr, flush=True)
            lines += rows
            if arguments.output is not None:
                arguments.output.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
