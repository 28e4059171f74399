"""A benchmark as one figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, isinf, isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

from .._extras import how_to_install
from ..displays import legend_below, make_room, method_styles, shorten_text
from ._markdown import published_measure, score_names, title
from ._methods import REAL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw"]

_INK, _PUBLISHED = "#3f4754", "#8b93a1"
_DISTANCE = "two_way_tvd"
_MOST_PANELS_ABREAST = 3


def draw(
    summary: pd.DataFrame,
    settings: Mapping[str, Any],
    published: Sequence[Mapping[str, Any]],
    figure: Figure | None = None,
) -> Figure:
    """Draw every score, and the two-way distance, against ε.

    Parameters
    ----------
    summary : DataFrame
        Means and standard deviations, a row per method and ε.
    settings : mapping
        What the runs depend on.
    published : sequence of mapping
        Figures of others, drawn as diamonds.
    figure : matplotlib Figure, optional
        An empty figure to draw in.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    measures = _choose(settings, summary)
    epsilons = _positions(summary, published)
    width = min(_MOST_PANELS_ABREAST, max(len(measures), 1))
    height = max(ceil(len(measures) / width), 1)
    figure = _prepare(figure, width, height)
    for position, name in enumerate(measures):
        axes = figure.add_subplot(height, width, position + 1)
        _draw_methods(axes, summary, name, epsilons)
        _draw_real(axes, summary, name)
        for entry in published:
            if published_measure(entry, settings) == name:
                label = f"{entry['method']}, published"
                at = epsilons[float(entry["epsilon"])]
                axes.plot(at, entry["value"], "D", color=_PUBLISHED, label=label, zorder=3)
        _finish(axes, name, epsilons, settings)
    entries: dict[Any, Any] = {}
    for axes in figure.axes:
        handles, labels = axes.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    legend_below(figure, entries)
    make_room(figure)
    return figure


def _choose(settings: Mapping[str, Any], summary: pd.DataFrame) -> list[str]:
    names = score_names(settings)
    if settings["n_classes"] == 2:
        names = [name for name in names if not name.endswith("_accuracy")]
    return [n for n in [*names, _DISTANCE] if f"{n}_mean" in summary]


def _positions(summary: pd.DataFrame, published: Sequence[Mapping[str, Any]]) -> dict[float, float]:
    """Give every ε its place: evenly spaced, so that ∞ has one and 0.3, 1, 3 look alike."""
    values = {float(value) for value in summary["epsilon"].dropna()}
    values |= {float(entry["epsilon"]) for entry in published}
    return {value: float(place) for place, value in enumerate(sorted(values))}


def figure_class() -> Any:
    """Return matplotlib's class, or raise an ImportError that says what to install."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            f"The figure of a benchmark needs matplotlib: {how_to_install('benchmark')}"
        ) from error
    return Figure


def _prepare(figure: Figure | None, width: int, height: int) -> Figure:
    NewFigure = figure_class()
    figure = NewFigure() if figure is None else figure
    figure.set_size_inches(3.6 * width + 0.4, 2.9 * height + 0.6)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.06)
    return figure


def _draw_methods(
    axes: Axes, summary: pd.DataFrame, name: str, epsilons: Mapping[float, float]
) -> None:
    methods = [method for method in dict.fromkeys(summary["method"]) if method != REAL]
    styles = method_styles(methods)
    for place, method in enumerate(methods):
        rows = summary[(summary["method"] == method) & summary[f"{name}_mean"].notna()]
        # side by side: the bars of methods that are alike would cover each other
        shift = 0.05 * (place - (len(methods) - 1) / 2)
        x = [epsilons[float(value)] + shift for value in rows["epsilon"]]
        axes.errorbar(
            x,
            rows[f"{name}_mean"].to_numpy(),
            rows[f"{name}_sd"].fillna(0).to_numpy(),
            color=styles[method][0],
            marker="o",
            markersize=4,
            linewidth=1.6,
            capsize=2,
            label=method,
        )


def _draw_real(axes: Axes, summary: pd.DataFrame, name: str) -> None:
    values = summary.loc[summary["method"] == REAL, f"{name}_mean"].dropna()
    if len(values):
        # a bootstrap where rows are compared with themselves
        axes.axhline(values.iloc[0], color=_INK, linestyle="--", linewidth=1.2, label="real rows")


def _finish(
    axes: Axes, name: str, epsilons: Mapping[float, float], settings: Mapping[str, Any]
) -> None:
    heading = shorten_text(f"{settings['table']}: {title(name)}", 80)
    axes.set_title(heading, loc="left", fontsize=10, color=_INK)
    labels = ["∞" if isinf(value) else f"{value:g}" for value in epsilons]
    axes.set_xticks(list(epsilons.values()), labels)
    axes.set_xlabel("ε", color=_INK)
    if epsilons:
        axes.set_xlim(-0.4, len(epsilons) - 0.6)
    low, high = axes.get_ylim()
    if name == _DISTANCE and not isnan(low):
        axes.set_ylim(0, high)
    axes.grid(axis="y", color="#e3e6ea", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_INK, labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
