import math

import mpmath
import numpy as np
import pytest
from dp_accounting.pld import privacy_loss_distribution
from hypothesis import given
from hypothesis import strategies as st

from skdpsynth.privacy import (
    GaussianEvent,
    SelectionEvent,
    compose_delta,
    gdp_delta,
    gdp_epsilon,
    gdp_mu,
)
from skdpsynth.privacy._accountant._curves import gdp_delta_curve

EPSILONS = [0.0, 1e-9, 1e-5, 1e-3, 0.1, 1.0, 5.0, 50.0, 400.0]
DELTAS = [1e-15, 1e-12, 1e-6, 1e-2, 0.5]


def exact_delta(epsilon, mu):
    """The defining formula in 60 digits."""
    with mpmath.workdps(60):
        eps, m = mpmath.mpf(epsilon), mpmath.mpf(mu)
        return mpmath.ncdf(m / 2 - eps / m) - mpmath.exp(eps) * mpmath.ncdf(-m / 2 - eps / m)


@pytest.mark.parametrize("epsilon", EPSILONS)
@pytest.mark.parametrize("delta", DELTAS)
def test_mu_is_the_inverse_and_never_exceeds(epsilon, delta):
    mu = gdp_mu(epsilon, delta)
    exact = float(exact_delta(epsilon, mu) / delta)
    assert 1 - 1e-9 < exact < 1
    assert gdp_delta(epsilon, mu) <= delta
    assert gdp_delta(epsilon, mu) / delta == pytest.approx(exact, rel=2e-12)
    assert gdp_epsilon(mu, delta) == pytest.approx(epsilon, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("epsilon", [-700.0, -30.0, -1.0, -1e-3, -1e-6, 0.3])
@pytest.mark.parametrize("mu", [1e-5, 9.99e-4, 1e-3, 0.5, 20.0])
def test_curve_at_negative_epsilon(epsilon, mu):
    exact = float(exact_delta(epsilon, mu))
    np.testing.assert_allclose(gdp_delta_curve(epsilon, mu), exact, rtol=1e-12, atol=1e-300)


def test_limits():
    assert gdp_delta(1.0, 0.0) == 0.0
    assert gdp_delta(1.0, math.inf) == 1.0
    assert gdp_delta(math.inf, 3.0) == 0.0
    assert gdp_delta(1e6, 1.0) == 0.0
    assert gdp_delta(1.0, 1e6) == 1.0
    assert gdp_mu(math.inf, 1e-6) == math.inf
    assert gdp_epsilon(math.inf, 1e-6) == math.inf
    assert gdp_epsilon(0.0, 1e-6) == 0.0


@given(
    epsilon=st.floats(0, 60),
    mu=st.floats(1e-6, 30),
    factor=st.floats(1.001, 3),
)
def test_delta_is_monotone(epsilon, mu, factor):
    delta = gdp_delta(epsilon, mu)
    assert gdp_delta(epsilon, factor * mu) >= delta
    assert gdp_delta(factor * epsilon, mu) <= delta * (1 + 1e-9)


@pytest.mark.parametrize(("epsilon", "mu"), [(0.5, 0.3), (1.0, 1.0), (4.0, 1.5)])
def test_agrees_with_the_privacy_loss_distribution(epsilon, mu):
    loss = privacy_loss_distribution.from_gaussian_mechanism(
        1 / mu, value_discretization_interval=1e-3
    )
    # that discretisation is exact at multiples of its interval, up to its truncated tails
    assert gdp_delta(epsilon, mu) == pytest.approx(loss.get_delta_for_epsilon(epsilon), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: gdp_mu(-1.0, 1e-6), "epsilon=-1.0"),
        (lambda: gdp_mu(1.0, 0.0), r"delta=0.0 .* \(0, 1\)"),
        (lambda: gdp_mu(1.0, 1.0), "delta=1.0"),
        (lambda: gdp_delta(1.0, -1.0), "mu=-1.0"),
        (lambda: gdp_epsilon(1.0, 2.0), "delta=2.0"),
    ],
)
def test_bad_arguments(call, match):
    with pytest.raises(ValueError, match=match):
        call()


def test_the_ends_of_floating_point():
    assert gdp_delta(1.0, 1e-300) == gdp_delta(1e300, 1e-12) == 0.0
    assert gdp_epsilon(1e200, 1e-6) == math.inf
    assert compose_delta([GaussianEvent(1e300), SelectionEvent(0.1)], 1.0) == 1.0
    # an integer beyond them is not taken for the infinity that stands for no privacy
    with pytest.raises(ValueError, match="epsilon is an integer too large"):
        gdp_mu(10**400, 1e-6)
