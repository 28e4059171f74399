"""DP-VI of a NumPyro model that the user wrote."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ...privacy import NoiseSource, PrivacyLedger, gaussian_release
from ...schema import Table, TableSchema
from .._dpvi._noisy_gradients import DPVIPlan, Guide, MeanFieldGuide, Trace, run_dpvi
from .._dpvi._variational import (
    NO_CLIPPING,
    VariationalPlan,
    choose_accounted_rate,
    choose_sampling_rate,
)
from .._moments import COUNT_SHARE
from ._fitted import CustomModel
from ._records import to_records
from ._unconstrained import CustomLatents, build_guide

__all__ = ["CustomRelease", "infer_custom", "release_custom"]

# the optimisation starts from the prior, not from a profile of the rows
N_STEPS = 1000
LEARNING_RATE = 0.05


class CustomRelease(NamedTuple):
    """All that leaves the rows.

    Attributes
    ----------
    latents : CustomLatents
    guide : Guide
    trace : Trace
        Of the guide's parameters.
    schema : TableSchema
    n_records : float
        Row count: noisy under add/remove, exact under replace-one.
    """

    latents: CustomLatents
    guide: Guide
    trace: Trace
    schema: TableSchema
    n_records: float


def release_custom(
    table: Table,
    model: Callable[..., Any],
    guide: Any,
    plan: VariationalPlan,
    ledger: PrivacyLedger,
    noise: NoiseSource,
    after_steps: Callable[[int], object] = lambda n: None,
) -> CustomRelease:
    """Release the row count, where it is private, and the noisy gradients of DP-VI.

    Parameters
    ----------
    table : Table
    model : callable
        ``model(x=None, num_obs_total=None)``, as `check_model` describes it.
    guide : None, callable, AutoGuide or subclass of AutoGuide
    plan : VariationalPlan
    ledger : PrivacyLedger
    noise : NoiseSource
    after_steps : callable, optional
        Called with a number of finished steps.

    Notes
    -----
    A record changes the count by one; `run_dpvi` has the proof for the gradients.
    """
    latents = CustomLatents.build(model, table.schema)
    family, start = build_guide(guide, latents)
    n_records, scale = float(len(table.codes)), 0.0
    if ledger.adjacency == "add_remove":
        mu = ledger.mu * math.sqrt(COUNT_SHARE)
        scale = 1.0 / mu
        noisy = gaussian_release(
            [len(table.codes)],
            sensitivity=1.0,
            mu=mu,
            name="row count",
            ledger=ledger,
            noise=noise,
            grid=1.0,
        )
        n_records = max(float(noisy[0]), 1.0)
    trace = run_dpvi(
        latents,
        family,
        start,
        to_records(table.codes, table.schema),
        n_records,
        scale,
        _choose_optimisation(plan, latents.n_latents, n_records, scale, ledger),
        ledger,
        noise,
        after_steps,
    )
    return CustomRelease(latents, family, trace, table.schema, n_records)


def count_steps(plan: VariationalPlan) -> int:
    """Return the number of steps."""
    return N_STEPS if plan.n_steps == "auto" else int(plan.n_steps)


def infer_custom(release: CustomRelease) -> CustomModel:
    """Return the model at the guide's location."""
    parameters = release.trace.parameters
    if isinstance(release.guide, MeanFieldGuide):
        location, variance = release.guide.summarise(release.trace)
        parameters = np.concatenate([location, 0.5 * np.log(variance)])
    return CustomModel.at_location(release.latents, release.guide, parameters, release.schema)


def _choose_optimisation(
    plan: VariationalPlan,
    n_latents: int,
    n_records: float,
    count_scale: float,
    ledger: PrivacyLedger,
) -> DPVIPlan:
    norm = plan.clipping_norm
    if norm == "auto":
        # in the units of z, one record's gradient has a coordinate of about one
        norm = 2.0 * math.sqrt(n_latents) if math.isfinite(ledger.epsilon) else NO_CLIPPING
    return DPVIPlan(
        count_steps(plan),
        choose_sampling_rate(plan, n_records),
        float(norm),
        LEARNING_RATE if plan.learning_rate == "auto" else float(plan.learning_rate),
        accounted_rate=choose_accounted_rate(plan, n_records, count_scale, ledger),
    )
