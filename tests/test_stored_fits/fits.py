"""Named seeded fits: every synthesizer, and every way it can go.

They use the public interface alone, because everything behind it may move.
"""

from __future__ import annotations

import importlib.util
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpyro
import numpyro.distributions as dist
from numpyro.infer.autoguide import AutoNormal

from skdpsynth import (
    Categorical,
    ClustMixSynthesizer,
    DPMixtureSynthesizer,
    NapsuMQSynthesizer,
    NumPyroSynthesizer,
    PrivacyLeakWarning,
    TableSchema,
)

from . import tables


def normal_heights(x: Any = None, num_obs_total: Any = None) -> None:
    """Model rows of `tables.heights`; a saved file has a digest of this code."""
    score = numpyro.sample("score", dist.Normal(0.0, 1.0))
    mean = numpyro.sample("mean", dist.Normal(0.0, 5.0))
    height, sick = (None, None) if x is None else (x[:, 0], x[:, 1])
    with numpyro.plate("batch", num_obs_total):
        numpyro.sample("sick", dist.Bernoulli(logits=score), obs=sick)
        numpyro.sample("height", dist.Normal(mean, 1.5), obs=height)


def two_normals(x: Any = None, num_obs_total: Any = None) -> None:
    """Guide of `normal_heights`; a saved file has a digest of this code."""
    loc = numpyro.param("loc", 0.0)
    scale = numpyro.param("scale", 0.5, constraint=dist.constraints.positive)
    numpyro.sample("mean", dist.Normal(loc, 0.1))
    numpyro.sample("score", dist.Normal(0.0, scale))


def _people() -> tuple[Any, ...]:
    return (tables.people(),)


def _no_target() -> tuple[Any, ...]:
    return (tables.people().drop(columns="sick"),)


def _split() -> tuple[Any, ...]:
    table = tables.people()
    return table.drop(columns="sick"), table["sick"]


def _discrete() -> tuple[Any, ...]:
    return (tables.people(1000)[list(tables.DISCRETE.names)],)


def _vectors() -> tuple[Any, ...]:
    return (tables.vectors(),)


def _heights() -> tuple[Any, ...]:
    return (tables.heights(),)


def _array() -> tuple[Any, ...]:
    return (tables.unit_array(),)


def _array_and_y() -> tuple[Any, ...]:
    return tables.unit_array(), tables.unit_labels()


def _buy(adjacency: str) -> TableSchema:
    """Return a schema with bounds and levels that were bought."""
    return TableSchema.from_private(
        tables.people(2000),
        2.0,
        1e-5,
        {"insured": Categorical([False, True])},
        target="sick",
        adjacency=adjacency,
        nullable=["sex", "pay"],
        random_state=7,
    )


@dataclass(frozen=True)
class Fit:
    """One fit.

    Attributes
    ----------
    cls : type
        The synthesizer.
    arguments : callable
        Returns what `fit` is passed.
    parameters : mapping
        Of the constructor, beside the seed; a callable makes the schema when it is needed.
    conditions : mapping, default=None
        Rows are sampled given these, too.
    draws : bool, default=True
        Whether the posterior can be drawn from.
    is_saved : bool, default=False
        Whether a file of it is stored.
    warns : bool, default=False
        Whether the fit warns of a leak.
    needs : str, default=None
        A package that is not always there, without which it cannot be made.
    scores_vary : bool, default=False
        Whether log densities differ from run to run, by rounding, with more than one core: sums of
        d3p in single precision do, by a part in 10⁹, and the rows sampled do not.
    """

    cls: type
    arguments: Callable[[], tuple[Any, ...]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] | None = None
    draws: bool = True
    is_saved: bool = False
    warns: bool = False
    needs: str | None = None
    scores_vary: bool = False

    @property
    def is_possible(self) -> bool:
        """Whether the package it needs is installed."""
        return self.needs is None or importlib.util.find_spec(self.needs) is not None

    @property
    def functions(self) -> dict[str, Any]:
        """What `load` must be passed."""
        keys = {"model", "guide"} & set(self.parameters)
        return {key: self.parameters[key] for key in keys}

    def run(self) -> Any:
        """Return the fitted synthesizer."""
        parameters = dict(self.parameters)
        if callable(parameters.get("schema")):
            parameters["schema"] = parameters["schema"]()
        synth = self.cls(random_state=5, **parameters)
        with warnings.catch_warnings():
            if self.warns:
                warnings.simplefilter("ignore", PrivacyLeakWarning)
            return synth.fit(*self.arguments())


def _mixture(arguments: Callable[[], Any] = _people, **rest: Any) -> Fit:
    return _fit(DPMixtureSynthesizer, arguments, rest)


def _model(arguments: Callable[[], Any] = _heights, **rest: Any) -> Fit:
    return _fit(NumPyroSynthesizer, arguments, rest)


def _napsu(arguments: Callable[[], Any] = _people, **rest: Any) -> Fit:
    return _fit(NapsuMQSynthesizer, arguments, rest)


def _clusters(arguments: Callable[[], Any] = _people, **rest: Any) -> Fit:
    return _fit(ClustMixSynthesizer, arguments, rest)


def _fit(cls: type, arguments: Callable[[], Any], rest: dict[str, Any]) -> Fit:
    own = {name: rest.pop(name) for name in FIELDS if name in rest}
    schema = SCHEMAS.get(arguments)
    return Fit(cls, arguments, {"schema": schema, **rest} if schema else rest, **own)


