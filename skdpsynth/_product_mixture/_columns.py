"""Which distribution models each column: public, decided before any row is seen."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from ..schema import Categorical, Count, Discrete, Numeric, TableSchema

__all__ = ["ColumnModel", "model_columns"]

# a Count of more integers than this is too wide for one parameter per integer
MAX_INTEGER_LEVELS = 1000


@dataclass(frozen=True)
class ColumnModel:
    """One column and the family its values follow within a mixture component.

    Attributes
    ----------
    name : hashable
        The column's name.
    kind : Continuous, Count, Ordinal or Categorical
        What is public about it.
    distribution : {"bernoulli", "categorical", "histogram", "normal", "poisson"}
        The family.
    """

    name: Any
    kind: Any
    distribution: str

    @property
    def is_tabulated(self) -> bool:
        """Whether the family is a table of cell probabilities."""
        return self.distribution in ("bernoulli", "categorical", "histogram")

    @property
    def is_ordered(self) -> bool:
        """Whether neighbouring cells are alike."""
        return self.distribution == "histogram" or not isinstance(self.kind, Categorical)

    @property
    def is_numeric(self) -> bool:
        """Whether encoded values lie in the unit interval rather than being level positions."""
        return isinstance(self.kind, Numeric)

    @property
    def n_levels(self) -> int:
        """Number of cells of a bernoulli or categorical column, the missing one left out."""
        if self.is_numeric:
            return int(self.kind.n_steps) + 1
        return len(self.kind.levels)


def model_columns(
    schema: TableSchema, distributions: Mapping[Hashable, str] | None = None
) -> tuple[ColumnModel, ...]:
    """Choose the family of every column.

    Numeric columns are histograms, columns of two levels Bernoulli, all others categorical, except
    where `distributions` says otherwise.

    Parameters
    ----------
    schema : TableSchema
    distributions : mapping of column name to family, default=None
        ``"normal"`` and ``"histogram"`` model numeric columns, ``"poisson"`` a Count,
        ``"categorical"`` a column of levels, or of numbers in steps, such as a Count, that has at
        most 1000 values, ``"bernoulli"`` one of two levels or values.

    Raises
    ------
    ValueError
        If a name is not a column, or a family does not fit its column's kind.

    Examples
    --------
    >>> from skdpsynth import Categorical, Count, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "sex": Categorical(["F", "M"])})
    >>> [column.distribution for column in model_columns(schema, {"age": "poisson"})]
    ['poisson', 'bernoulli']
    """
    if distributions is not None and not isinstance(distributions, Mapping):
        raise ValueError(
            "distributions must be a mapping from column name to family such as "
            f'{{"age": "poisson"}}, got {type(distributions).__name__}.'
        )
    chosen = dict(distributions or {})
    for name in chosen:
        if name not in schema:
            raise ValueError(
                f"distributions names the column {name!r}, which the table does not have; its "
                f"columns are {list(schema.names)!r}."
            )
    return tuple(
        _model_column(name, kind, chosen.get(name)) for name, kind in schema.columns.items()
    )


def _model_column(name: Any, kind: Any, distribution: str | None) -> ColumnModel:
    fitting = _fitting_families(kind)
    if distribution is None:
        return ColumnModel(name, kind, fitting[0])
    # spelled as in NumPyro, too
    distribution = distribution.lower() if isinstance(distribution, str) else distribution
    if distribution not in fitting:
        raise ValueError(
            f"Column {name!r} is {type(kind).__name__}, which the family {distribution!r} cannot "
            f"model; choose one of {list(fitting)}."
        )
    return ColumnModel(name, kind, distribution)


def _fitting_families(kind: Any) -> tuple[str, ...]:
    """Return the families that can model a column of this kind, the default first."""
    if isinstance(kind, Discrete):
        return ("bernoulli", "categorical") if len(kind.levels) == 2 else ("categorical",)
    families: tuple[str, ...] = ("histogram", "normal")
    assert isinstance(kind, Numeric)
    if isinstance(kind, Count):
        families += ("poisson",)
    if kind.n_steps is not None:
        if kind.n_steps < MAX_INTEGER_LEVELS:
            families += ("categorical",)
        if kind.n_steps == 1:
            families += ("bernoulli",)
    return families
