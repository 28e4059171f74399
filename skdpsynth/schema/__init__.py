"""What is public about a table, and a table as codes of it."""

from ._table import Table
from ._table_schema import Categorical, ColumnKind, Continuous, Count, Ordinal, TableSchema

__all__ = ["Categorical", "ColumnKind", "Continuous", "Count", "Ordinal", "Table", "TableSchema"]
