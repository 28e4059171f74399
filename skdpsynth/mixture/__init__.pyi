from ._own_model._check_model import ModelError, check_model
from ._own_model._na_model import NAModel
from ._own_model._synthesizer import NumPyroSynthesizer
from ._synthesizer import DPMixtureSynthesizer

__all__ = ["DPMixtureSynthesizer", "ModelError", "NAModel", "NumPyroSynthesizer", "check_model"]
