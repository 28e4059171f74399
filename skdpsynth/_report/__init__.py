"""A synthetic table beside the real one, as one HTML page."""

from ._report import Report, report
from ._report import make_report as make_report
from ._words import COMMAND_LINE as COMMAND_LINE
from ._words import advantage_bound, describe_privacy

__all__ = ["Report", "advantage_bound", "describe_privacy", "report"]
