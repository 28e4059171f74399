"""Finding all estimators of the package, so that none escapes the common tests."""

import inspect
from importlib import import_module
from pkgutil import walk_packages

from sklearn.base import BaseEstimator

from skdpsynth._catalogue import METHODS

PACKAGE = "skdpsynth"


def all_estimators():
    """Name and class of each estimator that a public module or the catalogue lists, by name."""
    found = {method.class_name: method.load() for method in METHODS.values()}
    for module in _public_modules():
        for name in getattr(module, "__all__", ()):
            cls = getattr(module, name)
            is_estimator = inspect.isclass(cls) and issubclass(cls, BaseEstimator)
            if is_estimator and not inspect.isabstract(cls):
                found[name] = cls
    return sorted(found.items())


def _public_modules():
    package = import_module(PACKAGE)
    names = [module.name for module in walk_packages(package.__path__, f"{PACKAGE}.")]
    public = [name for name in names if not any(part.startswith("_") for part in name.split("."))]
    return [package, *(import_module(name) for name in public)]
