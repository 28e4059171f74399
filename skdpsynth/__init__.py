"""Differentially private synthetic tables, the scikit-learn way."""

import lazy_loader

__version__ = "0.1.0.dev0"

# The names of __init__.pyi are imported when they are first used: jax and scikit-learn take
# seconds, which `skdpsynth --help`, or who needs a schema alone, should not wait for.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
