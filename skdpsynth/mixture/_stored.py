"""What of mixtures and of NumPyro models is stored in files.

Functions are not: `load` is passed them, and a file has their fingerprints.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from .._product_mixture import MixtureModel
from .._storing import Entry, Function, Stored, StoredSynthesizer, is_vector, require
from ..exceptions import SavedModelError
from ._dpvi._noisy_gradients import MeanFieldGuide
from ._own_model._fitted import CustomModel
from ._own_model._naive_bayes import NaiveBayes, NaiveBayesModel, scaled_schema
from ._own_model._sites import Part
from ._own_model._synthesizer import NumPyroSynthesizer
from ._own_model._unconstrained import CustomLatents, FunctionGuide, build_guide
from ._synthesizer import DPMixtureSynthesizer

__all__ = ["STORED", "check_custom", "check_latents", "check_naive_bayes"]


class GuideState(NamedTuple):
    """A guide that the user wrote; an automatic one is built again from its class."""

    guide: Callable[..., Any]
    latents: CustomLatents
    params: tuple[Part, ...]


def _take_guide(guide: FunctionGuide) -> dict[str, Any]:
    return {"guide": Function("guide"), "latents": guide.latents, "params": guide.params}


def _make_guide(guide: Any, latents: CustomLatents, params: tuple[Part, ...]) -> Any:
    built = build_guide(guide, latents)[0]
    if getattr(built, "params", None) != params:
        raise SavedModelError("the guide that was passed has other parameters than the one saved")
    return built


def check_latents(latents: CustomLatents) -> None:
    """Check that the units of z are positive numbers."""
    is_unit = all(math.isfinite(unit) and unit > 0 for unit in latents.scale)
    require(is_unit, "the latent variables' units are not positive numbers")


def check_custom(model: CustomModel) -> None:
    """Check a NumPyro model against the sites of the function that was passed."""
    latents, guide, schema = model.latents, model.guide, model.schema
    raw = CustomLatents.build_raw(latents.model, schema)
    for name in ("columns", "example", "latents", "observed"):
        require(
            getattr(latents, name) == getattr(raw, name),
            f"the model that was passed has other {name} than the one saved",
        )
    require(latents.n_latents == raw.n_latents, "the latent variables lack their units")
    if isinstance(guide, MeanFieldGuide):
        require(guide.n_latents == raw.n_latents, "the guide does not fit the model")
        n_parameters = 2 * raw.n_latents
    else:
        require(isinstance(guide, FunctionGuide), "the guide is none")
        require(guide.latents == latents, "the guide belongs to another model")  # type: ignore[attr-defined]
        n_parameters = sum(math.prod(part.shape) for part in guide.params)  # type: ignore[attr-defined]
    require(is_vector(model.parameters, n_parameters), "the guide lacks its parameters")
    require(is_vector(model.z, raw.n_latents), "the latent variables lack their values")


def check_naive_bayes(model: NaiveBayesModel) -> None:
    """Check that the model is that of the scaled table."""
    scaled = scaled_schema(model.schema)
    is_same = model.scaled.schema == scaled and model.scaled.latents.model == NaiveBayes(scaled)
    require(is_same, "the model is not that of the table")


def _convert(name: str, parameters: dict[str, Any], model: Any) -> tuple[str, dict[str, Any]]:
    """Return the synthesizer of a file and its parameters as they are called today.

    Before there was `NumPyroSynthesizer`, a model of one's own was a parameter of
    `DPMixtureSynthesizer`, whose other parameters for it were those that both have.
    """
    if name != "DPMixtureSynthesizer" or not isinstance(model, CustomModel):
        return name, parameters
    known = NumPyroSynthesizer().get_params(deep=False)
    return "NumPyroSynthesizer", {key: parameters[key] for key in parameters if key in known}


STORED = Stored(
    entries=(
        *map(Entry, (Part, MeanFieldGuide)),
        Entry(CustomLatents, check_latents),
        Entry(FunctionGuide, state=GuideState, taken=_take_guide, build=_make_guide),
        Entry(CustomModel, check_custom, columns=lambda model: list(model.schema.columns.items())),
        Entry(NaiveBayes),
        Entry(
            NaiveBayesModel,
            check_naive_bayes,
            columns=lambda model: list(model.schema.columns.items()),
        ),
    ),
    synthesizers=(
        StoredSynthesizer(DPMixtureSynthesizer, (MixtureModel,)),
        StoredSynthesizer(NumPyroSynthesizer, (CustomModel, NaiveBayesModel)),
    ),
    builds_on=("skdpsynth._product_mixture._stored",),
    convert=_convert,
)
