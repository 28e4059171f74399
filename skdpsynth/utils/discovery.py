"""Finding all estimators of the package, so that none escapes the common tests."""

from __future__ import annotations

import inspect
from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

from sklearn.base import BaseEstimator

__all__ = ["all_estimators"]

PACKAGE = __name__.partition(".")[0]


def all_estimators() -> list[tuple[str, type[BaseEstimator]]]:
    """Return every public estimator class of the package.

    Returns
    -------
    estimators : list of (str, type)
        Name and class of each concrete subclass of `BaseEstimator` that a public module lists in
        its ``__all__``, sorted by name.

    Examples
    --------
    >>> from skdpsynth.utils import all_estimators
    >>> dict(all_estimators())["TableEncoder"]
    <class 'skdpsynth.preprocessing._encoder.TableEncoder'>
    """
    found = {}
    for module in _public_modules():
        for name in getattr(module, "__all__", ()):
            cls = getattr(module, name)
            is_estimator = inspect.isclass(cls) and issubclass(cls, BaseEstimator)
            if is_estimator and not inspect.isabstract(cls):
                found[name] = cls
    return sorted(found.items())


def _public_modules() -> list[ModuleType]:
    package = import_module(PACKAGE)
    names = [module.name for module in walk_packages(package.__path__, f"{PACKAGE}.")]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    return [package, *(import_module(name) for name in public)]
