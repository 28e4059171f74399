"""The mechanism as published, and the mixture of constrained sizes that it rests on."""

from ._constrained_mixture import SizeConstrainedGaussianMixture
from ._madl2022 import Madl2022Plan, box_columns

__all__ = ["Madl2022Plan", "SizeConstrainedGaussianMixture", "box_columns"]
