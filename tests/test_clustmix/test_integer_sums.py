import numpy as np
import pytest
from desks import desk_of

from skdpsynth.clustmix._integer_sums import exact_floats
from skdpsynth.clustmix._vectors import ContinuousPlan
from skdpsynth.schema import Continuous, Table


@pytest.mark.parametrize("adjacency", ["add_remove", "replace_one"])
def test_a_wide_table_is_fitted_at_a_small_epsilon(adjacency):
    # noise of 2²⁸ steps of the grid that records are on
    table = Table(np.zeros((5, 1000)), None, None, False)
    plan = ContinuousPlan((Continuous(0, 1),) * 1000, None, "auto", 0.02)
    desk, ledger = desk_of(0.02, adjacency, delta=1e-6)
    plan.release(table, desk)
    assert ledger.spent().epsilon <= 0.02


def test_exact_sums_become_floats_that_are_no_further_apart():
    sums = np.array([0, 1, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3, 2**62, -(2**53) - 1, -(2**62)])
    floats = exact_floats(sums)
    assert floats.dtype == np.float64
    for a, x in zip(sums.tolist(), floats.tolist(), strict=True):
        for b, y in zip(sums.tolist(), floats.tolist(), strict=True):
            assert abs(int(x) - int(y)) <= abs(a - b)
