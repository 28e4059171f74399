"""The contracts between a synthesizer and the way of `fit`: a plan, a release, a model.

A plan is made of the schema and the parameters and has seen no rows. It makes a release, the only
step that has both the rows and the budget, and infers a model from it, which is post-processing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import numpy as np

from .privacy import Mechanisms, PlannedRelease
from .schema import Table

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FitPlan", "Model", "Plan", "Progress", "Release", "as_fit_plan"]


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
