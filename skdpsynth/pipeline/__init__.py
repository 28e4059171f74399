"""Pipelines whose last step is a synthesizer.

What is imported ``as`` itself is for the other wings of the house.
"""

from ._pipeline import SynthesizerPipeline, make_synthesizer_pipeline
from ._row_by_row import find_mixing as find_mixing
from ._schemas import drafts_schema as drafts_schema
from ._schemas import mark_claims as mark_claims
from ._schemas import mark_leak as mark_leak
from ._steps import leaf_steps as leaf_steps
from ._steps import learns_from_rows as learns_from_rows

__all__ = ["SynthesizerPipeline", "make_synthesizer_pipeline"]
