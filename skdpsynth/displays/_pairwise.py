"""How strongly every two columns depend on each other, in a real and in a synthetic table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.stats.contingency import association

from ..metrics import code_tables
from ..schema import TableSchema
from ._room import do_overlap, make_room, size_of
from ._style import INK, finish_panel, new_figure, shorten_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PairwiseDisplay", "cramers_v", "distance_from_independence"]

_MOST_NUMBERS = 12
_SMALLEST_NUMBERS = 4.5  # points
_MOST_NAMES = 40


def distance_from_independence(counts: np.ndarray) -> float:
    """Return the total-variation distance of a table of counts from independence.

    Parameters
    ----------
    counts : ndarray of shape (n_levels_1, n_levels_2)
        Of at least one row.

    Returns
    -------
    float
        ½ Σ|p_ij − p_i p_j|: the share of rows that would have to change for the columns to be
        independent; 0 if they are, and less than 1.

    Examples
    --------
    >>> distance_from_independence(np.array([[5, 0], [0, 5]]))
    0.5
    """
    shares = counts / counts.sum()
    independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
    return float(0.5 * np.abs(shares - independent).sum())


def cramers_v(counts: np.ndarray) -> float:
    """Return Cramér's V of a table of counts, between 0 and 1; 0 where a column is constant.

    Parameters
    ----------
    counts : ndarray of shape (n_levels_1, n_levels_2)
        Of at least one row.

    Notes
    -----
    V² = Σ (p_ij − p_i p_j)² / (p_i p_j) / (min(r, c) − 1) over the r rows and c columns with counts
    (Cramér, 1946, section 21.9). Rare cells weigh a lot in it.

    Examples
    --------
    >>> cramers_v(np.array([[5, 0], [0, 5]]))
    1.0
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return 0.0
    return float(min(association(counts, method="cramer"), 1.0))


_MEASURES = {
    "total_variation": (distance_from_independence, "Distance from independence"),
    "cramers_v": (cramers_v, "Cramér's V"),
}


class PairwiseDisplay:
    """Dependence between every two columns: real, synthetic, and the difference.

    Use :meth:`from_tables` to make one. The picture depends on the real rows: when these are
    private, it is not for release.

    Parameters
    ----------
    real, synthetic : DataFrame of shape (n_columns, n_columns)
        Symmetric, NaN on the diagonal.
    measure : {"total_variation", "cramers_v"}, default="total_variation"
        What they hold.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once plotted.
    axes_ : list of matplotlib Axes
        Its three panels.

    Examples
    --------
    >>> import pandas as pd
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.displays import PairwiseDisplay
    >>> from skdpsynth.schema import Categorical, TableSchema
    >>> schema = TableSchema({name: Categorical(["no", "yes"]) for name in "ab"})
    >>> real = pd.DataFrame({"a": ["no", "yes"], "b": ["no", "yes"]})
    >>> display = PairwiseDisplay.from_tables(real, real.assign(a="no"), schema, figure=Figure())
    >>> float(display.real.loc["a", "b"]), float(display.synthetic.loc["a", "b"])
    (0.5, 0.0)
    """

    def __init__(
        self, real: pd.DataFrame, synthetic: pd.DataFrame, *, measure: str = "total_variation"
    ) -> None:
        self.real = real
        self.synthetic = synthetic
        self.measure = measure

    @property
    def difference(self) -> pd.DataFrame:
        """Synthetic less real."""
        return self.synthetic - self.real

    @classmethod
    def from_tables(
        cls,
        real: pd.DataFrame,
        synthetic: pd.DataFrame,
        schema: TableSchema,
        *,
        measure: str = "total_variation",
        n_bins: int = 20,
        edges: Mapping[Any, Sequence[float]] | None = None,
        figure: Figure | None = None,
    ) -> PairwiseDisplay:
        """Compute the dependence of every two columns in both tables and draw it.

        Parameters
        ----------
        real, synthetic : DataFrame
            Tables that hold the columns of `schema`.
        schema : TableSchema
            At least two columns. Missing values are a level of their own.
        measure : {"total_variation", "cramers_v"}, default="total_variation"
            The total-variation distance of two columns from independence, or Cramér's V, both over
            the cells that are shared by the two tables.
        n_bins : int, default=20
            Equal-width bins between the public bounds of a numeric column.
        edges : mapping of column name to increasing sequence of numbers, optional
            Bin edges that replace the equal-width ones.
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        PairwiseDisplay

        Raises
        ------
        ValueError
            If the measure is unknown, or the schema has a single column.
        TableMismatchError
            A column is absent, a table is empty, or a value is not among the levels of its column.
        """
        if measure not in _MEASURES:
            raise ValueError(f"measure must be one of {list(_MEASURES)}, got {measure!r}.")
        if len(schema) < 2:
            raise ValueError("The schema has a single column; dependence takes two.")
        coded = code_tables(real, synthetic, schema, n_bins=n_bins, edges=edges)
        names = list(schema.names)
        matrices = [np.full((len(names), len(names)), np.nan) for _ in range(2)]
        for i, j in combinations(range(len(names)), 2):
            for matrix, counts in zip(matrices, _count(coded[i], coded[j], len(real)), strict=True):
                matrix[i, j] = matrix[j, i] = _MEASURES[measure][0](counts)
        frames = [pd.DataFrame(matrix, index=names, columns=names) for matrix in matrices]
        return cls(*frames, measure=measure).plot(figure=figure)

    def plot(self, *, figure: Figure | None = None) -> PairwiseDisplay:
        """Draw the three heat maps."""
        n_names = len(self.real)
        side = min(max(2.6, 0.16 * n_names + 1.3), 7.0)
        self.figure_, self.axes_ = _make_axes(side, figure)
        top = float(np.nanmax([self.real.to_numpy(), self.synthetic.to_numpy()]))
        gap = float(np.nanmax(np.abs(self.difference.to_numpy())))
        scales = (
            {"cmap": "cividis", "norm": _root_scale(0.0, top or 1.0)},
            {"cmap": "PuOr_r", "norm": _root_scale(-(gap or 1.0), gap or 1.0)},
        )
        real, synthetic, difference = self.axes_
        names = [shorten_text(name, 16) for name in self.real.columns]
        _draw(real, self.real, names, scales[0])
        shared = _draw(synthetic, self.synthetic, names, scales[0])
        own = _draw(difference, self.difference, names, scales[1])
        for axes in (synthetic, difference):
            axes.tick_params(labelleft=False)
        for axes, title in zip(self.axes_, ("Real", "Synthetic", "Synthetic − real"), strict=True):
            finish_panel(axes, title)
            axes.tick_params(labelsize=7)
            axes.spines[:].set_visible(False)
        _add_bar(self.figure_, shared, [real, synthetic], _MEASURES[self.measure][1])
        _add_bar(self.figure_, own, [difference], "Difference")
        make_room(self.figure_, lambda: _fit_numbers(self.axes_))
        return self


