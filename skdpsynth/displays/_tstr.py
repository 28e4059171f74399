"""Curves of models trained on synthetic rows, and on real ones, tested on real rows."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.metrics import (
    average_precision_score,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
)

from ..metrics import predict_classes
from ..schema import as_plain_frame, as_plain_series
from ._room import make_room
from ._style import GRID, INK, OTHERS, REAL_LINE, finish_panel, make_panels, shorten_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..schema import TableSchema

__all__ = ["Curve", "TSTRDisplay"]

_TITLES = {
    "roc": ("Train on synthetic, test on real: ROC", "False positive rate", "True positive rate"),
    "precision_recall": (
        "Train on synthetic, test on real:\nprecision and recall",
        "Recall",
        "Precision",
    ),
}


class Curve(NamedTuple):
    """One line of a TSTRDisplay: its points, and the area under it (or average precision)."""

    x: np.ndarray
    y: np.ndarray
    area: float


class TSTRDisplay:
    """Curves of models trained on synthetic rows, and on real ones, tested on real rows.

    Use :meth:`from_estimator`, :meth:`from_tables` or :meth:`from_scores` to make one. With more
    than two classes, every pair of a row and a class counts as one decision (micro average). The
    curves depend on the real test rows: when these are private, they are not for release.

    Parameters
    ----------
    curves : mapping of label to Curve
        ``"real"`` is drawn in grey.
    curve : {"roc", "precision_recall"}, default="roc"
        Which curves they are. Of rare positives, precision and recall tell more.
    chance : float, default=0.5
        Area of a model that guesses: of precision and recall the share of positives.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure, once plotted.
    axes_ : list of matplotlib Axes
        Its one panel.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from skdpsynth.displays import TSTRDisplay
    >>> scores = {"synthetic": [0.2, 0.6, 0.4, 0.8], "real": [0.1, 0.2, 0.8, 0.9]}
    >>> display = TSTRDisplay.from_scores([0, 0, 1, 1], scores, figure=Figure())
    >>> {label: curve.area for label, curve in display.curves.items()}
    {'synthetic': 0.75, 'real': 1.0}
    """

    def __init__(
        self, curves: Mapping[str, Curve], *, curve: str = "roc", chance: float = 0.5
    ) -> None:
        self.curves = dict(curves)
        self.curve = curve
        self.chance = chance

    @classmethod
    def from_scores(
        cls,
        y_test: Any,
        scores: Mapping[str, Any],
        *,
        positive: Any = None,
        curve: str = "roc",
        figure: Figure | None = None,
    ) -> TSTRDisplay:
        """Draw the curves of given scores.

        Parameters
        ----------
        y_test : array-like of shape (n_samples,)
            Labels of the real test rows.
        scores : mapping of label to array-like of shape (n_samples,) or (n_samples, n_classes)
            Probabilities or scores of the positive class, or of all classes in sorted order.
        positive : label, optional
            The positive of two classes; by default the second in sorted order.
        curve : {"roc", "precision_recall"}, default="roc"
            What is drawn.
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        TSTRDisplay

        Raises
        ------
        ValueError
            If `curve` is unknown, or the labels are of a single class.
        """
        if curve not in _TITLES:
            raise ValueError(f"curve must be one of {list(_TITLES)}, got {curve!r}.")
        labels = np.asarray(y_test)
        classes = np.unique(labels)
        if len(classes) < 2:
            raise ValueError(
                f"The test target has a single class, {classes[0]!r}: no curve exists. Test on "
                "more rows."
            )
        if len(classes) == 2:
            hits = labels == (classes[1] if positive is None else positive)
        else:
            hits = (labels[:, None] == classes[None, :]).ravel()
        curves = {
            label: _curve(hits, np.asarray(values, dtype=float), curve)
            for label, values in scores.items()
        }
        chance = 0.5 if curve == "roc" else float(hits.mean())
        return cls(curves, curve=curve, chance=chance).plot(figure=figure)

    @classmethod
    def from_tables(
        cls,
        training: Mapping[str, pd.DataFrame],
        test: pd.DataFrame,
        schema: TableSchema,
        *,
        estimator: Any = None,
        curve: str = "roc",
        random_state: int | None = None,
        figure: Figure | None = None,
    ) -> TSTRDisplay:
        """Train a model on each of some tables and draw its curve on real test rows.

        Parameters
        ----------
        training : mapping of label to DataFrame
            Tables with the target, such as ``{"synthetic": synthetic, "real": real}``.
        test : DataFrame
            Real rows that no synthesizer has seen.
        schema : TableSchema
            Names the target, which is `Categorical` or `Ordinal`. Of two classes the second is
            positive.
        estimator : classifier, optional
            By default that of `TSTRScorer`, gradient boosting.
        curve : {"roc", "precision_recall"}, default="roc"
            What is drawn.
        random_state : int, optional
            Seed of the default estimator.
        figure : matplotlib Figure, optional
            An empty figure to draw in. By default a new one of pyplot's.

        Returns
        -------
        TSTRDisplay

        Raises
        ------
        ValueError
            If the schema has no target, or one that is a number.
        """
        scores: dict[str, np.ndarray] = {}
        for label, table in training.items():
            model = None if estimator is None else clone(estimator)
            y_test, classes, found = predict_classes(table, test, schema, model, random_state)
            scores[label] = found[:, 1] if len(classes) == 2 else found
        # by position, so that the second class of the schema is the positive one
        codes = np.array([classes.index(value) for value in y_test])
        return cls.from_scores(codes, scores, positive=1, curve=curve, figure=figure)

    @classmethod
    def from_estimator(
        cls,
        synthesizer: Any,
        test: pd.DataFrame,
        *,
        real: pd.DataFrame | None = None,
        n_samples: int | None = None,
        estimator: Any = None,
        curve: str = "roc",
        random_state: int | None = None,
        figure: Figure | None = None,
    ) -> TSTRDisplay:
        """Draw the curve of a model trained on rows of a fitted synthesizer.

        Parameters
        ----------
        synthesizer : synthesizer
            Fitted, its schema with a target.
        test : DataFrame
            Real rows, the target among them, that the synthesizer has not seen.
        real : DataFrame, optional
            Real training rows, for comparison.
        n_samples : int, optional
            Synthetic rows to train on; by default the synthesizer's ``n_records_``.
        estimator, curve, random_state, figure
            As in `from_tables`; `random_state` also fixes the synthetic rows.

        Returns
        -------
        TSTRDisplay
        """
        n_samples = max(1, round(synthesizer.n_records_)) if n_samples is None else n_samples
        X, y = synthesizer.sample_xy(n_samples, random_state=random_state)
        target = synthesizer.schema_.target
        labels = np.asarray(as_plain_series(y), dtype=object)
        training = {"synthetic": pd.DataFrame(as_plain_frame(X)).assign(**{target: labels})}
        if real is not None:
            training["real"] = real
        return cls.from_tables(
            training,
            test,
            synthesizer.schema_,
            estimator=estimator,
            curve=curve,
            random_state=random_state,
            figure=figure,
        )

    def plot(self, *, figure: Figure | None = None) -> TSTRDisplay:
        """Draw the curves in one panel."""
        self.figure_, self.axes_ = make_panels(1, figure, n_columns=1, size=(4.6, 4.2))
        axes = self.axes_[0]
        area = "AUC" if self.curve == "roc" else "AP"
        colours = cycle(OTHERS)
        for label, line in sorted(self.curves.items(), key=lambda item: item[0] != "real"):
            is_real = label == "real"
            axes.plot(
                line.x,
                line.y,
                color=REAL_LINE if is_real else next(colours),
                linewidth=2.6 if is_real else 1.6,
                alpha=0.6 if is_real else 1.0,
                label=f"trained on {shorten_text(label, 24)} rows ({area} {line.area:.3f})",
            )
        self._draw_chance(axes)
        title, x_label, y_label = _TITLES[self.curve]
        axes.set(xlabel=x_label, ylabel=y_label, xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.grid(color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        finish_panel(axes, title)
        axes.legend(
            loc="lower right" if self.curve == "roc" else "upper right", fontsize=8, framealpha=0.9
        )
        make_room(self.figure_)
        return self

    def _draw_chance(self, axes: Axes) -> None:
        ends = (0, 1) if self.curve == "roc" else (self.chance, self.chance)
        axes.plot((0, 1), ends, color=INK, linestyle=":", linewidth=1, label="chance")


def _curve(hits: np.ndarray, scores: np.ndarray, curve: str) -> Curve:
    scores = scores.ravel()
    if curve == "roc":
        x, y, _ = roc_curve(hits, scores)
        return Curve(x, y, float(roc_auc_score(hits, scores)))
    precision, recall, _ = precision_recall_curve(hits, scores)
    return Curve(recall, precision, float(average_precision_score(hits, scores)))
