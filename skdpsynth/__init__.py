"""Differentially private synthetic tables, the scikit-learn way."""

from ._report import Report, report
from ._saving import load
from ._search_cost import SearchCost, total_privacy_cost
from .clustmix import ClustMixSynthesizer
from .exceptions import (
    BudgetExceededError,
    PIIWarning,
    PrivacyLeakWarning,
    SavedModelError,
    SchemaError,
    SyntheticDataWarning,
    TableMismatchError,
)
from .inference import CombinedEstimate, combine_estimates
from .mixture import DPMixtureSynthesizer
from .napsu import NapsuMQSynthesizer
from .pii import PIIDetector, PIIMasker
from .pipeline import SynthesizerPipeline, make_synthesizer_pipeline
from .schema import Categorical, Continuous, Count, Ordinal, TableSchema

__version__ = "0.1.0.dev0"

__all__ = [
    "BudgetExceededError",
    "Categorical",
    "ClustMixSynthesizer",
    "CombinedEstimate",
    "Continuous",
    "Count",
    "DPMixtureSynthesizer",
    "NapsuMQSynthesizer",
    "Ordinal",
    "PIIDetector",
    "PIIMasker",
    "PIIWarning",
    "PrivacyLeakWarning",
    "Report",
    "SavedModelError",
    "SchemaError",
    "SearchCost",
    "SynthesizerPipeline",
    "SyntheticDataWarning",
    "TableMismatchError",
    "TableSchema",
    "combine_estimates",
    "load",
    "make_synthesizer_pipeline",
    "report",
    "total_privacy_cost",
]