def _count(
    first: tuple[np.ndarray, int], second: tuple[np.ndarray, int], n_real: int
) -> list[np.ndarray]:
    """Return the joint counts of two coded columns, of the real rows and of the synthetic ones."""
    shape = first[1], second[1]
    cells = first[0] * shape[1] + second[0]
    size = shape[0] * shape[1]
    parts = cells[:n_real], cells[n_real:]
    return [np.bincount(part, minlength=size).reshape(shape) for part in parts]


def _make_axes(side: float, figure: Figure | None) -> tuple[Figure, list[Axes]]:
    figure = new_figure() if figure is None else figure
    figure.set_size_inches(3 * side + 1.5, side + 0.5)
    # for squares of one size, with colour bars between them
    figure.set_layout_engine("compressed")
    return figure, list(figure.subplots(1, 3))


def _root_scale(low: float, high: float) -> Any:
    """Return a scale of square roots, on which one strong pair does not hide all weak ones."""
    from matplotlib.colors import FuncNorm

    return FuncNorm(
        (
            lambda value: np.sign(value) * np.sqrt(np.abs(value)),
            lambda root: np.sign(root) * np.square(root),
        ),
        vmin=low,
        vmax=high,
    )


def _root_ticks(top: float) -> list[float]:
    """Return round numbers from 0 to `top` that do not touch on a scale of square roots."""
    ticks = [0.0]
    for power in range(-6, 1):
        for digit in (1, 2, 5):
            tick = round(digit * 10.0**power, 6)
            if tick <= top and np.sqrt(tick) - np.sqrt(ticks[-1]) >= 0.16 * np.sqrt(top):
                ticks.append(tick)
    return ticks


def _draw(axes: Axes, values: pd.DataFrame, names: list[str], scale: dict[str, Any]) -> Any:
    """Draw the lower triangle, with numbers in the cells where they are few."""
    shown = values.to_numpy(copy=True)
    shown[np.triu_indices(len(shown))] = np.nan
    shown = shown[1:, :-1]
    image = axes.imshow(shown, aspect="equal", interpolation="nearest", **scale)
    n_names = len(values)
    if n_names > _MOST_NAMES:
        names = [""] * n_names
    axes.set_xticks(range(n_names - 1), names[:-1])
    axes.set_yticks(range(n_names - 1), names[1:])
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(length=0)
    if n_names <= _MOST_NUMBERS:
        _write_numbers(axes, shown, scale)
    return image


def _write_numbers(axes: Axes, shown: np.ndarray, scale: dict[str, Any]) -> None:
    is_signed = scale["norm"].vmin < 0
    for i, j in zip(*np.nonzero(~np.isnan(shown)), strict=True):
        share = float(scale["norm"](shown[i, j]))
        is_dark = share < 0.5 if not is_signed else abs(share - 0.5) > 0.35
        text = f"{shown[i, j]:+.2f}" if is_signed else f"{shown[i, j]:.2f}"
        axes.text(
            j,
            i,
            text.replace("0.", "."),
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if is_dark else INK,
        )


def _fit_numbers(panels: list[Axes]) -> bool:
    """Make the numbers in the cells smaller until they do not touch, or leave them out."""
    texts = [text for axes in panels for text in axes.texts]
    if not texts or not any(do_overlap(axes.texts) for axes in panels):
        return False
    size = size_of(texts[0]) - 0.75
    for text in texts:
        if size < _SMALLEST_NUMBERS:
            text.remove()
        else:
            text.set_fontsize(size)
    return True


def _add_bar(figure: Figure, image: Any, axes: list[Axes], label: str) -> None:
    bar = figure.colorbar(image, ax=axes, shrink=0.75, aspect=25, pad=0.02)
    ticks = _root_ticks(image.norm.vmax)
    signed = [-tick for tick in ticks[:0:-1]] if image.norm.vmin < 0 else []
    bar.set_ticks([*signed, *ticks])
    bar.ax.set_yticklabels([f"{tick:g}".replace("-", "−") for tick in [*signed, *ticks]])
    bar.set_label(label, fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=8, colors=INK)
    bar.outline.set_visible(False)
