"""The Adapt stage of ClustMix: does it earn its share of the budget, and at which α?

python benchmarks/clustmix_adapt.py adult|mnist|isolet [--epsilon 1] [--shares 0 0.1 0.3]
    [--alphas 0 0.25 0.5 0.75 1] [--seeds 3] [--rows N] [--learners lightgbm logistic kernel]
    [--output FILE]

One table per call; its rows are printed as they come and kept in the file, after those of other
tables.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier
from sklearn.base import ClassifierMixin
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skdpsynth import ClustMixSynthesizer, TableSchema
from skdpsynth.datasets import fetch_adult, fetch_isolet, fetch_mnist
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer

RESULTS = Path(__file__).parent / "results" / "clustmix_adapt.md"
N_LANDMARKS = 500

Split = tuple[pd.DataFrame, pd.DataFrame, TableSchema]


@lru_cache
def split(table: str, seed: int) -> Split:
    """Return training and test rows and the schema: MNIST's own test set, else a quarter."""
    if table == "mnist":
        train, test = (fetch_mnist(subset=subset, as_frame=True) for subset in ("train", "test"))
        return train.frame, test.frame, train.schema
    loaded = {"adult": fetch_adult, "isolet": fetch_isolet}[table]()
    train, test = train_test_split(
        loaded.frame, test_size=0.25, random_state=seed, stratify=loaded.target
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), loaded.schema


def encoder(is_mixed: bool) -> Pipeline:
    """Return what linear and kernel learners read: levels one-hot, numbers standardised.

    Where all columns are numbers of one public range they are centred only: dividing a pixel that
    is almost always 0 by its standard deviation would make most of a few stray values.
    """
    levels = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="missing"),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    numbers = make_pipeline(SimpleImputer(), StandardScaler(with_std=is_mixed))
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (levels, make_column_selector(dtype_exclude="number")),
    )


class LevelsAsText:
    """Turns every column that is not a number into text, so that levels of all dtypes are alike."""

    def fit(self, X: pd.DataFrame, y: object = None) -> LevelsAsText:
        """Return self."""
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return the table with text columns, None where missing."""
        return X.assign(
            **{
                name: X[name].astype(object).map(str, na_action="ignore").where(X[name].notna())
                for name in X.select_dtypes(exclude="number")
            }
        )


def make_learner(name: str, schema: TableSchema) -> ClassifierMixin:
    """Return a downstream learner: boosted trees, a linear model or a kernel machine."""
    if name == "lightgbm":
        return make_pipeline(CategoryDtypeEncoder(), LGBMClassifier(verbose=-1, n_jobs=2))
    is_mixed = len(schema.columns) < 60
    if name == "logistic":
        steps = [LogisticRegression(max_iter=200)]
    else:
        # ridge regression on one-hot classes in the span of landmarks of a Gaussian kernel
        gamma = 0.01 if is_mixed else 0.02
        kernel = Nystroem(gamma=gamma, n_components=N_LANDMARKS, random_state=0)
        steps = [kernel, RidgeClassifier(alpha=1.0)]
    return make_pipeline(LevelsAsText(), encoder(is_mixed), *steps)


def make_scorer(learner: str, schema: TableSchema, n_rows: int, seed: int) -> TSTRScorer:
    """Return the scorer: AUC for two classes, accuracy for more."""
    n_classes = len(schema.columns[schema.target].levels)
    scoring = "roc_auc" if n_classes == 2 else "accuracy"
    return TSTRScorer(make_learner(learner, schema), scoring, n_samples=n_rows, random_state=seed)


def score_setting(
    parts: Split, table: str, arguments: argparse.Namespace, seed: int, setting: dict[str, float]
) -> dict[str, float]:
    """Fit once, return the score of every learner and the seconds of the fit."""
    train, test, schema = parts
    delta = 1e-5 if table == "mnist" else 1.0 / len(train)
    synthesizer = ClustMixSynthesizer(arguments.epsilon, delta, schema=schema, **setting)
    start = time.process_time()
    synthesizer.fit(train)
    seconds = time.process_time() - start
    n_rows = min(arguments.rows or len(train), len(train))
    scores = {
        learner: make_scorer(learner, schema, n_rows, seed)(synthesizer, test)
        for learner in arguments.learners
    }
    return scores | {"fit_cpu_s": seconds}


def score_real(parts: Split, arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Return every learner's score when it is trained on real rows, as many as synthetic ones."""
    train, test, schema = parts
    n_rows = min(arguments.rows or len(train), len(train))
    train = train.sample(n_rows, random_state=seed)
    target = schema.target
    split_parts = [
        part for rows in (train, test) for part in (rows.drop(columns=target), rows[target])
    ]
    return {
        learner: make_scorer(learner, schema, n_rows, seed).score_real(*split_parts, schema=schema)
        for learner in arguments.learners
    }


def settings(shares: list[float], alphas: list[float]) -> Iterator[dict[str, float]]:
    """Yield what is compared: without a share, α has no effect."""
    for share in shares:
        for alpha in alphas if share else [1.0]:
            yield {"adapt_share": share, "alpha": alpha}


def describe(runs: pd.DataFrame, name: str) -> str:
    """Return a mean and its spread over the splits."""
    spread = f" ± {runs[name].std():.4f}" if len(runs) > 1 else ""
    return f"{runs[name].mean():.4f}{spread}"


def main() -> None:
    """Print the rows as they come, and append them to the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=["adult", "mnist", "isolet"])
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.1, 0.3])
    parser.add_argument("--alphas", type=float, nargs="+", default=[0.0, 0.25, 0.5, 0.75, 1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=int, help="synthetic rows, where not all")
    names = ["lightgbm", "logistic", "kernel"]
    parser.add_argument("--learners", nargs="+", choices=names, default=names)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    columns = [*arguments.learners, "fit CPU s"]

    def keep(line: str) -> None:
        print(line, flush=True)
        with arguments.output.open("a") as file:
            file.write(line + "\n")

    table, seeds = arguments.table, range(arguments.seeds)
    score = "AUC" if table == "adult" else "accuracy"
    n_rows = "as many synthetic as training rows"
    if arguments.rows:
        n_rows = f"{arguments.rows:,} synthetic rows"
    keep(
        f"\n{table}, ε = {arguments.epsilon:g}: {score}, mean ± standard deviation over "
        f"{len(seeds)} fits; {n_rows}.\n"
    )
    keep("| adapt_share | alpha | " + " | ".join(columns) + " |")
    keep("|---" * (len(columns) + 2) + "|")
    parts = {seed: split(table, seed if table != "mnist" else 0) for seed in seeds}
    real = pd.DataFrame([score_real(parts[seed], arguments, seed) for seed in seeds])
    keep("| real rows | | " + " | ".join(describe(real, name) for name in real) + " | |")
    for setting in settings(arguments.shares, arguments.alphas):
        scores = [score_setting(parts[seed], table, arguments, seed, setting) for seed in seeds]
        runs = pd.DataFrame(scores)
        cells = [describe(runs, name) for name in arguments.learners]
        share, alpha = setting["adapt_share"], setting["alpha"] if setting["adapt_share"] else "any"
        seconds = np.mean(runs["fit_cpu_s"])
        keep(f"| {share} | {alpha} | " + " | ".join(cells) + f" | {seconds:.1f} |")


if __name__ == "__main__":
    sys.exit(main())
