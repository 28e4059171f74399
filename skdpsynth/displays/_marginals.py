"""Marginals of a real and a synthetic table, a panel per column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from ..metrics import marginal_tvds
from ..schema import Categorical, Ordinal, TableSchema, as_plain_frame
from ._room import make_room
from ._style import (
    REAL,
    REAL_LINE,
    SYNTHETIC,
    finish_panel,
    legend_above,
    make_panels,
    shorten_numbers,
    shorten_text,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Marginal", "MarginalDisplay"]

_MOST_LEVELS = 10
_N_STEPS = 200


class Marginal(NamedTuple):
    """One column of both tables as it is drawn.

    Attributes
    ----------
    name : column name
    labels : tuple of str or None
        Levels, then "others" and "missing" where there are any; None for numbers.
    edges : ndarray of shape (n_bins + 1,) or None
        Bin edges of numbers; None for levels.
    real, synthetic : ndarray of shape (n_levels,) or (n_bins,)
        Per cent of all rows.
    missing : tuple of float
        Per cent of missing values, real and synthetic.
    tvd : float
        Total-variation distance, as `marginal_tvd` gives it.
    """

    name: Any
    labels: tuple[str, ...] | None
    edges: np.ndarray | None
    real: np.ndarray
    synthetic: np.ndarray
    missing: tuple[float, float]
    tvd: float


class MarginalDisplay:
    """One-way marginals of a real and a synthetic table, or their cumulative sums.

    Use :meth:`from_tables` to make one. The picture shows the real rows: when these are private, it
    is not for release.

    Parameters
    ----------
    marginals : sequence of Marginal
        What is drawn, a panel each.
    cumulative : bool, default=False
        Whether sums from the left are drawn in place of shares.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once plotted.
    axes_ : list of matplotlib Axes
        Its panels.

    See Also
    --------
    skdpsynth.metrics.marginal_tvds : The distances in the panels.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.displays import MarginalDisplay
    >>> from skdpsynth.schema import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "smoker": Categorical(["no", "yes"])})
    >>> real = pd.DataFrame({"age": [21, 35, 62, 70], "smoker": ["no", "no", "yes", "yes"]})
    >>> display = MarginalDisplay.from_tables(real, real, schema, figure=Figure())
    >>> [axes.get_title(loc="left") for axes in display.axes_]
    ['age', 'smoker']
    """

    def __init__(self, marginals: Sequence[Marginal], *, cumulative: bool = False) -> None:
        self.marginals = tuple(marginals)
        self.cumulative = cumulative

    @classmethod
    def from_tables(
        cls,
        real: pd.DataFrame,
        synthetic: pd.DataFrame,
        schema: TableSchema,
        *,
        cumulative: bool = False,
        n_bins: int = 20,
        edges: Mapping[Any, Sequence[float]] | None = None,
        n_columns: int = 4,
        figure: Figure | None = None,
    ) -> MarginalDisplay:
        """Compute the marginals of two tables and draw them.

        Parameters
        ----------
        real, synthetic : DataFrame
            Tables that hold the columns of `schema`.
        schema : TableSchema
            The columns to draw and their kinds.
        cumulative : bool, default=False
            Draw cumulative sums: for every value the share of rows up to it, from left to right.
        n_bins : int, default=20
            Bars of a numeric column. Its axis ends where the largest half per cent of the values of
            both tables begins; these are counted in the last bar. Cumulative sums have finer steps.
        edges : mapping of column name to increasing sequence of numbers, optional
            The bins in which distances are measured, as in `marginal_tvd`.
        n_columns : int, default=4
            Panels per row of the figure.
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        MarginalDisplay
            Every panel says the total-variation distance of its marginal; of cumulative sums the
            greatest gap between both curves.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        TableMismatchError
            A column is absent, a table is empty, or a value is not among the levels of its column.
        """
        real, synthetic = as_plain_frame(real), as_plain_frame(synthetic)
        distances = marginal_tvds(real, synthetic, schema, 1, n_bins=n_bins, edges=edges)["tvd"]
        marginals = [
            _compute(real[name], synthetic[name], schema[name], distance, n_bins, cumulative)
            for name, distance in zip(schema.names, distances, strict=True)
        ]
        return cls(marginals, cumulative=cumulative).plot(n_columns=n_columns, figure=figure)

    def plot(self, *, n_columns: int = 4, figure: Figure | None = None) -> MarginalDisplay:
        """Draw the panels; the parameters are those of `from_tables`."""
        n_labels = max((len(m.labels or ()) for m in self.marginals), default=0)
        # a line for each level, and what is above and below the panel
        height = 2.3 if self.cumulative else max(2.3, 0.15 * n_labels + 1.1)
        self.figure_, self.axes_ = make_panels(
            len(self.marginals), figure, n_columns=n_columns, size=(3.1, height)
        )
        for axes, marginal in zip(self.axes_, self.marginals, strict=True):
            draw = _draw_sums if self.cumulative else _draw_shares
            note = draw(axes, marginal)
            if marginal.labels is None and any(marginal.missing):
                axes.set_xlabel(
                    f"missing: {marginal.missing[0]:.1f} % real, "
                    f"{marginal.missing[1]:.1f} % synthetic"
                )
            finish_panel(axes, shorten_text(marginal.name, 26), note)
        legend_above(self.figure_, self.axes_[0])
        make_room(self.figure_)
        return self


def _compute(
    real: pd.Series,
    synthetic: pd.Series,
    kind: Any,
    distance: float,
    n_bins: int,
    cumulative: bool,
) -> Marginal:
    columns = (real, synthetic)
    missing = 100 * float(real.isna().mean()), 100 * float(synthetic.isna().mean())
    if isinstance(kind, Categorical | Ordinal):
        most = _N_STEPS if cumulative else _MOST_LEVELS
        labels, (first, second) = _share_of_levels(columns, kind, most)
        return Marginal(real.name, labels, None, first, second, missing, float(distance))
    edges, (first, second) = _share_of_numbers(columns, kind, _N_STEPS if cumulative else n_bins)
    return Marginal(real.name, None, edges, first, second, missing, float(distance))


def _share_of_numbers(
    columns: Sequence[pd.Series], kind: Any, n_bins: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    values = [column.dropna().to_numpy(dtype=float) for column in columns]
    edges = _shown_edges(np.concatenate(values), kind, n_bins)
    shares = []
    for numbers, column in zip(values, columns, strict=True):
        counts, _ = np.histogram(np.clip(numbers, edges[0], edges[-1]), edges)
        shares.append(100 * counts / len(column))
    return edges, shares


def _shown_edges(values: np.ndarray, kind: Any, n_bins: int) -> np.ndarray:
    """Return bin edges over the part of the public range where both tables have their values."""
    low, high = float(kind.low), float(kind.high)
    if len(values):
        low = max(low, values.min())
        high = min(high, np.quantile(values, 0.995))
    if high <= low:
        low, high = float(kind.low), float(kind.high)
    if kind.lattice is not None:
        # whole steps per bar, or bars of unequal content would look like a pattern
        unit = kind.lattice.step
        step = unit * max(1, ceil((round((high - low) / unit) + 1) / n_bins))
        return np.arange(low - 0.5 * unit, high + step, step)
    return np.linspace(low, high, n_bins + 1)


def _share_of_levels(
    columns: Sequence[pd.Series], kind: Any, most: int
) -> tuple[tuple[str, ...], list[np.ndarray]]:
    levels = list(kind.levels)
    shares = []
    for column in columns:
        values = column.astype(object)
        if kind.other is not None:
            values = values.where(values.isin(levels) | values.isna(), kind.other)
        counts = values.value_counts().reindex(levels, fill_value=0)
        shares.append(100 * counts / len(column))
    frequent = set(shares[0].nlargest(most).index)
    shown = [level for level in levels if level in frequent]
    labels = [str(level) for level in shown]
    # not loc, which takes boolean levels for a mask
    bars = [share.reindex(shown).tolist() for share in shares]
    if len(shown) < len(levels):
        labels.append("others")
        for bar, share in zip(bars, shares, strict=True):
            bar.append(share.sum() - sum(bar))
    if any(column.isna().any() for column in columns):
        labels.append("missing")
        for bar, column in zip(bars, columns, strict=True):
            bar.append(100 * float(column.isna().mean()))
    return tuple(labels), [np.asarray(bar) for bar in bars]


def _draw_shares(axes: Axes, marginal: Marginal) -> str:
    if marginal.labels is None:
        edges = marginal.edges
        axes.stairs(marginal.real, edges, fill=True, color=REAL, label="real")
        axes.stairs(marginal.synthetic, edges, color=SYNTHETIC, linewidth=1.6, label="synthetic")
        _limit(axes, marginal)
        axes.set_ylim(bottom=0)
        axes.set_ylabel("% of rows")
    else:
        # lying down, so that the names of the levels can be read
        places = np.arange(len(marginal.labels))
        axes.barh(places - 0.2, marginal.real, 0.4, color=REAL, label="real")
        axes.barh(places + 0.2, marginal.synthetic, 0.4, color=SYNTHETIC, label="synthetic")
        axes.set_yticks(places, [shorten_text(label) for label in marginal.labels])
        axes.set_ylim(len(places) - 0.4, -0.6)
        axes.set_xlabel("% of rows")
    return f"TVD {marginal.tvd:.3f}"


def _draw_sums(axes: Axes, marginal: Marginal) -> str:
    sums = [np.cumsum(share) for share in (marginal.real, marginal.synthetic)]
    styles: tuple[dict[str, Any], ...] = (
        {"color": REAL_LINE, "linewidth": 2.4, "alpha": 0.55, "label": "real"},
        {"color": SYNTHETIC, "linewidth": 1.4, "label": "synthetic"},
    )
    for total, style in zip(sums, styles, strict=True):
        if marginal.labels is None:
            axes.stairs(total, marginal.edges, baseline=None, **style)
        else:
            axes.step(np.arange(len(total)), total, where="mid", **style)
    if marginal.labels is None:
        _limit(axes, marginal)
    else:
        _label_levels(axes, marginal.labels)
    axes.set_ylim(0, 102)
    axes.set_ylabel("% of rows up to")
    return f"gap {np.abs(sums[0] - sums[1]).max():.1f} %"


def _limit(axes: Axes, marginal: Marginal) -> None:
    edges = marginal.edges
    assert edges is not None
    margin = 0.01 * (edges[-1] - edges[0])
    axes.set_xlim(edges[0] - margin, edges[-1] + margin)
    shorten_numbers(axes.xaxis)


def _label_levels(axes: Axes, labels: Sequence[str]) -> None:
    names = [shorten_text(label) for label in labels]
    if len(names) > _MOST_LEVELS + 2:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(names)} levels, in the order of the schema")
    else:
        axes.set_xticks(np.arange(len(names)), names)
    axes.set_xlim(-0.7, len(names) - 0.3)
