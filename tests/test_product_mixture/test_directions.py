import math

import numpy as np
import pandas as pd
import pytest
from desks import ReplayDesk, desk_of, noiseless
from numpy.testing import assert_allclose, assert_array_equal

from skdpsynth import Categorical, Continuous, Count, Ordinal, TableSchema
from skdpsynth._product_mixture import (
    count_scored,
    model_columns,
    moments_sensitivity,
    one_per_class,
    open_table,
    pass_sensitivity,
    release_directions,
    release_sums,
    start_along,
    start_components,
)
from skdpsynth._product_mixture._components import consistent_totals
from skdpsynth._product_mixture._directions import STEPS_PER_SCORE, squared_radius

ADJACENCIES = ["add_remove", "replace_one"]
SCHEMA = TableSchema(
    {
        "age": Count(0, 99),
        "pay": Continuous(0, 1, nullable=True),
        "grade": Ordinal([1, 2, 3, 4]),
        "town": Categorical(["a", "b", "c"]),
        "sex": Categorical(["f", "m"]),
        "sick": Categorical(["no", "yes"]),
    },
    target="sick",
)


def make_codes(n_rows, seed=0):
    """Age, pay and grade follow one number; town and sex are beside it."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=n_rows)

    def noisy():
        return np.clip(0.5 + 0.15 * (common + 0.5 * rng.normal(size=n_rows)), 0, 1)

    pay = np.where(rng.random(n_rows) < 0.1, np.nan, noisy())
    return np.column_stack(
        [
            np.round(99 * noisy()) / 99,
            pay,
            np.clip((4 * noisy()).astype(int), 0, 3),
            rng.integers(0, 3, n_rows),
            rng.integers(0, 2, n_rows),
            rng.integers(0, 2, n_rows),
        ]
    )


def prepare(codes, desk, schema=SCHEMA):
    """The opening and the classes' totals, without noise."""
    columns = model_columns(schema)
    owner = None if schema.target is None else schema.names.index(schema.target)
    exact = noiseless(desk.adjacency)
    opening = open_table(codes, columns, owner, 8, math.inf, 0.0, exact)
    layout = opening.layout
    sums = release_sums(
        opening.records,
        one_per_class(layout, opening.n_padded_cells),
        layout,
        layout.n_classes,
        pass_sensitivity(columns, owner, desk),
        math.inf,
        "profile",
        exact,
    )
    return opening, consistent_totals(sums, layout, None)


def measure(codes, desk, mu=math.inf):
    opening, totals = prepare(codes, desk)
    return release_directions(opening.records, totals, opening.layout, opening.bins, mu, desk)


def test_columns_with_an_order_or_two_levels_are_scored():
    columns = model_columns(SCHEMA)
    assert count_scored(columns, None) == 5
    assert count_scored(columns, SCHEMA.names.index("sick")) == 4
    normal = model_columns(SCHEMA, {"age": "poisson", "pay": "normal"})
    assert count_scored(normal, None) == 3


def test_moments_without_noise_are_the_correlations_of_ranks():
    codes = make_codes(20_000)
    found = measure(codes, noiseless())
    assert found.scale == 0
    assert_array_equal(np.diagonal(found.moments), 0)
    assert_array_equal(found.moments, found.moments.T)
    # a little less: long vectors of scores are shortened
    ratio = found.moments[0, 2] / pd.DataFrame(codes).corr("spearman").loc[0, 2]
    assert 0.7 < ratio < 1.05
    # sex is independent of all
    assert np.abs(found.moments[3]).max() < 0.03


