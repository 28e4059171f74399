import math

import mpmath
import numpy as np
import pytest

from skdpsynth.privacy import sampler_log_ratio
from skdpsynth.privacy._rounded_gaussian import (
    MAX_SCALE,
    TAIL_PROBABILITY,
    TAIL_QUANTILE,
    THRESHOLD_ERROR,
    tail_thresholds,
)

UNIT_ROUNDOFF = 2.0**-53


def exact_tail(magnitude, scale):
    edge = (mpmath.mpf(int(magnitude)) - mpmath.mpf("0.5")) / mpmath.mpf(scale)
    return mpmath.erfc(edge / mpmath.sqrt(2))


def some_magnitudes(size):
    rng = np.random.default_rng(5)
    spread = rng.integers(1, size + 1, 400)
    bulk = rng.integers(1, max(size // 15, 1) + 1, 400)
    return np.unique(np.r_[spread, bulk, np.arange(1, min(size, 40) + 1)])


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3, 91.3, 1024.7, 30000.123])
def test_thresholds_are_within_the_claimed_relative_error(scale):
    table = tail_thresholds(scale)
    assert np.all(np.diff(table) < 0)
    with mpmath.workdps(60):
        for magnitude in some_magnitudes(table.size):
            if (magnitude - 0.5) / scale > TAIL_QUANTILE:
                continue
            ratio = mpmath.mpf(float(table[magnitude - 1])) / exact_tail(magnitude, scale)
            assert abs(float(ratio - 1)) < 0.75 * THRESHOLD_ERROR


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.3, 91.3, 1024.7, 30000.123])
def test_cells_are_within_the_claimed_log_ratio(scale):
    table = np.r_[1.0, tail_thresholds(scale)]
    bound = sampler_log_ratio(scale)
    with mpmath.workdps(60):
        for magnitude in np.r_[0, some_magnitudes(table.size - 2)]:
            upper = exact_tail(magnitude, scale) if magnitude else mpmath.mpf(1)
            cell = mpmath.mpf(float(table[magnitude])) - mpmath.mpf(float(table[magnitude + 1]))
            exact = upper - exact_tail(magnitude + 1, scale)
            if (magnitude + 0.5) / scale < TAIL_QUANTILE:
                assert abs(float(mpmath.log(cell / exact))) <= bound


def test_table_ends_below_the_smallest_uniform():
    for smallest in (0.9, 1e-3, 1e-20, 1e-280):
        table = tail_thresholds(50.0, smallest)
        assert table[-1] < smallest
    assert tail_thresholds(50.0)[-1] < TAIL_PROBABILITY


def test_tail_probability_covers_what_the_table_leaves_out():
    with mpmath.workdps(60):
        outside = mpmath.erfc(mpmath.mpf(TAIL_QUANTILE) / mpmath.sqrt(2))
        assert 2 * outside < mpmath.mpf(TAIL_PROBABILITY)


def test_log_ratio_grows_with_the_scale():
    ratios = [sampler_log_ratio(scale) for scale in (0.0, 0.1, 1.0, 100.0, MAX_SCALE)]
    assert ratios == sorted(ratios)
    assert ratios[0] == 0.0
    assert ratios[-1] < 50 * UNIT_ROUNDOFF * MAX_SCALE
    with pytest.raises(ValueError, match="scale"):
        sampler_log_ratio(math.nextafter(MAX_SCALE, math.inf))
