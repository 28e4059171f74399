"""Room for texts: what would overlap in a figure is shortened, turned, made smaller or left out.

Everything is measured at the size that the figure has, after its layout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

__all__ = ["do_overlap", "make_room", "measure", "size_of"]

_GAP = 1.0  # points between two texts
_SMALLEST = 5.0  # points: type of tick labels
_MOST_ROUNDS = 4


def make_room(figure: Figure, more: Callable[[], bool] = lambda: False) -> None:
    """Change the texts of a figure that has all its panels until none overlap.

    Parameters
    ----------
    figure : matplotlib Figure
    more : callable, optional
        Changes other texts, after each layout, and says whether it did.
    """
    for _ in range(_MOST_ROUNDS):
        # the layout of before goes on where this one begins
        figure.draw_without_rendering()
        changes = [_fit_legend(legend, figure) for legend in figure.legends]
        for axes in figure.axes:
            changes += [
                _fit_ticks(axes, "x"),
                _fit_ticks(axes, "y"),
                _fit_label(axes, figure),
                _fit_titles(axes, figure),
                _fit_own_legend(axes),
            ]
        changes.append(more())
        if not any(changes):
            return


def measure(text: Text) -> Any:
    """Return the box of a text in pixels, with half of the gap to others around it."""
    box = text.get_window_extent()
    return box.padded(0.5 * _GAP * _figure_of(text).dpi / 72)


def _figure_of(artist: Any, root: bool = True) -> Any:
    return artist.get_figure(root=root)


def size_of(text: Text) -> float:
    """Return the size of the type of a text in points."""
    return float(text.get_fontsize())


def do_overlap(texts: Sequence[Text]) -> bool:
    """Whether the boxes of two texts overlap."""
    boxes = [measure(text) for text in texts if text.get_visible() and text.get_text()]
    return any(
        first.overlaps(second) for place, first in enumerate(boxes) for second in boxes[:place]
    )


def _labels(axes: Axes, axis_name: str) -> list[Text]:
    """Return the labels of the ticks that are shown, in the order of their places."""
    axis = getattr(axes, f"{axis_name}axis")
    low, high = sorted(axis.get_view_interval())
    margin = 1e-9 * (high - low)
    shown = [
        (tick.get_loc(), tick.label1)
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
        if tick.label1.get_visible() and tick.label1.get_text()
    ]
    inside = [pair for pair in shown if low - margin <= pair[0] <= high + margin]
    return [label for _, label in sorted(inside, key=lambda pair: pair[0])]


def _fit_ticks(axes: Axes, axis_name: str) -> bool:
    labels = _labels(axes, axis_name)
    # neighbours are enough: all have one size and one direction
    if not any(do_overlap(pair) for pair in pairwise(labels)):
        return False
    from matplotlib.ticker import FixedLocator, MaxNLocator

    axis = getattr(axes, f"{axis_name}axis")
    locator: Any = axis.get_major_locator()
    size = size_of(labels[0])
    are_words = isinstance(locator, FixedLocator) and not _are_numbers(labels)
    if axis_name == "x" and are_words and labels[0].get_rotation() == 0:
        axes.tick_params(axis="x", labelrotation=90)
    elif are_words and size > _SMALLEST:
        axis.set_tick_params(labelsize=max(size - 1, _SMALLEST))
    elif isinstance(locator, FixedLocator):
        places = axis.get_majorticklocs().tolist()
        names = axis.get_major_formatter().format_ticks(places)
        axis.set_ticks(places[::2], names[::2])
    elif isinstance(locator, MaxNLocator) and len(labels) > 2:
        axis.set_major_locator(MaxNLocator(max(len(labels) - 2, 1), steps=[1, 2, 5, 10]))
    elif axis_name == "x" and labels[0].get_rotation() == 0:
        axes.tick_params(axis="x", labelrotation=90)
    else:
        return False
    return True


def _are_numbers(labels: Iterable[Text]) -> bool:
    return all(label.get_text()[-1:] in "0123456789kMGTPE∞" for label in labels)


def _room(axes: Axes, figure: Figure) -> tuple[float, float]:
    """Return between which places, in pixels, the texts above and below a panel may lie."""
    panel = _figure_of(axes, root=False)
    if panel is not figure:
        return panel.bbox.x0, panel.bbox.x1
    own = axes.get_position()
    beside = [
        other
        for other in figure.axes
        if other is not axes
        and other.get_position().y0 < own.y1
        and other.get_position().y1 > own.y0
    ]
    # the labels at the left of the next panel are beside its title, not under it
    lefts = [b.bbox.x0 for b in beside if b.bbox.x0 >= axes.bbox.x1]
    rights = [b.bbox.x1 for b in beside if b.bbox.x1 <= axes.bbox.x0]
    return max(rights, default=figure.bbox.x0), min(lefts, default=figure.bbox.x1)


def _fit_titles(axes: Axes, figure: Figure) -> bool:
    """Let the title end where the panel does."""
    words = axes.get_title(loc="left")
    if not words:
        return False
    own = set(axes.get_children()) - set(axes.texts)
    title: Any = next(t for t in own if getattr(t, "get_text", str)() == words)
    end = _room(axes, figure)[1]
    box = measure(title)
    if box.x1 <= end:
        return False
    if size_of(title) > 8:
        title.set_fontsize(size_of(title) - 0.75)
        return True
    return _cut(title, (end - box.x0) / box.width)


def _cut(text: Text, share: float) -> bool:
    """Shorten a text to a share of its length; False where nothing is left to cut."""
    words = text.get_text()
    kept = int(len(words) * max(share, 0.0)) - 1
    if len(words) <= 2 or kept >= len(words):
        return False
    text.set_text(f"{words[: max(kept, 1)].rstrip(' …').rstrip(chr(92))}…")
    return True


def _fit_label(axes: Axes, figure: Figure) -> bool:
    """Break the label below a panel that is wider than it, or make its type smaller."""
    label = axes.xaxis.label
    start, end = _room(axes, figure)
    if not label.get_text() or (measure(label).x0 >= start and measure(label).x1 <= end):
        return False
    words = label.get_text()
    if ", " in words:
        label.set_text(words.replace(", ", ",\n", 1))
    elif size_of(label) > _SMALLEST:
        label.set_fontsize(size_of(label) - 0.75)
    else:
        return False
    return True


def _fit_legend(legend: Any, figure: Figure) -> bool:
    """Make the type of a legend of the figure smaller until it fits."""
    size = size_of(legend.get_texts()[0])
    if legend.get_window_extent().width <= figure.bbox.width or size <= _SMALLEST:
        return False
    for text in legend.get_texts():
        text.set_fontsize(size - 1)
    return True


def _fit_own_legend(axes: Axes) -> bool:
    """Make the type of a legend within a panel smaller until it fits."""
    legend = axes.get_legend()
    if legend is None:
        return False
    box, size = legend.get_window_extent(), size_of(legend.get_texts()[0])
    if (box.width <= axes.bbox.width and box.height <= axes.bbox.height) or size <= _SMALLEST:
        return False
    for text in legend.get_texts():
        text.set_fontsize(size - 1)
    return True
