"""The NumPyro model that is fitted where none was passed: naive Bayes of the target.

It sees a table that is scaled: numbers in [0, 1], small integers as positions like levels. So its
priors suit every table, and tables with the same kinds of columns share what jax compiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from scipy.special import logsumexp

from ..._contracts import Progress
from ...privacy import Mechanisms, PlannedRelease
from ...schema import Categorical, Continuous, Count, Discrete, Numeric, Table, TableSchema
from ._fitted import CustomModel, refuse_conditions
from ._na_model import NAModel
from ._plan import CustomRelease, NumPyroPlan

__all__ = ["NaiveBayes", "NaiveBayesModel", "NaiveBayesPlan", "scaled_schema"]

# a target of more levels than this is a column like any other
LARGEST_CLASSES = 32
# a Count of at most this many integers has a probability for each
LARGEST_TABLE = 64
# of a number in [0, 1]: what a single integer of a larger Count is wide, so that the density at
# integers adds up to one
SMALLEST_SPREAD = 1 / LARGEST_TABLE
TYPICAL_SPREAD = 0.2
LOGIT_SPREAD = 1.5


def scaled_schema(schema: TableSchema) -> TableSchema:
    """Return the schema of the scaled table, whose columns are named by their positions."""
    columns: dict[Any, Any] = {}
    for position, kind in enumerate(schema.columns.values()):
        nullable = kind.nullable
        n_levels = len(kind.levels) if isinstance(kind, Discrete) else _n_integers(kind)
        columns[str(position)] = (
            Continuous(0, 1, nullable=nullable)
            if n_levels is None
            else Categorical(range(n_levels), nullable=nullable)
        )
    target = None if schema.target is None else str(schema.names.index(schema.target))
    return TableSchema(columns, target=target)


def _n_integers(kind: Numeric) -> int | None:
    """Return how many integers a Count has, if few enough to have a probability each."""
    n_integers = kind.high - kind.low + 1
    return int(n_integers) if isinstance(kind, Count) and n_integers <= LARGEST_TABLE else None


def _scale(codes: np.ndarray, schema: TableSchema) -> np.ndarray:
    """Return the codes of a scaled table; integers lie in the middle of cells of one width."""
    scaled = np.array(codes, dtype=np.float64)
    for position, kind in enumerate(schema.columns.values()):
        if isinstance(kind, Count):
            integers = np.rint(scaled[:, position] * (kind.high - kind.low))
            if _n_integers(kind) is None:
                integers = (integers + 0.5) / (kind.high - kind.low + 1)
            scaled[:, position] = integers
    return scaled


def _unscale(scaled: np.ndarray, schema: TableSchema) -> np.ndarray:
    """Return the codes of a table from those of a scaled one."""
    codes = np.array(scaled, dtype=np.float64)
    for position, kind in enumerate(schema.columns.values()):
        if isinstance(kind, Count):
            integers = codes[:, position]
            if _n_integers(kind) is None:
                integers = np.floor(integers * (kind.high - kind.low + 1))
            codes[:, position] = np.clip(integers / (kind.high - kind.low), 0.0, 1.0)
    return codes


@dataclass(frozen=True)
class NaiveBayes:
    """A NumPyro model of a scaled table: independent columns, given the target.

    Levels have probabilities, whose logarithms have a normal prior; numbers follow a normal
    distribution truncated to [0, 1], and missing values have a probability of their own. Without
    a target, or with one that is a number or has more than 32 levels, all columns are independent.

    Attributes
    ----------
    schema : TableSchema
        Of the scaled table.
    left_out : int or None, default=None
        Position of a column of numbers whose values count for nothing.
    """

    schema: TableSchema
    left_out: int | None = None

    @property
    def owner(self) -> int | None:
        """Position of the target, if its levels are classes."""
        if self.schema.target is None:
            return None
        kind = self.schema[self.schema.target]
        is_class = isinstance(kind, Discrete) and len(kind.levels) <= LARGEST_CLASSES
        return self.schema.names.index(self.schema.target) if is_class else None

    @property
    def groups(self) -> dict[str, tuple[int, ...]]:
        """Positions of columns of one kind, which share a site, by its name; the target first."""
        kinds, owner = tuple(self.schema.columns.values()), self.owner
        groups: dict[str, tuple[int, ...]] = {} if owner is None else {"target": (owner,)}
        for position, kind in enumerate(kinds):
            if position != owner:
                what = f"{len(kind.levels)} levels" if isinstance(kind, Discrete) else "numbers"
                name = f"{what}, nullable" if kind.nullable else what
                groups[name] = (*groups.get(name, ()), position)
        return groups

    def __call__(self, x: Any = None, num_obs_total: Any = None) -> Any:
        """Sample records, or observe them; return the records."""
        kinds: list[Any] = list(self.schema.columns.values())
        groups, owner = self.groups, self.owner
        n_classes = 1
        if owner is not None:
            # missing is a class, too
            n_classes = len(kinds[owner].levels) + kinds[owner].nullable
        parameters = {}
        for name, positions in groups.items():
            shape = (1 if name == "target" else n_classes, len(positions))
            parameters[name] = _sample_parameters(name, kinds[positions[0]], shape)
        n_records = 1 if num_obs_total is None else num_obs_total
        classes = jnp.zeros(n_records, jnp.int32)
        values: dict[int, Any] = {}
        with numpyro.plate("records", n_records):
            for name, positions in groups.items():
                used = [i for i, position in enumerate(positions) if position != self.left_out]
                own = {
                    key: value[classes][:, np.array(used, int)]
                    for key, value in parameters[name].items()
                }
                observed = None if x is None else x[:, np.array(positions, int)[used]]
                family = _family(kinds[positions[0]], own).to_event(1)
                value = numpyro.sample(f"records: {name}", family, obs=observed)
                values |= {positions[i]: value[:, at] for at, i in enumerate(used)}
                if name == "target":
                    code = value[:, 0]
                    classes = jnp.where(jnp.isnan(code), n_classes - 1, code).astype(jnp.int32)
        return jnp.stack([values[position] for position in sorted(values)], axis=-1)


def _sample_parameters(name: str, kind: Any, shape: tuple[int, int]) -> dict[str, Any]:
    """Return the parameters of columns of a kind, drawn from their priors.

    Parameters
    ----------
    name : str
        Of the group.
    kind : Continuous or Categorical
    shape : tuple of (int, int)
        Numbers of classes and of columns.
    """

    def draw(what: str, prior: Any) -> Any:
        return numpyro.sample(f"{what}: {name}", prior.expand(shape).to_event(2))

    parameters = {}
    if isinstance(kind, Discrete):
        # a Dirichlet prior would be as good, and takes jax seconds to compile
        prior = dist.Normal(0.0, LOGIT_SPREAD).expand([len(kind.levels)]).to_event(1)
        parameters["logits"] = draw("logits", prior)
    else:
        parameters["mean"] = draw("mean", dist.Uniform(0.0, 1.0))
        spread = draw("spread", dist.LogNormal(math.log(TYPICAL_SPREAD), 1.0))
        parameters["spread"] = SMALLEST_SPREAD + spread
    if kind.nullable:
        parameters["missing"] = draw("missing", dist.Uniform(0.0, 1.0))
    return parameters


def _family(kind: Any, parameters: Mapping[str, Any]) -> Any:
    """Return the distribution of columns of a kind with these parameters."""
    if isinstance(kind, Discrete):
        family: Any = dist.Categorical(logits=parameters["logits"])
    else:
        family = dist.TruncatedNormal(parameters["mean"], parameters["spread"], low=0.0, high=1.0)
    return NAModel(family, parameters["missing"]) if kind.nullable else family


@dataclass(frozen=True)
class NaiveBayesPlan:
    """The plan of `NumPyroPlan`, of the scaled table.

    Attributes
    ----------
    schema : TableSchema
        Of the table itself.
    scaled : NumPyroPlan
        Of `NaiveBayes`.

    Notes
    -----
    Every row is scaled by itself and by the schema alone, so that neighbouring tables stay so.
    """

    schema: TableSchema
    scaled: NumPyroPlan

    @classmethod
    def build(cls, schema: TableSchema, adjacency: str, settings: Any) -> NaiveBayesPlan:
        """Return the plan for a schema."""
        scaled = scaled_schema(schema)
        return cls(schema, NumPyroPlan(scaled, NaiveBayes(scaled), None, adjacency, settings))

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        return self.scaled.releases

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        return self.scaled.progress

    def release(self, table: Table, desk: Mechanisms) -> CustomRelease:
        """Release what determines the guide's parameters."""
        codes = _scale(table.codes, self.schema)
        return self.scaled.release(table._replace(codes=codes, schema=self.scaled.schema), desk)

    def infer(self, release: CustomRelease, rng: np.random.Generator) -> NaiveBayesModel:
        """Return the model at the guide's location."""
        return NaiveBayesModel(self.scaled.infer(release, rng), self.schema)


