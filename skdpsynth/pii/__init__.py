"""Personal data in a table: finding it, and masking it.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._detector import PIIDetector
from ._findings import Finding
from ._masker import PIIMasker
from ._warning import find_in_schema as find_in_schema
from ._warning import warn_of_pii

__all__ = ["Finding", "PIIDetector", "PIIMasker", "warn_of_pii"]