FIELDS = ("conditions", "draws", "is_saved", "warns", "needs", "scores_vary")
SCHEMAS = {
    _people: tables.PEOPLE,
    _no_target: tables.FEATURES,
    _split: tables.PEOPLE,
    _discrete: tables.DISCRETE,
    _vectors: tables.VECTORS,
    _heights: tables.HEIGHTS,
}
WOMEN = {"sex": "F", "sick": "yes"}
QUERIES = [("age", "sick"), ("sex", "sick"), ("grade", "insured", "sick")]
DPVI = {"inference": "dpvi", "n_steps": 20, "sampling_rate": 0.2, "n_components": 3}
OWN = {"n_steps": 20, "sampling_rate": 0.5, "model": normal_heights}

FITS: dict[str, Fit] = {
    # mixtures by moments
    "moments": _mixture(conditions=WOMEN, is_saved=True),
    "moments_replace_one": _mixture(
        _no_target, adjacency="replace_one", n_components=4, n_passes=3
    ),
    "moments_families": _mixture(
        _split,
        distributions={"age": "poisson", "pay": "normal", "sex": "categorical"},
        n_components=4,
        is_saved=True,
    ),
    "moments_without_noise": _mixture(epsilon=math.inf, n_passes=5, n_bins=8, conditions=WOMEN),
    "moments_numeric_target": _mixture(schema=tables.PEOPLE.with_target("pay"), epsilon=3.0),
    "moments_without_schema": _mixture(schema=None, warns=True),
    "moments_bought_schema": _mixture(schema=lambda: _buy("add_remove"), is_saved=True),
    "moments_array": _mixture(_array, epsilon=2.0, warns=True, is_saved=True),
    # mixtures by variational inference
    "dpvi": _mixture(**DPVI, conditions=WOMEN, is_saved=True),
    "dpvi_replace_one": _mixture(_no_target, **DPVI, adjacency="replace_one"),
    "dpvi_without_noise": _mixture(_split, **DPVI, epsilon=math.inf),
    "model": _model(**OWN, is_saved=True),
    "model_without_noise": _model(**OWN, epsilon=math.inf),
    "model_guide": _model(**OWN, guide=two_normals, adjacency="replace_one", is_saved=True),
    "model_automatic_guide": _model(**OWN, guide=AutoNormal, is_saved=True),
    "d3p": _mixture(
        **DPVI, engine="d3p", adjacency="replace_one", needs="d3p", scores_vary=True, is_saved=True
    ),
    # Markov networks
    "auto": _napsu(conditions=WOMEN, is_saved=True),
    "auto_replace_one": _napsu(_no_target, adjacency="replace_one", epsilon=3.0),
    "auto_without_noise": _napsu(epsilon=math.inf, inference="map", draws=False, n_bins=4),
    "auto_bought_schema": _napsu(
        schema=lambda: _buy("replace_one"), adjacency="replace_one", inference="map", draws=False
    ),
    "star": _napsu(_split, queries="star", inference="map", draws=False, is_saved=True),
    "tree": _napsu(queries="tree", epsilon=4.0, bins="public", n_bins=5, is_saved=True),
    "tree_without_target": _napsu(_no_target, queries="tree", prior_scale=2.0, n_bins=4),
    "tan": _napsu(queries="tan", bins={"age": [0, 30, 60, 99], "pay": 3}, conditions=WOMEN),
    "tan_nuts": _napsu(_discrete, queries="tan", bins=None, inference="nuts", n_draws=20),
    "queries_laplace": _napsu(queries=QUERIES, n_bins=4, conditions=WOMEN, is_saved=True),
    "queries_map": _napsu(
        queries=QUERIES, n_bins=4, inference="map", draws=False, adjacency="replace_one"
    ),
    "queries_nuts": _napsu(
        _discrete, queries=[("sex", "sick")], bins=None, inference="nuts", n_draws=20, is_saved=True
    ),
    "queries_without_noise": _napsu(_discrete, queries=[("sex", "sick")], epsilon=math.inf),
    "star_array": _napsu(_array_and_y, queries="star", bins="public", n_bins=4, warns=True),
    # clusters
    "blocks": _clusters(conditions=WOMEN, is_saved=True),
    "blocks_replace_one": _clusters(_no_target, adjacency="replace_one", mode="blocks"),
    "blocks_without_noise": _clusters(_split, epsilon=math.inf, n_clusters=4),
    "blocks_adapted": _clusters(adapt_share=0.2, epsilon=8.0, n_clusters=3),
    "blocks_bought_schema": _clusters(schema=lambda: _buy("add_remove"), n_clusters=1),
    "continuous": _clusters(_vectors, mode="continuous", epsilon=4.0, is_saved=True),
    "continuous_replace_one": _clusters(
        _vectors, mode="continuous", adjacency="replace_one", n_clusters=3
    ),
    "continuous_without_noise": _clusters(
        _array, mode="continuous", bounds=(0.0, 1.0), epsilon=math.inf, n_clusters=4
    ),
    "continuous_adapted": _clusters(
        _array_and_y,
        mode="continuous",
        bounds=(0.0, 1.0),
        adapt_share=0.3,
        epsilon=5.0,
        sigma_max=0.1,
        n_clusters=4,
        warns=True,
        is_saved=True,
    ),
    "madl2022": _clusters(
        _array_and_y,
        bounds=(0.0, 1.0),
        mechanism="madl2022",
        epsilon=5.0,
        n_clusters=3,
        warns=True,
        is_saved=True,
    ),
}