@dataclass(frozen=True)
class NaiveBayesModel:
    """A fitted `NaiveBayes`; holds released quantities only.

    Attributes
    ----------
    scaled : CustomModel
        Of the scaled table.
    schema : TableSchema
        Of the table itself.
    """

    scaled: CustomModel
    schema: TableSchema

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Draw encoded rows, of shape (n_samples, n_columns)."""
        return _unscale(self.scaled.sample_codes(n_samples, rng), self.schema)

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of encoded rows, one column summed out if it is named."""
        scaled, model = _scale(codes, self.schema), self.scaled
        if without is None:
            density = model.log_density(scaled)
        elif isinstance(kind := list(model.schema.columns.values())[without], Discrete):
            values = [*range(len(kind.levels)), *([np.nan] if kind.nullable else [])]
            parts = []
            for value in values:
                scaled[:, without] = value
                parts.append(model.log_density(scaled))
            density = logsumexp(parts, axis=0)
        else:
            # no other column depends on a number
            scaled[:, without] = 0.5
            density = _leave_out(model, without).log_density(scaled)
        # from [0, 1] to the units of the columns
        for position, kind in enumerate(self.schema.columns.values()):
            if isinstance(kind, Numeric) and position != without and _n_integers(kind) is None:
                width = kind.high - kind.low + isinstance(kind, Count)
                density = density - np.where(np.isnan(codes[:, position]), 0.0, np.log(width))
        return density

    def condition(self, given: Mapping[int, float]) -> NaiveBayesModel:
        """Return the model given some columns' values: possible for no column.

        Raises
        ------
        ValueError
            If a value is given.
        """
        refuse_conditions(given, self.schema)
        return self

    def draw_posterior(self, rng: np.random.Generator) -> NaiveBayesModel:
        """Return the model with parameters drawn from the guide."""
        return replace(self, scaled=self.scaled.draw_posterior(rng))


def _leave_out(model: CustomModel, position: int) -> CustomModel:
    """Return a model whose density is that of the other columns."""
    without = replace(model.latents, model=NaiveBayes(model.schema, left_out=position))
    return replace(model, latents=without)
