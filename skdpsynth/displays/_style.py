"""Colours, figures and panels that all displays share.

Grey and orange, and the scales cividis and purple to orange, can be told apart without colour
vision too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import cycle
from math import ceil, log10
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
    "legend_below",
    "make_panels",
    "method_styles",
    "new_figure",
    "shorten_numbers",
    "shorten_text",
    "spell_number",
]

REAL, REAL_LINE, SYNTHETIC = "#b4bbc6", "#4b5563", "#c2410c"
INK, GRID = "#2b313b", "#e3e6ea"
OTHERS = ("#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be185d", "#4d7c0f")
MARKERS = "osD^vPX*"
_NOTE_HEIGHT = 12.0  # points
_LEGEND_TYPE = 8.5  # points


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
    """Give a panel its title, a note at the right below it, and quiet axes."""
    heading = axes.set_title(title, loc="left", fontsize=9.5, fontweight="bold", color=INK)
    axes.set_title(note, loc="right", fontsize=7.5, color=INK)
    if note:
        _raise(heading, axes, _NOTE_HEIGHT)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.tick_params(labelsize=8, colors=INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(fontsize=8, color=INK)


def _raise(title: Any, axes: Axes, points: float) -> None:
    """Move a title up, to a line of its own."""
    from matplotlib.transforms import ScaledTranslation

    panel: Any = axes.get_figure(root=False)
    # 6 points are between every title and its panel
    title.set_transform(
        axes.transAxes + ScaledTranslation(0, (points + 6) / 72, panel.dpi_scale_trans)
    )


def shorten_numbers(axis: Any) -> None:
    """Write large numbers of an axis as 20k and 3M, and few enough not to touch each other."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    low, high = axis.get_view_interval()
    # enough digits to tell neighbours apart, and none above the axis
    digits = 4 + max(0, round(-log10((high - low) / max(abs(low), abs(high)))))
    axis.set_major_formatter(FuncFormatter(lambda value, place: spell_number(value, digits)))


def spell_number(value: float, digits: int = 4) -> str:
    """Return a number with so many digits, short enough for an axis.

    >>> [spell_number(value) for value in (0, 0.25, -20_000, 3e6, 2.5e-7, 4e17)]
    ['0', '0.25', '−20k', '3M', '2.5e−7', '4e17']
    """
    size = abs(value)
    units = {1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k"}
    unit = next((unit for unit in units if size >= unit), 1.0)
    if 1e4 <= size < 1e15:
        text = f"{value / unit:.{digits}g}{units[unit]}"
    elif size < 1e15 and (size >= 1e-4 or not size):
        text = f"{value:.{digits}g}"
    else:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        text = f"{float(mantissa):g}e{int(exponent)}"
    return text.replace("-", "−")


def legend_above(figure: Figure, axes: Axes, n_columns: int = 2) -> None:
    """Put the legend of one panel above all of them."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=n_columns, frameon=False)


def legend_below(figure: Figure, entries: Mapping[str, Any], most: int = 5) -> None:
    """Put a legend of labels and what they stand for below all panels, as wide as the figure."""
    if not entries:
        return
    names = [" " * name.startswith(" _") + shorten_text(name, 30) for name in entries]
    # a letter is less than 0.65 of the size of type wide; a handle and its gaps are 6 letters
    width = 0.65 * _LEGEND_TYPE / 72 * (max(map(len, names)) + 6)
    abreast = int((figure.get_size_inches()[0] - 0.2) / width)
    figure.legend(
        list(entries.values()),
        names,
        loc="outside lower center",
        ncols=max(1, min(abreast, most, len(names))),
        frameon=False,
        fontsize=_LEGEND_TYPE,
    )


def shorten_text(text: Any, most: int = 18) -> str:
    r"""Return a label of at most so many characters, as matplotlib draws it letter by letter.

    Between two dollar signs it would read mathematics.

    >>> shorten_text("a $ in a very long name"), shorten_text("$x_1$")
    ('a \\$ in a very lon…', '\\$x_1\\$')
    """
    text = " ".join(str(text).split()) or "–"
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")
