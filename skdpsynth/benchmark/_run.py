"""The benchmark: which runs there are, which are done, and doing the others."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .. import __version__
from ._figure import figure_class
from ._markdown import score_names
from ._measure import Run, measure
from ._methods import REAL, describe, read_methods
from ._process import measure_apart, write_table
from ._result import BenchmarkResult, read_published
from ._scorers import read_scorers
from ._store import ResultStore
from ._table import BenchmarkTable, hash_rows, read_table

__all__ = ["run"]


def run(
    data: Any,
    *,
    target: Any = None,
    schema: Any = None,
    methods: Any = None,
    epsilon: float | Sequence[float] = (1.0,),
    seeds: int | Sequence[int] = 3,
    scorers: Any = ("lightgbm", "logistic"),
    delta: float | None = None,
    output: str | Path | None = None,
    split: str = "stratified",
    test_size: float = 0.25,
    max_train_rows: int | None = None,
    missing: Sequence[str] = ("?",),
    edges: Mapping[Any, Sequence[float]] | None = None,
    n_bins: int = 20,
    max_marginals: int = 1000,
    max_columns: int = 100,
    published: Any = None,
    isolate: bool = True,
    timeout: float | None = None,
    retry_failed: bool = False,
    progress: bool = False,
) -> BenchmarkResult:
    """Compare synthesizers on a public table: utility, fidelity, time and memory.

    For every method, ε and seed the table is split, the method fitted on the training rows, and as
    many synthetic rows drawn. Models are trained on these and tested on the real test rows; the
    marginals of the synthetic rows are compared with those of the training rows. The real training
    rows go through the same, as the method ``"real"``.

    Parameters
    ----------
    data : str, path, DataFrame or BenchmarkTable
        The name of a table, such as ``"adult"`` (a ``fetch_*`` of :mod:`skdpsynth.datasets`), a CSV
        file, or rows.
    target : name, optional
        The column to predict, by default the target of the schema.
    schema : TableSchema or path of a JSON file, optional
        Of a file or of rows; named tables have their own.
    methods : str, sequence, or mapping of name to method, optional
        ``"mixture"``, ``"napsu"`` and ``"clustmix"``, which are the default,
        ``"package.module:Name"``, classes, or instances with their settings. A method is whatever
        has `fit` and `sample`; as much of `epsilon`, `delta` and `schema` is set as it takes.
    epsilon : float or sequence of float, default=(1.0,)
        Privacy budgets ε; ``inf`` for none.
    seeds : int or sequence of int, default=3
        Of the splits and of the synthetic rows; a number n stands for 0 to n − 1. The noise is
        drawn anew in every run.
    scorers : str, sequence of str, or mapping of name to estimator
        ``"lightgbm"``, ``"logistic"``, or scikit-learn estimators that read the table as it comes.
    delta : float, optional
        Privacy budget δ; by default one over the number of training rows, which is for public
        tables such as these.
    output : path, optional
        Directory for ``results.csv``, ``settings.json``, ``report.md`` and ``figure.png``. Runs
        that it holds are not repeated.
    split : {"stratified", "official"}, default="stratified"
        At random by label, or the publisher's training and test rows of a named table.
    test_size : float, default=0.25
        Share of the rows to test on.
    max_train_rows : int, optional
        Cut the training rows to so many.
    missing : sequence of str, default=("?",)
        Texts in a CSV file that stand for missing values, besides an empty one.
    edges : mapping of column name to bin edges, optional
        Of numeric columns, for distances between marginals. By default those of a named table, or
        `n_bins` equal-width bins between the public bounds.
    n_bins : int, default=20
        Bins of the other numeric columns.
    max_marginals : int, default=1000
        Distances are averaged over so many marginals at most, the same in every run.
    max_columns : int, default=100
        Of wider tables, the marginals of so many columns are compared, the same in every run.
    published : path of a JSON file or list of dict, optional
        Figures of others to show: ``method``, ``epsilon``, ``score``, ``value``, and optionally
        ``table``, ``scorer``, ``source``.
    isolate : bool, default=True
        Whether every run has a process of its own, so that its memory is counted alone, its time
        includes compilation, and a crash ends nothing else.
    timeout : float, optional
        Seconds after which such a process is stopped.
    retry_failed : bool, default=False
        Whether runs of `output` that failed are repeated.
    progress : bool, default=False
        Whether to show a bar with the remaining time, where the error stream is a terminal.

    Returns
    -------
    BenchmarkResult
        All runs; a method that fails is a row with its reason.

    Raises
    ------
    ValueError
        If an argument makes no sense, or `output` holds results of other settings.
    ImportError
        If a scorer's package, or matplotlib where there is an output, is not installed.

    Notes
    -----
    Everything measured depends on real rows and is not private: benchmark on public tables.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skdpsynth import Categorical, Count, TableSchema
    >>> from skdpsynth.benchmark import run
    >>> age = np.arange(400) % 100
    >>> table = pd.DataFrame({"age": age, "ill": np.where(age > 60, "yes", "no")})
    >>> schema = TableSchema(
    ...     {"age": Count(0, 99), "ill": Categorical(["no", "yes"])}, target="ill"
    ... )
    >>> result = run(
    ...     table, schema=schema, methods="mixture", seeds=1, scorers="logistic", isolate=False
    ... )
    >>> result.runs[["method", "epsilon", "seed", "status"]]
        method  epsilon  seed status
    0     real      NaN     0     ok
    1  mixture      1.0     0     ok
    """
    _check_numbers(delta, test_size, max_train_rows, n_bins, max_marginals, max_columns, timeout)
    epsilons, seeds = _read_epsilons(epsilon), _read_seeds(seeds)
    found, models = read_methods(methods), read_scorers(scorers)
    table = read_table(data, target, schema, split=split, missing=missing)
    common: dict[str, Any] = {
        "delta": delta,
        "test_size": test_size,
        "max_train_rows": max_train_rows,
        "n_bins": n_bins,
        "max_marginals": max_marginals,
        "max_columns": max_columns,
    }
    settings = {
        **_describe_table(table, split),
        **common,
        "edges": _plain(table.edges if edges is None else edges),
        "scorers": {name: m if isinstance(m, str) else describe(m) for name, m in models.items()},
        "skdpsynth": __version__,
    }
    figures = read_published(published, table.name)
    directory = None if output is None else Path(output)
    if directory is not None:
        # what the end needs is looked for at the beginning
        figure_class()
    descriptions = {name: describe(method) for name, method in found.items()}
    store = ResultStore(directory, settings, descriptions)
    plan = [
        Run(name, method, value, seed, scorers=models, edges=edges, **common)
        for seed in seeds
        for name, method, value in _list_fits(found, epsilons)
    ]
    done = {k for k, row in store.rows.items() if row["status"] == "ok" or not retry_failed}
    _carry_out(
        [r for r in plan if r.key not in done], len(plan), table, store, isolate, timeout, progress
    )
    result = BenchmarkResult(store.frame, store.settings, figures, directory)
    if directory is not None:
        result.write()
    return result


def _list_fits(
    methods: Mapping[str, Any], epsilons: Iterable[float]
) -> list[tuple[str, Any, float]]:
    """Return the real rows first: the gap of the others is measured from them."""
    fits = [(name, method, value) for value in epsilons for name, method in methods.items()]
    return [(REAL, None, math.nan), *fits]


def _carry_out(
    todo: Sequence[Run],
    n_runs: int,
    table: BenchmarkTable,
    store: ResultStore,
    isolate: bool,
    timeout: float | None,
    progress: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        execute: Callable[[Run], dict[str, Any]] = lambda run: measure(run, table)  # noqa: E731
        if isolate and todo:
            write_table(table, Path(folder))
            execute = lambda run: measure_apart(run, Path(folder), timeout)  # noqa: E731
        # None: no bar where the stream is not a terminal
        with tqdm(
            total=n_runs,
            initial=n_runs - len(todo),
            disable=None if progress else True,
            unit="run",
            dynamic_ncols=True,
        ) as bar:
            for run in todo:
                bar.set_description(_name(run))
                row = execute(run)
                store.add(run.key, _add_gaps(row, run, store))
                bar.update()


def _name(run: Run) -> str:
    budget = "" if math.isnan(run.epsilon) else f" ε={run.epsilon:g}"
    return f"{run.name}{budget} seed {run.seed}"


def _add_gaps(row: dict[str, Any], run: Run, store: ResultStore) -> dict[str, Any]:
    """Return the row with what is lost against the real rows of the same split."""
    real = store.rows.get((REAL, None, run.seed), {})
    if run.name == REAL:
        return row
    gaps = {
        f"{name}_gap": real[name] - row[name]
        for name in score_names(store.settings)
        if name in real and name in row
    }
    return {**row, **gaps}


def _describe_table(table: BenchmarkTable, split: str) -> dict[str, Any]:
    n_rows = len(table.frame) + (0 if table.test is None else len(table.test))
    return {
        "table": table.name,
        "n_rows": n_rows,
        "n_columns": len(table.schema),
        "n_classes": table.n_classes,
        "target": str(table.schema.target),
        "left_out": list(table.left_out),
        "rows": hash_rows(table),
        "split": split,
    }


def _plain(edges: Mapping[Any, Sequence[float]] | None) -> dict[str, list[float]]:
    return {str(name): [float(edge) for edge in bins] for name, bins in (edges or {}).items()}


def _read_epsilons(epsilon: Any) -> list[float]:
    values = [float(v) for v in (epsilon if isinstance(epsilon, Iterable) else [epsilon])]
    if not values or any(not value > 0 for value in values):
        raise ValueError(f"epsilon={epsilon!r}: name at least one budget, all of them above 0.")
    return list(dict.fromkeys(values))


def _read_seeds(seeds: Any) -> list[int]:
    values = list(seeds) if isinstance(seeds, Iterable) else list(range(seeds))
    if not values or any(seed < 0 for seed in values):
        raise ValueError(f"seeds={seeds!r}: at least one seed is needed, none of them below 0.")
    return list(dict.fromkeys(int(seed) for seed in values))


def _check_numbers(
    delta: float | None,
    test_size: float,
    max_train_rows: int | None,
    n_bins: int,
    max_marginals: int,
    max_columns: int,
    timeout: float | None,
) -> None:
    if delta is not None and not 0 < delta < 1:
        raise ValueError(f"delta={delta!r} is not between 0 and 1.")
    if not 0 < test_size < 1:
        raise ValueError(f"test_size={test_size!r} is not between 0 and 1.")
    positive = {
        "max_train_rows": max_train_rows,
        "n_bins": n_bins,
        "max_marginals": max_marginals,
        "timeout": timeout,
    }
    for name, value in positive.items():
        if value is not None and not value > 0:
            raise ValueError(f"{name}={value!r} is not above 0.")
    if max_columns < 3:
        raise ValueError(f"max_columns={max_columns!r} is below 3: marginals have up to 3 columns.")
