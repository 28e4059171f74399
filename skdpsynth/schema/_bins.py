"""Bins between public bounds: edges, the bin of a value, a value of a bin."""

from __future__ import annotations

import numpy as np

from ..exceptions import SchemaError
from ._kinds import Count, Numeric
from ._lattice import Lattice

__all__ = ["bin_codes", "bin_values", "check_edges", "in_steps", "make_edges", "whole_numbers"]


def make_edges(kind: Numeric, n_bins: int, strategy: str) -> np.ndarray:
    """Return the edges of bins that are equally wide, or equally wide on a log scale.

    Bins of a column in steps, such as a count, never split a value: their edges lie half-way
    between values, and there are fewer than `n_bins` of them when the range has fewer values.

    Parameters
    ----------
    kind : Continuous or Count
        The public bounds.
    n_bins : int
        Number of bins.
    strategy : {"uniform", "log"}
        On the log scale x is spaced as log(x), or as log(1 + x - low) when low <= 0.

    Returns
    -------
    edges : ndarray of shape (n_bins + 1,)
        Strictly increasing.

    Examples
    --------
    >>> from skdpsynth.schema import Continuous
    >>> make_edges(Continuous(1, 100), 2, "log")
    array([  1.,  10., 100.])
    >>> make_edges(Count(0, 9), 2, "uniform")
    array([-0.5,  4.5,  9.5])
    """
    if kind.lattice is not None:
        return _step_edges(kind.lattice, n_bins, strategy)
    if strategy == "uniform":
        return np.linspace(kind.low, kind.high, n_bins + 1)
    return _log_edges(float(kind.low), float(kind.high), n_bins)


def _step_edges(lattice: Lattice, n_bins: int, strategy: str) -> np.ndarray:
    low, high, step = lattice.low, lattice.high, lattice.step
    # one more than high, so that high fills as much of its bin as any other value
    n_values = lattice.n_steps + 1
    if strategy == "uniform":
        n_bins = min(n_bins, n_values)
        starts = low + step * np.floor(np.arange(n_bins) * (n_values / n_bins))
    else:
        edges = _log_edges(low, high + step, n_bins)
        starts = np.unique(np.minimum(lattice.snap(edges[:-1]), high))
    return np.append(starts, high + step) - 0.5 * step


def in_steps(values: np.ndarray, kind: Numeric) -> np.ndarray:
    """Return numbers as steps above the lower bound, whole for possible values of the column.

    >>> from skdpsynth.schema import Continuous
    >>> in_steps(np.array([0.3, 0.35]), Continuous(0, 1, decimals=1))
    array([3. , 3.5])
    """
    lattice = kind.lattice
    assert lattice is not None
    steps = (values - lattice.low) / lattice.step
    whole = np.rint(steps)
    # 0.3 / 0.1 is a little less than 3
    return np.where(np.abs(steps - whole) < 1e-6, whole, steps)


def _log_edges(low: float, high: float, n_bins: int) -> np.ndarray:
    if low > 0:
        return np.geomspace(low, high, n_bins + 1)
    edges = low + np.expm1(np.linspace(0.0, np.log1p(high - low), n_bins + 1))
    edges[-1] = high
    return edges


def check_edges(edges: object, name: object) -> np.ndarray:
    """Return given edges as an array.

    Raises
    ------
    SchemaError
        If they are not at least two finite, strictly increasing numbers.
    """
    try:
        array = np.asarray(edges, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.empty(0)
    if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
        raise SchemaError(
            f"The edges of column {name!r} must be at least two finite numbers, got {edges!r}."
        )
    if not (np.diff(array) > 0).all():
        raise SchemaError(
            f"The edges of column {name!r} must increase strictly, got {array.tolist()}; sort "
            "them, or choose fewer bins."
        )
    return array


def whole_numbers(
    edges: np.ndarray, name: object, kind: Numeric | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last integer of every bin; the last bin includes its upper edge.

    Parameters
    ----------
    edges : ndarray of shape (n_bins + 1,)
    name : object
        The column, for error messages.
    kind : Continuous or Count, default=None
        Of a column in steps: what is returned are steps above its lower bound.

    Raises
    ------
    SchemaError
        If a bin contains no integer, or no value that the column can take.
    """
    steps = edges if kind is None else in_steps(edges, kind)
    first = np.ceil(steps[:-1]).astype(np.int64)
    last = np.ceil(steps[1:]).astype(np.int64) - 1
    last[-1] = np.floor(steps[-1])
    empty = np.flatnonzero(first > last)
    if len(empty):
        low, high = edges[empty[0]], edges[empty[0] + 1]
        what = "integer" if kind is None or isinstance(kind, Count) else "possible value"
        holds = "integers" if what == "integer" else f"the values of {kind!r}"
        raise SchemaError(
            f"No {what} lies between the edges {low:g} and {high:g} of column {name!r}, which "
            f"holds {holds}; remove one of them."
        )
    return first, last


def bin_codes(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of every value, 0 to n_bins - 1, as float64; NaN where it is missing.

    Bins are closed on the left, the last one on both sides. Values outside the edges are in the
    first and the last bin.

    Examples
    --------
    >>> bin_codes(np.array([-1.0, 0.0, 1.0, 2.0, np.nan]), np.array([0.0, 1.0, 2.0]))
    array([ 0.,  0.,  1.,  1., nan])
    """
    codes = np.searchsorted(edges[1:-1], values, side="right").astype(np.float64)
    codes[np.isnan(values)] = np.nan
    return codes


def bin_values(
    codes: np.ndarray,
    edges: np.ndarray,
    kind: Numeric,
    name: object,
    generator: np.random.Generator | None,
) -> np.ndarray:
    """Return a value in every bin, NaN where its code is; columns in steps give possible values.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Rounded and clipped to the nearest bin.
    edges : ndarray of shape (n_bins + 1,)
        The edges of the bins.
    kind : Continuous or Count
        Whether values come in steps.
    name : object
        The column, for error messages.
    generator : Generator, default=None
        Draws a value uniformly within its bin; None takes the bin's centre.
    """
    missing = np.isnan(codes)
    bins = np.clip(np.rint(np.where(missing, 0.0, codes)), 0, len(edges) - 2).astype(np.intp)
    if kind.lattice is not None:
        first, last = whole_numbers(edges, name, kind)
        if generator is None:
            steps = ((first + last) // 2)[bins]
        else:
            steps = generator.integers(first[bins], last[bins] + 1)
        values = kind.lattice.low + steps * kind.lattice.step
    else:
        low, high = edges[:-1][bins], edges[1:][bins]
        if generator is None:
            values = low + (high - low) / 2
        else:
            # the sum may round up to the edge, which is in the next bin
            draw = low + (high - low) * generator.random(len(bins))
            values = np.minimum(draw, np.nextafter(high, low))
    return np.where(missing, np.nan, values)
