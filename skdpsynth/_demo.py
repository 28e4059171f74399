"""The demonstration: a private synthetic copy of a real table, measured against the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap
from time import perf_counter
from typing import Any

import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold

from .datasets import load_rand_hie
from .displays import MarginalDisplay
from .metrics import TSTRScorer, marginal_tvd
from .mixture import DPMixtureSynthesizer

__all__ = ["DemoResult", "format_report", "run_demo"]

_CSV, _PNG = "synthetic.csv", "marginals.png"


@dataclass(frozen=True)
class DemoResult:
    """What the demonstration measured; see :func:`format_report` for the words."""

    synthesizer: str
    target: str
    n_train: int
    n_test: int
    n_synthetic: int
    n_columns: int
    privacy_spent: Any
    seconds_fit: float
    seconds_sample: float
    synthetic_score: float
    real_score: float
    synthetic_tvd: dict[int, float]
    bootstrap_tvd: dict[int, float]
    csv: Path
    png: Path


def run_demo(
    output_dir: str | Path,
    epsilon: float = 1.0,
    seed: int | None = None,
    *,
    synthesizer: Any = None,
    table: Any = None,
) -> DemoResult:
    """Fit a synthesizer on three quarters of a table, sample, measure, and write the files.

    Parameters
    ----------
    output_dir : path
        Directory for the synthetic CSV and the picture; made if need be.
    epsilon : float, default=1.0
        Privacy budget ε of the default synthesizer.
    seed : int, optional
        Seed of the default synthesizer and of the samples. Whoever knows it can subtract the
        noise: for public tables such as this one only.
    synthesizer : synthesizer, optional
        By default a ``DPMixtureSynthesizer`` with the schema of the table.
    table : Bunch, optional
        ``frame``, ``groups`` and ``schema``, as :func:`~skdpsynth.datasets.load_rand_hie` has them.

    Returns
    -------
    DemoResult
        Scores, distances, budget spent and the paths of the files.
    """
    table = load_rand_hie() if table is None else table
    schema, target = table.schema, table.schema.target
    train, test = _split(table)
    if synthesizer is None:
        synthesizer = _default_synthesizer(epsilon, schema, seed)
    start = perf_counter()
    synthesizer.fit(train)
    fitted = perf_counter()
    synthetic = synthesizer.sample(max(1, round(synthesizer.n_records_)), random_state=seed)
    sampled = perf_counter()
    scorer = TSTRScorer(random_state=0 if seed is None else seed)
    X_train, X_test = train.drop(columns=target), test.drop(columns=target)
    bootstrap = train.sample(len(train), replace=True, random_state=0)
    csv, png = _write_files(Path(output_dir), train, synthetic, schema)
    return DemoResult(
        synthesizer=type(synthesizer).__name__,
        target=target,
        n_train=len(train),
        n_test=len(test),
        n_synthetic=len(synthetic),
        n_columns=len(schema),
        privacy_spent=synthesizer.privacy_spent_,
        seconds_fit=fitted - start,
        seconds_sample=sampled - fitted,
        synthetic_score=scorer(synthesizer, X_test, test[target]),
        real_score=scorer.score_real(X_train, train[target], X_test, test[target], schema),
        synthetic_tvd={order: marginal_tvd(train, synthetic, schema, order) for order in (1, 2)},
        bootstrap_tvd={order: marginal_tvd(train, bootstrap, schema, order) for order in (1, 2)},
        csv=csv,
        png=png,
    )


def _split(table: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold back one group in four; a model would recognise rows of the groups it was trained on."""
    folds = StratifiedGroupKFold(n_splits=4, shuffle=True, random_state=0)
    labels = table.frame[table.schema.target]
    train, test = next(folds.split(table.frame, labels, table.groups))
    return table.frame.iloc[train], table.frame.iloc[test]


def _default_synthesizer(epsilon: float, schema: Any, seed: int | None) -> Any:
    return DPMixtureSynthesizer(epsilon=epsilon, schema=schema, random_state=seed)


def _write_files(
    directory: Path, real: pd.DataFrame, synthetic: pd.DataFrame, schema: Any
) -> tuple[Path, Path]:
    from matplotlib.figure import Figure

    directory.mkdir(parents=True, exist_ok=True)
    synthetic.to_csv(directory / _CSV, index=False)
    figure = MarginalDisplay.from_tables(real, synthetic, schema, figure=Figure()).figure_
    figure.savefig(directory / _PNG, dpi=150)
    return directory / _CSV, directory / _PNG


def format_report(result: DemoResult) -> str:
    """Say in a table what the demonstration did.

    Parameters
    ----------
    result : DemoResult
        What :func:`run_demo` returns.

    Returns
    -------
    str
        Lines of at most 80 characters.
    """
    spent = result.privacy_spent
    facts = {
        "training rows": f"{result.n_train:,} of {result.n_columns} columns",
        "synthetic rows": f"{result.n_synthetic:,} (as many as the synthesizer counted)",
        "privacy spent": f"epsilon = {spent.epsilon:.4g}, delta = {spent.delta:.3g}",
        "adjacency": f"{spent.adjacency}",
        "time": f"{result.seconds_fit:.1f} s to fit, {result.seconds_sample:.1f} s to sample",
    }
    lines = ["", f"{result.synthesizer} on the RAND Health Insurance Experiment", ""]
    lines += [f"  {fact:<16}{value}" for fact, value in facts.items()]
    for note in spent.notes:
        lines += wrap(f"note: {note}", 78, initial_indent="  ", subsequent_indent=" " * 8)
    lines += ["", *_format_scores(result), ""]
    lines += [f"  synthetic rows  {result.csv}", f"  picture         {result.png}", ""]
    return "\n".join([*lines, *_CAVEAT, ""])


_CAVEAT = (
    "The figures and the picture compare with the real rows. They are not covered by",
    "the privacy guarantee; the synthetic rows are.",
)


def _format_scores(result: DemoResult) -> list[str]:
    rows = [
        (
            f"ROC AUC for {result.target} on {result.n_test:,} real rows",
            result.synthetic_score,
            result.real_score,
        )
    ]
    names = {1: "one-way", 2: "two-way"}
    rows += [
        (
            f"mean TVD of all {names[order]} marginals",
            result.synthetic_tvd[order],
            result.bootstrap_tvd[order],
        )
        for order in result.synthetic_tvd
    ]
    width = max(len(name) for name, _, _ in rows)
    header = f"  {'':<{width}}  synthetic    real"
    body = [f"  {name:<{width}}  {own:9.3f}  {real:6.3f}" for name, own, real in rows]
    legend = [
        "",
        "  AUC: higher is better; 'real' is the same model trained on the real rows.",
        "  TVD: lower is better; 'real' is a bootstrap of the real rows.",
    ]
    return [header, *body, *legend]
