"""What three-way marginals are shrunk to: conditional independence, or the model of pairs.

python benchmarks/shrinkage.py [--tables NAME ...] [--seeds 4] [--output FILE]

Both are inferred from the same releases of `NapsuMQSynthesizer(queries="auto")` at ε = 1, so that
differences are not those of noise. AUC is that of LightGBM, trained on as many synthetic rows as
training rows (mean of 2 samples); distances are over all pairs of columns, at most 150, from
200,000 synthetic rows; the log density is that of the test rows. Seconds of CPU are those of
inference.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
from _simulated import Shape, simulate
from _tables import LOADERS, split
from lightgbm import LGBMClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skdpsynth import Categorical, NapsuMQSynthesizer, TableSchema
from skdpsynth.metrics import CategoryDtypeEncoder, TSTRScorer, marginal_tvd
from skdpsynth.napsu import _inference
from skdpsynth.napsu._denoise import PairModel

N_DISTANCE = 200_000
MOST_ROWS = 40_000
SIMULATED = {
    f"{label}, {n_rows:,} rows": (label, n_rows)
    for label in ("interactions", "wide, weak label")
    for n_rows in (3_000, 20_000)
}


def weak_label(n_rows: int, seed: int) -> tuple[pd.DataFrame, TableSchema]:
    """Return 45 columns, all of which say a little of a rare class, some of them in pairs."""
    frame, schema = simulate(Shape(n_rows, 45), seed)
    columns = frame.drop(columns="label")
    ranks = columns.apply(lambda c: pd.Series(pd.factorize(c, sort=True)[0]).rank()).to_numpy()
    scores = (ranks - ranks.mean(axis=0)) / ranks.std(axis=0)
    rng = np.random.default_rng([seed, n_rows, 7])
    signal = scores @ rng.normal(size=45) / np.sqrt(45)
    for a, b in rng.permutation(45)[:10].reshape(5, 2):
        signal += 0.3 * rng.choice([-1, 1]) * scores[:, a] * scores[:, b]
    signal = signal / signal.std() + 1.2 * rng.gumbel(size=n_rows)
    frame["label"] = np.where(signal > np.quantile(signal, 0.89), "1", "0").astype(object)
    kinds = {name: schema[name] for name in columns} | {"label": Categorical(["0", "1"])}
    return frame, TableSchema(kinds, target="label")


def load(table: str, seed: int) -> tuple[pd.DataFrame, pd.DataFrame, TableSchema]:
    """Return training rows, test rows and the schema."""
    if table in LOADERS:
        train, test, schema = split(table, seed)
        return train.iloc[:MOST_ROWS], test.iloc[:MOST_ROWS], schema
    label, n_rows = SIMULATED[table]
    n_all = n_rows * 4 // 3
    shape = Shape(n_all, 15, "interaction", share_numeric=0.4)
    frame, schema = simulate(shape, seed) if label == "interactions" else weak_label(n_all, seed)
    train, test = train_test_split(
        frame, test_size=0.25, random_state=seed, stratify=frame["label"]
    )
    return train.reset_index(drop=True), test.reset_index(drop=True), schema


def measure(table: str, seed: int) -> pd.DataFrame:
    """Return the figures of both, a row each."""
    train, test, schema = load(table, seed)
    synthesizer = NapsuMQSynthesizer(1.0, 1e-6, schema=schema, random_state=seed, inference="map")
    infer, calls = _inference.infer_network, []
    with mock.patch("skdpsynth.napsu._plan.infer_network", lambda *a: calls.append(a) or infer(*a)):
        synthesizer.fit(train)
    simple = mock.patch.object(_inference, "expect_interactions", lambda *a: PairModel(a[3], None))
    rows = {}
    for name in ("independent", "pairs"):
        before = time.process_time()
        if name == "pairs":
            model = infer(*calls[0])
        else:
            with simple:
                model = infer(*calls[0])
        seconds = time.process_time() - before
        synthesizer.model_ = model
        learner = make_pipeline(CategoryDtypeEncoder(), LGBMClassifier(verbose=-1, n_jobs=1))
        scores = [
            TSTRScorer(learner, n_samples=len(train), random_state=k)(synthesizer, test)
            for k in range(2)
        ]
        synthetic = synthesizer.sample(N_DISTANCE, random_state=0)
        distance = marginal_tvd(train, synthetic, schema, 2, max_marginals=150, random_state=0)
        rows[name] = {
            "AUC": np.mean(scores),
            "TVD": distance,
            "log density": synthesizer.score(test),
            "seconds": seconds,
        }
    return pd.DataFrame(rows).T


def main() -> None:
    """Print a markdown table."""
    names = ["adult", "census", *SIMULATED]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", default=names, choices=names)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = []
    for table in arguments.tables:
        runs = [measure(table, seed) for seed in range(arguments.seeds)]
        mean = sum(runs) / len(runs)
        gains = np.array([run.loc["pairs"] - run.loc["independent"] for run in runs])
        error = gains.std(axis=0, ddof=1) / np.sqrt(len(runs))
        if not lines:
            heads = ["table", "shrunk to", *mean.columns]
            lines += ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for name, figures in mean.iterrows():
            lines.append(f"| {table} | {name} | " + " | ".join(f"{v:.4f}" for v in figures) + " |")
        difference = (f"{g:+.4f} ± {e:.4f}" for g, e in zip(gains.mean(axis=0), error, strict=True))
        lines.append(f"| {table} | difference | " + " | ".join(difference) + " |")
        print(*lines[-3:], sep="\n", file=sys.stderr, flush=True)
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.output is not None:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
