"""Differentially private synthetic tables, the scikit-learn way."""

__version__ = "0.1.0.dev0"
