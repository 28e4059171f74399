"""The only place where budgets, sensitivities and noise live.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._accountant._calibration import (
    calibrate_gaussian,
    calibrate_subsampled_gaussian,
    calibrate_without_replacement,
)
from ._accountant._composed_loss import AccountingError
from ._accountant._composition import compose_delta, compose_epsilon
from ._accountant._curves import gdp_delta, gdp_epsilon, gdp_mu
from ._answers import GradientNoise, RowCount
from ._budget import Budget
from ._desk import Mechanisms
from ._entry import LedgerEntry
from ._events import (
    Event,
    FailureEvent,
    GaussianEvent,
    SelectionEvent,
    SubsampledGaussianEvent,
    WithoutReplacementGaussianEvent,
    check_adjacency,
)
from ._ledger import PrivacyLedger
from ._mechanisms import (
    general_sensitivity,
    nonnegative_sensitivity,
)
from ._noise import NoiseSource
from ._planned import PlannedRelease
from ._purchase import Purchase
from ._purchase import describe_purchases as describe_purchases
from ._purchase import price as price
from ._purchase import unite_purchases as unite_purchases
from ._repeated import RepeatedFit as RepeatedFit
from ._repeated import compose_fits as compose_fits
from ._spent import PrivacySpent
from ._stable_histogram import HistogramPlan, plan_stable_histogram

__all__ = [
    "AccountingError",
    "Budget",
    "Event",
    "FailureEvent",
    "GaussianEvent",
    "GradientNoise",
    "HistogramPlan",
    "LedgerEntry",
    "Mechanisms",
    "NoiseSource",
    "PlannedRelease",
    "PrivacyLedger",
    "PrivacySpent",
    "Purchase",
    "RowCount",
    "SelectionEvent",
    "SubsampledGaussianEvent",
    "WithoutReplacementGaussianEvent",
    "calibrate_gaussian",
    "calibrate_subsampled_gaussian",
    "calibrate_without_replacement",
    "check_adjacency",
    "compose_delta",
    "compose_epsilon",
    "gdp_delta",
    "gdp_epsilon",
    "gdp_mu",
    "general_sensitivity",
    "nonnegative_sensitivity",
    "plan_stable_histogram",
]
