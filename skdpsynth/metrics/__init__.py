"""Measures of what a synthetic table is good for and of how close it is to the real one."""

from skdpsynth.metrics._category_dtype import CategoryDtypeEncoder
from skdpsynth.metrics._fidelity import marginal_tvd, marginal_tvds
from skdpsynth.metrics._tstr import TSTRScorer

__all__ = ["CategoryDtypeEncoder", "TSTRScorer", "marginal_tvd", "marginal_tvds"]
