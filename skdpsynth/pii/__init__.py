"""Personal data in a table: finding it, and masking it."""

from ._detector import PIIDetector
from ._findings import Finding
from ._masker import PIIMasker
from ._warning import warn_of_pii

__all__ = ["Finding", "PIIDetector", "PIIMasker", "warn_of_pii"]
