"""DP-VI of a NumPyro model that the user wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..._contracts import Progress
from ...privacy import Budget, Mechanisms, PlannedRelease
from ...schema import Table, TableSchema
from .._dpvi._models import Guide
from .._dpvi._noisy_gradients import MeanFieldGuide, Trace, run_dpvi
from .._dpvi._settings import StepSettings
from .._opening import row_count_share
from ._fitted import CustomModel
from ._records import to_records
from ._unconstrained import CustomLatents, build_guide

__all__ = ["CustomRelease", "NumPyroPlan"]


class CustomRelease(NamedTuple):
    """All that leaves the rows.

    Attributes
    ----------
    latents : CustomLatents
    guide : Guide
    trace : Trace
        Of the guide's parameters.
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    """

    latents: CustomLatents
    guide: Guide
    trace: Trace
    n_records: float


@dataclass(frozen=True)
class NumPyroPlan:
    """The row count, where it is private, and the noisy gradients of DP-VI.

    Attributes
    ----------
    schema : TableSchema
    model : callable
        ``model(x=None, num_obs_total=None)``, as `check_model` describes it.
    guide : None, callable, AutoGuide or subclass of AutoGuide
    adjacency : {"add_remove", "replace_one"}
    settings : StepSettings

    Notes
    -----
    A record changes the count by one; `run_dpvi` has the proof for the gradients.
    """

    schema: TableSchema
    model: Callable[..., Any]
    guide: Any
    adjacency: str
    settings: StepSettings

    @property
    def budget(self) -> Budget:
        """The shares of μ², if all releases were Gaussian; the gradients get what is left."""
        row_count = row_count_share(self.adjacency)
        return Budget(row_count=row_count, gradients=1.0 - row_count)

    @property
    def releases(self) -> tuple[PlannedRelease, ...]:
        """Every release to come, in order."""
        budget = self.budget
        count = PlannedRelease("row count", budget["row_count"])
        gradients = self.settings.plan_gradients(budget["gradients"])
        return (count, gradients) if count.share else (gradients,)

    @property
    def progress(self) -> Progress:
        """What the progress bar counts."""
        return Progress("steps", self.settings.n_steps)

    def release(self, table: Table, desk: Mechanisms) -> CustomRelease:
        """Release what determines the guide's parameters."""
        # of the schema and the prior alone
        latents = CustomLatents.build(self.model, self.schema)
        guide, start = build_guide(self.guide, latents)
        count = desk.row_count(len(table.codes), mu=self.budget.mu("row_count", desk.mu))
        # in the units of z, one record's gradient has a coordinate of about one
        norm = 2.0 * math.sqrt(latents.n_latents)
        steps = self.settings.choose(norm, count, desk)
        records = to_records(table.codes, self.schema)
        trace = run_dpvi(latents, guide, start, records, count, steps, desk)
        return CustomRelease(latents, guide, trace, count.value)

    def infer(self, release: CustomRelease, rng: np.random.Generator) -> CustomModel:
        """Return the model at the guide's location."""
        parameters = release.trace.parameters
        if isinstance(release.guide, MeanFieldGuide):
            location, variance = release.guide.summarise(release.trace)
            parameters = np.concatenate([location, 0.5 * np.log(variance)])
        return CustomModel.at_location(release.latents, release.guide, parameters, self.schema)
