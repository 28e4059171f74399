"""What is public about a table, and a table as codes of it.

`__all__` is for everyone; what is imported ``as`` itself is for the other wings of the house.
"""

from ._bins import bin_codes as bin_codes
from ._bins import bin_values as bin_values
from ._bins import check_edges as check_edges
from ._bins import in_steps as in_steps
from ._bins import make_edges as make_edges
from ._bins import whole_numbers as whole_numbers
from ._codes import MARKERS as MARKERS
from ._codes import check_missing as check_missing
from ._codes import decode_column as decode_column
from ._codes import encode_column as encode_column
from ._codes import quote as quote
from ._codes import read_numbers as read_numbers
from ._codes import restore_column as restore_column
from ._codes import restore_numbers as restore_numbers
from ._codes import to_float as to_float
from ._containers import as_plain_frame as as_plain_frame
from ._containers import as_plain_series as as_plain_series
from ._containers import as_series as as_series
from ._containers import plain_columns as plain_columns
from ._dates import are_date_texts as are_date_texts
from ._doubts import DATES as DATES
from ._draft import Draft as Draft
from ._draft import draft_column as draft_column
from ._draft import draft_table as draft_table
from ._formats import TableFormat, public_format
from ._formats import dtype_of as dtype_of
from ._formats import name_dtype as name_dtype
from ._frames import decode_table, encode_table, fit_schema_to_names, join_target, read_frame
from ._frames import read_any_frame as read_any_frame
from ._given import check_schema as check_schema
from ._given import draft_privately as draft_privately
from ._given import purchases_of as purchases_of
from ._given import warn_leak as warn_leak
from ._identifiers import find_identifier as find_identifier
from ._identifiers import is_identifier_name as is_identifier_name
from ._json import JSON_FORMAT as JSON_FORMAT
from ._json import JSON_VERSION as JSON_VERSION
from ._json import read_json as read_json
from ._kinds import KINDS as KINDS
from ._kinds import LARGEST_COUNT as LARGEST_COUNT
from ._kinds import Categorical, ColumnKind, Continuous, Count, Ordinal
from ._kinds import Discrete as Discrete
from ._kinds import Numeric as Numeric
from ._kinds import as_scalar as as_scalar
from ._kinds import is_missing as is_missing
from ._kinds import shorten as shorten
from ._lattice import MOST_DECIMALS as MOST_DECIMALS
from ._parts import column_names as column_names
from ._parts import first_rows as first_rows
from ._parts import place_columns as place_columns
from ._parts import replace_columns as replace_columns
from ._parts import select_columns as select_columns
from ._parts import take_column as take_column
from ._table import Table
from ._table_schema import TableSchema

__all__ = [
    "Categorical",
    "ColumnKind",
    "Continuous",
    "Count",
    "Ordinal",
    "Table",
    "TableFormat",
    "TableSchema",
    "decode_table",
    "encode_table",
    "fit_schema_to_names",
    "join_target",
    "public_format",
    "read_frame",
]
