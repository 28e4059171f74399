"""From the options of a fit to a synthesizer with its parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..clustmix import ClustMixSynthesizer
from ..mixture import DPMixtureSynthesizer, NumPyroSynthesizer
from ..napsu import NapsuMQSynthesizer
from ..schema import TableSchema
from ._house import bars, warn
from ._text_files import read_distributions, read_queries
from ._user_code import UserCode

__all__ = ["METHODS", "FitOptions", "make_synthesizer"]

METHODS: dict[str, Any] = {
    "mixture": DPMixtureSynthesizer,
    "napsu": NapsuMQSynthesizer,
    "clustmix": ClustMixSynthesizer,
    "numpyro": NumPyroSynthesizer,
}
INFERENCES = {"mixture": ("moments", "dpvi"), "napsu": ("laplace", "map", "nuts")}
STRATEGIES = ("auto", "star", "tree", "tan")

# which methods an option is for, and what the others lack
APPLIES = {
    "k": (("mixture", "clustmix"), "components or clusters"),
    "num_epochs": (("mixture", "numpyro"), "gradient steps"),
    "sampling_ratio": (("mixture", "numpyro"), "batches of rows"),
    "clipping_threshold": (("mixture", "numpyro"), "gradients to clip"),
    "inference": (("mixture", "napsu"), "choice of inference"),
    "queries": (("napsu",), "marginal queries"),
}
OF_DPVI = ("num_epochs", "sampling_ratio", "clipping_threshold")
# --parameter must not be a second way to say what an option says
OWN_OPTIONS = {
    "epsilon": "--epsilon",
    "delta": "--delta",
    "adjacency": "--adjacency",
    "schema": "--schema",
    "inference": "--inference",
    "queries": "--queries",
    "n_components": "--k",
    "n_clusters": "--k",
    "sampling_rate": "--sampling-ratio",
    "clipping_norm": "--clipping-threshold",
    "distributions": "--model-file",
    "model": "--model-file",
    "guide": "--model-file",
    "random_state": "--insecure-noise-seed",
    "verbose": "a terminal",
}


@dataclass(frozen=True)
class FitOptions:
    """The options of a fit, as the command line has them."""

    method: str
    epsilon: float
    delta: float
    adjacency: str
    schema: Path
    target: str | None
    k: int | None
    inference: str | None
    queries: str | None
    num_epochs: int | None
    sampling_ratio: float | None
    clipping_threshold: float | None
    model_file: Path | None
    parameter: tuple[str, ...]
    drop_na: bool
    insecure_noise_seed: int | None


def make_synthesizer(options: FitOptions, schema: TableSchema, code: UserCode) -> Any:
    """Return the synthesizer that the options describe, not fitted.

    Parameters
    ----------
    options : FitOptions
    schema : TableSchema
    code : UserCode
        Of a model file in Python.

    Raises
    ------
    click.UsageError
        If an option is not for the method; the message says for which it is.
    """
    _check_method(options, code)
    parameters: dict[str, Any] = {
        "epsilon": options.epsilon,
        "delta": options.delta,
        "adjacency": options.adjacency,
        "schema": schema,
        "random_state": options.insecure_noise_seed,
        "verbose": bars(),
    }
    if options.insecure_noise_seed is not None:
        warn(
            "--insecure-noise-seed fixes the noise, and whoever knows the seed can subtract it. "
            "The result is marked as not private: for public tables and tests only."
        )
    if options.inference is not None:
        parameters["inference"] = options.inference
    make = {
        "mixture": _mixture,
        "napsu": _napsu,
        "clustmix": _clustmix,
        "numpyro": _numpyro,
    }[options.method]
    parameters |= make(options, schema, code)
    synthesizer = METHODS[options.method](**parameters)
    return synthesizer.set_params(**_read_parameters(options, synthesizer))


def _check_method(options: FitOptions, code: UserCode) -> None:
    for name, (methods, lack) in APPLIES.items():
        if getattr(options, name) is not None and options.method not in methods:
            raise click.UsageError(
                f"{_spell(name)} is for --method {' or '.join(methods)}; {options.method} has no "
                f"{lack}."
            )
    choices = INFERENCES.get(options.method, ())
    if options.inference is not None and options.inference not in choices:
        raise click.UsageError(
            f"--inference {options.inference} is not for --method {options.method}, which has "
            f"{', '.join(choices)}."
        )
    has_model = code.model is not None or code.guide is not None
    is_text = options.model_file is not None and code.path is None
    for is_described, method in [(has_model, "numpyro"), (is_text, "mixture")]:
        if is_described and options.method != method:
            raise click.UsageError(
                f"--model-file {options.model_file} describes a model, which is for --method "
                f"{method}."
            )
    if options.method == "numpyro" and code.model is None:
        raise click.UsageError(
            "--method numpyro needs a model of your own: --model-file FILE.py that defines model."
        )


def _mixture(options: FitOptions, schema: TableSchema, code: UserCode) -> dict[str, Any]:
    given = [name for name in OF_DPVI if getattr(options, name) is not None]
    parameters: dict[str, Any] = {}
    if given:
        if options.inference == "moments":
            raise click.UsageError(
                f"{_spell(given[0])} needs --inference dpvi, or none, which is then implied."
            )
        parameters["inference"] = "dpvi"
    if options.model_file is not None and code.path is None:
        parameters["distributions"] = read_distributions(options.model_file, schema)
    if options.k is not None:
        parameters["n_components"] = options.k
    return parameters | _steps(options)


def _numpyro(options: FitOptions, schema: TableSchema, code: UserCode) -> dict[str, Any]:
    return {"model": code.model, "guide": code.guide} | _steps(options)


def _steps(options: FitOptions) -> dict[str, Any]:
    """Return what gradient steps are to be like."""
    parameters: dict[str, Any] = {}
    if options.sampling_ratio is not None:
        parameters["sampling_rate"] = options.sampling_ratio
    if options.clipping_threshold is not None:
        parameters["clipping_norm"] = options.clipping_threshold
    if options.num_epochs is not None:
        parameters["n_steps"] = _count_steps(options)
    return parameters


def _count_steps(options: FitOptions) -> int:
    """Return the steps of the epochs: each passes over the rows once, in expectation."""
    if options.sampling_ratio is None:
        raise click.UsageError(
            "--num-epochs needs --sampling-ratio too: an epoch has one step per batch, and the "
            "automatic batches follow a noisy row count. For steps, use --parameter n_steps=300."
        )
    return max(round(options.num_epochs / options.sampling_ratio), 1)  # type: ignore[operator]


def _napsu(options: FitOptions, schema: TableSchema, code: UserCode) -> dict[str, Any]:
    if options.queries is None:
        return {}
    if options.queries in STRATEGIES and not Path(options.queries).is_file():
        return {"queries": options.queries}
    return {"queries": read_queries(Path(options.queries), schema)}


def _clustmix(options: FitOptions, schema: TableSchema, code: UserCode) -> dict[str, Any]:
    return {} if options.k is None else {"n_clusters": options.k}


def _read_parameters(options: FitOptions, synthesizer: Any) -> dict[str, Any]:
    """Return the other parameters of the synthesizer, by name."""
    known = sorted(set(synthesizer.get_params(deep=False)) - set(OWN_OPTIONS))
    parameters = {}
    for text in options.parameter:
        name, equals, value = text.partition("=")
        if name in OWN_OPTIONS:
            raise click.UsageError(f"--parameter {name}: use {OWN_OPTIONS[name]}.")
        if not equals or name not in known:
            raise click.UsageError(
                f"--parameter {text}: expected NAME=VALUE, where NAME is one of {known}."
            )
        try:
            parameters[name] = json.loads(value)
        except json.JSONDecodeError:
            parameters[name] = value
    return parameters


def _spell(name: str) -> str:
    return "--" + name.replace("_", "-")
