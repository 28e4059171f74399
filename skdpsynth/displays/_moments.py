"""Means and standard deviations of numeric columns, real against synthetic, on log scales."""

from __future__ import annotations

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..metrics import marginal_tvds
from ..schema import Continuous, Count, TableSchema, as_plain_frame
from ._room import make_room, measure
from ._style import GRID, INK, SYNTHETIC, finish_panel, make_panels, shorten_text, spell_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MomentDisplay"]

_MOST_NAMES = 12
_MOST_TICKS = 6
# where a name may stand, in points from its point
_SIDES = (
    *(((7, -4), "left"), ((-7, 4), "right"), ((7, 8), "left"), ((-7, -8), "right")),
    *(((0, 11), "center"), ((0, -11), "center")),
    *(((7, 18), "left"), ((-7, -18), "right"), ((7, -18), "left"), ((-7, 18), "right")),
)


class MomentDisplay:
    """Means and standard deviations of numeric columns, real against synthetic, on log scales.

    Use :meth:`from_tables` to make one. A point on the diagonal is a column that agrees.

    Parameters
    ----------
    moments : DataFrame
        Indexed by column name, with ``real_mean``, ``synthetic_mean``, ``real_sd`` and
        ``synthetic_sd``.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once plotted.
    axes_ : list of matplotlib Axes
        The panels of the means and of the standard deviations.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.displays import MomentDisplay
    >>> from skdpsynth.schema import Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99)})
    >>> real = pd.DataFrame({"age": [20, 40]})
    >>> display = MomentDisplay.from_tables(real, real + 2, schema, figure=Figure())
    >>> display.moments.loc["age", ["real_mean", "synthetic_mean"]].tolist()
    [30.0, 32.0]
    """

    def __init__(self, moments: pd.DataFrame) -> None:
        self.moments = moments

    @classmethod
    def from_tables(
        cls,
        real: pd.DataFrame,
        synthetic: pd.DataFrame,
        schema: TableSchema,
        *,
        figure: Figure | None = None,
    ) -> MomentDisplay:
        """Compute the moments of two tables and draw them.

        Parameters
        ----------
        real, synthetic : DataFrame
            Tables that hold the columns of `schema`. Missing values are left out.
        schema : TableSchema
            Its `Continuous` and `Count` columns are drawn.
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        MomentDisplay

        Raises
        ------
        ValueError
            If the schema has no numeric column.
        """
        names = [name for name in schema if isinstance(schema[name], Continuous | Count)]
        if not names:
            raise ValueError("The schema has no Continuous or Count column, so no mean exists.")
        real, synthetic = as_plain_frame(real), as_plain_frame(synthetic)
        # the checks of the tables
        marginal_tvds(real, synthetic, schema.select(names), 1, n_bins=1)
        columns = {}
        for label, table in (("real", real), ("synthetic", synthetic)):
            numbers = table[names].apply(lambda column: column.to_numpy(float, na_value=np.nan))
            columns[f"{label}_mean"] = numbers.mean()
            columns[f"{label}_sd"] = numbers.std(ddof=0)
        return cls(pd.DataFrame(columns, index=names)).plot(figure=figure)

    def plot(self, *, figure: Figure | None = None) -> MomentDisplay:
        """Draw both panels."""
        self.figure_, self.axes_ = make_panels(2, figure, n_columns=2, size=(4.2, 3.8))
        for axes, moment, title in zip(
            self.axes_, ("mean", "sd"), ("Means", "Standard deviations"), strict=True
        ):
            self._draw(axes, moment)
            finish_panel(axes, title)
        make_room(self.figure_, self._fit_names)
        return self

    def _fit_names(self) -> bool:
        changes = [_fit_names(axes) for axes in self.axes_]
        return any(changes)

    def _draw(self, axes: Axes, moment: str) -> None:
        pairs = self.moments[[f"real_{moment}", f"synthetic_{moment}"]].dropna()
        values = pairs.to_numpy(dtype=float)
        low, high = _set_log_scales(axes, values)
        axes.plot([low, high], [low, high], color=INK, linewidth=1, linestyle="--", zorder=1)
        axes.plot(values[:, 0], values[:, 1], "o", color=SYNTHETIC, markersize=6, alpha=0.8)
        axes.set_xlabel("real")
        axes.set_ylabel("synthetic")
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        if len(pairs) <= _MOST_NAMES:
            _name_points(axes, [shorten_text(name) for name in pairs.index], values)


def _set_log_scales(axes: Axes, values: np.ndarray) -> tuple[float, float]:
    """Set both scales alike, linear around zero where some values are not positive."""
    sizes = np.abs(values[values != 0])
    least = float(sizes.min()) if len(sizes) else 1.0
    is_positive = bool(len(sizes)) and bool((values > 0).all())
    if is_positive:
        low, high = least / 2, float(sizes.max()) * 2
        axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    else:
        high = 2 * max(float(values.max(initial=0.0)), least)
        low = min(2 * float(values.min(initial=0.0)), -least)
        axes.set_xscale("symlog", linthresh=least)
        axes.set_yscale("symlog", linthresh=least)
        axes.set(xlim=(low, high), ylim=(low, high))
    ticks = _log_ticks(low, high, least)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_ticks(ticks, [spell_number(tick) for tick in ticks])
        # a label of a minor tick would stand between those
        axis.set_ticks([], minor=True)
    return low, high


def _log_ticks(low: float, high: float, least: float) -> list[float]:
    """Return a few round numbers between two limits, and zero where it is between them."""
    if low > 0:
        return _positive_ticks(low, high)
    positive = _positive_ticks(least, high)
    negative = _positive_ticks(least, -low) if -low >= least else []
    return [*(-tick for tick in reversed(negative)), 0.0, *positive]


def _positive_ticks(low: float, high: float) -> list[float]:
    first, last = floor(log10(low)), ceil(log10(high))
    digits = (1, 2, 5) if last - first <= 2 else (1,)
    ticks = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
    inside = [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
    step = ceil(len(inside) / _MOST_TICKS)
    return inside[::step] if inside else [low]


def _name_points(axes: Axes, names: list[str], values: np.ndarray) -> None:
    """Write the names beside the points."""
    for name, place in zip(names, values, strict=True):
        axes.annotate(
            name,
            place,
            xytext=_SIDES[0][0],
            textcoords="offset points",
            ha=_SIDES[0][1],
            va="center",
            fontsize=7.5,
            color=INK,
        )


def _fit_names(axes: Axes) -> bool:
    """Move the names to a side of their points where they cover no other name, or leave them out.

    The table below the picture of a report has all of them.
    """
    panel, changed = axes.bbox, False
    placed: list[Any] = []
    for text in list(axes.texts):
        for offset, side in _SIDES:
            text.set(ha=side)
            text.set_position(offset)
            box = measure(text)
            is_inside = panel.x0 <= box.x0 and box.x1 <= panel.x1
            is_inside &= panel.y0 <= box.y0 and box.y1 <= panel.y1
            if is_inside and not any(box.overlaps(other) for other in placed):
                placed.append(box)
                break
        else:
            text.remove()
            changed = True
    return changed
