"""Transformers between tables and the arrays that are modelled.

What is imported ``as`` itself is for the other wings of the house.
"""

from ..schema import (
    TableFormat,
    decode_table,
    encode_table,
    fit_schema_to_names,
    join_target,
    public_format,
    read_frame,
)
from ._base import TableTransformer as TableTransformer
from ._discretizer import BoundedDiscretizer
from ._encoder import TableEncoder
from ._missingness import MissingnessEncoder

__all__ = [
    "BoundedDiscretizer",
    "MissingnessEncoder",
    "TableEncoder",
    "TableFormat",
    "decode_table",
    "encode_table",
    "fit_schema_to_names",
    "join_target",
    "public_format",
    "read_frame",
]
