import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdpsynth import Categorical, Continuous, Count, TableSchema
from skdpsynth._histograms import coarsen, fine_grid
from skdpsynth._product_mixture._columns import model_columns
from skdpsynth._product_mixture._layout import build_layout, encode_records, record_squared_norm

SCHEMA = TableSchema(
    {
        "histogram": Count(0, 9, nullable=True),
        "bernoulli": Categorical(["a", "b"]),
        "normal": Continuous(0, 1, nullable=True),
        "categorical": Count(3, 5, nullable=True),
        "poisson": Count(0, 4),
    }
)
COLUMNS = model_columns(
    SCHEMA, {"normal": "normal", "categorical": "categorical", "poisson": "poisson"}
)
GRIDS = {0: fine_grid(Count(0, 9, nullable=True))}
BINS = {0: coarsen(np.ones(11), GRIDS[0], 5)}


def test_blocks_and_features_follow_one_another():
    layout = build_layout(COLUMNS, BINS, None)
    assert BINS[0].n_bins == 5
    assert [(b.column, b.start, b.n_cells) for b in layout.blocks] == [
        (0, 0, 6),
        (1, 6, 2),
        (3, 8, 4),
    ]
    assert [(s.column, s.start, s.n_features) for s in layout.scalars] == [(2, 0, 3), (4, 3, 1)]
    assert (layout.n_cells, layout.n_features, layout.n_classes) == (12, 4, 1)
    assert layout.scalars[1].span == 4.0


@pytest.mark.parametrize(("owner", "n_classes"), [(0, 6), (1, 2), (3, 4)])
def test_the_owner_is_no_block(owner, n_classes):
    layout = build_layout(COLUMNS, BINS, owner)
    assert owner not in [block.column for block in layout.blocks]
    assert layout.n_classes == n_classes


def test_records_by_hand():
    nan = np.nan
    codes = np.array([[0.0, 1, 0.5, 0.5, 1.0], [nan, 0, nan, nan, 0.25], [1.0, 1, 1.0, 1.0, 0.0]])
    records = encode_records(codes, COLUMNS, build_layout(COLUMNS, BINS, None), GRIDS, BINS)
    assert_array_equal(records.codes, [[0, 7, 9], [5, 6, 11], [4, 7, 10]])
    # u and u² are zero where the value is missing, and the indicator one
    features = [[0.5, 0.25, 0, 1.0], [0, 0, 1, 0.25], [1, 1, 0, 0]]
    assert_array_equal(records.features, features)
    assert_array_equal(records.classes, [0, 0, 0])
    owned = encode_records(codes, COLUMNS, build_layout(COLUMNS, BINS, 3), GRIDS, BINS)
    assert_array_equal(owned.classes, [1, 3, 2])
    assert owned.codes.shape == (3, 2)


@pytest.mark.parametrize(("owner", "norm"), [(None, 7), (0, 6), (1, 6), (3, 6)])
def test_the_norm_counts_one_per_column_and_two_per_normal(owner, norm):
    """The row count, three blocks, u and u² of the normal column, u of the poisson column."""
    assert record_squared_norm(COLUMNS, owner) == norm


def test_a_layout_may_have_no_blocks_or_no_features():
    columns = model_columns(TableSchema({"x": Continuous(0, 1)}), {"x": "normal"})
    layout = build_layout(columns, {}, None)
    records = encode_records(np.array([[0.5]]), columns, layout, {}, {})
    assert (layout.n_cells, records.codes.shape) == (0, (1, 0))
    columns = model_columns(TableSchema({"x": Categorical(["a"])}))
    records = encode_records(np.zeros((2, 1)), columns, build_layout(columns, {}, None), {}, {})
    assert records.features.shape == (2, 0)
