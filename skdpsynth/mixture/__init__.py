"""Differentially private mixtures."""

from ._synthesizer import DPMixtureSynthesizer

__all__ = ["DPMixtureSynthesizer"]
