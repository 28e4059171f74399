"""The contracts between a synthesizer and the way of `fit`: a plan, a release, a model.

A plan is made of the schema and the parameters and has seen no rows. It makes a release, the only
step that has both the rows and the budget, and infers a model from it, which is post-processing.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from .exceptions import SyntheticDataWarning
from .privacy import (
    Mechanisms,
    PlannedRelease,
    PrivacyLedger,
    gdp_mu,
    nonnegative_sensitivity,
)
from .schema import Discrete, Table, TableSchema, shorten

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "MOST_VALUES",
    "Demand",
    "FitPlan",
    "Model",
    "Plan",
    "Progress",
    "Release",
    "as_fit_plan",
    "check_demand",
    "warn_of_noise",
]

# numbers that a fit may hold of one release, and what each takes with all that is computed of it
MOST_VALUES = 20_000_000
BYTES_PER_VALUE = 100
# a table of fewer rows per row of noise hides in it
FEW = 10


class Progress(NamedTuple):
    """What the progress bar of a fit counts.

    Attributes
    ----------
    unit : str
    total : int or None
        None where it is not known before the first release.
    """

    unit: str
    total: int | None = None


class Release(Protocol):
    """All that leaves the rows: released quantities and functions of them."""

    @property
    def n_records(self) -> float:
        """Row count: noisy under add/remove, exact under replace-one."""
        ...


R = TypeVar("R")


class Plan(Protocol[R]):
    """What a fit is to do; all of it public, and fixed before any row is read."""

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        ...

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        ...

    def release(self, table: Table, desk: Mechanisms) -> R:
        """Return differentially private quantities: the only line that has rows and budget."""
        ...

    def infer(self, release: R, rng: np.random.Generator) -> Model:
        """Return the model by post-processing."""
        ...


class Model(Protocol):
    """A fitted model of coded rows."""

    def sample_codes(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        """Return rows, an array of codes of shape (n_samples, n_columns)."""
        ...

    def log_density(self, codes: np.ndarray, without: int | None = None) -> np.ndarray:
        """Return the log density of rows; with one column summed out if it is named."""
        ...

    def condition(self, given: Mapping[int, float]) -> Model:
        """Return the model given the codes of some columns."""
        ...

    def draw_posterior(self, rng: np.random.Generator) -> Model:
        """Return a model with parameters drawn from their posterior."""
        ...


@dataclass(frozen=True)
class FitPlan:
    """What `fit` is going to buy with its budget, told before any row is read.

    Parameters
    ----------
    method : str
        The class of the synthesizer.
    epsilon, delta : float
        The request.
    adjacency : {"add_remove", "replace_one"}
        Which tables are neighbours.
    releases : tuple of PlannedRelease
        Every release to come, in order.
    """

    method: str
    epsilon: float
    delta: float
    adjacency: str
    releases: tuple[PlannedRelease, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the releases to come as a DataFrame with one row each."""
        import pandas as pd

        return pd.DataFrame(
            {
                "release": [planned.name for planned in self.releases],
                "mechanism": [planned.mechanism for planned in self.releases],
                "n_releases": pd.array([p.n_releases for p in self.releases], dtype="Int64"),
                "share": [planned.share for planned in self.releases],
            }
        )

    def __repr__(self) -> str:
        heading = (
            f"Plan of {self.method}(epsilon={self.epsilon:g}, delta={self.delta:g}, "
            f"adjacency={self.adjacency!r})"
        )
        rows = [("release", "mechanism", "number", "share of mu²")]
        for planned in self.releases:
            number = "varies" if planned.n_releases is None else str(planned.n_releases)
            share = "-" if math.isnan(planned.share) else f"{100 * planned.share:.1f}%"
            rows.append((planned.name, planned.mechanism, number, share))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        lines = [
            f"  {name:{widths[0]}}  {mechanism:{widths[1]}}  {number:>{widths[2]}}  "
            f"{share:>{widths[3]}}"
            for name, mechanism, number, share in rows
        ]
        return "\n".join([heading, *lines])


def as_fit_plan(plan: Plan[Any], estimator: Any) -> FitPlan:
    """Return the part of a plan that is for human eyes."""
    return FitPlan(
        type(estimator).__name__,
        float(estimator.epsilon),
        float(estimator.delta),
        estimator.adjacency,
        plan.releases,
    )


class Demand(NamedTuple):
    """What a fit to tables of a schema takes, known before any row is read.

    Attributes
    ----------
    n_cells : mapping of column name to int
        Of every column, in the largest release.
    n_values : int
        Numbers of the largest release.
    most_values : int, default=MOST_VALUES
        How many numbers may be held.
    """

    n_cells: Mapping[Any, int]
    n_values: int
    most_values: int = MOST_VALUES


def check_demand(demand: Demand) -> None:
    """Refuse tables that would take too much memory.

    Raises
    ------
    ValueError
        Naming the column of most cells, its size, what is needed and allowed, and the way out.
    """
    if demand.n_values <= demand.most_values:
        return
    name = max(demand.n_cells, key=lambda name: demand.n_cells[name])
    allowed = MOST_VALUES * BYTES_PER_VALUE / 1e9
    needed = allowed * demand.n_values / demand.most_values
    raise ValueError(
        "The table has too many cells for this method: the column "
        f"{name!r} alone has {demand.n_cells[name]:,}, and a release would have "
        f"{demand.n_values:,} numbers at least, about {needed:,.1f} GB of memory; "
        f"{allowed:,.0f} GB are allowed. Merge levels of {name!r} into fewer, leave the column out "
        f"(schema.drop([{name!r}])), or take another method. Nothing was released"
    )


def warn_of_noise(schema: TableSchema, n_records: int, ledger: PrivacyLedger) -> None:
    """Warn where noise hides a table, by public numbers and the released row count.

    The whole budget for one count per value of each column, in one release, has this noise.

    Parameters
    ----------
    schema : TableSchema
    n_records : int
        Released.
    ledger : PrivacyLedger

    Warns
    -----
    SyntheticDataWarning
        If a count of a tenth of the rows drowns in the noise, or the average count of a column's
        levels does.
    """
    if not math.isfinite(ledger.epsilon):
        return
    norm = math.sqrt(len(schema))
    noise = nonnegative_sensitivity(norm, ledger.adjacency) / gdp_mu(ledger.epsilon, ledger.delta)
    counted = (
        f"The noise hides much of this table: the fit counted about {n_records:,} rows in "
        f"{len(schema)} columns, and at epsilon={ledger.epsilon:g} the noise of a count is about "
        f"{noise:,.0f} rows or more"
    )
    spent = "This fit has spent its budget."
    if n_records < FEW * noise:
        warnings.warn(
            f"{counted}: the synthetic rows tell little of the real ones. Take more rows, fewer "
            f"columns (schema.select), a larger epsilon, or coarser levels. {spent}",
            SyntheticDataWarning,
            stacklevel=3,
        )
        return
    fine = [
        name
        for name, kind in schema.columns.items()
        if isinstance(kind, Discrete) and n_records < noise * len(kind.levels)
    ]
    if fine:
        warnings.warn(
            f"{counted}. The levels of {shorten(fine)} are so many that the average one has fewer "
            "rows than that: most of them keep nothing of the real rows. Merge levels into "
            f"coarser ones, drop these columns, or take a larger epsilon. {spent}",
            SyntheticDataWarning,
            stacklevel=3,
        )
