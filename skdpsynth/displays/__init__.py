"""Pictures of synthetic tables beside the real ones, in the manner of scikit-learn.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._marginals import Marginal, MarginalDisplay
from ._moments import MomentDisplay
from ._pairwise import PairwiseDisplay
from ._privacy_utility import PrivacyUtilityDisplay
from ._room import make_room as make_room
from ._style import legend_below as legend_below
from ._style import method_styles as method_styles
from ._style import shorten_text as shorten_text
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
