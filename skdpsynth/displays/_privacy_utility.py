"""What privacy costs: scores of several methods against ε."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isinf
from typing import TYPE_CHECKING, Any

import pandas as pd

from ._room import make_room
from ._style import GRID, INK, finish_panel, legend_below, make_panels, method_styles, shorten_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PrivacyUtilityDisplay"]

_SCORE = re.compile(r"(?:^|_)(?:auc|accuracy|f1|r2|rmse|precision|tvd)$")
_SPELLINGS = {
    "auc": "AUC",
    "f1": "F1",
    "lightgbm": "LightGBM",
    "r2": "R²",
    "rmse": "RMSE",
    "roc": "ROC",
    "tvd": "TVD",
}


class PrivacyUtilityDisplay:
    """Scores of several methods against ε, means and standard deviations over seeds.

    Use :meth:`from_results` to make one.

    Parameters
    ----------
    summary : DataFrame
        ``method``, ``epsilon`` and, for every measure, ``<name>_mean`` and ``<name>_sd``. Rows
        without ε, such as those of a model trained on real rows, are drawn as a line across.
    measures : sequence of str
        What is drawn, a panel each.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once plotted.
    axes_ : list of matplotlib Axes
        Its panels.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.displays import PrivacyUtilityDisplay
    >>> runs = pd.DataFrame(
    ...     {"method": "mixture", "epsilon": [0.5, 0.5, 2.0], "seed": [0, 1, 0],
    ...      "auc": [0.7, 0.8, 0.9]}
    ... )
    >>> display = PrivacyUtilityDisplay.from_results(runs, figure=Figure())
    >>> display.summary["auc_mean"].tolist()
    [0.75, 0.9]
    """

    def __init__(self, summary: pd.DataFrame, measures: Sequence[str]) -> None:
        self.summary = summary
        self.measures = tuple(measures)

    @classmethod
    def from_results(
        cls,
        results: Any,
        measures: str | Sequence[str] | None = None,
        *,
        figure: Figure | None = None,
    ) -> PrivacyUtilityDisplay:
        """Average runs over seeds and draw them.

        Parameters
        ----------
        results : DataFrame or BenchmarkResult
            One row per method, ε and seed, with columns ``method``, ``epsilon`` (NaN for rows
            without privacy loss of their own, ``inf`` for a synthesizer without noise) and a column
            per measure. What `skdpsynth.benchmark.run` returns has such ``runs``.
        measures : str or sequence of str, optional
            Columns to draw. By default those whose names end in "auc", "accuracy", "f1", "r2",
            "rmse", "precision" or "tvd".
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        PrivacyUtilityDisplay

        Raises
        ------
        ValueError
            If a column is absent, or none is recognised as a measure.
        """
        runs = getattr(results, "runs", results)
        chosen = _choose_measures(runs, measures)
        values = runs.assign(**{name: pd.to_numeric(runs[name]) for name in chosen})
        values["epsilon"] = pd.to_numeric(values["epsilon"])
        grouped = values.groupby(["method", "epsilon"], sort=False, dropna=False)
        columns = {}
        for name in chosen:
            columns[f"{name}_mean"], columns[f"{name}_sd"] = (
                grouped[name].mean(),
                grouped[name].std(),
            )
        return cls(pd.DataFrame(columns).reset_index(), chosen).plot(figure=figure)

    def plot(self, *, figure: Figure | None = None) -> PrivacyUtilityDisplay:
        """Draw a panel per measure."""
        self.figure_, self.axes_ = make_panels(
            len(self.measures), figure, n_columns=3, size=(3.8, 3.0)
        )
        found = self.summary["epsilon"].dropna().unique().tolist()
        # evenly spaced, so that ∞ has a place and 0.3, 1, 3 look alike
        places = {float(value): place for place, value in enumerate(sorted(found))}
        for axes, name in zip(self.axes_, self.measures, strict=True):
            self._draw(axes, name, places)
            axes.set_xticks(
                list(places.values()), ["∞" if isinf(value) else f"{value:g}" for value in places]
            )
            axes.set_xlabel("ε (smaller is more private)")
            axes.grid(axis="y", color=GRID, linewidth=0.8)
            axes.set_axisbelow(True)
            finish_panel(axes, shorten_text(_title(name), 60))
        handles, labels = self.axes_[0].get_legend_handles_labels()
        legend_below(self.figure_, dict(zip(labels, handles, strict=True)))
        make_room(self.figure_)
        return self

    def _draw(self, axes: Axes, name: str, places: dict[float, int]) -> None:
        with_epsilon = self.summary[self.summary["epsilon"].notna()]
        methods = list(dict.fromkeys(with_epsilon["method"]))
        styles = method_styles(methods)
        for number, method in enumerate(methods):
            colour, marker = styles[method]
            rows = with_epsilon[with_epsilon["method"] == method].sort_values("epsilon")
            # side by side: the bars of methods that are alike would cover each other
            shift = 0.06 * (number - (len(methods) - 1) / 2)
            axes.errorbar(
                [places[float(value)] + shift for value in rows["epsilon"]],
                rows[f"{name}_mean"].to_numpy(),
                rows[f"{name}_sd"].fillna(0).to_numpy(),
                color=colour,
                marker=marker,
                markersize=5,
                linewidth=1.6,
                capsize=2,
                label=_legend_name(method),
            )
        for _, row in self.summary[self.summary["epsilon"].isna()].iterrows():
            label = "real rows" if row["method"] == "real" else _legend_name(row["method"])
            axes.axhline(
                row[f"{name}_mean"], color=INK, linestyle="--", linewidth=1.2, label=f" {label}"
            )


def _legend_name(method: Any) -> str:
    """Return a label; those that begin with an underscore are left out by matplotlib."""
    return f" {method}" if str(method).startswith("_") else str(method)


def _title(name: str) -> str:
    """Return the name of a measure in words: "two way TVD" for ``two_way_tvd``."""
    return " ".join(_SPELLINGS.get(word, word) for word in str(name).split("_"))


def _choose_measures(runs: pd.DataFrame, measures: str | Sequence[str] | None) -> list[str]:
    if measures is None:
        chosen = [name for name in runs.columns if _SCORE.search(str(name))]
        if not chosen:
            raise ValueError(
                f"No measure was recognised among the columns {list(runs.columns)}; name them with "
                "measures=[...]."
            )
    else:
        chosen = [measures] if isinstance(measures, str) else list(measures)
    absent = [name for name in ("method", "epsilon", *chosen) if name not in runs.columns]
    if absent:
        raise ValueError(f"The results lack the columns {absent}; they have {list(runs.columns)}.")
    return chosen
