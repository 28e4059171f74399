"""What is drawn from while rows are released: the secure source, and nothing else."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import jax
import numpy as np

from skdpsynth import (
    NumPyroSynthesizer,
)
from skdpsynth.clustmix._adapt import _plan as _adapt_plan
from skdpsynth.mixture._own_model._unconstrained import CustomLatents
from skdpsynth.privacy import (
    Mechanisms,
    NoiseSource,
    PrivacyLedger,
)

from .any_two import CASES

__all__ = [
    "PublicGenerator",
    "check_secure_source",
    "public_generators_refused",
]


class PublicGenerator(AssertionError):
    """Something else than the secure source was drawn from."""


PYTHON_GENERATORS = (
    *("random", "getrandbits", "randbytes", "randint", "randrange", "uniform", "gauss"),
    *("normalvariate", "expovariate", "choice", "choices", "shuffle", "sample"),
)
NUMPY_GENERATORS = (
    *("default_rng", "PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"),
    *("RandomState", "random", "rand", "randn", "normal", "standard_normal", "uniform"),
    *("random_sample", "randint", "choice", "permutation", "shuffle", "binomial", "poisson"),
)
JAX_GENERATORS = (
    *("uniform", "bits", "bernoulli", "binomial", "choice", "permutation", "randint"),
    *("categorical", "poisson", "laplace", "gumbel", "multivariate_normal"),
)


@contextmanager
def public_generators_refused() -> Iterator[None]:
    """Raise wherever numpy's or jax's generators are drawn from, but for what is public.

    That is: the generator that a desk hands out with a fresh seed of the secure source, for the
    clusters to start from, which is post-processing of what was released; jax's normal variables
    under such a seed, which are a draw of the guide and post-processing as well; the random
    features of the Adapt stage, the same in every fit; and a model of one's own, whose prior is
    drawn from before any row is looked at.
    """
    allowed: list[str] = []
    modules = (
        (random, PYTHON_GENERATORS),
        (np.random, NUMPY_GENERATORS),
        (jax.random, JAX_GENERATORS),
    )

    def refusing(real: Any, name: str) -> Callable[..., Any]:
        def refuse(*args: Any, **options: Any) -> Any:
            if not allowed:
                raise PublicGenerator(f"{name} was drawn from while rows were released")
            return real(*args, **options)

        if isinstance(real, type):
            # still a type, which others compare with
            return type(name, (real,), {"__new__": lambda cls, *a, **o: refuse(*a, **o)})
        return refuse

    def public(real: Any) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            allowed.append(real.__name__)
            try:
                return real(*args, **options)
            finally:
                allowed.pop()

        return run

    with ExitStack() as stack:
        for module, names in modules:
            for name in names:
                real = getattr(module, name)
                stack.enter_context(mock.patch.object(module, name, refusing(real, name)))
        for owner, name in (
            (NoiseSource, "generator"),
            (_adapt_plan, "draw_features"),
            (NumPyroSynthesizer, "_plan"),
            (CustomLatents, "build"),
        ):
            stack.enter_context(mock.patch.object(owner, name, public(getattr(owner, name))))
        yield


def check_secure_source(name: str, adjacency: str = "add_remove") -> None:
    """Check that a secure fit draws all that protects rows from the system's generator."""
    case = CASES[name]
    noise = NoiseSource()
    ledger = PrivacyLedger(1.0, 1e-6, adjacency)
    drawn = [0]

    def urandom(size: int) -> bytes:
        drawn[0] += size
        return _urandom(size)

    _urandom = os.urandom
    with public_generators_refused(), mock.patch.object(os, "urandom", urandom):
        case.run(case.first, Mechanisms(ledger, noise))
    n_values = sum(entry.n_coordinates for entry in ledger.entries)
    assert drawn[0] >= 8 * n_values, f"{drawn[0]} bytes for {n_values} noisy values"
    assert noise.is_secure
    assert ledger.spent().secure_noise
