"""Adapt: clusters moved to inducing points of a kernel machine, by noisy normal equations."""

from ._plan import AdaptedBlocks, AdaptedVectors

__all__ = ["AdaptedBlocks", "AdaptedVectors"]