@pytest.mark.parametrize("adjacency", ADJACENCIES)
def test_no_two_rows_move_the_moments_by_more_than_the_sensitivity(adjacency):
    codes = make_codes(300)
    # far corners: long vectors of scores, which are shortened
    corners = np.array([[0, 0, 0, 0, 0, 0], [1, 1, 3, 2, 1, 1], [0, 1, 0, 0, 1, 0.0]])
    opening, totals = prepare(np.vstack([codes, corners]), noiseless(adjacency))
    first = ReplayDesk(adjacency)

    def release(keep, desk):
        records = type(opening.records)(*(part[keep] for part in opening.records))
        release_directions(records, totals, opening.layout, opening.bins, 0.1, desk)
        return desk

    rows = np.arange(len(codes) + 3)
    release(rows, first)
    distances = []
    for row in (0, 1, 2, 300, 301, 302):
        keep = np.delete(rows, row)
        if adjacency == "replace_one":
            keep = np.append(keep, 301 if row != 301 else 300)
        other = release(keep, ReplayDesk(adjacency, first.answers))
        distances.append(first.distances(other)[0])
    assert 0.3 < max(distances) <= 1


@pytest.mark.parametrize("d", [2, 3, 17])
def test_the_sensitivity_holds_for_all_vectors_of_the_ball(d):
    rng = np.random.default_rng(d)
    upper = np.triu_indices(d, 1)
    radius = math.sqrt(squared_radius(d))
    vectors = rng.normal(size=(200, d))
    vectors[:4] = np.sign(vectors[:4])
    vectors *= radius / np.linalg.norm(vectors, axis=1, keepdims=True)
    products = np.array([np.outer(v, v)[upper] for v in vectors])
    norms = np.linalg.norm(products, axis=1)
    assert norms.max() <= moments_sensitivity(d, "add_remove")
    pairs = np.linalg.norm(products[:, None] - products, axis=2)
    assert pairs.max() <= moments_sensitivity(d, "replace_one")


def test_order_of_rows_does_not_matter_and_noise_is_what_the_ledger_says():
    codes = make_codes(3000)
    releases = []
    for rows in (codes, codes[::-1]):
        desk, ledger = desk_of(1.0)
        releases.append(measure(rows, desk, desk.mu).moments)
    assert_array_equal(*releases)
    entry = ledger.entries[-1]
    assert entry.name == "second moments of scores"
    assert entry.n_coordinates == 6
    found = measure(codes, desk_of(1.0)[0], 0.2)
    radius = squared_radius(4) / STEPS_PER_SCORE**2
    assert found.scale == pytest.approx(radius / math.sqrt(2) / 0.2 / 3000, rel=1e-6)


def test_components_start_along_what_the_columns_share():
    codes = make_codes(20_000)
    desk = noiseless()
    opening, totals = prepare(codes, desk)
    layout, bins = opening.layout, opening.bins
    directions = release_directions(opening.records, totals, layout, bins, math.inf, desk)
    owner = np.repeat([0, 1], 5)
    start = start_along(directions, totals, layout, bins, owner, np.random.default_rng(0))
    mean = np.column_stack(
        [
            start.cell[:, layout.blocks[j].cells] @ score
            for j, score in zip(directions.blocks, directions.scores, strict=True)
        ]
    )
    for own in (owner == 0, owner == 1):
        # age, pay and grade rise together from component to component
        assert np.corrcoef(mean[own][:, :3].T).min() > 0.95
        assert np.ptp(mean[own][:, 0]) > 1
        # sex has no part in it
        assert np.ptp(mean[own][:, 3]) < 0.2
    for block in layout.blocks:
        assert_allclose(start.cell[:, block.cells].sum(axis=1), 1)


def test_where_no_direction_stands_out_components_start_at_random():
    rng = np.random.default_rng(0)
    codes = np.column_stack([rng.permuted(column) for column in make_codes(2000).T])
    desk = noiseless()
    opening, totals = prepare(codes, desk)
    found = release_directions(
        opening.records, totals, opening.layout, opening.bins, 0.05, desk_of(1.0)[0]
    )
    owner = np.repeat([0, 1], 3)
    arguments = (totals, opening.layout, opening.bins, owner)
    one = start_along(
        found._replace(moments=0 * found.moments), *arguments, np.random.default_rng(1)
    )
    two = start_components(*arguments, np.random.default_rng(1))
    assert_array_equal(one.cell, two.cell)
