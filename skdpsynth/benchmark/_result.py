"""What a benchmark found: its runs, their means, and both as text and figure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._files import write_atomically
from ._figure import draw
from ._markdown import format_report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BenchmarkResult", "read_published", "summarise"]

REPORT, FIGURE = "report.md", "figure.png"
_NOT_MEASURES = ("method", "epsilon", "seed", "status", "reason", "warnings", "settings")


@dataclass(frozen=True)
class BenchmarkResult:
    """What :func:`run` returns.

    Attributes
    ----------
    runs : DataFrame
        One row per method, ε and seed; real rows are the method ``"real"``, without an ε.
    settings : dict
        What the runs depend on.
    published : list of dict
        Figures of others to show beside these.
    directory : Path or None
        Where the files are.
    """

    runs: pd.DataFrame
    settings: dict[str, Any]
    published: list[dict[str, Any]]
    directory: Path | None

    def summary(self) -> pd.DataFrame:
        """Return means and standard deviations over seeds, a row per method and ε.

        Returns
        -------
        DataFrame
            ``method``, ``epsilon``, ``n_runs``, ``n_failed``, and for every measure ``<name>_mean``
            and ``<name>_sd`` over the runs that have it (one run has no standard deviation).
        """
        return summarise(self.runs)

    def to_markdown(self) -> str:
        """Return the report: the protocol in a few lines, a table, and the failures."""
        return format_report(self.runs, self.summary(), self.settings, self.published)

    def plot(self, figure: Figure | None = None) -> Figure:
        """Draw every score against ε, a line per method, with the real rows for comparison.

        Parameters
        ----------
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one, unknown to pyplot.
        """
        return draw(self.summary(), self.settings, self.published, figure)

    def write(self) -> None:
        """Write ``report.md`` and ``figure.png`` into the directory."""
        if self.directory is None:
            raise ValueError("The benchmark was run without an output directory.")
        write_atomically(self.directory / REPORT, self.to_markdown().encode("utf-8"))
        self.plot().savefig(self.directory / FIGURE, dpi=150)


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Return what :meth:`BenchmarkResult.summary` describes."""
    measures = [name for name in runs.columns if name not in _NOT_MEASURES]
    values = runs.assign(**{name: pd.to_numeric(runs[name]) for name in measures})
    grouped = values.groupby(["method", "epsilon"], sort=False, dropna=False)
    columns: dict[str, Any] = {
        "n_runs": grouped.size(),
        "n_failed": grouped["status"].apply(lambda status: int((status != "ok").sum())),
    }
    for name in measures:
        columns[f"{name}_mean"] = grouped[name].mean()
        columns[f"{name}_sd"] = grouped[name].std()
    frame = pd.DataFrame(columns).reset_index()
    order = {name: i for i, name in enumerate(dict.fromkeys(frame["method"]))}
    return frame.sort_values(
        ["method", "epsilon"],
        key=lambda column: column.map(order) if column.name == "method" else column,
        kind="stable",
        ignore_index=True,
    )


def read_published(published: Any, table: str) -> list[dict[str, Any]]:
    """Return the published figures of a table.

    Parameters
    ----------
    published : None, path of a JSON file, or sequence of mappings
        ``method``, ``epsilon``, ``score`` (a measure such as "auc"), ``value``; optionally
        ``table`` (figures of other tables are left out), ``scorer`` and ``source``.
    table : str
        The name of the table.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if published is None:
        return []
    entries = published
    if isinstance(published, str | Path):
        try:
            entries = json.loads(Path(published).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"Published figures cannot be read: {error}.") from None
    if not isinstance(entries, Sequence) or not all(isinstance(e, Mapping) for e in entries):
        raise ValueError("Published figures must be a list of objects.")
    for entry in entries:
        absent = [k for k in ("method", "epsilon", "score", "value") if k not in entry]
        if absent:
            raise ValueError(f"A published figure lacks {absent}: {dict(entry)}.")
    return [dict(entry) for entry in entries if entry.get("table", table) == table]
