"""What every fit of a mixture releases first: a row count, and histograms."""

from __future__ import annotations

from collections.abc import Sequence

from .._histograms import name_opening
from .._product_mixture import ColumnModel
from ..privacy import PlannedRelease
from ..schema import TableSchema

__all__ = ["find_owner", "opening_share", "plan_opening", "row_count_share"]

# shares of μ²: a row count alone needs less precision than the bins of every column
HISTOGRAMS_SHARE = 0.1
ROW_COUNT_SHARE = 0.01


def find_owner(columns: Sequence[ColumnModel], schema: TableSchema) -> int | None:
    """Return the position of the target if it is a table of cells, each of which owns components.

    A target that is normal or poisson is a column like any other.
    """
    if schema.target is None:
        return None
    position = schema.names.index(schema.target)
    return position if columns[position].is_tabulated else None


def row_count_share(adjacency: str) -> float:
    """Return the share of μ² of a row count released alone; it is public under replace-one."""
    return ROW_COUNT_SHARE if adjacency == "add_remove" else 0.0


def opening_share(columns: Sequence[ColumnModel], adjacency: str) -> float:
    """Return the share of μ² of the first release: histograms, or the row count if private."""
    return HISTOGRAMS_SHARE if _has_histograms(columns) else row_count_share(adjacency)


def plan_opening(columns: Sequence[ColumnModel], adjacency: str) -> tuple[PlannedRelease, ...]:
    """Return the first release to come; none where nothing but a public row count is needed."""
    share = opening_share(columns, adjacency)
    name = name_opening(_has_histograms(columns))
    return (PlannedRelease(name, share),) if share else ()


def _has_histograms(columns: Sequence[ColumnModel]) -> bool:
    return any(column.distribution == "histogram" for column in columns)
