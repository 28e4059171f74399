"""What is wrong with a NumPyro model's log density, seen on made-up records."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Unit

from ...schema import Discrete, TableSchema, shorten
from ._records import to_records
from ._sites import site_log_prob
from ._unconstrained import N_START_DRAWS, CustomLatents
from ._user_code import attempt

__all__ = ["likelihood_problems"]

LARGEST_LEVELS = 50


class _Trial(NamedTuple):
    """A made-up record that differs from the middle one in one column."""

    position: int
    code: float

    def describe(self, schema: TableSchema) -> str:
        name = schema.names[self.position]
        if np.isnan(self.code):
            return f"a missing value of column {name!r}"
        kind = schema[name]
        if isinstance(kind, Discrete):
            level = kind.levels[int(self.code)]
            return f"position {int(self.code)} (level {level!r}) of column {name!r}"
        value = kind.low if self.code == 0 else kind.high
        return f"the value {value!r} of column {name!r}"


def _trials(schema: TableSchema) -> list[_Trial]:
    trials = []
    for position, kind in enumerate(schema.columns.values()):
        codes = [0.0, 1.0]
        if isinstance(kind, Discrete):
            n_levels = len(kind.levels)
            codes = np.unique(np.linspace(0, n_levels - 1, LARGEST_LEVELS).round()).tolist()
        if kind.nullable:
            codes.append(np.nan)
        trials += [_Trial(position, code) for code in codes]
    return trials


def _uniform_codes(schema: TableSchema, n_rows: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    codes = rng.random((n_rows, len(schema)))
    for position, kind in enumerate(schema.columns.values()):
        if isinstance(kind, Discrete):
            codes[:, position] = rng.integers(len(kind.levels), size=n_rows)
        if kind.nullable:
            codes[rng.random(n_rows) < 0.2, position] = np.nan
    return codes


class _SiteView(NamedTuple):
    log_prob: Any
    is_supported: Any
    value: Any


def _view(latents: CustomLatents, z: Any, record: Any) -> tuple[dict[str, _SiteView], Any]:
    """Return what each observed site makes of a record, and whether the gradient is finite."""
    sites, _ = latents.run(z, record)
    views = {}
    for name in latents.observed:
        site = sites[name]
        is_factor = isinstance(site["fn"], Unit)
        support = True if is_factor else jnp.all(site["fn"].support(site["value"]))
        value = site_log_prob(site) if is_factor else site["value"]
        views[name] = _SiteView(site_log_prob(site), support, jnp.ravel(jnp.asarray(value)))
    gradient = jax.grad(latents.log_likelihood)(z, record)
    return views, jnp.isfinite(gradient).all()


def likelihood_problems(latents: CustomLatents, schema: TableSchema, n_rows: int) -> Iterator[str]:
    """Yield what the log density of made-up records shows, at the prior's median."""
    trials = _trials(schema)
    middle = np.array([0.5 * (not isinstance(k, Discrete)) for k in schema.columns.values()])
    codes = np.tile(middle, (1 + len(trials), 1))
    for row, trial in enumerate(trials, start=1):
        codes[row, trial.position] = trial.code
    records = to_records(np.concatenate([codes, _uniform_codes(schema, n_rows)]), schema)
    view_all = jax.jit(jax.vmap(partial(_view, latents), in_axes=(None, 0)))
    views, has_gradient = attempt("on made-up records", view_all, latents.prior_median(), records)
    constant = {
        n for n, k in schema.columns.items() if isinstance(k, Discrete) and len(k.levels) < 2
    }
    is_fine = np.asarray(has_gradient)
    n_problems = 0
    for name, view in views.items():
        values = np.asarray(view.value).reshape(len(records), -1)
        if not _varies(values) and name not in constant:
            yield (
                f"Observed site {name!r} does not depend on x: pass a column of x as its obs. "
                "Constants belong into the priors, and private rows never into the model."
            )
        supported, finite = np.asarray(view.is_supported), np.isfinite(view.log_prob)
        is_fine = is_fine & supported & finite
        for text in _site_problems(name, supported, finite, trials, schema):
            n_problems += 1
            yield text
    if n_problems == 0 and not is_fine.all():
        record = records[np.argmin(is_fine)].tolist()
        yield (
            f"The log density of the record {shorten(record)}, or its gradient, is not finite at "
            "the prior's median; keep logarithms, square roots and divisions away from zero (also "
            "in the branch of a jnp.where that is not taken)."
        )
    if is_fine[0]:
        yield from _prior_problems(latents, records, view_all)


def _prior_problems(latents: CustomLatents, records: np.ndarray, view_all: Any) -> Iterator[str]:
    """Yield that the prior allows parameters that the distributions do not."""
    for z in latents.draw_priors(N_START_DRAWS):
        views, _ = view_all(z, records)
        if np.isfinite(z).all() and any(np.isnan(view.log_prob[0]) for view in views.values()):
            values = jax.jit(partial(_latent_values, latents))(z)
            drawn = {name: np.round(value, 3).tolist() for name, value in values.items()}
            yield (
                "The log density is not a number where the prior puts the latent sites at "
                f"{drawn!r}; is a scale negative? Choose a prior with the support that the "
                "distribution needs."
            )
            return


def _latent_values(latents: CustomLatents, z: jax.Array) -> dict[str, jax.Array]:
    sites, _ = latents.run(z, latents.record)
    return {part.name: sites[part.name]["value"] for part in latents.latents}


def _varies(values: np.ndarray) -> bool:
    is_same = (values == values[:1]) | (np.isnan(values) & np.isnan(values[:1]))
    return not is_same.all()


def _site_problems(
    name: str,
    supported: np.ndarray,
    finite: np.ndarray,
    trials: list[_Trial],
    schema: TableSchema,
) -> Iterator[str]:
    """Yield one problem per column whose values a site cannot take."""
    if not (supported[0] and finite[0]):
        what = "lies outside the support" if not supported[0] else "has no finite log density"
        yield (
            f"Observed site {name!r}: the record in the middle of the schema {what} of its "
            "distribution; x holds numbers in their own units and positions 0, 1, ... of levels."
        )
        return
    seen = set()
    for trial, is_supported, is_finite in zip(trials, supported[1:], finite[1:], strict=False):
        if (is_supported and is_finite) or trial.position in seen:
            continue
        seen.add(trial.position)
        if np.isnan(trial.code):
            way_out = "wrap the column's distribution in NAModel(distribution, na_prob)"
        else:
            way_out = "choose a distribution on the column's levels or bounds, or widen it"
        what = "lies outside its support" if not is_supported else "has no finite log density"
        yield f"Observed site {name!r}: {trial.describe(schema)} {what}; {way_out}."
