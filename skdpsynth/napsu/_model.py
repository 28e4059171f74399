"""The fitted network: sampling, log density, conditioning and posterior draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import logsumexp

from .._markov_network import (
    Domain,
    Network,
    SamplingStep,
    calibrate,
    clique_potentials,
    log_probability,
    plan_sampling,
    sample_levels,
)
from ._posterior import Posterior

__all__ = ["NapsuModel"]

# the logarithm of a factor that rules a level out
RULED_OUT = -1e6
# a condition whose log probability is below this counts as impossible
IMPOSSIBLE = -300.0


@dataclass(frozen=True)
class NapsuModel:
    """A Markov network over a discretised table; holds released quantities only.

    Attributes
    ----------
    domain : Domain
    network : Network
    parameters : ndarray of shape (n_parameters,)
    queries : tuple of tuple of int
        The measured marginals.
    posterior : Posterior or None
        Where `draw_posterior` draws from.
    given : mapping of variable to level
        Conditions.
    """

    domain: Domain
    network: Network
    parameters: np.ndarray
    queries: tuple[tuple[int, ...], ...]
    posterior: Posterior | None = None
    given: Mapping[int, int] = field(default_factory=dict)

    @cached_property
    def _calibrated(self) -> tuple[float, list[np.ndarray]]:
        network = self.network
        potentials = clique_potentials(network, self.parameters)
        for part in self.domain.parts:
            if len(part) > 1:
                self._rule_out_places(potentials, part)
        for v, level in self.given.items():
            position = network.carriers[v]
            axis = network.tree.cliques[position].index(v)
            is_other = np.arange(network.shape[v]) != level
            np.moveaxis(potentials[position], axis, 0)[is_other] += RULED_OUT
        return calibrate(network, potentials)

    def _rule_out_places(self, potentials: list[np.ndarray], part: tuple[int, ...]) -> None:
        """Give the probability of places that a group lacks to those that it has.

        A place is in one clique only and in no separator: the others' distribution stays.
        """
        home = self.network.carriers[part[1]]
        clique, table = self.network.tree.cliques[home], potentials[home]
        exists = self.domain.place_exists(part)
        exists = exists.reshape([self.network.shape[v] if v in part else 1 for v in clique])
        allowed = np.where(exists, table, table + RULED_OUT)
        axis = clique.index(part[1])
        lost = logsumexp(table, axis, keepdims=True) - logsumexp(allowed, axis, keepdims=True)
        potentials[home] = allowed + lost

    @property
    def tables(self) -> list[np.ndarray]:
        """The joint distribution of every clique."""
        return self._calibrated[1]

    @cached_property
    def _steps(self) -> list[SamplingStep]:
        return plan_sampling(self.network, self.tables)

    @property
    def query_names(self) -> tuple[tuple[Any, ...], ...]:
        """Names of the columns of every measured marginal, without duplicates."""
        parts = self.domain.parts
        named = {
            tuple(
                name for name, part in zip(self.domain.names, parts, strict=True) if {*part} & {*q}
            )
            for q in self.queries
        }
        order = {name: j for j, name in enumerate(self.domain.names)}
        return tuple(sorted(named, key=lambda names: [order[name] for name in names]))

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw encoded rows, of shape (n_samples, n_columns)."""
        levels = sample_levels(self.network, self._steps, n_samples, rng)
        return self.domain.decode(levels, rng)

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
            With respect to counting measure on levels, integers and missing values, and to the
            column's own units elsewhere.
        """
        domain = self.domain
        if without is not None:
            codes = codes.copy()
            codes[:, without] = 0.0
        levels = domain.encode(codes)
        spread = np.zeros(len(codes))
        for position in range(codes.shape[1]):
            if position != without:
                spread += domain.log_width(codes, position)
        if without is None:
            return log_probability(self.network, self.tables, levels) + spread
        part = domain.parts[without]
        terms = []
        for cell in np.ndindex(*[self.network.shape[v] for v in part]):
            levels[list(part)] = np.array(cell, dtype=levels.dtype)[:, None]
            terms.append(log_probability(self.network, self.tables, levels))
        return logsumexp(terms, axis=0) + spread

    def condition(self, given: Mapping[int, float]) -> NapsuModel:
        """Return the network given some columns' values, exactly.

        Parameters
        ----------
        given : mapping of column position to code
            Level position or unit-interval value, NaN for missing; a number stands for its bin.

        Raises
        ------
        ValueError
            If the values have probability zero.
        """
        levels = dict(self.given)
        for position, code in given.items():
            columns = self.domain.encode_column(position, np.array([code]))
            for v, column in zip(self.domain.parts[position], columns, strict=True):
                levels[v] = int(column[0])
        model = replace(self, given=levels)
        if not model._calibrated[0] - self._calibrated[0] > IMPOSSIBLE:
            raise ValueError("The conditions have probability zero under the fitted model.")
        return model

    def draw_posterior(self, rng: np.random.Generator) -> NapsuModel:
        """Return the network at one draw of the parameters.

        Raises
        ------
        ValueError
            If it was fitted with ``inference="map"``.
        """
        if self.posterior is None:
            raise ValueError(
                'sample_datasets needs the posterior, of which inference="map" finds only the '
                'mode; fit with inference="laplace" or "nuts".'
            )
        return replace(self, parameters=self.posterior.draw(rng))
