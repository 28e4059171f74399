"""Clusters with noise: Approximate, Adapt, Anonymize.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._published import SizeConstrainedGaussianMixture
from ._synthesizer import ClustMixSynthesizer
from ._vectors import ColumnCells as ColumnCells
from ._vectors import ContinuousModel as ContinuousModel

__all__ = ["ClustMixSynthesizer", "SizeConstrainedGaussianMixture"]
