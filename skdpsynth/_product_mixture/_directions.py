"""In which directions rows differ: second moments of their scores, and components along them.

Components that start in random directions find a dependence of few among many columns only by
luck. One release of d(d − 1)/2 sums tells all correlations of d columns at once, far more precisely
than passes over components do, so that the components start where the dependence is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri

from .._histograms import Bins
from ..privacy import Mechanisms
from ._columns import ColumnModel
from ._components import estimate_classes, start_components
from ._estimates import ComponentEstimates, NoisySums
from ._layout import Block, Layout, Records

__all__ = [
    "DIRECTIONS",
    "Directions",
    "count_scored",
    "kept_dependence",
    "moments_sensitivity",
    "release_directions",
    "start_along",
]

DIRECTIONS = "second moments of scores"

# scores are multiples of a quarter: fine beside their spread of 1, and integers are summed exactly
STEPS_PER_SCORE = 4
# a column of one frequent level has few scores far from the others
SMALLEST_SPREAD = 0.5
# squared scores have mean 1: few records have more than this times the number d of columns, and the
# root of d beside it, which is more where columns are few
SQUARED_RADIUS = 1.1
# of a column's variance, what the directions may explain at most
LARGEST_COMMUNALITY = 0.9
BLOCK_SIZE = 8192

# a correlation of scores that is told from noise, and strong enough that its loss matters
STRONG = 0.3
STRONG_Z = 5.0


class Directions(NamedTuple):
    """What the second moments say of columns that have an order.

    Attributes
    ----------
    blocks : tuple of int
        Positions in ``layout.blocks`` of the d columns that have scores.
    scores : list of ndarray of shape (n_cells,)
        The score of every cell of these columns, in the pool of all records of mean 0.
    moments : ndarray of shape (d, d)
        Released: mean products of two scores; 0 on the diagonal.
    scale : float
        Standard deviation of the noise in them.
    """

    blocks: tuple[int, ...]
    scores: list[np.ndarray]
    moments: np.ndarray
    scale: float


def count_scored(columns: Sequence[ColumnModel], owner: int | None) -> int:
    """Return how many columns have scores: tables of ordered cells or of two levels."""
    return sum(
        position != owner and column.is_tabulated and _has_order(column)
        for position, column in enumerate(columns)
    )


def _has_order(column: ColumnModel) -> bool:
    return column.is_ordered or column.distribution == "bernoulli"


def squared_radius(n_scored: int) -> int:
    """Return the largest squared norm of a record's scores, in steps."""
    radius = SQUARED_RADIUS * n_scored + math.sqrt(n_scored)
    return math.floor(radius * STEPS_PER_SCORE**2)


def moments_sensitivity(n_scored: int, adjacency: str) -> float:
    """Return the L2 sensitivity of the sums that `release_directions` releases.

    A record adds v = (zᵢzⱼ for i<j), and ‖v‖² = ½‖z‖⁴ − ½Σzᵢ⁴ ≤ ½R⁴. For two records
    v·v' = ½(z·z')² − ½Σzᵢ²zᵢ'², so that
    ‖v − v'‖² = ½‖z‖⁴ + ½‖z'‖⁴ − (z·z')² − ½Σ(zᵢ² − zᵢ'²)² ≤ R⁴.
    """
    radius = float(squared_radius(n_scored))
    return radius / math.sqrt(2.0) if adjacency == "add_remove" else radius


def release_directions(
    records: Records,
    totals: NoisySums,
    layout: Layout,
    bins: Mapping[int, Bins],
    mu: float,
    desk: Mechanisms,
) -> Directions:
    """Release the second moments of the records' scores.

    Parameters
    ----------
    records : Records
        The private rows.
    totals : NoisySums of n_classes
        Released before: scores are ranks by these counts.
    layout : Layout
    bins : mapping of column position to Bins
    mu : float
    desk : Mechanisms

    Notes
    -----
    Scores are functions of earlier releases. A record's scores are integers in steps, shortened to
    a norm of at most R by truncation; what it adds depends on it alone, and sums of integers are
    exact. `moments_sensitivity` has the proof.
    """
    n_records = max(float(totals.n_records.sum()), 1.0)
    blocks = _scored_blocks(layout)
    scores = _score_cells(totals, layout, bins, blocks)
    sums = _sum_products(records, layout, blocks, scores)
    upper = np.triu_indices(len(blocks), 1)
    sensitivity = moments_sensitivity(len(blocks), desk.adjacency)
    released = desk.gaussian(sums[upper], sensitivity=sensitivity, mu=mu, name=DIRECTIONS, grid=1.0)
    unit = STEPS_PER_SCORE**2 * n_records
    moments = np.zeros(sums.shape)
    moments[upper] = released / unit
    return Directions(blocks, scores, moments + moments.T, sensitivity / mu / unit)


def _scored_blocks(layout: Layout) -> tuple[int, ...]:
    return tuple(j for j, b in enumerate(layout.blocks) if b.is_ordered or b.is_bernoulli)


def _score_cells(
    totals: NoisySums, layout: Layout, bins: Mapping[int, Bins], blocks: Sequence[int]
) -> list[np.ndarray]:
    """Return mid-ranks of the cells by released counts, of mean 0 and spread about 1."""
    pool = NoisySums(*(part.sum(axis=0, keepdims=True) for part in totals))
    cell = estimate_classes(pool, layout, bins).cell[0]
    return [_score_block(cell[layout.blocks[j].cells], layout.blocks[j]) for j in blocks]


