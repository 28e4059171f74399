"""Clusters with noise: Approximate, Adapt, Anonymize."""

from ._synthesizer import ClustMixSynthesizer

__all__ = ["ClustMixSynthesizer"]
