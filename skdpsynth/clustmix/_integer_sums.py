"""Sums of records that are integers of a small step, and their sensitivities.

`clip_norm` keeps the norm that the sensitivities are proved for: `sums_sensitivity` of counts and
sums, `second_moment_sensitivity` of sums of z zᵀ. `exact_floats` takes exact integer sums to floats
without moving neighbouring tables apart.
"""

from __future__ import annotations

import math

import numpy as np

__all__ = [
    "DIAGONAL_WEIGHT",
    "STEP",
    "clip_norm",
    "exact_floats",
    "second_moment_sensitivity",
    "sums_sensitivity",
]

# records are integer multiples of this step: sums of such numbers are exact
STEP = 2.0**-10
# a power of two, so that products stay on the grid
DIAGONAL_WEIGHT = 0.5


def clip_norm(units: np.ndarray, radius: float) -> np.ndarray:
    """Scale integer records to an L2 norm of at most `radius`, and truncate them to integers.

    Truncation towards zero never raises a norm; the factor is lowered by 2⁻⁴⁰, far more than its
    own rounding.

    Examples
    --------
    >>> clip_norm(np.array([[30.0, 40.0], [3.0, 4.0]]), 25.0)
    array([[14., 19.],
           [ 3.,  4.]])
    """
    # squares of integers, below 2⁵³ in sum: exact in whatever order they are added
    norm = np.sqrt(np.einsum("ij,ij->i", units, units))
    factor = np.ones_like(norm)
    is_long = norm > radius
    factor[is_long] = radius / norm[is_long] * (1.0 - 2.0**-40)
    return np.trunc(units * factor[:, None])


def exact_floats(integers: np.ndarray) -> np.ndarray:
    """Return exact sums of integers as float64, those beyond ±2⁵³ moved to there.

    Clipping brings no two numbers further apart, so that the sensitivity of the sums remains what
    it is; rounding would not.

    Examples
    --------
    >>> exact_floats(np.array([3, 2**53 + 1])) == np.array([3.0, 2.0**53])
    array([ True,  True])
    """
    return np.clip(integers, -(2**53), 2**53).astype(np.float64)


def sums_sensitivity(radius: float, adjacency: str) -> float:
    """Return the L2 sensitivity of the groups' counts and sums of vectors of norm ≤ `radius`.

    Adding a record adds (1, z) to one group: √(1 + R²). Replacing it moves two groups by as much,
    √(2 + 2R²), or one group by (0, z − z'), at most 2R.
    """
    if adjacency == "add_remove":
        return math.sqrt(1.0 + radius**2)
    return max(math.sqrt(2.0 + 2.0 * radius**2), 2.0 * radius)


def second_moment_sensitivity(radius: float, adjacency: str) -> float:
    """Return the L2 sensitivity of `release_second_moments`.

    A record adds v = (zᵢzⱼ for i<j, ½zᵢ²): ‖v‖² = ½‖z‖⁴ − ¼Σzᵢ⁴ ≤ ½R⁴. For two records in the
    same group v·v' = ½(z·z')² − ¼Σzᵢ²zᵢ'², so that
    ‖v − v'‖² = ½‖z‖⁴ + ½‖z'‖⁴ − (z·z')² − ¼Σ(zᵢ² − zᵢ'²)² ≤ R⁴; in two groups v·v' = 0.
    """
    return radius**2 / math.sqrt(2.0) if adjacency == "add_remove" else radius**2
