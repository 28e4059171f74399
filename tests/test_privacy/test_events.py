import math

import numpy as np
import pytest

from skdpsynth.privacy import (
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    check_adjacency,
)


def test_events_are_frozen_and_hashable():
    event = GaussianEvent(np.float32(0.5))
    assert event == GaussianEvent(0.5)
    assert type(event.mu) is float
    assert len({event, GaussianEvent(0.5), SelectionEvent(0.5)}) == 2
    with pytest.raises(AttributeError):
        event.mu = 1.0


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: GaussianEvent(-1.0), ValueError, r"mu=-1.0 is outside .* \[0, inf\]"),
        (lambda: GaussianEvent(math.nan), ValueError, "mu=nan"),
        (lambda: GaussianEvent("1"), TypeError, "mu must be a real number, got str"),
        (lambda: GaussianEvent(True), TypeError, "got bool"),
        (lambda: SelectionEvent(-0.1), ValueError, "epsilon=-0.1"),
        (lambda: FailureEvent(1.1), ValueError, r"delta=1.1 is outside .* \[0, 1\]"),
        (lambda: FailureEvent(-1e-9), ValueError, "delta=-1e-09"),
        (lambda: SubsampledGaussianEvent(0.0, 1.0, 5), ValueError, "sampling_rate=0.0"),
        (lambda: SubsampledGaussianEvent(1.1, 1.0, 5), ValueError, "sampling_rate=1.1"),
        (lambda: SubsampledGaussianEvent(0.1, 0.0, 5), ValueError, "noise_multiplier=0.0"),
        (lambda: SubsampledGaussianEvent(0.1, 1.0, 0), ValueError, "steps=0 must be at least 1"),
        (lambda: SubsampledGaussianEvent(0.1, 1.0, 2.5), TypeError, "steps must be an integer"),
    ],
)
def test_events_refuse_bad_numbers(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_check_adjacency():
    assert check_adjacency("replace_one") == "replace_one"
    with pytest.raises(ValueError, match="'substitute' is not a neighbouring relation; use one of"):
        check_adjacency("substitute")
