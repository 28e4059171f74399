"""The sections of a report, each a heading and HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .._contracts import FitPlan
from ..displays import MarginalDisplay, MomentDisplay, PairwiseDisplay, TSTRDisplay
from ..metrics import TSTRScorer, marginal_tvds
from ..privacy import PrivacyLedger, PrivacySpent
from ..schema import Categorical, Continuous, Count, Ordinal, TableSchema
from ._page import make_list, make_picture, make_table, paragraph
from ._shapes import describe_shapes
from ._words import PYTHON, Words, describe_privacy

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Section",
    "at_a_glance",
    "dependence",
    "marginals",
    "moments",
    "privacy",
    "sums",
    "usefulness",
]

Section = tuple[str, str]
# two-way distances of wide tables are averaged over so many pairs
_MOST_PAIRS = 500


def at_a_glance(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    edges: Mapping[Any, Sequence[float]] | None,
    whole: TableSchema,
    spent: PrivacySpent | None,
) -> Section:
    """Row counts and mean distances, beside those of a bootstrap of the real rows.

    What stands out is looked for in the columns of the whole schema.
    """
    rng = np.random.RandomState(0)
    bootstrap = real.iloc[rng.randint(0, len(real), len(real))]
    rows = []
    for order, name in ((1, "one column"), (2, "two columns")):
        if order <= len(schema):
            means = [
                float(_distances(real, other, schema, order, edges)["tvd"].mean())
                for other in (synthetic, bootstrap)
            ]
            rows.append((f"all marginals of {name}", *means))
    size = (
        f"The real table has {len(real):,} rows, the synthetic one {len(synthetic):,}, and "
        f"{len(schema)} column{' is' if len(schema) == 1 else 's are'} compared."
    )
    if spent is not None:
        epsilon, delta = spent.total
        size += f" The ledger says ε = {epsilon:.4g} and δ = {delta:.3g}.".replace("inf", "∞")
    odd = describe_shapes(real, synthetic, whole)
    found = paragraph("What stands out:") + make_list(odd) if odd else ""
    table = make_table(
        ["mean distance of", "synthetic", "bootstrap of the real rows"],
        rows,
        "Total-variation distance from the real table: 0 is alike, 1 is disjoint.",
    )
    meaning = (
        "The distance is the share of rows that would have to change. A bootstrap, rows of the "
        "real table drawn with replacement, shows how far two samples of the same population are "
        "apart by chance."
    )
    return "At a glance", paragraph(size) + table + paragraph(meaning) + found


def _distances(
    real: pd.DataFrame,
    other: pd.DataFrame,
    schema: TableSchema,
    order: int,
    edges: Mapping[Any, Sequence[float]] | None,
) -> pd.DataFrame:
    return marginal_tvds(
        real,
        other,
        schema,
        order,
        edges=edges,
        max_marginals=None if order == 1 else _MOST_PAIRS,
        random_state=0,
    )


def privacy(
    spent: PrivacySpent | None,
    ledger: PrivacyLedger | None,
    plan: FitPlan | None = None,
    words: Words = PYTHON,
) -> Section:
    """The guarantee in words; what was planned, and the ledger, what was bought."""
    heading = "What an attacker can learn"
    if spent is None:
        return heading, paragraph(
            "Nothing is known here of how the synthetic table was made, so nothing can be said of "
            "its privacy, neither ε nor δ: that it looks different from the real table proves "
            f"nothing. {words.synthesizer}"
        )
    content = make_list(
        sentence.replace("random_state", words.seed) for sentence in describe_privacy(spent)
    )
    if plan is not None and plan.releases:
        content += make_table(
            ["release", "mechanism", "number", "share of budget"],
            [
                (
                    planned.name,
                    planned.mechanism,
                    "varies" if planned.n_releases is None else str(planned.n_releases),
                    "–" if np.isnan(planned.share) else f"{planned.share:.1%}",
                )
                for planned in plan.releases
            ],
            "The plan: what the budget was to buy, fixed before any row was read.",
        )
    if ledger is not None and ledger.entries:
        frame = ledger.to_frame()
        rows = list(
            zip(
                frame["release"],
                frame["mechanism"],
                frame["sensitivity"],
                frame["noise_sd"],
                [f"{share:.1%}" for share in frame["share"].tolist()],
                strict=True,
            )
        )
        content += make_table(
            ["release", "mechanism", "sensitivity", "noise (sd)", "share of budget"],
            rows,
            "The ledger, what was bought: everything that was computed from the real rows for the "
            "synthesizer.",
        )
    return heading, content


def marginals(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    edges: Mapping[Any, Sequence[float]] | None,
    figure: Figure,
) -> Section:
    """Every column on its own."""
    display = MarginalDisplay.from_tables(real, synthetic, schema, edges=edges, figure=figure)
    worst = sorted(display.marginals, key=lambda marginal: -marginal.tvd)[:3]
    named = ", ".join(f"{marginal.name} ({marginal.tvd:.3f})" for marginal in worst)
    farthest = f"Farthest apart: {named}." if worst[0].tvd else "All columns are alike."
    caption = (
        "Grey: real, orange: synthetic. TVD is the total-variation distance. The axis of a number "
        "ends where its largest half per cent begins; these values are in the last bar."
    )
    description = f"Bar charts of {_columns(len(schema))}, real beside synthetic. {farthest}"
    return "One column at a time", make_picture(display.figure_, description, caption) + paragraph(
        f"Farthest apart are {named}." if worst[0].tvd else "Every column has the same shares."
    )


def sums(
    real: pd.DataFrame, synthetic: pd.DataFrame, schema: TableSchema, figure: Figure
) -> Section:
    """Cumulative sums of ordered columns; of all where none is ordered."""
    ordered = [name for name in schema if not isinstance(schema[name], Categorical)]
    shown = schema.select(ordered) if ordered else schema
    display = MarginalDisplay.from_tables(real, synthetic, shown, cumulative=True, figure=figure)
    gaps = {
        marginal.name: float(np.abs(np.cumsum(marginal.real) - np.cumsum(marginal.synthetic)).max())
        for marginal in display.marginals
    }
    name = max(gaps, key=lambda key: gaps[key])
    caption = (
        "For every value, the share of rows up to it; missing values never count. The gap is the "
        "greatest distance between both curves."
    )
    description = (
        f"Cumulative curves of {_columns(len(shown))}. The greatest gap, {gaps[name]:.1f} per "
        f"cent, is in {name}."
    )
    return "Cumulative sums", make_picture(display.figure_, description, caption)


def _columns(number: int) -> str:
    return "1 column" if number == 1 else f"{number} columns"


def moments(
    real: pd.DataFrame, synthetic: pd.DataFrame, schema: TableSchema, figure: Figure
) -> Section:
    """Means and standard deviations of numeric columns."""
    heading = "Means and standard deviations"
    if not any(isinstance(schema[name], Continuous | Count) for name in schema):
        return heading, paragraph("The table has no numeric column.")
    display = MomentDisplay.from_tables(real, synthetic, schema, figure=figure)
    order = ["real_mean", "synthetic_mean", "real_sd", "synthetic_sd"]
    table = make_table(
        ["column", "real mean", "synthetic mean", "real sd", "synthetic sd"],
        [
            (str(name), *values)
            for name, values in zip(
                display.moments.index, display.moments[order].to_numpy().tolist(), strict=True
            )
        ],
        "Missing values are left out.",
    )
    picture = make_picture(
        display.figure_,
        "Scatter plots on log scales, real against synthetic; the table below has the numbers.",
        "A point per numeric column, on log scales; on the dashed line both tables agree.",
    )
    return heading, picture + table


def dependence(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    schema: TableSchema,
    edges: Mapping[Any, Sequence[float]] | None,
    figure: Figure,
) -> Section:
    """Dependence of every two columns."""
    heading = "Two columns at a time"
    if len(schema) < 2:
        return heading, paragraph("The table has a single column.")
    display = PairwiseDisplay.from_tables(real, synthetic, schema, edges=edges, figure=figure)
    difference = display.difference.to_numpy()
    places = sorted(
        zip(*np.tril_indices(len(difference), -1), strict=True),
        key=lambda place: -abs(difference[place]),
    )[:5]
    names = list(schema.names)
    values = [frame.to_numpy() for frame in (display.real, display.synthetic, display.difference)]
    rows = [
        (f"{names[j]} and {names[i]}", *(float(value[i, j]) for value in values)) for i, j in places
    ]
    caption = (
        "How far two columns are from independent: the share of rows that would have to change for "
        "one to tell nothing about the other. Purple: too weak in the synthetic table; orange: too "
        "strong."
    )
    description = (
        "Heat maps of the dependence of every two columns: real, synthetic, and the difference. "
        + (
            f"The greatest difference, {rows[0][3]:+.3f}, is between {rows[0][0]}."
            if rows[0][3]
            else "There is no difference."
        )
    )
    table = make_table(
        ["columns", "real", "synthetic", "difference"], rows, "The greatest differences."
    )
    return heading, make_picture(display.figure_, description, caption) + table


def usefulness(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    test: pd.DataFrame | None,
    schema: TableSchema,
    figure: Figure,
    words: Words = PYTHON,
) -> Section:
    """Models trained on synthetic rows and on real ones, tested on real rows held back."""
    heading = "Train on synthetic, test on real"
    if test is None or schema.target is None:
        return heading, paragraph(
            "Not measured: this takes real rows that the synthesizer has not seen "
            f"({words.test}) and {words.target}."
        )
    if len(schema) < 2:
        return heading, paragraph("Not measured: there is no other column to predict from.")
    if not isinstance(schema[schema.target], Categorical | Ordinal):
        return heading, paragraph(_regression(real, synthetic, test, schema))
    training = {"synthetic": synthetic, "real": real}
    try:
        display = TSTRDisplay.from_tables(training, test, schema, random_state=0, figure=figure)
    except ValueError as error:
        return heading, paragraph(f"Not measured: {error}")
    areas = {label: curve.area for label, curve in display.curves.items()}
    sentence = (
        f"A gradient boosting model of {schema.target!r} was tested on {len(test):,} real rows "
        f"that were held back. Trained on synthetic rows it has an area under the ROC curve of "
        f"{areas['synthetic']:.3f}; trained on real rows, {areas['real']:.3f}. Guessing has 0.5."
    )
    picture = make_picture(
        display.figure_,
        f"ROC curves: area {areas['synthetic']:.3f} trained on synthetic rows, {areas['real']:.3f} "
        "on real ones.",
        "The closer to the upper left corner, the better.",
    )
    return heading, paragraph(sentence) + picture


def _regression(
    real: pd.DataFrame, synthetic: pd.DataFrame, test: pd.DataFrame, schema: TableSchema
) -> str:
    """Return how well a number is predicted after training on either table."""
    target = schema.target
    X_test, y_test = test.drop(columns=target), test[target]
    try:
        scores = [
            TSTRScorer(random_state=0).score_real(
                table.drop(columns=target), table[target], X_test, y_test, schema
            )
            for table in (synthetic, real)
        ]
    except ValueError as error:
        return f"Not measured: {error}"
    return (
        f"A gradient boosting model of the number {target!r} was tested on {len(test):,} real rows "
        f"that were held back. Trained on synthetic rows it has an R² of {scores[0]:.3f}; trained "
        f"on real rows, {scores[1]:.3f}. A perfect model has 1, one that always says the mean 0."
    )
