"""Mixtures of products of one-column distributions: shared by the synthesizers."""
