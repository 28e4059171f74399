"""Measures of what a synthetic table is good for and of how close it is to the real one.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._category_dtype import CategoryDtypeEncoder
from ._classes import roc_auc as roc_auc
from ._fidelity import code_tables as code_tables
from ._fidelity import marginal_tvd, marginal_tvds
from ._tstr import TSTRScorer
from ._tstr import predict_classes as predict_classes

__all__ = ["CategoryDtypeEncoder", "TSTRScorer", "marginal_tvd", "marginal_tvds"]
