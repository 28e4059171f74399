"""Lattices that records are rounded to before they are added up, and sensitivities on them.

`choose_lattice` weighs the error of rounding against that of the sampler of the noise; `dither`
rounds (its distribution), `clip_norm` keeps the norm that the sensitivities are proved for:
`sums_sensitivity` of counts and sums, `second_moment_sensitivity` of sums of z zᵀ. `exact_floats`
takes exact integer sums to floats without moving neighbouring tables apart.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..exceptions import BudgetExceededError
from ..privacy import Draw, Mechanisms

__all__ = [
    "DIAGONAL_WEIGHT",
    "STEP",
    "Lattice",
    "check_reserve",
    "choose_lattice",
    "clip_norm",
    "dither",
    "exact_floats",
    "fits_reserve",
    "second_moment_sensitivity",
    "sums_sensitivity",
]

# records are integer multiples of this step: sums of such numbers are exact
STEP = 2.0**-10
# a power of two, so that products stay on the grid
DIAGONAL_WEIGHT = 0.5
# share of what is left for the sampler's error that one release may take, by the degree of its
# values in the records
SAMPLER_SHARE = {1: 0.05, 2: 0.4}
# noise of more steps than this would be drawn on a grid other than the lattice's
MAX_STEPS = 2.0**19
# releases of one histogram per column: cells of a column, at most or about, and their grid
COUNTED = (("location", 1, None), ("spread", 12, 1.0), ("marginals", 29, 1.0))


class Lattice(NamedTuple):
    """Where records lie before sums are taken, and the ball that they are clipped to.

    Attributes
    ----------
    step : float
        Values are integer multiples of it, a power of two.
    radius : float
        Bound on the L2 norm.
    """

    step: float
    radius: float

    @property
    def error(self) -> float:
        """The variance of the rounding error of a value."""
        return 0.0 if self.step == STEP else self.step**2 / 4.0


def choose_lattice(
    radius: float, n_features: int, n_values: int, degree: int, mu: float, desk: Mechanisms
) -> Lattice:
    """Return the lattice on which records are rounded before sums or second moments are released.

    The sampler's error grows with the number of values and with the noise counted in grid steps,
    and little of epsilon is set aside for it: the step is the smallest with which the error takes
    no more than its share of what is left, or the best there is; see `fits_reserve`.
    Rounding lengthens records; the ball leaves room for the variance of the errors and twice the
    standard deviation of their product with a record.

    Parameters
    ----------
    radius : float
        Bound on the L2 norm of the records as they are.
    n_features : int
    n_values : int
        Values that are released.
    degree : {1, 2}
        Of these values in the records.
    mu : float
    desk : Mechanisms
        After all earlier releases; nothing is bought.
    """
    best = Lattice(STEP, radius)
    if mu == math.inf:
        return best
    fewest = noise_in_steps(best, degree, mu, desk.adjacency)
    step = STEP
    # a step beyond the radius would leave little of the records
    while not fits_reserve(best, n_values, degree, mu, desk) and 2.0 * step <= radius:
        step *= 2.0
        # of ‖z + e‖²: the mean of ‖e‖², and two standard deviations of 2z·e
        room = n_features * step**2 / 4.0 + 2.0 * radius * step
        lattice = Lattice(step, math.sqrt(radius**2 + room))
        steps = noise_in_steps(lattice, degree, mu, desk.adjacency)
        # the ball grows with the step, and the grid of counts stays at 1: coarser may be worse
        if steps < fewest:
            best, fewest = lattice, steps
    return best


def noise_in_steps(lattice: Lattice, degree: int, mu: float, adjacency: str) -> float:
    """Return the standard deviation of the noise, in steps of the grid that it is drawn on."""
    if degree == 1:
        # counts go with the sums, on a grid of 1 at most
        return sums_sensitivity(lattice.radius, adjacency) / mu / min(lattice.step, 1.0)
    grid = DIAGONAL_WEIGHT * lattice.step**2
    return second_moment_sensitivity(lattice.radius, adjacency) / mu / grid


def fits_reserve(lattice: Lattice, n_values: int, degree: int, mu: float, desk: Mechanisms) -> bool:
    """Whether the sampler's error in a release takes no more than its share of what is left."""
    steps = noise_in_steps(lattice, degree, mu, desk.adjacency)
    return steps <= MAX_STEPS and desk.can_draw(n_values, steps, SAMPLER_SHARE[degree])


def check_reserve(n_features: int, mu: Mapping[str, float], desk: Mechanisms) -> None:
    """Refuse a table too wide for so small an ε before its first release.

    Counted are the releases of counts and means, whose noise cannot be drawn on coarser lattices.

    Raises
    ------
    BudgetExceededError
        If the sampler's error would exceed what is set aside for it.
    """
    if not desk.is_noisy:
        return
    root = desk.nonnegative_sensitivity(math.sqrt(n_features))
    error = desk.sampler_error(
        Draw(cells_per_column * n_features, root, mu[name], grid)
        for name, cells_per_column, grid in COUNTED
    )
    if not error.fits:
        raise BudgetExceededError(
            f"epsilon={desk.epsilon:g} is too small for {n_features} numeric columns in "
            f"continuous mode: the numerical error of so much noise would reach {error.taken:.2g} "
            f"of epsilon, more than the {error.left:.2g} set aside. Raise epsilon, drop "
            "columns, or average neighbouring ones. Nothing was released"
        )


def dither(units: np.ndarray, lattice: Lattice, desk: Mechanisms) -> np.ndarray:
    """Round records to a coarser lattice at random: errors of mean 0 and variance step²/4.

    Parameters
    ----------
    units : ndarray of shape (n_rows, n_features)
        In integer multiples of 2⁻¹⁰.
    lattice : Lattice
    desk : Mechanisms
        Where the random numbers come from; nothing is bought.

    Returns
    -------
    steps : ndarray of shape (n_rows, n_features), integers held as float64
        In multiples of the lattice's step, of L2 norm at most its radius.

    Notes
    -----
    The sum of two uniform variables is added before rounding, which makes the mean and variance
    of the error the same for all values (Wannamaker, Lipshitz, Vanderkooy & Wright 2000, A theory
    of nonsubtractive dither, section IV).

    What a record adds depends on it and on its own random numbers. A table with one record less
    would give the later ones other numbers, so the guarantee does not hold for fixed ones; it
    holds because they are independent and equally distributed. In whatever order rows come, the
    sum has one distribution, so that both tables may be thought of as giving a record the same
    numbers; for each value of these the sums differ by what one record adds. The numbers are part
    of the mechanism and come from the source of its noise.
    """
    if lattice.step > STEP:
        # two uniform numbers of 16 bits for every value
        words = desk.words((units.size + 1) // 2).view(np.uint16)[: 2 * units.size]
        first, second = words.reshape(2, *units.shape)
        # a ratio of powers of two: exact
        steps = units * (STEP / lattice.step)
        # two uniforms (k + ½)/2¹⁶, whose sum has mean 1
        steps += (first + (second + 1.0)) * 2.0**-16 - 1.0
        np.rint(steps, out=steps)
    else:
        # records lie on the finest lattice already
        steps = units
    # dithering may have lengthened a record, of which the ball has room for all but a few
    return clip_norm(steps, lattice.radius / lattice.step)


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
