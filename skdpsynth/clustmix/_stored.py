"""What of clusters with noise is stored in files."""

from __future__ import annotations

from .._product_mixture import MixtureModel
from .._storing import Entry, Stored, StoredSynthesizer
from ._synthesizer import ClustMixSynthesizer
from ._vectors._column_marginals import ColumnCells
from ._vectors._continuous_model import ContinuousModel

__all__ = ["STORED"]

STORED = Stored(
    entries=tuple(map(Entry, (ColumnCells, ContinuousModel))),
    synthesizers=(StoredSynthesizer(ClustMixSynthesizer, (MixtureModel, ContinuousModel)),),
    builds_on=("skdpsynth._product_mixture._stored",),
)
