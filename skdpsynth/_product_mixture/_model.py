"""The fitted mixture: log density, sampling, conditioning and posterior draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats
from scipy.special import gammaln

from .._histograms import Bins, FineGrid, fine_grid, locate, sample_within
from ._columns import ColumnModel
from ._estimates import ComponentEstimates
from ._kernels import ANY_CLASS, NaturalParameters, power_of_two, score_records
from ._layout import Layout, Scalar, encode_records

__all__ = ["MixtureModel", "natural_parameters"]

_NO_CLASS = -2


@dataclass(frozen=True)
class MixtureModel:
    """A mixture of products of one-column distributions; holds released quantities only.

    Attributes
    ----------
    columns : tuple of ColumnModel
    layout : Layout
    bins : mapping of column position to Bins
        For the histogram columns.
    weights : ndarray of shape (n_components,)
        Mixing proportions; sum to one.
    weight_size : float
        Effective sample size behind them: their posterior is Dirichlet(weight_size·weights).
    owner : ndarray of shape (n_components,), int
        The cell of the owning column that a component models.
    estimates : ComponentEstimates
    """

    columns: tuple[ColumnModel, ...]
    layout: Layout
    bins: Mapping[int, Bins]
    weights: np.ndarray
    weight_size: float
    owner: np.ndarray
    estimates: ComponentEstimates

    @property
    def grids(self) -> dict[int, FineGrid]:
        """The public grids under the histogram columns."""
        return {position: fine_grid(self.columns[position].kind) for position in self.bins}

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of encoded rows.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Level positions and unit-interval values, NaN where missing.
        without : int, default=None
            Position of a column to leave out: the density is that of the others.

        Returns
        -------
        log_density : ndarray of shape (n_rows,)
            With respect to counting measure on levels, values of columns in steps (counts, and
            numbers with decimals), missing values and the points that another column's grid
            keeps apart, and to the column's own units elsewhere.
        """
        if without is not None:
            codes = codes.copy()
            codes[:, without] = 0.0
        records = encode_records(codes, self.columns, self.layout, self.grids, self.bins)
        if without is not None and without == self.layout.owner:
            records = records._replace(classes=np.full_like(records.classes, ANY_CLASS))
        # padded, so that the next fit's model finds the kernel compiled
        shape = (power_of_two(self.layout.n_cells), power_of_two(len(self.weights)))
        parameters = natural_parameters(
            self.weights, self.owner, self.estimates, self.layout, shape, without
        )
        return score_records(records, parameters) + self._log_base_measure(codes, without)

    def _log_base_measure(self, codes: np.ndarray, without: int | None) -> np.ndarray:
        """Return what every component adds: spread within bins, units, and 1/x! of a poisson."""
        total = np.zeros(len(codes))
        for position, grid in self.grids.items():
            if position != without:
                present = ~np.isnan(codes[:, position])
                cells = locate(grid, self.columns[position].kind, codes[present, position])
                probability = self.bins[position].cell_probability[cells]
                total[present] += np.log(probability) - np.log(grid.measure[cells])
        for scalar in self.layout.scalars:
            if scalar.column == without:
                continue
            values = codes[:, scalar.column]
            if scalar.distribution == "normal":
                base = np.where(np.isnan(values), 0.0, np.log(2.0 / scalar.span))
            else:
                base = np.where(np.isnan(values), 0.0, -gammaln(values * scalar.span + 1.0))
            total += base
        return total

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw encoded rows, of shape (n_samples, n_columns)."""
        sizes = rng.multinomial(n_samples, self.weights)
        component = np.repeat(np.arange(len(sizes)), sizes)
        codes = np.empty((n_samples, len(self.columns)))
        grids = self.grids
        for block in self.layout.blocks:
            cells = self._sample_cells(self.estimates.cell[:, block.cells], sizes, rng)
            codes[:, block.column] = self._place(block.column, cells, grids, rng)
        for j, scalar in enumerate(self.layout.scalars):
            codes[:, scalar.column] = self._sample_scalar(j, scalar, component, rng)
        if self.layout.owner is not None:
            codes[:, self.layout.owner] = self._place(
                self.layout.owner, self.owner[component], grids, rng
            )
        return codes[rng.permutation(n_samples)]

    @staticmethod
    def _sample_cells(
        probability: np.ndarray, sizes: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Draw one block's cells, `sizes[k]` of component k, one component after the other."""
        uniform = rng.random(sizes.sum())
        ends = np.cumsum(sizes)
        cells = np.empty(len(uniform), dtype=np.int64)
        for k in np.flatnonzero(sizes):
            rows = slice(ends[k] - sizes[k], ends[k])
            cumulative = np.cumsum(probability[k])
            cells[rows] = np.searchsorted(cumulative, uniform[rows] * cumulative[-1], side="right")
        return cells

    def _place(
        self,
        position: int,
        cells: np.ndarray,
        grids: Mapping[int, FineGrid],
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Return encoded values drawn within the cells of a tabulated column."""
        column = self.columns[position]
        values = cells.astype(np.float64)
        if position in grids:
            bins = self.bins[position]
            values[cells >= bins.n_bins] = np.nan
            present = cells < bins.n_bins
            values[present] = sample_within(bins, grids[position], column.kind, cells[present], rng)
            return values
        values[cells >= column.n_levels] = np.nan
        if column.is_numeric:
            values /= column.kind.span
        return values

    def _sample_scalar(
        self, j: int, scalar: Scalar, component: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return encoded values of a normal or poisson column, truncated to its bounds."""
        location = self.estimates.location[component, j]
        uniform = rng.random(len(component))
        if scalar.distribution == "normal":
            scale = np.exp(self.estimates.log_scale[component, j])
            # inverse of the distribution function within the bounds: one uniform per value
            values = stats.truncnorm.ppf(
                uniform, (-1 - location) / scale, (1 - location) / scale, location, scale
            )
            values = (np.clip(values, -1.0, 1.0) + 1.0) / 2.0
        else:
            top = stats.poisson.cdf(scalar.span, location)
            values = np.clip(stats.poisson.ppf(uniform * top, location), 0.0, scalar.span)
            values /= scalar.span
        if scalar.is_nullable:
            values[rng.random(len(values)) < self.estimates.missing[component, j]] = np.nan
        return values

    def condition(self, given: Mapping[int, float]) -> MixtureModel:
        """Return the mixture given some columns' values: components reweighted by Bayes' rule.

        Parameters
        ----------
        given : mapping of column position to code
            Level position or unit-interval value, NaN for missing.

        Returns
        -------
        model : MixtureModel
            Its samples of the given columns are to be overwritten by the values.

        Raises
        ------
        ValueError
            If the values have probability zero.
        """
        row = np.zeros((1, len(self.columns)))
        row[0, list(given)] = list(given.values())
        records = encode_records(row, self.columns, self.layout, self.grids, self.bins)
        with np.errstate(divide="ignore"):
            log_weights = np.log(self.weights)
            for j, block in enumerate(self.layout.blocks):
                if block.column in given:
                    log_weights = log_weights + np.log(self.estimates.cell[:, records.codes[0, j]])
        for j, scalar in enumerate(self.layout.scalars):
            if scalar.column in given:
                log_weights = log_weights + _scalar_log_density(
                    given[scalar.column], j, scalar, self.estimates
                )
        if self.layout.owner in given:
            log_weights = np.where(self.owner == records.classes[0], log_weights, -np.inf)
        if not np.isfinite(log_weights).any():
            raise ValueError("The conditions have probability zero under the fitted model.")
        weights = np.exp(log_weights - log_weights.max())
        return replace(self, weights=weights / weights.sum())

    def draw_posterior(self, rng: np.random.Generator) -> MixtureModel:
        """Return a mixture whose parameters are one draw from their approximate posterior.

        Cells are Dirichlet with the effective sample size that sampling and noise leave, locations
        and log scales normal; the component weights and blocks are independent.
        """
        estimates = self.estimates
        cell = estimates.cell.copy()
        for j, block in enumerate(self.layout.blocks):
            cell[:, block.cells] = _dirichlet(
                estimates.cell_size[:, j, None] * cell[:, block.cells], rng
            )
        location = rng.normal(estimates.location, estimates.location_error)
        is_poisson = [s.distribution == "poisson" for s in self.layout.scalars]
        location = np.where(is_poisson, np.maximum(location, 1e-3), location)
        missing = np.where(
            estimates.missing > 0,
            rng.beta(
                np.maximum(estimates.missing * estimates.missing_size, 1e-3),
                np.maximum((1 - estimates.missing) * estimates.missing_size, 1e-3),
            ),
            0.0,
        )
        drawn = estimates._replace(
            cell=cell,
            location=location,
            log_scale=rng.normal(estimates.log_scale, estimates.log_scale_error),
            missing=missing,
        )
        weights = _dirichlet(self.weight_size * self.weights[None], rng)[0]
        return replace(self, estimates=drawn, weights=weights)


def _dirichlet(concentration: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a Dirichlet vector for every row."""
    # gamma variables over their sum are Dirichlet; all of them are 0 where the concentrations are
    gammas = rng.standard_gamma(np.maximum(concentration, 1e-8))
    total = gammas.sum(axis=-1, keepdims=True)
    mean = concentration / concentration.sum(axis=-1, keepdims=True)
    return np.where(total > 0, gammas / np.where(total > 0, total, 1.0), mean)


def _scalar_log_density(
    value: float, j: int, scalar: Scalar, estimates: ComponentEstimates
) -> np.ndarray:
    """Return log p(value | k) up to a constant shared by the components."""
    missing = estimates.missing[:, j]
    with np.errstate(divide="ignore"):
        if np.isnan(value):
            return np.log(missing)
        weight, constant = _scalar_parameters(j, scalar, estimates)
        powers = np.array([value, value**2])[: scalar.n_moments]
        return np.log1p(-missing) + constant + powers @ weight


def _scalar_parameters(
    j: int, scalar: Scalar, estimates: ComponentEstimates
) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights on (u, u²) and the constant of one column's log density."""
    location = estimates.location[:, j]
    if scalar.distribution == "poisson":
        constant = -location - stats.poisson.logcdf(scalar.span, location)
        return (scalar.span * np.log(location))[None], constant
    scale = np.exp(estimates.log_scale[:, j])
    low, high = (-1.0 - location) / scale, (1.0 - location) / scale
    log_mass = np.log(np.maximum(stats.norm.cdf(high) - stats.norm.cdf(low), 1e-300))
    constant = -0.5 * low**2 - np.log(scale) - 0.5 * np.log(2 * np.pi) - log_mass
    return np.stack([2.0 * (1.0 + location) / scale**2, -2.0 / scale**2]), constant


def natural_parameters(
    weights: np.ndarray,
    owner: np.ndarray,
    estimates: ComponentEstimates,
    layout: Layout,
    shape: tuple[int, int] | None = None,
    without: int | None = None,
) -> NaturalParameters:
    """Return the mixture in the form the kernels read.

    Parameters
    ----------
    weights, owner : ndarray of shape (n_components,)
    estimates : ComponentEstimates
    layout : Layout
    shape : (int, int), default=None
        Cells and components to pad to, so that a compiled kernel serves many mixtures; the padding
        owns no records.
    without : int, default=None
        Position of a column whose values are to make no difference.
    """
    n_components, n_cells = estimates.cell.shape
    padded_cells, padded_components = shape or (n_cells, n_components)
    tiny = np.finfo(np.float32).tiny
    bias = np.log(np.maximum(weights, tiny))
    weight = np.zeros((layout.n_features, n_components))
    for j, scalar in enumerate(layout.scalars):
        if scalar.column == without:
            continue
        moments, constant = _scalar_parameters(j, scalar, estimates)
        present = np.log1p(-np.minimum(estimates.missing[:, j], 1 - 1e-12)) + constant
        bias = bias + present
        weight[scalar.start : scalar.start + scalar.n_moments] = moments
        if scalar.is_nullable:
            # `present` is in the bias of every row; a missing value takes it out again
            missing = np.log(np.maximum(estimates.missing[:, j], tiny))
            weight[scalar.start + scalar.n_moments] = missing - present
    extra = padded_components - n_components
    log_cell = np.zeros((padded_cells, padded_components))
    log_cell[:n_cells, :n_components] = np.log(np.maximum(estimates.cell, tiny)).T
    for block in layout.blocks:
        if block.column == without:
            # the cells of a column sum to one: left out, it adds log 1
            log_cell[block.cells] = 0.0
    return NaturalParameters(
        np.pad(bias, (0, extra)),
        log_cell,
        np.pad(weight, ((0, 0), (0, extra))),
        np.pad(owner, (0, extra), constant_values=_NO_CLASS).astype(np.int32),
    )
