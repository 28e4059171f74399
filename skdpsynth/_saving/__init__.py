"""Fitted synthesizers in files: JSON and arrays, no pickle, loadable without trust."""

from ._document import load, save

__all__ = ["load", "save"]