def _score_block(probability: np.ndarray, block: Block) -> np.ndarray:
    present = probability[: block.n_cells - block.is_nullable]
    rank = np.cumsum(present) - present / 2.0
    rank = math.sqrt(12.0) * (rank / present.sum() - 0.5)
    center = present @ rank / present.sum()
    spread = math.sqrt(present @ (rank - center) ** 2)
    score = (rank - center) / max(spread, SMALLEST_SPREAD)
    rounded = np.rint(STEPS_PER_SCORE * score) / STEPS_PER_SCORE
    # a missing value lies in no direction
    return np.append(rounded, 0.0) if block.is_nullable else rounded


def _sum_products(
    records: Records, layout: Layout, blocks: Sequence[int], scores: Sequence[np.ndarray]
) -> np.ndarray:
    """Return Σ z zᵀ over the records in squared steps, exact integers held as float64."""
    steps = np.zeros(max(layout.n_cells, 1))
    for j, score in zip(blocks, scores, strict=True):
        steps[layout.blocks[j].cells] = STEPS_PER_SCORE * score
    radius = squared_radius(len(blocks))
    total = np.zeros((len(blocks), len(blocks)))
    for start in range(0, len(records.codes), BLOCK_SIZE):
        z = steps[records.codes[start : start + BLOCK_SIZE, list(blocks)]]
        # squares of small integers: exact in whatever order they are added
        norm = np.square(z).sum(axis=1)
        factor = np.sqrt(np.minimum(radius / np.maximum(norm, 1.0), 1.0))
        # lowered by far more than its own rounding; truncation never lengthens
        factor[norm > radius] *= 1.0 - 2.0**-40
        z = np.trunc(z * factor[:, None])
        total += z.T @ z
    return total


def start_along(
    directions: Directions,
    totals: NoisySums,
    layout: Layout,
    bins: Mapping[int, Bins],
    owner: np.ndarray,
    rng: np.random.Generator,
) -> ComponentEstimates:
    """Return each class's estimate, its components tilted along the directions of the rows.

    The directions are eigenvectors of the covariance within classes beyond what noise alone makes;
    in a factor model with these loadings a component is the rows near one value of the factors.
    Columns without scores, and all where no direction stands out, are tilted at random.
    """
    start = start_components(totals, layout, bins, owner, rng)
    classes = estimate_classes(totals, layout, bins)
    loadings = _find_loadings(directions, classes, layout)
    if not loadings.shape[1]:
        return start
    factors = _spread_components(owner, layout.n_classes, loadings.shape[1], rng)
    communality = np.square(loadings).sum(axis=1)
    cell = start.cell.copy()
    for j, score, loading, explained in zip(
        directions.blocks, directions.scores, loadings, communality, strict=True
    ):
        block = layout.blocks[j]
        odds = (factors @ loading)[:, None] * score / (1.0 - explained)
        tilted = classes.cell[owner][:, block.cells] * np.exp(odds)
        cell[:, block.cells] = tilted / tilted.sum(axis=1, keepdims=True)
    return start._replace(cell=cell)


def _find_loadings(
    directions: Directions, classes: ComponentEstimates, layout: Layout
) -> np.ndarray:
    """Return loadings of shape (d, n_factors) on the directions that stand out of the noise."""
    weights = classes.n_records / classes.n_records.sum()
    means = np.column_stack(
        [
            classes.cell[:, layout.blocks[j].cells] @ score
            for j, score in zip(directions.blocks, directions.scores, strict=True)
        ]
    )
    # covariance within classes: between them it is in the classes' own estimates
    centered = means - weights @ means
    within = directions.moments - (centered * weights[:, None]).T @ centered
    np.fill_diagonal(within, 0.0)
    values, vectors = np.linalg.eigh(within)
    # noise alone fills the semicircle
    stands_out = values > max(2.0 * directions.scale * math.sqrt(len(within)), 1e-6)
    loadings = vectors[:, stands_out] * np.sqrt(values[stands_out])
    communality = np.square(loadings).sum(axis=1, keepdims=True)
    return np.asarray(
        loadings * np.sqrt(np.minimum(1.0, LARGEST_COMMUNALITY / np.maximum(communality, 1e-12)))
    )


def _spread_components(
    owner: np.ndarray, n_classes: int, n_factors: int, rng: np.random.Generator
) -> np.ndarray:
    """Return values of the factors of every component: normal quantiles, in random order."""
    factors = np.zeros((len(owner), n_factors))
    for number in range(n_classes):
        own = np.flatnonzero(owner == number)
        quantiles = ndtri((np.arange(len(own)) + 0.5) / len(own))
        for factor in range(n_factors):
            factors[own, factor] = rng.permutation(quantiles)
    return factors


def kept_dependence(
    directions: Directions, weights: np.ndarray, estimates: ComponentEstimates, layout: Layout
) -> float:
    """Return the share of the strong released correlations of scores that a mixture has.

    Parameters
    ----------
    directions : Directions
    weights : ndarray of shape (n_components,)
    estimates : ComponentEstimates
        Of the mixture.
    layout : Layout

    Returns
    -------
    share : float
        The slope of the mixture's correlations on the released ones; 1 where none is strong.
    """
    upper = np.triu_indices(len(directions.blocks), 1)
    released = directions.moments[upper]
    is_strong = np.abs(released) > max(STRONG, STRONG_Z * directions.scale)
    if not is_strong.any():
        return 1.0
    mean = np.column_stack(
        [
            estimates.cell[:, layout.blocks[j].cells] @ score
            for j, score in zip(directions.blocks, directions.scores, strict=True)
        ]
    )
    mean = mean - weights @ mean
    # within a component columns are independent
    own = ((mean * weights[:, None]).T @ mean)[upper][is_strong]
    strong = released[is_strong]
    return float(own @ strong / (strong @ strong))
