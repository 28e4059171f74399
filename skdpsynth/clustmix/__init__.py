"""Clusters with noise: Approximate, Adapt, Anonymize."""

from ._published._constrained_mixture import SizeConstrainedGaussianMixture
from ._synthesizer import ClustMixSynthesizer

__all__ = ["ClustMixSynthesizer", "SizeConstrainedGaussianMixture"]
