"""Arrays in the .npy format, read without trusting their headers."""

from __future__ import annotations

import io
import math

import numpy as np
from numpy.lib import format as npy

from ..exceptions import SavedModelError

__all__ = ["ARRAY_DTYPES", "from_npy", "to_npy"]

ARRAY_DTYPES = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        *("bool", "int8", "int16", "int32", "int64"),
        *("uint8", "uint16", "uint32", "uint64", "float32", "float64"),
    )
}


def to_npy(array: np.ndarray) -> bytes:
    """Return an array as .npy bytes, its axes in the order they have in memory.

    The order is kept because sums and products are rounded according to it.
    """
    array = np.asarray(array, ARRAY_DTYPES[array.dtype.name])
    if not array.flags.forc:
        array = array.copy(order="K")
    if not array.flags.forc:
        array = np.ascontiguousarray(array)
    buffer = io.BytesIO()
    npy.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def from_npy(content: bytes) -> np.ndarray:
    """Return the array of .npy bytes; nothing is allocated before its size is checked.

    Raises
    ------
    SavedModelError
        If the dtype is not one of `ARRAY_DTYPES`, objects above all, or the shape does not have
        as many values as there are bytes.
    """
    buffer = io.BytesIO(content)
    if npy.read_magic(buffer) != (1, 0):
        raise SavedModelError("it holds an array of an unknown format")
    shape, is_fortran, dtype = npy.read_array_header_1_0(buffer)
    if dtype not in ARRAY_DTYPES.values():
        raise SavedModelError(f"it holds an array of dtype {dtype}")
    n_bytes = len(content) - buffer.tell()
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != n_bytes:
        raise SavedModelError(f"it holds an array of shape {shape} in {n_bytes} bytes")
    flat = np.frombuffer(content, dtype, offset=buffer.tell())
    array = flat.reshape(shape, order="F" if is_fortran else "C").copy(order="K")
    return array.astype(dtype.newbyteorder("="), copy=False)
