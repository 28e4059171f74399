from ._published import SizeConstrainedGaussianMixture
from ._synthesizer import ClustMixSynthesizer

__all__ = ["ClustMixSynthesizer", "SizeConstrainedGaussianMixture"]
