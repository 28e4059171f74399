"""Measures of what a synthetic table is good for and of how close it is to the real one."""

from ._category_dtype import CategoryDtypeEncoder
from ._fidelity import marginal_tvd, marginal_tvds
from ._tstr import TSTRScorer

__all__ = ["CategoryDtypeEncoder", "TSTRScorer", "marginal_tvd", "marginal_tvds"]
