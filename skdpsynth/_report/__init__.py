"""A synthetic table beside the real one, as one HTML page."""

from ._report import Report, report
from ._words import advantage_bound, describe_privacy

__all__ = ["Report", "advantage_bound", "describe_privacy", "report"]
