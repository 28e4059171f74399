"""Differentially private mixtures, and NumPyro models of one record."""

import lazy_loader

# The names of __init__.pyi are imported when they are first used: some bring jax and NumPyro.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
