"""From columns to variables with finitely many levels, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._histograms import locate, sample_within
from ..schema import Categorical, Discrete, Numeric
from ._binning import GroupedBins
from ._contrasts import Variable

__all__ = ["Domain", "count_levels"]


@dataclass(frozen=True)
class Domain:
    """How the columns of a table become variables; made of public and released quantities.

    Attributes
    ----------
    names : tuple
        Names of the columns.
    kinds : tuple of column kinds
    bins : mapping of column position to GroupedBins
        For the numeric columns that are not taken integer by integer.
    """

    names: tuple[Any, ...]
    kinds: tuple[Any, ...]
    bins: Mapping[int, GroupedBins]

    @cached_property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """The variables of every column: its levels or groups first, places in a group second."""
        parts: list[tuple[int, ...]] = []
        n_variables = 0
        for position in range(len(self.kinds)):
            grouped = self.bins.get(position)
            size = 2 if grouped is not None and grouped.n_places > 1 else 1
            parts.append(tuple(range(n_variables, n_variables + size)))
            n_variables += size
        return tuple(parts)

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """All variables, in the order of their columns."""
        variables: list[Variable] = []
        for position, kind in enumerate(self.kinds):
            grouped = self.bins.get(position)
            n_levels = count_levels(kind) if grouped is None else grouped.n_groups
            is_ordered = not isinstance(kind, Categorical)
            variables.append(
                Variable(n_levels + kind.nullable, is_ordered, is_ordered and kind.nullable)
            )
            if grouped is not None and grouped.n_places > 1:
                variables.append(Variable(grouped.n_places, True))
        return tuple(variables)

    @property
    def main(self) -> tuple[int, ...]:
        """The first variable of every column."""
        return tuple(part[0] for part in self.parts)

    def place_exists(self, part: tuple[int, ...]) -> np.ndarray:
        """Return which places each level of a grouped column has; a missing value has the first.

        Returns
        -------
        exists : ndarray of shape (n_levels, n_places), bool
        """
        grouped = self.bins[self.parts.index(part)]
        exists = np.zeros([self.variables[v].n_levels for v in part], dtype=bool)
        exists[grouped.group, grouped.place] = True
        exists[:, 0] = True
        return exists

    def label(self, variable: int) -> str:
        """Return what a variable is called in the ledger."""
        position = next(j for j, part in enumerate(self.parts) if variable in part)
        is_place = variable != self.parts[position][0]
        return f"{self.names[position]}{' (fine)' if is_place else ''}"

    def encode(self, codes: np.ndarray) -> np.ndarray:
        """Return the levels of encoded rows.

        Parameters
        ----------
        codes : ndarray of shape (n_rows, n_columns)
            Level positions and unit-interval values, NaN where missing.

        Returns
        -------
        levels : ndarray of shape (n_variables, n_rows), int16 or int32
        """
        most = max(variable.n_levels for variable in self.variables)
        dtype = np.int16 if most <= np.iinfo(np.int16).max else np.int32
        levels = np.empty((len(self.variables), len(codes)), dtype=dtype)
        for position, part in enumerate(self.parts):
            for variable, column in zip(
                part, self.encode_column(position, codes[:, position]), strict=True
            ):
                levels[variable] = column
        return levels

    def encode_column(self, position: int, values: np.ndarray) -> list[np.ndarray]:
        """Return the levels of each variable of one column."""
        kind, grouped = self.kinds[position], self.bins.get(position)
        missing = np.isnan(values)
        has_missing = bool(missing.any())
        filled = np.where(missing, 0.0, values) if has_missing else values
        if grouped is None:
            # level positions are integers already
            steps = filled if isinstance(kind, Discrete) else np.rint(filled * _steps(kind))
            columns = [steps.astype(np.int32)]
        else:
            bins = grouped.bins.bin_of_cell[locate(grouped.grid, kind, filled)]
            columns = [grouped.group[bins], grouped.place[bins]][: len(self.parts[position])]
        if has_missing:
            columns[0][missing] = self.variables[self.parts[position][0]].n_levels - 1
            for places in columns[1:]:
                places[missing] = 0
        return columns

    def decode(self, levels: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Return encoded rows drawn within the bins of their levels, the inverse of `encode`.

        Parameters
        ----------
        levels : sequence of ndarray of shape (n_rows,), int
            One array per variable.
        rng : Generator

        Returns
        -------
        codes : ndarray of shape (n_rows, n_columns)
        """
        codes = np.empty((len(levels[0]), len(self.kinds)), order="F")
        for position, part in enumerate(self.parts):
            kind, grouped = self.kinds[position], self.bins.get(position)
            main = levels[part[0]]
            if grouped is None:
                codes[:, position] = main / _steps(kind)
            else:
                place = levels[part[1]] if len(part) > 1 else np.zeros_like(main)
                group = np.minimum(main, grouped.n_groups - 1)
                chosen = grouped.bin_at(group, place)
                codes[:, position] = sample_within(grouped.bins, grouped.grid, kind, chosen, rng)
            if kind.nullable:
                codes[main == self.variables[part[0]].n_levels - 1, position] = np.nan
        return codes

    def log_width(self, codes: np.ndarray, position: int) -> np.ndarray:
        """Return log(probability within the bin / measure) of one column's encoded values.

        The density of a value is the probability of its bin times the exponential of this.
        """
        grouped = self.bins.get(position)
        values = codes[:, position]
        result = np.zeros(len(values))
        if grouped is not None:
            present = ~np.isnan(values)
            cells = locate(grouped.grid, self.kinds[position], values[present])
            probability = grouped.bins.cell_probability[cells]
            result[present] = np.log(probability) - np.log(grouped.grid.measure[cells])
        return result


def count_levels(kind: Any) -> int:
    """Return the number of levels of a column that needs no bins, the missing one left out."""
    if isinstance(kind, Discrete):
        return len(kind.levels)
    return int(kind.n_steps) + 1


def _steps(kind: Any) -> float:
    """Return what a code is multiplied with to give a level's position."""
    return float(kind.span) if isinstance(kind, Numeric) else 1.0
