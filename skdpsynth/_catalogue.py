"""The methods of the package, a line each: the one place where their list stands.

It is text: whoever needs the names alone, such as the help of the command line, imports no
synthesizer. The command line, the benchmark, the figures, the pages with results, saving and the
tests over all synthesizers read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

__all__ = ["METHODS", "Method", "compared_methods", "method_of_class", "one_more_method"]


@dataclass(frozen=True)
class Method:
    """A synthesizer, as the rest of the house needs to know it.

    Parameters
    ----------
    name : str
        What it is called on the command line, in benchmarks and in figures.
    class_path : str
        ``"package.module:Class"``.
    stored : str
        The module that declares what of it is stored in files.
    colour, marker : str
        In figures, in matplotlib's notation.
    about : str
        What it is for, in a line that goes on after a colon.
    is_compared : bool, default=True
        Whether benchmarks run it unless they are told which methods to run.
    """

    name: str
    class_path: str
    stored: str
    colour: str
    marker: str
    about: str
    is_compared: bool = True

    @property
    def class_name(self) -> str:
        """The name of the class, which saved files have."""
        return self.class_path.rpartition(":")[2]

    def load(self) -> Any:
        """Import the class and return it."""
        module, _, name = self.class_path.partition(":")
        return getattr(import_module(module), name)


_LINES = (
    Method(
        *("mixture", "skdpsynth.mixture:DPMixtureSynthesizer", "skdpsynth.mixture._stored"),
        *("#c2410c", "o", "quick and general"),
    ),
    Method(
        *("napsu", "skdpsynth.napsu:NapsuMQSynthesizer", "skdpsynth.napsu._stored"),
        *("#1d4ed8", "s", "keeps the marginals an analysis needs, with valid intervals"),
    ),
    Method(
        *("clustmix", "skdpsynth.clustmix:ClustMixSynthesizer", "skdpsynth.clustmix._stored"),
        *("#15803d", "D", "for many numeric columns"),
    ),
    Method(
        *("numpyro", "skdpsynth.mixture:NumPyroSynthesizer", "skdpsynth.mixture._stored"),
        *("#7e22ce", "P", "a NumPyro model of your own"),
        # a benchmark has no model of one's own
        is_compared=False,
    ),
)
_methods = {method.name: method for method in _LINES}

# a view: what is added for a time is in it for that time
METHODS: Mapping[str, Method] = MappingProxyType(_methods)


def compared_methods() -> tuple[str, ...]:
    """Return the names of the methods that benchmarks compare by default."""
    return tuple(name for name, method in METHODS.items() if method.is_compared)


def method_of_class(class_name: object) -> Method | None:
    """Return the method whose class has this name, or None."""
    return next((m for m in METHODS.values() if m.class_name == class_name), None)


@contextmanager
def one_more_method(method: Method) -> Iterator[None]:
    """Add a method for a time: for tests, and for packages that bring one of their own.

    Raises
    ------
    ValueError
        If its name or that of its class is taken.

    Examples
    --------
    >>> mine = Method("mine", "my.module:MySynthesizer", "my.stored", "#be185d", "^", "a try")
    >>> with one_more_method(mine):
    ...     list(METHODS)
    ['mixture', 'napsu', 'clustmix', 'numpyro', 'mine']
    >>> "mine" in METHODS
    False
    """
    if method.name in METHODS or method_of_class(method.class_name) is not None:
        raise ValueError(f"There is a method {method.name!r} or a {method.class_name} already.")
    _methods[method.name] = method
    try:
        yield
    finally:
        del _methods[method.name]
