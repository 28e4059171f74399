"""The errors and warnings of skdpsynth: each is one concept a caller may want to catch."""

from __future__ import annotations

__all__ = [
    "BudgetExceededError",
    "PIIWarning",
    "PrivacyLeakWarning",
    "SavedModelError",
    "SchemaError",
    "SchemaWarning",
    "SyntheticDataWarning",
    "TableMismatchError",
]


class PrivacyLeakWarning(UserWarning):
    """Something outside the privacy guarantee depends on the private rows.

    Raised for instance when bounds or levels are read from the data because no schema was given.
    """


class PIIWarning(UserWarning):
    """A synthesizer is given a column that looks like personal data, such as e-mail addresses."""


class SyntheticDataWarning(UserWarning):
    """A synthetic table is usable but lacks something a caller may rely on, such as a class."""


class SchemaWarning(UserWarning):
    """A drafted schema has a column that may be something else, such as an identifier or a date."""


class SchemaError(ValueError):
    """A schema contradicts itself: crossed bounds, duplicate levels, an unknown target."""


class TableMismatchError(ValueError):
    """A table does not fit its schema; the message names the column, the value and the way out."""


class BudgetExceededError(RuntimeError):
    """A release would spend more than the requested (ε, δ), and was not made."""


class SavedModelError(ValueError):
    """A file holds no synthesizer that this release can load: damaged, foreign, or newer."""
