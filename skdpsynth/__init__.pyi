from . import (
    benchmark,
    clustmix,
    datasets,
    displays,
    exceptions,
    inference,
    metrics,
    mixture,
    napsu,
    pii,
    pipeline,
    preprocessing,
    privacy,
    schema,
)
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
from .mixture import DPMixtureSynthesizer, NumPyroSynthesizer
from .napsu import NapsuMQSynthesizer
from .pii import PIIDetector, PIIMasker
from .pipeline import SynthesizerPipeline, make_synthesizer_pipeline
from .schema import Categorical, Continuous, Count, Ordinal, TableSchema

__version__: str

__all__ = [
    "BudgetExceededError",
    "Categorical",
    "ClustMixSynthesizer",
    "CombinedEstimate",
    "Continuous",
    "Count",
    "DPMixtureSynthesizer",
    "NapsuMQSynthesizer",
    "NumPyroSynthesizer",
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
    "benchmark",
    "clustmix",
    "combine_estimates",
    "datasets",
    "displays",
    "exceptions",
    "inference",
    "load",
    "make_synthesizer_pipeline",
    "metrics",
    "mixture",
    "napsu",
    "pii",
    "pipeline",
    "preprocessing",
    "privacy",
    "report",
    "schema",
    "total_privacy_cost",
]
