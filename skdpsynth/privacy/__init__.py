"""The only place where budgets, sensitivities and noise live."""

from skdpsynth.privacy._accounting import compose_delta, compose_epsilon
from skdpsynth.privacy._calibration import (
    calibrate_gaussian,
    calibrate_subsampled_gaussian,
    calibrate_without_replacement,
)
from skdpsynth.privacy._entry import LedgerEntry
from skdpsynth.privacy._events import (
    Event,
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
    check_adjacency,
)
from skdpsynth.privacy._gdp import gdp_delta, gdp_epsilon, gdp_mu
from skdpsynth.privacy._ledger import PrivacyLedger
from skdpsynth.privacy._mechanisms import (
    exponential_mechanism,
    gaussian_release,
    general_sensitivity,
    nonnegative_sensitivity,
)
from skdpsynth.privacy._noise import NoiseSource
from skdpsynth.privacy._rounded_gaussian import sampler_log_ratio
from skdpsynth.privacy._spent import PrivacySpent
from skdpsynth.privacy._stable_histogram import (
    HistogramPlan,
    plan_stable_histogram,
    stable_histogram_release,
)
from skdpsynth.privacy._subsampled import AccountingError

__all__ = [
    "AccountingError",
    "Event",
    "FailureEvent",
    "GaussianEvent",
    "HistogramPlan",
    "LedgerEntry",
    "NoiseSource",
    "PrivacyLedger",
    "PrivacySpent",
    "SelectionEvent",
    "SubsampledGaussianEvent",
    "WithoutReplacementGaussianEvent",
    "calibrate_gaussian",
    "calibrate_subsampled_gaussian",
    "calibrate_without_replacement",
    "check_adjacency",
    "compose_delta",
    "compose_epsilon",
    "exponential_mechanism",
    "gaussian_release",
    "gdp_delta",
    "gdp_epsilon",
    "gdp_mu",
    "general_sensitivity",
    "nonnegative_sensitivity",
    "plan_stable_histogram",
    "sampler_log_ratio",
    "stable_histogram_release",
]
