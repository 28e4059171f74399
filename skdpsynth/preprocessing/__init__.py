"""Transformers between tables and the arrays that are modelled."""

from ._encoder import TableEncoder
from ._tables import TableFormat, decode_table, encode_table, fit_schema_to_names, read_frame

__all__ = [
    "TableEncoder",
    "TableFormat",
    "decode_table",
    "encode_table",
    "fit_schema_to_names",
    "read_frame",
]
