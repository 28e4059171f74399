"""Faults as they happen to people who write such code, by name: context managers."""

from . import decisions, noise, telling
from ._planting import FAULTS

__all__ = ["FAULTS", "decisions", "noise", "telling"]
