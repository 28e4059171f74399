"""Differentially private mixtures, and NumPyro models of one record."""

from ._check_model import ModelError, check_model
from ._na_model import NAModel
from ._synthesizer import DPMixtureSynthesizer

__all__ = ["DPMixtureSynthesizer", "ModelError", "NAModel", "check_model"]
