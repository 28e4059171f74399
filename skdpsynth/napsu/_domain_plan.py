"""How the columns of a table will become variables, planned before any row is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .._histograms import FineGrid, NoisyGrid, fine_grid
from .._markov_network import Domain, GroupedBins, count_levels, group_bins, public_bins
from .._parameters import is_auto
from ..schema import TableSchema

__all__ = ["DomainPlan"]

N_GROUPS = 8
RECORDS_PER_BIN = 25.0
LARGEST_N_BINS = 128


@dataclass(frozen=True)
class DomainPlan:
    """Bins of the numeric columns, as far as they are fixed beforehand.

    Attributes
    ----------
    schema : TableSchema
    bins : mapping of column position to None, int or ndarray
        As `read_bins` returns it.
    n_bins : int or "auto"
    strategy : str or None
        That chooses the queries; None if they are given.
    """

    schema: TableSchema
    bins: Mapping[int, int | np.ndarray | None]
    n_bins: int | str
    strategy: str | None

    @cached_property
    def kinds(self) -> tuple[Any, ...]:
        """The kinds of the columns."""
        return tuple(self.schema.columns.values())

    @cached_property
    def grids(self) -> dict[int, FineGrid]:
        """The fine grids of columns whose bins are made of noisy counts, by position."""
        return {j: fine_grid(self.kinds[j]) for j, own in self.bins.items() if own is None}

    @property
    def is_size_known(self) -> bool:
        """Whether the number of bins does not depend on the released row count."""
        if not is_auto(self.n_bins) or self.strategy is None:
            return True
        return not any(own is None or _is_default(own) for own in self.bins.values())

    def count_bins(self, n_records: float, scale: float) -> tuple[int, int]:
        """Return the groups, and the places in each, of a numeric column.

        Parameters
        ----------
        n_records : float
            Released row count.
        scale : float
            Standard deviation of the noise in a cell of the first marginals.
        """
        if not is_auto(self.n_bins):
            wanted = int(self.n_bins)
        elif self.strategy is None:
            wanted = 2 * N_GROUPS
        else:
            strength = min(n_records / max(scale, 1.0) / RECORDS_PER_BIN, LARGEST_N_BINS)
            power = 2.0 ** round(math.log2(max(strength, 1.0)))
            wanted = int(np.clip(power, 2 * N_GROUPS, LARGEST_N_BINS))
        if self.strategy in (None, "star"):
            return wanted, 1
        return min(wanted, N_GROUPS), math.ceil(wanted / N_GROUPS)

    def build(self, grid: NoisyGrid, scale: float) -> Domain:
        """Return the domain, with bins by released quantities.

        Parameters
        ----------
        grid : NoisyGrid
            Row count and histograms of the columns of `grids`.
        scale : float
            As in `count_bins`.
        """
        n_groups, n_places = self.count_bins(grid.n_records, scale)
        bins = {
            j: group_bins(grid.counts[j], cells, n_groups, n_places)
            for j, cells in self.grids.items()
        }
        return self._join(bins, n_groups * n_places)

    def _join(self, private: Mapping[int, GroupedBins], n_public: int) -> Domain:
        """Return the domain of bins by noisy counts, and the public ones."""
        bins = {
            j: private[j]
            if own is None
            else public_bins(self.kinds[j], n_public if _is_default(own) else own)
            for j, own in self.bins.items()
        }
        return Domain(tuple(self.schema.names), self.kinds, bins)

    def foresee(self) -> Domain:
        """Return a domain of the variables to come; where `is_size_known`, of their sizes.

        Bins by noisy counts are stood for by others: only the domain's variables mean anything.
        """
        n_groups, n_places = self.count_bins(0.0, 1.0)
        bins = {
            j: public_bins(self.kinds[j], 1)._replace(
                n_groups=min(n_groups, len(cells.left)), n_places=n_places
            )
            for j, cells in self.grids.items()
        }
        return self._join(bins, n_groups * n_places)

    def largest_shape(self) -> list[int]:
        """Return the most cells that each column can have in a query."""
        return [self._largest_size(j) for j in range(len(self.kinds))]

    def _largest_size(self, position: int) -> int:
        kind = self.kinds[position]
        if position not in self.bins:
            return count_levels(kind) + kind.nullable
        own = self.bins[position]
        if isinstance(own, np.ndarray):
            return len(own) - 1 + kind.nullable
        if own is not None and own > 0:
            return own + kind.nullable
        # as many as there would be without noise, at most
        n_groups, n_places = self.count_bins(math.inf, 1.0)
        return (n_groups + kind.nullable) * n_places


def _is_default(own: int | np.ndarray | None) -> bool:
    """Whether a column has public bins of the default number."""
    return isinstance(own, int) and own < 0
