"""Pictures of synthetic tables beside the real ones, in the manner of scikit-learn.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._marginals import Marginal, MarginalDisplay
from ._moments import MomentDisplay
from ._pairwise import PairwiseDisplay
from ._privacy_utility import PrivacyUtilityDisplay
from ._style import method_styles as method_styles
from ._tstr import Curve, TSTRDisplay

__all__ = [
    "Curve",
    "Marginal",
    "MarginalDisplay",
    "MomentDisplay",
    "PairwiseDisplay",
    "PrivacyUtilityDisplay",
    "TSTRDisplay",
]
