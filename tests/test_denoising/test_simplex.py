import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize

from skdpsynth._denoising import project_to_simplex


@given(arrays(float, st.integers(1, 12), elements=st.floats(-5, 5)))
def test_the_projection_satisfies_its_optimality_conditions(values):
    """Values minus nearest probabilities are one constant where positive, and less elsewhere."""
    projected = project_to_simplex(values)
    assert projected.min() >= 0
    assert projected.sum() == pytest.approx(1)
    gap = values - projected
    assert np.ptp(gap[projected > 0]) < 1e-9
    assert (gap[projected == 0] <= gap[projected > 0].max() + 1e-9).all()


def test_the_projection_is_that_of_a_numerical_optimiser():
    values = np.random.default_rng(0).normal(size=6)
    found = minimize(
        lambda p: np.square(p - values).sum(),
        np.full(6, 1 / 6),
        jac=lambda p: 2 * (p - values),
        bounds=[(0, 1)] * 6,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14},
    )
    assert_allclose(project_to_simplex(values), found.x, atol=1e-6)


def test_the_projection_works_row_by_row_and_keeps_probabilities():
    values = np.random.default_rng(1).normal(size=(4, 5))
    rows = np.array([project_to_simplex(row) for row in values])
    assert_array_equal(project_to_simplex(values), rows)
    assert_allclose(project_to_simplex(rows), rows, atol=1e-15)


@pytest.mark.parametrize("scale", [1e3, 1e9, 1e17, 1e300])
def test_large_values_give_probabilities_as_well(scale):
    """Of few records, noise is many times their number; and a draw refuses more than 1."""
    rng = np.random.default_rng(2)
    values = scale * rng.normal(size=(500, 3)) + rng.uniform(-1, 1, size=(500, 3))
    projected = project_to_simplex(values)
    assert projected.min() >= 0
    assert projected.max() <= 1
    assert_allclose(projected.sum(axis=1), 1, rtol=1e-15)
