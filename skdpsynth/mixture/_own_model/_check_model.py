"""What is wrong with a NumPyro model, said before any budget is spent.

Only the schema is used: the model is tried on made-up records from the public domain.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpyro.distributions import Unit, biject_to
from numpyro.handlers import seed, trace
from numpyro.infer.autoguide import AutoGuide

from ...schema import Discrete, TableSchema
from ._check_likelihood import likelihood_problems
from ._fitted import sample_records
from ._records import example_record
from ._sites import abstractly, leave_alone, run_model
from ._unconstrained import N_START_DRAWS, CustomLatents, FunctionGuide, build_guide
from ._user_code import UserCodeError, attempt, signature_problems

__all__ = ["ModelError", "check_model"]

N_GUIDE_DRAWS = 64


class ModelError(ValueError):
    """A NumPyro model or guide cannot be fitted; the message lists every problem found."""

    @property
    def problems(self) -> tuple[str, ...]:
        """The problems, each naming its site or column and the way out."""
        return self.args[0]

    def __str__(self) -> str:
        return "The model cannot be fitted:\n" + "\n".join(f"- {text}" for text in self.problems)


def check_model(
    model: Callable[..., Any], schema: TableSchema, guide: Any = None, n_rows: int = 64
) -> None:
    """Raise if a NumPyro model of one record, or its guide, cannot be fitted by DP-VI.

    The model is run on made-up records: the middle of the schema's domain, every bound, level and
    missing value, and rows drawn uniformly. It sees no private row and costs no budget.

    Parameters
    ----------
    model : callable
        ``model(x=None, num_obs_total=None)``. x has one row per record and one column per schema
        column, in order: numbers in their own units, positions 0, 1, ... of levels, and NaN where
        missing. Its observed sites are either one site with all columns, or one site per column
        under the column's name, or else the model returns the values of all columns. Every other
        sample site is a latent variable, shared by all records.
    schema : TableSchema
        Kinds of the columns.
    guide : None, callable, AutoGuide or subclass of AutoGuide, default=None
        The variational family, as for `build_guide`.
    n_rows : int, default=64
        Number of uniform rows.

    Raises
    ------
    ModelError
        Lists what is wrong, and how to mend it.

    Examples
    --------
    >>> import numpyro
    >>> import numpyro.distributions as dist
    >>> from skdpsynth import Continuous, TableSchema
    >>> from skdpsynth.mixture._own_model._check_model import check_model
    >>> def model(x=None, num_obs_total=None):
    ...     mean = numpyro.sample("mean", dist.Normal(170.0, 20.0))
    ...     with numpyro.plate("batch", num_obs_total):
    ...         return numpyro.sample("height", dist.Normal(mean, 10.0).expand([1]).to_event(1))
    >>> check_model(model, TableSchema({"height": Continuous(100, 220)}))
    Traceback (most recent call last):
        ...
    skdpsynth.mixture._own_model._check_model.ModelError: The model cannot be fitted:
    - No site is observed: pass a column of x as obs= of a sample site, such as
      numpyro.sample("height", ..., obs=x[:, 0]), with obs=None when x is None.
    """
    try:
        _check_once(model, schema, guide, n_rows)
    except TypeError:
        # what cannot be hashed is not remembered
        _check(model, schema, guide, n_rows)


def _check(model: Any, schema: TableSchema, guide: Any, n_rows: int) -> None:
    with warnings.catch_warnings():
        # whatever numpyro warns of is found and said by the checks themselves
        warnings.simplefilter("ignore")
        try:
            _raise_if(signature_problems(model, "model"))
            _raise_if(
                attempt(
                    f"on x of shape (1, {len(schema)})",
                    abstractly,
                    lambda: list(_structure_problems(model, schema)),
                )
            )
            raw = CustomLatents.build_raw(model, schema)
            attempt("when its latent sites are drawn from the prior", raw.prior_median)
            _raise_if(_layout_problems(raw))
            latents = attempt("when records are sampled", CustomLatents.build, model, schema)
            problems = [
                *likelihood_problems(latents, schema, n_rows),
                *_sampling_problems(latents, schema),
                *_guide_problems(guide, latents),
            ]
            _raise_if(problems)
        except UserCodeError as failure:
            raise ModelError((str(failure),)) from failure.__cause__


# a check compiles the model, and a model that passed it passes it again
_check_once = lru_cache(maxsize=32)(_check)


def _raise_if(problems: Any) -> None:
    problems = tuple(problems)
    if problems:
        raise ModelError(problems)


def _structure_problems(model: Any, schema: TableSchema) -> Iterator[str]:
    """Yield what the sites of one run show; to be traced."""
    sites, _ = run_model(model, example_record(schema), 0, leave_alone)
    samples = {name: site for name, site in sites.items() if site["type"] == "sample"}
    observed = {name: site for name, site in samples.items() if site["is_observed"]}
    latent = {name: site for name, site in samples.items() if not site["is_observed"]}
    if not any(not isinstance(site["fn"], Unit) for site in observed.values()):
        first = schema.names[0]
        yield (
            "No site is observed: pass a column of x as obs= of a sample site, such as\n"
            f'  numpyro.sample("{first}", ..., obs=x[:, 0]), with obs=None when x is None.'
        )
        return
    if not latent:
        yield "The model has no latent site: there is nothing to fit."
    for name, site in sites.items():
        if site["type"] == "param":
            yield (
                f"Site {name!r} is a numpyro.param of the model; give it a prior with "
                "numpyro.sample, or make it a constant."
            )
    plates = {frame.name for site in observed.values() for frame in site["cond_indep_stack"]}
    by_rows = _shapes_of_two(model, example_record(schema), latent)
    for name, site in latent.items():
        shared = [f.name for f in site["cond_indep_stack"] if f.name in plates]
        shape = jnp.shape(site["value"])
        if site["fn"].support.is_discrete:
            yield (
                f"Latent site {name!r} is discrete, which has no gradient; sum it out, for "
                "instance with numpyro.distributions.MixtureSameFamily."
            )
        elif shared or by_rows.get(name, shape) != shape:
            where = f"inside the plate {shared[0]!r} of the records" if shared else "per record"
            yield (
                f"Latent site {name!r} is sampled {where}; latent variables of single records are "
                "not supported. Move it out of the plate, or integrate it out of the observed "
                "distribution."
            )
        else:
            try:
                biject_to(site["fn"].support)
            except NotImplementedError:
                yield (
                    f"Latent site {name!r} has the support {site['fn'].support!r}, which cannot be "
                    "mapped to the reals; choose another prior."
                )


def _shapes_of_two(model: Any, example: np.ndarray, latent: Any) -> dict[str, tuple[int, ...]]:
    """Return the latent shapes for two records; none where the model takes one record only."""
    try:
        with trace() as sites, seed(rng_seed=0):
            model(jnp.stack([example, example]), num_obs_total=2)
    except Exception:
        return {}
    return {name: jnp.shape(sites[name]["value"]) for name in latent if name in sites}


def _layout_problems(latents: CustomLatents) -> Iterator[str]:
    """Yield why there is nothing to fit, or why a run without x does not give a record."""
    if not latents.n_latents:
        names = [part.name for part in latents.latents]
        yield (
            f"The latent sites {names!r} can take one value only, such as the probabilities of a "
            "single level: there is nothing to fit. Leave the column out."
        )
        return

    def sampled_sites() -> set[str]:
        sites, _ = run_model(latents.model, None, 0, leave_alone)
        return {name for name, site in sites.items() if site["type"] == "sample"}

    names = attempt("on x=None", abstractly, sampled_sites)
    expected = {*latents.observed, *(part.name for part in latents.latents)}
    if names != expected:
        yield (
            f"With x=None the model samples the sites {sorted(names)!r}, with x it has "
            f"{sorted(expected)!r}; they must be the same."
        )
        return
    try:
        abstractly(latents.sample_record, latents.prior_median(), jax.random.key(0))
    except ValueError as error:
        yield str(error)


def _sampling_problems(latents: CustomLatents, schema: TableSchema) -> Iterator[str]:
    """Yield what sampling records, at several draws of the prior, shows."""
    draws = latents.draw_priors(N_START_DRAWS)
    rows = np.concatenate(
        [
            attempt("when records are sampled", sample_records, latents, z, jax.random.key(seed))
            for seed, z in enumerate(draws)
        ]
    )
    for position, (name, kind) in enumerate(schema.columns.items()):
        values = rows[:, position]
        present = values[~np.isnan(values)]
        if len(present) < len(values) and not kind.nullable:
            yield (
                f"Column {name!r} is sampled as missing (NaN) but is not nullable; leave NAModel "
                "out, or declare the column nullable=True."
            )
        if isinstance(kind, Discrete):
            wrong = present[~np.isin(present, np.arange(len(kind.levels)))]
            if len(wrong):
                yield (
                    f"Column {name!r} is sampled as {wrong[0]:g}, not as one of the positions of "
                    f"its {len(kind.levels)} levels; use a distribution on 0, ..., "
                    f"{len(kind.levels) - 1}."
                )
        elif len(present) and not ((present >= kind.low) & (present <= kind.high)).any():
            yield (
                f"Column {name!r}: all of {len(present)} values sampled from the prior lie outside "
                f"[{kind.low!r}, {kind.high!r}], for instance {present[0]:g}; models see numbers "
                "in their own units, so choose the priors for them."
            )


def _guide_problems(guide: Any, latents: CustomLatents) -> Iterator[str]:
    """Yield what is wrong with a guide."""
    if guide is None:
        return
    if not (isinstance(guide, type) and issubclass(guide, AutoGuide)):
        problems = list(signature_problems(guide, "guide"))
        yield from problems
        if problems:
            return
    family, start = attempt("when it is set up", build_guide, guide, latents, what="guide")
    assert isinstance(family, FunctionGuide)
    problems = list(_guide_site_problems(family, start))
    if not family.params:
        problems.append("The guide has no numpyro.param: there is nothing to fit.")
    yield from problems
    if not problems:
        yield from _guide_draw_problems(family, start)


def _guide_site_problems(family: FunctionGuide, start: np.ndarray) -> Iterator[str]:
    """Yield how the sites of a guide differ from the latent sites of the model."""
    sites = attempt("on the example record", family.run, start, 0, what="guide")
    own = {
        name: site
        for name, site in sites.items()
        if site["type"] == "sample" and not site["infer"].get("is_auxiliary", False)
    }
    latents = family.latents
    shapes = abstractly(
        lambda: {
            name: jnp.shape(site["value"])
            for name, site in latents.run(jnp.zeros(latents.n_latents), latents.record)[0].items()
        }
    )
    wanted = [part.name for part in latents.latents]
    for name in wanted:
        if name not in own:
            yield f"The guide lacks the latent site {name!r} of the model; sample it there too."
    for name, site in own.items():
        if name not in wanted:
            what = "observed" if name in latents.observed else "unknown"
            yield (
                f"The guide samples the site {name!r}, which is {what} in the model; remove it. "
                f"The latent sites are {wanted!r}."
            )
            continue
        shape = shapes[name]
        if jnp.shape(site["value"]) != shape:
            yield (
                f"Guide site {name!r} has the shape {jnp.shape(site['value'])}, the model's "
                f"{shape}; make them equal."
            )
        if site["fn"].support.is_discrete or not site["fn"].has_rsample:
            yield (
                f"Guide site {name!r} follows a {type(site['fn']).__name__}, whose draws cannot be "
                "differentiated; use a reparametrised distribution such as Normal or LogNormal."
            )


def _guide_draw_problems(family: FunctionGuide, start: np.ndarray) -> Iterator[str]:
    """Yield latent sites whose draws, or their gradients, are not finite at the start."""

    def objective(parameters: jax.Array, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        z, entropy = family.draw(parameters, key)
        return z.sum() + entropy, z

    keys = jax.random.split(jax.random.key(1), N_GUIDE_DRAWS)
    differentiate = jax.value_and_grad(objective, has_aux=True)
    (value, z), gradient = attempt(
        "when it is differentiated",
        jax.jit(jax.vmap(differentiate, in_axes=(None, 0))),
        start,
        keys,
        what="guide",
    )
    is_finite = np.isfinite(z).all(axis=0)
    wrong = [part.name for part in family.latents.latents if not part.of(is_finite).all()]
    if wrong:
        yield (
            f"The guide draws values of the sites {wrong!r} outside the support of the model's "
            "priors; use distributions with the same support."
        )
    elif not (np.isfinite(value).all() and np.isfinite(gradient).all()):
        yield (
            "The guide's log density, or its gradient, is not finite at the initial parameters; "
            "start from others, or give numpyro.param a constraint."
        )
