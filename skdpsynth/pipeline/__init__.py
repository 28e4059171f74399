"""Pipelines whose last step is a synthesizer."""

from ._pipeline import SynthesizerPipeline, make_synthesizer_pipeline

__all__ = ["SynthesizerPipeline", "make_synthesizer_pipeline"]
