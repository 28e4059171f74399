"""Fitted synthesizers as files: what is kept of one, and how it is made again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._catalogue import method_of_class
from .._files import write_atomically
from .._storing import require
from ..exceptions import SavedModelError
from ..privacy import PrivacyLedger, PrivacySpent
from ..schema import TableFormat, TableSchema
from ._codec import Decoder, Encoder, check_depth
from ._conform import conforms
from ._container import pack, read_bytes, unpack
from ._fingerprint import check_fingerprint, fingerprint
from ._registry import Registry, read_registry

__all__ = ["load", "save"]

# what is asked for when a file is loaded
FUNCTIONS = ("model", "guide")
FITTED: dict[str, Any] = {
    "schema_": TableSchema,
    "format_": TableFormat,
    "has_y_": bool,
    "n_records_": int,
    "model_": Any,
    "ledger_": PrivacyLedger,
    "privacy_spent_": PrivacySpent,
    "n_features_in_": int,
}
OPTIONAL: dict[str, Any] = {"feature_names_in_": np.ndarray}


def save(synthesizer: Any, path: str | os.PathLike[str]) -> None:
    """Write a fitted synthesizer to a file; see `BaseSynthesizer.save`."""
    write_atomically(path, to_bytes(synthesizer))


def to_bytes(synthesizer: Any) -> bytes:
    """Return the content of the file that stands for a fitted synthesizer.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    TypeError
        If a parameter or an attribute is of a type that cannot be stored.
    """
    check_is_fitted(synthesizer)
    name = type(synthesizer).__name__
    method = method_of_class(name)
    if method is None or method.load() is not type(synthesizer):
        raise TypeError(
            f"{name} is not a synthesizer of this package; save it with joblib or pickle."
        )
    parameters = synthesizer.get_params(deep=False)
    # whoever reads the seed of the noise could subtract the noise
    parameters.pop("random_state")
    functions = {key: parameters.pop(key, None) for key in FUNCTIONS}
    functions = {key: value for key, value in functions.items() if value is not None}
    registry = read_registry(method.stored)
    encoder = Encoder(functions, registry)
    fitted = {**FITTED, **registry.synthesizers[name].fitted}
    fitted |= {key: hint for key, hint in OPTIONAL.items() if hasattr(synthesizer, key)}
    document = {
        "package": _package_version(),
        "synthesizer": name,
        "parameters": {
            key: _encode(encoder, f"the parameter {key!r}", value)
            for key, value in parameters.items()
        },
        "fitted": {
            key: _encode(encoder, f"the attribute {key!r}", getattr(synthesizer, key))
            for key in fitted
        },
        "functions": {key: fingerprint(value)._asdict() for key, value in functions.items()},
        "objects": encoder.objects,
    }
    return pack(document, encoder.arrays)


def _encode(encoder: Encoder, what: str, value: Any) -> Any:
    try:
        node = encoder.encode(value)
        check_depth([node])
        return node
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"{what} cannot be saved: {error}.") from error


def _package_version() -> str:
    # imported late: the package imports this module
    from .. import __version__

    return __version__


def load(path: str | os.PathLike[str], *, model: Any = None, guide: Any = None) -> Any:
    """Read a fitted synthesizer from the file that its method `save` wrote.

    The file needs no trust: it holds JSON and arrays of numbers, no code, and only classes of this
    package are made of it. Whether what it says is *true*, its privacy above all, is up to whoever
    wrote it.

    Parameters
    ----------
    path : str or path-like
        The file.
    model : callable, default=None
        The NumPyro model, where the synthesizer was fitted with one: files hold its fingerprint.
    guide : callable, AutoGuide or subclass of AutoGuide, default=None
        The guide, where it was fitted with one.

    Returns
    -------
    synthesizer : BaseSynthesizer
        As it was saved, except that its `random_state` is None.

    Raises
    ------
    OSError
        If the file cannot be read, such as FileNotFoundError.
    SavedModelError
        If the file is damaged, truncated, foreign, or written by a newer release, or if `model` or
        `guide` is missing or another one than was fitted. The message says which.

    Warns
    -----
    UserWarning
        If the file was saved by another version of Python and the text of `model` or `guide` is
        not known, so that it cannot be compared.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> import skdpsynth
    >>> from skdpsynth import Categorical, Count, DPMixtureSynthesizer, TableSchema
    >>> schema = TableSchema({"age": Count(0, 99), "sick": Categorical(["no", "yes"])}, "sick")
    >>> rows = {"age": [20, 30, 60, 70] * 250, "sick": ["no", "no", "yes", "yes"] * 250}
    >>> synth = DPMixtureSynthesizer(epsilon=1.0, schema=schema).fit(pd.DataFrame(rows))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "sick.synth"
    ...     synth.save(path)
    ...     again = skdpsynth.load(path)
    >>> again.sample(5, random_state=0).equals(synth.sample(5, random_state=0))
    True
    """
    given = {"model": model, "guide": guide}
    try:
        content = read_bytes(path)
        return from_bytes(
            content, {key: value for key, value in given.items() if value is not None}
        )
    except SavedModelError as error:
        raise SavedModelError(f"{os.fspath(path)} cannot be loaded: {error}.") from error


def from_bytes(content: bytes, functions: Mapping[str, Any]) -> Any:
    """Return the synthesizer of the content of a file; see `load`."""
    package = None
    try:
        manifest, arrays = unpack(content)
        package = manifest["package"]
        return _rebuild(manifest, arrays, functions)
    except (SavedModelError, ImportError):
        raise
    except Exception as error:
        # whatever a file may lead to that was tampered with
        text = f"it is damaged ({type(error).__name__}: {error})"
        if package not in (None, _package_version()):
            text = f"skdpsynth {package} wrote it, this is {_package_version()}, or {text}"
        raise SavedModelError(text) from error


def _rebuild(
    manifest: Mapping[str, Any], arrays: list[np.ndarray], functions: Mapping[str, Any]
) -> Any:
    """Return the synthesizer of a manifest.

    Raises
    ------
    Exception
        Of any class where the manifest is not one that `to_bytes` makes.
    """
    check_depth(manifest)
    name = manifest["synthesizer"]
    method = method_of_class(name)
    if method is None:
        raise SavedModelError(f"it holds a {name!r}, which this release does not know")
    _check_functions(manifest["functions"], functions)
    registry = read_registry(method.stored)
    decoder = Decoder(arrays, functions, registry)
    decoder.decode_objects(manifest["objects"])
    parameters = {key: decoder.decode(value) for key, value in manifest["parameters"].items()}
    fitted = {key: decoder.decode(value) for key, value in manifest["fitted"].items()}
    if registry.convert is not None:
        name, parameters = registry.convert(name, parameters, fitted["model_"])
    _check_fitted(name, fitted, registry)
    cls = registry.synthesizers[name].cls
    known = set(cls().get_params(deep=False)) - {"random_state", *FUNCTIONS}
    require(set(parameters) == known, "parameters are missing, or unknown")
    synthesizer = cls(**parameters, **functions)
    synthesizer.__dict__.update(fitted)
    return synthesizer


def _check_functions(saved: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    """Raise unless a model and guide are passed where there are any, and the right ones."""
    for key, stored in saved.items():
        if key not in given:
            raise SavedModelError(
                f"it was fitted with the {key} {stored['name']}, which files do not hold; pass it: "
                f"load(path, {key}={str(stored['name']).rpartition('.')[2]})"
            )
    for key, value in given.items():
        if key not in saved:
            raise SavedModelError(f"it was fitted without a {key}; leave {key} out")
        check_fingerprint(saved[key], value, key)


def _check_fitted(name: str, fitted: Mapping[str, Any], registry: Registry) -> None:
    """Raise where the fitted attributes are not all there, or contradict one another."""
    own = registry.synthesizers[name]
    hints = {**FITTED, **own.fitted}
    require(set(hints) <= set(fitted) <= {*hints, *OPTIONAL}, "fitted attributes are missing")
    for key, value in fitted.items():
        require(conforms(value, {**hints, **OPTIONAL}[key]), f"{key} is a {type(value).__name__}")
    schema, model, names = fitted["schema_"], fitted["model_"], fitted["format_"].names
    require(isinstance(model, own.models), "the model is not of this synthesizer")
    columns = registry.entries[type(model)].columns
    is_same = columns is None or columns(model) == list(schema.columns.items())
    require(is_same, "the model does not fit the schema")
    require(names == schema.names, "the table's columns do not fit the schema")
    has_y = fitted["has_y_"]
    require(not has_y or schema.target == names[-1], "the target is not the last column")
    require(fitted["n_records_"] >= 1, "the row count is not positive")
    n_features = len(schema) - int(has_y)
    require(n_features >= 1 and fitted["n_features_in_"] == n_features, "columns are missing")
    features = fitted.get("feature_names_in_")
    is_named = features is None or tuple(features.tolist()) == names[:n_features]
    require(is_named, "the feature names are not those of the columns")
    spent, ledger = fitted["privacy_spent_"], fitted["ledger_"]
    is_same = (spent.delta, spent.adjacency) == (ledger.delta, ledger.adjacency)
    require(is_same, "what was spent does not fit the ledger")
