"""From the options of a fit to a synthesizer with its parameters."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from .._catalogue import METHODS
from .._parameters import Choice
from ..schema import TableSchema
from ._house import bars, warn
from ._text_files import read_distributions, read_queries
from ._user_code import UserCode

__all__ = ["APPLIES", "OWN_OPTIONS", "FitOptions", "make_synthesizer"]

STRATEGIES = ("auto", "star", "tree", "tan")

# An option is for the methods whose class has one of these parameters; what the others lack.
APPLIES = {
    "k": (("n_components", "n_clusters"), "components or clusters"),
    "num_epochs": (("n_steps",), "gradient steps"),
    "sampling_ratio": (("sampling_rate",), "batches of rows"),
    "clipping_threshold": (("clipping_norm",), "gradients to clip"),
    "inference": (("inference",), "choice of inference"),
    "queries": (("queries",), "marginal queries"),
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
    cls = METHODS[options.method].load()
    _check_method(options, code, cls)
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
    parameters |= _choose_inference(options, cls)
    parameters |= _describe_model(options, schema, code)
    parameters |= _spend_steps(options)
    if options.k is not None:
        parameters |= {name: options.k for name in APPLIES["k"][0] if name in _names(cls)}
    if options.queries is not None:
        parameters["queries"] = _read_queries(options.queries, schema)
    synthesizer = cls(**parameters)
    return synthesizer.set_params(**_read_parameters(options, synthesizer))


def _names(cls: Any) -> set[str]:
    """Return the parameters of a synthesizer."""
    return set(inspect.signature(cls).parameters)


def _methods_with(parameters: Iterable[str]) -> str:
    """Return the names of the methods that have one of these parameters."""
    wanted = set(parameters)
    return " or ".join(name for name, method in METHODS.items() if wanted & _names(method.load()))


def _check_method(options: FitOptions, code: UserCode, cls: Any) -> None:
    for name, (parameters, lack) in APPLIES.items():
        if getattr(options, name) is not None and not _names(cls) & set(parameters):
            raise click.UsageError(
                f"{_spell(name)} is for --method {_methods_with(parameters)}; {options.method} has "
                f"no {lack}."
            )
    choices = _inferences(cls)
    if options.inference is not None and options.inference not in choices:
        raise click.UsageError(
            f"--inference {options.inference} is not for --method {options.method}, which has "
            f"{', '.join(choices)}."
        )
    has_model = code.model is not None or code.guide is not None
    is_text = options.model_file is not None and code.path is None
    needed = "model" if has_model else "distributions"
    if (has_model or is_text) and needed not in _names(cls):
        raise click.UsageError(
            f"--model-file {options.model_file} describes a model, which is for --method "
            f"{_methods_with([needed])}."
        )
    if "model" in _names(cls) and code.model is None:
        raise click.UsageError(
            f"--method {options.method} needs a model of your own: --model-file FILE.py that "
            "defines model."
        )


def _inferences(cls: Any) -> tuple[str, ...]:
    """Return the kinds of inference that a synthesizer declares."""
    declared = cls._constraints.get("inference")
    return declared.words if isinstance(declared, Choice) else ()


def _choose_inference(options: FitOptions, cls: Any) -> dict[str, Any]:
    """Return the inference that is asked for, or that other options imply."""
    given = [name for name in OF_DPVI if getattr(options, name) is not None]
    if given and "dpvi" in _inferences(cls):
        if options.inference not in (None, "dpvi"):
            raise click.UsageError(
                f"{_spell(given[0])} needs --inference dpvi, or none, which is then implied."
            )
        return {"inference": "dpvi"}
    return {} if options.inference is None else {"inference": options.inference}


def _describe_model(options: FitOptions, schema: TableSchema, code: UserCode) -> dict[str, Any]:
    """Return what the model file says of the model."""
    if code.model is not None:
        return {"model": code.model, "guide": code.guide}
    if options.model_file is not None and code.path is None:
        return {"distributions": read_distributions(options.model_file, schema)}
    return {}


def _spend_steps(options: FitOptions) -> dict[str, Any]:
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


def _read_queries(text: str, schema: TableSchema) -> Any:
    if text in STRATEGIES and not Path(text).is_file():
        return text
    return read_queries(Path(text), schema)


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
