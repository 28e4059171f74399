"""Colours, figures and panels that all displays share.

Grey and orange, and the scales cividis and purple to orange, can be told apart without colour
vision too.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle
from math import ceil
from typing import TYPE_CHECKING, Any

from .._catalogue import METHODS
from .._extras import how_to_install

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "GRID",
    "INK",
    "OTHERS",
    "REAL",
    "REAL_LINE",
    "SYNTHETIC",
    "finish_panel",
    "legend_above",
    "make_panels",
    "method_styles",
    "new_figure",
    "shorten_numbers",
    "shorten_text",
]

REAL, REAL_LINE, SYNTHETIC = "#b4bbc6", "#4b5563", "#c2410c"
INK, GRID = "#2b313b", "#e3e6ea"
OTHERS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#4d7c0f")
MARKERS = "osD^vPX*"


def method_styles(names: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return a colour and a marker for every method: those of the catalogue, or ones left over.

    Parameters
    ----------
    names : iterable of str
        Methods of the catalogue and others.
    """
    colours = {method.colour for method in METHODS.values()}
    markers = {method.marker for method in METHODS.values()}
    left = zip(
        cycle([colour for colour in OTHERS if colour not in colours] or OTHERS),
        cycle([marker for marker in MARKERS if marker not in markers] or MARKERS),
        strict=False,
    )
    return {
        name: (METHODS[name].colour, METHODS[name].marker) if name in METHODS else next(left)
        for name in names
    }


def make_panels(
    n_panels: int,
    figure: Figure | None,
    *,
    n_columns: int = 4,
    size: tuple[float, float] = (3.1, 2.3),
) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, of `size` inches each, at most `n_columns` abreast.

    Parameters
    ----------
    figure : matplotlib Figure or None
        An empty figure to draw in; None for a new one of pyplot's.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    width = max(min(n_columns, n_panels), 1)
    height = max(ceil(n_panels / width), 1)
    figure = new_figure() if figure is None else figure
    figure.set_size_inches(size[0] * width, size[1] * height + 0.4)
    figure.set_layout_engine("constrained", h_pad=0.05, w_pad=0.05)
    # each has margins of its own: the long labels of one panel do not narrow the others
    parts = figure.subfigures(height, width, squeeze=False).ravel()
    return figure, [part.add_subplot() for part in parts[:n_panels]]


def new_figure() -> Figure:
    """Return an empty figure of pyplot's, or raise an ImportError that says what to install."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(f"Displays need matplotlib: {how_to_install('plot')}") from error
    return pyplot.figure()


def finish_panel(axes: Axes, title: str, note: str = "") -> None:
    """Give a panel its title, a note at the right of it, and quiet axes."""
    axes.set_title(title, loc="left", fontsize=9.5, fontweight="bold", color=INK)
    axes.set_title(note, loc="right", fontsize=7.5, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(labelsize=8, colors=INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(fontsize=8, color=INK)


def shorten_numbers(axis: Any) -> None:
    """Write large numbers of an axis as 20k and 3M, and few enough not to touch each other."""
    from matplotlib.ticker import EngFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if max(map(abs, axis.get_view_interval())) >= 10_000:
        axis.set_major_formatter(EngFormatter(sep=""))


def legend_above(figure: Figure, axes: Axes, n_columns: int = 2) -> None:
    """Put the legend of one panel above all of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=n_columns, frameon=False)


def shorten_text(text: Any, most: int = 18) -> str:
    """Return a label of at most so many characters."""
    text = str(text)
    return text if len(text) <= most else text[: most - 1] + "…"
