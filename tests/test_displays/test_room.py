"""No two texts of a picture overlap, and none lies outside of it: measured on awkward tables."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from skdpsynth.displays import (
    MarginalDisplay,
    MomentDisplay,
    PairwiseDisplay,
    PrivacyUtilityDisplay,
    TSTRDisplay,
)
from skdpsynth.schema import Categorical, Continuous, Count, TableSchema

Figure = pytest.importorskip("matplotlib.figure").Figure
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.text import Text  # noqa: E402

LONG = "number_of_outpatient_visits_in_the_year_before_the_encounter"
ODD = ["cost_in_$", "$x_1$ and $x_2$", "a<b & c>d", "_hidden", "tab\tand\nline", "Größe_µm²", " "]


def texts_of(figure):
    """Return the texts that are seen, with their boxes: of tick labels those within their axes."""
    ticks = {}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            margin = 1e-6 * (high - low)
            for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
                is_seen = low - margin <= tick.get_loc() <= high + margin
                ticks |= {tick.label1: is_seen, tick.label2: is_seen and tick.label2.get_visible()}
    found = [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and ticks.get(text, True)
    ]
    # of axes that are not drawn nothing is seen
    return [(text.get_text(), text.get_window_extent()) for text in dict.fromkeys(found)]


def check_room(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = texts_of(figure)
    assert found
    clashes = [(a, b) for (a, x), (b, y) in combinations(found, 2) if x.overlaps(y)]
    assert clashes == []
    whole = figure.bbox.padded(1)
    outside = [
        text
        for text, box in found
        if not (whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 <= whole.y1)
    ]
    assert outside == []


def numbers(names, low, high, n=300, seed=0, decimals=2):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.uniform(low, high, n).round(decimals) for name in names})
    return table, TableSchema({name: Continuous(low, high, nullable=True) for name in names})


def levels(names, known, n=300, seed=0):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.choice(known, n) for name in names})
    return table, TableSchema({name: Categorical(known, nullable=True) for name in names})


def with_missing(pair):
    table, schema = pair
    return table.mask(np.random.default_rng(1).random(table.shape) < 0.1, None), schema


def mixed():
    first, schema = levels(["a", LONG, "c" * 17], ["General/Family practice-adult", "x", "yy"])
    second, others = numbers(["dose", LONG[::-1]], -3e6, 9e12)
    return pd.concat([first, second], axis=1), TableSchema({**schema.columns, **others.columns})


def scales():
    rng = np.random.default_rng(0)
    powers = {f"scale {power}": power for power in range(-9, 13, 2)}
    table = pd.DataFrame({name: 10.0**p * rng.uniform(0.9, 1.1, 99) for name, p in powers.items()})
    return table, TableSchema({name: Continuous(0, 10.0 ** (p + 1)) for name, p in powers.items()})


TABLES = {
    "one number": lambda: numbers(["age"], 20, 90),
    "one column of levels": lambda: levels(["sex"], ["F", "M"]),
    "long names of levels": lambda: levels(
        ["medical_specialty", "payer_code", LONG, "y"],
        [f"Orthopedics-Reconstructive, part {i}" for i in range(14)],
    ),
    "names in odd letters": lambda: levels(ODD, ODD),
    "numbers with odd names": lambda: numbers([*ODD, LONG], 0, 1),
    "tiny numbers": lambda: numbers(["a", "b"], 0, 1e-7, decimals=10),
    "large numbers": lambda: numbers(["a", LONG], -1e15, 1e15),
    "near ten thousand": lambda: numbers(["a", "b", "c"], 9_000, 1e5),
    "a narrow range far out": lambda: numbers(["a", "b"], 1_000_000, 1_000_001),
    "missing values": lambda: with_missing(mixed()),
    "all missing": lambda: (numbers(["a", "b"], 0, 1)[0] * np.nan, numbers(["a", "b"], 0, 1)[1]),
    "constant": lambda: (
        pd.DataFrame({"a": [5] * 9, "b": [0] * 9, "c": [-3] * 9}),
        TableSchema({name: Count(-9, 9) for name in "abc"}),
    ),
    "one row": lambda: (lambda t, s: (t.iloc[:1], s))(*mixed()),
    "many scales": scales,
    "nearly equal columns": lambda: numbers([f"temperature_{i}" for i in range(12)], 36, 42),
    "thirteen columns": lambda: numbers([f"column number {i}" for i in range(13)], 0, 1e4),
    "forty columns": lambda: levels([f"a column called {i}" for i in range(40)], ["no", "yes"]),
}


@pytest.fixture(params=TABLES)
def pair(request):
    table, schema = TABLES[request.param]()
    other = table.sample(frac=1, replace=True, random_state=0).reset_index(drop=True)
    return table, other, schema


@pytest.mark.parametrize("cumulative", [False, True])
def test_marginals(pair, cumulative):
    n_columns = 3 if len(pair[2]) < 20 else 5
    display = MarginalDisplay.from_tables(
        *pair, cumulative=cumulative, n_columns=n_columns, figure=Figure()
    )
    check_room(display.figure_)


@pytest.mark.parametrize(("n_columns", "dpi"), [(1, 50), (2, 200), (6, 100)])
def test_marginals_in_small_and_large_figures(n_columns, dpi):
    table, schema = with_missing(mixed())
    figure = Figure(dpi=dpi)
    MarginalDisplay.from_tables(table, table, schema, n_columns=n_columns, figure=figure)
    check_room(figure)


def test_moments(pair):
    table, other, schema = pair
    if any(isinstance(schema[name], Continuous | Count) for name in schema):
        check_room(MomentDisplay.from_tables(table, other, schema, figure=Figure()).figure_)


def test_dependence(pair):
    table, other, schema = pair
    if len(schema) > 1:
        check_room(PairwiseDisplay.from_tables(table, other, schema, figure=Figure()).figure_)


@pytest.mark.parametrize("curve", ["roc", "precision_recall"])
@pytest.mark.parametrize(
    "labels", [["real", "synthetic"], [LONG, "$a$ $b$"], [f"{LONG} {i}" for i in range(14)]]
)
def test_curves(curve, labels):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    scores = {label: y + rng.normal(size=200) for label in labels}
    check_room(TSTRDisplay.from_scores(y, scores, curve=curve, figure=Figure()).figure_)


@pytest.mark.parametrize("measures", [["auc"], ["logistic_regression_with_all_pairs_auc"]])
@pytest.mark.parametrize("epsilons", [[1.0], np.logspace(-3, 3, 25).round(6), [0.3, 1, 3, np.inf]])
@pytest.mark.parametrize("methods", [["mixture"], ["_own", LONG, "$m$", "a", "b", "c", "d"]])
def test_privacy_against_utility(measures, epsilons, methods):
    rows = [
        {"method": method, "epsilon": epsilon, "seed": 0, measures[0]: 0.5 + 0.01 * place}
        for place, method in enumerate(methods)
        for epsilon in epsilons
    ]
    runs = pd.DataFrame([*rows, {"method": "real", "epsilon": np.nan, measures[0]: 0.9}])
    display = PrivacyUtilityDisplay.from_results(runs, figure=Figure())
    check_room(display.figure_)
    named = [text.get_text().strip() for text in display.figure_.legends[0].get_texts()]
    assert len(named) == len(methods) + 1


def test_points_that_cover_each_other_are_named_once():
    table, schema = TABLES["nearly equal columns"]()
    display = MomentDisplay.from_tables(table, table, schema, figure=Figure())
    shown = [text.get_text() for text in display.axes_[0].texts]
    assert 0 < len(shown) <= 12


def test_ticks_have_one_size_and_plain_numbers():
    table = pd.DataFrame({"age": [30.0, 50.0], "pressure": [100.0, 160.0]})
    schema = TableSchema({name: Continuous(0, 300) for name in table})
    display = MomentDisplay.from_tables(table, table, schema, figure=Figure())
    FigureCanvasAgg(display.figure_).draw()
    axis = display.axes_[0].xaxis
    labels = [tick.label1.get_text() for tick in axis.get_major_ticks()]
    assert labels == ["20", "50", "100", "200"]
    assert axis.get_minor_ticks() == []
