"""The kinds of malformed inputs, and how one of each is made from random choices."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from unittest import mock

from estimators import all_estimators
from sklearn.base import BaseEstimator, clone
from test_common import make_small

from skdpsynth import (
    Categorical,
    Continuous,
    Count,
    DPMixtureSynthesizer,
    NumPyroSynthesizer,
    Ordinal,
    SynthesizerPipeline,
    TableSchema,
    combine_estimates,
    make_synthesizer_pipeline,
)
from skdpsynth._base import BaseSynthesizer
from skdpsynth._catalogue import METHODS
from skdpsynth.clustmix import SizeConstrainedGaussianMixture
from skdpsynth.metrics import TSTRScorer
from skdpsynth.preprocessing import MissingnessEncoder
from skdpsynth.privacy import (
    GaussianEvent,
    NoiseSource,
    PrivacyLedger,
    SelectionEvent,
    SubsampledGaussianEvent,
    calibrate_gaussian,
    compose_delta,
    compose_epsilon,
    gdp_delta,
    gdp_epsilon,
    gdp_mu,
)

from .files import make_file
from .json_schemas import make_json
from .oddities import bounds_case, containers_case, spellings_case
from .outcomes import Case
from .tables import SCHEMA, make_table, malformed_table, malformed_target
from .values import strange, tell

FITTING = [cls for _, cls in all_estimators() if hasattr(cls, "fit")]
FULL_FITS = 0.5


class ReleaseReached(Exception):
    """Everything was read and checked: rows would be released now."""


def _stop(*args: Any) -> None:
    raise ReleaseReached


def make_estimator(cls: type[BaseEstimator]) -> Any:
    """Return a small instance of an estimator that has the schema of the table."""
    # its model is made for the columns of a schema
    given = {"schema": SCHEMA} if cls is NumPyroSynthesizer else {}
    estimator = make_small(cls, **given)
    if cls is SynthesizerPipeline:
        return make_synthesizer_pipeline(
            MissingnessEncoder(SCHEMA), DPMixtureSynthesizer(n_components=2, n_passes=1, n_bins=4)
        )
    parameters = estimator.get_params()
    return estimator.set_params(schema=SCHEMA) if "schema" in parameters else estimator


def fit_until_release(estimator: Any, X: Any, y: Any, *, full: bool) -> None:
    """Fit, and sample; unless in full, a synthesizer ends where it has read its table."""
    if full:
        estimator.fit(X, y)
        if isinstance(estimator, BaseSynthesizer | SynthesizerPipeline):
            estimator.sample(2, random_state=0)
        return
    # the desk is made when the table is read and the plan is made
    with mock.patch("skdpsynth._base.Mechanisms", _stop), suppress(ReleaseReached):
        estimator.fit(X, y)


def parameters_case(rng: random.Random) -> Case:
    """An estimator with one or two impossible parameters, and a sound table."""
    cls = rng.choice([*FITTING, *(c for c in FITTING if issubclass(c, BaseSynthesizer))])
    estimator = make_estimator(cls)
    full = rng.random() < FULL_FITS
    # memory is a folder for joblib, whose errors are the system's
    names = sorted({*estimator.get_params(deep=False)} - {"memory"})
    chosen = rng.sample(names, min(rng.choice([1, 1, 2]), len(names)))
    # a billion starts are no fault, but take their time
    large = not full and cls is not SizeConstrainedGaussianMixture
    changed = {name: strange(rng, large=large) for name in chosen}
    table = make_table()
    if cls is SizeConstrainedGaussianMixture:
        # it takes numbers only
        table["pay"], table["sex"] = table["age"] / 2, 1.0
    X, y = (table, None) if rng.random() < 0.7 else (table.drop(columns="sick"), table["sick"])
    what = f"{cls.__name__}({', '.join(f'{k}={tell(v)}' for k, v in changed.items())}) full={full}"
    # as __init__ does, which must not check anything
    vars(estimator).update(changed)
    return Case(what, lambda: fit_until_release(estimator, X, y, full=full), estimator)


def frames_case(rng: random.Random) -> Case:
    """An estimator and a malformed table."""
    cls = rng.choice(FITTING)
    estimator = make_estimator(cls)
    if rng.random() < 0.25 and "schema" in estimator.get_params(deep=False):
        estimator.set_params(schema=None)
    X, y = malformed_table(rng), malformed_target(rng)
    full = rng.random() < FULL_FITS
    if rng.random() < 0.3 and hasattr(estimator, "transform"):
        estimator = fitted(cls)
        what = f"{cls.__name__}.transform({tell(X)})"
        return Case(what, lambda: estimator.transform(X), estimator)
    what = f"{cls.__name__}.fit({tell(X)}, {tell(y)}) full={full}"
    return Case(what, lambda: fit_until_release(estimator, X, y, full=full), estimator)


@lru_cache
def fitted(cls: type[BaseEstimator]) -> Any:
    """Return an estimator fitted to the sound table; not to be changed."""
    estimator = clone(make_estimator(cls))
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    if "schema" in estimator.get_params() or cls is SynthesizerPipeline:
        return estimator.fit(make_table())
    return estimator.fit(make_table()[["age"]].astype(float))


def schemas_case(rng: random.Random) -> Case:
    """A column kind or a schema from impossible arguments, or a question to a sound one."""
    kind = rng.choice([Continuous, Count, Ordinal, Categorical])
    call: Callable[..., Any] = rng.choice(
        [
            *(kind, kind, kind, TableSchema, TableSchema.from_frame, TableSchema.from_private),
            *(SCHEMA.select, SCHEMA.drop, SCHEMA.replace, SCHEMA.with_target, TableSchema),
        ]
    )
    if call is TableSchema and rng.random() < 0.7:
        names = [rng.choice(["a", "b", strange(rng)]) for _ in range(rng.randint(0, 3))]
        pairs = [(name, rng.choice([Count(0, 1), strange(rng)])) for name in names]
        hashable = [(name, kind) for name, kind in pairs if _is_hashable(name)]
        args: list[Any] = [dict(hashable), rng.choice([None, "a", strange(rng)])]
    elif call in (TableSchema.from_frame, TableSchema.from_private):
        args = [malformed_table(rng)]
        if call == TableSchema.from_private:
            args += [rng.choice([1.0, strange(rng)]), rng.choice([1e-6, strange(rng)])]
            args += [rng.choice([None, {"age": "count"}, {"age": strange(rng)}, strange(rng)])]
    elif isinstance(call, type):
        n = 2 if issubclass(call, Continuous | Count) else 1
        args = [rng.choice([0, 1, strange(rng)]) for _ in range(n)]
    else:
        args = [strange(rng)]
    options = _strange_options(call, rng)
    what = f"{call.__qualname__}({', '.join(map(tell, args))}, {tell(options)})"
    return Case(what, lambda: call(*args, **options))


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _strange_options(call: Callable[..., Any], rng: random.Random) -> dict[str, Any]:
    options = [
        name
        for name, parameter in inspect.signature(call).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    chosen = [name for name in options if rng.random() < 0.25]
    return {name: strange(rng) for name in chosen}


def questions_case(rng: random.Random) -> Case:
    """A fitted synthesizer, asked for impossible rows or for the density of malformed ones."""
    cls = rng.choice([method.load() for method in METHODS.values()])
    synth = fitted(cls)
    question = rng.choice(["sample", "sample", "sample_xy", "sample_datasets", "score", "save"])
    number, seed = rng.choice([2, strange(rng, large=False)]), rng.choice([0, strange(rng)])
    if question == "score":
        X, y = malformed_table(rng), malformed_target(rng)
        return Case(f"{cls.__name__}.score({tell(X)})", lambda: synth.score(X, y), synth)
    if question == "save":
        path = rng.choice([b"x", None, 3.5, "\0", [], object(), {}])
        return Case(f"save({tell(path)})", lambda: synth.save(path), synth)
    if question == "sample_datasets":
        what = f"{cls.__name__}.sample_datasets({tell(number)}, {tell(number)}, {tell(seed)})"
        return Case(
            what, lambda: list(synth.sample_datasets(number, number, random_state=seed)), synth
        )
    name = rng.choice(["age", "sex", "pay", "nobody"])
    conditions = rng.choice([None, strange(rng), {name: strange(rng)}])
    what = f"{cls.__name__}.{question}({tell(number)}, {tell(conditions)}, {tell(seed)})"
    method = getattr(synth, question)
    return Case(what, lambda: method(number, conditions=conditions, random_state=seed), synth)


def budgets_case(rng: random.Random) -> Case:
    """Accounting with impossible numbers, and with possible ones at the extremes."""
    numbers = [0.0, 1e-300, 1e-12, 1e-3, 0.5, 1.0, 50.0, 1e6, 1e300, float("inf")]
    events = [GaussianEvent, SelectionEvent, SubsampledGaussianEvent]
    calls = [calibrate_gaussian, compose_delta, compose_epsilon, gdp_mu, gdp_delta, gdp_epsilon]
    call = rng.choice([*events, *calls, PrivacyLedger, NoiseSource, combine_estimates, TSTRScorer])
    n = sum(p.default is p.empty for p in inspect.signature(call).parameters.values())
    args = [rng.choice([*numbers, strange(rng)]) for _ in range(n)]
    if call in (compose_delta, compose_epsilon) and rng.random() < 0.8:
        args[0] = [GaussianEvent(rng.choice(numbers)), SelectionEvent(rng.choice(numbers))]
    options = _strange_options(call, rng)
    what = f"{call.__name__}({', '.join(map(tell, args))}, {tell(options)})"
    return Case(what, lambda: call(*args, **options))


KINDS: dict[str, tuple[Callable[[random.Random], Case], int]] = {
    "parameters": (parameters_case, 6000),
    "frames": (frames_case, 10_000),
    "schemas": (schemas_case, 5000),
    "questions": (questions_case, 3000),
    "budgets": (budgets_case, 2000),
    "json": (make_json, 4000),
    "files": (make_file, 4000),
    "bounds": (bounds_case, 3000),
    "containers": (containers_case, 5000),
    "spellings": (spellings_case, 8000),
}
