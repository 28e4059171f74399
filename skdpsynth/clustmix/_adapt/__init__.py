"""Adapt: inducing points of a kernel machine (KIP), from noisy normal equations."""
