"""A picture of the one-way marginals of a real and a synthetic table."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skdpsynth.metrics._fidelity import marginal_tvds
from skdpsynth.schema import Categorical, Count, Ordinal, TableSchema

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["plot_marginals"]

_REAL, _SYNTHETIC, _INK = "#c3c8d0", "#c2410c", "#3f4754"
_MOST_LEVELS = 10


def plot_marginals(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    *,
    n_bins: int = 20,
    n_columns: int = 4,
    figure: Figure | None = None,
) -> Figure:
    """Draw every one-way marginal of a real table and of a synthetic one, a panel per column.

    The picture shows the real rows: when these are private, it is not for release.

    Parameters
    ----------
    real, synthetic : DataFrame
        Tables that hold the columns of `schema`.
    schema : TableSchema
        The columns to draw and their kinds.
    n_bins : int, default=20
        Bars of a numeric column. Its axis ends where the largest half per cent of the values of
        both tables begins; these are counted in the last bar.
    n_columns : int, default=4
        Panels per row of the figure.
    figure : matplotlib Figure, optional
        An empty figure to draw in. By default a new one of pyplot's.

    Returns
    -------
    Figure
        The figure. Every panel says the total-variation distance of its marginal, as
        :func:`marginal_tvd` gives it.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.metrics import plot_marginals
    >>> from skdpsynth.schema import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "smoker": Categorical(["no", "yes"])})
    >>> real = pd.DataFrame({"age": [21, 35, 62, 70], "smoker": ["no", "no", "yes", "yes"]})
    >>> figure = plot_marginals(real, real, schema, figure=Figure())
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['age', 'smoker']
    """
    tables = {"real": real, "synthetic": synthetic}
    distances = marginal_tvds(real, synthetic, schema, 1, n_bins=n_bins)["tvd"]
    width = min(n_columns, len(schema))
    height = ceil(len(schema) / width)
    figure = _prepare_figure(figure, width, height)
    for position, (name, distance) in enumerate(zip(schema.names, distances, strict=True)):
        axes = figure.add_subplot(height, width, position + 1)
        columns = {label: table[name] for label, table in tables.items()}
        if isinstance(schema[name], Categorical | Ordinal):
            _draw_levels(axes, columns, schema[name])
        else:
            _draw_numbers(axes, columns, schema[name], n_bins)
        _finish_panel(axes, str(name), distance, labelled=position % width == 0)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)
    return figure


def _prepare_figure(figure: Figure | None, width: int, height: int) -> Figure:
    if figure is None:
        figure = _new_figure()
    figure.set_size_inches(3.1 * width, 2.3 * height + 0.4)
    figure.set_layout_engine("constrained", h_pad=0.08, w_pad=0.06)
    return figure


def _new_figure() -> Figure:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            'plot_marginals needs matplotlib: pip install "skdpsynth[plot]"'
        ) from error
    return pyplot.figure()


def _draw_numbers(axes: Axes, columns: dict[str, pd.Series], kind: Any, n_bins: int) -> None:
    values = {label: _present_numbers(column) for label, column in columns.items()}
    edges = _shown_edges(np.concatenate(list(values.values())), kind, n_bins)
    shares = {}
    for label, numbers in values.items():
        counts, _ = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)
        shares[label] = 100 * counts / len(columns[label])
    axes.stairs(shares["real"], edges, fill=True, color=_REAL, label="real")
    axes.stairs(shares["synthetic"], edges, color=_SYNTHETIC, linewidth=1.6, label="synthetic")
    margin = 0.01 * (edges[-1] - edges[0])
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    missing = {label: 100 * column.isna().mean() for label, column in columns.items()}
    if any(missing.values()):
        axes.set_xlabel(
            f"missing: {missing['real']:.1f} % real, {missing['synthetic']:.1f} % synthetic",
            fontsize=8,
        )


def _present_numbers(column: pd.Series) -> np.ndarray:
    return column.dropna().to_numpy(dtype=float)


def _shown_edges(values: np.ndarray, kind: Any, n_bins: int) -> np.ndarray:
    """Return bin edges over the part of the public range where both tables have their values."""
    low, high = float(kind.low), float(kind.high)
    if len(values):
        low = max(low, values.min())
        high = min(high, np.quantile(values, 0.995))
    if high <= low:
        low, high = float(kind.low), float(kind.high)
    if isinstance(kind, Count):
        # Whole numbers per bar, or bars of unequal content would look like a pattern.
        step = max(1, ceil((high - low + 1) / n_bins))
        return np.arange(low - 0.5, high + step, step)
    return np.linspace(low, high, n_bins + 1)


def _draw_levels(axes: Axes, columns: dict[str, pd.Series], kind: Any) -> None:
    shares = {}
    for label, column in columns.items():
        counts = column.astype(object).value_counts().reindex(list(kind.levels), fill_value=0)
        shares[label] = 100 * counts / len(column)
    frequent = set(shares["real"].nlargest(_MOST_LEVELS).index)
    shown = [level for level in kind.levels if level in frequent]
    names = [str(level) for level in shown]
    bars = {label: share.loc[shown].tolist() for label, share in shares.items()}
    if len(shown) < len(kind.levels):
        names.append("others")
        for label, share in shares.items():
            bars[label].append(share.sum() - sum(bars[label]))
    if any(column.isna().any() for column in columns.values()):
        names.append("missing")
        for label, column in columns.items():
            bars[label].append(100 * column.isna().mean())
    _draw_pairs(axes, names, bars)


def _draw_pairs(axes: Axes, names: list[str], bars: dict[str, list[float]]) -> None:
    places = np.arange(len(names))
    axes.bar(places - 0.2, bars["real"], 0.4, color=_REAL, label="real")
    axes.bar(places + 0.2, bars["synthetic"], 0.4, color=_SYNTHETIC, label="synthetic")
    long_names = max(map(len, names)) * len(names) > 24
    axes.set_xticks(places, names, rotation=90 if long_names else 0)
    axes.set_xlim(-0.7, len(names) - 0.3)


def _finish_panel(axes: Axes, name: str, distance: float, labelled: bool) -> None:
    axes.set_title(name, loc="left", fontsize=10, fontweight="bold", color=_INK)
    axes.set_title(f"TVD {distance:.3f}", loc="right", fontsize=8, color=_INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_INK)
    axes.tick_params(labelsize=8, colors=_INK)
    axes.set_ylim(bottom=0)
    if labelled:
        axes.set_ylabel("% of rows", fontsize=8, color=_INK)
