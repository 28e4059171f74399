"""Clusters of wide numeric tables, as vectors: location, spread, principal components, clusters."""

from ._column_marginals import ColumnCells
from ._continuous_model import ContinuousModel
from ._plan import ContinuousPlan
from ._release import ContinuousRelease

__all__ = ["ColumnCells", "ContinuousModel", "ContinuousPlan", "ContinuousRelease"]
