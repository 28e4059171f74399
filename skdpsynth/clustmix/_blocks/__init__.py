"""Clusters of mixed records, in blocks of cells: Approximate and Anonymize."""

from ._plan import BlocksPlan

__all__ = ["BlocksPlan"]
