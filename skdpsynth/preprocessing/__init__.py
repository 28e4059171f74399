"""Transformers between tables and the arrays that are modelled."""

from ..schema._formats import TableFormat, public_format
from ..schema._frames import (
    decode_table,
    encode_table,
    fit_schema_to_names,
    join_target,
    read_frame,
)
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
