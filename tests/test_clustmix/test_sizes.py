import numpy as np
import pytest
from numpy.testing import assert_array_equal

from skdpsynth.clustmix._sizes import share_out_clusters, surviving_clusters

COUNTS = np.array([100, 45, 0, 3])


def test_auto_gives_each_class_what_its_count_allows():
    counts = np.array([5000.0, 90.0, 25.0, -12.0])
    assert_array_equal(share_out_clusters("auto", counts, 30.0, 32), [32, 3, 1, 1])


@pytest.mark.parametrize(
    ("n_clusters", "expected"), [(1, [1, 1, 0, 1]), (5, [3, 1, 0, 1]), (8, [5, 2, 0, 1])]
)
def test_clusters_asked_for_go_where_records_are(n_clusters, expected):
    least = np.minimum(COUNTS, 1)
    assert_array_equal(share_out_clusters(n_clusters, COUNTS, 20, 100, least), expected)


def test_clusters_asked_for_may_be_more_than_auto_would_take():
    assert_array_equal(share_out_clusters(40, np.array([5000.0]), 30.0, 32), [40])


@pytest.mark.parametrize("n_clusters", [5, 1000])
def test_more_clusters_than_the_counts_allow_are_refused(n_clusters):
    message = r"only 4 clusters of at least 30 records .* 121 records.*counts as spent"
    with pytest.raises(ValueError, match=message):
        share_out_clusters(n_clusters, np.array([90.0, 31.0]), 30.0, 32)


def test_each_class_keeps_its_largest_cluster():
    counts, owner = np.array([30.0, 5.0, 8.0, 2.0, -4.0]), np.array([0, 0, 1, 1, 2])
    assert_array_equal(surviving_clusters(counts, owner, 20.0), [0, 2, 4])
    assert_array_equal(surviving_clusters(counts, owner, 5.0), [0, 1, 2, 4])
