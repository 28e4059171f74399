"""Tools for those who build on the package."""

from .discovery import all_estimators

__all__ = ["all_estimators"]
